//! OpenAI Chat Completions.

mod citations;
mod decode_messages;
mod decode_reply;
mod decode_request;
mod decode_stream;
mod encode_messages;
mod encode_parts;
mod encode_reply;
mod encode_request;
mod encode_settings;
mod encode_stream;
mod encode_tools;
mod error;
mod json_end;
mod observe;
pub(crate) mod strict;
mod turns;
mod usage;

pub(crate) use decode_messages::{decode_call, decode_image, is_foreign_call, put_signature};
pub use decode_reply::decode_reply;
pub(crate) use decode_request::decode_tool;
pub use decode_request::{decode_params, decode_request};
pub use decode_stream::StreamDecoder;
pub(crate) use encode_messages::is_billing;
pub(crate) use encode_parts::{foreign_name, kind_name, merge, source_of};
pub use encode_reply::encode_reply;
pub use encode_request::encode_request;
pub(crate) use encode_settings::{cannot_reason, effort_of, samples_alone};
pub use encode_stream::StreamEncoder;
pub(crate) use encode_tools::{bind, bind_shape};
pub use error::{error_body, read_error};
pub(crate) use observe::{observe, observe_reply};
pub use usage::{read_usage, usage_object};

use crate::model::{Finish, FinishKind};
use crate::{ErrorInfo, ErrorKind};
use serde_json::Value;

/// Members of a reply's or a chunk's body that are read, or say something of the server itself and not of the answer.
const BODY_READ: [&str; 13] = [
    "id",
    "object",
    "created",
    "model",
    "choices",
    "usage",
    "service_tier",
    "system_fingerprint",
    "obfuscation",
    "provider",
    "x_groq",
    "time_info",
    "timings",
];

/// A `finish_reason`. One of tomorrow ends the answer like any other.
fn read_finish(reason: &str) -> Finish {
    let kind = match reason {
        // Mistral's word for a context that is full.
        "length" | "model_length" => FinishKind::Length,
        "tool_calls" | "function_call" => FinishKind::ToolCalls,
        "content_filter" => FinishKind::Refusal,
        _ => FinishKind::Stop,
    };
    Finish::new(kind, reason)
}

fn finish_reason(kind: FinishKind) -> &'static str {
    match kind {
        FinishKind::Stop | FinishKind::StopSequence | FinishKind::Pause => "stop",
        FinishKind::Length | FinishKind::ContextFull => "length",
        FinishKind::ToolCalls => "tool_calls",
        FinishKind::Refusal => "content_filter",
    }
}

/// The error that a chunk or a 2xx reply reports: beside `choices`, in their place, or in the first of them, where it
/// stands as an `error` (OpenRouter) or is all that the finish says (Mistral, DeepSeek). Groq's stands in `x_groq`.
#[must_use]
pub fn chunk_error(chunk: &Value) -> Option<ErrorInfo> {
    let said = |value: &Value| value.get("error").is_some_and(|error| !error.is_null());
    let Some(choices) = chunk.get("choices").filter(|_| !said(chunk)) else { return read_error(chunk, 502) };
    let within = [choices.get(0), chunk.get("x_groq")].into_iter().flatten().find(|value| said(value));
    if let Some(within) = within {
        return read_error(within, 502);
    }
    let reason = choices.get(0)?.get("finish_reason")?.as_str()?;
    let failed = matches!(reason, "error" | "insufficient_system_resource");
    let message = || format!("upstream ended its answer with '{reason}'");
    failed.then(|| ErrorInfo { status: 502, ..ErrorInfo::new(ErrorKind::Server, message()) })
}

/// Whether a `delta` carries any piece of an answer, rather than the role alone.
#[must_use]
pub fn is_delta(delta: &Value) -> bool {
    let Some(delta) = delta.as_object() else { return false };
    delta.iter().any(|(key, value)| {
        key != "role"
            && match value {
                Value::Null | Value::Bool(false) => false,
                Value::String(text) => !text.is_empty(),
                Value::Array(items) => !items.is_empty(),
                _ => true,
            }
    })
}

#[cfg(test)]
mod tests;
