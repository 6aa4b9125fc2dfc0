//! Annotations of a text and the likelihood of its tokens, to and from their neutral forms.

use crate::json::{Object, count, text};
use crate::model::Citation;
use serde_json::{Value, json};

/// An annotation of an `output_text`.
pub(super) fn decode_annotation(native: Value) -> Citation {
    let member = |key: &str| native.get(key).and_then(Value::as_str).map(str::to_owned);
    let (from, to) = (native.get("start_index"), native.get("end_index"));
    let range = from.and_then(Value::as_u64).zip(to.and_then(Value::as_u64));
    Citation { url: member("url"), title: member("title").or_else(|| member("filename")), cited: None, range, native }
}

/// A citation of a piece of text that stands between these characters of the whole; `None` is one that cannot be said.
/// What has no address is a file's by its name.
pub(super) fn encode_annotation(citation: &Citation, begin: u64, end: u64, own: bool) -> Option<Value> {
    if own {
        return Some(citation.native.clone());
    }
    let within = |at: u64| begin.saturating_add(at).min(end);
    let (from, to) = citation.range.map_or((begin, end), |(from, to)| (within(from), within(to)));
    Some(match (&citation.url, &citation.title) {
        (Some(url), title) => json!({
            "type": "url_citation", "url": url, "title": title.as_deref().unwrap_or(url),
            "start_index": from, "end_index": to,
        }),
        (None, Some(title)) => json!({
            "type": "file_citation", "file_id": text(&citation.native, "file_id"), "filename": title,
            "index": count(&citation.native, "document_index"),
        }),
        (None, None) => return None,
    })
}

/// A token's likelihood as OpenAI Chat has it: the same members, none left out.
pub(super) fn decode_logprob(value: &Value) -> Value {
    let mut token = plain_logprob(value);
    let others = value.get("top_logprobs").and_then(Value::as_array).into_iter().flatten();
    token["top_logprobs"] = others.map(plain_logprob).collect();
    token
}

/// Tokens' likelihoods with all members that this format demands.
pub(super) fn encode_logprobs(values: &[Value]) -> Vec<Value> {
    values.iter().map(decode_logprob).collect()
}

/// The same for a delta, which has no bytes.
pub(super) fn delta_logprobs(values: &[Value]) -> Vec<Value> {
    let plain = |value: &Value| json!({"token": text(value, "token"), "logprob": number(value)});
    let whole = |value: &Value| {
        let mut token = plain(value);
        let others = value.get("top_logprobs").and_then(Value::as_array).into_iter().flatten();
        token["top_logprobs"] = others.map(plain).collect();
        token
    };
    values.iter().map(whole).collect()
}

fn plain_logprob(value: &Value) -> Value {
    let token = text(value, "token");
    let bytes = value.get("bytes").filter(|bytes| bytes.is_array()).cloned();
    json!({"token": token, "logprob": number(value), "bytes": bytes.unwrap_or_else(|| json!(token.as_bytes()))})
}

fn number(value: &Value) -> Value {
    value.get("logprob").filter(|number| number.is_number()).cloned().unwrap_or_else(|| json!(0.0))
}

/// An `output_text`.
pub(super) fn output_text(text: &str, annotations: Vec<Value>, logprobs: &[Value]) -> Value {
    let logprobs = encode_logprobs(logprobs);
    json!({"type": "output_text", "text": text, "annotations": annotations, "logprobs": logprobs})
}

/// Members of an object of ours.
pub(super) fn object<const N: usize>(members: [(&str, Value); N]) -> Object {
    members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}
