//! The messages of a neutral request as Cohere has them: results of tools apart, documents beside the messages.

use super::encode_parts::{plain, written};
use super::encode_request::send_name;
use super::{PLAN, citations, documents};
use crate::formats::openai::{is_foreign_call, put_signature};
use crate::formats::vendor::thinking_name;
use crate::json::Object;
use crate::model::{
    Arguments, Content, Form, Message, Names, Part, PartKind, Report, Role, Source, plain_id, unwrap_signature,
};
use crate::{BodyError, Format};
use serde_json::{Value, json};
use std::collections::HashSet;

/// Writes messages one after the other.
pub(super) struct Encoder<'a> {
    pub(super) own: bool,
    origin: Format,
    /// Documents stay in the messages, as text: beside a shape of the answer the API takes none.
    pub(super) inline: bool,
    names: &'a mut Names,
    pub(super) report: &'a mut Report,
    messages: Vec<Value>,
    pub(super) documents: Vec<Value>,
    /// Ids of the calls made.
    called: HashSet<String>,
    /// Where the system prompts end.
    begun: Option<usize>,
}

impl<'a> Encoder<'a> {
    pub(super) fn new(origin: Format, inline: bool, names: &'a mut Names, report: &'a mut Report) -> Self {
        let own = origin == Format::CohereChat;
        let (messages, documents, called) = (Vec::new(), Vec::new(), HashSet::new());
        Self { own, origin, inline, names, report, messages, documents, called, begun: None }
    }

    /// The messages, and the documents beside them. An instruction of ours stands behind the system prompts.
    pub(super) fn finish(mut self, instruction: Option<String>) -> (Vec<Value>, Vec<Value>) {
        if let Some(text) = instruction {
            let at = self.begun.unwrap_or(self.messages.len());
            self.messages.insert(at, json!({"role": "system", "content": text}));
        }
        (self.messages, self.documents)
    }

    pub(super) fn message(&mut self, message: Message) -> Result<(), BodyError> {
        let Message { role, mut content, cache, mut extras } = message;
        if cache.is_some() {
            self.report.drop("cache_control");
        }
        if !matches!(role, Role::System | Role::Developer) {
            self.begun.get_or_insert(self.messages.len());
        }
        match role {
            Role::System | Role::Developer => self.system(content, extras),
            Role::Assistant => self.assistant(content, extras)?,
            Role::Tool if self.own => {
                for part in std::mem::take(&mut content.parts) {
                    self.tool_result(part, extras.clone(), &mut Vec::new())?;
                }
            }
            Role::User | Role::Tool => {
                let results = content.parts.iter().any(|part| matches!(part.kind, PartKind::ToolResult { .. }));
                let (answers, rest): (Vec<Part>, Vec<Part>) = std::mem::take(&mut content.parts)
                    .into_iter()
                    .partition(|part| !self.own && matches!(part.kind, PartKind::ToolResult { .. }));
                let mut pictures = Vec::new();
                for part in answers {
                    self.tool_result(part, Object::new(), &mut pictures)?;
                }
                if !self.own && role == Role::Tool {
                    self.report.drop_extras("messages[].", &std::mem::take(&mut extras));
                }
                content.parts = pictures.into_iter().chain(rest).collect();
                if !(results && content.parts.is_empty()) {
                    self.user(content, extras)?;
                }
            }
        }
        Ok(())
    }

    fn push(&mut self, role: &str, content: Option<Value>, more: Object, mut extras: Object) {
        let mut message = Object::new();
        message.insert("role".to_owned(), json!(role));
        message.extend(content.map(|content| ("content".to_owned(), content)));
        message.extend(more);
        if self.own {
            message.extend(extras);
        } else {
            extras.shift_remove("role");
            self.report.drop_extras("messages[].", &extras);
        }
        self.messages.push(Value::Object(message));
    }

    pub(super) fn system(&mut self, content: Content, extras: Object) {
        let form = content.form;
        let mut parts = Vec::new();
        for part in content.parts {
            match part.kind {
                // Claude Code's own block, of no meaning to other vendors.
                PartKind::Text(text) if !self.own && text.starts_with("x-anthropic-billing-header") => {
                    self.report.drop("system.x-anthropic-billing-header");
                }
                PartKind::Text(text) => parts.push(self.text(text, part.cache, part.extras)),
                PartKind::Foreign(value) if self.own => parts.push(value),
                _ => self.report.drop("messages[].content[]"),
            }
        }
        if self.own || !parts.is_empty() {
            let content = written(form, parts);
            self.push("system", content, Object::new(), extras);
        }
    }

    fn user(&mut self, content: Content, extras: Object) -> Result<(), BodyError> {
        let form = content.form;
        let mut parts = Vec::new();
        for part in content.parts {
            parts.extend(self.user_part(part)?);
        }
        let content = written(form, parts);
        let content = if self.own { content } else { content.or_else(|| Some(json!(""))) };
        self.push("user", content, Object::new(), extras);
        Ok(())
    }

    /// A result is text or documents, so other parts go on in the user's message behind it. One without a call
    /// (history was trimmed) becomes the user's text.
    fn tool_result(&mut self, part: Part, extras: Object, pictures: &mut Vec<Part>) -> Result<(), BodyError> {
        let PartKind::ToolResult { id, content, is_error } = part.kind else { return Ok(()) };
        if part.cache.is_some() {
            self.report.drop("cache_control");
        }
        let form = content.form;
        let mut parts = Vec::new();
        for part in content.parts {
            let Part { kind, cache, extras, .. } = part;
            match kind {
                PartKind::Text(text) => parts.push(self.text(text, cache, extras)),
                PartKind::Document { source: Source::Text(text), name } if !self.own => {
                    let document = json!({"type": "document", "document": documents::encode(text, name, None)});
                    parts.push(self.part(document, cache, extras));
                }
                PartKind::Foreign(value) if self.own => parts.push(value),
                kind if self.own => parts.extend(self.user_part(Part { cache, extras, ..Part::new(kind) })?),
                kind => {
                    self.report.approximate("messages[].content[].tool_result.content");
                    pictures.push(Part { extras, ..Part::new(kind) });
                }
            }
        }
        let mut more = Object::new();
        if self.own {
            if !id.is_empty() {
                more.insert("tool_call_id".to_owned(), json!(id));
            }
            let content = written(form, parts);
            self.push("tool", content, more, extras);
            return Ok(());
        }
        self.report.drop_extras("messages[].content[].", &part.extras);
        if is_error == Some(true) {
            self.report.approximate("messages[].content[].is_error");
            parts.insert(0, json!({"type": "text", "text": "Error:"}));
        }
        let id = plain_id(&id);
        if !self.called.contains(&id) {
            self.report.approximate("messages[].tool_call_id");
            parts.insert(0, json!({"type": "text", "text": "Result of an earlier tool call:"}));
            pictures.extend(parts.iter().filter_map(plain).map(Part::text));
            return Ok(());
        }
        more.insert("tool_call_id".to_owned(), json!(id));
        let content = match (form, parts.is_empty()) {
            // The API wants text, of an object best of all.
            (_, true) => json!("{}"),
            // Text by text was one text before it was cut.
            (Form::Bare, false) if parts.len() > 1 => {
                json!(parts.iter().filter_map(plain).collect::<Vec<_>>().join(" "))
            }
            (form, false) => written(form, parts).unwrap_or_default(),
        };
        self.push("tool", Some(content), more, extras);
        Ok(())
    }

    fn assistant(&mut self, content: Content, mut extras: Object) -> Result<(), BodyError> {
        let form = content.form;
        let calling = content.parts.iter().any(|part| matches!(part.kind, PartKind::ToolCall { .. }));
        let (mut said, mut plan, mut calls, mut cited) = (Vec::new(), None::<String>, Vec::new(), Vec::new());
        for part in content.parts {
            let foreign_call = is_foreign_call(&part);
            let Part { kind, cache, extras, citations, signature } = part;
            let index = said.len();
            match kind {
                PartKind::ToolCall { id, name, arguments } => {
                    let mut call = self.call(id, &name, arguments, cache, extras);
                    match (signature, call.as_object_mut()) {
                        (Some(signature), Some(call)) if self.own => put_signature(call, signature),
                        (Some(_), _) => self.report.drop("thought_signature"),
                        (None, _) => {}
                    }
                    calls.push(call);
                }
                PartKind::Thinking { text, signature } => {
                    let planned = extras.get("type").is_some_and(|kind| kind == PLAN);
                    let name = thinking_name(self.origin, &extras);
                    match self.thinking(text, signature, planned, calling, name) {
                        Some((true, text)) => plan.get_or_insert_default().push_str(&text),
                        Some((false, text)) => {
                            let part = json!({"type": "thinking", "thinking": text});
                            said.push(self.part(part, cache, if self.own { extras } else { Object::new() }));
                        }
                        None => {}
                    }
                }
                PartKind::RedactedThinking(_) => self.report.drop("messages[].content[].redacted_thinking"),
                PartKind::Refusal(text) => said.push(json!({"type": "text", "text": text})),
                PartKind::Foreign(value) if self.own && foreign_call => calls.push(value),
                kind => said.extend(self.user_part(Part { cache, extras, ..Part::new(kind) })?),
            }
            if self.own {
                cited.extend(citations::own(citations));
            } else if let Some(text) = said.get(index).and_then(plain) {
                cited.extend(citations.iter().map(|citation| citations::write(citation, &text, index)));
            }
        }
        if !self.own {
            for key in ["reasoning_content", "thinking_blocks", "reasoning", "refusal"] {
                extras.shift_remove(key);
            }
            if said.is_empty() && calls.is_empty() {
                return Ok(());
            }
        }
        let content = match (self.own, said.as_slice()) {
            (false, []) => None,
            // One text is written as one.
            (false, [_]) if said.first().and_then(plain).is_some() => said.first().and_then(plain).map(Value::String),
            (false, _) => Some(Value::Array(said)),
            (true, _) => written(form, said),
        };
        let mut more = Object::new();
        more.extend(plan.map(|plan| ("tool_plan".to_owned(), json!(plan))));
        if !calls.is_empty() {
            more.insert("tool_calls".to_owned(), Value::Array(calls));
        }
        if !cited.is_empty() {
            more.insert("citations".to_owned(), Value::Array(cited));
        }
        self.push("assistant", content, more, extras);
        Ok(())
    }

    /// Whether it is the plan before the calls, and the text. Thinking that came from this format goes back into it;
    /// unsigned thinking, which may be anybody's, only as a plan; another vendor's means nothing here.
    fn thinking(
        &mut self,
        text: String,
        signature: Option<String>,
        planned: bool,
        calling: bool,
        name: &str,
    ) -> Option<(bool, String)> {
        match signature.as_deref().map(unwrap_signature) {
            None if self.own => Some((planned, text)),
            None if calling && !text.is_empty() => Some((true, text)),
            None => {
                self.report.drop(name);
                None
            }
            Some(Some((Format::CohereChat, _))) => (!text.is_empty()).then_some((calling, text)),
            Some(_) => {
                self.report.drop(name);
                None
            }
        }
    }

    fn call(&mut self, id: String, name: &str, arguments: Arguments, cache: Option<Value>, extras: Object) -> Value {
        if self.own {
            let arguments = match arguments {
                Arguments::Value(value) => value,
                Arguments::Text(text) => Value::String(text),
            };
            let mut call = json!({"function": {"name": name, "arguments": arguments}});
            if !id.is_empty() {
                call["id"] = json!(id);
            }
            return self.part(call, cache, extras);
        }
        let name = send_name(name, self.names, self.report);
        let id = plain_id(&id);
        self.called.insert(id.clone());
        let arguments = match arguments.into_text() {
            empty if empty.trim().is_empty() => "{}".to_owned(),
            text => text,
        };
        let call = json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}});
        self.part(call, cache, extras)
    }
}
