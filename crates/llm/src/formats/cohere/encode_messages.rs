//! The messages of a neutral request as Cohere has them: results of tools apart, documents beside the messages.

use super::encode_parts::{plain, written};
use super::encode_request::send_name;
use super::{PLAN, SPELLED_ROLE, citations, documents};
use crate::formats::openai::{is_billing, is_foreign_call, kind_name, put_signature};
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
    /// What the model said in messages that stand one behind the other, for one message.
    said: Vec<Part>,
    /// Whether the model called tools last, whose results must follow at once.
    answering: bool,
    /// Messages that stood among those results, for behind them.
    waiting: Vec<Value>,
    pub(super) documents: Vec<Value>,
    /// Ids of the calls made.
    called: HashSet<String>,
    /// Where the system prompts end.
    begun: Option<usize>,
}

impl<'a> Encoder<'a> {
    pub(super) fn new(origin: Format, inline: bool, names: &'a mut Names, report: &'a mut Report) -> Self {
        let own = origin == Format::CohereChat;
        Self {
            own,
            origin,
            inline,
            names,
            report,
            messages: Vec::new(),
            said: Vec::new(),
            answering: false,
            waiting: Vec::new(),
            documents: Vec::new(),
            called: HashSet::new(),
            begun: None,
        }
    }

    /// The messages, and the documents beside them. An instruction of ours stands behind the system prompts.
    pub(super) fn finish(mut self, instruction: Option<String>) -> Result<(Vec<Value>, Vec<Value>), BodyError> {
        self.speak()?;
        self.messages.append(&mut self.waiting);
        if let Some(text) = instruction {
            let at = self.begun.unwrap_or(self.messages.len());
            self.messages.insert(at, json!({"role": "system", "content": text}));
        }
        Ok((self.messages, self.documents))
    }

    pub(super) fn message(&mut self, message: Message) -> Result<(), BodyError> {
        let Message { role, mut content, cache, mut extras } = message;
        if cache.is_some() {
            self.report.drop("cache_control");
        }
        if !self.own {
            self.members(role, std::mem::take(&mut extras));
        }
        if !matches!(role, Role::System | Role::Developer) {
            self.begun.get_or_insert(self.messages.len());
        }
        if !self.own && role == Role::Assistant {
            self.said.append(&mut content.parts);
            return Ok(());
        }
        self.speak()?;
        match role {
            Role::System | Role::Developer => self.system(content, extras),
            Role::Assistant => self.assistant(content, extras)?,
            Role::Tool if self.own => {
                for part in std::mem::take(&mut content.parts) {
                    self.tool_result(part, extras.clone(), &mut Vec::new())?;
                }
            }
            Role::User | Role::Tool => {
                let (answers, rest): (Vec<Part>, Vec<Part>) = std::mem::take(&mut content.parts)
                    .into_iter()
                    .partition(|part| !self.own && matches!(part.kind, PartKind::ToolResult { .. }));
                let answered = !answers.is_empty();
                let mut pictures = Vec::new();
                for part in answers {
                    self.tool_result(part, Object::new(), &mut pictures)?;
                }
                content.parts = pictures.into_iter().chain(rest).collect();
                if !(answered && content.parts.is_empty()) {
                    self.user(content, extras, answered)?;
                }
            }
        }
        Ok(())
    }

    /// Reports what stands beside the content of another format's message.
    fn members(&mut self, role: Role, mut extras: Object) {
        if extras.shift_remove("role").is_some() {
            self.report.approximate("messages[].role");
        }
        if role == Role::Assistant {
            // They were decoded, and stay for the origin's own requests.
            for key in ["reasoning_content", "thinking_blocks", "reasoning", "refusal"] {
                extras.shift_remove(key);
            }
        }
        self.report.drop_extras("messages[].", &extras);
    }

    /// Puts a message at its place: between calls and their results the API takes no other.
    fn push(&mut self, role: &str, content: Option<Value>, more: Object, mut extras: Object) {
        let mut message = Object::new();
        message.insert("role".to_owned(), json!(role));
        message.extend(content.map(|content| ("content".to_owned(), content)));
        message.extend(more);
        let spelled = extras.shift_remove(SPELLED_ROLE);
        message.extend(extras);
        message.extend(spelled.map(|role| ("role".to_owned(), role)));
        if !self.own && role == "assistant" {
            self.messages.append(&mut self.waiting);
            self.answering = message.contains_key("tool_calls");
        }
        let waits = self.answering && !matches!(role, "assistant" | "tool");
        let messages = if waits { &mut self.waiting } else { &mut self.messages };
        messages.push(Value::Object(message));
    }

    /// Writes what the model has said by now.
    fn speak(&mut self) -> Result<(), BodyError> {
        let parts = std::mem::take(&mut self.said);
        if parts.is_empty() {
            return Ok(());
        }
        self.assistant(Content { parts, form: Form::List }, Object::new())
    }

    pub(super) fn system(&mut self, content: Content, extras: Object) {
        let form = content.form;
        let mut parts = Vec::new();
        for part in content.parts {
            if !self.own && is_billing(&part) {
                self.report.drop("system.x-anthropic-billing-header");
                continue;
            }
            match part.kind {
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

    /// `answered`: the turn has results of tools, so that of the rest nothing need be left.
    fn user(&mut self, content: Content, extras: Object, answered: bool) -> Result<(), BodyError> {
        let form = content.form;
        let foreign = content.parts.iter().find_map(|part| match &part.kind {
            PartKind::Foreign(value) if !self.own => Some(value.clone()),
            _ => None,
        });
        // A message must say something, so documents that stand alone stay in it.
        let alone = !content.parts.is_empty()
            && content.parts.iter().all(|part| matches!(part.kind, PartKind::Document { .. }));
        let inline = self.inline;
        self.inline |= !self.own && alone;
        let mut parts = Vec::new();
        for part in content.parts {
            parts.extend(self.user_part(part)?);
        }
        self.inline = inline;
        match foreign {
            _ if !parts.is_empty() => {}
            _ if answered => return Ok(()),
            Some(value) => {
                let kind = crate::json::kind(&value);
                let message = format!("content of type '{kind}' is not possible with a Cohere provider");
                return Err(BodyError::foreign("messages[].content[].type", value, message));
            }
            None => {}
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
                PartKind::Image(_) | PartKind::Document { .. } | PartKind::Audio(_) | PartKind::Video(_) => {
                    self.report.approximate("messages[].content[].tool_result.content");
                    pictures.push(Part { cache, extras, ..Part::new(kind) });
                }
                kind => self.report.drop(format!("messages[].content[].{}", kind_name(&kind))),
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

    fn assistant(&mut self, content: Content, extras: Object) -> Result<(), BodyError> {
        let form = content.form;
        let calling = content.parts.iter().any(|part| matches!(part.kind, PartKind::ToolCall { .. }));
        // The model plans last, right before its calls.
        let last = content.parts.iter().rposition(is_own_thinking).filter(|_| calling);
        let (mut said, mut plan, mut calls, mut cited) = (Vec::new(), None::<String>, Vec::new(), Vec::new());
        for (at, part) in content.parts.into_iter().enumerate() {
            let foreign_call = is_foreign_call(&part);
            let Part { kind, cache, extras, citations, mut signature } = part;
            let index = said.len();
            if !self.own && signature.take().is_some() {
                self.report.drop("thought_signature");
            }
            match kind {
                PartKind::Text(text) if !self.own && text.is_empty() && citations.is_empty() => {
                    // Nothing is said; what stands beside it is told.
                    self.part(Value::Null, cache, extras);
                }
                PartKind::ToolCall { id, name, arguments } => {
                    let mut call = self.call(id, &name, arguments, cache, extras);
                    if let (Some(signature), Some(call)) = (signature, call.as_object_mut()) {
                        put_signature(call, signature);
                    }
                    calls.push(call);
                }
                PartKind::Thinking { text, signature } => {
                    let told = extras.get("type").is_some_and(|kind| kind == PLAN);
                    let planned = if self.own { told } else { last == Some(at) };
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
        if !self.own && said.is_empty() && calls.is_empty() {
            return Ok(());
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

    /// Whether it is the plan before the calls, and the text. Thinking that came from this format goes back to where it
    /// stood; unsigned thinking, which may be anybody's, only as a plan; another vendor's means nothing here.
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
            Some(Some((Format::CohereChat, _))) => (!text.is_empty()).then_some((planned, text)),
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
        let arguments = self.arguments(arguments);
        let call = json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}});
        self.part(call, cache, extras)
    }

    /// Arguments as text: of none at all an empty object.
    fn arguments(&mut self, arguments: Arguments) -> String {
        match arguments {
            Arguments::Text(text) if text.trim().is_empty() => "{}".to_owned(),
            Arguments::Text(text) if text.trim() != "null" => text,
            Arguments::Value(value @ Value::Object(_)) => value.to_string(),
            Arguments::Text(_) | Arguments::Value(_) => {
                self.report.approximate("messages[].tool_calls[].function.arguments");
                "{}".to_owned()
            }
        }
    }
}

/// Whether it is thinking that came from this format, through a client of another.
fn is_own_thinking(part: &Part) -> bool {
    let PartKind::Thinking { text, signature: Some(signature) } = &part.kind else { return false };
    !text.is_empty() && matches!(unwrap_signature(signature), Some((Format::CohereChat, _)))
}
