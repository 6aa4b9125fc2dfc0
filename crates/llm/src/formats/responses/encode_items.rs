//! The items of a request of this format, written as they came; and what is taken out of them: thinking that another
//! vendor signed.

use super::CUSTOM_INPUT;
use super::annotations::object;
use super::reasoning;
use super::tools::is_custom;
use crate::Format;
use crate::json::Object;
use crate::model::{Arguments, Content, Form, Message, Part, PartKind, Report, Role, Source, unwrap_signature};
use serde_json::{Value, json};

/// `input`; `bare` where it was no list.
pub(super) fn encode_input(messages: Vec<Message>, bare: bool, report: &mut Report) -> Value {
    if bare {
        let text = messages.into_iter().next().and_then(|message| message.content.parts.into_iter().next());
        return match text.map(|part| part.kind) {
            Some(PartKind::Text(text)) => Value::String(text),
            _ => Value::Null,
        };
    }
    Value::Array(messages.into_iter().filter_map(|message| encode_item(message, report)).collect())
}

fn encode_item(mut message: Message, report: &mut Report) -> Option<Value> {
    if message.content.form == Form::Absent
        && message.content.parts.len() == 1
        && let Some(part) = message.content.parts.pop()
    {
        return encode_other(part, report);
    }
    let mut item = Object::new();
    let role = match message.role {
        Role::System => "system",
        Role::Developer => "developer",
        Role::Assistant => "assistant",
        Role::User | Role::Tool => "user",
    };
    item.insert("role".to_owned(), json!(role));
    if let Some(content) = encode_content(message.content) {
        item.insert("content".to_owned(), content);
    }
    item.extend(message.extras);
    Some(Value::Object(item))
}

/// An item that is no message; `None` is thinking that another vendor signed.
fn encode_other(part: Part, report: &mut Report) -> Option<Value> {
    let Part { kind, extras, .. } = part;
    let mut item = match kind {
        PartKind::ToolCall { id, name, arguments } if is_custom(&extras) => {
            let input = match arguments {
                Arguments::Value(mut value) => value.get_mut(CUSTOM_INPUT).map(Value::take).unwrap_or_default(),
                Arguments::Text(text) => Value::String(text),
            };
            object([("call_id", json!(id)), ("name", json!(name)), ("input", input)])
        }
        PartKind::ToolCall { id, name, arguments } => {
            let arguments = match arguments {
                Arguments::Text(text) => Value::String(text),
                Arguments::Value(value) => value,
            };
            object([("call_id", json!(id)), ("name", json!(name)), ("arguments", arguments)])
        }
        PartKind::ToolResult { id, content, .. } => {
            let mut item = object([("call_id", json!(id))]);
            item.extend(encode_content(content).map(|output| ("output".to_owned(), output)));
            item
        }
        PartKind::Thinking { signature, .. } => {
            match signature.as_deref().map(|whole| (whole, unwrap_signature(whole))) {
                None => Object::new(),
                Some((whole, None)) => object([("encrypted_content", json!(whole))]),
                Some((_, Some((Format::OpenAIResponses, bare)))) => {
                    let (_, encrypted) = reasoning::split(bare.unwrap_or_default());
                    object([("encrypted_content", json!(encrypted))])
                }
                Some((_, Some(_))) => {
                    report.drop("input[].reasoning");
                    return None;
                }
            }
        }
        PartKind::Foreign(value) => return Some(value),
        _ => return None,
    };
    item.extend(extras);
    Some(Value::Object(item))
}

/// Content as it came.
fn encode_content(content: Content) -> Option<Value> {
    let Content { parts, form } = content;
    match form {
        Form::Absent if parts.is_empty() => None,
        Form::Null => Some(Value::Null),
        Form::Bare => match parts.into_iter().next().map(|part| part.kind) {
            Some(PartKind::Text(text)) => Some(Value::String(text)),
            _ => None,
        },
        _ => Some(Value::Array(parts.into_iter().filter_map(encode_part).collect())),
    }
}

fn encode_part(part: Part) -> Option<Value> {
    let Part { kind, cache, citations, extras, .. } = part;
    let mut out = match kind {
        PartKind::Text(text) => object([("text", json!(text))]),
        PartKind::Refusal(text) => object([("refusal", json!(text))]),
        PartKind::Image(source) => encode_source(source, "image_url", "image_url"),
        PartKind::Document { source, name } => {
            let mut out = encode_source(source, "file_url", "file_data");
            out.extend(name.map(|name| ("filename".to_owned(), json!(name))));
            out
        }
        PartKind::Audio(Source::Base64 { media_type, data }) => {
            object([("input_audio", json!({"data": data, "format": audio_format(&media_type)}))])
        }
        PartKind::Foreign(value) => return Some(value),
        _ => return None,
    };
    if cache.is_some() {
        out.insert("prompt_cache_breakpoint".to_owned(), json!({"mode": "explicit"}));
    }
    if !citations.is_empty() {
        out.insert("annotations".to_owned(), citations.into_iter().map(|citation| citation.native).collect());
    }
    out.extend(extras);
    Some(Value::Object(out))
}

fn encode_source(source: Source, url_key: &str, data_key: &str) -> Object {
    match source {
        Source::Url(url) => object([(url_key, json!(url))]),
        Source::Base64 { media_type, data } => object([(data_key, json!(Source::data_url(&media_type, &data)))]),
        Source::File(id) => object([("file_id", json!(id))]),
        Source::Other(Value::Object(members)) => members,
        Source::Text(_) | Source::Other(_) => Object::new(),
    }
}

/// The word for a media type of sound.
fn audio_format(media_type: &str) -> &str {
    match media_type.strip_prefix("audio/").unwrap_or(media_type) {
        "mpeg" => "mp3",
        format => format,
    }
}
