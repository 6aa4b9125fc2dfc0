//! Thinking that the vendor encrypted. The API's blob holds Anthropic's own text of it, in base64 once more; so the
//! same thinking is good on Anthropic's API and here.

use crate::Format;
use crate::model::{unwrap_signature, wrap_signature};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The text within a blob; a blob of another vendor's bytes is wrapped as it is.
pub(super) fn read(blob: &str) -> String {
    let decoded = STANDARD.decode(blob).ok();
    match decoded.and_then(|bytes| String::from_utf8(bytes).ok()) {
        Some(text) if STANDARD.encode(&text) == blob => text,
        _ => wrap_signature(Format::BedrockConverse, Some(blob)),
    }
}

/// The blob of a text.
pub(super) fn write(text: &str) -> String {
    match unwrap_signature(text) {
        Some((Format::BedrockConverse, Some(blob))) => blob.to_owned(),
        _ => STANDARD.encode(text),
    }
}
