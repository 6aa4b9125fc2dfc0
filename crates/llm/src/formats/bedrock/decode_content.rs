//! Content blocks become neutral parts. Each block is an object with one member; a mark of the prompt cache is a block
//! of its own behind what it marks.

use super::media::{self, Formats};
use super::spelling::{self, FOUND, NO_FORMAT, RESULT_TYPE};
use super::{citations, redacted};
use crate::BodyError;
use crate::json::{Object, take_array, take_string};
use crate::model::{Arguments, Citation, Content, Form, Part, PartKind, Source};
use serde_json::{Value, json};

/// Decodes a list of blocks.
///
/// # Errors
/// When one of them is no object.
pub(super) fn parts(field: &str, blocks: Vec<Value>) -> Result<Vec<Part>, BodyError> {
    let mut parts: Vec<Part> = Vec::with_capacity(blocks.len());
    for (nth, block) in blocks.into_iter().enumerate() {
        let Value::Object(block) = block else {
            let field = format!("{field}[{nth}]");
            return Err(BodyError::field(&field, format!("'{field}' must be an object")));
        };
        match (block.get("cachePoint").filter(|_| block.len() == 1).and_then(mark), parts.last_mut()) {
            (Some(mark), Some(last)) if last.cache.is_none() => last.cache = Some(mark),
            _ => parts.push(part(block)),
        }
    }
    Ok(parts)
}

/// A list of blocks as content, where it is one.
pub(super) fn content(field: &str, value: Option<Value>) -> Result<Content, BodyError> {
    Ok(match value {
        None => Content { parts: Vec::new(), form: Form::Absent },
        Some(Value::Null) => Content { parts: Vec::new(), form: Form::Null },
        Some(Value::Array(blocks)) => Content { parts: parts(field, blocks)?, form: Form::List },
        Some(_) => return Err(BodyError::field(field, format!("'{field}' must be a list"))),
    })
}

/// A mark of the prompt cache as Anthropic writes it; `None` where it says more than that.
pub(super) fn mark(point: &Value) -> Option<Value> {
    let point = point.as_object()?;
    let ttl = point.get("ttl");
    let known = point.get("type").is_some_and(|kind| kind == "default") && ttl.is_none_or(Value::is_string);
    if !known || point.len() > 1 + usize::from(ttl.is_some()) {
        return None;
    }
    let mut mark = json!({"type": "ephemeral"});
    if let Some(ttl) = ttl {
        mark["ttl"] = ttl.clone();
    }
    Some(mark)
}

/// Decodes one block; what is not understood stays whole.
pub(super) fn part(mut block: Object) -> Part {
    let name = block.keys().next().filter(|_| block.len() == 1).cloned().unwrap_or_default();
    let known = match (name.as_str(), block.get_mut(&name)) {
        ("text", Some(Value::String(text))) => Some(Part::text(std::mem::take(text))),
        ("json", Some(value)) => json_part(value),
        (name, Some(Value::Object(inside))) => inside_part(name, inside),
        _ => None,
    };
    known.unwrap_or_else(|| Part::new(PartKind::Foreign(spelling::whole(block))))
}

/// JSON within a tool's result is its text; the note says how it came. A number that would not come back from its
/// text stays what it was.
fn json_part(value: &Value) -> Option<Part> {
    let text = value.to_string();
    if serde_json::from_str::<Value>(&text).ok()? != *value {
        return None;
    }
    let mut part = Part::text(text);
    part.extras.insert("json".to_owned(), Value::Null);
    Some(part)
}

/// The part of a block whose member is an object. Takes nothing out unless it is understood.
fn inside_part(name: &str, inside: &mut Object) -> Option<Part> {
    let kind = match name {
        "image" => PartKind::Image(source(inside, &media::IMAGE)?),
        "video" => PartKind::Video(source(inside, &media::VIDEO)?),
        "audio" => PartKind::Audio(source(inside, &media::AUDIO)?),
        "document" => {
            let source = source(inside, &media::DOCUMENT)?;
            PartKind::Document { source, name: take_string(inside, "name") }
        }
        "toolUse" => tool_use(inside)?,
        "toolResult" => tool_result(inside)?,
        "reasoningContent" => return reasoning(inside),
        "guardContent" => return guarded(inside),
        "citationsContent" => return cited(inside),
        "searchResult" => return search_result(inside),
        _ => return None,
    };
    Some(Part { extras: std::mem::take(inside), ..Part::new(kind) })
}

fn source(inside: &mut Object, formats: &Formats) -> Option<Source> {
    let format = inside.get("format").and_then(Value::as_str).map(str::to_owned);
    let source = inside.get_mut("source")?.as_object_mut()?;
    let alone = source.len() == 1;
    let decoded = match (format, alone) {
        (Some(format), true) if source.get("bytes").is_some_and(Value::is_string) => {
            let data = take_string(source, "bytes")?;
            let media_type = formats.media_type(&format);
            if formats.word(&media_type) == format {
                inside.shift_remove("format");
            }
            Source::Base64 { media_type, data }
        }
        (_, true) if source.get("text").is_some_and(Value::is_string) => {
            let text = take_string(source, "text")?;
            match inside.get("format").map(|format| format == "txt") {
                Some(true) => inside.shift_remove("format"),
                Some(false) => None,
                None => inside.insert(NO_FORMAT.to_owned(), Value::Null),
            };
            Source::Text(text)
        }
        (_, true) if chunks(source).is_some() => {
            // Citations refer to the chunks, so they stay, as the rest of the document.
            let text = chunks(source).map(Source::Text);
            let kept = ["format", "source"].into_iter();
            let kept: Object = kept.filter_map(|key| Some((key.to_owned(), inside.shift_remove(key)?))).collect();
            inside.insert("document".to_owned(), Value::Object(kept));
            return text;
        }
        _ => Source::Other(Value::Object(std::mem::take(source))),
    };
    inside.shift_remove("source");
    Some(decoded)
}

/// The text of a document or search result that comes in chunks.
fn chunks(source: &Object) -> Option<String> {
    let chunks = source.get("content")?.as_array()?;
    let texts = chunks.iter().map(|chunk| chunk.get("text").and_then(Value::as_str)).collect::<Option<Vec<_>>>()?;
    (!texts.is_empty()).then(|| texts.join("\n"))
}

/// A call by the client's tools. Tools that run at the vendor say `server_tool_use`.
fn tool_use(inside: &mut Object) -> Option<PartKind> {
    let strings = ["toolUseId", "name"].iter().all(|key| inside.get(*key).is_some_and(Value::is_string));
    let at_vendor = inside.get("type").and_then(Value::as_str).is_some_and(|kind| kind != "tool_use");
    if !strings || at_vendor {
        return None;
    }
    let arguments = inside.shift_remove("input")?;
    Some(PartKind::ToolCall {
        id: take_string(inside, "toolUseId")?,
        name: take_string(inside, "name")?,
        arguments: Arguments::Value(arguments),
    })
}

fn tool_result(inside: &mut Object) -> Option<PartKind> {
    if runs_at_vendor(inside) || !inside.get("toolUseId").is_some_and(Value::is_string) {
        return None;
    }
    if !inside.get("content")?.as_array()?.iter().all(Value::is_object) {
        return None;
    }
    let mut parts = parts("content", take_array(inside, "content")?).ok()?;
    // Within a result, what was found is text: few formats take a document there.
    parts.iter_mut().for_each(as_text);
    let is_error = match inside.get("status").and_then(Value::as_str) {
        Some("error") => Some(true),
        Some("success") => Some(false),
        _ => None,
    };
    if is_error.is_some() {
        inside.shift_remove("status");
    }
    if let Some(kind) = inside.get("type").filter(|kind| **kind != "tool_result").cloned() {
        inside.insert(RESULT_TYPE.to_owned(), kind);
    }
    Some(PartKind::ToolResult {
        id: take_string(inside, "toolUseId")?,
        content: Content { parts, form: Form::List },
        is_error,
    })
}

/// Makes a search result the text of it, behind its title and where it is.
fn as_text(part: &mut Part) {
    let PartKind::Document { source: Source::Text(text), name } = &part.kind else { return };
    let Some(found) = part.extras.shift_remove("searchResult") else { return };
    let source = found.get("source").and_then(Value::as_str);
    let head = [name.as_deref(), source].into_iter().flatten().filter(|line| !line.is_empty());
    let text = head.chain([text.as_str()]).collect::<Vec<_>>().join("\n");
    part.kind = PartKind::Text(text);
    part.extras.insert(FOUND.to_owned(), found);
}

/// Whether it is the result of a tool that ran at the vendor, whose `type` says which one (`nova_grounding_result`).
fn runs_at_vendor(result: &Object) -> bool {
    let kind = result.get("type").and_then(Value::as_str).unwrap_or_default();
    kind != "tool_result" && kind.ends_with("_result")
}

fn reasoning(inside: &mut Object) -> Option<Part> {
    if inside.len() != 1 {
        return None;
    }
    if let Some(data) = inside.get("redactedContent").and_then(Value::as_str) {
        return Some(Part::new(PartKind::RedactedThinking(redacted::read(data))));
    }
    let said = inside.get_mut("reasoningText")?.as_object_mut()?;
    let text = take_string(said, "text")?;
    let signature = take_string(said, "signature");
    Some(Part { extras: std::mem::take(said), ..Part::new(PartKind::Thinking { text, signature }) })
}

/// Text that a guardrail is to judge: text like any other to who has none.
fn guarded(inside: &mut Object) -> Option<Part> {
    let guarded = inside.get_mut("text").and_then(Value::as_object_mut)?;
    let text = take_string(guarded, "text")?;
    let mut part = Part::text(text);
    part.extras.insert("guardContent".to_owned(), Value::Object(std::mem::take(inside)));
    Some(part)
}

fn cited(inside: &mut Object) -> Option<Part> {
    // Nova cites behind the text, without any of it.
    let none = Vec::new();
    let pieces = inside.get("content").map_or(Some(&none), Value::as_array)?;
    let texts = pieces.iter().map(|piece| piece.get("text")?.as_str()).collect::<Option<Vec<_>>>()?;
    let text = texts.concat();
    let one = pieces.len() == 1 && pieces.iter().all(|piece| piece.as_object().is_some_and(|piece| piece.len() == 1));
    let natives = inside.get("citations").and_then(Value::as_array);
    let plain = natives.is_some_and(|natives| !natives.is_empty() && natives.iter().all(Value::is_object));
    let citations: Vec<Citation> = natives.into_iter().flatten().cloned().map(citations::read).collect();
    let mut extras = Object::new();
    if !one || !plain || inside.len() != 2 {
        extras.insert("citationsContent".to_owned(), Value::Object(std::mem::take(inside)));
    }
    Some(Part { citations, extras, ..Part::text(text) })
}

/// A search result is a document to who has none; its own shape stays beside it.
fn search_result(inside: &mut Object) -> Option<Part> {
    let name = inside.get("title")?.as_str()?.to_owned();
    let source = Source::Text(chunks(inside)?);
    let mut part = Part::new(PartKind::Document { source, name: Some(name) });
    // What a document does not say, under names for reports.
    let more = inside.iter().filter(|(key, _)| !matches!(key.as_str(), "title" | "content" | "source"));
    part.extras.extend(more.map(|(key, value)| (format!("searchResult.{key}"), value.clone())));
    part.extras.insert("searchResult".to_owned(), Value::Object(std::mem::take(inside)));
    Some(part)
}
