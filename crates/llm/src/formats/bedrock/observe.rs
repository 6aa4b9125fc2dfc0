//! Watches relayed Converse streams and replies without building a tree of what needs no reading.

use super::{exception, read_error, usage};
use crate::formats::seen::{Noted, Observed, Seen};
use crate::framing::event_stream;
use crate::{Format, UpstreamFault};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// No header of the service's stands behind this.
const HEADERS: usize = 256;

/// Notes what one message says. Once a delta was seen, further ones are not read.
pub(crate) fn observe(message: &Bytes, noted: &mut Noted) -> Seen {
    let head = message.get(..HEADERS).unwrap_or(message);
    if noted.has_delta && memchr::memmem::find(head, b":event-type\x07\x00\x11contentBlockDelta").is_some() {
        return Seen::Keep;
    }
    let Ok(frame) = event_stream::read(message) else { return Seen::Garbage };
    let name = frame.name.as_deref().unwrap_or_default();
    let data = frame.data.as_deref().unwrap_or_default();
    if frame.exception {
        let value = serde_json::from_slice(data).unwrap_or_default();
        return Seen::Error(Box::new(exception(name, &value)));
    }
    match name {
        "contentBlockStart" | "contentBlockDelta" => noted.has_delta = true,
        "messageStop" | "metadata" => {
            let Ok(value) = serde_json::from_slice::<Value>(data) else { return Seen::Garbage };
            if let Some(reason) = value.get("stopReason").and_then(Value::as_str) {
                noted.finish = Some(reason.to_owned());
            }
            noted.usage = value.get("usage").and_then(usage::read).or(noted.usage);
            noted.ended = true;
        }
        _ => {}
    }
    Seen::Keep
}

/// Only what is read here; everything else is skipped without being kept.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shape<'a> {
    #[serde(borrow, default)]
    output: Option<&'a RawValue>,
    #[serde(default)]
    stop_reason: Option<String>,
    #[serde(default)]
    usage: Option<Value>,
    #[serde(default)]
    message: Option<Value>,
}

/// Reads a relayed 2xx reply.
///
/// # Errors
/// When it is not of the format, or reports an error.
pub(crate) fn observe_reply(body: &str) -> Result<Observed, UpstreamFault> {
    let shape: Shape<'_> =
        serde_json::from_str(body).map_err(|error| UpstreamFault::not_json(Format::BedrockConverse, &error))?;
    if shape.output.is_none() {
        let error = read_error(&serde_json::json!({ "message": shape.message }), 502);
        let missing = || UpstreamFault::malformed(Format::BedrockConverse, "'output' is missing");
        return Err(error.map_or_else(missing, UpstreamFault::Reported));
    }
    Ok(Observed { usage: shape.usage.as_ref().and_then(usage::read), finish: shape.stop_reason, model: None })
}
