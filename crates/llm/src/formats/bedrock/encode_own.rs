//! Parts of this format's own requests as the blocks they were. Only thinking that another vendor signed is left out.

use super::documents::object;
use super::media::{self, Formats};
use super::spelling::{FOUND, NO_FORMAT, RESULT_TYPE, merge, noted, unwhole};
use super::{cache, redacted};
use crate::Format;
use crate::json::Object;
use crate::model::{
    Arguments, Content, Form, Message, Part, PartKind, Report, Role, Source, ToolChoice, unwrap_signature,
};
use serde_json::{Value, json};

/// A message.
pub(super) fn message(message: Message, report: &mut Report) -> Value {
    let role = match message.role {
        Role::Assistant => "assistant",
        Role::System | Role::Developer => "system",
        Role::User | Role::Tool => "user",
    };
    let mut out = object([("role", json!(role))]);
    if let Some(content) = content(message.content, report) {
        out.insert("content".to_owned(), content);
    }
    out.extend(message.extras);
    Value::Object(out)
}

/// A list of blocks, or what stood in its place.
pub(super) fn content(content: Content, report: &mut Report) -> Option<Value> {
    match content.form {
        Form::Absent if content.parts.is_empty() => None,
        Form::Null if content.parts.is_empty() => Some(Value::Null),
        _ => Some(Value::Array(blocks(content.parts, report))),
    }
}

fn blocks(parts: Vec<Part>, report: &mut Report) -> Vec<Value> {
    let mut out = Vec::with_capacity(parts.len());
    for mut part in parts {
        let cache = part.cache.take();
        out.extend(block(part, report));
        out.extend(cache.map(|mark| cache::own_point(&mark)));
    }
    out
}

fn block(part: Part, report: &mut Report) -> Option<Value> {
    let Part { kind, mut extras, citations, .. } = part;
    let (name, mut inside) = match kind {
        PartKind::Text(text) => {
            let citations = citations.into_iter().map(|citation| citation.native).collect();
            return Some(said(text, citations, extras));
        }
        PartKind::Refusal(text) => return Some(json!({"text": text})),
        PartKind::Image(source) => ("image", medium(source, &media::IMAGE)),
        PartKind::Video(source) => ("video", medium(source, &media::VIDEO)),
        PartKind::Audio(source) => ("audio", medium(source, &media::AUDIO)),
        PartKind::Document { source, name } => return Some(document(source, name, extras)),
        PartKind::ToolCall { id, name, arguments } => {
            let input = match arguments {
                Arguments::Value(value) => value,
                arguments => Value::Object(arguments.into_object().unwrap_or_default()),
            };
            ("toolUse", object([("toolUseId", json!(id)), ("name", json!(name)), ("input", input)]))
        }
        PartKind::ToolResult { id, content, is_error } => {
            extras.shift_remove(RESULT_TYPE);
            let content = Value::Array(blocks(content.parts, report));
            let mut inside = object([("toolUseId", json!(id)), ("content", content)]);
            if let Some(is_error) = is_error {
                inside.insert("status".to_owned(), json!(if is_error { "error" } else { "success" }));
            }
            ("toolResult", inside)
        }
        PartKind::Thinking { text, signature } => {
            let mut said = object([("text", json!(text))]);
            if let Some(signature) = own_signature(signature, report)? {
                said.insert("signature".to_owned(), json!(signature));
            }
            merge(&mut said, extras);
            return Some(json!({"reasoningContent": {"reasoningText": said}}));
        }
        PartKind::RedactedThinking(data) => {
            if unwrap_signature(&data).is_some_and(|(origin, _)| origin != Format::BedrockConverse) {
                report.drop("messages[].content[].reasoningContent");
                return None;
            }
            ("reasoningContent", object([("redactedContent", json!(redacted::write(&data)))]))
        }
        PartKind::Foreign(named) => return Some(unwhole(named)),
    };
    merge(&mut inside, extras);
    Some(json!({name: inside}))
}

/// The bare signature of thinking that is good here, `None` for thinking that is not.
fn own_signature(signature: Option<String>, report: &mut Report) -> Option<Option<String>> {
    let Some(signature) = signature else { return Some(None) };
    match unwrap_signature(&signature) {
        None => Some(Some(signature)),
        Some((Format::BedrockConverse | Format::AnthropicMessages, bare)) => Some(bare.map(str::to_owned)),
        Some(_) => {
            report.drop("messages[].content[].reasoningContent");
            None
        }
    }
}

/// A text, in whichever block it came.
fn said(text: String, citations: Vec<Value>, mut extras: Object) -> Value {
    if noted(&mut extras, "json") {
        return json!({"json": serde_json::from_str::<Value>(&text).unwrap_or_default()});
    }
    for (note, name) in [("citationsContent", "citationsContent"), (FOUND, "searchResult")] {
        if let Some(whole) = extras.shift_remove(note) {
            return json!({name: whole});
        }
    }
    if let Some(Value::Object(mut guarded)) = extras.shift_remove("guardContent") {
        super::spelling::put(&mut guarded, &["text", "text"], json!(text));
        return json!({"guardContent": guarded});
    }
    if citations.is_empty() {
        return json!({"text": text});
    }
    json!({"citationsContent": {"content": [{"text": text}], "citations": citations}})
}

fn medium(source: Source, formats: &Formats) -> Object {
    match source {
        Source::Base64 { media_type, data } => {
            object([("format", json!(formats.word(&media_type))), ("source", json!({"bytes": data}))])
        }
        Source::Text(text) => object([("format", json!("txt")), ("source", json!({"text": text}))]),
        Source::Url(url) => object([("source", json!({"s3Location": {"uri": url}}))]),
        Source::File(id) => object([("source", json!({"s3Location": {"uri": id}}))]),
        Source::Other(source) => object([("source", source)]),
    }
}

fn document(source: Source, name: Option<String>, mut extras: Object) -> Value {
    if let Some(whole) = extras.shift_remove("searchResult") {
        return json!({"searchResult": whole});
    }
    let mut inside = medium(source, &media::DOCUMENT);
    if let Some(Value::Object(kept)) = extras.shift_remove("document") {
        inside = kept;
    }
    if noted(&mut extras, NO_FORMAT) {
        inside.shift_remove("format");
    }
    if let Some(name) = name {
        inside.insert("name".to_owned(), json!(name));
    }
    merge(&mut inside, extras);
    json!({"document": inside})
}

/// A choice among tools.
pub(super) fn tool_choice(choice: ToolChoice) -> Value {
    match choice {
        ToolChoice::Auto | ToolChoice::None => json!({"auto": {}}),
        ToolChoice::Required => json!({"any": {}}),
        ToolChoice::Tool(name) => json!({"tool": {"name": name}}),
        ToolChoice::Other(value) => value,
    }
}
