//! Messages as Anthropic wants them: turns that alternate, results of calls first in the turn behind the calls, no
//! empty text.

use super::blocks;
use super::encode_request::{send_name, written};
use crate::json::Object;
use crate::model::{Content, Form, Message, Names, PartKind, Report, Role, Tool, ToolKind, plain_id};
use crate::{BodyError, Format};
use serde_json::{Value, json};
use std::collections::HashMap;

/// Stands where the API wants text and the client gave none.
const PLACEHOLDER: &str = "(empty)";

/// The turns so far.
pub(super) struct Turns<'a> {
    pub(super) own: bool,
    pub(super) origin: Format,
    pub(super) names: &'a mut Names,
    pub(super) report: &'a mut Report,
    /// Messages of this format's own requests, which are kept one to one.
    kept: Vec<Value>,
    turns: Vec<Turn>,
    /// Names of the tools that were called, as the client knows them.
    pub(super) called: Vec<String>,
}

#[derive(Default)]
struct Turn {
    user: bool,
    /// Whether the client wrote a list, which stays one.
    list: bool,
    /// Results of calls, each with its call's place, and where each call's is.
    results: Vec<(usize, Value)>,
    places: HashMap<String, usize>,
    blocks: Vec<Value>,
    /// Ids of the calls made, and their places.
    calls: HashMap<String, usize>,
}

impl<'a> Turns<'a> {
    pub(super) fn new(origin: Format, names: &'a mut Names, report: &'a mut Report) -> Self {
        let own = origin == Format::AnthropicMessages;
        Self { own, origin, names, report, kept: Vec::new(), turns: Vec::new(), called: Vec::new() }
    }

    pub(super) fn has_begun(&self) -> bool {
        !self.turns.is_empty()
    }

    pub(super) fn push(&mut self, message: Message) -> Result<(), BodyError> {
        if self.own {
            return self.keep(message);
        }
        let mut extras = message.extras;
        if extras.shift_remove("role").is_some() {
            self.report.approximate("messages[].role");
        }
        if message.role == Role::Assistant {
            for key in ["reasoning_content", "thinking_blocks", "reasoning", "refusal"] {
                extras.shift_remove(key);
            }
        }
        self.report.drop_extras("messages[].", &extras);
        match message.role {
            Role::Tool => self.results(message.content, message.cache),
            Role::Assistant => self.assistant(message.content, message.cache),
            _ => self.user(message.content, message.cache),
        }
    }

    fn keep(&mut self, message: Message) -> Result<(), BodyError> {
        let role = match message.role {
            Role::Assistant => "assistant",
            Role::System | Role::Developer => "system",
            Role::User | Role::Tool => "user",
        };
        let mut out = Object::new();
        out.insert("role".to_owned(), json!(role));
        let form = message.content.form;
        let blocks = self.blocks(message.content)?;
        if let Some(content) = written(true, form, blocks) {
            out.insert("content".to_owned(), content);
        }
        out.extend(message.extras);
        self.kept.push(Value::Object(out));
        Ok(())
    }

    fn turn(&mut self, user: bool) -> &mut Turn {
        if self.turns.last().is_none_or(|turn| turn.user != user) {
            self.turns.push(Turn { user, ..Turn::default() });
        }
        self.turns.last_mut().expect("a turn was pushed if there was none")
    }

    /// A result stands at the begin of the turn behind its call; of two for one call the last counts; one without a
    /// call (history was trimmed) becomes text.
    fn results(&mut self, content: Content, cache: Option<Value>) -> Result<(), BodyError> {
        for part in content.parts {
            let id = match &part.kind {
                PartKind::ToolResult { id, .. } => plain_id(id),
                _ => continue,
            };
            let Some(mut block) = self.block(part)? else { continue };
            mark(&mut block, cache.clone());
            let calling = self.turns.iter().rev().take(2).find(|turn| !turn.user);
            let Some(place) = calling.and_then(|turn| turn.calls.get(&id).copied()) else {
                self.report.approximate("messages[].tool_call_id");
                let text = blocks::plain_text(&block);
                let text = if text.trim().is_empty() { PLACEHOLDER.to_owned() } else { text };
                let text = json!({"type": "text", "text": format!("Result of an earlier tool call: {text}")});
                self.turn(true).blocks.push(text);
                continue;
            };
            let turn = self.turn(true);
            match turn.places.get(&id) {
                Some(at) => {
                    turn.results[*at] = (place, block);
                    self.report.drop("messages[].tool_call_id");
                }
                None => {
                    turn.places.insert(id, turn.results.len());
                    turn.results.push((place, block));
                }
            }
        }
        Ok(())
    }

    fn user(&mut self, content: Content, cache: Option<Value>) -> Result<(), BodyError> {
        let list = content.form == Form::List;
        let mut blocks = self.blocks(content)?;
        let before = blocks.len();
        blocks.retain(|block| !is_blank(block));
        if blocks.len() < before || before == 0 {
            self.report.approximate("messages[].content");
        }
        if blocks.is_empty() {
            blocks.push(json!({"type": "text", "text": PLACEHOLDER}));
        }
        if let Some(last) = blocks.last_mut() {
            mark(last, cache);
        }
        let turn = self.turn(true);
        turn.list |= list;
        turn.blocks.extend(blocks);
        Ok(())
    }

    fn assistant(&mut self, content: Content, cache: Option<Value>) -> Result<(), BodyError> {
        let list = content.form == Form::List;
        let mut blocks = Vec::with_capacity(content.parts.len());
        for part in content.parts {
            // What only another vendor's model says (a tool that ran there) cannot be said again.
            if let PartKind::Foreign(value) = &part.kind {
                self.report.drop(format!("messages[].content[].{}", crate::json::kind(value)));
                continue;
            }
            blocks.extend(self.block(part)?);
        }
        blocks.retain(|block| !is_blank(block));
        if blocks.is_empty() {
            return Ok(());
        }
        if let Some(last) = blocks.last_mut() {
            mark(last, cache);
        }
        let calls = blocks.iter().filter(|block| kind(block) == "tool_use");
        let ids: Vec<String> = calls.filter_map(|block| block.get("id")?.as_str().map(str::to_owned)).collect();
        let turn = self.turn(false);
        turn.list |= list;
        for id in ids {
            let place = turn.calls.len();
            turn.calls.entry(id).or_insert(place);
        }
        turn.blocks.extend(blocks);
        Ok(())
    }

    /// Tools that the history calls though the request declares none at all, as they are sent.
    pub(super) fn tools_used(&mut self, declared: &[Tool]) -> Vec<String> {
        if self.own || declared.iter().any(|tool| matches!(tool.kind, ToolKind::Function { .. })) {
            return Vec::new();
        }
        let mut used = std::mem::take(&mut self.called);
        used.sort_unstable();
        used.dedup();
        used.iter().map(|name| send_name(name, self.names, self.report)).collect()
    }

    /// Whether the last turn answers calls that came without the thinking before them.
    pub(super) fn ends_in_unsigned_calls(&self) -> bool {
        let [.., calling, answering] = self.turns.as_slice() else { return false };
        let first = calling.blocks.first().map(kind);
        !answering.results.is_empty()
            && !calling.calls.is_empty()
            && !matches!(first, Some("thinking" | "redacted_thinking"))
    }

    /// The messages. A conversation that is all system prompt, or that the model begins, gets a user's turn.
    pub(super) fn finish(
        mut self,
        thinks: bool,
        system: &mut Option<(Form, Vec<Value>)>,
    ) -> Result<Vec<Value>, BodyError> {
        if self.own {
            return Ok(self.kept);
        }
        if let Some(last) = self.turns.last_mut()
            && !last.user
            && last.calls.is_empty()
        {
            if thinks {
                // The API refuses a begun answer while thinking is on.
                self.turns.pop();
                self.report.drop("messages[].content");
            } else if let Some(Value::String(text)) = last.blocks.last_mut().and_then(|block| block.get_mut("text")) {
                text.truncate(text.trim_end().len());
            }
        }
        if self.turns.is_empty() {
            let blocks = system.as_mut().and_then(|(_, blocks)| blocks.pop());
            let Some(block) = blocks else {
                return Err(BodyError::field("messages", "'messages' has nothing to answer"));
            };
            self.report.approximate("messages[].role");
            self.turn(true).blocks.push(block);
        } else if self.turns.first().is_some_and(|turn| !turn.user) {
            self.report.approximate("messages");
            let text = json!({"type": "text", "text": PLACEHOLDER});
            self.turns.insert(0, Turn { user: true, blocks: vec![text], ..Turn::default() });
        }
        Ok(self.turns.into_iter().map(Turn::into_message).collect())
    }
}

impl Turn {
    fn into_message(self) -> Value {
        let role = if self.user { "user" } else { "assistant" };
        // In the order of the calls, whichever came back first.
        let mut results = self.results;
        results.sort_by_key(|(place, _)| *place);
        let blocks = results.into_iter().map(|(_, block)| block).chain(self.blocks).collect();
        let form = if self.list { Form::List } else { Form::Bare };
        let content = written(false, form, blocks).unwrap_or_default();
        json!({"role": role, "content": content})
    }
}

fn kind(block: &Value) -> &str {
    block.get("type").and_then(Value::as_str).unwrap_or_default()
}

/// The API refuses text without a visible character.
pub(super) fn is_blank(block: &Value) -> bool {
    match kind(block) {
        "text" => block.get("text").and_then(Value::as_str).is_none_or(|text| text.trim().is_empty()),
        // Thinking that was not shown still has its signature.
        "thinking" => {
            crate::json::text(block, "thinking").is_empty() && crate::json::text(block, "signature").is_empty()
        }
        _ => false,
    }
}

fn mark(block: &mut Value, cache: Option<Value>) {
    if let (Some(cache), Value::Object(block)) = (cache, block) {
        block.entry("cache_control").or_insert(cache);
    }
}
