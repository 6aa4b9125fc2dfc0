//! What a text refers to: `annotations` beside the content, whose indexes count its characters.

use crate::json::{Object, take_array, text};
use crate::model::{Citation, Part, PartKind};
use serde_json::{Value, json};

/// Gives a message's annotations to its text. They stay where they are unless there is one text that they can be of.
pub(super) fn take(message: &mut Object, parts: &mut [Part]) {
    let Some(items) = message.get("annotations").and_then(Value::as_array) else { return };
    if items.is_empty() || !items.iter().all(Value::is_object) {
        return;
    }
    let mut texts = parts.iter_mut().filter(|part| matches!(part.kind, PartKind::Text(_)));
    if let (Some(part), None) = (texts.next(), texts.next()) {
        part.citations = take_array(message, "annotations").unwrap_or_default().into_iter().map(read).collect();
    }
}

/// One annotation; of a kind of tomorrow only its own form is known.
pub(super) fn read(native: Value) -> Citation {
    let inner = native.get("url_citation").unwrap_or(&Value::Null);
    let said = |key: &str| Some(text(inner, key)).filter(|said| !said.is_empty()).map(str::to_owned);
    let index = |key: &str| inner.get(key).and_then(Value::as_u64);
    Citation {
        url: said("url"),
        title: said("title"),
        // OpenRouter's.
        cited: said("content"),
        range: index("start_index").zip(index("end_index")),
        native: native.clone(),
    }
}

/// An annotation of a text of so many characters that stands behind `before` others of the content. What has no URL is
/// named by one that no browser follows, for the API knows no other annotation.
pub(super) fn write(citation: &Citation, characters: u64, before: u64) -> Value {
    let (start, end) = citation.range.unwrap_or((0, characters));
    let title = citation.title.as_deref().or(citation.url.as_deref()).unwrap_or_default();
    let url = citation.url.clone().unwrap_or_else(|| format!("document:{}", crate::providers::segment(title)));
    json!({"type": "url_citation", "url_citation": {
        "start_index": before.saturating_add(start),
        "end_index": before.saturating_add(end),
        "url": url,
        "title": title,
    }})
}
