//! Documents: objects of any members, beside the messages (what the answer may cite) or inside of a tool's result.
//!
//! The neutral model knows documents of plain text. One of a `title` and a `text` is one; of any other the text is its
//! JSON, which becomes the object again.

use crate::json::{Object, take_array, take_string};
use crate::model::{Message, Part, PartKind, Role, Source};
use serde_json::{Value, json};

/// In a part's `type`: the document stood beside the messages, as an object or as a bare text.
const BESIDE: &str = "documents";
const BESIDE_BARE: &str = "documents[]";

/// Reads a `document` part; `None` when it is none or has more in it than is known.
pub(super) fn decode(part: &Object) -> Option<Part> {
    let document = part.get("document").filter(|_| part.len() == 2)?.as_object()?;
    read(document)
}

fn read(document: &Object) -> Option<Part> {
    let data = document.get("data")?.as_object()?;
    let id = match document.get("id") {
        Some(id) => Some(id.as_str()?.to_owned()),
        None => None,
    };
    if document.len() > 1 + usize::from(id.is_some()) {
        return None;
    }
    let mut part = match titled(data) {
        Some((name, text)) => Part::new(PartKind::Document { source: Source::Text(text), name }),
        None => {
            let text = Value::Object(data.clone()).to_string();
            return Some(Part::new(PartKind::Document { source: Source::Text(text), name: id }));
        }
    };
    part.extras.extend(id.map(|id| ("id".to_owned(), Value::String(id))));
    Some(part)
}

/// The text that the vendor's guide puts in the place of a tool result's data, though the schema has objects alone:
/// <https://docs.cohere.com/docs/tool-use-overview>.
pub(super) fn take_text(part: &mut Object) -> Option<String> {
    let document = part.get("document").filter(|_| part.len() == 2)?.as_object()?;
    let text = document.get("data").filter(|_| document.len() == 1)?.as_str()?.to_owned();
    part.shift_remove("document");
    Some(text)
}

/// Title and text of a document that has nothing else. A text that is itself an object's JSON would be taken for one.
fn titled(data: &Object) -> Option<(Option<String>, String)> {
    let text = data.get("text")?.as_str()?;
    let title = match data.get("title") {
        Some(title) => Some(title.as_str()?.to_owned()),
        None => None,
    };
    let nothing_else = data.len() == 1 + usize::from(title.is_some());
    (nothing_else && as_object(text).is_none()).then(|| (title, text.to_owned()))
}

fn as_object(text: &str) -> Option<Object> {
    if text.trim_start().starts_with('{') { serde_json::from_str(text).ok() } else { None }
}

/// The `document` of a plain text.
pub(super) fn encode(text: String, name: Option<String>, id: Option<Value>) -> Value {
    let mut document = Object::new();
    if let Some(data) = as_object(&text) {
        document.extend(name.map(|name| ("id".to_owned(), json!(name))));
        document.insert("data".to_owned(), Value::Object(data));
        return Value::Object(document);
    }
    document.extend(id.map(|id| ("id".to_owned(), id)));
    let mut data = Object::new();
    data.extend(name.map(|name| ("title".to_owned(), json!(name))));
    data.insert("text".to_owned(), Value::String(text));
    document.insert("data".to_owned(), Value::Object(data));
    Value::Object(document)
}

/// Puts the documents beside the messages in front of what the user said last, where every format has them. They stay
/// where they are if one of them is not understood or no user has spoken.
pub(super) fn join(body: &mut Object, messages: &mut [Message]) {
    let Some(items) = body.get("documents").and_then(Value::as_array).filter(|items| !items.is_empty()) else { return };
    let parts: Option<Vec<Part>> = items.iter().map(beside).collect();
    let user = messages.iter_mut().rev().find(|message| message.role == Role::User);
    if let (Some(mut parts), Some(user)) = (parts, user) {
        take_array(body, "documents");
        parts.append(&mut user.content.parts);
        user.content.parts = parts;
    }
}

fn beside(item: &Value) -> Option<Part> {
    let (mut part, word) = match item {
        Value::String(text) => {
            let kind = PartKind::Document { source: Source::Text(text.clone()), name: None };
            (Part::new(kind), BESIDE_BARE)
        }
        Value::Object(document) => (read(document)?, BESIDE),
        _ => return None,
    };
    part.extras.insert("type".to_owned(), json!(word));
    Some(part)
}

/// The document beside the messages that this part was, if it was one.
pub(super) fn part_again(part: &mut Part) -> Option<Value> {
    let word = part.extras.get("type").and_then(Value::as_str)?.to_owned();
    let PartKind::Document { source: Source::Text(text), name } = &mut part.kind else { return None };
    match word.as_str() {
        BESIDE => {
            let id = take_string(&mut part.extras, "id").map(Value::String);
            Some(encode(std::mem::take(text), name.take(), id))
        }
        BESIDE_BARE => Some(Value::String(std::mem::take(text))),
        _ => None,
    }
}
