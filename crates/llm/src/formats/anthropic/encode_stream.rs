//! Neutral events become an Anthropic stream: one block open at a time, indexes that count up.

use super::encode_reply::{signed_call, tool_use};
use super::{citations, delta_usage, stop_details, stop_reason, usage_object};
use crate::Format;
use crate::formats::ReplyContext;
use crate::framing::sse;
use crate::model::{Citation, Event, Finish, PartDelta, PartStart, Usage, wrap_signature};
use bytes::Bytes;
use serde_json::{Value, json};
use std::collections::VecDeque;

/// Encodes one stream.
#[derive(Debug)]
pub struct StreamEncoder {
    origin: Format,
    /// The model that was asked for.
    model: String,
    next_index: usize,
    open: Option<Open>,
    /// Parts that began while another was open, with their events, in order.
    waiting: VecDeque<(usize, Vec<Event>)>,
    finish: Option<Finish>,
    usage: Usage,
}

#[derive(Debug)]
struct Open {
    part: usize,
    index: usize,
    thinks: bool,
    /// Thinking that has no signature of ours yet.
    unsigned: bool,
    /// A call that is not begun yet, for its signature goes before it, and its arguments so far.
    unbegun: Option<(PartStart, String)>,
    /// The text so far, and citations of the whole text, which is not known before its end.
    text: String,
    whole: Vec<Citation>,
}

impl StreamEncoder {
    /// An encoder.
    #[must_use]
    pub fn new(context: &ReplyContext) -> Self {
        Self {
            origin: context.origin,
            model: context.model.clone(),
            next_index: 0,
            open: None,
            waiting: VecDeque::new(),
            finish: None,
            usage: Usage::default(),
        }
    }

    /// Takes one event.
    pub fn push(&mut self, event: Event, out: &mut Vec<Bytes>) {
        match event {
            Event::Start { id, model, usage, .. } => {
                self.usage = usage.unwrap_or_default();
                // Not every vendor's stream names the model.
                let model = if model.is_empty() { &self.model } else { &model };
                let message = json!({
                    "id": id, "type": "message", "role": "assistant", "model": model, "content": [],
                    "stop_reason": null, "stop_sequence": null, "stop_details": null, "container": null,
                    "usage": usage_object(&self.usage, None),
                });
                write("message_start", json!({"type": "message_start", "message": message}), out);
            }
            Event::PartStart { part, start } if self.open.is_none() => self.part_start(part, start, out),
            Event::PartStart { part, .. } => self.waiting.push_back((part, vec![event])),
            Event::PartDelta { part, .. } | Event::PartEnd { part } if !self.is_open(part) => {
                if let Some((_, events)) = self.waiting.iter_mut().rev().find(|(waiting, _)| *waiting == part) {
                    events.push(event);
                }
            }
            Event::PartDelta { delta, .. } => self.part_delta(delta, out),
            Event::PartEnd { .. } => {
                self.part_end(out);
                self.admit_waiting(out);
            }
            // The format says it at the start only, when it is not known.
            Event::ServiceTier(_) => {}
            Event::Finish(finish) => self.finish = Some(finish),
            Event::Usage(usage) => self.usage = usage,
            Event::Ping => write("ping", json!({"type": "ping"}), out),
            Event::Lost(_) => {}
            Event::Error(error) => write("error", super::error_body(&error), out),
            Event::End => self.end(out),
        }
    }

    fn is_open(&self, part: usize) -> bool {
        self.open.as_ref().is_some_and(|open| open.part == part)
    }

    /// The next parts that waited, until one is still open.
    fn admit_waiting(&mut self, out: &mut Vec<Bytes>) {
        while self.open.is_none()
            && let Some((_, events)) = self.waiting.pop_front()
        {
            for event in events {
                match event {
                    Event::PartStart { part, start } => self.part_start(part, start, out),
                    Event::PartDelta { delta, .. } => self.part_delta(delta, out),
                    _ => self.part_end(out),
                }
            }
        }
    }

    fn part_start(&mut self, part: usize, start: PartStart, out: &mut Vec<Bytes>) {
        let thinks = start == PartStart::Thinking;
        let unsigned = thinks && self.origin != Format::AnthropicMessages;
        let mut open = Open {
            part,
            index: self.next_index,
            thinks,
            unsigned,
            unbegun: None,
            text: String::new(),
            whole: Vec::new(),
        };
        if self.signs_calls() && matches!(start, PartStart::ToolCall { .. }) {
            open.unbegun = Some((start, String::new()));
        } else {
            self.block_start(start, out);
        }
        self.open = Some(open);
    }

    /// Whether a call may come with a signature. In OpenAI Chat it comes with the call's name or not at all; Gemini's
    /// calls come whole, so that nobody waits for one.
    fn signs_calls(&self) -> bool {
        matches!(self.origin, Format::GeminiGenerateContent | Format::OpenAIChat)
    }

    fn block_start(&mut self, start: PartStart, out: &mut Vec<Bytes>) {
        let block = match start {
            PartStart::Text | PartStart::Refusal => json!({"type": "text", "text": ""}),
            PartStart::Thinking => json!({"type": "thinking", "thinking": "", "signature": ""}),
            PartStart::RedactedThinking(data) => json!({"type": "redacted_thinking", "data": data}),
            PartStart::ToolCall { id, name } => tool_use(&id, &name, json!({})),
        };
        let index = self.next_index;
        self.next_index += 1;
        let data = json!({"type": "content_block_start", "index": index, "content_block": block});
        write("content_block_start", data, out);
    }

    /// Begins a call that waited for its signature.
    fn begin_call(&mut self, signature: Option<&str>, out: &mut Vec<Bytes>) {
        let Some((start, arguments)) = self.open.as_mut().and_then(|open| open.unbegun.take()) else { return };
        if let Some(signature) = signature {
            let index = self.next_index;
            self.block_start(PartStart::Thinking, out);
            let signature = signed_call(self.origin, signature)["signature"].take();
            block_delta(index, json!({"type": "signature_delta", "signature": signature}), out);
            write("content_block_stop", json!({"type": "content_block_stop", "index": index}), out);
        }
        let index = self.next_index;
        if let Some(open) = self.open.as_mut() {
            open.index = index;
        }
        self.block_start(start, out);
        if !arguments.is_empty() {
            block_delta(index, json!({"type": "input_json_delta", "partial_json": arguments}), out);
        }
    }

    fn part_delta(&mut self, delta: PartDelta, out: &mut Vec<Bytes>) {
        if let Some((_, arguments)) = self.open.as_mut().and_then(|open| open.unbegun.as_mut()) {
            match &delta {
                PartDelta::Signature(signature) => return self.begin_call(Some(signature), out),
                PartDelta::Arguments(text) if self.origin == Format::GeminiGenerateContent => {
                    return arguments.push_str(text);
                }
                PartDelta::Logprobs(_) => return,
                _ => self.begin_call(None, out),
            }
        }
        let Some(open) = self.open.as_mut() else { return };
        let delta = match delta {
            PartDelta::Text(text) if open.thinks => json!({"type": "thinking_delta", "thinking": text}),
            PartDelta::Text(text) => {
                open.text.push_str(&text);
                json!({"type": "text_delta", "text": text})
            }
            PartDelta::Signature(signature) if open.thinks => {
                open.unsigned = false;
                let signature = match self.origin {
                    Format::AnthropicMessages => signature,
                    origin => wrap_signature(origin, Some(&signature)),
                };
                json!({"type": "signature_delta", "signature": signature})
            }
            PartDelta::Arguments(text) => json!({"type": "input_json_delta", "partial_json": text}),
            // Only a text has a place for them.
            PartDelta::Citation(_) if open.thinks => return,
            PartDelta::Citation(citation) if citation.cited.is_none() && citation.range.is_none() => {
                return open.whole.push(citation);
            }
            PartDelta::Citation(citation) => cited(&citation, &open.text, self.origin),
            // The API has no place for likelihoods, nor for a signature on a text.
            PartDelta::Signature(_) | PartDelta::Logprobs(_) => return,
        };
        block_delta(open.index, delta, out);
    }

    fn part_end(&mut self, out: &mut Vec<Bytes>) {
        self.begin_call(None, out);
        let Some(open) = self.open.take() else { return };
        for citation in &open.whole {
            block_delta(open.index, cited(citation, &open.text, self.origin), out);
        }
        if open.unsigned {
            let signature = wrap_signature(self.origin, None);
            block_delta(open.index, json!({"type": "signature_delta", "signature": signature}), out);
        }
        let data = json!({"type": "content_block_stop", "index": open.index});
        write("content_block_stop", data, out);
    }

    fn end(&mut self, out: &mut Vec<Bytes>) {
        self.part_end(out);
        self.admit_waiting(out);
        let finish = self.finish.take();
        let reason = finish.as_ref().map(|finish| stop_reason(finish.kind));
        let delta = json!({
            "stop_reason": reason,
            "stop_details": finish.as_ref().map(|finish| stop_details(finish.kind)),
            "container": null,
            "stop_sequence": finish.and_then(|finish| finish.stop_sequence),
        });
        let data = json!({"type": "message_delta", "delta": delta, "usage": delta_usage(&self.usage)});
        write("message_delta", data, out);
        write("message_stop", json!({"type": "message_stop"}), out);
    }
}

fn cited(citation: &Citation, text: &str, origin: Format) -> Value {
    json!({"type": "citations_delta", "citation": citations::write(citation, text, origin)})
}

fn block_delta(index: usize, delta: Value, out: &mut Vec<Bytes>) {
    write("content_block_delta", json!({"type": "content_block_delta", "index": index, "delta": delta}), out);
}

fn write(name: &str, data: Value, out: &mut Vec<Bytes>) {
    out.push(sse::write(Some(name), &crate::json::bytes(&data)));
}
