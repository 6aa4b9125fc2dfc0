//! An Anthropic stream becomes neutral events.

use super::citations;
use super::decode_reply::lost_block;
use super::encode_request::JSON_TOOL;
use super::usage::{SERVER_TOOLS, counts_server_tools};
use crate::framing::Frame;
use crate::json::{Object, text};
use crate::model::{Event, Finish, FinishKind, Names, PartDelta, PartStart, Report, Usage};
use crate::{Format, UpstreamFault};
use serde_json::Value;
use std::collections::HashMap;

/// Members of a message and of its last delta that are read, or that say nothing beside what is.
const READ: &[&str] =
    &["type", "id", "role", "model", "content", "delta", "stop_reason", "stop_sequence", "stop_details", "usage"];

/// Decodes one stream.
#[derive(Debug)]
pub struct StreamDecoder {
    names: Names,
    json_tool: bool,
    started: bool,
    ended: bool,
    next_part: usize,
    /// Open blocks by their index.
    open: HashMap<u64, Open>,
    calls: usize,
    refusal: Option<String>,
    finish: Option<Finish>,
    tier: Option<String>,
    usage: Option<Usage>,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    part: usize,
    /// The call of our own tool: its arguments are text.
    is_answer: bool,
}

impl StreamDecoder {
    /// A decoder that restores tool names; with `json_tool` the call of our own tool is the text.
    #[must_use]
    pub fn new(names: Names, json_tool: bool) -> Self {
        Self {
            names,
            json_tool,
            started: false,
            ended: false,
            next_part: 0,
            open: HashMap::new(),
            calls: 0,
            refusal: None,
            finish: None,
            tier: None,
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
        let value: Value = serde_json::from_slice(data)
            .map_err(|_| UpstreamFault::malformed(Format::AnthropicMessages, "an event's data is not JSON"))?;
        let index = value.get("index").and_then(Value::as_u64).unwrap_or_default();
        match text(&value, "type") {
            "message_start" => {
                let tier = value.pointer("/message/usage/service_tier").and_then(Value::as_str);
                self.tier = tier.map(str::to_owned);
                self.message_start(value.get("message").unwrap_or(&Value::Null), out);
            }
            "content_block_start" => self.block_start(index, value.get("content_block").unwrap_or(&Value::Null), out),
            "content_block_delta" => self.block_delta(index, value.get("delta").unwrap_or(&Value::Null), out),
            "content_block_stop" => self.block_stop(index, out),
            "message_delta" => self.message_delta(&value, out),
            "message_stop" => return self.finish(out),
            "ping" if self.started => out.push(Event::Ping),
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

    /// Takes upstream's end, be it `message_stop` or the last byte.
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
        self.start(&Value::Null, out);
        let mut left: Vec<u64> = self.open.keys().copied().collect();
        left.sort_unstable();
        for index in left {
            self.block_stop(index, out);
        }
        if self.json_tool && finish.kind == FinishKind::ToolCalls && self.calls == 0 {
            finish.kind = FinishKind::Stop;
        }
        if let Some(text) = self.refusal.take().filter(|_| finish.kind == FinishKind::Refusal) {
            let part = self.begin(PartStart::Refusal, out);
            out.push(Event::PartDelta { part, delta: PartDelta::Text(text) });
            out.push(Event::PartEnd { part });
        }
        out.extend(self.tier.take().map(Event::ServiceTier));
        out.push(Event::Finish(finish));
        out.extend(self.usage.map(Event::Usage));
        out.push(Event::End);
        Ok(())
    }

    fn message_start(&mut self, message: &Value, out: &mut Vec<Event>) {
        super::merge_usage(&mut self.usage, message.get("usage"));
        self.start(message, out);
        self.lose(message, out);
    }

    /// Tells what stands beside the content of a message, or of its last delta, and has no event.
    fn lose(&mut self, members: &Value, out: &mut Vec<Event>) {
        let members = members.as_object().into_iter().flatten();
        let unread = members.filter(|(key, _)| !READ.contains(&key.as_str()));
        let unread: Object = unread.map(|(key, value)| (key.clone(), value.clone())).collect();
        let mut report = Report::default();
        report.drop_extras("", &unread);
        if !report.dropped.is_empty() {
            self.start(&Value::Null, out);
            out.extend(report.dropped.into_iter().map(Event::Lost));
        }
    }

    fn start(&mut self, message: &Value, out: &mut Vec<Event>) {
        if self.started {
            return;
        }
        self.started = true;
        let (id, model) = (text(message, "id").to_owned(), text(message, "model").to_owned());
        out.push(Event::Start { id, model, created: None, usage: self.usage });
    }

    fn begin(&mut self, start: PartStart, out: &mut Vec<Event>) -> usize {
        let part = self.next_part;
        self.next_part += 1;
        out.push(Event::PartStart { part, start });
        part
    }

    /// Blocks of the vendor's own tools have no neutral form: they are lost, and their deltas find no open part.
    fn block_start(&mut self, index: u64, block: &Value, out: &mut Vec<Event>) {
        self.block_stop(index, out);
        self.start(&Value::Null, out);
        let mut deltas = Vec::new();
        let mut is_answer = false;
        let start = match text(block, "type") {
            "text" => {
                deltas.push(PartDelta::Text(text(block, "text").to_owned()));
                let cited = block.get("citations").and_then(Value::as_array).into_iter().flatten();
                deltas.extend(cited.map(|citation| PartDelta::Citation(citations::read(citation.clone()))));
                PartStart::Text
            }
            "thinking" => {
                deltas.push(PartDelta::Text(text(block, "thinking").to_owned()));
                deltas.push(PartDelta::Signature(text(block, "signature").to_owned()));
                PartStart::Thinking
            }
            "redacted_thinking" => PartStart::RedactedThinking(text(block, "data").to_owned()),
            "tool_use" => {
                let input = block.get("input").filter(|input| input.as_object().is_some_and(|map| !map.is_empty()));
                let input = input.map(Value::to_string).unwrap_or_default();
                is_answer = self.json_tool && text(block, "name") == JSON_TOOL;
                if is_answer {
                    deltas.push(PartDelta::Text(input));
                    PartStart::Text
                } else {
                    self.calls += 1;
                    deltas.push(PartDelta::Arguments(input));
                    PartStart::ToolCall {
                        id: text(block, "id").to_owned(),
                        name: self.names.receive(text(block, "name").to_owned()),
                    }
                }
            }
            _ => return out.push(Event::Lost(lost_block(block))),
        };
        let part = self.begin(start, out);
        self.open.insert(index, Open { part, is_answer });
        for delta in deltas {
            emit(part, delta, out);
        }
    }

    fn block_delta(&mut self, index: u64, delta: &Value, out: &mut Vec<Event>) {
        let Some(open) = self.open.get(&index) else { return };
        let delta = match text(delta, "type") {
            "text_delta" => PartDelta::Text(text(delta, "text").to_owned()),
            "thinking_delta" => PartDelta::Text(text(delta, "thinking").to_owned()),
            "signature_delta" => PartDelta::Signature(text(delta, "signature").to_owned()),
            "input_json_delta" if open.is_answer => PartDelta::Text(text(delta, "partial_json").to_owned()),
            "input_json_delta" => PartDelta::Arguments(text(delta, "partial_json").to_owned()),
            "citations_delta" => match delta.get("citation").filter(|citation| citation.is_object()) {
                Some(citation) => PartDelta::Citation(citations::read(citation.clone())),
                None => return,
            },
            _ => return,
        };
        emit(open.part, delta, out);
    }

    fn block_stop(&mut self, index: u64, out: &mut Vec<Event>) {
        if let Some(open) = self.open.remove(&index) {
            out.push(Event::PartEnd { part: open.part });
        }
    }

    fn message_delta(&mut self, value: &Value, out: &mut Vec<Event>) {
        super::merge_usage(&mut self.usage, value.get("usage"));
        self.lose(value, out);
        if value.get("usage").is_some_and(counts_server_tools) {
            self.start(&Value::Null, out);
            out.push(Event::Lost(SERVER_TOOLS.to_owned()));
        }
        let Some(delta) = value.get("delta") else { return };
        self.lose(delta, out);
        if let Some(reason) = delta.get("stop_reason").and_then(Value::as_str) {
            self.finish = Some(super::read_finish(reason, delta.get("stop_sequence").and_then(Value::as_str)));
        }
        if let Some(text) = delta.get("stop_details").and_then(|details| details.get("explanation")?.as_str()) {
            self.refusal = Some(text.to_owned());
        }
    }
}

fn emit(part: usize, delta: PartDelta, out: &mut Vec<Event>) {
    let says_nothing = match &delta {
        PartDelta::Text(text) | PartDelta::Signature(text) | PartDelta::Arguments(text) => text.is_empty(),
        PartDelta::Citation(_) | PartDelta::Logprobs(_) => false,
    };
    if !says_nothing {
        out.push(Event::PartDelta { part, delta });
    }
}
