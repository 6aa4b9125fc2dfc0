//! Parts of another format's messages as this one's.

use super::encode_tools::send_name;
use super::media::{self, object};
use super::signature::{self, Told};
use crate::json::Object;
use crate::model::{Arguments, Content, Names, PartKind, Report, Source, unwrap_signature};
use crate::{BodyError, Format};
use serde_json::{Value, json};

/// Writes parts.
pub(super) struct Parts<'a> {
    pub(super) cloud: bool,
    pub(super) names: &'a mut Names,
    pub(super) report: &'a mut Report,
}

/// Where images of a function's result go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pictures {
    /// Into it.
    Within,
    /// Behind it, as the user's: older models take text alone.
    Beside,
}

/// Thinking of this vendor's.
pub(super) enum Thought {
    /// A part.
    Part(Value),
    /// Only the signature over it, for the part behind it.
    Signature(String),
}

/// A signature on a part that came back: bare, or wrapped as ours.
pub(super) fn own_signature(signature: String) -> Option<String> {
    match signature::read(signature) {
        Told::Own(bare) => Some(bare).filter(|bare| !bare.is_empty()),
        Told::Foreign(_) | Told::Redacted(_) => None,
    }
}

impl Parts<'_> {
    /// What a user may say; `None` for nothing.
    ///
    /// # Errors
    /// When it cannot be sent.
    pub(super) fn media(&mut self, kind: PartKind) -> Result<Option<Value>, BodyError> {
        let (source, word, field) = match kind {
            PartKind::Text(text) | PartKind::Refusal(text) => {
                return Ok((!text.is_empty()).then(|| json!({ "text": text })));
            }
            PartKind::Image(source) => (source, "image", "messages[].content[].image_url.url"),
            PartKind::Audio(source) => (source, "audio", "messages[].content[].input_audio.data"),
            PartKind::Video(source) => (source, "video", "messages[].content[].video_url.url"),
            PartKind::Document { source: Source::Text(text), name } => {
                let text = match name {
                    Some(name) => format!("{name}\n\n{text}"),
                    None => text,
                };
                self.report.approximate("messages[].content[].document");
                return Ok((!text.is_empty()).then(|| json!({ "text": text })));
            }
            PartKind::Document { source, name } => {
                if name.is_some() {
                    self.report.drop("messages[].content[].file.filename");
                }
                (source, "document", "messages[].content[].file.file_data")
            }
            PartKind::Foreign(value) => return self.foreign(value),
            _ => {
                self.report.drop("messages[].content[]");
                return Ok(None);
            }
        };
        media::write(source, word, self.cloud, field, self.report).map(|part| Some(Value::Object(part)))
    }

    /// What a model said beside calls and thinking: what cannot be said again is left out, for it was understood.
    pub(super) fn said(&mut self, kind: PartKind) -> Result<Option<Value>, BodyError> {
        match kind {
            PartKind::Foreign(value) => {
                self.report.drop(format!("messages[].content[].{}", name_of(&value)));
                Ok(None)
            }
            kind => self.media(kind),
        }
    }

    /// A part that only the client's format knows; some are known here all the same.
    fn foreign(&mut self, value: Value) -> Result<Option<Value>, BodyError> {
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let kind = match name_of(&value) {
            "input_audio" => text("/input_audio/data").map(|data| {
                let format = text("/input_audio/format").unwrap_or_else(|| "wav".to_owned());
                PartKind::Audio(Source::Base64 { media_type: format!("audio/{format}"), data })
            }),
            "video_url" => text("/video_url/url").map(|url| PartKind::Video(Source::from_url(url))),
            "audio_url" => text("/audio_url/url").map(|url| PartKind::Audio(Source::from_url(url))),
            "search_result" => {
                self.report.approximate("messages[].content[].search_result");
                Some(PartKind::Text(search_result(&value)))
            }
            _ => None,
        };
        match kind {
            Some(kind) => self.media(kind),
            None => {
                let message = format!("content of type '{}' is not possible with a Gemini provider", name_of(&value));
                Err(BodyError::foreign("messages[].content[].type", value, message))
            }
        }
    }

    /// Thinking goes back only to the vendor that signed it.
    pub(super) fn thinking(&mut self, text: String, signature: Option<String>) -> Option<Thought> {
        let Some(signature) = signature else {
            self.report.drop("messages[].reasoning_content");
            return None;
        };
        match unwrap_signature(&signature) {
            Some((Format::GeminiGenerateContent, Some(bare))) if text.is_empty() => {
                Some(Thought::Signature(bare.to_owned()))
            }
            Some((Format::GeminiGenerateContent, None)) if text.is_empty() => None,
            Some((Format::GeminiGenerateContent, bare)) => {
                let mut part = object([("text", json!(text)), ("thought", json!(true))]);
                if let Some(bare) = bare {
                    part.insert("thoughtSignature".to_owned(), json!(bare));
                }
                Some(Thought::Part(Value::Object(part)))
            }
            _ => {
                self.report.drop("messages[].content[].thinking");
                None
            }
        }
    }

    /// A call, and its name as it is sent.
    pub(super) fn call(&mut self, id: &str, name: &str, arguments: Arguments) -> (Object, String) {
        let args = arguments.into_object().unwrap_or_else(|empty| {
            self.report.approximate("messages[].tool_calls[].function.arguments");
            empty
        });
        let name = send_name(name, self.names, self.report);
        let call = match id {
            "" => json!({"name": name, "args": args}),
            id => json!({"id": id, "name": name, "args": args}),
        };
        (object([("functionCall", call)]), name)
    }

    /// A function's result as a part, and the parts that go behind it.
    pub(super) fn result(
        &mut self,
        id: &str,
        name: &str,
        content: Content,
        is_error: Option<bool>,
        pictures: Pictures,
    ) -> Result<(Value, Vec<Value>), BodyError> {
        let (text, rest) = self.result_text(content)?;
        let mut response = object([("name", json!(name)), ("response", answer(text, is_error == Some(true)))]);
        if !id.is_empty() {
            response.insert("id".to_owned(), json!(id));
        }
        let (within, beside): (Vec<Value>, Vec<Value>) =
            rest.into_iter().partition(|part| pictures == Pictures::Within && self.fits_within(part));
        if !within.is_empty() {
            response.insert("parts".to_owned(), Value::Array(within));
        }
        if !beside.is_empty() {
            self.report.approximate("messages[].content[].tool_result.content");
        }
        Ok((json!({ "functionResponse": response }), beside))
    }

    fn fits_within(&self, part: &Value) -> bool {
        let inline = part.get("inlineData").and_then(|data| data.get("mimeType")?.as_str());
        let taken = |media_type: &str| media_type.starts_with("image/") || media_type == "application/pdf";
        inline.is_some_and(taken) || (self.cloud && part.get("fileData").is_some())
    }

    /// The text of a result, and its other parts.
    pub(super) fn result_text(&mut self, content: Content) -> Result<(String, Vec<Value>), BodyError> {
        let (mut texts, mut rest) = (Vec::new(), Vec::new());
        for part in content.parts {
            if part.cache.is_some() {
                self.report.drop("cache_control");
            }
            if !part.citations.is_empty() {
                self.report.drop("messages[].annotations");
            }
            self.report.drop_extras("messages[].content[].", &part.extras);
            match part.kind {
                PartKind::Text(text) => texts.push(text),
                kind => match self.media(kind)? {
                    Some(Value::Object(mut part)) if part.contains_key("text") => {
                        texts.extend(crate::json::take_string(&mut part, "text"));
                    }
                    part => rest.extend(part),
                },
            }
        }
        Ok((texts.join("\n"), rest))
    }
}

/// A result as the object that it must be: an object stays one, everything else stands within.
fn answer(text: String, is_error: bool) -> Value {
    let parsed = match text.trim_start().starts_with(['{', '[']) {
        true => serde_json::from_str::<Value>(&text).ok(),
        false => None,
    };
    match (parsed, is_error) {
        (Some(value @ Value::Object(_)), false) => value,
        (Some(value), true) => match value.get("error") {
            Some(_) => value,
            None => json!({ "error": value }),
        },
        (Some(value), false) => json!({ "result": value }),
        (None, true) => json!({ "error": text }),
        (None, false) => json!({ "result": text }),
    }
}

fn search_result(value: &Value) -> String {
    let head = ["title", "source"].into_iter().filter_map(|key| value.get(key)?.as_str());
    let blocks = value.get("content").and_then(Value::as_array);
    let texts = blocks.into_iter().flatten().filter_map(|block| block.get("text")?.as_str());
    head.chain(texts).collect::<Vec<_>>().join("\n")
}

fn name_of(value: &Value) -> &str {
    crate::json::kind(value)
}
