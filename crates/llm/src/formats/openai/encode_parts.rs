//! The parts of messages as OpenAI Chat has them: text, pictures, files, sound.

use super::decode_messages::DOCUMENT_URL;
use super::encode_messages::Encoder;
use crate::BodyError;
use crate::formats::sources::{is_web, text_of};
use crate::json::Object;
use crate::model::{Form, Part, PartKind, Source};
use serde_json::{Value, json};

impl Encoder<'_> {
    pub(super) fn text_part(&mut self, text: String, cache: Option<Value>, extras: Object) -> Value {
        let part = object([("type", json!("text")), ("text", Value::String(text))]);
        self.part(part, cache, extras)
    }

    fn part(&mut self, mut part: Object, cache: Option<Value>, extras: Object) -> Value {
        self.beside(&mut part, cache, extras);
        Value::Object(part)
    }

    /// Puts beside a part or a call what stood there.
    pub(super) fn beside(&mut self, part: &mut Object, cache: Option<Value>, extras: Object) {
        if self.own {
            if let Some(cache) = cache {
                part.insert("cache_control".to_owned(), cache);
            }
            for (key, value) in extras {
                merge(part, key, value);
            }
        } else {
            self.unplaced(cache.as_ref(), &extras);
        }
    }

    /// Reports what stands beside a part of another format.
    pub(super) fn unplaced(&mut self, cache: Option<&Value>, extras: &Object) {
        if cache.is_some() {
            self.report.drop("cache_control");
        }
        self.report.drop_extras("messages[].content[].", extras);
    }

    pub(super) fn user_part(&mut self, part: Part) -> Result<Option<Value>, BodyError> {
        let Part { kind, cache, mut extras, .. } = part;
        let body = match kind {
            PartKind::Text(text) => return Ok(Some(self.text_part(text, cache, extras))),
            PartKind::Image(Source::Url(url)) if !self.own && !is_web(&url) => {
                let message = "'image_url.url' must be an http(s) URL or a base64 data URL";
                return Err(BodyError::field("messages[].content[].image_url.url", message));
            }
            PartKind::Image(source) => {
                let url = url_of(source).ok_or_else(|| unsupported("an image that is a file of the vendor's"))?;
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
            PartKind::Audio(source) => {
                object([("type", json!("input_audio")), ("input_audio", audio(source, self.own)?)])
            }
            // Only servers that imitate the API take it.
            PartKind::Video(source) if self.own => {
                object([("type", json!("video_url")), ("video_url", json!({"url": url_of(source)}))])
            }
            PartKind::Video(_) => return Err(unsupported("a video")),
            PartKind::Document { source, name } if extras.get("type").is_some_and(|kind| kind == DOCUMENT_URL) => {
                let mut part = object([("type", json!(DOCUMENT_URL)), (DOCUMENT_URL, json!(url_of(source)))]);
                part.extend(name.map(|name| ("document_name".to_owned(), json!(name))));
                part
            }
            PartKind::Document { source, name } => match self.document(source, name)? {
                Value::String(text) => return Ok(Some(self.text_part(text, cache, extras))),
                file => object([("type", json!("file")), ("file", file)]),
            },
            PartKind::Foreign(value) if self.own => return Ok(Some(value)),
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
        // The API takes PDFs.
        let text = if self.own { None } else { text_of(&source) };
        match text.map_or(source, Source::Text) {
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
                return Ok(Value::String(titled(name, text)));
            }
            Source::Url(_) => return Err(unsupported("a document by URL")),
            Source::Other(value) if value.get("type").is_some() => return Err(unsupported(&source_of(&value))),
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
}

/// A document that is text.
pub(super) fn titled(name: Option<String>, text: String) -> String {
    match name {
        Some(name) => format!("{name}\n\n{text}"),
        None => text,
    }
}

/// A source that only its own vendor's format knows.
pub(crate) fn source_of(value: &Value) -> String {
    format!("a source of type '{}'", crate::json::kind(value))
}

/// The URL of what is at one or here; what is a file of the vendor's has none.
fn url_of(source: Source) -> Option<String> {
    match source {
        Source::Url(url) => Some(url),
        Source::Base64 { media_type, data } => Some(Source::data_url(&media_type, &data)),
        _ => None,
    }
}

/// The API takes two kinds of sound.
fn audio(source: Source, own: bool) -> Result<Value, BodyError> {
    let Source::Base64 { media_type, data } = source else {
        return Err(unsupported("sound by URL"));
    };
    let kind = media_type.strip_prefix("audio/").unwrap_or(&media_type);
    let format = match kind {
        kind if own => kind,
        "wav" | "x-wav" | "wave" | "vnd.wave" => "wav",
        "mp3" | "mpeg" | "mpeg3" | "x-mp3" => "mp3",
        kind => return Err(unsupported(&format!("sound of type '{kind}'"))),
    };
    Ok(json!({"data": data, "format": format}))
}

pub(super) fn unsupported(what: &str) -> BodyError {
    BodyError::unsupported("messages", format!("{what} cannot be sent to an OpenAI Chat provider"))
}

pub(super) fn object<const N: usize>(members: [(&str, Value); N]) -> Object {
    members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

pub(crate) fn merge(part: &mut Object, key: String, value: Value) {
    match (part.get_mut(&key), value) {
        (Some(Value::Object(inside)), Value::Object(more)) => inside.extend(more),
        (_, value) => {
            part.insert(key, value);
        }
    }
}

pub(super) fn insert_content(message: &mut Object, content: Option<Value>) {
    if let Some(content) = content {
        message.insert("content".to_owned(), content);
    }
}

/// Content as the origin wrote it; one plain text part of a list that came from elsewhere is written bare.
pub(super) fn written(form: Form, parts: Vec<Value>) -> Option<Value> {
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
pub(super) fn joined(parts: Vec<Value>) -> Option<Value> {
    let texts: Vec<&str> = parts.iter().filter_map(|part| part.get("text")?.as_str()).collect();
    (!texts.is_empty()).then(|| Value::String(texts.concat()))
}

pub(crate) fn foreign_name(value: &Value) -> &str {
    crate::json::kind(value)
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
