//! Reads usage and finish out of a relayed whole reply without building a tree of it.

use crate::formats;
use crate::{ErrorInfo, Format, UpstreamFault, Usage};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// What a whole reply says beside its content.
#[derive(Debug, Default)]
pub(crate) struct Observed {
    pub(crate) usage: Option<Usage>,
    pub(crate) finish: Option<String>,
    pub(crate) model: Option<String>,
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
    choices: Option<Vec<Choice<'a>>>,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(default)]
    finish_reason: Option<String>,
    #[serde(borrow, default, rename = "message")]
    _message: Option<&'a RawValue>,
}

/// Reads a relayed 2xx reply.
///
/// # Errors
/// When it is not of the wire's format, or reports an error.
pub(crate) fn observe_reply(wire: Format, body: &[u8]) -> Result<Observed, UpstreamFault> {
    // What is skipped is not checked by the parser, and a client must not get bytes that are no text.
    let text = std::str::from_utf8(body).map_err(|_| UpstreamFault::malformed(wire, "not UTF-8"))?;
    let shape: Shape<'_> = serde_json::from_str(text).map_err(|error| {
        UpstreamFault::malformed(wire, format!("not its JSON, at line {} column {}", error.line(), error.column()))
    })?;
    if let Some(error) = shape.error.as_ref().filter(|error| !error.is_null()) {
        return Err(UpstreamFault::Reported(reported(wire, error)));
    }
    match wire {
        Format::OpenAIChat => {
            let Some(choices) = shape.choices else {
                return Err(UpstreamFault::malformed(wire, "'choices' is missing"));
            };
            Ok(Observed {
                usage: shape.usage.as_ref().and_then(formats::openai::read_usage),
                finish: choices.into_iter().find_map(|choice| choice.finish_reason),
                model: shape.model,
            })
        }
        Format::AnthropicMessages => {
            if shape.content.is_none() {
                return Err(UpstreamFault::malformed(wire, "'content' is missing"));
            }
            let mut usage = None;
            formats::anthropic::merge_usage(&mut usage, shape.usage.as_ref());
            Ok(Observed { usage, finish: shape.stop_reason, model: shape.model })
        }
    }
}

fn reported(wire: Format, error: &Value) -> ErrorInfo {
    let body = serde_json::json!({ "error": error });
    let read = match wire {
        Format::OpenAIChat => formats::openai::read_error(&body, 502),
        Format::AnthropicMessages => formats::anthropic::read_error(&body, 502),
    };
    read.expect("a body with an error reports one")
}
