//! Which headers cross the gateway, both ways.

use super::Descriptor;
use crate::Dialect;
use http::{HeaderMap, HeaderName, HeaderValue};

/// Request headers that any upstream may see.
const REQUEST: &[&str] = &["accept", "content-type", "idempotency-key", "traceparent", "tracestate", "user-agent"];
/// Reply headers that any client may see.
const REPLY: &[&str] = &["retry-after", "retry-after-ms"];
/// Reply headers that describe a body which is relayed.
const RELAYED: &[&str] = &["content-disposition", "content-type"];

pub(super) fn request(descriptor: &Descriptor, client: Dialect, headers: &HeaderMap) -> HeaderMap {
    let own: &[&str] = if descriptor.dialects.contains(&client) { descriptor.request_headers } else { &[] };
    let mut out = pick(headers, |name| REQUEST.contains(&name) || own.contains(&name));
    for (name, value) in descriptor.required_headers {
        let name = HeaderName::from_static(name);
        if !out.contains_key(&name) {
            out.insert(name, HeaderValue::from_static(value));
        }
    }
    out
}

pub(super) fn reply(descriptor: &Descriptor, client: Dialect, headers: &HeaderMap) -> HeaderMap {
    let relayed: &[&str] = if descriptor.dialects.contains(&client) { RELAYED } else { &[] };
    pick(headers, |name| {
        REPLY.contains(&name)
            || relayed.contains(&name)
            || descriptor.reply_headers.iter().any(|own| match own.ends_with('-') {
                true => name.starts_with(own),
                false => name == *own,
            })
    })
}

fn pick(headers: &HeaderMap, allowed: impl Fn(&str) -> bool) -> HeaderMap {
    let mut out = HeaderMap::new();
    for (name, value) in headers {
        if allowed(name.as_str()) {
            out.append(name.clone(), value.clone());
        }
    }
    out
}
