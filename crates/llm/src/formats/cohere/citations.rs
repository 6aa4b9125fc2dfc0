//! Citations stand beside the content and name the block they are about; each may rest on several sources.

use crate::formats::citations::{span, words};
use crate::json::{Object, take_array};
use crate::model::{Citation, Part, PartKind};
use serde_json::{Value, json};

/// Gives a message's citations to the parts they are about. They stay where they are unless each of them finds one,
/// in the same order.
pub(super) fn take(message: &mut Object, parts: &mut [Part]) {
    let Some(items) = message.get("citations").and_then(Value::as_array).filter(|items| !items.is_empty()) else {
        return;
    };
    let places: Option<Vec<usize>> = items.iter().map(|item| place(item, parts)).collect();
    let Some(places) = places.filter(|places| places.is_sorted()) else { return };
    let items = take_array(message, "citations").unwrap_or_default();
    for (item, at) in items.into_iter().zip(places) {
        if let Some(part) = parts.get_mut(at) {
            part.citations.extend(read(item));
        }
    }
}

/// The part that a citation is about: its `content_index`, or the first of its kind.
fn place(item: &Value, parts: &[Part]) -> Option<usize> {
    let is_plan = |part: &Part| part.extras.contains_key("type");
    let kind = item.get("type").and_then(Value::as_str).unwrap_or("TEXT_CONTENT");
    let fits = |part: &Part| match (&part.kind, kind) {
        (PartKind::Thinking { .. }, "PLAN") => is_plan(part),
        (PartKind::Thinking { .. }, "THINKING_CONTENT") => !is_plan(part),
        (PartKind::Text(_), "PLAN" | "THINKING_CONTENT") => false,
        (PartKind::Text(_), _) => true,
        _ => false,
    };
    item.is_object().then_some(())?;
    let told = item.get("content_index").and_then(Value::as_u64).and_then(|index| usize::try_from(index).ok());
    match told.filter(|at| parts.get(*at).is_some_and(fits)) {
        Some(at) => Some(at),
        None => parts.iter().position(fits),
    }
}

/// One neutral citation a source.
pub(super) fn read(item: Value) -> Vec<Citation> {
    let number = |key: &str| item.get(key).and_then(Value::as_u64);
    let range = number("start").zip(number("end"));
    let sources = item.get("sources").and_then(Value::as_array).filter(|sources| !sources.is_empty());
    let Some(sources) = sources else {
        return vec![Citation { range, native: item, ..Citation::default() }];
    };
    let of = |source: &Value| {
        let told = source.get("document").or_else(|| source.get("tool_output"));
        let text = |keys: &[&str]| {
            let found = keys.iter().find_map(|key| told?.get(*key)?.as_str().filter(|text| !text.is_empty()));
            found.map(str::to_owned)
        };
        let mut native = item.clone();
        native["sources"] = json!([source]);
        Citation {
            url: text(&["url"]),
            title: text(&["title", "name"]).or_else(|| Some(source.get("id")?.as_str()?.to_owned())),
            cited: text(&["text", "snippet", "content", "output"]),
            range,
            native,
        }
    };
    sources.iter().map(of).collect()
}

/// This format's own citations again: neighbours that differ in their sources alone are one.
pub(super) fn own(citations: Vec<Citation>) -> Vec<Value> {
    let mut out: Vec<Value> = Vec::new();
    for mut native in citations.into_iter().map(|citation| citation.native).filter(|native| !native.is_null()) {
        let sources = native.get_mut("sources").and_then(Value::as_array_mut).map(std::mem::take);
        let (Some(sources), Some(last)) = (&sources, out.last_mut()) else {
            put_back(&mut native, sources);
            out.push(native);
            continue;
        };
        let before = last.get_mut("sources").and_then(Value::as_array_mut).map(std::mem::take);
        let same = before.is_some() && *last == native;
        put_back(last, before);
        match last.get_mut("sources").and_then(Value::as_array_mut).filter(|_| same) {
            Some(all) => all.extend(sources.iter().cloned()),
            None => {
                put_back(&mut native, Some(sources.clone()));
                out.push(native);
            }
        }
    }
    out
}

fn put_back(citation: &mut Value, sources: Option<Vec<Value>>) {
    if let Some(sources) = sources {
        citation["sources"] = Value::Array(sources);
    }
}

/// A citation of another format.
pub(super) fn write(citation: &Citation, text: &str, content_index: usize) -> Value {
    let (start, end) = span(citation, text);
    let mut document = Object::new();
    for (key, told) in [("title", &citation.title), ("url", &citation.url), ("text", &citation.cited)] {
        if let Some(told) = told {
            document.insert(key.to_owned(), json!(told));
        }
    }
    let id = citation.url.as_ref().or(citation.title.as_ref());
    json!({
        "start": start,
        "end": end,
        "text": words(text, (start, end)),
        "sources": [{"type": "document", "id": id.map_or("", String::as_str), "document": document}],
        "type": "TEXT_CONTENT",
        "content_index": content_index,
    })
}
