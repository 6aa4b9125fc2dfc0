//! Reasoning items: their text, and the signature under which they travel through other formats.
//!
//! A signature of this format is `<id>:<encrypted content>`: the API checks that both belong together, and a stream's
//! neutral events have no other place for the id.

use crate::Format;
use crate::json::Object;
use crate::model::{unwrap_signature, wrap_signature};
use serde_json::{Value, json};

/// Stands before the data of thinking that a vendor encrypted whole, in a wrapped signature.
const REDACTED: &str = "redacted:";

/// The text of an item: what the model thought where the vendor shows it, else the summary.
pub(super) fn text_of(item: &Object) -> String {
    let texts = |key: &str| -> Vec<&str> {
        let parts = item.get(key).and_then(Value::as_array).into_iter().flatten();
        parts.filter_map(|part| part.get("text")?.as_str()).filter(|text| !text.is_empty()).collect()
    };
    let thought = texts("content");
    if thought.is_empty() { texts("summary").join(SEPARATOR) } else { thought.join(SEPARATOR) }
}

/// Between the parts of a summary.
pub(super) const SEPARATOR: &str = "\n\n";

/// The signature of an item that has encrypted content.
pub(super) fn signature(id: &str, encrypted: &str) -> String {
    format!("{id}:{encrypted}")
}

/// Id and encrypted content of a signature.
pub(super) fn split(signature: &str) -> (&str, &str) {
    signature.rsplit_once(':').unwrap_or(("", signature))
}

/// The encrypted content for a client that gets thinking of `origin`'s format: of another vendor's it is there even
/// where there was no signature, to tell whose it is.
pub(super) fn sealed(origin: Format, signature: Option<&str>) -> Option<String> {
    match origin {
        Format::OpenAIResponses => signature.map(|signature| split(signature).1.to_owned()),
        origin => Some(wrap_signature(origin, signature)),
    }
}

/// The same for thinking that the vendor encrypted whole.
pub(super) fn sealed_whole(origin: Format, data: &str) -> String {
    wrap_signature(origin, Some(&format!("{REDACTED}{data}")))
}

/// The data of thinking that was sealed whole.
pub(super) fn unsealed_whole(encrypted: &str) -> Option<&str> {
    unwrap_signature(encrypted)?.1?.strip_prefix(REDACTED)
}

/// An item as every server takes and every client reads it.
pub(super) fn item(id: &str, text: &str, encrypted: Option<&str>) -> Value {
    let summary = if text.is_empty() { json!([]) } else { json!([{"type": "summary_text", "text": text}]) };
    let mut item = json!({"id": id, "type": "reasoning", "summary": summary});
    if let Some(encrypted) = encrypted {
        item["encrypted_content"] = json!(encrypted);
    }
    item
}
