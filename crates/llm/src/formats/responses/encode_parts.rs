//! Parts of a foreign request's messages and results as content of this format.

use super::annotations::object;
use super::encode_input::Input;
use crate::formats::openai::{foreign_name, kind_name, source_of};
use crate::formats::sources::{is_web, text_of};
use crate::json::Object;
use crate::model::{Part, PartKind, Source};
use crate::{BodyError, Format};
use serde_json::{Value, json};

impl Input<'_> {
    /// One part of what the user or a tool says; `None` is one that cannot be said.
    pub(super) fn part(&mut self, part: Part) -> Result<Option<Value>, BodyError> {
        let Part { kind, cache, mut extras, .. } = part;
        let mut out = match kind {
            PartKind::Text(text) => object([("type", json!("input_text")), ("text", json!(text))]),
            PartKind::Image(source) => self.image(source, &mut extras)?,
            PartKind::Document { source, name } => self.document(source, name)?,
            PartKind::Foreign(value) if self.origin == Format::OpenAIChat => {
                return Err(unsupported(&format!("content of type '{}'", foreign_name(&value))));
            }
            PartKind::Foreign(value) => {
                self.report.drop(format!("messages[].content[].{}", foreign_name(&value)));
                return Ok(None);
            }
            PartKind::Audio(_) => return Err(unsupported("sound")),
            PartKind::Video(_) => return Err(unsupported("a video")),
            other => {
                self.report.drop(format!("messages[].content[].{}", kind_name(&other)));
                return Ok(None);
            }
        };
        // OpenAI Chat's parts have the same mark.
        if let Some(mark) = extras.shift_remove("prompt_cache_breakpoint").filter(|_| self.origin == Format::OpenAIChat)
        {
            out.insert("prompt_cache_breakpoint".to_owned(), mark);
        }
        self.report.drop_extras("messages[].content[].", &extras);
        Ok(Some(self.marked(out, cache)))
    }

    /// A part with a mark of the prompt cache, where the model takes any.
    pub(super) fn marked(&mut self, mut part: Object, cache: Option<Value>) -> Value {
        match cache {
            Some(_) if self.marks => {
                part.insert("prompt_cache_breakpoint".to_owned(), json!({"mode": "explicit"}));
            }
            Some(_) => self.report.drop("cache_control"),
            None => {}
        }
        Value::Object(part)
    }

    fn image(&mut self, source: Source, extras: &mut Object) -> Result<Object, BodyError> {
        let mut out = object([("type", json!("input_image"))]);
        match source {
            Source::Url(url) if is_web(&url) || url.starts_with("data:") => {
                out.insert("image_url".to_owned(), json!(url))
            }
            Source::Url(_) => {
                let message = "'image_url.url' must be an http(s) URL or a base64 data URL";
                return Err(BodyError::field("messages[].content[].image_url.url", message));
            }
            Source::Base64 { media_type, data } => {
                out.insert("image_url".to_owned(), json!(Source::data_url(&media_type, &data)))
            }
            Source::File(id) if self.origin == Format::OpenAIChat => out.insert("file_id".to_owned(), json!(id)),
            _ => return Err(unsupported("an image that another vendor holds")),
        };
        // OpenAI Chat has it within `image_url`; the schema demands it.
        let detail = match extras.get_mut("image_url") {
            Some(Value::Object(image)) => image.shift_remove("detail"),
            _ => None,
        };
        out.insert("detail".to_owned(), detail.filter(Value::is_string).unwrap_or_else(|| json!("auto")));
        Ok(out)
    }

    fn document(&mut self, source: Source, name: Option<String>) -> Result<Object, BodyError> {
        let mut out = object([("type", json!("input_file"))]);
        let mut named = true;
        let text = text_of(&source);
        match text.map_or(source, Source::Text) {
            Source::Base64 { media_type, data } if media_type.starts_with("image/") => {
                return self.image(Source::Base64 { media_type, data }, &mut Object::new());
            }
            Source::Base64 { media_type, data } => {
                out.insert("file_data".to_owned(), json!(Source::data_url(&media_type, &data)));
            }
            Source::Url(url) if is_web(&url) => {
                named = false;
                out.insert("file_url".to_owned(), json!(url));
            }
            Source::File(id) if self.origin == Format::OpenAIChat => {
                named = false;
                out.insert("file_id".to_owned(), json!(id));
            }
            Source::Text(text) => {
                self.report.approximate("messages[].content[].document");
                let text = name.map_or_else(|| text.clone(), |name| format!("{name}\n\n{text}"));
                return Ok(object([("type", json!("input_text")), ("text", json!(text))]));
            }
            Source::Url(_) => return Err(unsupported("a document that is at no http(s) URL")),
            Source::Other(value) if value.get("type").is_some() => return Err(unsupported(&source_of(&value))),
            Source::File(_) | Source::Other(_) => return Err(unsupported("a document that another vendor holds")),
        }
        // The API refuses data without a name, and a name beside a URL or an id.
        if named {
            out.insert("filename".to_owned(), json!(name.as_deref().unwrap_or("document.pdf")));
        }
        Ok(out)
    }
}

/// Whether a model takes explicit marks of the prompt cache: GPT-5.6 and later ones.
pub(super) fn takes_marks(model: &str) -> bool {
    let Some((_, version)) = model.rsplit_once("gpt-") else { return false };
    let mut numbers = version.split(|c: char| !c.is_ascii_digit()).map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(5)), Some(Ok(minor))) => (6..100).contains(&minor),
        (Some(Ok(major)), _) => major > 5,
        _ => false,
    }
}

fn unsupported(what: &str) -> BodyError {
    BodyError::unsupported("messages", format!("{what} cannot be sent to an OpenAI Responses provider"))
}
