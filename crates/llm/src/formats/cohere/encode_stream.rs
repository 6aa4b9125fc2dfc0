//! Neutral events become a Cohere chat stream: one block or call open at a time, indexes that count up.

use super::encode_reply::{logprob, signed_call, tool_call};
use super::{citations, finish_reason, usage};
use crate::Format;
use crate::formats::ReplyContext;
use crate::framing::sse;
use crate::model::{Citation, Event, Finish, FinishKind, PartDelta, PartStart, Usage, wrap_signature};
use bytes::Bytes;
use serde_json::{Value, json};
use std::collections::VecDeque;

/// Encodes one stream.
#[derive(Debug)]
pub struct StreamEncoder {
    origin: Format,
    id: String,
    open: Option<Open>,
    /// Parts that began while another was open, with their events, in order.
    waiting: VecDeque<(usize, Vec<Event>)>,
    blocks: usize,
    calls: usize,
    cited: usize,
    /// Signatures over thinking, wanted again only beside calls.
    signatures: Vec<String>,
    finish: Option<Finish>,
    usage: Option<Usage>,
}

#[derive(Debug)]
struct Open {
    part: usize,
    kind: Kind,
    /// Its text so far, for citations.
    text: String,
    /// Citations of the whole text, which is not known before its end.
    whole: Vec<Citation>,
}

#[derive(Debug, PartialEq)]
enum Kind {
    Text(usize),
    /// Its index, once it has said something: what is not shown says nothing here.
    Thinking(Option<usize>),
    /// Its index, and whether arguments came.
    Call(usize, bool),
    Unsaid,
}

impl StreamEncoder {
    /// An encoder.
    #[must_use]
    pub fn new(context: ReplyContext) -> Self {
        Self {
            origin: context.origin,
            id: String::new(),
            open: None,
            waiting: VecDeque::new(),
            blocks: 0,
            calls: 0,
            cited: 0,
            signatures: Vec::new(),
            finish: None,
            usage: None,
        }
    }

    /// Takes one event.
    pub fn push(&mut self, event: Event, out: &mut Vec<Bytes>) {
        match event {
            Event::Start { id, usage, .. } => {
                self.usage = usage;
                let message = json!({"role": "assistant"});
                write(json!({"type": "message-start", "id": id, "delta": {"message": message}}), out);
                self.id = id;
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
            // The format has no tiers.
            Event::ServiceTier(_) => {}
            Event::Finish(finish) => self.finish = Some(finish),
            Event::Usage(usage) => self.usage = Some(usage),
            // There is no event that says nothing.
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
        let kind = match start {
            PartStart::Text | PartStart::Refusal => Kind::Text(self.block_start("text", out)),
            PartStart::Thinking => Kind::Thinking(None),
            PartStart::RedactedThinking(_) => Kind::Unsaid,
            PartStart::ToolCall { id, name } => {
                self.sign(out);
                let index = self.calls;
                self.calls += 1;
                let mut call = tool_call(&id, &name, "");
                call["function"]["arguments"] = json!("");
                write(
                    json!({"type": "tool-call-start", "index": index, "delta": {"message": {"tool_calls": call}}}),
                    out,
                );
                Kind::Call(index, false)
            }
        };
        self.open = Some(Open { part, kind, text: String::new(), whole: Vec::new() });
    }

    fn block_start(&mut self, kind: &str, out: &mut Vec<Bytes>) -> usize {
        let index = self.blocks;
        self.blocks += 1;
        let mut content = json!({"type": kind});
        content[kind] = json!("");
        write(json!({"type": "content-start", "index": index, "delta": {"message": {"content": content}}}), out);
        index
    }

    /// The signatures that wait, each as thinking of its own.
    fn sign(&mut self, out: &mut Vec<Bytes>) {
        for signature in std::mem::take(&mut self.signatures) {
            let index = self.block_start("thinking", out);
            write(content(index, "thinking", &signature), out);
            write(json!({"type": "content-end", "index": index}), out);
        }
    }

    fn part_delta(&mut self, delta: PartDelta, out: &mut Vec<Bytes>) {
        if let PartDelta::Text(text) = &delta
            && !text.is_empty()
            && matches!(&self.open, Some(Open { kind: Kind::Thinking(None), .. }))
        {
            let index = self.block_start("thinking", out);
            self.open.iter_mut().for_each(|open| open.kind = Kind::Thinking(Some(index)));
        }
        let Some(open) = self.open.as_mut() else { return };
        match (&mut open.kind, delta) {
            (Kind::Text(index), PartDelta::Text(text)) => {
                write(content(*index, "text", &text), out);
                open.text.push_str(&text);
            }
            (Kind::Thinking(Some(index)), PartDelta::Text(text)) => write(content(*index, "thinking", &text), out),
            (Kind::Thinking(_), PartDelta::Signature(signature)) => {
                self.signatures.push(wrap_signature(self.origin, Some(&signature)));
            }
            (Kind::Call(..), PartDelta::Signature(signature)) => {
                self.signatures.push(signed_call(self.origin, &signature));
            }
            (Kind::Call(index, argued), PartDelta::Arguments(text)) if !text.is_empty() => {
                *argued = true;
                write(arguments(*index, &text), out);
            }
            (Kind::Text(index), PartDelta::Logprobs(tokens)) => {
                for token in &tokens {
                    let mut event = content(*index, "text", "");
                    event["logprobs"] = logprob(token);
                    write(event, out);
                }
            }
            (Kind::Text(index), PartDelta::Citation(citation)) if citation.range.is_some() => {
                let citation = citations::write(&citation, &open.text, *index);
                cite(&mut self.cited, citation, out);
            }
            (Kind::Text(_), PartDelta::Citation(citation)) => open.whole.push(citation),
            _ => {}
        }
    }

    fn part_end(&mut self, out: &mut Vec<Bytes>) {
        let Some(open) = self.open.take() else { return };
        match open.kind {
            Kind::Text(index) | Kind::Thinking(Some(index)) => {
                for citation in &open.whole {
                    cite(&mut self.cited, citations::write(citation, &open.text, index), out);
                }
                write(json!({"type": "content-end", "index": index}), out);
            }
            Kind::Call(index, argued) => {
                if !argued {
                    write(arguments(index, "{}"), out);
                }
                write(json!({"type": "tool-call-end", "index": index}), out);
                self.sign(out);
            }
            Kind::Thinking(None) | Kind::Unsaid => {}
        }
    }

    fn end(&mut self, out: &mut Vec<Bytes>) {
        self.part_end(out);
        self.admit_waiting(out);
        let reason = self.finish.take().map_or(FinishKind::Stop, |finish| finish.kind);
        let mut delta = json!({"finish_reason": finish_reason(reason)});
        if let Some(usage) = &self.usage {
            delta["usage"] = usage::usage_object(usage);
        }
        write(json!({"type": "message-end", "id": self.id, "delta": delta}), out);
        out.push(sse::write(None, b"[DONE]"));
    }
}

fn content(index: usize, key: &str, text: &str) -> Value {
    let mut content = json!({});
    content[key] = json!(text);
    json!({"type": "content-delta", "index": index, "delta": {"message": {"content": content}}})
}

fn arguments(index: usize, text: &str) -> Value {
    let call = json!({"function": {"arguments": text}});
    json!({"type": "tool-call-delta", "index": index, "delta": {"message": {"tool_calls": call}}})
}

fn cite(cited: &mut usize, citation: Value, out: &mut Vec<Bytes>) {
    let index = *cited;
    *cited += 1;
    write(json!({"type": "citation-start", "index": index, "delta": {"message": {"citations": citation}}}), out);
    write(json!({"type": "citation-end", "index": index}), out);
}

fn write(data: Value, out: &mut Vec<Bytes>) {
    let name = data.get("type").and_then(Value::as_str).map(str::to_owned);
    out.push(sse::write(name.as_deref(), &crate::json::bytes(&data)));
}
