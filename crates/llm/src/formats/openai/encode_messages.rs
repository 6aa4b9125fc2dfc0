//! The messages of a neutral request as OpenAI Chat has them: results of tools apart, what a model said as one text.

use super::encode_request::send_name;
use crate::json::Object;
use crate::model::{
    Arguments, Content, Form, Message, Names, Part, PartKind, Report, Role, Source, plain_id, unwrap_signature,
};
use crate::{BodyError, Format};
use serde_json::{Value, json};

/// Writes messages one after the other.
pub(super) struct Encoder<'a> {
    pub(super) own: bool,
    pub(super) names: &'a mut Names,
    pub(super) report: &'a mut Report,
    pub(super) messages: Vec<Value>,
}

impl Encoder<'_> {
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
        } else {
            self.report.drop_extras("messages[].", &extras);
        }
        self.messages.push(Value::Object(message));
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

    fn text_part(&mut self, text: String, cache: Option<Value>, extras: Object) -> Value {
        let part = object([("type", json!("text")), ("text", Value::String(text))]);
        self.part(part, cache, extras)
    }

    fn part(&mut self, mut part: Object, cache: Option<Value>, extras: Object) -> Value {
        if self.own {
            if let Some(cache) = cache {
                part.insert("cache_control".to_owned(), cache);
            }
            for (key, value) in extras {
                merge(&mut part, key, value);
            }
        } else {
            if cache.is_some() {
                self.report.drop("cache_control");
            }
            self.report.drop_extras("messages[].content[].", &extras);
        }
        Value::Object(part)
    }

    fn user(&mut self, content: Content, cache: Option<Value>, extras: Object) -> Result<(), BodyError> {
        let form = content.form;
        let mut parts = Vec::new();
        for part in content.parts {
            if let Some(part) = self.user_part(part)? {
                parts.push(part);
            }
        }
        let mut message = object([("role", json!("user"))]);
        let content = written(form, parts);
        insert_content(&mut message, if self.own { content } else { content.or_else(|| Some(json!(""))) });
        self.push(message, cache, extras);
        Ok(())
    }

    fn user_part(&mut self, part: Part) -> Result<Option<Value>, BodyError> {
        let Part { kind, cache, mut extras, .. } = part;
        let body = match kind {
            PartKind::Text(text) => return Ok(Some(self.text_part(text, cache, extras))),
            PartKind::Image(source) => {
                let url = match source {
                    Source::Url(url) => url,
                    Source::Base64 { media_type, data } => Source::data_url(&media_type, &data),
                    _ => return Err(unsupported("an image that is a file of the vendor's")),
                };
                let mut image = object([("url", json!(url))]);
                // OpenAI Responses has it beside the URL, and one word more.
                if !self.own
                    && let Some(detail) = extras.shift_remove("detail")
                {
                    let detail = if detail == "original" { json!("high") } else { detail };
                    image.insert("detail".to_owned(), detail);
                }
                object([("type", json!("image_url")), ("image_url", Value::Object(image))])
            }
            PartKind::Document { source, name } => match self.document(source, name)? {
                Value::String(text) => return Ok(Some(self.text_part(text, cache, extras))),
                file => object([("type", json!("file")), ("file", file)]),
            },
            PartKind::Foreign(value) if self.own => return Ok(Some(value)),
            PartKind::Foreign(value) => match search_result(&value) {
                Some(text) => {
                    self.report.approximate("messages[].content[].search_result");
                    return Ok(Some(self.text_part(text, cache, extras)));
                }
                None => {
                    self.report.drop(format!("messages[].content[].{}", foreign_name(&value)));
                    return Ok(None);
                }
            },
            other => {
                self.report.drop(format!("messages[].content[].{}", kind_name(&other)));
                return Ok(None);
            }
        };
        Ok(Some(self.part(body, cache, extras)))
    }

    /// A `file` object, or plain text.
    fn document(&mut self, source: Source, name: Option<String>) -> Result<Value, BodyError> {
        let mut file = Object::new();
        match source {
            Source::Base64 { media_type, data } => {
                file.insert("file_data".to_owned(), json!(Source::data_url(&media_type, &data)));
            }
            Source::Url(data) if data.starts_with("data:") => {
                file.insert("file_data".to_owned(), json!(data));
            }
            Source::File(id) if self.own => {
                file.insert("file_id".to_owned(), json!(id));
            }
            Source::Url(url) if self.own => {
                file.insert("file_data".to_owned(), json!(url));
            }
            Source::Text(text) => {
                self.report.approximate("messages[].content[].document");
                return Ok(Value::String(match name {
                    Some(name) => format!("{name}\n\n{text}"),
                    None => text,
                }));
            }
            Source::Url(_) => return Err(unsupported("a document by URL")),
            Source::File(_) | Source::Other(_) => return Err(unsupported("a document that is a file of the vendor's")),
        }
        match name {
            Some(name) => {
                file.insert("filename".to_owned(), json!(name));
            }
            None if !self.own => {
                file.insert("filename".to_owned(), json!("document.pdf"));
            }
            None => {}
        }
        Ok(Value::Object(file))
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
            match part.kind {
                PartKind::Text(text) => texts.push(text),
                PartKind::Foreign(value) => match search_result(&value) {
                    Some(text) => texts.push(text),
                    None => self.report.drop(format!("messages[].content[].{}", foreign_name(&value))),
                },
                kind => {
                    self.report.approximate("messages[].content[].tool_result.content");
                    pictures.push(Part::new(kind));
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
        let message = json!({"role": "tool", "tool_call_id": plain_id(&id), "content": text});
        self.messages.push(message);
        Ok(())
    }

    fn assistant(&mut self, content: Content, cache: Option<Value>, extras: Object) -> Result<(), BodyError> {
        let form = content.form;
        let (mut said, mut calls, mut reasoning, mut refusal) = (Vec::new(), Vec::new(), String::new(), None);
        // Of this format's own requests the member stands in extras.
        let beside = extras.get("refusal").and_then(Value::as_str);
        for part in content.parts {
            let Part { kind, cache, extras, .. } = part;
            match kind {
                PartKind::ToolCall { id, name, arguments } => {
                    calls.push(self.call(id, &name, arguments, cache, extras))
                }
                PartKind::Thinking { text, signature } if !self.own => {
                    self.thinking(text, signature.as_deref(), &mut reasoning);
                }
                // In this format's own requests the members that held it stand in extras.
                PartKind::Thinking { .. } | PartKind::RedactedThinking(_) if self.own => {}
                PartKind::Refusal(text) if self.own => {
                    if beside != Some(text.as_str()) {
                        said.push(json!({"type": "refusal", "refusal": text}));
                    }
                }
                PartKind::Refusal(text) => refusal = Some(text),
                PartKind::Foreign(value) if self.own && value.get("id").is_some() => calls.push(value),
                kind => {
                    said.extend(self.user_part(Part { cache, extras, ..Part::new(kind) })?);
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
        self.push(message, cache, extras);
        Ok(())
    }

    /// Only thinking that came from this format goes back into it: another vendor's means nothing here.
    fn thinking(&mut self, text: String, signature: Option<&str>, reasoning: &mut String) {
        match signature.and_then(unwrap_signature) {
            Some((Format::OpenAIChat, _)) => reasoning.push_str(&text),
            _ => self.report.drop("messages[].content[].thinking"),
        }
    }

    fn call(&mut self, id: String, name: &str, arguments: Arguments, cache: Option<Value>, extras: Object) -> Value {
        let name = send_name(name, self.own, self.names, self.report);
        let id = if self.own { id } else { plain_id(&id) };
        let function = json!({"name": name, "arguments": arguments.into_text()});
        if self.own && id.is_empty() {
            return self.part(object([("function", function)]), cache, extras);
        }
        let mut call = object([("id", json!(id)), ("type", json!("function")), ("function", function)]);
        if self.own {
            call.shift_remove("type");
        }
        self.part(call, cache, extras)
    }
}

/// Claude Code's own block, of no meaning to other vendors.
pub(crate) fn is_billing(part: &Part) -> bool {
    matches!(&part.kind, PartKind::Text(text) if text.starts_with("x-anthropic-billing-header"))
}

fn unsupported(what: &str) -> BodyError {
    BodyError::unsupported("messages", format!("{what} cannot be sent to an OpenAI Chat provider"))
}

pub(super) fn object<const N: usize>(members: [(&str, Value); N]) -> Object {
    members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

pub(super) fn merge(part: &mut Object, key: String, value: Value) {
    match (part.get_mut(&key), value) {
        (Some(Value::Object(inside)), Value::Object(more)) => inside.extend(more),
        (_, value) => {
            part.insert(key, value);
        }
    }
}

fn insert_content(message: &mut Object, content: Option<Value>) {
    if let Some(content) = content {
        message.insert("content".to_owned(), content);
    }
}

/// Content as the origin wrote it; one plain text part of a list that came from elsewhere is written bare.
fn written(form: Form, parts: Vec<Value>) -> Option<Value> {
    match form {
        Form::Absent if parts.is_empty() => None,
        Form::Null if parts.is_empty() => Some(Value::Null),
        Form::List => Some(Value::Array(parts)),
        _ => match <[Value; 1]>::try_from(parts) {
            Ok([mut part]) if part.get("type").and_then(Value::as_str) == Some("text") => {
                Some(part.get_mut("text").map(Value::take).unwrap_or_default())
            }
            Ok(part) => Some(Value::Array(part.into())),
            Err(parts) if parts.is_empty() => Some(json!("")),
            Err(parts) => Some(Value::Array(parts)),
        },
    }
}

/// What a model said, as the one string that every server of this format takes.
fn joined(parts: Vec<Value>) -> Option<Value> {
    let texts: Vec<&str> = parts.iter().filter_map(|part| part.get("text")?.as_str()).collect();
    (!texts.is_empty()).then(|| Value::String(texts.concat()))
}

pub(crate) fn search_result(value: &Value) -> Option<String> {
    if value.get("type").and_then(Value::as_str) != Some("search_result") {
        return None;
    }
    let head = ["title", "source"].into_iter().filter_map(|key| value.get(key)?.as_str());
    let blocks = value.get("content").and_then(Value::as_array);
    let texts = blocks.into_iter().flatten().filter_map(|block| block.get("text")?.as_str());
    Some(head.chain(texts).collect::<Vec<_>>().join("\n"))
}

pub(crate) fn foreign_name(value: &Value) -> &str {
    value.get("type").and_then(Value::as_str).unwrap_or("unknown")
}

pub(crate) fn kind_name(kind: &PartKind) -> &str {
    match kind {
        PartKind::Text(_) => "text",
        PartKind::Image(_) => "image",
        PartKind::Audio(_) => "audio",
        PartKind::Video(_) => "video",
        PartKind::Document { .. } => "document",
        PartKind::ToolCall { .. } => "tool_call",
        PartKind::ToolResult { .. } => "tool_result",
        PartKind::Thinking { .. } => "thinking",
        PartKind::RedactedThinking(_) => "redacted_thinking",
        PartKind::Refusal(_) => "refusal",
        PartKind::Foreign(value) => foreign_name(value),
    }
}
