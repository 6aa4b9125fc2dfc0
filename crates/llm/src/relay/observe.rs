//! Watches a relayed stream without re-framing it: usage, the finish, the first delta, errors.

use crate::formats;
use crate::framing::sse::{self, Splitter};
use crate::{ErrorInfo, Format, UpstreamFault, Usage};
use bytes::Bytes;
use serde_json::Value;

/// The observer of one stream. Events go through as the slices they came in; only those that hold something to note
/// are parsed.
#[derive(Debug)]
pub(crate) struct Observer {
    wire: Format,
    hide_usage: bool,
    splitter: Splitter,
    pub(crate) noted: Noted,
    /// The event of an error that came before any delta, kept for a client that gets no other attempt.
    error_event: Option<Bytes>,
}

/// What a stream has said so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Noted {
    pub(crate) usage: Option<Usage>,
    pub(crate) finish: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) has_delta: bool,
    pub(crate) ended: bool,
    pub(crate) error: Option<ErrorInfo>,
}

impl Observer {
    pub(crate) fn new(wire: Format, hide_usage: bool) -> Self {
        Self { wire, hide_usage, splitter: Splitter::default(), noted: Noted::default(), error_event: None }
    }

    pub(crate) fn push(&mut self, bytes: Bytes, out: &mut Vec<Bytes>) -> Result<(), UpstreamFault> {
        let mut splitter = std::mem::take(&mut self.splitter);
        let mut result = Ok(());
        let pushed = splitter.push(bytes, |event| {
            if result.is_ok() {
                result = self.event(event, out);
            }
        });
        self.splitter = splitter;
        result?;
        pushed.map_err(|_| UpstreamFault::TooLarge { limit: sse::MAX_EVENT })
    }

    /// Upstream's end. What is left of an event without its blank line still goes to the client, as it came.
    pub(crate) fn finish(&mut self, out: &mut Vec<Bytes>) -> Result<(), UpstreamFault> {
        let rest = self.splitter.rest();
        if !rest.is_empty() {
            self.event(rest, out)?;
        }
        if self.noted.ended || self.noted.error.is_some() { Ok(()) } else { Err(UpstreamFault::Truncated) }
    }

    /// Upstream's own error event, if that is what ends the stream.
    pub(crate) fn take_error_event(&mut self) -> Option<Bytes> {
        self.error_event.take()
    }

    fn event(&mut self, event: Bytes, out: &mut Vec<Bytes>) -> Result<(), UpstreamFault> {
        let kept = match self.wire {
            Format::OpenAIChat => self.openai_event(&event)?,
            Format::AnthropicMessages => self.anthropic_event(&event)?,
        };
        if kept {
            out.push(event);
        }
        Ok(())
    }

    /// Notes what an OpenAI chunk says. False when it is the usage chunk that only we asked for.
    fn openai_event(&mut self, event: &Bytes) -> Result<bool, UpstreamFault> {
        let wanted = !self.noted.has_delta
            || says(event, b"\"usage\"")
            || says(event, b"\"finish_reason\"")
            || says(event, b"\"error\"");
        if !wanted {
            self.noted.ended |= memchr::memmem::find(event, b"[DONE]").is_some() && is_done(event);
            return Ok(true);
        }
        let Some(data) = sse::read(event).data else { return Ok(true) };
        if &data[..] == b"[DONE]" {
            self.noted.ended = true;
            return Ok(true);
        }
        let Ok(chunk) = serde_json::from_slice::<Value>(&data) else {
            return self.not_json();
        };
        if let Some(error) = formats::openai::chunk_error(&chunk) {
            return self.reported(error, event);
        }
        self.note_openai(&chunk);
        let only_usage = chunk.get("choices").and_then(Value::as_array).is_some_and(Vec::is_empty)
            && chunk.get("usage").is_some_and(Value::is_object);
        Ok(!(self.hide_usage && only_usage))
    }

    fn note_openai(&mut self, chunk: &Value) {
        let noted = &mut self.noted;
        if let Some(usage) = chunk.get("usage").and_then(formats::openai::read_usage) {
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
            noted.has_delta |= choice.get("delta").is_some_and(formats::openai::is_delta);
        }
    }

    fn anthropic_event(&mut self, event: &Bytes) -> Result<bool, UpstreamFault> {
        if memchr::memmem::find(event, b"content_block_delta\"").is_some() {
            self.noted.has_delta = true;
            return Ok(true);
        }
        let Some(data) = sse::read(event).data else { return Ok(true) };
        let Ok(value) = serde_json::from_slice::<Value>(&data) else {
            return self.not_json();
        };
        let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
        let noted = &mut self.noted;
        match kind {
            "message_start" => {
                let message = value.get("message").unwrap_or(&Value::Null);
                noted.model = message.get("model").and_then(Value::as_str).map(str::to_owned);
                formats::anthropic::merge_usage(&mut noted.usage, message.get("usage"));
            }
            "content_block_start" => {
                let block = value.get("content_block").and_then(|block| block.get("type")).and_then(Value::as_str);
                noted.has_delta |= !matches!(block, Some("text" | "thinking") | None);
            }
            "message_delta" => {
                formats::anthropic::merge_usage(&mut noted.usage, value.get("usage"));
                let reason = value.get("delta").and_then(|delta| delta.get("stop_reason")).and_then(Value::as_str);
                if let Some(reason) = reason {
                    noted.finish = Some(reason.to_owned());
                }
            }
            "message_stop" => noted.ended = true,
            "error" => {
                if let Some(error) = formats::anthropic::read_error(&value, 502) {
                    return self.reported(error, event);
                }
            }
            _ => {}
        }
        Ok(true)
    }

    /// Data that is no JSON: before any delta it is a broken upstream; later it is the client's to judge.
    fn not_json(&self) -> Result<bool, UpstreamFault> {
        if self.noted.has_delta {
            return Ok(true);
        }
        Err(UpstreamFault::malformed(self.wire, "an event's data is not JSON"))
    }

    /// Before any delta another attempt may be made, so the error is the caller's to handle; after it, the event goes
    /// through like any other.
    fn reported(&mut self, error: ErrorInfo, event: &Bytes) -> Result<bool, UpstreamFault> {
        self.noted.error = Some(error.clone());
        if self.noted.has_delta {
            return Ok(true);
        }
        self.error_event = Some(event.clone());
        Err(UpstreamFault::Reported(error))
    }
}

/// Whether the event has this member with a value other than null. Inside of strings quotes are escaped, so a quoted
/// name is a name.
fn says(event: &[u8], quoted: &[u8]) -> bool {
    memchr::memmem::find_iter(event, quoted).any(|at| {
        let rest = event[at + quoted.len()..].trim_ascii_start();
        match rest.strip_prefix(b":") {
            Some(value) => !value.trim_ascii_start().starts_with(b"null"),
            None => false,
        }
    })
}

fn is_done(event: &Bytes) -> bool {
    sse::read(event).data.is_some_and(|data| data.trim_ascii() == b"[DONE]")
}
