//! The parts of messages as Cohere has them: text and pictures; documents go beside the messages.

use super::documents;
use super::encode_messages::Encoder;
use crate::BodyError;
use crate::formats::openai::{merge, source_of};
use crate::formats::sources::{is_text, is_web, text_of};
use crate::json::Object;
use crate::model::{Form, Part, PartKind, Source};
use serde_json::{Value, json};

impl Encoder<'_> {
    pub(super) fn text(&mut self, text: String, cache: Option<Value>, mut extras: Object) -> Value {
        if extras.get("type").is_some_and(|kind| kind == "document") {
            extras.shift_remove("type");
            return self.part(json!({"type": "document", "document": {"data": text}}), cache, extras);
        }
        self.part(json!({"type": "text", "text": text}), cache, extras)
    }

    pub(super) fn part(&mut self, mut part: Value, cache: Option<Value>, extras: Object) -> Value {
        if cache.is_some() {
            self.report.drop("cache_control");
        }
        match part.as_object_mut() {
            Some(part) if self.own => extras.into_iter().for_each(|(key, value)| merge(part, key, value)),
            _ => self.report.drop_extras("messages[].content[].", &extras),
        }
        part
    }

    pub(super) fn user_part(&mut self, mut part: Part) -> Result<Option<Value>, BodyError> {
        if let Some(document) = documents::part_again(&mut part).filter(|_| self.own) {
            self.documents.push(document);
            return Ok(None);
        }
        let Part { kind, cache, mut extras, .. } = part;
        Ok(Some(match kind {
            PartKind::Text(text) => self.text(text, cache, extras),
            PartKind::Image(Source::Url(url)) if !self.own && !is_web(&url) => {
                let message = "'image_url.url' must be an http(s) URL or a base64 data URL";
                return Err(BodyError::field("messages[].content[].image_url.url", message));
            }
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
                let kind = crate::json::kind(&value);
                self.report.drop(format!("messages[].content[].{kind}"));
                return Ok(None);
            }
            _ => {
                self.report.drop("messages[].content[]");
                return Ok(None);
            }
        }))
    }
}

fn unsupported(what: &str) -> BodyError {
    BodyError::unsupported("messages", format!("{what} cannot be sent to a Cohere provider"))
}

/// The text of a document that is here; the API takes no other.
fn document_text(source: Source) -> Result<String, BodyError> {
    if let Some(text) = text_of(&source) {
        return Ok(text);
    }
    match source {
        Source::Text(text) => Ok(text),
        Source::Base64 { media_type, .. } if is_text(&media_type) => Err(unsupported("a document that is no text")),
        Source::Base64 { media_type, .. } => Err(unsupported(&format!("a document of type '{media_type}'"))),
        Source::Url(_) => Err(unsupported("a document by URL")),
        Source::Other(value) if value.get("type").is_some() => Err(unsupported(&source_of(&value))),
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

pub(super) fn plain(part: &Value) -> Option<String> {
    let text = part.get("text")?.as_str()?;
    Some(text.to_owned())
}

/// Content as the origin wrote it; one plain text part of a list that came from elsewhere is written bare.
pub(super) fn written(form: Form, parts: Vec<Value>) -> Option<Value> {
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
