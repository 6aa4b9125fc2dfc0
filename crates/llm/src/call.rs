//! What a request line and its headers say: who speaks, and what is asked. Never looks at a body.

use crate::{Dialect, Format, Operation};
use http::{HeaderMap, Method};

/// A classified call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// How the client speaks.
    pub dialect: Dialect,
    /// What it asks for.
    pub operation: Operation,
    /// The format of its body; present for [`Operation::Chat`] only.
    pub format: Option<Format>,
    /// The vendor's path: without `/-/<dialect>`, without query, beginning with `/`.
    pub path: String,
    /// The model that the path itself names (`GET /v1/models/{id}`), percent-decoded.
    pub model: Option<String>,
}

/// Classifies a call by its method, path (without query) and headers. Total: what is not known is
/// [`Operation::Native`].
///
/// Prefixed paths (`/-/openai/v1/chat/completions`) say their dialect; `/v1` may be missing, because some SDKs' base
/// URLs end in it and some do not. For bare paths see `bare_dialect`.
#[must_use]
pub fn classify(method: &Method, path: &str, headers: &HeaderMap) -> Call {
    let (dialect, path) = match prefixed(path) {
        Some((dialect, rest)) => (dialect, rest),
        None => (bare_dialect(path, headers), path),
    };
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    let asked = path.strip_prefix("/v1").filter(|rest| rest.starts_with('/')).unwrap_or(&path);
    let asked = if asked.len() > 1 { asked.trim_end_matches('/') } else { asked };

    let (operation, format, model) = match (dialect, asked) {
        (Dialect::OpenAI, "/chat/completions") if method == Method::POST => {
            (Operation::Chat, Some(Format::OpenAIChat), None)
        }
        (Dialect::Anthropic, "/messages") if method == Method::POST => {
            (Operation::Chat, Some(Format::AnthropicMessages), None)
        }
        (_, "/models") if method == Method::GET => (Operation::Models, None, None),
        (_, other) => match other.strip_prefix("/models/").filter(|_| method == Method::GET) {
            Some(id) => (Operation::Models, None, Some(percent_decoded(id))),
            None => (Operation::Native, None, None),
        },
    };
    Call { dialect, operation, format, path, model }
}

fn prefixed(path: &str) -> Option<(Dialect, &str)> {
    let rest = path.strip_prefix("/-/")?;
    let (prefix, rest) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, "/"),
    };
    Some((Dialect::from_prefix(prefix)?, rest))
}

/// The dialect of a path without prefix. Paths that one vendor alone has come first; then, in this order, a SigV4
/// signature, `anthropic-version`, `api-key`, `x-goog-api-key`, else OpenAI. Signatures and keys of vendors whose
/// dialect is not spoken here (AWS, Azure, Google) are OpenAI's by default, and named so that the order stays right
/// when those dialects arrive.
fn bare_dialect(path: &str, headers: &HeaderMap) -> Dialect {
    let asked = path.strip_prefix("/v1").unwrap_or(path);
    if asked == "/messages" || asked.starts_with("/messages/") || asked == "/complete" {
        return Dialect::Anthropic;
    }
    if asked.starts_with("/chat/") || signed_by_aws(headers) {
        return Dialect::OpenAI;
    }
    if headers.contains_key("anthropic-version") { Dialect::Anthropic } else { Dialect::OpenAI }
}

fn signed_by_aws(headers: &HeaderMap) -> bool {
    headers.get(http::header::AUTHORIZATION).is_some_and(|value| value.as_bytes().starts_with(b"AWS4-HMAC-SHA256"))
}

/// `%2F` and friends decoded; what is not valid stays as it is.
fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let decoded = (bytes[at] == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten()
            .filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match decoded {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    #[track_caller]
    fn check(method: &str, path: &str, header: Option<(&str, &str)>, dialect: Dialect, operation: Operation) -> Call {
        let mut headers = HeaderMap::new();
        if let Some((name, value)) = header {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.insert(name, HeaderValue::from_str(value).unwrap());
        }
        let call = classify(&Method::from_bytes(method.as_bytes()).unwrap(), path, &headers);
        assert_eq!((call.dialect, call.operation), (dialect, operation), "{method} {path}");
        call
    }

    #[test]
    fn a_call_is_told_by_prefix_then_path_then_headers() {
        use Dialect::{Anthropic, OpenAI};
        use Operation::{Chat, Models, Native};
        let version = Some(("anthropic-version", "2023-06-01"));
        check("POST", "/-/openai/v1/chat/completions", None, OpenAI, Chat);
        check("POST", "/-/openai/chat/completions", None, OpenAI, Chat);
        check("POST", "/-/openai/v1/chat/completions/", None, OpenAI, Chat);
        check("POST", "/-/openai/v1/chat/completions", version, OpenAI, Chat);
        check("POST", "/-/anthropic/v1/messages", None, Anthropic, Chat);
        check("POST", "/-/anthropic/messages", None, Anthropic, Chat);
        check("POST", "/v1/chat/completions", None, OpenAI, Chat);
        check("POST", "/chat/completions", None, OpenAI, Chat);
        check("POST", "/v1/messages", None, Anthropic, Chat);
        check("POST", "/messages", None, Anthropic, Chat);
        check("GET", "/v1/messages", None, Anthropic, Native);
        check("GET", "/v1/models", None, OpenAI, Models);
        check("GET", "/v1/models", version, Anthropic, Models);
        check("GET", "/v1/models", Some(("authorization", "AWS4-HMAC-SHA256 Credential=x")), OpenAI, Models);
        check("GET", "/v1/models", Some(("api-key", "x")), OpenAI, Models);
        check("GET", "/v1/models", Some(("x-goog-api-key", "x")), OpenAI, Models);
        check("GET", "/-/anthropic/v1/models", None, Anthropic, Models);
        check("POST", "/v1/embeddings", None, OpenAI, Native);
        check("POST", "/v1/messages/count_tokens", None, Anthropic, Native);
        check("POST", "/-/nobody/v1/messages", None, OpenAI, Native);
        check("GET", "/", None, OpenAI, Native);
        check("GET", "/-/openai", None, OpenAI, Native);
    }

    #[test]
    fn the_prefix_is_removed_from_the_vendor_path() {
        let call = check("POST", "/-/openai/v1/files", None, Dialect::OpenAI, Operation::Native);
        assert_eq!(call.path, "/v1/files");
        let call = check("GET", "/-/openai", None, Dialect::OpenAI, Operation::Native);
        assert_eq!(call.path, "/");
    }

    #[test]
    fn a_model_in_the_path_is_decoded_and_may_hold_slashes() {
        let call = check("GET", "/v1/models/meta%2Fllama-3", None, Dialect::OpenAI, Operation::Models);
        assert_eq!(call.model.as_deref(), Some("meta/llama-3"));
        let call = check("GET", "/v1/models/meta/llama-3", None, Dialect::OpenAI, Operation::Models);
        assert_eq!(call.model.as_deref(), Some("meta/llama-3"));
        let call = check("GET", "/v1/models/100%", None, Dialect::OpenAI, Operation::Models);
        assert_eq!(call.model.as_deref(), Some("100%"));
        let call = check("DELETE", "/v1/models/ft:x", None, Dialect::OpenAI, Operation::Native);
        assert_eq!(call.model, None);
    }
}
