//! Neutral events become an OpenAI Chat stream.

use super::encode_reply::{extra_content, logprobs, native_reason, redacted_block, service_tier, thinking_block};
use super::{citations, finish_reason};
use crate::Format;
use crate::formats::ReplyContext;
use crate::framing::sse;
use crate::model::{Citation, Event, FinishKind, PartDelta, PartStart, Usage};
use bytes::Bytes;
use serde_json::{Value, json};
use std::collections::HashMap;

/// Encodes one stream.
#[derive(Debug)]
pub struct StreamEncoder {
    origin: Format,
    show_usage: bool,
    id: String,
    model: String,
    created: u64,
    /// The role is still to be told: it goes with the first part, for `content` beside it depends on that.
    begins: bool,
    parts: HashMap<usize, Open>,
    calls: usize,
    /// Characters of the content so far.
    said: u64,
    usage: Option<Usage>,
    tier: Option<String>,
    /// How many blocks of thinking and how many annotations have gone.
    thoughts: usize,
    annotations: usize,
}

/// Lists of a message that grow from chunk to chunk, beside its calls.
enum List {
    Thoughts,
    Annotations,
}

/// An open part.
#[derive(Debug)]
enum Open {
    Text(Box<Said>),
    Refusal,
    /// Its text and signature, for the block that ends it.
    Thinking(String, Option<String>),
    /// Its index among the calls, and whether arguments came.
    Call(usize, bool),
}

/// A text, for what is cited in it.
#[derive(Debug, Default)]
struct Said {
    /// Its characters so far.
    length: u64,
    /// Characters of the content before it.
    before: u64,
    /// Citations of the whole text, which is not known before its end.
    whole: Vec<Citation>,
}

impl StreamEncoder {
    /// An encoder.
    #[must_use]
    pub fn new(context: &ReplyContext) -> Self {
        Self {
            origin: context.origin,
            show_usage: context.show_usage,
            id: String::new(),
            model: context.model.clone(),
            created: context.now,
            begins: false,
            parts: HashMap::new(),
            calls: 0,
            said: 0,
            usage: None,
            tier: None,
            thoughts: 0,
            annotations: 0,
        }
    }

    /// Takes one event.
    pub fn push(&mut self, event: Event, out: &mut Vec<Bytes>) {
        match event {
            Event::Start { id, model, created, usage } => {
                self.id = id;
                if !model.is_empty() {
                    self.model = model;
                }
                self.created = created.unwrap_or(self.created);
                self.usage = usage;
                self.begins = true;
            }
            Event::PartStart { part, start } => {
                self.begin(start == PartStart::Text, out);
                self.part_start(part, start, out);
            }
            Event::PartDelta { part, delta } => self.part_delta(part, delta, out),
            Event::PartEnd { part } => self.part_end(part, out),
            Event::Finish(finish) => {
                self.begin(finish.kind != FinishKind::Refusal, out);
                let mut choice = self.choice(json!({}));
                choice["finish_reason"] = json!(finish_reason(finish.kind));
                if let Some(native) = native_reason(&finish) {
                    choice["native_finish_reason"] = json!(native);
                }
                self.chunk(json!([choice]), None, out);
            }
            Event::ServiceTier(tier) => self.tier = service_tier(Some(&tier)).map(str::to_owned),
            Event::Usage(usage) => self.usage = Some(usage),
            // A comment is a keep-alive that no SDK reads as a chunk, but some choke on it; nothing is safe with all.
            Event::Ping | Event::Lost(_) => {}
            Event::Error(error) => out.push(sse::write(None, &crate::json::bytes(&super::error_body(&error)))),
            Event::End => {
                if let Some(usage) = self.usage.filter(|_| self.show_usage) {
                    self.chunk(json!([]), Some(usage), out);
                }
                out.push(sse::write(None, b"[DONE]"));
            }
        }
    }

    /// The role, with `content` as a whole reply has it: null beside anything but text.
    fn begin(&mut self, with_text: bool, out: &mut Vec<Bytes>) {
        if std::mem::take(&mut self.begins) {
            let content = with_text.then_some("");
            self.delta(json!({"role": "assistant", "content": content, "refusal": null}), out);
        }
    }

    fn part_start(&mut self, part: usize, start: PartStart, out: &mut Vec<Bytes>) {
        let open = match start {
            PartStart::Text => Open::Text(Box::new(Said { before: self.said, ..Said::default() })),
            PartStart::Refusal => Open::Refusal,
            PartStart::Thinking => Open::Thinking(String::new(), None),
            PartStart::RedactedThinking(data) => {
                let block = self.numbered(List::Thoughts, redacted_block(&data));
                self.delta(json!({"thinking_blocks": [block]}), out);
                return;
            }
            PartStart::ToolCall { id, name } => {
                let index = self.calls;
                self.calls += 1;
                let function = json!({"name": name, "arguments": ""});
                let call = json!({"index": index, "id": id, "type": "function", "function": function});
                self.delta(json!({"tool_calls": [call]}), out);
                Open::Call(index, false)
            }
        };
        self.parts.insert(part, open);
    }

    fn part_delta(&mut self, part: usize, delta: PartDelta, out: &mut Vec<Bytes>) {
        let delta = match (self.parts.get_mut(&part), delta) {
            (_, PartDelta::Logprobs(tokens)) => {
                let mut choice = self.choice(json!({}));
                choice["logprobs"] = logprobs(tokens);
                return self.chunk(json!([choice]), None, out);
            }
            (Some(Open::Text(said)), PartDelta::Text(text)) => {
                let length = text.chars().count() as u64;
                self.said += length;
                said.length += length;
                json!({"content": text})
            }
            (Some(Open::Text(said)), PartDelta::Citation(citation)) => match citation.range {
                Some(_) => {
                    let annotation = citations::write(&citation, said.length, said.before);
                    json!({"annotations": [self.numbered(List::Annotations, annotation)]})
                }
                None => return said.whole.push(citation),
            },
            (Some(Open::Text(_)), PartDelta::Signature(signature)) => {
                json!({"extra_content": extra_content(&signature)})
            }
            (Some(Open::Call(index, _)), PartDelta::Signature(signature)) => {
                // SDKs read a function in every piece of a call.
                let function = json!({"arguments": ""});
                json!({"tool_calls": [{"index": *index, "function": function, "extra_content": extra_content(&signature)}]})
            }
            (Some(Open::Refusal), PartDelta::Text(text)) => json!({"refusal": text}),
            (Some(Open::Thinking(thought, _)), PartDelta::Text(text)) => {
                thought.push_str(&text);
                json!({"reasoning_content": text})
            }
            (Some(Open::Thinking(_, known)), PartDelta::Signature(signature)) => {
                known.get_or_insert_default().push_str(&signature);
                return;
            }
            (Some(Open::Call(index, came)), PartDelta::Arguments(text)) => {
                if text.is_empty() {
                    return;
                }
                *came = true;
                json!({"tool_calls": [{"index": *index, "function": {"arguments": text}}]})
            }
            _ => return,
        };
        self.delta(delta, out);
    }

    fn part_end(&mut self, part: usize, out: &mut Vec<Bytes>) {
        match self.parts.remove(&part) {
            // The client's parser wants an object.
            Some(Open::Call(index, false)) => {
                self.delta(json!({"tool_calls": [{"index": index, "function": {"arguments": "{}"}}]}), out);
            }
            Some(Open::Thinking(text, Some(signature))) => {
                let block = thinking_block(&text, Some(&signature), self.origin);
                let block = self.numbered(List::Thoughts, block);
                self.delta(json!({"thinking_blocks": [block]}), out);
            }
            Some(Open::Text(said)) if !said.whole.is_empty() => {
                let annotations = said.whole.iter().map(|citation| {
                    self.numbered(List::Annotations, citations::write(citation, said.length, said.before))
                });
                let annotations: Vec<Value> = annotations.collect();
                self.delta(json!({"annotations": annotations}), out);
            }
            _ => {}
        }
    }

    /// An entry of a list that grows from chunk to chunk: SDKs put it together by the entries' index.
    fn numbered(&mut self, list: List, mut entry: Value) -> Value {
        let next = match list {
            List::Thoughts => &mut self.thoughts,
            List::Annotations => &mut self.annotations,
        };
        entry["index"] = json!(*next);
        *next += 1;
        entry
    }

    fn choice(&self, delta: Value) -> Value {
        json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": null})
    }

    fn delta(&self, delta: Value, out: &mut Vec<Bytes>) {
        let choice = self.choice(delta);
        self.chunk(json!([choice]), None, out);
    }

    fn chunk(&self, choices: Value, usage: Option<Usage>, out: &mut Vec<Bytes>) {
        let mut chunk = json!({
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "choices": choices,
        });
        if self.show_usage {
            chunk["usage"] = usage.map_or(Value::Null, |usage| super::usage_object(&usage));
        }
        if let Some(tier) = &self.tier {
            chunk["service_tier"] = json!(tier);
        }
        out.push(sse::write(None, &crate::json::bytes(&chunk)));
    }
}
