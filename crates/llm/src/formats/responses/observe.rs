//! Watches relayed OpenAI Responses streams and replies without building a tree of what needs no reading.

use super::decode_reply::response_error;
use super::finish::read_finish;
use super::usage::read_usage;
use crate::formats::openai::read_error;
use crate::formats::seen::{Noted, Observed, Seen};
use crate::framing::sse;
use crate::{Format, UpstreamFault};
use bytes::Bytes;
use memchr::memmem;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// Types of events that end a stream. Inside of strings quotes are escaped, so a quoted name is one.
const ENDS: &[&[u8]] =
    &[b"\"response.completed\"", b"\"response.incomplete\"", b"\"response.failed\"", b"\"response.cancelled\""];

/// Notes what one event says. Deltas are not parsed once there was one.
pub(crate) fn observe(event: &Bytes, noted: &mut Noted) -> Seen {
    let says = |what: &[u8]| memmem::find(event, what).is_some();
    noted.sequence = sequence(event).map_or(noted.sequence, |number| number.saturating_add(1));
    if noted.has_delta && !says(b"\"error\"") && !ENDS.iter().any(|end| says(end)) {
        return Seen::Keep;
    }
    let Some(data) = sse::read(event).data.filter(|data| !data.trim_ascii().is_empty()) else { return Seen::Keep };
    if data.trim_ascii() == b"[DONE]" {
        return Seen::Keep;
    }
    let Ok(shape) = serde_json::from_slice::<Event<'_>>(&data) else { return Seen::Garbage };
    match shape.kind.as_deref().unwrap_or_default() {
        "response.completed" | "response.incomplete" => {
            noted.ended = true;
            note(shape.response, noted)
        }
        "response.failed" | "response.cancelled" => note(shape.response, noted),
        "error" | "" => {
            let error = serde_json::from_slice(&data).ok().and_then(|value: Value| read_error(&value, 502));
            error.map_or(Seen::Keep, |error| Seen::Error(Box::new(error)))
        }
        "response.output_item.added" => {
            noted.has_delta |=
                !matches!(shape.item.and_then(|item| item.kind).as_deref(), Some("message" | "reasoning"));
            Seen::Keep
        }
        kind => {
            noted.has_delta |= kind.ends_with(".delta");
            note(shape.response, noted)
        }
    }
}

/// The number of an event. Only an event of the whole response may hold another member of this name, in what it repeats
/// of the request, and such an event is not the last one before a break.
fn sequence(event: &[u8]) -> Option<u64> {
    const NAME: &[u8] = b"\"sequence_number\":";
    let at = memmem::find(event, NAME)?;
    let rest = event.get(at + NAME.len()..)?.trim_ascii_start();
    let digits = rest.iter().take(18).take_while(|byte| byte.is_ascii_digit());
    digits.fold(None, |number: Option<u64>, digit| Some(number.unwrap_or_default() * 10 + u64::from(digit - b'0')))
}

fn note(response: Option<Response<'_>>, noted: &mut Noted) -> Seen {
    let Some(response) = response else { return Seen::Keep };
    if let Some(usage) = response.usage.as_ref().and_then(read_usage) {
        noted.usage = Some(usage);
    }
    if let Some(error) = response.error() {
        return Seen::Error(Box::new(error));
    }
    if noted.ended {
        noted.finish = Some(response.finish());
    }
    if noted.model.is_none() {
        noted.model = response.model.filter(|model| !model.is_empty());
    }
    Seen::Keep
}

/// Only what is read here; everything else is skipped without being kept.
#[derive(Deserialize)]
struct Event<'a> {
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(borrow, default)]
    response: Option<Response<'a>>,
    #[serde(default)]
    item: Option<Item>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(default, rename = "type")]
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Response<'a> {
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    incomplete_details: Option<Value>,
    #[serde(default)]
    usage: Option<Value>,
    #[serde(default)]
    error: Option<Value>,
    #[serde(borrow, default)]
    output: Option<&'a RawValue>,
}

impl Response<'_> {
    fn error(&self) -> Option<crate::ErrorInfo> {
        response_error(&json!({"error": self.error, "status": self.status, "output": []}))
    }

    /// Why it ended, in its own word.
    fn finish(&self) -> String {
        let response = json!({"status": self.status, "incomplete_details": self.incomplete_details});
        read_finish(&response, false, false).native
    }
}

/// Reads a relayed 2xx reply. One that has not ended (`background`) is a reply too.
///
/// # Errors
/// When it is not of the format, or reports an error.
pub(crate) fn observe_reply(body: &str) -> Result<Observed, UpstreamFault> {
    const WIRE: Format = Format::OpenAIResponses;
    let response: Response<'_> = serde_json::from_str(body).map_err(|error| UpstreamFault::not_json(WIRE, &error))?;
    if let Some(error) = response.error() {
        return Err(UpstreamFault::Reported(error));
    }
    if response.output.is_none() {
        return Err(UpstreamFault::malformed(WIRE, "'output' is missing"));
    }
    let ended = !matches!(response.status.as_deref(), Some("queued" | "in_progress"));
    Ok(Observed {
        usage: response.usage.as_ref().and_then(read_usage),
        finish: ended.then(|| response.finish()),
        model: response.model,
    })
}
