//! The messages of a neutral request as OpenAI Chat has them: results of tools apart, what a model said as one text.

use super::decode_messages::{is_foreign_call, put_signature};
use super::encode_parts::{insert_content, joined, kind_name, object, titled, written};
use super::encode_request::send_name;
use super::turns::Turns;
use crate::formats::vendor::thinking_name;
use crate::json::Object;
use crate::model::{
    Arguments, Content, Message, Names, Part, PartKind, Report, Role, Source, plain_id, unwrap_signature,
};
use crate::{BodyError, Format};
use serde_json::{Value, json};

/// Writes messages one after the other.
pub(super) struct Encoder<'a> {
    pub(super) own: bool,
    pub(super) origin: Format,
    pub(super) names: &'a mut Names,
    pub(super) report: &'a mut Report,
    /// Messages of this format's own requests, which stay as they are.
    kept: Vec<Value>,
    turns: Turns,
}

impl<'a> Encoder<'a> {
    pub(super) fn new(origin: Format, names: &'a mut Names, report: &'a mut Report) -> Self {
        // Google's SDK keeps each piece of a stream as content of its own.
        let between = if origin == Format::GeminiGenerateContent { "" } else { "\n" };
        let own = origin == Format::OpenAIChat;
        Self { own, origin, names, report, kept: Vec::new(), turns: Turns::new(between) }
    }

    pub(super) fn finish(self) -> Vec<Value> {
        if self.own { self.kept } else { self.turns.finish() }
    }

    pub(super) fn message(&mut self, message: Message) -> Result<(), BodyError> {
        let Message { role, mut content, cache, extras } = message;
        match role {
            Role::System | Role::Developer => self.system(role, content, cache, extras),
            Role::Assistant => self.assistant(content, cache, extras)?,
            Role::User | Role::Tool if !self.own => {
                let (results, rest): (Vec<Part>, Vec<Part>) =
                    content.parts.into_iter().partition(|part| matches!(part.kind, PartKind::ToolResult { .. }));
                let answered = !results.is_empty();
                let mut pictures = Vec::new();
                for result in results {
                    self.tool_result(result, &mut pictures)?;
                }
                content.parts = pictures.into_iter().chain(rest).collect();
                if !(answered && content.parts.is_empty()) {
                    self.user(content, cache, extras)?;
                }
            }
            Role::Tool => self.own_tool(content, cache, extras)?,
            Role::User => self.user(content, cache, extras)?,
        }
        Ok(())
    }

    fn push(&mut self, mut message: Object, cache: Option<Value>, extras: Object) {
        if let Some(cache) = cache {
            if self.own {
                message.insert("cache_control".to_owned(), cache);
            } else {
                self.report.drop("cache_control");
            }
        }
        if self.own {
            message.extend(extras);
            self.kept.push(Value::Object(message));
            return;
        }
        self.report.drop_extras("messages[].", &extras);
        match message.get("role").is_some_and(|role| role == "assistant") {
            true => self.turns.said(message),
            false => self.turns.other(Value::Object(message)),
        }
    }

    pub(super) fn system(&mut self, role: Role, mut content: Content, cache: Option<Value>, extras: Object) {
        if !self.own {
            let before = content.parts.len();
            content.parts.retain(|part| !is_billing(part));
            if content.parts.len() < before {
                self.report.drop("system.x-anthropic-billing-header");
            }
            if content.parts.is_empty() {
                return;
            }
        }
        let word = if role == Role::Developer { "developer" } else { "system" };
        let mut message = object([("role", json!(word))]);
        let text = self.texts(content);
        if !self.own && is_empty(text.as_ref()) {
            return;
        }
        insert_content(&mut message, text);
        self.push(message, cache, extras);
    }

    /// Content of a role that may hold text only.
    fn texts(&mut self, content: Content) -> Option<Value> {
        let form = content.form;
        let mut parts = Vec::new();
        for part in content.parts {
            match part.kind {
                PartKind::Text(text) => parts.push(self.text_part(text, part.cache, part.extras)),
                PartKind::Foreign(value) if self.own => parts.push(value),
                other => self.report.drop(format!("messages[].content[].{}", kind_name(&other))),
            }
        }
        written(form, parts)
    }

    fn user(&mut self, content: Content, cache: Option<Value>, extras: Object) -> Result<(), BodyError> {
        let form = content.form;
        let mut parts = Vec::new();
        let foreign = content.parts.iter().find_map(|part| match &part.kind {
            PartKind::Foreign(value) if !self.own => Some(value.clone()),
            _ => None,
        });
        for part in content.parts {
            if let Some(part) = self.user_part(part)? {
                parts.push(part);
            }
        }
        if let Some(value) = foreign.filter(|_| parts.is_empty()) {
            let kind = kind_name(&PartKind::Foreign(value.clone())).to_owned();
            let message = format!("content of type '{kind}' is not possible with an OpenAI Chat provider");
            return Err(BodyError::foreign("messages[].content[].type", value, message));
        }
        let mut message = object([("role", json!("user"))]);
        let content = written(form, parts);
        // A message says something.
        let content =
            if self.own { content } else { content.filter(|said| !is_empty(Some(said))).or_else(|| Some(json!(""))) };
        insert_content(&mut message, content);
        self.push(message, cache, extras);
        Ok(())
    }

    fn own_tool(&mut self, content: Content, cache: Option<Value>, extras: Object) -> Result<(), BodyError> {
        for part in content.parts {
            let PartKind::ToolResult { id, content, .. } = part.kind else { continue };
            let mut message = object([("role", json!("tool"))]);
            let form = content.form;
            let mut parts = Vec::new();
            for part in content.parts {
                parts.extend(self.user_part(part)?);
            }
            insert_content(&mut message, written(form, parts));
            if !id.is_empty() {
                message.insert("tool_call_id".to_owned(), json!(id));
            }
            self.push(message, cache.clone(), extras.clone());
        }
        Ok(())
    }

    /// A tool message holds text alone, so other parts go on in the user's message behind it.
    fn tool_result(&mut self, part: Part, pictures: &mut Vec<Part>) -> Result<(), BodyError> {
        let PartKind::ToolResult { id, content, is_error } = part.kind else { return Ok(()) };
        let mut texts = Vec::new();
        for part in content.parts {
            let Part { kind, cache, extras, .. } = part;
            match kind {
                PartKind::Text(text) => {
                    self.unplaced(cache.as_ref(), &extras);
                    texts.push(text);
                }
                PartKind::Document { source: Source::Text(text), name } => {
                    self.report.approximate("messages[].content[].document");
                    self.unplaced(cache.as_ref(), &extras);
                    texts.push(titled(name, text));
                }
                kind @ PartKind::Foreign(_) => {
                    self.report.drop(format!("messages[].content[].{}", kind_name(&kind)));
                }
                kind => {
                    self.report.approximate("messages[].content[].tool_result.content");
                    pictures.push(Part { cache, extras, ..Part::new(kind) });
                }
            }
        }
        let mut text = texts.join("\n");
        if is_error == Some(true) {
            self.report.approximate("messages[].content[].is_error");
            if !text.to_ascii_lowercase().contains("error") {
                text.insert_str(0, "Error: ");
            }
        }
        if part.cache.is_some() {
            self.report.drop("cache_control");
        }
        self.report.drop_extras("messages[].content[].", &part.extras);
        let id = plain_id(&id);
        if !self.turns.called(&id) {
            self.report.approximate("messages[].tool_call_id");
            pictures.push(Part::text(format!("Result of an earlier tool call: {text}")));
            return Ok(());
        }
        let message = json!({"role": "tool", "tool_call_id": id, "content": text});
        if self.turns.result(&id, message) {
            self.report.drop("messages[].tool_call_id");
        }
        Ok(())
    }

    fn assistant(&mut self, content: Content, cache: Option<Value>, mut extras: Object) -> Result<(), BodyError> {
        let form = content.form;
        let (mut said, mut calls, mut reasoning, mut refusal) = (Vec::new(), Vec::new(), String::new(), None);
        // Of this format's own requests the member stands in extras.
        let beside = extras.get("refusal").and_then(Value::as_str).map(str::to_owned);
        let (mut more, mut cited) = (Object::new(), Vec::new());
        for mut part in content.parts {
            self.cited(&mut part, &mut cited);
            let foreign_call = is_foreign_call(&part);
            let Part { kind, cache, signature, extras: own_extras, .. } = part;
            match kind {
                PartKind::ToolCall { id, name, arguments } => {
                    let mut call = self.call(id, &name, arguments, cache, own_extras);
                    self.sign(&mut call, signature);
                    calls.push(Value::Object(call));
                }
                PartKind::Thinking { text, signature } if !self.own => {
                    let name = thinking_name(self.origin, &own_extras);
                    self.thinking(text, signature.as_deref(), name, &mut reasoning);
                }
                // In this format's own requests the members that held it stand in extras.
                PartKind::Thinking { .. } | PartKind::RedactedThinking(_) if self.own => {}
                PartKind::Refusal(text) if self.own => {
                    if beside.as_deref() != Some(text.as_str()) {
                        said.push(json!({"type": "refusal", "refusal": text}));
                    }
                }
                PartKind::Refusal(text) => refusal = Some(text),
                PartKind::Audio(Source::File(id)) if self.own => {
                    more.insert("audio".to_owned(), json!({"id": id}));
                }
                PartKind::Foreign(value) if self.own && foreign_call => calls.push(value),
                kind => {
                    self.sign(&mut extras, signature);
                    said.extend(self.user_part(Part { cache, extras: own_extras, ..Part::new(kind) })?);
                }
            }
        }
        let mut message = object([("role", json!("assistant"))]);
        let content = if self.own { written(form, said) } else { joined(said) };
        if !self.own && content.is_none() && calls.is_empty() && reasoning.is_empty() && refusal.is_none() {
            return Ok(());
        }
        insert_content(&mut message, if self.own { content } else { Some(content.unwrap_or(Value::Null)) });
        if !reasoning.is_empty() {
            message.insert("reasoning_content".to_owned(), json!(reasoning));
        }
        if let Some(text) = refusal {
            message.insert("refusal".to_owned(), json!(text));
        }
        if !calls.is_empty() {
            message.insert("tool_calls".to_owned(), Value::Array(calls));
        }
        if !cited.is_empty() {
            message.insert("annotations".to_owned(), Value::Array(cited));
        }
        message.extend(more);
        self.push(message, cache, extras);
        Ok(())
    }

    /// Requests have no place for what a text refers to, though clients send it back as they got it.
    fn cited(&mut self, part: &mut Part, cited: &mut Vec<Value>) {
        let citations = std::mem::take(&mut part.citations);
        if self.own {
            cited.extend(citations.into_iter().map(|citation| citation.native));
        } else if !citations.is_empty() {
            self.report.drop("messages[].content[].citations");
        }
    }

    /// Google's signature goes back where it stood; the API itself refuses what it does not know.
    fn sign(&mut self, signed: &mut Object, signature: Option<String>) {
        let Some(signature) = signature else { return };
        if !self.own {
            self.report.drop("thought_signature");
            return;
        }
        put_signature(signed, signature);
    }

    /// Only thinking that came from this format goes back into it: another vendor's means nothing here.
    fn thinking(&mut self, text: String, signature: Option<&str>, name: &str, reasoning: &mut String) {
        match signature.and_then(unwrap_signature) {
            Some((Format::OpenAIChat, _)) => reasoning.push_str(&text),
            _ => self.report.drop(name),
        }
    }

    fn call(&mut self, id: String, name: &str, arguments: Arguments, cache: Option<Value>, extras: Object) -> Object {
        let name = send_name(name, self.own, self.names, self.report);
        let id = if self.own { id } else { plain_id(&id) };
        let arguments = match arguments {
            Arguments::Value(value) if self.own => value,
            arguments => Value::String(match arguments.into_text() {
                nothing if !self.own && nothing.trim().is_empty() => "{}".to_owned(),
                nothing if !self.own && nothing == "null" => {
                    self.report.approximate("messages[].tool_calls[].function.arguments");
                    "{}".to_owned()
                }
                text => text,
            }),
        };
        let function = json!({"name": name, "arguments": arguments});
        let mut call = object([("function", function)]);
        if !(self.own && id.is_empty()) {
            call.insert("id".to_owned(), json!(id));
        }
        if !self.own {
            call.insert("type".to_owned(), json!("function"));
        }
        self.beside(&mut call, cache, extras);
        call
    }
}

fn is_empty(content: Option<&Value>) -> bool {
    content.is_none_or(|content| content.as_array().is_some_and(Vec::is_empty))
}

/// Claude Code's own block, of no meaning to other vendors.
pub(crate) fn is_billing(part: &Part) -> bool {
    matches!(&part.kind, PartKind::Text(text) if text.starts_with("x-anthropic-billing-header"))
}
