//! A generateContent request becomes a neutral one. What is not understood stays in `extras`, nulls included.

use super::decode_parts::{Calls, decode_part};
use super::{decode_settings, decode_tools, notes, spelling};
use crate::json::{Object, take_array, take_string};
use crate::model::{Content, Form, Message, Part, PartKind, Request, Role, Settings};
use crate::{BodyError, Format};
use serde_json::{Value, json};

/// Decodes a request body.
///
/// # Errors
/// A [`BodyError`] naming the field, when `contents`, `systemInstruction` or `tools` are not what they must be.
pub fn decode_request(body: Object) -> Result<Request, BodyError> {
    let (mut body, spelled) = spelling::read(body);
    let mut extras = Object::new();
    if !spelled.is_empty() {
        extras.insert(notes::SPELLED.to_owned(), Value::Array(spelled));
    }
    if let Some(model) = body.shift_remove("model") {
        extras.insert(notes::MODEL.to_owned(), model);
    }
    let contents = match body.shift_remove("contents") {
        Some(Value::Array(items)) => items,
        // A list of one may be written as that one.
        Some(content @ Value::Object(_)) => {
            extras.insert(notes::ONE_CONTENT.to_owned(), Value::Null);
            vec![content]
        }
        Some(_) => return Err(BodyError::field("contents", "'contents' must be a list")),
        None => return Err(BodyError::field("contents", "'contents' is missing")),
    };
    let mut calls = Calls::of(&contents);
    let messages = contents.into_iter().enumerate();
    let messages = messages.map(|(at, content)| decode_content(at, content, &mut calls)).collect::<Result<_, _>>()?;
    let system = decode_system(&mut body, &mut extras)?;
    let tools = match body.get("tools") {
        None | Some(Value::Null) => None,
        Some(Value::Array(_)) => Some(decode_tools::decode(take_array(&mut body, "tools").unwrap_or_default())?),
        Some(_) => return Err(BodyError::field("tools", "'tools' must be a list")),
    };
    let settings = Settings {
        tool_choice: decode_tools::take_choice(&mut body, &mut extras),
        service_tier: take_string(&mut body, "serviceTier"),
        ..decode_settings::take(&mut body, &mut extras)
    };
    extras.extend(body);
    Ok(Request {
        origin: Format::GeminiGenerateContent,
        model: None,
        stream: None,
        system,
        messages,
        tools,
        settings,
        extras,
        openai_params: Object::new(),
    })
}

fn decode_system(body: &mut Object, extras: &mut Object) -> Result<Option<Content>, BodyError> {
    let mut system = match body.shift_remove("systemInstruction") {
        None => return Ok(None),
        Some(Value::Null) => {
            body.insert("systemInstruction".to_owned(), Value::Null);
            return Ok(None);
        }
        Some(Value::String(text)) => {
            extras.insert(notes::SYSTEM_TEXT.to_owned(), Value::Null);
            return Ok(Some(Content::bare(text)));
        }
        Some(Value::Object(system)) => system,
        Some(_) => return Err(BodyError::field("systemInstruction", "'systemInstruction' must be a content")),
    };
    let mut about = Object::new();
    let content = take_parts("systemInstruction", &mut system, &mut about, true, &mut Calls::default())?;
    let unknown = system.iter().filter(|(key, _)| *key != "role").map(|(key, value)| (key.clone(), value.clone()));
    notes::name(extras, "systemInstruction", unknown);
    about.extend(system);
    if !about.is_empty() {
        extras.insert(notes::SYSTEM.to_owned(), Value::Object(about));
    }
    Ok(Some(content))
}

fn decode_content(at: usize, content: Value, calls: &mut Calls) -> Result<Message, BodyError> {
    let field = format!("contents[{at}]");
    let Value::Object(mut content) = content else {
        return Err(BodyError::field(&field, format!("'{field}' must be an object")));
    };
    let mut extras = Object::new();
    let role = take_role(&mut content, &mut extras);
    calls.begin(at, role == Role::Assistant);
    let content_parts = take_parts(&field, &mut content, &mut extras, role != Role::Assistant, calls)?;
    extras.extend(content);
    Ok(Message { role, content: content_parts, cache: None, extras })
}

/// Whose a content is. What is not the model's is the user's; a role of tomorrow keeps its word in extras.
fn take_role(content: &mut Object, extras: &mut Object) -> Role {
    let written = content.shift_remove("role").unwrap_or_default();
    let role = match written.as_str() {
        Some("user") => return Role::User,
        Some("model") => return Role::Assistant,
        // Other vendors' word.
        Some("assistant") => Role::Assistant,
        _ => Role::User,
    };
    // Older clients write `function`.
    if !(written.is_null() || matches!(written.as_str(), Some("assistant" | "function" | "tool" | ""))) {
        extras.insert("role".to_owned(), written.clone());
    }
    extras.insert(notes::ROLE.to_owned(), written);
    role
}

fn take_parts(
    field: &str,
    content: &mut Object,
    extras: &mut Object,
    user: bool,
    calls: &mut Calls,
) -> Result<Content, BodyError> {
    let parts = match content.shift_remove("parts") {
        None => return Ok(Content { parts: Vec::new(), form: Form::Absent }),
        Some(Value::Null) => return Ok(Content { parts: Vec::new(), form: Form::Null }),
        Some(Value::Array(parts)) => parts,
        Some(part @ Value::Object(_)) => {
            extras.insert(notes::ONE_PART.to_owned(), Value::Null);
            vec![part]
        }
        Some(_) => {
            let field = format!("{field}.parts");
            return Err(BodyError::field(&field, format!("'{field}' must be a list")));
        }
    };
    let mut decoded = Vec::with_capacity(parts.len());
    for (nth, part) in parts.into_iter().enumerate() {
        let Value::Object(part) = part else {
            let field = format!("{field}.parts[{nth}]");
            return Err(BodyError::field(&field, format!("'{field}' must be an object")));
        };
        decoded.push(decode_part(part, user, calls));
    }
    let decoded = super::decode_parts::join_foreign_thinking(decoded);
    // To formats that know both, one text is a bare one.
    let form = match decoded.as_slice() {
        [Part { kind: PartKind::Text(_), .. }] => Form::Bare,
        _ => Form::List,
    };
    Ok(Content { parts: decoded, form })
}

/// Words that an encoder would write otherwise, kept under a name for it.
pub(super) fn keep_words(extras: &mut Object, name: &str, words: Value) {
    let all = extras.entry(notes::WORDS).or_insert_with(|| json!({}));
    if let Value::Object(all) = all {
        all.insert(name.to_owned(), words);
    }
}
