//! Watches relayed streams and replies without building a tree of what needs no reading.

use super::{finish, read_error, usage};
use crate::formats::seen::{Noted, Observed, Seen};
use crate::framing::{self, Framing};
use crate::{Format, UpstreamFault};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// Notes what one frame says. Once the answer has begun, of a chunk that goes on with it only its usage is read.
pub(crate) fn observe(framing: Framing, frame: &Bytes, noted: &mut Noted) -> Seen {
    let says = |quoted: &[u8]| crate::json::says(frame, quoted);
    let goes_on = noted.has_delta
        && says(b"\"candidates\"")
        && !(says(b"\"finishReason\"") || says(b"\"error\"") || says(b"\"promptFeedback\""));
    if goes_on {
        if let Some(told) = told_usage(frame) {
            noted.usage = Some(told);
        }
        return Seen::Keep;
    }
    let Ok(read) = framing::read(framing, frame) else { return Seen::Garbage };
    let Some(data) = read.data.filter(|data| !data.trim_ascii().is_empty()) else {
        // The end of an array is the end of the stream; of server-sent events there is none.
        if framing == Framing::JsonArray && frame.ends_with(b"]") {
            noted.ended = noted.finish.is_some();
        }
        return Seen::Keep;
    };
    if data.trim_ascii() == b"[DONE]" {
        return Seen::Keep;
    }
    let chunk = match parse(&data) {
        Ok(chunk) => chunk,
        Err(UpstreamFault::Reported(error)) => return Seen::Error(Box::new(error)),
        Err(_) => return Seen::Garbage,
    };
    note(chunk, noted);
    noted.ended |= framing != Framing::JsonArray && noted.finish.is_some();
    Seen::Keep
}

/// A reply or a chunk; errors of streams may come as a list of one.
fn parse(text: &[u8]) -> Result<Chunk<'_>, UpstreamFault> {
    const WIRE: Format = Format::GeminiGenerateContent;
    if text.trim_ascii_start().starts_with(b"[") {
        let list: Value = serde_json::from_slice(text).map_err(|error| UpstreamFault::not_json(WIRE, &error))?;
        return Err(match read_error(&list, 502) {
            Some(error) => UpstreamFault::Reported(error),
            None => UpstreamFault::malformed(WIRE, "not an object"),
        });
    }
    let chunk: Chunk<'_> = serde_json::from_slice(text).map_err(|error| UpstreamFault::not_json(WIRE, &error))?;
    match chunk.error.as_ref().and_then(|error| read_error(&serde_json::json!({ "error": error }), 502)) {
        Some(error) => Err(UpstreamFault::Reported(error)),
        None => Ok(chunk),
    }
}

fn note(chunk: Chunk<'_>, noted: &mut Noted) {
    if let Some(told) = chunk.usage.as_ref().and_then(usage::read) {
        noted.usage = Some(told);
    }
    if noted.model.is_none() {
        noted.model = text(chunk.model);
    }
    let candidates = chunk.candidates.unwrap_or_default();
    if candidates.is_empty() && noted.finish.is_none() {
        noted.finish = chunk.feedback.map(blocked);
    }
    for candidate in candidates {
        if let Some(reason) = candidate.reason.as_ref().and_then(finish::word) {
            noted.finish = Some(reason);
        }
        noted.has_delta |= candidate.content.and_then(|content| content.parts).is_some_and(|parts| {
            let says = |part: &Part<'_>| part.text.is_none_or(|text| text.get() != "\"\"") || part.signature.is_some();
            parts.iter().any(says)
        });
    }
}

fn text(value: Option<Value>) -> Option<String> {
    match value {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

/// Why a prompt was blocked.
fn blocked(feedback: Feedback) -> String {
    text(feedback.reason).unwrap_or_else(|| "BLOCK_REASON_UNSPECIFIED".to_owned())
}

/// The usage of a chunk, without the rest of it.
fn told_usage(frame: &[u8]) -> Option<crate::Usage> {
    const NAME: &[u8] = b"\"usageMetadata\"";
    let at = memchr::memmem::rfind(frame, NAME)?;
    let value = frame[at + NAME.len()..].trim_ascii_start().strip_prefix(b":")?;
    let value = serde_json::Deserializer::from_slice(value).into_iter::<Value>().next()?.ok()?;
    usage::read(&value)
}

/// Only what is read here; everything else is skipped without being kept.
#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(default, rename = "modelVersion")]
    model: Option<Value>,
    #[serde(default, rename = "usageMetadata")]
    usage: Option<Value>,
    #[serde(default, rename = "promptFeedback")]
    feedback: Option<Feedback>,
    #[serde(borrow, default)]
    candidates: Option<Vec<Candidate<'a>>>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Feedback {
    #[serde(default, rename = "blockReason")]
    reason: Option<Value>,
}

#[derive(Deserialize)]
struct Candidate<'a> {
    #[serde(default, rename = "finishReason")]
    reason: Option<Value>,
    #[serde(borrow, default)]
    content: Option<Content<'a>>,
}

#[derive(Deserialize)]
struct Content<'a> {
    #[serde(borrow, default)]
    parts: Option<Vec<Part<'a>>>,
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow, default)]
    text: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "thoughtSignature")]
    signature: Option<&'a RawValue>,
}

/// Reads a relayed 2xx reply.
///
/// # Errors
/// When it is not of the format, or reports an error.
pub(crate) fn observe_reply(body: &str) -> Result<Observed, UpstreamFault> {
    let chunk = parse(body.as_bytes())?;
    let finish = match (chunk.candidates, chunk.feedback) {
        (Some(candidates), _) if !candidates.is_empty() => {
            candidates.into_iter().find_map(|candidate| finish::word(&candidate.reason?))
        }
        (_, Some(feedback)) => Some(blocked(feedback)),
        _ => return Err(UpstreamFault::malformed(Format::GeminiGenerateContent, "'candidates' is missing")),
    };
    Ok(Observed { usage: chunk.usage.as_ref().and_then(usage::read), finish, model: text(chunk.model) })
}
