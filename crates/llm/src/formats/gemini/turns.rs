//! Messages as the API wants them: turns that alternate, the results of calls together right behind them, in the order of
//! the calls and as many.

use super::capabilities::Capabilities;
use super::encode_parts::{self, Parts, Pictures};
use super::signature::SKIP;
use crate::BodyError;
use crate::json::Object;
use crate::model::{Content, Message, Names, Part, PartKind, Report, Role};
use serde_json::{Value, json};
use std::collections::HashMap;

/// Stands where the API wants text and the client gave none.
const PLACEHOLDER: &str = "(empty)";

/// The turns so far.
pub(super) struct Turns<'a> {
    can: Capabilities,
    cloud: bool,
    names: &'a mut Names,
    report: &'a mut Report,
    system: Vec<Value>,
    turns: Vec<Turn>,
}

#[derive(Default)]
struct Turn {
    user: bool,
    /// Results of the calls before it, by id.
    results: HashMap<String, Value>,
    parts: Vec<Value>,
    /// Ids of the calls made, in order, and the names by which they are sent.
    calls: Vec<String>,
    names: HashMap<String, String>,
}

impl<'a> Turns<'a> {
    pub(super) fn new(can: Capabilities, cloud: bool, names: &'a mut Names, report: &'a mut Report) -> Self {
        Self { can, cloud, names, report, system: Vec::new(), turns: Vec::new() }
    }

    fn parts(&mut self) -> Parts<'_> {
        Parts { cloud: self.cloud, names: self.names, report: self.report }
    }

    /// A system prompt: text alone.
    pub(super) fn system(&mut self, content: Content, cache: Option<Value>) -> Result<(), BodyError> {
        if cache.is_some() {
            self.report.drop("cache_control");
        }
        for part in content.parts {
            self.about(&part);
            match part.kind {
                // Claude Code's own block, of no meaning to other vendors.
                PartKind::Text(text) if text.starts_with("x-anthropic-billing-header") => {
                    self.report.drop("system.x-anthropic-billing-header");
                }
                PartKind::Text(text) if text.is_empty() => {}
                PartKind::Text(text) => self.system.push(json!({ "text": text })),
                _ => self.report.drop("system"),
            }
        }
        Ok(())
    }

    /// A system or developer message joins the system prompt, in order.
    pub(super) fn promote(&mut self, message: Message) -> Result<(), BodyError> {
        if !self.turns.is_empty() {
            self.report.approximate("messages[].role");
        }
        self.report.drop_extras("messages[].", &message.extras);
        self.system(message.content, message.cache)
    }

    /// Something of ours behind the system prompt.
    pub(super) fn instruct(&mut self, text: String) {
        self.system.push(json!({ "text": text }));
    }

    pub(super) fn push(&mut self, message: Message) -> Result<(), BodyError> {
        let Message { role, content, cache, mut extras } = message;
        if extras.shift_remove("role").is_some() && role != Role::Tool {
            self.report.approximate("messages[].role");
        }
        if role == Role::Assistant {
            for key in ["reasoning_content", "thinking_blocks", "reasoning", "refusal"] {
                extras.shift_remove(key);
            }
        }
        if cache.is_some() {
            self.report.drop("cache_control");
        }
        self.report.drop_extras("messages[].", &extras);
        match role {
            Role::Assistant => self.assistant(content),
            _ => self.user(content),
        }
    }

    /// What is beside a part's content.
    fn about(&mut self, part: &Part) {
        if part.cache.is_some() {
            self.report.drop("cache_control");
        }
        // What a text refers to has a place in replies only.
        if !part.citations.is_empty() {
            self.report.drop("messages[].annotations");
        }
        self.report.drop_extras("messages[].content[].", &part.extras);
    }

    fn turn(&mut self, user: bool) -> &mut Turn {
        if self.turns.last().is_none_or(|turn| turn.user != user) {
            self.turns.push(Turn { user, ..Turn::default() });
        }
        self.turns.last_mut().expect("a turn was pushed if there was none")
    }

    fn user(&mut self, content: Content) -> Result<(), BodyError> {
        let mut written = Vec::new();
        let mut answers = false;
        for part in content.parts {
            if let PartKind::ToolResult { id, content, is_error } = part.kind {
                answers = true;
                if part.cache.is_some() {
                    self.report.drop("cache_control");
                }
                self.report.drop_extras("messages[].content[].", &part.extras);
                self.result(id, content, is_error)?;
                continue;
            }
            self.about(&part);
            written.extend(self.parts().media(part.kind)?);
        }
        if written.is_empty() && !answers {
            self.report.approximate("messages[].content");
            written.push(json!({ "text": PLACEHOLDER }));
        }
        if !written.is_empty() {
            self.turn(true).parts.extend(written);
        }
        Ok(())
    }

    /// A result stands behind its call; of two for one call the last counts; one without a call (history was trimmed)
    /// becomes text.
    fn result(&mut self, id: String, content: Content, is_error: Option<bool>) -> Result<(), BodyError> {
        let calling = self.turns.iter().rev().take(2).find(|turn| !turn.user);
        let Some(name) = calling.and_then(|turn| turn.names.get(&id).cloned()) else {
            self.report.approximate("messages[].tool_call_id");
            let (text, rest) = self.parts().result_text(content)?;
            let text = if text.trim().is_empty() { PLACEHOLDER.to_owned() } else { text };
            let turn = self.turn(true);
            turn.parts.push(json!({"text": format!("Result of an earlier tool call: {text}")}));
            turn.parts.extend(rest);
            return Ok(());
        };
        let pictures = if self.can.pictures_in_results { Pictures::Within } else { Pictures::Beside };
        let (response, beside) = self.parts().result(&id, &name, content, is_error, pictures)?;
        let turn = self.turn(true);
        turn.parts.extend(beside);
        if turn.results.insert(id, response).is_some() {
            self.report.drop("messages[].tool_call_id");
        }
        Ok(())
    }

    fn assistant(&mut self, content: Content) -> Result<(), BodyError> {
        let mut written = Vec::new();
        let mut calls = Vec::new();
        // A signature that stood on its own belongs to the call behind it.
        let mut pending: Option<String> = None;
        for part in content.parts {
            self.about(&part);
            let signature = part.signature.and_then(encode_parts::own_signature);
            match part.kind {
                PartKind::Thinking { text, signature } => {
                    let Some(thought) = self.parts().thinking(text, signature) else { continue };
                    if let Some(signature) = pending.take() {
                        written.push(json!({"text": "", "thoughtSignature": signature}));
                    }
                    match thought {
                        encode_parts::Thought::Signature(signature) => pending = Some(signature),
                        encode_parts::Thought::Part(part) => written.push(part),
                    }
                }
                PartKind::RedactedThinking(_) => self.report.drop("messages[].content[].redacted_thinking"),
                PartKind::ToolCall { id, name, arguments } => {
                    let (mut call, name) = self.parts().call(&id, &name, arguments);
                    calls.push((id, name));
                    if let Some(signature) = signature.or_else(|| pending.take()) {
                        call.insert("thoughtSignature".to_owned(), json!(signature));
                    }
                    written.push(Value::Object(call));
                }
                kind => {
                    let Some(mut part) = self.parts().said(kind)? else { continue };
                    if let Some(signature) = pending.take() {
                        written.push(json!({"text": "", "thoughtSignature": signature}));
                    }
                    if let (Some(signature), Value::Object(part)) = (signature, &mut part) {
                        part.insert("thoughtSignature".to_owned(), json!(signature));
                    }
                    written.push(part);
                }
            }
        }
        if let Some(signature) = pending {
            written.push(json!({"text": "", "thoughtSignature": signature}));
        }
        if !written.is_empty() {
            let turn = self.turn(false);
            turn.parts.extend(written);
            for (id, name) in calls {
                turn.calls.push(id.clone());
                turn.names.insert(id, name);
            }
        }
        Ok(())
    }

    /// The system prompt and the contents. A conversation that is all system prompt, or that the model begins, gets a
    /// user's turn.
    pub(super) fn finish(mut self) -> Result<(Option<Value>, Value), BodyError> {
        if self.turns.is_empty() {
            let Some(text) = self.system.pop() else {
                return Err(BodyError::field("messages", "'messages' has nothing to answer"));
            };
            self.report.approximate("messages[].role");
            self.turn(true).parts.push(text);
        } else if self.turns.first().is_some_and(|turn| !turn.user) {
            self.report.approximate("messages");
            let parts = vec![json!({ "text": PLACEHOLDER })];
            self.turns.insert(0, Turn { user: true, parts, ..Turn::default() });
        }
        self.answer_all();
        if self.can.demands_signatures {
            self.turns.iter_mut().for_each(Turn::sign);
        }
        if !self.can.system && !self.system.is_empty() {
            // Who takes no system prompt is told it by the user.
            self.report.approximate("messages[].role");
            if let Some(first) = self.turns.first_mut() {
                first.parts.splice(0..0, std::mem::take(&mut self.system));
            }
        }
        let system = (!self.system.is_empty()).then(|| json!({"parts": self.system}));
        let contents = self.turns.into_iter().map(Turn::into_content).collect();
        Ok((system, Value::Array(contents)))
    }

    /// The API wants exactly one result for each call, in their order.
    fn answer_all(&mut self) {
        let mut missing = false;
        for at in 1..self.turns.len() {
            let (calls, names) = {
                let before = &mut self.turns[at - 1];
                (std::mem::take(&mut before.calls), std::mem::take(&mut before.names))
            };
            let turn = &mut self.turns[at];
            let mut answers = Vec::with_capacity(calls.len());
            for id in calls {
                answers.push(turn.results.remove(&id).unwrap_or_else(|| {
                    missing = true;
                    let mut response = json!({"name": names.get(&id), "response": {"error": "no result was given"}});
                    if !id.is_empty() {
                        response["id"] = json!(id);
                    }
                    json!({ "functionResponse": response })
                }));
            }
            turn.parts.splice(0..0, answers);
        }
        if missing {
            self.report.approximate("messages[].tool_calls");
        }
    }
}

impl Turn {
    /// The first call of a turn must be signed. Where the client lost the signature, the API is told so.
    fn sign(&mut self) {
        let first = self.parts.iter_mut().find(|part| part.get("functionCall").is_some());
        if let Some(Value::Object(part)) = first {
            part.entry("thoughtSignature").or_insert_with(|| json!(SKIP));
        }
    }

    fn into_content(self) -> Value {
        let mut content = Object::new();
        content.insert("role".to_owned(), json!(if self.user { "user" } else { "model" }));
        content.insert("parts".to_owned(), Value::Array(self.parts));
        Value::Object(content)
    }
}
