//! Watches relayed OpenAI Chat streams and replies without building a tree of what needs no reading.

use super::{chunk_error, is_delta, read_error, read_usage};
use crate::formats::seen::{Noted, Observed, Seen};
use crate::framing::sse;
use crate::{Format, UpstreamFault};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// Notes what one event says. Only those that hold something to note are parsed.
pub(crate) fn observe(event: &Bytes, noted: &mut Noted) -> Seen {
    let wanted = !noted.has_delta
        || crate::json::says(event, b"\"usage\"")
        || crate::json::says(event, b"\"finish_reason\"")
        || crate::json::says(event, b"\"error\"");
    if !wanted {
        noted.ended |= memchr::memmem::find(event, b"[DONE]").is_some() && is_done(event);
        return Seen::Keep;
    }
    let Some(data) = sse::read(event).data else { return Seen::Keep };
    if &data[..] == b"[DONE]" {
        noted.ended = true;
        return Seen::Keep;
    }
    let Ok(chunk) = serde_json::from_slice::<Value>(&data) else { return Seen::Garbage };
    if let Some(error) = chunk_error(&chunk) {
        return Seen::Error(Box::new(error));
    }
    note(&chunk, noted);
    let only_usage = chunk.get("choices").and_then(Value::as_array).is_some_and(Vec::is_empty)
        && chunk.get("usage").is_some_and(Value::is_object);
    if only_usage { Seen::OnlyUsage } else { Seen::Keep }
}

fn note(chunk: &Value, noted: &mut Noted) {
    if let Some(usage) = chunk.get("usage").and_then(read_usage) {
        noted.usage = Some(usage);
    }
    if noted.model.is_none() {
        noted.model = chunk.get("model").and_then(Value::as_str).map(str::to_owned);
    }
    for choice in chunk.get("choices").and_then(Value::as_array).into_iter().flatten() {
        if let Some(reason) = choice.get("finish_reason").and_then(Value::as_str) {
            noted.finish = Some(reason.to_owned());
            noted.ended = true;
        }
        noted.has_delta |= choice.get("delta").is_some_and(is_delta);
    }
}

fn is_done(event: &Bytes) -> bool {
    sse::read(event).data.is_some_and(|data| data.trim_ascii() == b"[DONE]")
}

/// Only what is read here; everything else is skipped without being kept.
#[derive(Deserialize)]
struct Shape<'a> {
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    usage: Option<Value>,
    #[serde(borrow, default)]
    choices: Option<Vec<Choice<'a>>>,
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
/// When it is not of the format, or reports an error.
pub(crate) fn observe_reply(body: &str) -> Result<Observed, UpstreamFault> {
    let shape: Shape<'_> =
        serde_json::from_str(body).map_err(|error| UpstreamFault::not_json(Format::OpenAIChat, &error))?;
    if let Some(error) = shape.error.filter(|error| !error.is_null()) {
        let error = read_error(&serde_json::json!({ "error": error }), 502);
        return Err(UpstreamFault::Reported(error.expect("a body with an error reports one")));
    }
    let Some(choices) = shape.choices else {
        return Err(UpstreamFault::malformed(Format::OpenAIChat, "'choices' is missing"));
    };
    Ok(Observed {
        usage: shape.usage.as_ref().and_then(read_usage),
        finish: choices.into_iter().find_map(|choice| choice.finish_reason),
        model: shape.model,
    })
}
