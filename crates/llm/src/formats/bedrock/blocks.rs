//! Parts of another format's request as Converse's content blocks.

use super::documents::{self, DocumentNames, object};
use super::models::Family;
use super::{cache, call_id, redacted, send_name};
use crate::json::{Object, text};
use crate::model::{Content, Names, Part, PartKind, Report, Source, unwrap_signature};
use crate::{BodyError, Format};
use serde_json::{Value, json};

/// Stands where the API wants text and the client gave none.
pub(super) const PLACEHOLDER: &str = "(empty)";

/// Writes blocks, and learns what they mean for the rest of the request.
pub(super) struct Blocks<'a> {
    pub(super) origin: Format,
    pub(super) family: Family,
    pub(super) model: &'a str,
    pub(super) names: &'a mut Names,
    pub(super) report: &'a mut Report,
    pub(super) documents: DocumentNames,
    /// Names of the tools that were called, as they are sent.
    pub(super) called: Vec<String>,
    /// Whether it is the model that speaks.
    pub(super) said: bool,
}

impl Blocks<'_> {
    /// The blocks of some content, with its marks behind what they mark.
    pub(super) fn content(&mut self, content: Content) -> Result<Vec<Value>, BodyError> {
        let mut out = Vec::with_capacity(content.parts.len());
        for mut part in content.parts {
            let mark = part.cache.take();
            let block = self.block(part)?;
            // A mark behind nothing marks what stands before.
            out.extend(block.filter(|block| !is_blank(block)));
            out.extend(self.mark(mark));
        }
        Ok(out)
    }

    /// The block of a mark, where the model takes one.
    pub(super) fn mark(&mut self, mark: Option<Value>) -> Option<Value> {
        let mark = mark?;
        if !self.family.caches(self.model) {
            self.report.drop("cache_control");
            return None;
        }
        Some(cache::point(&mark, self.family.caches_for(self.model), self.report))
    }

    /// One block, without its mark; `None` where nothing of the part can be told.
    pub(super) fn block(&mut self, part: Part) -> Result<Option<Value>, BodyError> {
        let Part { kind, citations, signature, mut extras, .. } = part;
        if signature.is_some() {
            self.report.drop("thought_signature");
        }
        if !citations.is_empty() {
            self.report.drop("messages[].content[].citations");
        }
        let (name, inside) = match kind {
            PartKind::Text(text) | PartKind::Refusal(text) => {
                self.report.drop_extras("messages[].content[].", &extras);
                return Ok(Some(json!({"text": text})));
            }
            PartKind::Image(source) => ("image", documents::image(source)?),
            PartKind::Video(source) => ("video", documents::video(source)?),
            PartKind::Audio(source) => ("audio", documents::audio(source)?),
            // Anthropic's search result, whole.
            PartKind::Document { .. } if extras.get("type").and_then(search_result).is_some() => {
                return Ok(extras.get("type").and_then(search_result));
            }
            PartKind::Document { source, name } => {
                let (kind, mut inside) = documents::document(source, name.as_deref(), &mut self.documents)?;
                if kind == "document" && self.origin == Format::AnthropicMessages {
                    // Members that both formats have. Whether to cite must be said here.
                    let cites = extras.get("citations").and_then(|citations| citations.get("enabled"));
                    let both: &[&str] =
                        if cites.is_some_and(Value::is_boolean) { &["context", "citations"] } else { &["context"] };
                    inside.extend(both.iter().filter_map(|key| Some(((*key).to_owned(), extras.shift_remove(*key)?))));
                    inside.retain(|_, value| !value.is_null());
                }
                (kind, inside)
            }
            PartKind::ToolCall { id, name, arguments } => {
                let input = arguments.into_object().unwrap_or_else(|empty| {
                    self.report.approximate("messages[].tool_calls[].function.arguments");
                    empty
                });
                let name = send_name(&name, self.names, self.report);
                self.called.push(name.clone());
                let id = call_id(&id);
                ("toolUse", object([("toolUseId", json!(id)), ("name", json!(name)), ("input", Value::Object(input))]))
            }
            PartKind::ToolResult { id, content, is_error } => ("toolResult", self.result(&id, content, is_error)?),
            PartKind::Thinking { text, signature } => return Ok(self.thinking(text, signature)),
            PartKind::RedactedThinking(data) => return Ok(self.redacted(&data)),
            PartKind::Foreign(value) => return self.foreign(value),
        };
        self.report.drop_extras("messages[].content[].", &extras);
        Ok(Some(json!({name: inside})))
    }

    /// Thinking goes back only to the model that thought it: Claude's with its signature, others' as they take it.
    fn thinking(&mut self, text: String, signature: Option<String>) -> Option<Value> {
        let bare = match signature.as_deref().map(|signature| (signature, unwrap_signature(signature))) {
            None => None,
            Some((_, Some((Format::BedrockConverse, bare)))) => bare,
            Some((_, Some((Format::AnthropicMessages, bare)))) if self.family.signs_as_anthropic() => bare,
            Some((signature, None)) if self.family.signs_as_anthropic() => Some(signature),
            Some(_) => {
                self.report.drop("messages[].content[].thinking");
                return None;
            }
        };
        let mut said = object([("text", json!(text))]);
        match bare {
            Some(signature) => {
                said.insert("signature".to_owned(), json!(signature));
            }
            None if self.family.takes_unsigned() && !text.is_empty() => {}
            None => {
                self.report.drop("messages[].reasoning_content");
                return None;
            }
        }
        Some(json!({"reasoningContent": {"reasoningText": said}}))
    }

    fn redacted(&mut self, data: &str) -> Option<Value> {
        let own = unwrap_signature(data).is_none_or(|(origin, _)| origin == Format::BedrockConverse);
        if !own || !self.family.signs_as_anthropic() {
            self.report.drop("messages[].content[].redacted_thinking");
            return None;
        }
        Some(json!({"reasoningContent": {"redactedContent": redacted::write(data)}}))
    }

    fn result(&mut self, id: &str, content: Content, is_error: Option<bool>) -> Result<Object, BodyError> {
        let mut blocks = Vec::with_capacity(content.parts.len());
        for part in content.parts {
            match self.block(part)? {
                Some(block) if !is_blank(&block) => blocks.push(block),
                _ => {}
            }
        }
        // Only these may stand within a result.
        let before = blocks.len();
        blocks.retain(|block| {
            ["text", "image", "document", "video", "searchResult"].iter().any(|key| block.get(*key).is_some())
        });
        if blocks.len() < before {
            self.report.drop("messages[].content[].tool_result.content");
        }
        let failed = is_error == Some(true);
        let says_status = matches!(self.family, Family::Claude | Family::Nova { .. } | Family::Opaque);
        if failed && !says_status {
            self.report.approximate("messages[].content[].is_error");
            blocks.insert(0, json!({"text": "Error:"}));
        }
        if blocks.is_empty() {
            blocks.push(json!({"text": PLACEHOLDER}));
        }
        let mut inside = object([("toolUseId", json!(call_id(id))), ("content", Value::Array(blocks))]);
        if failed && says_status {
            inside.insert("status".to_owned(), json!("error"));
        }
        Ok(inside)
    }

    /// A part that only its own vendor's format has a word for. Of what a model said it is left out (a tool that ran at
    /// the vendor), of what it is asked it is not.
    fn foreign(&mut self, value: Value) -> Result<Option<Value>, BodyError> {
        let kind = text(&value, "type").to_owned();
        if kind == "input_audio"
            && let Some(audio) = value.get("input_audio")
        {
            let media_type = format!("audio/{}", text(audio, "format"));
            let source = Source::Base64 { media_type, data: text(audio, "data").to_owned() };
            return Ok(Some(json!({"audio": documents::audio(source)?})));
        }
        let kind = crate::json::kind(&value).to_owned();
        if self.said {
            self.report.drop(format!("messages[].content[].{kind}"));
            return Ok(None);
        }
        let message = format!("content of type '{kind}' is not possible with a Bedrock provider");
        Err(BodyError::foreign("messages[].content[].type", value, message))
    }

    /// Specifications for tools that the history calls though the request declares none.
    pub(super) fn stubs(&mut self) -> Vec<String> {
        let mut used = std::mem::take(&mut self.called);
        used.sort_unstable();
        used.dedup();
        used
    }
}

/// Anthropic's search result in this format's words.
fn search_result(value: &Value) -> Option<Value> {
    if text(value, "type") != "search_result" {
        return None;
    }
    let blocks = value.get("content")?.as_array()?;
    let texts: Vec<Value> =
        blocks.iter().map(|block| Some(json!({"text": block.get("text")?.as_str()?}))).collect::<Option<_>>()?;
    let mut inside = object([
        ("source", json!(value.get("source")?.as_str()?)),
        ("title", json!(text(value, "title"))),
        ("content", Value::Array(texts)),
    ]);
    if let Some(enabled) = value.pointer("/citations/enabled").and_then(Value::as_bool) {
        inside.insert("citations".to_owned(), json!({"enabled": enabled}));
    }
    Some(json!({"searchResult": inside}))
}

/// The API refuses text without a visible character.
pub(super) fn is_blank(block: &Value) -> bool {
    block.get("text").is_some_and(|text| text.as_str().is_none_or(|text| text.trim().is_empty()))
}
