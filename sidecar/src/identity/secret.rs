//! A credential's value: usable once, in a header or a query, and invisible everywhere else.

use http::HeaderValue;
use std::sync::Arc;

/// A key as a provider gave it. `Debug` and `Display` never show it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

/// What a file of keys holds: JSON, PEM, or a key. `Debug` never shows it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Document(Arc<[u8]>);

impl Document {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Document(redacted)")
    }
}

/// What is wrong with a key, in words that do not repeat it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SecretError {
    #[error("it is empty")]
    Empty,
    #[error("it is not text")]
    NotText,
    #[error("it holds a control character or white space inside")]
    ControlCharacter,
}

impl Secret {
    /// Takes a key from a file or a Secret: line ends after it are an editor's, not the key's.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, SecretError> {
        let text = std::str::from_utf8(bytes).map_err(|_| SecretError::NotText)?;
        let text = text.trim_end_matches(['\n', '\r']);
        match text {
            "" => Err(SecretError::Empty),
            text if !text.bytes().all(|byte| byte.is_ascii_graphic()) => Err(SecretError::ControlCharacter),
            text => Ok(Self(text.to_owned())),
        }
    }

    /// The value itself, for what is signed or posted with it.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }

    /// The value of a header, `prefix` before the key. Marked sensitive, so that HTTP/2 does not index it.
    pub(crate) fn header(&self, prefix: &str) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_maybe_shared(bytes::Bytes::from(format!("{prefix}{}", self.0))).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// `name=key`, percent-encoded.
    pub(crate) fn query(&self, name: &str) -> String {
        let mut pair = String::with_capacity(name.len() + self.0.len() + 1);
        percent_encode(name, &mut pair);
        pair.push('=');
        percent_encode(&self.0, &mut pair);
        pair
    }
}

/// Percent-encodes all but RFC 3986's unreserved characters.
pub(super) fn percent_encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte as char),
            _ => {
                const HEX: &[u8; 16] = b"0123456789ABCDEF";
                out.push('%');
                out.push(HEX[usize::from(byte >> 4)] as char);
                out.push(HEX[usize::from(byte & 15)] as char);
            }
        }
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_after_a_key_are_not_part_of_it() {
        for text in ["sk-1", "sk-1\n", "sk-1\r\n", "sk-1\n\n"] {
            let secret = Secret::parse(text.as_bytes()).unwrap();
            assert_eq!(secret.header("Bearer ").unwrap(), "Bearer sk-1", "{text:?}");
        }
    }

    #[test]
    fn what_cannot_be_a_key_is_refused_with_a_reason() {
        for (bytes, expected) in [
            (&b""[..], SecretError::Empty),
            (b"\n", SecretError::Empty),
            (b"sk-1\nsk-2", SecretError::ControlCharacter),
            (b"sk\x00-1", SecretError::ControlCharacter),
            (b"sk 1", SecretError::ControlCharacter),
            ("sk-é".as_bytes(), SecretError::ControlCharacter),
            (b"\xff\xfe", SecretError::NotText),
        ] {
            assert_eq!(Secret::parse(bytes), Err(expected), "{bytes:?}");
        }
    }

    #[test]
    fn a_key_is_not_seen_in_debug_output_and_its_header_is_sensitive() {
        let secret = Secret::parse(b"sk-canary").unwrap();
        let header = secret.header("").unwrap();
        assert!(!format!("{secret:?} {header:?}").contains("canary"));
        assert!(header.is_sensitive());
    }

    #[test]
    fn a_key_in_a_query_is_percent_encoded() {
        assert_eq!(Secret::parse(b"a&b=c/+~").unwrap().query("key"), "key=a%26b%3Dc%2F%2B~");
    }
}
