//! A Cohere chat stream becomes neutral events.

use super::decode_reply::logprob;
use super::{citations, usage};
use crate::framing::Frame;
use crate::json::text;
use crate::model::{Event, Finish, FinishKind, Names, PartDelta, PartStart, Usage, mint};
use crate::{Format, UpstreamFault};
use serde_json::Value;
use std::collections::BTreeMap;

/// Decodes one stream.
#[derive(Debug)]
pub struct StreamDecoder {
    names: Names,
    started: bool,
    ended: bool,
    id: String,
    next_part: usize,
    open: Option<Open>,
    /// Indexes of the texts so far.
    texts: Vec<u64>,
    /// Open calls by their index.
    calls: BTreeMap<u64, Call>,
    called: u64,
    finish: Option<Finish>,
    usage: Option<Usage>,
}

/// The open part that is not a call. Citations come behind its last text, some behind its end, so it is closed when
/// something else begins.
#[derive(Debug)]
struct Open {
    part: usize,
    /// `None` for the plan before the calls.
    index: Option<u64>,
    thinks: bool,
}

#[derive(Debug)]
struct Call {
    part: usize,
    /// What may yet turn out to be a bare `null`.
    held: String,
    argued: bool,
}

impl StreamDecoder {
    /// A decoder that restores tool names.
    #[must_use]
    pub fn new(names: Names) -> Self {
        Self {
            names,
            started: false,
            ended: false,
            id: String::new(),
            next_part: 0,
            open: None,
            texts: Vec::new(),
            calls: BTreeMap::new(),
            called: 0,
            finish: None,
            usage: None,
        }
    }

    /// Takes one event.
    ///
    /// # Errors
    /// When its data is not JSON.
    pub fn push(&mut self, event: &Frame, out: &mut Vec<Event>) -> Result<(), UpstreamFault> {
        let Some(data) = event.data.as_ref().filter(|data| !data.trim_ascii().is_empty()) else { return Ok(()) };
        if self.ended {
            return Ok(());
        }
        if data.trim_ascii() == b"[DONE]" {
            return self.finish(out);
        }
        let value: Value = serde_json::from_slice(data)
            .map_err(|_| UpstreamFault::malformed(Format::CohereChat, "an event's data is not JSON"))?;
        let index = value.get("index").and_then(Value::as_u64).unwrap_or_default();
        let message = value.pointer("/delta/message").unwrap_or(&Value::Null);
        match text(&value, "type") {
            "message-start" => {
                self.id = text(&value, "id").to_owned();
                self.start(out);
            }
            "content-start" => self.content_start(index, message.get("content").unwrap_or(&Value::Null), out),
            "content-delta" => {
                self.content(index, message.get("content").unwrap_or(&Value::Null), out);
                self.logprobs(value.get("logprobs"), out);
            }
            "tool-plan-delta" => self.plan(text(message, "tool_plan"), out),
            "tool-call-start" => self.call_start(index, message.get("tool_calls").unwrap_or(&Value::Null), out),
            "tool-call-delta" => self.argue(index, message.pointer("/tool_calls/function/arguments"), out),
            "tool-call-end" => self.call_end(index, out),
            "citation-start" => self.cite(message.get("citations").unwrap_or(&Value::Null), out),
            "message-end" => return self.message_end(value.get("delta").unwrap_or(&Value::Null), out),
            // Where something ends nothing is to be done.
            known if known.ends_with("-end") => {}
            unknown if !unknown.is_empty() && unknown != "error" => self.unread(message, out),
            _ => {
                if let Some(error) = super::read_error(&value, 502) {
                    self.ended = true;
                    out.push(Event::Error(error));
                }
            }
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

    /// Takes upstream's end, be it `message-end` or the last byte.
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
        self.close(out);
        let left: Vec<u64> = self.calls.keys().copied().collect();
        left.into_iter().for_each(|index| self.call_end(index, out));
        if finish.kind == FinishKind::Stop && self.called > 0 {
            finish.kind = FinishKind::ToolCalls;
        }
        out.push(Event::Finish(finish));
        out.extend(self.usage.map(Event::Usage));
        out.push(Event::End);
        Ok(())
    }

    fn message_end(&mut self, delta: &Value, out: &mut Vec<Event>) -> Result<(), UpstreamFault> {
        self.usage = delta.get("usage").and_then(usage::read_usage).or(self.usage);
        let message = delta.get("error").and_then(Value::as_str);
        let reason = delta.get("finish_reason").and_then(Value::as_str);
        let reason = reason.unwrap_or(if message.is_some() { "ERROR" } else { "COMPLETE" });
        if let Some(error) = super::failed(reason, message) {
            self.ended = true;
            out.push(Event::Error(error));
            return Ok(());
        }
        self.finish = Some(super::read_finish(reason));
        self.finish(out)
    }

    fn start(&mut self, out: &mut Vec<Event>) {
        if !self.started {
            self.started = true;
            out.push(Event::Start { id: self.id.clone(), model: String::new(), created: None, usage: None });
        }
    }

    fn begin(&mut self, start: PartStart, out: &mut Vec<Event>) -> usize {
        self.start(out);
        let part = self.next_part;
        self.next_part += 1;
        out.push(Event::PartStart { part, start });
        part
    }

    fn close(&mut self, out: &mut Vec<Event>) {
        if let Some(open) = self.open.take() {
            out.push(Event::PartEnd { part: open.part });
        }
    }

    /// Tells of what has no event, as the whole reply's report does.
    fn lose(&mut self, name: impl Into<String>, out: &mut Vec<Event>) {
        self.start(out);
        out.push(Event::Lost(name.into()));
    }

    /// An event of tomorrow: what it says of the message is not understood.
    fn unread(&mut self, message: &Value, out: &mut Vec<Event>) {
        let members = message.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
        members.for_each(|(name, _)| self.lose(format!("message.{name}"), out));
    }

    /// An empty block is not begun before it says something: the whole reply leaves it out.
    fn content_start(&mut self, index: u64, content: &Value, out: &mut Vec<Event>) {
        self.close(out);
        if !matches!(text(content, "type"), "" | "text" | "thinking") {
            self.lose(format!("message.{}", crate::json::kind(content)), out);
        }
        self.content(index, content, out);
    }

    fn content(&mut self, index: u64, content: &Value, out: &mut Vec<Event>) {
        let thought = text(content, "thinking");
        let (thinks, said) = if thought.is_empty() { (false, text(content, "text")) } else { (true, thought) };
        if !said.is_empty() {
            self.say(Some(index), thinks, said, out);
        }
    }

    fn plan(&mut self, said: &str, out: &mut Vec<Event>) {
        if !said.is_empty() {
            self.say(None, true, said, out);
        }
    }

    fn say(&mut self, index: Option<u64>, thinks: bool, said: &str, out: &mut Vec<Event>) {
        let part = match &self.open {
            Some(open) if open.index == index && open.thinks == thinks => open.part,
            _ => {
                self.close(out);
                let part = self.begin(if thinks { PartStart::Thinking } else { PartStart::Text }, out);
                self.texts.extend(index.filter(|_| !thinks));
                self.open = Some(Open { part, index, thinks });
                part
            }
        };
        out.push(Event::PartDelta { part, delta: PartDelta::Text(said.to_owned()) });
    }

    fn logprobs(&mut self, told: Option<&Value>, out: &mut Vec<Event>) {
        // The document says one object, and may come to mean a list.
        let items = match told {
            Some(Value::Array(items)) => items.as_slice(),
            Some(item) => std::slice::from_ref(item),
            None => return,
        };
        let items: Vec<Value> = items.iter().filter_map(logprob).collect();
        if let Some(open) = self.open.as_ref().filter(|_| !items.is_empty()) {
            out.push(Event::PartDelta { part: open.part, delta: PartDelta::Logprobs(items) });
        }
    }

    fn cite(&mut self, told: &Value, out: &mut Vec<Event>) {
        let items = match told {
            Value::Array(items) => items.as_slice(),
            item => std::slice::from_ref(item),
        };
        for item in items.iter().filter(|item| item.is_object()) {
            let Some(part) = self.cited(item) else {
                self.lose("message.citations", out);
                continue;
            };
            let deltas = citations::read(item.clone()).into_iter().map(PartDelta::Citation);
            out.extend(deltas.map(|delta| Event::PartDelta { part, delta }));
        }
    }

    /// The text that a citation is about, as long as it is open: its `content_index`, or the first one. Nothing more can
    /// be said of one that has ended, and of thinking no format has citations.
    fn cited(&self, item: &Value) -> Option<usize> {
        if matches!(text(item, "type"), "PLAN" | "THINKING_CONTENT") {
            return None;
        }
        let told = item.get("content_index").and_then(Value::as_u64).filter(|index| self.texts.contains(index));
        let index = told.or_else(|| self.texts.first().copied())?;
        self.open.as_ref().filter(|open| !open.thinks && open.index == Some(index)).map(|open| open.part)
    }

    fn call_start(&mut self, index: u64, call: &Value, out: &mut Vec<Event>) {
        self.close(out);
        self.call_end(index, out);
        let function = call.get("function").unwrap_or(&Value::Null);
        let name = text(function, "name");
        if name.is_empty() {
            self.lose("message.tool_calls[]", out);
            return;
        }
        self.called += 1;
        let id = match text(call, "id") {
            "" => mint(&self.id, self.called),
            id => id.to_owned(),
        };
        let start = PartStart::ToolCall { id, name: self.names.receive(name.to_owned()) };
        let part = self.begin(start, out);
        self.calls.insert(index, Call { part, held: String::new(), argued: false });
        self.argue(index, function.get("arguments"), out);
    }

    fn argue(&mut self, index: u64, arguments: Option<&Value>, out: &mut Vec<Event>) {
        let Some(call) = self.calls.get_mut(&index) else { return };
        match arguments {
            Some(Value::String(text)) => call.held.push_str(text),
            None | Some(Value::Null) => {}
            Some(value) => call.held.push_str(&value.to_string()),
        }
        let undecided = !call.argued && "null".starts_with(call.held.trim());
        if !undecided && !call.held.is_empty() {
            call.argued = true;
            let delta = PartDelta::Arguments(std::mem::take(&mut call.held));
            out.push(Event::PartDelta { part: call.part, delta });
        }
    }

    fn call_end(&mut self, index: u64, out: &mut Vec<Event>) {
        let Some(Call { part, held, .. }) = self.calls.remove(&index) else { return };
        // A call without arguments has null.
        if !matches!(held.trim(), "" | "null") {
            out.push(Event::PartDelta { part, delta: PartDelta::Arguments(held) });
        }
        out.push(Event::PartEnd { part });
    }
}
