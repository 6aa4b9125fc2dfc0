//! A Converse stream becomes neutral events. Blocks of text and reasoning begin with their first delta; only calls are
//! announced.

use super::encode_settings::JSON_TOOL;
use super::{citations, decode_reply, redacted, usage};
use crate::formats::Restore;
use crate::framing::Frame;
use crate::json::text;
use crate::model::{Event, Finish, PartDelta, PartStart, Usage};
use crate::{Format, UpstreamFault};
use serde_json::Value;
use std::collections::BTreeMap;

/// Decodes one stream.
#[derive(Debug)]
pub struct StreamDecoder {
    restore: Restore,
    started: bool,
    ended: bool,
    next_part: usize,
    /// Open blocks by their index.
    open: BTreeMap<u64, Open>,
    calls: usize,
    finish: Option<Finish>,
    tier: Option<String>,
    usage: Option<Usage>,
}

#[derive(Debug)]
enum Open {
    Part {
        part: usize,
        kind: Kind,
    },
    /// Encrypted thinking, of which a part is made when it is whole.
    Redacted(String),
    /// A block that has no neutral form: a tool that ran at the vendor.
    Ignored,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Thinking,
    Call,
    /// The call of our own tool: its arguments are text.
    Answer,
}

impl StreamDecoder {
    /// A decoder that undoes what was changed in the request.
    #[must_use]
    pub fn new(restore: Restore) -> Self {
        Self {
            restore,
            started: false,
            ended: false,
            next_part: 0,
            open: BTreeMap::new(),
            calls: 0,
            finish: None,
            tier: None,
            usage: None,
        }
    }

    /// Takes one message of the event stream.
    ///
    /// # Errors
    /// When its data is not JSON.
    pub fn push(&mut self, frame: &Frame, out: &mut Vec<Event>) -> Result<(), UpstreamFault> {
        if self.ended {
            return Ok(());
        }
        let name = frame.name.as_deref().unwrap_or_default();
        let data = frame.data.as_deref().unwrap_or_default();
        if frame.exception {
            self.ended = true;
            let value = serde_json::from_slice(data).unwrap_or_default();
            out.push(Event::Error(super::exception(name, &value)));
            return Ok(());
        }
        if !EVENTS.contains(&name) {
            let says_nothing = matches!(data.trim_ascii(), b"" | b"{}");
            if !says_nothing && !name.is_empty() {
                self.lose(name, out);
            }
            return Ok(());
        }
        let value: Value = serde_json::from_slice(data)
            .map_err(|_| UpstreamFault::malformed(Format::BedrockConverse, "an event's data is not JSON"))?;
        let index = value.get("contentBlockIndex").and_then(Value::as_u64).unwrap_or_default();
        match name {
            "contentBlockStart" => self.block_start(index, value.get("start").unwrap_or(&Value::Null), out),
            "contentBlockDelta" => self.block_delta(index, value.get("delta").unwrap_or(&Value::Null), out),
            "contentBlockStop" => self.block_stop(index, out),
            "messageStop" => {
                self.unread(&value, out);
                let fields = value.get("additionalModelResponseFields");
                self.finish = Some(super::read_finish(text(&value, "stopReason"), fields));
            }
            "metadata" => {
                self.unread(&value, out);
                self.usage = value.get("usage").and_then(usage::read).or(self.usage);
                self.tier = value.get("serviceTier").and_then(|tier| tier.get("type")?.as_str().map(str::to_owned));
                if self.finish.is_some() {
                    return self.finish(out);
                }
            }
            _ => self.start(out),
        }
        Ok(())
    }

    /// Whether the answer is whole but for what may come behind its finish.
    #[must_use]
    pub fn has_finish(&self) -> bool {
        self.ended || self.finish.is_some()
    }

    /// Tokens as far as upstream has told.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// Takes upstream's end, be it its last event or its last byte.
    ///
    /// # Errors
    /// When the answer has not ended.
    pub fn finish(&mut self, out: &mut Vec<Event>) -> Result<(), UpstreamFault> {
        if self.ended {
            return Ok(());
        }
        let Some(mut finish) = self.finish.take() else {
            return Err(UpstreamFault::Truncated);
        };
        self.ended = true;
        self.start(out);
        while let Some(index) = self.open.keys().next().copied() {
            self.block_stop(index, out);
        }
        if self.next_part == 0 {
            decode_reply::refuse_malformed(&finish)?;
        }
        decode_reply::correct(&mut finish, self.calls > 0, self.restore.json_tool);
        out.extend(self.tier.take().map(Event::ServiceTier));
        out.push(Event::Finish(finish));
        out.extend(self.usage.map(Event::Usage));
        out.push(Event::End);
        Ok(())
    }

    /// The service names neither the answer nor the model.
    fn start(&mut self, out: &mut Vec<Event>) {
        if !std::mem::replace(&mut self.started, true) {
            out.push(Event::Start { id: String::new(), model: String::new(), created: None, usage: None });
        }
    }

    /// Tells of what has no event, as the whole reply's report does.
    fn lose(&mut self, name: impl Into<String>, out: &mut Vec<Event>) {
        self.start(out);
        out.push(Event::Lost(name.into()));
    }

    /// Tells of what stands beside the answer.
    fn unread(&mut self, value: &Value, out: &mut Vec<Event>) {
        let names = value.as_object().map(decode_reply::unread).unwrap_or_default();
        names.into_iter().for_each(|name| self.lose(name, out));
    }

    fn begin(&mut self, start: PartStart, out: &mut Vec<Event>) -> usize {
        self.start(out);
        let part = self.next_part;
        self.next_part += 1;
        out.push(Event::PartStart { part, start });
        part
    }

    fn block_start(&mut self, index: u64, start: &Value, out: &mut Vec<Event>) {
        self.block_stop(index, out);
        self.start(out);
        let Some(call) = start.get("toolUse") else {
            // Texts are not announced; what is may be known tomorrow.
            let plain = start.as_object().is_none_or(|start| start.is_empty() || start.contains_key("text"));
            if !plain {
                self.lose(format!("message.{}", name_of(start)), out);
                self.open.insert(index, Open::Ignored);
            }
            return;
        };
        let name = text(call, "name");
        let open = if !matches!(text(call, "type"), "" | "tool_use") {
            self.lose("message.toolUse", out);
            Open::Ignored
        } else if self.restore.json_tool && name == JSON_TOOL {
            Open::Part { part: self.begin(PartStart::Text, out), kind: Kind::Answer }
        } else {
            self.calls += 1;
            let name = self.restore.names.receive(name.to_owned());
            let start = PartStart::ToolCall { id: text(call, "toolUseId").to_owned(), name };
            Open::Part { part: self.begin(start, out), kind: Kind::Call }
        };
        self.open.insert(index, open);
    }

    fn block_delta(&mut self, index: u64, delta: &Value, out: &mut Vec<Event>) {
        if matches!(self.open.get(&index), Some(Open::Ignored)) {
            return;
        }
        if let Some(more) = delta.get("text").and_then(Value::as_str) {
            self.say(index, Kind::Text, PartDelta::Text(more.to_owned()), out);
        } else if let Some(call) = delta.get("toolUse") {
            self.argue(index, text(call, "input"), out);
        } else if let Some(thought) = delta.get("reasoningContent") {
            let said = |key: &str| thought.get(key).and_then(Value::as_str).map(str::to_owned);
            if let Some(data) = said("redactedContent") {
                self.redact(index, &data, out);
            } else if let Some(signature) = said("signature") {
                self.say(index, Kind::Thinking, PartDelta::Signature(signature), out);
            } else if let Some(text) = said("text") {
                self.say(index, Kind::Thinking, PartDelta::Text(text), out);
            } else {
                self.lose("message.reasoningContent", out);
            }
        } else if let Some(citation) = delta.get("citation").filter(|citation| citation.is_object()) {
            self.say(index, Kind::Text, PartDelta::Citation(citations::read(citation.clone())), out);
        } else if delta.as_object().is_some_and(|delta| !delta.is_empty()) {
            self.lose(format!("message.{}", name_of(delta)), out);
        }
    }

    /// A piece of a part of this kind, which begins here if it has not.
    fn say(&mut self, index: u64, wanted: Kind, delta: PartDelta, out: &mut Vec<Event>) {
        let part = match self.open.get(&index) {
            Some(Open::Part { part, kind }) if *kind == wanted => *part,
            _ => {
                self.block_stop(index, out);
                let start = if wanted == Kind::Thinking { PartStart::Thinking } else { PartStart::Text };
                let part = self.begin(start, out);
                self.open.insert(index, Open::Part { part, kind: wanted });
                part
            }
        };
        let says_nothing = matches!(&delta, PartDelta::Text(text) | PartDelta::Signature(text) if text.is_empty());
        if !says_nothing {
            out.push(Event::PartDelta { part, delta });
        }
    }

    fn argue(&mut self, index: u64, input: &str, out: &mut Vec<Event>) {
        let delta = match self.open.get(&index) {
            Some(Open::Part { part, kind: Kind::Call }) => Some((*part, PartDelta::Arguments(input.to_owned()))),
            Some(Open::Part { part, kind: Kind::Answer }) => Some((*part, PartDelta::Text(input.to_owned()))),
            _ => None,
        };
        match delta {
            _ if input.is_empty() => {}
            Some((part, delta)) => out.push(Event::PartDelta { part, delta }),
            // No call was announced.
            None => self.lose("message.toolUse", out),
        }
    }

    fn redact(&mut self, index: u64, data: &str, out: &mut Vec<Event>) {
        if let Some(Open::Redacted(known)) = self.open.get_mut(&index) {
            known.push_str(data);
            return;
        }
        self.block_stop(index, out);
        self.open.insert(index, Open::Redacted(data.to_owned()));
    }

    fn block_stop(&mut self, index: u64, out: &mut Vec<Event>) {
        match self.open.remove(&index) {
            Some(Open::Part { part, .. }) => out.push(Event::PartEnd { part }),
            Some(Open::Redacted(data)) => {
                let part = self.begin(PartStart::RedactedThinking(redacted::read(&data)), out);
                out.push(Event::PartEnd { part });
            }
            Some(Open::Ignored) | None => {}
        }
    }
}

/// What a block or a piece of one is: the name of its member.
fn name_of(block: &Value) -> &str {
    block.as_object().and_then(|members| members.keys().next()).map_or("unknown", String::as_str)
}

/// Events that say something here.
const EVENTS: &[&str] =
    &["messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata"];
