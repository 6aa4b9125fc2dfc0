//! Watches relayed Anthropic streams and replies without building a tree of what needs no reading.

use super::{merge_usage, read_error};
use crate::formats::seen::{Noted, Observed, Seen};
use crate::framing::sse;
use crate::{Format, UpstreamFault};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// Notes what one event says. Deltas of content are not parsed.
pub(crate) fn observe(event: &Bytes, noted: &mut Noted) -> Seen {
    if memchr::memmem::find(event, b"content_block_delta\"").is_some() {
        noted.has_delta = true;
        return Seen::Keep;
    }
    let Some(data) = sse::read(event).data else { return Seen::Keep };
    let Ok(value) = serde_json::from_slice::<Value>(&data) else { return Seen::Garbage };
    match value.get("type").and_then(Value::as_str).unwrap_or_default() {
        "message_start" => {
            let message = value.get("message").unwrap_or(&Value::Null);
            noted.model = message.get("model").and_then(Value::as_str).map(str::to_owned);
            merge_usage(&mut noted.usage, message.get("usage"));
        }
        "content_block_start" => {
            let block = value.get("content_block").and_then(|block| block.get("type")).and_then(Value::as_str);
            noted.has_delta |= !matches!(block, Some("text" | "thinking") | None);
        }
        "message_delta" => {
            merge_usage(&mut noted.usage, value.get("usage"));
            let reason = value.get("delta").and_then(|delta| delta.get("stop_reason")).and_then(Value::as_str);
            if let Some(reason) = reason {
                noted.finish = Some(reason.to_owned());
            }
        }
        "message_stop" => noted.ended = true,
        "error" => {
            if let Some(error) = read_error(&value, 502) {
                return Seen::Error(Box::new(error));
            }
        }
        _ => {}
    }
    Seen::Keep
}

/// Only what is read here; everything else is skipped without being kept.
#[derive(Deserialize)]
struct Shape<'a> {
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    usage: Option<Value>,
    #[serde(default)]
    stop_reason: Option<String>,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
    #[serde(default)]
    error: Option<Value>,
}

/// Reads a relayed 2xx reply.
///
/// # Errors
/// When it is not of the format, or reports an error.
pub(crate) fn observe_reply(body: &str) -> Result<Observed, UpstreamFault> {
    let shape: Shape<'_> =
        serde_json::from_str(body).map_err(|error| UpstreamFault::not_json(Format::AnthropicMessages, &error))?;
    if let Some(error) = shape.error.filter(|error| !error.is_null()) {
        let error = read_error(&serde_json::json!({ "error": error }), 502);
        return Err(UpstreamFault::Reported(error.expect("a body with an error reports one")));
    }
    if shape.content.is_none() {
        return Err(UpstreamFault::malformed(Format::AnthropicMessages, "'content' is missing"));
    }
    let mut usage = None;
    merge_usage(&mut usage, shape.usage.as_ref());
    Ok(Observed { usage, finish: shape.stop_reason, model: shape.model })
}
