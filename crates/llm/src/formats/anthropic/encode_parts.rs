//! Parts of messages as Anthropic's content blocks.

use super::encode_request::{send_name, written};
use super::turns::{Turns, is_blank};
use super::{blocks, citations};
use crate::formats::openai::kind_name;
use crate::formats::vendor::thinking_name;
use crate::json::Object;
use crate::model::{Arguments, Citation, Content, Part, PartKind, plain_id, unwrap_signature};
use crate::{BodyError, Format};
use serde_json::{Value, json};

impl Turns<'_> {
    /// The blocks of some content.
    pub(super) fn blocks(&mut self, content: Content) -> Result<Vec<Value>, BodyError> {
        let mut out = Vec::with_capacity(content.parts.len());
        for part in content.parts {
            out.extend(self.block(part)?);
        }
        Ok(out)
    }

    /// The blocks of the system prompt, which may hold text only.
    pub(super) fn texts(&mut self, mut content: Content) -> Result<Vec<Value>, BodyError> {
        if self.own {
            return self.blocks(content);
        }
        content.parts.retain(|part| {
            let says = matches!(part.kind, PartKind::Text(_) | PartKind::Refusal(_));
            if !says {
                self.report.drop(format!("messages[].content[].{}", kind_name(&part.kind)));
            }
            says
        });
        self.blocks(content)
    }

    pub(super) fn block(&mut self, part: Part) -> Result<Option<Value>, BodyError> {
        if self.own
            && let Some(whole @ Value::Object(_)) = part.extras.get("type")
        {
            return Ok(Some(whole.clone()));
        }
        let Part { kind, cache, extras, citations, signature } = part;
        if signature.is_some() {
            self.report.drop("thought_signature");
        }
        let mut block = match kind {
            PartKind::Text(text) => blocks::object([("type", json!("text")), ("text", Value::String(text))]),
            PartKind::Refusal(text) => blocks::object([("type", json!("text")), ("text", Value::String(text))]),
            PartKind::Image(source) => blocks::image(source, self.own)?,
            PartKind::Document { source, name } => blocks::document(source, name, self.own)?,
            PartKind::ToolCall { id, name, arguments } => {
                let input = match arguments {
                    Arguments::Value(value) if self.own => value,
                    arguments => Value::Object(arguments.into_object().unwrap_or_else(|empty| {
                        self.report.approximate("messages[].tool_calls[].function.arguments");
                        empty
                    })),
                };
                let (id, name) = match self.own {
                    true => (id, name),
                    false => {
                        let sent = send_name(&name, self.names, self.report);
                        self.called.push(name);
                        (plain_id(&id), sent)
                    }
                };
                blocks::object([
                    ("type", json!("tool_use")),
                    ("id", json!(id)),
                    ("name", json!(name)),
                    ("input", input),
                ])
            }
            PartKind::ToolResult { id, content, is_error } => self.result(&id, content, is_error)?,
            PartKind::Thinking { text, signature } => {
                match self.thinking(text, signature, thinking_name(self.origin, &extras)) {
                    Some(block) => block,
                    None => return Ok(None),
                }
            }
            PartKind::RedactedThinking(data) => {
                blocks::object([("type", json!("redacted_thinking")), ("data", json!(data))])
            }
            PartKind::Audio(_) | PartKind::Video(_) => {
                let message = "sound and moving pictures are not possible with an Anthropic Messages provider";
                return Err(BodyError::unsupported("messages[].content[].type", message));
            }
            PartKind::Foreign(value) if self.own => return Ok(Some(value)),
            PartKind::Foreign(value) => {
                let kind = crate::json::kind(&value).to_owned();
                let message = format!("content of type '{kind}' is not possible with an Anthropic Messages provider");
                return Err(BodyError::foreign("messages[].content[].type", value, message));
            }
        };
        if let Some(cache) = cache {
            block.insert("cache_control".to_owned(), cache);
        }
        self.cite(&mut block, citations);
        if self.own {
            block.extend(extras);
        } else {
            self.report.drop_extras("messages[].content[].", &extras);
        }
        Ok(Some(Value::Object(block)))
    }

    /// What a text refers to goes back only to the vendor that found it: others' has no index of the vendor's.
    fn cite(&mut self, block: &mut Object, citations: Vec<Citation>) {
        if citations.is_empty() {
            return;
        }
        if !self.own {
            self.report.drop("messages[].annotations");
            return;
        }
        let before = citations.len();
        let kept: Vec<Value> = citations
            .into_iter()
            .map(|citation| citation.native)
            .filter(|native| !citations::is_foreign(native))
            .collect();
        if kept.len() < before {
            self.report.drop("messages[].content[].citations");
        }
        if !kept.is_empty() {
            block.insert("citations".to_owned(), Value::Array(kept));
        }
    }

    /// Thinking goes back only to the vendor that signed it.
    fn thinking(&mut self, text: String, signature: Option<String>, name: &str) -> Option<Object> {
        let signature = match signature {
            Some(signature) => match unwrap_signature(&signature) {
                Some((Format::AnthropicMessages, bare)) => bare.map(str::to_owned),
                Some(_) => {
                    self.report.drop(name);
                    return None;
                }
                None => Some(signature),
            },
            None if self.own => None,
            None => {
                self.report.drop(name);
                return None;
            }
        };
        let mut block = blocks::object([("type", json!("thinking")), ("thinking", json!(text))]);
        if let Some(signature) = signature {
            block.insert("signature".to_owned(), json!(signature));
        }
        Some(block)
    }

    fn result(&mut self, id: &str, content: Content, is_error: Option<bool>) -> Result<Object, BodyError> {
        let id = if self.own { id.to_owned() } else { plain_id(id) };
        let mut block = blocks::object([("type", json!("tool_result")), ("tool_use_id", json!(id))]);
        let form = content.form;
        let mut inner = self.blocks(content)?;
        if !self.own {
            inner.retain(|block| !is_blank(block));
        }
        if let Some(content) = written(self.own, form, inner) {
            block.insert("content".to_owned(), content);
        }
        if let Some(is_error) = is_error {
            block.insert("is_error".to_owned(), json!(is_error));
        }
        Ok(block)
    }
}
