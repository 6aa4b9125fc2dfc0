//! The messages of a neutral request as Cohere has them: results of tools apart, documents beside the messages.

use super::encode_request::send_name;
use super::{PLAN, citations, documents};
use crate::formats::openai::{is_foreign_call, merge, put_signature};
use crate::formats::vendor::thinking_name;
use crate::json::Object;
use crate::model::{
    Arguments, Content, Form, Message, Names, Part, PartKind, Report, Role, Source, plain_id, unwrap_signature,
};
use crate::{BodyError, Format};
use base64::Engine as _;
use serde_json::{Value, json};
use std::collections::HashSet;

/// Writes messages one after the other.
pub(super) struct Encoder<'a> {
    own: bool,
    origin: Format,
    /// Documents stay in the messages, as text: beside a shape of the answer the API takes none.
    inline: bool,
    names: &'a mut Names,
    report: &'a mut Report,
    messages: Vec<Value>,
    documents: Vec<Value>,
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

    fn text(&mut self, text: String, cache: Option<Value>, extras: Object) -> Value {
        self.part(json!({"type": "text", "text": text}), cache, extras)
    }

    fn part(&mut self, mut part: Value, cache: Option<Value>, extras: Object) -> Value {
        if cache.is_some() {
            self.report.drop("cache_control");
        }
        match part.as_object_mut() {
            Some(part) if self.own => extras.into_iter().for_each(|(key, value)| merge(part, key, value)),
            _ => self.report.drop_extras("messages[].content[].", &extras),
        }
        part
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

    fn user_part(&mut self, mut part: Part) -> Result<Option<Value>, BodyError> {
        if let Some(document) = documents::part_again(&mut part).filter(|_| self.own) {
            self.documents.push(document);
            return Ok(None);
        }
        let Part { kind, cache, mut extras, .. } = part;
        Ok(Some(match kind {
            PartKind::Text(text) => self.text(text, cache, extras),
            PartKind::Image(source) => {
                let url = match source {
                    Source::Url(url) => url,
                    Source::Base64 { media_type, data } => Source::data_url(&media_type, &data),
                    _ => return Err(unsupported("an image that is a file of another vendor's")),
                };
                let mut image = json!({"type": "image_url", "image_url": {"url": url}});
                if !self.own
                    && let Some(detail) = take_detail(&mut extras)
                {
                    image["image_url"]["detail"] = detail;
                }
                self.part(image, cache, extras)
            }
            PartKind::Document { source: Source::Text(text), name } if self.own => {
                let id = extras.shift_remove("id");
                let document = json!({"type": "document", "document": documents::encode(text, name, id)});
                self.part(document, cache, extras)
            }
            PartKind::Document { source, name } => {
                let text = document_text(source)?;
                if self.inline {
                    self.report.approximate("messages[].content[].document");
                    let text = name.map_or(text.clone(), |name| format!("{name}\n\n{text}"));
                    return Ok(Some(self.text(text, cache, extras)));
                }
                self.report.approximate("messages[].content[].document");
                self.part(Value::Null, cache, extras);
                let id = json!(format!("doc:{}", self.documents.len()));
                self.documents.push(documents::encode(text, name, Some(id)));
                return Ok(None);
            }
            PartKind::Foreign(value) if self.own => value,
            PartKind::Audio(_) | PartKind::Video(_) => {
                return Err(BodyError::unsupported(
                    "messages[].content[].type",
                    "sound and moving pictures are not possible with a Cohere provider",
                ));
            }
            PartKind::Foreign(value) => {
                let kind = value.get("type").and_then(Value::as_str).unwrap_or("unknown");
                self.report.drop(format!("messages[].content[].{kind}"));
                return Ok(None);
            }
            _ => {
                self.report.drop("messages[].content[]");
                return Ok(None);
            }
        }))
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
            (_, true) => json!(""),
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

fn unsupported(what: &str) -> BodyError {
    BodyError::unsupported("messages", format!("{what} cannot be sent to a Cohere provider"))
}

/// The text of a document that is here; the API takes no other.
fn document_text(source: Source) -> Result<String, BodyError> {
    match source {
        Source::Text(text) => Ok(text),
        Source::Base64 { media_type, data } if media_type.starts_with("text/") || media_type == "application/json" => {
            let bytes = base64::engine::general_purpose::STANDARD.decode(data).ok();
            bytes
                .and_then(|bytes| String::from_utf8(bytes).ok())
                .ok_or_else(|| unsupported("a document that is no text"))
        }
        Source::Base64 { media_type, .. } => Err(unsupported(&format!("a document of type '{media_type}'"))),
        Source::Url(_) => Err(unsupported("a document by URL")),
        Source::File(_) | Source::Other(_) => Err(unsupported("a document that is a file of another vendor's")),
    }
}

/// How closely to look at an image, which OpenAI tells in the same words.
fn take_detail(extras: &mut Object) -> Option<Value> {
    let image = extras.get_mut("image_url")?.as_object_mut()?;
    let known = matches!(image.get("detail")?.as_str()?, "auto" | "low" | "high");
    let detail = if known { image.shift_remove("detail") } else { None };
    if image.is_empty() {
        extras.shift_remove("image_url");
    }
    detail
}

fn plain(part: &Value) -> Option<String> {
    let text = part.get("text")?.as_str()?;
    Some(text.to_owned())
}

/// Content as the origin wrote it; one plain text part of a list that came from elsewhere is written bare.
fn written(form: Form, parts: Vec<Value>) -> Option<Value> {
    match form {
        Form::Absent if parts.is_empty() => None,
        Form::Null if parts.is_empty() => Some(Value::Null),
        Form::List => Some(Value::Array(parts)),
        _ => match <[Value; 1]>::try_from(parts) {
            Ok([part]) => match plain(&part) {
                Some(text) => Some(Value::String(text)),
                None => Some(Value::Array(vec![part])),
            },
            Err(parts) if parts.is_empty() => Some(json!("")),
            Err(parts) => Some(Value::Array(parts)),
        },
    }
}
