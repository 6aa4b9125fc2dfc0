//! Signatures over thinking, in the base64 that `thoughtSignature` must be: those of other vendors are wrapped, and told
//! apart again.

use crate::Format;
use crate::model::{MARK, MARK_BASE64, unwrap_signature, wrap_signature};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};

const OWN: Format = Format::GeminiGenerateContent;
/// Stands before thinking that a vendor encrypted whole, which has no text and no signature.
const REDACTED: &str = "pillion:redacted:";
/// Where a client lost the signature of a call, the API takes this word instead.
/// Source: <https://ai.google.dev/gemini-api/docs/thought-signatures>.
pub(super) const SKIP: &str = "skip_thought_signature_validator";

/// What a client's `thoughtSignature` is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Of this vendor's, bare.
    Own(String),
    /// Of another's, as [`wrap_signature`] wraps it.
    Foreign(String),
    /// Another vendor's encrypted thinking.
    Redacted(String),
}

/// Reads a client's `thoughtSignature`.
pub(super) fn read(text: String) -> Told {
    let Some(plain) = unwrapped(&text) else { return Told::Own(text) };
    if let Some(data) = plain.strip_prefix(REDACTED) {
        return Told::Redacted(data.to_owned());
    }
    match unwrap_signature(&plain) {
        Some((OWN, bare)) => Told::Own(bare.unwrap_or_default().to_owned()),
        Some(_) => Told::Foreign(plain),
        None => Told::Own(text),
    }
}

fn unwrapped(text: &str) -> Option<String> {
    if text.starts_with(MARK) {
        return Some(text.to_owned());
    }
    if !text.starts_with(MARK_BASE64) {
        return None;
    }
    // SDKs write bytes in either alphabet, with or without padding.
    let alphabet = if text.contains(['-', '_']) { &alphabet::URL_SAFE } else { &alphabet::STANDARD };
    let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let bytes = GeneralPurpose::new(alphabet, lenient).decode(text).ok()?;
    String::from_utf8(bytes).ok().filter(|plain| plain.starts_with(MARK))
}

/// The `thoughtSignature` for thinking that came in `origin`'s format.
pub(super) fn write(origin: Format, signature: Option<&str>) -> Option<String> {
    match origin {
        OWN => signature.map(str::to_owned),
        origin => Some(STANDARD.encode(wrap_signature(origin, signature))),
    }
}

/// The `thoughtSignature` that carries another vendor's encrypted thinking.
pub(super) fn write_redacted(data: &str) -> String {
    STANDARD.encode(format!("{REDACTED}{data}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_vendors_signatures_survive_as_base64_in_either_alphabet() {
        let signature = "a+b/c==?>~";
        let written = write(Format::AnthropicMessages, Some(signature)).unwrap();
        let url_safe = written.replace('+', "-").replace('/', "_").replace('=', "");
        for text in [written, url_safe] {
            assert!(crate::model::has_foreign_signature(format!("\"{text}\"").as_bytes()), "{text}");
            let expected = wrap_signature(Format::AnthropicMessages, Some(signature));
            assert_eq!(read(text), Told::Foreign(expected));
        }
        assert_eq!(read(write_redacted("data")), Told::Redacted("data".to_owned()));
        assert_eq!(read(write(OWN, Some("CvIFAdHtim8N")).unwrap()), Told::Own("CvIFAdHtim8N".to_owned()));
        assert_eq!(read("cGlsbGlvbj!!".to_owned()), Told::Own("cGlsbGlvbj!!".to_owned()));
    }
}
