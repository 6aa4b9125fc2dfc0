//! Parts of a request's contents. Calls may have no id, and results then say their function's name only: they are
//! brought together here.

use super::media;
use super::notes;
use super::signature::{self, Told};
use crate::Format;
use crate::json::{Object, take_filled, take_object, take_string};
use crate::model::{Arguments, Content, Form, Part, PartKind, Source, mint, unwrap_signature, wrap_signature};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet, VecDeque};

/// The calls of the model's last turn, for the results that follow them.
#[derive(Debug, Default)]
pub(super) struct Calls {
    turn: usize,
    minted: u64,
    ids: HashSet<String>,
    /// Ids of calls by the name of their function, those first that are to be answered first: ids that no result names,
    /// and behind them those that one does.
    open: HashMap<String, [VecDeque<String>; 2]>,
    answered: HashSet<String>,
    /// Ids that results name.
    named: HashSet<String>,
}

impl Calls {
    /// For the results of these contents.
    pub(super) fn of(contents: &[Value]) -> Self {
        let parts = contents.iter().filter_map(|content| content.get("parts")).flat_map(|parts| match parts {
            Value::Array(parts) => parts.as_slice(),
            part => std::slice::from_ref(part),
        });
        let ids = parts.filter_map(|part| part.get("functionResponse")?.get("id")?.as_str());
        Self { named: ids.map(str::to_owned).collect(), ..Self::default() }
    }

    /// A content begins.
    pub(super) fn begin(&mut self, at: usize, model: bool) {
        if !model {
            return;
        }
        if self.turn + 1 != at {
            self.ids.clear();
            self.open.clear();
            self.answered.clear();
        }
        self.turn = at;
    }

    /// The id of a call: its own, or one of ours.
    fn call(&mut self, id: Option<String>, name: &str) -> (String, bool) {
        let minted = id.is_none();
        let id = id.unwrap_or_else(|| {
            self.minted += 1;
            mint(name, self.minted)
        });
        self.ids.insert(id.clone());
        let behind = usize::from(self.named.contains(&id));
        self.open.entry(name.to_owned()).or_default()[behind].push_back(id.clone());
        (id, minted)
    }

    /// The id of the call that a result answers: the one it names, else the first open call of that function that no
    /// other result names.
    fn result(&mut self, id: Option<&str>, name: &str) -> String {
        let id = id.filter(|id| !id.is_empty());
        if let Some(id) = id.filter(|id| self.ids.contains(*id)) {
            self.answered.insert(id.to_owned());
            return id.to_owned();
        }
        for open in self.open.get_mut(name).into_iter().flatten() {
            while let Some(call) = open.pop_front() {
                if self.answered.insert(call.clone()) {
                    return call;
                }
            }
        }
        id.map_or_else(|| mint(name, 0), str::to_owned)
    }
}

/// Decodes one part. What is data of a kind that only this format knows stays whole.
pub(super) fn decode_part(mut part: Object, user: bool, calls: &mut Calls) -> Part {
    let Some(data) = data_of(&part) else {
        return match signature_alone(&mut part) {
            Some(signed) => signed,
            None => Part::new(PartKind::Foreign(Value::Object(part))),
        };
    };
    let signature = take_string(&mut part, "thoughtSignature");
    let mut notes = Object::new();
    let kind = match data {
        "text" if !user && part.get("thought") == Some(&Value::Bool(true)) => {
            part.shift_remove("thought");
            let text = take_string(&mut part, "text").unwrap_or_default();
            return Part { extras: part, ..Part::new(thinking(text, signature)) };
        }
        "text" => PartKind::Text(take_string(&mut part, "text").unwrap_or_default()),
        "inlineData" => inline_data(&mut part),
        "fileData" => file_data(&mut part, &mut notes),
        "functionCall" => function_call(&mut part, &mut notes, calls),
        _ => function_response(&mut part, &mut notes, calls),
    };
    notes.extend(part);
    let signature = signature.and_then(|signature| match signature::read(signature) {
        Told::Own(bare) => Some(bare),
        Told::Foreign(_) | Told::Redacted(_) => None,
    });
    Part { signature, extras: notes, ..Part::new(kind) }
}

/// Which of the data that are understood the part has.
fn data_of(part: &Object) -> Option<&'static str> {
    let text = |object: &str, key: &str| part.get(object).and_then(|object| object.get(key)?.as_str()).is_some();
    if part.get("text").is_some_and(Value::is_string) {
        Some("text")
    } else if text("inlineData", "data") {
        Some("inlineData")
    } else if text("fileData", "fileUri") {
        Some("fileData")
    } else if text("functionCall", "name") {
        Some("functionCall")
    } else if text("functionResponse", "name") {
        Some("functionResponse")
    } else {
        None
    }
}

/// A part that is nothing but a signature, or nothing at all: Google's Go SDK gives an empty text back without its text.
fn signature_alone(part: &mut Object) -> Option<Part> {
    let alone = part.keys().all(|key| matches!(key.as_str(), "thoughtSignature" | "thought" | "partMetadata"));
    if !alone {
        return None;
    }
    if part.get("thoughtSignature").is_some_and(|signature| !signature.is_string()) {
        return None;
    }
    let signature = take_string(part, "thoughtSignature");
    let mut extras = std::mem::take(part);
    extras.insert(notes::NO_DATA.to_owned(), Value::Null);
    let Some(signature) = signature else { return Some(Part { extras, ..Part::text("") }) };
    let kind = match signature::read(signature) {
        Told::Own(bare) => {
            return Some(Part { signature: Some(bare), extras, ..Part::text("") });
        }
        Told::Foreign(wrapped) => PartKind::Thinking { text: String::new(), signature: Some(wrapped) },
        Told::Redacted(data) => PartKind::RedactedThinking(data),
    };
    Some(Part { extras, ..Part::new(kind) })
}

/// Thinking, whose signature says whose it is: the vendors' own cannot be told apart elsewhere.
fn thinking(text: String, signature: Option<String>) -> PartKind {
    let signature = match signature.map(signature::read) {
        None => None,
        Some(Told::Own(bare)) => Some(wrap_signature(Format::GeminiGenerateContent, Some(&bare))),
        Some(Told::Foreign(wrapped)) => Some(wrapped),
        Some(Told::Redacted(data)) => return PartKind::RedactedThinking(data),
    };
    PartKind::Thinking { text, signature }
}

/// Thinking of another vendor that was streamed came in pieces, the last of them signed: one again.
pub(super) fn join_foreign_thinking(parts: Vec<Part>) -> Vec<Part> {
    let mut out: Vec<Part> = Vec::with_capacity(parts.len());
    for mut part in parts {
        if is_foreign_thinking(&part)
            && let PartKind::Thinking { text, .. } = &mut part.kind
        {
            let begin = out.iter().rposition(|part| !is_unsigned_thinking(part)).map_or(0, |before| before + 1);
            let before = out.drain(begin..).filter_map(|part| match part.kind {
                PartKind::Thinking { text, .. } => Some(text),
                _ => None,
            });
            *text = before.collect::<String>() + text;
        }
        out.push(part);
    }
    out
}

/// Whether it is thinking that another vendor signed.
pub(super) fn is_foreign_thinking(part: &Part) -> bool {
    let PartKind::Thinking { signature: Some(signature), .. } = &part.kind else { return false };
    unwrap_signature(signature).is_some_and(|(origin, _)| origin != Format::GeminiGenerateContent)
}

/// Whether it is thinking without a signature.
pub(super) fn is_unsigned_thinking(part: &Part) -> bool {
    matches!(part.kind, PartKind::Thinking { signature: None, .. })
}

fn inline_data(part: &mut Object) -> PartKind {
    let mut data = take_object(part, "inlineData").unwrap_or_default();
    let media_type = take_string(&mut data, "mimeType").unwrap_or_default();
    let bytes = take_string(&mut data, "data").unwrap_or_default();
    let source = Source::Base64 { media_type: media_type.clone(), data: bytes };
    let kind = media::kind(&media_type, source, None);
    named(kind, data, "inlineData", part)
}

fn file_data(part: &mut Object, notes: &mut Object) -> PartKind {
    let mut data = take_object(part, "fileData").unwrap_or_default();
    let media_type = take_string(&mut data, "mimeType");
    let source = media::source(take_string(&mut data, "fileUri").unwrap_or_default());
    let kind = media::kind(media_type.as_deref().unwrap_or_default(), source, None);
    if let Some(media_type) = media_type {
        notes.insert(notes::MIME_TYPE.to_owned(), json!(media_type));
    }
    named(kind, data, "fileData", part)
}

/// A document's name; the names of others, and what else there is, stay.
fn named(mut kind: PartKind, mut data: Object, key: &str, part: &mut Object) -> PartKind {
    if let PartKind::Document { name, .. } = &mut kind {
        *name = take_string(&mut data, "displayName");
    }
    if !data.is_empty() {
        part.insert(key.to_owned(), Value::Object(data));
    }
    kind
}

fn function_call(part: &mut Object, notes: &mut Object, calls: &mut Calls) -> PartKind {
    let mut call = take_object(part, "functionCall").unwrap_or_default();
    let name = take_string(&mut call, "name").unwrap_or_default();
    let (id, minted) = calls.call(take_filled(&mut call, "id"), &name);
    if minted {
        // An empty one is none.
        let empty = call.get("id").is_some_and(|id| id.is_null() || id == "");
        let written: Vec<Value> = if empty { call.shift_remove("id").into_iter().collect() } else { Vec::new() };
        notes.insert(notes::MINTED.to_owned(), Value::Array(written));
    }
    let arguments = match call.shift_remove("args") {
        Some(args) if !args.is_null() => args,
        none => {
            notes.insert(notes::NO_ARGUMENTS.to_owned(), Value::Array(none.into_iter().collect()));
            json!({})
        }
    };
    if !call.is_empty() {
        part.insert("functionCall".to_owned(), Value::Object(call));
    }
    PartKind::ToolCall { id, name, arguments: Arguments::Value(arguments) }
}

fn function_response(part: &mut Object, notes: &mut Object, calls: &mut Calls) -> PartKind {
    let response = take_object(part, "functionResponse").unwrap_or_default();
    let text = |key: &str| response.get(key).and_then(Value::as_str);
    let id = calls.result(text("id"), text("name").unwrap_or_default());
    let (said, is_error) = said(response.get("response").unwrap_or(&Value::Null));
    let mut parts = vec![Part::text(said)];
    for part in response.get("parts").and_then(Value::as_array).into_iter().flatten() {
        if let Value::Object(part) = part {
            parts.push(decode_part(part.clone(), true, &mut Calls::default()));
        }
    }
    let form = if parts.len() > 1 { Form::List } else { Form::Bare };
    let known = |key: &str| matches!(key, "id" | "name" | "response" | "parts");
    for (key, value) in response.iter().filter(|(key, _)| !known(key)) {
        notes.insert(format!("{}{key}", notes::OF_RESPONSE), value.clone());
    }
    notes.insert(notes::RESPONSE.to_owned(), Value::Object(response));
    PartKind::ToolResult { id, content: Content { parts, form }, is_error }
}

/// A result as a text, and whether it is an error. The object around it is this format's demand.
fn said(response: &Value) -> (String, Option<bool>) {
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match response.as_object() {
        Some(object) if object.len() == 1 => match object.iter().next() {
            Some((key, value)) if key == "error" => (plain(value), Some(true)),
            Some((key, value)) if matches!(key.as_str(), "result" | "output") => (plain(value), None),
            _ => (response.to_string(), None),
        },
        Some(object) if object.is_empty() => (String::new(), None),
        None if response.is_null() => (String::new(), None),
        _ => (plain(response), None),
    }
}
