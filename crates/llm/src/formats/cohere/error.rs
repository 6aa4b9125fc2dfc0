//! Cohere's error shape: a message and an id; the status tells the kind.

use crate::framing::sse;
use crate::{ErrorInfo, ErrorKind};
use bytes::Bytes;
use serde_json::{Value, json};

/// The body of an error.
#[must_use]
pub fn error_body(error: &ErrorInfo) -> Value {
    json!({"message": error.message})
}

/// An error as the end of a stream: the API has no other event for one.
#[must_use]
pub fn error_frame(error: &ErrorInfo) -> Bytes {
    let reason = if error.kind == ErrorKind::Timeout { "TIMEOUT" } else { "ERROR" };
    let delta = json!({"finish_reason": reason, "error": error.message});
    sse::write(Some("message-end"), &crate::json::bytes(&json!({"type": "message-end", "delta": delta})))
}

/// The error that a body or an event reports, `None` when it reports none: `message` is a text (an answer's is an
/// object), or `error` of a proxy in front of the API. `status` is that of the reply, or 502 for an error inside a 200.
#[must_use]
pub fn read_error(value: &Value, status: u16) -> Option<ErrorInfo> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Object(object) => object.get("message").and_then(Value::as_str).map(str::to_owned),
        _ => None,
    };
    let said = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let message = said("message").or_else(|| value.get("error").and_then(text));
    let message = message.or_else(|| said("detail").or_else(|| said("data")))?;
    let kind = match status {
        498 => ErrorKind::Authentication,
        status => ErrorKind::of_status(status),
    };
    Some(ErrorInfo { status, kind, message, code: said("error_type"), param: None })
}
