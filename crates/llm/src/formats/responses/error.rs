//! Errors inside of a stream, and in a response that failed.

use crate::framing::sse;
use crate::{ErrorInfo, ErrorKind};
use bytes::Bytes;
use serde_json::{Value, json};

/// An error as the last event of a stream of which no more is known than how many events there were.
#[must_use]
pub fn error_frame(error: &ErrorInfo, sequence: u64) -> Bytes {
    sse::write(Some("error"), &crate::json::bytes(&error_event(error, sequence)))
}

/// The `error` event. The schema has its members in the event itself; the API sends them within `error`, and OpenAI's
/// SDKs throw where they find them there. So both are written.
pub(super) fn error_event(error: &ErrorInfo, sequence: u64) -> Value {
    let mut event = crate::formats::openai::error_body(error);
    event["type"] = json!("error");
    event["sequence_number"] = json!(sequence);
    for key in ["code", "message", "param"] {
        event[key] = event["error"][key].clone();
    }
    event
}

/// The `error` of a response, whose codes are few.
pub(super) fn failure(error: &ErrorInfo) -> Value {
    let code = match error.kind {
        ErrorKind::RateLimited | ErrorKind::Billing => "rate_limit_exceeded",
        ErrorKind::InvalidRequest | ErrorKind::TooLarge => "invalid_prompt",
        _ => "server_error",
    };
    json!({"code": code, "message": error.message})
}
