//! What a text refers to: citations within its block, which are about all of its text.

use crate::Format;
use crate::formats::citations::{span, words};
use crate::json::text;
use crate::model::{Citation, unwrap_signature, wrap_signature};
use serde_json::{Value, json};

/// One citation. Only those of the web and of search results tell where.
pub(super) fn read(native: Value) -> Citation {
    let said = |key: &str| Some(text(&native, key)).filter(|said| !said.is_empty()).map(str::to_owned);
    Citation {
        url: said("url").or_else(|| said("source")),
        title: said("title").or_else(|| said("document_title")),
        cited: said("cited_text"),
        range: None,
        native: native.clone(),
    }
}

/// A citation for a client. The API has no kind for other vendors' sources: they are pages of the web, whose index says
/// whose they are, so that they do not go back to Anthropic.
pub(super) fn write(citation: &Citation, text: &str, origin: Format) -> Value {
    if origin == Format::AnthropicMessages && citation.native.is_object() {
        return citation.native.clone();
    }
    let cited = citation.cited.clone().unwrap_or_else(|| words(text, span(citation, text)));
    json!({
        "type": "web_search_result_location",
        "url": citation.url.as_deref().or(citation.title.as_deref()).unwrap_or_default(),
        "title": citation.title,
        "cited_text": cited,
        "encrypted_index": wrap_signature(origin, None),
    })
}

/// Whether another vendor found it.
pub(super) fn is_foreign(native: &Value) -> bool {
    native.get("encrypted_index").and_then(Value::as_str).and_then(unwrap_signature).is_some()
}
