//! The messages of an OpenAI Chat request: thinking, content, calls and results of tools.

use super::citations;
use super::decode_request::is_function;
use crate::BodyError;
use crate::json::{Object, take_array, take_filled, take_object, take_string};
use crate::model::{Arguments, Content, Form, Message, Part, PartKind, Role, Source};
use serde_json::Value;

/// The kind of a document by URL; left in its part's extras.
pub(super) const DOCUMENT_URL: &str = "document_url";
/// In the `type` of a foreign part: it stood among the calls.
const CALL: &str = "tool_calls";

/// Whether a part that is not understood stood among the calls.
pub(crate) fn is_foreign_call(part: &Part) -> bool {
    matches!(part.kind, PartKind::Foreign(_)) && part.extras.get("type").is_some_and(|kind| kind == CALL)
}

pub(super) fn decode_message(at: usize, message: Value) -> Result<Message, BodyError> {
    let Value::Object(mut message) = message else {
        return Err(BodyError::field(format!("messages[{at}]"), format!("messages[{at}] must be an object")));
    };
    let role = match message.get("role").and_then(Value::as_str) {
        Some("system") => Role::System,
        Some("developer") => Role::Developer,
        Some("user") => Role::User,
        Some("assistant") => Role::Assistant,
        Some("tool" | "function") => Role::Tool,
        // A role of tomorrow goes as the user's, and keeps its word in extras.
        Some(_) => Role::User,
        None => {
            let field = format!("messages[{at}].role");
            return Err(BodyError::field(&field, format!("'{field}' must be a string")));
        }
    };
    if matches!(
        message.get("role").and_then(Value::as_str),
        Some("system" | "developer" | "user" | "assistant" | "tool")
    ) {
        message.shift_remove("role");
    }
    let content = take_content(at, &mut message)?;
    let cache = take_object(&mut message, "cache_control").map(Value::Object);
    let content = match role {
        Role::Tool => tool_result(&mut message, content),
        Role::Assistant => assistant_content(at, &mut message, content)?,
        _ => content,
    };
    Ok(Message { role, content, cache, extras: message })
}

fn tool_result(message: &mut Object, content: Content) -> Content {
    let id = take_filled(message, "tool_call_id").unwrap_or_default();
    Content { form: content.form, parts: vec![Part::new(PartKind::ToolResult { id, content, is_error: None })] }
}

/// Thinking, then text, then calls: the order in which a model speaks. The thinking's own members stay in extras, to
/// come out again unchanged.
fn assistant_content(at: usize, message: &mut Object, content: Content) -> Result<Content, BodyError> {
    let mut parts = thinking_parts(message);
    let thoughts = parts.len();
    parts.extend(content.parts);
    citations::take(message, &mut parts[thoughts..]);
    let said = parts.iter_mut().rev().find(|part| matches!(part.kind, PartKind::Text(_)));
    if let Some(said) = said {
        said.signature = take_signature(message);
    }
    // What was said aloud before, by its id at the vendor.
    let said = message.get("audio").and_then(Value::as_object).filter(|audio| audio.len() == 1);
    if let Some(id) = said.and_then(|audio| audio.get("id")?.as_str()) {
        parts.push(Part::new(PartKind::Audio(Source::File(id.to_owned()))));
        message.shift_remove("audio");
    }
    // Like thinking, it stays in extras, for refusals may also stand within `content`.
    if let Some(text) = message.get("refusal").and_then(Value::as_str) {
        parts.push(Part::new(PartKind::Refusal(text.to_owned())));
    }
    let calls = match message.get("tool_calls") {
        // An empty list stays as it was.
        Some(Value::Array(calls)) if !calls.is_empty() => take_array(message, "tool_calls").unwrap_or_default(),
        _ => Vec::new(),
    };
    for (nth, call) in calls.into_iter().enumerate() {
        parts.push(decode_call(&format!("messages[{at}].tool_calls[{nth}]"), call)?);
    }
    Ok(Content { parts, form: content.form })
}

fn thinking_parts(message: &Object) -> Vec<Part> {
    if let Some(blocks) = message.get("thinking_blocks").and_then(Value::as_array) {
        return blocks.iter().filter_map(thinking_block).collect();
    }
    let text = ["reasoning_content", "reasoning"].iter().find_map(|key| message.get(*key)?.as_str());
    match text {
        Some(text) if !text.is_empty() => {
            vec![Part::new(PartKind::Thinking { text: text.to_owned(), signature: None })]
        }
        _ => Vec::new(),
    }
}

fn thinking_block(block: &Value) -> Option<Part> {
    let text = |key: &str| block.get(key).and_then(Value::as_str).map(str::to_owned);
    Some(Part::new(match block.get("type")?.as_str()? {
        "thinking" => PartKind::Thinking { text: text("thinking").unwrap_or_default(), signature: text("signature") },
        "redacted_thinking" => PartKind::RedactedThinking(text("data")?),
        _ => return None,
    }))
}

pub(crate) fn decode_call(field: &str, call: Value) -> Result<Part, BodyError> {
    let Value::Object(mut call) = call else {
        return Err(BodyError::field(field, format!("'{field}' must be an object")));
    };
    if !is_function(&call) {
        let mut part = Part::new(PartKind::Foreign(Value::Object(call)));
        part.extras.insert("type".to_owned(), Value::String(CALL.to_owned()));
        return Ok(part);
    }
    let mut function = take_object(&mut call, "function").unwrap_or_default();
    let id = take_filled(&mut call, "id").unwrap_or_default();
    let name = take_string(&mut function, "name").unwrap_or_default();
    let arguments = match function.shift_remove("arguments") {
        None | Some(Value::Null) => Arguments::Text(String::new()),
        Some(Value::String(text)) => Arguments::Text(text),
        Some(value) => Arguments::Value(value),
    };
    if !function.is_empty() {
        call.insert("function".to_owned(), Value::Object(function));
    }
    let signature = take_signature(&mut call);
    Ok(Part { signature, extras: call, ..Part::new(PartKind::ToolCall { id, name, arguments }) })
}

fn take_content(at: usize, message: &mut Object) -> Result<Content, BodyError> {
    Ok(match message.shift_remove("content") {
        None => Content { parts: Vec::new(), form: Form::Absent },
        Some(Value::Null) => Content { parts: Vec::new(), form: Form::Null },
        Some(Value::String(text)) => Content::bare(text),
        Some(Value::Array(items)) => {
            let parts = items.into_iter().enumerate();
            let parts = parts.map(|(nth, part)| decode_part(at, nth, part)).collect::<Result<_, _>>()?;
            Content { parts, form: Form::List }
        }
        Some(_) => {
            let field = format!("messages[{at}].content");
            return Err(BodyError::field(&field, format!("'{field}' must be a string or a list")));
        }
    })
}

fn decode_part(at: usize, nth: usize, part: Value) -> Result<Part, BodyError> {
    let Value::Object(mut part) = part else {
        let field = format!("messages[{at}].content[{nth}]");
        return Err(BodyError::field(&field, format!("'{field}' must be an object")));
    };
    let kind = match part.get("type").and_then(Value::as_str) {
        Some("text") => take_string(&mut part, "text").map(PartKind::Text),
        Some("refusal") => take_string(&mut part, "refusal").map(PartKind::Refusal),
        Some("image_url") => decode_image(&mut part),
        Some("file") => decode_file(&mut part),
        Some("input_audio") => decode_audio(&mut part),
        Some("video_url") => decode_video(&mut part),
        Some(DOCUMENT_URL) => decode_document(&mut part),
        _ => None,
    };
    let Some(kind) = kind else {
        return match wrong_member(&part) {
            Some(member) => {
                let field = format!("messages[{at}].content[{nth}].{member}");
                Err(BodyError::field(&field, format!("'{field}' must be an object")))
            }
            None => Ok(Part::new(PartKind::Foreign(Value::Object(part)))),
        };
    };
    // A document by URL has a word of its own, which tells it from a file.
    if part.get("type").is_none_or(|kind| kind != DOCUMENT_URL) {
        part.shift_remove("type");
    }
    let cache = take_object(&mut part, "cache_control").map(Value::Object);
    Ok(Part { cache, extras: part, ..Part::new(kind) })
}

/// The member that holds what the part is, where it is neither an object nor a text.
fn wrong_member(part: &Object) -> Option<&'static str> {
    let kind = part.get("type")?.as_str()?;
    let member = ["image_url", "file", "input_audio", "video_url"].into_iter().find(|member| *member == kind)?;
    part.get(member).is_some_and(|value| !value.is_object() && !value.is_string()).then_some(member)
}

/// `image_url` is an object; some clients write the bare URL. What is beside `url` stays in extras.
pub(crate) fn decode_image(part: &mut Object) -> Option<PartKind> {
    let mut image = take_object(part, "image_url")?;
    let Some(url) = take_string(&mut image, "url") else {
        part.insert("image_url".to_owned(), Value::Object(image));
        return None;
    };
    if !image.is_empty() {
        part.insert("image_url".to_owned(), Value::Object(image));
    }
    Some(PartKind::Image(Source::from_url(url)))
}

fn decode_file(part: &mut Object) -> Option<PartKind> {
    let mut file = take_object(part, "file")?;
    let source = match take_string(&mut file, "file_data") {
        Some(data) => Source::from_url(data),
        None => match take_string(&mut file, "file_id") {
            Some(id) => Source::File(id),
            None => {
                part.insert("file".to_owned(), Value::Object(file));
                return None;
            }
        },
    };
    let name = take_string(&mut file, "filename");
    if !file.is_empty() {
        part.insert("file".to_owned(), Value::Object(file));
    }
    Some(PartKind::Document { source, name })
}

fn decode_audio(part: &mut Object) -> Option<PartKind> {
    let audio = part.get("input_audio")?.as_object().filter(|audio| audio.len() == 2)?;
    let (data, format) = (audio.get("data")?.as_str()?.to_owned(), audio.get("format")?.as_str()?);
    let media_type = format!("audio/{format}");
    part.shift_remove("input_audio");
    Some(PartKind::Audio(Source::Base64 { media_type, data }))
}

/// vLLM's, OpenRouter's and DashScope's.
fn decode_video(part: &mut Object) -> Option<PartKind> {
    let video = part.get("video_url")?.as_object().filter(|video| video.len() == 1)?;
    let url = video.get("url")?.as_str()?.to_owned();
    part.shift_remove("video_url");
    Some(PartKind::Video(Source::from_url(url)))
}

/// Mistral's.
fn decode_document(part: &mut Object) -> Option<PartKind> {
    let source = Source::from_url(take_string(part, DOCUMENT_URL)?);
    Some(PartKind::Document { source, name: take_string(part, "document_name") })
}

/// Puts the signature back where [`take_signature`] found it.
pub(crate) fn put_signature(signed: &mut Object, signature: String) {
    let extra = signed.entry("extra_content").or_insert_with(|| Value::Object(Object::new()));
    if let Some(extra) = extra.as_object_mut() {
        let google = extra.entry("google").or_insert_with(|| Value::Object(Object::new()));
        google["thought_signature"] = Value::String(signature);
    }
}

/// Google's signature over the thinking that led to this, in the shape of its own OpenAI endpoint.
pub(super) fn take_signature(signed: &mut Object) -> Option<String> {
    let extra = signed.get_mut("extra_content")?.as_object_mut()?;
    let google = extra.get_mut("google")?.as_object_mut()?;
    let signature = take_string(google, "thought_signature")?;
    if google.is_empty() {
        extra.shift_remove("google");
    }
    if extra.is_empty() {
        signed.shift_remove("extra_content");
    }
    Some(signature)
}
