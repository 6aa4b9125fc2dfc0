//! Bedrock Converse and ConverseStream.
//!
//! Members that are blobs in the service's model are base64 texts in its JSON.

mod betas;
mod blocks;
mod cache;
mod citations;
mod decode_content;
mod decode_reply;
mod decode_request;
mod decode_settings;
mod decode_stream;
mod documents;
mod encode_own;
mod encode_reply;
mod encode_request;
mod encode_settings;
mod encode_stream;
mod encode_tools;
mod error;
pub(crate) mod invoke;
mod media;
pub(crate) mod models;
mod observe;
mod redacted;
mod spelling;
mod tool_choice;
mod turns;
mod usage;
mod vendor;

pub use decode_reply::decode_reply;
pub use decode_request::decode_request;
pub use decode_stream::StreamDecoder;
pub use encode_reply::encode_reply;
pub(crate) use encode_request::encode_params;
pub use encode_request::encode_request;
pub use encode_stream::StreamEncoder;
pub use error::{error_body, error_frame, error_type, read_error};
pub(crate) use error::{exception, kind_of};
pub(crate) use observe::{observe, observe_reply};

use crate::model::{Finish, FinishKind, NameRules, Names, Report, mint, plain_id};
use serde_json::Value;

/// The API's rule for tool names.
const NAMES: NameRules = NameRules { longest: 64 };

/// The name to send for a tool of the client's.
fn send_name(name: &str, names: &mut Names, report: &mut Report) -> String {
    let sent = names.send(name, NAMES);
    if sent != name {
        report.approximate("tools[].name");
    }
    sent
}

/// The id to send for a call: the API takes 64 letters, digits, `_` and `-`. Equal ids give equal ids.
fn call_id(id: &str) -> String {
    if id.len() > 64 { mint(id, 0) } else { plain_id(id) }
}

/// A `stopReason`, with the stop text that Claude tells when it is asked to. One of tomorrow ends the answer like any
/// other.
fn read_finish(reason: &str, fields: Option<&Value>) -> Finish {
    let kind = match reason {
        "stop_sequence" => FinishKind::StopSequence,
        "max_tokens" => FinishKind::Length,
        "model_context_window_exceeded" => FinishKind::ContextFull,
        "tool_use" => FinishKind::ToolCalls,
        "content_filtered" | "guardrail_intervened" => FinishKind::Refusal,
        _ => FinishKind::Stop,
    };
    let stop_sequence = fields.and_then(|fields| fields.get("stop_sequence")?.as_str().map(str::to_owned));
    Finish { kind, native: reason.to_owned(), stop_sequence }
}

fn stop_reason(kind: FinishKind) -> &'static str {
    match kind {
        FinishKind::Stop | FinishKind::Pause => "end_turn",
        FinishKind::StopSequence => "stop_sequence",
        FinishKind::Length => "max_tokens",
        FinishKind::ContextFull => "model_context_window_exceeded",
        FinishKind::ToolCalls => "tool_use",
        FinishKind::Refusal => "content_filtered",
    }
}

#[cfg(test)]
mod tests;
