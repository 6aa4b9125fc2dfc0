//! The messages of a Cohere chat request: content, the plan before calls, the calls, and what the text refers to.

use super::{PLAN, SPELLED_ROLE, citations, documents};
use crate::BodyError;
use crate::formats::openai::{decode_call, decode_image};
use crate::json::{Object, take_array, take_filled, take_string};
use crate::model::{Content, Form, Message, Part, PartKind, Role, unwrap_signature};
use crate::{Format, model};
use serde_json::Value;

pub(super) fn message(at: usize, message: Value) -> Result<Message, BodyError> {
    let Value::Object(mut message) = message else {
        return Err(BodyError::field(format!("messages[{at}]"), format!("messages[{at}] must be an object")));
    };
    let role = take_role(at, &mut message)?;
    let content = take_content(at, &mut message)?;
    let content = match role {
        Role::Tool => {
            let id = take_filled(&mut message, "tool_call_id").unwrap_or_default();
            Content { form: content.form, parts: vec![Part::new(PartKind::ToolResult { id, content, is_error: None })] }
        }
        Role::Assistant => assistant(at, &mut message, content)?,
        _ => content,
    };
    Ok(Message { role, content, cache: None, extras: message })
}

/// A role in whatever letters, the older API's `Chatbot` too. One of tomorrow goes as the user's, and keeps its word in
/// extras.
fn take_role(at: usize, message: &mut Object) -> Result<Role, BodyError> {
    let Some(word) = message.get("role").and_then(Value::as_str) else {
        let field = format!("messages[{at}].role");
        return Err(BodyError::field(&field, format!("'{field}' must be a string")));
    };
    let (role, usual) = match word.to_ascii_lowercase().as_str() {
        "system" => (Role::System, "system"),
        "user" => (Role::User, "user"),
        "assistant" | "chatbot" => (Role::Assistant, "assistant"),
        "tool" => (Role::Tool, "tool"),
        _ => return Ok(Role::User),
    };
    let spelled = take_string(message, "role").filter(|word| word != usual);
    message.extend(spelled.map(|word| (SPELLED_ROLE.to_owned(), Value::String(word))));
    Ok(role)
}

/// Content, then the plan, then the calls: the order in which a model speaks.
fn assistant(at: usize, message: &mut Object, content: Content) -> Result<Content, BodyError> {
    let Content { mut parts, form } = content;
    parts.extend(take_filled(message, "tool_plan").map(plan_part));
    citations::take(message, &mut parts);
    let mut parts = signed(parts);
    let calls = match message.get("tool_calls") {
        // An empty list stays as it was.
        Some(Value::Array(calls)) if !calls.is_empty() => take_array(message, "tool_calls").unwrap_or_default(),
        _ => Vec::new(),
    };
    for (nth, call) in calls.into_iter().enumerate() {
        parts.push(decode_call(&format!("messages[{at}].tool_calls[{nth}]"), call)?);
    }
    Ok(Content { parts, form })
}

/// Thinking that stood in `tool_plan`.
pub(super) fn plan_part(plan: String) -> Part {
    let mut part = Part::new(PartKind::Thinking { text: plan, signature: None });
    part.extras.insert("type".to_owned(), Value::String(PLAN.to_owned()));
    part
}

/// Gives signatures of other vendors, which travel as thinking of their own, to the thinking they are over. Gemini's
/// are over the call that follows and stay apart.
fn signed(parts: Vec<Part>) -> Vec<Part> {
    let mut out: Vec<Part> = Vec::with_capacity(parts.len());
    for part in parts {
        let wrapped = match &part.kind {
            PartKind::Thinking { text, signature: None } => unwrap_signature(text).map(|(origin, _)| origin),
            _ => None,
        };
        let PartKind::Thinking { text, .. } = part.kind else {
            out.push(part);
            continue;
        };
        let unsigned = out.iter_mut().find_map(|part| match &mut part.kind {
            PartKind::Thinking { signature: signature @ None, .. } if part.extras.is_empty() => Some(signature),
            _ => None,
        });
        match (wrapped, unsigned) {
            (None, _) => out.push(Part { kind: PartKind::Thinking { text, signature: None }, ..part }),
            (Some(origin), Some(unsigned)) if origin != Format::GeminiGenerateContent => *unsigned = Some(text),
            (Some(_), _) => {
                let kind = PartKind::Thinking { text: String::new(), signature: Some(text) };
                out.push(Part { kind, ..part });
            }
        }
    }
    out
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
        Some("thinking") => take_string(&mut part, "thinking").map(|text| PartKind::Thinking { text, signature: None }),
        Some("image_url") => decode_image(&mut part),
        Some("document") => match documents::decode(&part) {
            Some(document) => return Ok(document),
            None => match documents::take_text(&mut part) {
                // The type tells it from a text.
                Some(text) => return Ok(Part { extras: part, ..Part::new(PartKind::Text(text)) }),
                None => None,
            },
        },
        _ => None,
    };
    let Some(kind) = kind else {
        return Ok(Part::new(PartKind::Foreign(Value::Object(part))));
    };
    part.shift_remove("type");
    Ok(Part { extras: part, ..model::Part::new(kind) })
}
