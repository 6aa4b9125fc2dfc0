//! Members of recorded requests that the vendor's document names and the neutral model has no place for: each is a line of
//! `unmodelled.tsv` with its reason, so that none is forgotten there by mistake.

use std::collections::BTreeSet;

use pillion_llm::Format;
use pillion_llm::formats::decode_request;
use pillion_llm::model::{Content, PartKind, Request, ToolKind};
use serde_json::{Map, Value};

use crate::corpus::{CASES, has_corpus};
use crate::parties::{FORMATS, plain_request};
use crate::schema::{self, Book, What};

const LIST: &str = include_str!("../unmodelled.tsv");

/// Format and member, behind which stands the reason.
fn lines() -> BTreeSet<(&'static str, &'static str)> {
    let lines = LIST.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let mut columns = line.split('\t');
            let line = (columns.next().unwrap(), columns.next().unwrap());
            assert!(columns.next().is_some_and(|reason| !reason.is_empty()), "a line without a reason: {line:?}");
            line
        })
        .collect()
}

fn closed(format: Format) -> bool {
    let mut body = plain_request(format, false);
    body["no_such_member"] = true.into();
    schema::check(Book::of(format), What::Request, &body).is_err()
}

/// The members of messages, parts and tools that stayed unread, by what they stand in.
fn inner(request: &Request, body: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut note = |of: &str, extras: &Map<String, Value>| {
        let unread = extras.iter().filter(|(name, value)| !value.is_null() && stands(body, name, value));
        found.extend(unread.map(|(name, _)| format!("{of}.{name}")));
    };
    for message in &request.messages {
        note(&format!("{:?}", message.role).to_lowercase(), &message.extras);
        parts(&message.content, &mut note);
    }
    for tool in request.tools.iter().flatten() {
        note("tool", &tool.extras);
        if let ToolKind::Function { inner, .. } = &tool.kind {
            note("tool.function", inner);
        }
    }
    found
}

fn parts(content: &Content, note: &mut impl FnMut(&str, &Map<String, Value>)) {
    for part in &content.parts {
        note(name_of(&part.kind), &part.extras);
        if let PartKind::ToolResult { content, .. } = &part.kind {
            parts(content, note);
        }
    }
}

fn name_of(kind: &PartKind) -> &'static str {
    match kind {
        PartKind::Text(_) => "text",
        PartKind::Image(_) => "image",
        PartKind::Audio(_) => "audio",
        PartKind::Video(_) => "video",
        PartKind::Document { .. } => "document",
        PartKind::ToolCall { .. } => "call",
        PartKind::ToolResult { .. } => "result",
        PartKind::Thinking { .. } => "thinking",
        PartKind::RedactedThinking(_) => "redacted thinking",
        PartKind::Refusal(_) => "refusal",
        PartKind::Foreign(_) => "foreign",
    }
}

/// Whether this member stands anywhere in a body: the codecs' own notes of spellings do not.
fn stands(body: &Value, name: &str, value: &Value) -> bool {
    match body {
        Value::Object(members) => {
            members.get(name) == Some(value) || members.values().any(|inner| stands(inner, name, value))
        }
        Value::Array(items) => items.iter().any(|inner| stands(inner, name, value)),
        _ => false,
    }
}

#[test]
fn a_member_that_the_vendors_document_names_is_modelled_or_listed_with_a_reason() {
    let mut found = BTreeSet::new();
    for case in CASES.iter().filter(|case| FORMATS.contains(&case.format()) && case.status != 400) {
        let format = case.format();
        let Some(body) = &case.request else { continue };
        let Ok(Value::Object(body)) = serde_json::from_slice::<Value>(body) else { continue };
        let Ok(request) = decode_request(format, body.clone()) else { continue };
        if !closed(format) {
            // Without the vendors' documents nothing is known.
            return;
        }
        for (member, value) in request.extras.clone().into_iter().filter(|(_, value)| !value.is_null()) {
            // The document knows it where it takes it: closed, it takes no other.
            let mut plain = plain_request(format, false);
            plain[&member] = value;
            if schema::check(Book::of(format), What::Request, &plain).is_ok() {
                found.insert((format.to_string(), member));
            }
        }
        // A body that the closed document takes has no member that it does not know.
        let body = Value::Object(body);
        if schema::check(Book::of(format), What::Request, &body).is_ok() {
            found.extend(inner(&request, &body).into_iter().map(|member| (format.to_string(), member)));
        }
    }
    let listed = lines();
    let unlisted = found.iter().filter(|(format, member)| !listed.contains(&(format.as_str(), member.as_str())));
    assert_eq!(unlisted.collect::<Vec<_>>(), Vec::<&(String, String)>::new(), "unmodelled.tsv has no line for them");
    if has_corpus() {
        let in_vain =
            listed.iter().filter(|(format, member)| !found.contains(&((*format).to_owned(), (*member).to_owned())));
        assert_eq!(in_vain.collect::<Vec<_>>(), Vec::<&(&str, &str)>::new(), "lines in vain");
    }
}
