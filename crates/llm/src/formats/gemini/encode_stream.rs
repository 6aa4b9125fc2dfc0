//! Neutral events become a stream of generateContent replies, as server-sent events or as one array that grows.

use super::encode_reply::{around, call, redacted, thought};
use super::error::{chunk, error_frame};
use super::{citations, finish, logprobs, usage};
use crate::formats::ReplyContext;
use crate::model::{Arguments, Citation, Event, Finish, FinishKind, PartDelta, PartStart, Usage};
use bytes::Bytes;
use serde_json::{Value, json};
use std::collections::HashMap;

/// Encodes one stream.
#[derive(Debug)]
pub struct StreamEncoder {
    context: ReplyContext,
    id: String,
    model: String,
    /// Whether a chunk has gone out.
    begun: bool,
    parts: HashMap<usize, Open>,
    /// What was said with its sources, for the last chunk.
    cited: Vec<(String, Vec<Citation>)>,
    finish: Option<Finish>,
    usage: Option<Usage>,
}

/// An open part.
#[derive(Debug)]
enum Open {
    /// What it says, and its sources.
    Text(String, Vec<Citation>, Option<String>),
    Thinking {
        /// Its last character, which goes out with the signature: clients pass over one on an empty text.
        held: String,
        signature: Option<String>,
    },
    /// Calls go out whole: clients read no pieces.
    Call { id: String, name: String, arguments: String, signature: Option<String> },
}

impl StreamEncoder {
    /// An encoder.
    #[must_use]
    pub fn new(context: ReplyContext) -> Self {
        Self {
            context,
            id: String::new(),
            model: String::new(),
            begun: false,
            parts: HashMap::new(),
            cited: Vec::new(),
            finish: None,
            usage: None,
        }
    }

    /// Takes one event.
    pub fn push(&mut self, event: Event, out: &mut Vec<Bytes>) {
        match event {
            Event::Start { id, model, usage, .. } => {
                self.id = id;
                self.model = model;
                self.usage = usage;
            }
            Event::PartStart { part, start } => self.part_start(part, start, out),
            Event::PartDelta { part, delta } => self.part_delta(part, delta, out),
            Event::PartEnd { part } => self.part_end(part, out),
            // A stream of this format has no place for it.
            Event::ServiceTier(_) => {}
            Event::Finish(finish) => self.finish = Some(finish),
            Event::Usage(usage) => self.usage = Some(usage),
            Event::Ping | Event::Lost(_) => {}
            Event::Error(error) => out.push(error_frame(self.context.framing, &error)),
            Event::End => self.end(out),
        }
    }

    fn part_start(&mut self, part: usize, start: PartStart, out: &mut Vec<Bytes>) {
        let open = match start {
            PartStart::Text | PartStart::Refusal => Open::Text(String::new(), Vec::new(), None),
            PartStart::Thinking => Open::Thinking { held: String::new(), signature: None },
            PartStart::RedactedThinking(data) => {
                self.part(redacted(&data), out);
                return;
            }
            PartStart::ToolCall { id, name } => Open::Call { id, name, arguments: String::new(), signature: None },
        };
        self.parts.insert(part, open);
    }

    fn part_delta(&mut self, part: usize, delta: PartDelta, out: &mut Vec<Bytes>) {
        let piece = match (self.parts.get_mut(&part), delta) {
            (Some(Open::Text(said, ..)), PartDelta::Text(text)) if !text.is_empty() => {
                said.push_str(&text);
                json!({ "text": text })
            }
            (Some(Open::Thinking { held, .. }), PartDelta::Text(text)) if !text.is_empty() => {
                let said = all_but_last(held, &text);
                if said.is_empty() {
                    return;
                }
                json!({"text": said, "thought": true})
            }
            (Some(Open::Text(_, citations, _)), PartDelta::Citation(citation)) => {
                citations.push(citation);
                return;
            }
            (
                Some(Open::Thinking { signature, .. } | Open::Text(_, _, signature) | Open::Call { signature, .. }),
                PartDelta::Signature(more),
            ) => {
                signature.get_or_insert_default().push_str(&more);
                return;
            }
            (Some(Open::Call { arguments, .. }), PartDelta::Arguments(more)) => {
                arguments.push_str(&more);
                return;
            }
            (Some(Open::Text(..)), PartDelta::Logprobs(entries)) => {
                if let Some((result, mean)) = logprobs::write(&entries) {
                    let mut candidate = candidate(json!({"text": ""}));
                    candidate["avgLogprobs"] = json!(mean);
                    candidate["logprobsResult"] = result;
                    self.chunk(candidate, None, out);
                }
                return;
            }
            _ => return,
        };
        self.part(piece, out);
    }

    fn part_end(&mut self, part: usize, out: &mut Vec<Bytes>) {
        match self.parts.remove(&part) {
            Some(Open::Text(said, citations, signature)) => {
                if let Some(signature) = signature {
                    self.part(json!({"text": "", "thoughtSignature": signature}), out);
                }
                if !citations.is_empty() {
                    self.cited.push((said, citations));
                }
            }
            Some(Open::Thinking { held, signature }) => {
                let piece = thought(&held, self.context.origin, signature.as_deref());
                if !held.is_empty() || piece.get("thoughtSignature").is_some() {
                    self.part(piece, out);
                }
            }
            Some(Open::Call { id, name, arguments, signature }) => {
                // A call that was cut by the bound of the answer's length is kept, though its arguments are not.
                let args = Arguments::Text(arguments).into_object().unwrap_or_else(|empty| empty);
                let mut piece = call(&id, &name, Value::Object(args));
                if let Some(signature) = signature {
                    piece["thoughtSignature"] = json!(signature);
                }
                self.part(piece, out);
            }
            None => {}
        }
    }

    /// The last chunk: why the answer ended, what it rests on, what it took.
    fn end(&mut self, out: &mut Vec<Bytes>) {
        let mut left: Vec<usize> = self.parts.keys().copied().collect();
        left.sort_unstable();
        for part in left {
            self.part_end(part, out);
        }
        let kind = self.finish.take().map_or(FinishKind::Stop, |finish| finish.kind);
        let mut last = candidate(json!({"text": ""}));
        last["finishReason"] = json!(finish::write(kind));
        let texts: Vec<(usize, &str, &[Citation])> =
            self.cited.iter().map(|(text, citations)| (0, text.as_str(), citations.as_slice())).collect();
        if let Some(grounding) = citations::write(&texts) {
            last["groundingMetadata"] = grounding;
        }
        let usage = self.usage.take();
        self.chunk(last, usage, out);
        if self.context.framing == crate::framing::Framing::JsonArray {
            out.push(Bytes::from_static(b"\r\n]"));
        }
    }

    fn part(&mut self, part: Value, out: &mut Vec<Bytes>) {
        self.chunk(candidate(part), None, out);
    }

    fn chunk(&mut self, candidate: Value, usage: Option<Usage>, out: &mut Vec<Bytes>) {
        let mut body = around(vec![candidate], &self.id, &self.model, &self.context);
        if let Some(usage) = usage {
            body["usageMetadata"] = usage::write(&usage);
        }
        out.push(chunk(self.context.framing, std::mem::replace(&mut self.begun, true), &body));
    }
}

fn candidate(part: Value) -> Value {
    json!({"content": {"role": "model", "parts": [part]}, "index": 0})
}

/// What may go out of thinking of which `text` comes: all but the last character, which is held in place of the one before.
fn all_but_last(held: &mut String, text: &str) -> String {
    held.push_str(text);
    let last = held.char_indices().next_back().map_or(0, |(at, _)| at);
    let kept = held.split_off(last);
    std::mem::replace(held, kept)
}
