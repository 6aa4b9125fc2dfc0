//! What an answer's text rests on, as OpenAI Chat's `annotations`.

use crate::model::Citation;
use serde_json::{Value, json};

/// An annotation of a message.
pub(super) fn decode_annotation(native: &Value) -> Citation {
    let inner = native.get("url_citation").unwrap_or(native);
    let member = |key: &str| inner.get(key).and_then(Value::as_str).map(str::to_owned);
    let number = |key: &str| inner.get(key).and_then(Value::as_u64);
    Citation {
        url: member("url"),
        title: member("title"),
        cited: None,
        range: number("start_index").zip(number("end_index")),
        native: native.clone(),
    }
}

/// A citation of a piece of text that stands between these characters of the whole; `None` is one without an address,
/// which this format cannot say.
pub(super) fn encode_annotation(citation: &Citation, begin: u64, end: u64) -> Option<Value> {
    let url = citation.url.as_deref()?;
    let within = |at: u64| begin.saturating_add(at).min(end);
    let (from, to) = citation.range.map_or((begin, end), |(from, to)| (within(from), within(to)));
    let title = citation.title.as_deref().unwrap_or(url);
    let inner = json!({"url": url, "title": title, "start_index": from, "end_index": to});
    Some(json!({"type": "url_citation", "url_citation": inner}))
}
