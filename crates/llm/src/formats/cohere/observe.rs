//! Watches relayed Cohere streams and replies without building a tree of what needs no reading.

use super::{failed, read_error, usage};
use crate::formats::seen::{Noted, Observed, Seen};
use crate::framing::sse;
use crate::{Format, UpstreamFault};
use bytes::Bytes;
use memchr::memmem::find;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// Notes what one event says. Deltas are not parsed.
pub(crate) fn observe(event: &Bytes, noted: &mut Noted) -> Seen {
    // A quote behind the word: inside of a text it would be escaped.
    if find(event, b"content-delta\"").is_some() || find(event, b"tool-call-delta\"").is_some() {
        noted.has_delta = true;
        return Seen::Keep;
    }
    let Some(data) = sse::read(event).data else { return Seen::Keep };
    if data.trim_ascii() == b"[DONE]" {
        noted.ended = true;
        return Seen::Keep;
    }
    let Ok(value) = serde_json::from_slice::<Value>(&data) else { return Seen::Garbage };
    match value.get("type").and_then(Value::as_str).unwrap_or_default() {
        "tool-plan-delta" | "tool-call-start" => noted.has_delta = true,
        "message-end" => return end(value.get("delta").unwrap_or(&Value::Null), noted),
        "" | "error" => {
            if let Some(error) = read_error(&value, 502) {
                return Seen::Error(Box::new(error));
            }
        }
        _ => {}
    }
    Seen::Keep
}

fn end(delta: &Value, noted: &mut Noted) -> Seen {
    noted.usage = delta.get("usage").and_then(usage::read_usage).or(noted.usage);
    let message = delta.get("error").and_then(Value::as_str);
    let reason = delta.get("finish_reason").and_then(Value::as_str);
    let reason = reason.unwrap_or(if message.is_some() { "ERROR" } else { "COMPLETE" });
    noted.finish = Some(reason.to_owned());
    noted.ended = true;
    match failed(reason, message) {
        Some(error) => Seen::Error(Box::new(error)),
        None => Seen::Keep,
    }
}

/// Only what is read here; everything else is skipped without being kept.
#[derive(Deserialize)]
struct Shape<'a> {
    #[serde(default)]
    finish_reason: Option<String>,
    #[serde(default)]
    usage: Option<Value>,
    #[serde(borrow, default)]
    message: Option<&'a RawValue>,
    #[serde(default)]
    model: Option<String>,
}

/// Reads a relayed 2xx reply.
///
/// # Errors
/// When it is not of the format, or reports an error.
pub(crate) fn observe_reply(body: &str) -> Result<Observed, UpstreamFault> {
    const WIRE: Format = Format::CohereChat;
    let shape: Shape<'_> = serde_json::from_str(body).map_err(|error| UpstreamFault::not_json(WIRE, &error))?;
    if !shape.message.is_some_and(|message| message.get().starts_with('{')) {
        let reported = serde_json::from_str(body).ok().and_then(|value| read_error(&value, 502));
        return Err(match reported {
            Some(error) => UpstreamFault::Reported(error),
            None => UpstreamFault::malformed(WIRE, "'message' is missing"),
        });
    }
    if let Some(error) = shape.finish_reason.as_deref().and_then(|reason| failed(reason, None)) {
        return Err(UpstreamFault::Reported(error));
    }
    let usage = shape.usage.as_ref().and_then(usage::read_usage);
    Ok(Observed { usage, finish: shape.finish_reason, model: shape.model })
}
