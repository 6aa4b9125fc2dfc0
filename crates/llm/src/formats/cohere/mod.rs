//! Cohere chat, v2. Source: Cohere's OpenAPI document and recorded traffic.

mod citations;
mod decode_messages;
mod decode_reply;
mod decode_request;
mod decode_stream;
mod documents;
mod encode_messages;
mod encode_parts;
mod encode_reply;
mod encode_request;
mod encode_settings;
mod encode_stream;
mod error;
mod observe;
mod usage;

pub use decode_reply::decode_reply;
pub use decode_request::decode_request;
pub use decode_stream::StreamDecoder;
pub use encode_reply::encode_reply;
pub(crate) use encode_request::encode_params;
pub use encode_request::encode_request;
pub use encode_stream::StreamEncoder;
pub use error::{error_body, error_frame, read_error};
pub(crate) use observe::{observe, observe_reply};

use crate::model::{Finish, FinishKind};
use crate::{ErrorInfo, ErrorKind};

/// In a part's `type`: the thinking stood in `tool_plan`, beside the content.
const PLAN: &str = "tool_plan";

/// In a message's extras: its role in other letters than the API's, such as those of the older one.
const SPELLED_ROLE: &str = ":role";

/// A `finish_reason`, the older API's words too. One of tomorrow ends the answer like any other.
fn read_finish(reason: &str) -> Finish {
    let kind = match reason {
        "STOP_SEQUENCE" => FinishKind::StopSequence,
        "MAX_TOKENS" => FinishKind::Length,
        "ERROR_LIMIT" => FinishKind::ContextFull,
        "TOOL_CALL" => FinishKind::ToolCalls,
        "ERROR_TOXIC" => FinishKind::Refusal,
        _ => FinishKind::Stop,
    };
    Finish::new(kind, reason)
}

/// The error that a finish tells: the generation failed though the status is 200.
fn failed(reason: &str, message: Option<&str>) -> Option<ErrorInfo> {
    let (kind, status, words) = match reason {
        "ERROR" => (ErrorKind::Server, 502, "the generation failed"),
        "TIMEOUT" => (ErrorKind::Timeout, 504, "the generation took too long"),
        _ => return None,
    };
    let message = message.filter(|message| !message.is_empty()).unwrap_or(words);
    Some(ErrorInfo { status, ..ErrorInfo::new(kind, message).with_code(reason) })
}

fn finish_reason(kind: FinishKind) -> &'static str {
    match kind {
        // It has no word for a refusal.
        FinishKind::Stop | FinishKind::Pause | FinishKind::Refusal => "COMPLETE",
        FinishKind::StopSequence => "STOP_SEQUENCE",
        FinishKind::Length | FinishKind::ContextFull => "MAX_TOKENS",
        FinishKind::ToolCalls => "TOOL_CALL",
    }
}

#[cfg(test)]
mod tests;
