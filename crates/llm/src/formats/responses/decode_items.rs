//! The items of an OpenAI Responses request, each as one neutral message, so that each goes back as it came. For
//! formats that have turns, [`super::for_other`] joins them.
//!
//! `type` always stays in extras. An item that is no message has one part and [`Form::Absent`].

use super::CUSTOM_INPUT;
use super::annotations::decode_annotation;
use super::reasoning::text_of;
use crate::BodyError;
use crate::json::{Object, take_array, take_object, take_string};
use crate::model::{Arguments, Content, Form, Message, Part, PartKind, Role, Source};
use serde_json::{Value, json};

/// `input` as a bare string.
pub(super) fn user_text(text: String) -> Message {
    Message { role: Role::User, content: Content::bare(text), cache: None, extras: Object::new() }
}

pub(super) fn decode_item(at: usize, item: Value) -> Result<Message, BodyError> {
    let Value::Object(mut item) = item else {
        return Err(BodyError::field(format!("input[{at}]"), format!("input[{at}] must be an object")));
    };
    let kind = item.get("type").and_then(Value::as_str);
    let decoded = match kind {
        Some("message") => return decode_message(at, item),
        None if item.contains_key("role") => return decode_message(at, item),
        Some("function_call") => decode_call(&mut item).map(|kind| (Role::Assistant, kind)),
        Some("custom_tool_call") => decode_custom_call(&mut item).map(|kind| (Role::Assistant, kind)),
        Some("function_call_output" | "custom_tool_call_output") => {
            decode_output(at, &mut item)?.map(|kind| (Role::Tool, kind))
        }
        Some("reasoning") => Some((Role::Assistant, decode_reasoning(&mut item))),
        _ => None,
    };
    let (role, part) = match decoded {
        Some((role, kind)) => (role, Part { extras: item, ..Part::new(kind) }),
        None => (foreign_role(&item), Part::new(PartKind::Foreign(Value::Object(item)))),
    };
    let content = Content { parts: vec![part], form: Form::Absent };
    Ok(Message { role, content, cache: None, extras: Object::new() })
}

/// Whose an unknown item is: what the client's side answers, or what the model did.
fn foreign_role(item: &Object) -> Role {
    match item.get("type").and_then(Value::as_str) {
        Some(kind) if kind.ends_with("_output") || kind.ends_with("_response") => Role::User,
        _ => Role::Assistant,
    }
}

fn decode_message(at: usize, mut item: Object) -> Result<Message, BodyError> {
    let (role, known) = match item.get("role").and_then(Value::as_str) {
        Some("user") => (Role::User, true),
        Some("assistant") => (Role::Assistant, true),
        Some("system") => (Role::System, true),
        Some("developer") => (Role::Developer, true),
        // A role of tomorrow goes as the user's, and keeps its word in extras.
        Some(_) => (Role::User, false),
        None => {
            let field = format!("input[{at}].role");
            return Err(BodyError::field(&field, format!("'{field}' must be a string")));
        }
    };
    if known {
        item.shift_remove("role");
    }
    let content = match item.shift_remove("content") {
        None => Content { parts: Vec::new(), form: Form::Absent },
        Some(Value::Null) => Content { parts: Vec::new(), form: Form::Null },
        Some(Value::String(text)) => Content::bare(text),
        Some(Value::Array(parts)) => decode_parts(&format!("input[{at}].content"), parts)?,
        Some(_) => {
            let field = format!("input[{at}].content");
            return Err(BodyError::field(&field, format!("'{field}' must be a string or a list")));
        }
    };
    Ok(Message { role, content, cache: None, extras: item })
}

fn decode_parts(field: &str, parts: Vec<Value>) -> Result<Content, BodyError> {
    let parts = parts.into_iter().enumerate().map(|(nth, part)| decode_part(field, nth, part));
    Ok(Content { parts: parts.collect::<Result<_, _>>()?, form: Form::List })
}

fn decode_part(field: &str, nth: usize, part: Value) -> Result<Part, BodyError> {
    let Value::Object(mut part) = part else {
        let field = format!("{field}[{nth}]");
        return Err(BodyError::field(&field, format!("'{field}' must be an object")));
    };
    let kind = match part.get("type").and_then(Value::as_str) {
        Some("input_text" | "output_text") => take_string(&mut part, "text").map(PartKind::Text),
        Some("refusal") => take_string(&mut part, "refusal").map(PartKind::Refusal),
        Some("input_image") => decode_image(&mut part).map(PartKind::Image),
        Some("input_file") => {
            decode_file(&mut part).map(|source| PartKind::Document { source, name: take_string(&mut part, "filename") })
        }
        Some("input_audio") => decode_audio(&mut part).map(PartKind::Audio),
        _ => None,
    };
    let Some(kind) = kind else {
        return Ok(Part::new(PartKind::Foreign(Value::Object(part))));
    };
    let cache = take_mark(&mut part);
    let citations = match part.get("annotations") {
        // An empty list stays as it was.
        Some(Value::Array(list)) if !list.is_empty() => take_array(&mut part, "annotations").unwrap_or_default(),
        _ => Vec::new(),
    };
    let citations = citations.into_iter().map(decode_annotation).collect();
    Ok(Part { cache, citations, extras: part, ..Part::new(kind) })
}

/// A prompt-cache breakpoint, as Anthropic writes it.
fn take_mark(part: &mut Object) -> Option<Value> {
    if part.get("prompt_cache_breakpoint") != Some(&json!({"mode": "explicit"})) {
        return None;
    }
    part.shift_remove("prompt_cache_breakpoint");
    Some(json!({"type": "ephemeral"}))
}

fn decode_image(part: &mut Object) -> Option<Source> {
    match take_string(part, "image_url") {
        Some(url) => Some(Source::from_url(url)),
        None => take_string(part, "file_id").map(Source::File),
    }
}

/// `file_data` is a data URL; some clients send bare base64, which stays in the origin's own form.
fn decode_file(part: &mut Object) -> Option<Source> {
    if let Some(data) = take_string(part, "file_data") {
        return Some(match Source::from_url(data) {
            Source::Url(data) => Source::Other(json!({"file_data": data})),
            source => source,
        });
    }
    take_string(part, "file_id").map(Source::File).or_else(|| take_string(part, "file_url").map(Source::Url))
}

/// The format of sound is the second half of its media type, but for `mp3`.
fn decode_audio(part: &mut Object) -> Option<Source> {
    let audio = part.get("input_audio")?.as_object().filter(|audio| audio.len() == 2)?;
    let (data, format) = (audio.get("data")?.as_str()?, audio.get("format")?.as_str()?);
    let media_type = match format {
        "mp3" => "audio/mpeg".to_owned(),
        "mpeg" => return None,
        format => format!("audio/{format}"),
    };
    let source = Source::Base64 { media_type, data: data.to_owned() };
    take_object(part, "input_audio");
    Some(source)
}

fn decode_call(item: &mut Object) -> Option<PartKind> {
    let strings = ["call_id", "name"].iter().all(|key| item.get(*key).is_some_and(Value::is_string));
    let arguments = match item.get("arguments").filter(|_| strings)? {
        Value::String(_) => Arguments::Text(take_string(item, "arguments").unwrap_or_default()),
        Value::Object(_) => Arguments::Value(item.shift_remove("arguments").unwrap_or_default()),
        _ => return None,
    };
    Some(PartKind::ToolCall {
        id: take_string(item, "call_id").unwrap_or_default(),
        name: take_string(item, "name").unwrap_or_default(),
        arguments,
    })
}

fn decode_custom_call(item: &mut Object) -> Option<PartKind> {
    let strings = ["call_id", "name", "input"].iter().all(|key| item.get(*key).is_some_and(Value::is_string));
    strings.then(|| PartKind::ToolCall {
        id: take_string(item, "call_id").unwrap_or_default(),
        name: take_string(item, "name").unwrap_or_default(),
        arguments: Arguments::Value(json!({CUSTOM_INPUT: item.shift_remove("input")})),
    })
}

fn decode_output(at: usize, item: &mut Object) -> Result<Option<PartKind>, BodyError> {
    if !item.get("call_id").is_some_and(Value::is_string) {
        return Ok(None);
    }
    let content = match item.get("output") {
        Some(Value::String(_)) => Content::bare(take_string(item, "output").unwrap_or_default()),
        Some(Value::Array(_)) => {
            decode_parts(&format!("input[{at}].output"), take_array(item, "output").unwrap_or_default())?
        }
        _ => return Ok(None),
    };
    let id = take_string(item, "call_id").unwrap_or_default();
    Ok(Some(PartKind::ToolResult { id, content, is_error: None }))
}

/// `summary` and `content` stay in extras, to come out again unchanged.
fn decode_reasoning(item: &mut Object) -> PartKind {
    PartKind::Thinking { text: text_of(item), signature: take_string(item, "encrypted_content") }
}
