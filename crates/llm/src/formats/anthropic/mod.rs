//! Anthropic Messages.

mod blocks;
pub(crate) mod capabilities;
mod citations;
mod decode_reply;
mod decode_request;
mod decode_stream;
mod encode_parts;
mod encode_reply;
mod encode_request;
pub(crate) mod encode_settings;
mod encode_stream;
mod error;
mod observe;
pub(crate) mod schema;
mod think;
mod turns;
mod usage;
mod web_search;

pub use decode_reply::decode_reply;
pub use decode_request::decode_request;
pub use decode_stream::StreamDecoder;
pub use encode_reply::encode_reply;
#[cfg(test)]
pub(crate) use encode_request::JSON_TOOL;
pub(crate) use encode_request::encode_params;
pub use encode_request::encode_request;
pub use encode_stream::StreamEncoder;
pub use error::{error_body, read_error};
pub(crate) use observe::{observe, observe_reply};
pub use usage::{delta_usage, merge_usage, usage_object};

use crate::model::{Finish, FinishKind};

/// A `stop_reason`. One of tomorrow ends the answer like any other.
fn read_finish(reason: &str, stop_sequence: Option<&str>) -> Finish {
    let kind = match reason {
        "stop_sequence" => FinishKind::StopSequence,
        "max_tokens" => FinishKind::Length,
        "model_context_window_exceeded" => FinishKind::ContextFull,
        "tool_use" => FinishKind::ToolCalls,
        "pause_turn" => FinishKind::Pause,
        "refusal" => FinishKind::Refusal,
        _ => FinishKind::Stop,
    };
    Finish { kind, native: reason.to_owned(), stop_sequence: stop_sequence.map(str::to_owned) }
}

fn stop_reason(kind: FinishKind) -> &'static str {
    match kind {
        FinishKind::Stop => "end_turn",
        FinishKind::StopSequence => "stop_sequence",
        FinishKind::Length => "max_tokens",
        FinishKind::ContextFull => "model_context_window_exceeded",
        FinishKind::ToolCalls => "tool_use",
        FinishKind::Pause => "pause_turn",
        FinishKind::Refusal => "refusal",
    }
}

/// The `stop_details` of a finish: only a refusal has any, and why is not known here.
fn stop_details(kind: FinishKind) -> serde_json::Value {
    match kind {
        FinishKind::Refusal => serde_json::json!({"type": "refusal", "category": null, "explanation": null}),
        _ => serde_json::Value::Null,
    }
}

#[cfg(test)]
mod tests;
