//! Neutral events become a Converse stream: one block open at a time, indexes that count up.

use super::encode_reply::sign;
use super::{call_id, citations, redacted, stop_reason, usage};
use crate::Format;
use crate::formats::ReplyContext;
use crate::framing::event_stream;
use crate::model::{Event, Finish, FinishKind, PartDelta, PartStart, Usage};
use bytes::Bytes;
use serde_json::{Value, json};
use std::collections::VecDeque;

/// Encodes one stream.
#[derive(Debug)]
pub struct StreamEncoder {
    origin: Format,
    next_index: usize,
    open: Option<Open>,
    /// Parts that began while another was open, with their events, in order.
    waiting: VecDeque<(usize, Vec<Event>)>,
    finish: Option<Finish>,
    usage: Usage,
    tier: Option<&'static str>,
}

#[derive(Debug)]
struct Open {
    part: usize,
    index: usize,
    kind: Kind,
    /// Whether anything was said of it.
    said: bool,
    /// A signature comes in pieces, and is wrapped whole.
    signature: Option<String>,
}

#[derive(Debug, PartialEq)]
enum Kind {
    Text,
    Thinking,
    Redacted,
    Call,
    /// A call of Gemini's, whose signature must stand before it: held back until it is whole.
    Held {
        id: String,
        name: String,
        arguments: String,
    },
}

impl StreamEncoder {
    /// An encoder.
    #[must_use]
    pub fn new(context: ReplyContext) -> Self {
        Self {
            origin: context.origin,
            next_index: 0,
            open: None,
            waiting: VecDeque::new(),
            finish: None,
            usage: Usage::default(),
            tier: None,
        }
    }

    /// Takes one event.
    pub fn push(&mut self, event: Event, out: &mut Vec<Bytes>) {
        match event {
            Event::Start { usage, .. } => {
                self.usage = usage.unwrap_or_default();
                write("messageStart", &json!({"role": "assistant"}), out);
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
            Event::Finish(finish) => self.finish = Some(finish),
            Event::ServiceTier(tier) => self.tier = super::encode_reply::service_tier(Some(&tier)),
            Event::Usage(usage) => self.usage = usage,
            // The format has no word that says nothing.
            Event::Ping | Event::Lost(_) => {}
            Event::Error(error) => out.push(super::error_frame(&error)),
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
        let index = self.next_index;
        let mut redacted = None;
        let kind = match start {
            PartStart::Text | PartStart::Refusal => Kind::Text,
            PartStart::Thinking => Kind::Thinking,
            PartStart::RedactedThinking(data) => {
                redacted = Some(redacted::write(&data));
                Kind::Redacted
            }
            PartStart::ToolCall { id, name } if self.origin == Format::GeminiGenerateContent => {
                Kind::Held { id, name, arguments: String::new() }
            }
            PartStart::ToolCall { id, name } => {
                call_start(index, &id, &name, out);
                Kind::Call
            }
        };
        self.next_index += 1;
        self.open = Some(Open { part, index, kind, said: false, signature: None });
        if let Some(data) = redacted {
            delta(index, json!({"reasoningContent": {"redactedContent": data}}), out);
        }
    }

    fn part_delta(&mut self, piece: PartDelta, out: &mut Vec<Bytes>) {
        let Some(open) = self.open.as_mut() else { return };
        let said = match (piece, &mut open.kind) {
            (PartDelta::Signature(more), _) => {
                open.signature.get_or_insert_default().push_str(&more);
                return;
            }
            (PartDelta::Text(text), Kind::Thinking) => json!({"reasoningContent": {"text": text}}),
            (PartDelta::Text(text), _) => json!({"text": text}),
            (PartDelta::Arguments(more), Kind::Held { arguments, .. }) => {
                arguments.push_str(&more);
                return;
            }
            (PartDelta::Arguments(text), _) => json!({"toolUse": {"input": text}}),
            (PartDelta::Citation(citation), _) => json!({"citation": citations::write(citation)}),
            (PartDelta::Logprobs(_), _) => return,
        };
        open.said = true;
        delta(open.index, said, out);
    }

    fn part_end(&mut self, out: &mut Vec<Bytes>) {
        let Some(Open { mut index, kind, said, signature, .. }) = self.open.take() else { return };
        if !said {
            // A block of which nothing is said is none.
            match &kind {
                Kind::Text => delta(index, json!({"text": ""}), out),
                Kind::Thinking => delta(index, json!({"reasoningContent": {"text": ""}}), out),
                Kind::Call => delta(index, json!({"toolUse": {"input": "{}"}}), out),
                Kind::Redacted | Kind::Held { .. } => {}
            }
        }
        match kind {
            Kind::Thinking => {
                if let Some(signature) = sign(signature, self.origin) {
                    delta(index, json!({"reasoningContent": {"signature": signature}}), out);
                }
                stop(index, out);
            }
            Kind::Held { id, name, arguments } => {
                if signature.is_some() {
                    self.signed(index, signature, out);
                    index += 1;
                    self.next_index = index + 1;
                }
                call_start(index, &id, &name, out);
                let input = if arguments.is_empty() { "{}" } else { arguments.as_str() };
                delta(index, json!({"toolUse": {"input": input}}), out);
                stop(index, out);
            }
            Kind::Text | Kind::Redacted | Kind::Call => {
                stop(index, out);
                if signature.is_some() {
                    self.signed(index + 1, signature, out);
                    self.next_index = index + 2;
                }
            }
        }
    }

    /// A block of reasoning that holds a signature alone.
    fn signed(&self, index: usize, signature: Option<String>, out: &mut Vec<Bytes>) {
        delta(index, json!({"reasoningContent": {"text": ""}}), out);
        if let Some(signature) = sign(signature, self.origin) {
            delta(index, json!({"reasoningContent": {"signature": signature}}), out);
        }
        stop(index, out);
    }

    fn end(&mut self, out: &mut Vec<Bytes>) {
        self.part_end(out);
        self.admit_waiting(out);
        let finish = self.finish.take().unwrap_or_else(|| Finish::new(FinishKind::Stop, ""));
        let mut said = json!({"stopReason": stop_reason(finish.kind)});
        if let Some(text) = finish.stop_sequence {
            said["additionalModelResponseFields"] = json!({"stop_sequence": text});
        }
        write("messageStop", &said, out);
        // The service's own time, of which nothing is known here.
        let mut metadata = json!({"usage": usage::write(&self.usage), "metrics": {"latencyMs": 0}});
        if let Some(tier) = self.tier {
            metadata["serviceTier"] = json!({"type": tier});
        }
        write("metadata", &metadata, out);
    }
}

fn call_start(index: usize, id: &str, name: &str, out: &mut Vec<Bytes>) {
    let call = json!({"toolUse": {"toolUseId": call_id(id), "name": name}});
    write("contentBlockStart", &json!({"start": call, "contentBlockIndex": index}), out);
}

fn delta(index: usize, delta: Value, out: &mut Vec<Bytes>) {
    write("contentBlockDelta", &json!({"delta": delta, "contentBlockIndex": index}), out);
}

fn stop(index: usize, out: &mut Vec<Bytes>) {
    write("contentBlockStop", &json!({"contentBlockIndex": index}), out);
}

fn write(name: &str, payload: &Value, out: &mut Vec<Bytes>) {
    out.push(event_stream::write_event(name, &crate::json::bytes(payload)));
}
