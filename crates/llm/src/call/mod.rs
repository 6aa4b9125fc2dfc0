//! What a request line and its headers say: who speaks, and what is asked. Never looks at a body.

mod paths;

use crate::framing::Framing;
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
    /// The model that the path itself names (`GET /v1/models/{id}`, Gemini's, Bedrock's, Azure's deployment),
    /// percent-decoded.
    pub model: Option<String>,
    /// Whether a stream is asked for, where the path says so.
    pub stream: Option<bool>,
    /// How that stream is framed, where path or query says so.
    pub framing: Option<Framing>,
    /// Anthropic's beta features that `anthropic-beta` asks for. Clouds want them in the body.
    pub betas: Vec<String>,
}

/// What a path asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Asked {
    operation: Operation,
    format: Option<Format>,
    model: Option<String>,
    stream: Option<bool>,
    framing: Option<Framing>,
}

impl Asked {
    const NATIVE: Self = Self { operation: Operation::Native, format: None, model: None, stream: None, framing: None };
    const MODELS: Self = Self { operation: Operation::Models, ..Self::NATIVE };

    fn chat(format: Format) -> Self {
        Self { operation: Operation::Chat, format: Some(format), ..Self::NATIVE }
    }
}

/// Classifies a call by its method, path, query and headers. Total: what is not known is [`Operation::Native`].
///
/// Prefixed paths (`/-/openai/v1/chat/completions`) say their dialect; the version may be missing, because some SDKs'
/// base URLs end in it and some do not. For bare paths see `paths::bare_dialect`.
#[must_use]
pub fn classify(method: &Method, path: &str, query: Option<&str>, headers: &HeaderMap) -> Call {
    let (dialect, path) = match prefixed(path) {
        Some((dialect, rest)) => (dialect, rest),
        None => (paths::bare_dialect(path, query, headers), path),
    };
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    let Asked { operation, format, model, stream, framing } = paths::asked(dialect, method, &path, query);
    Call { dialect, operation, format, path, model, stream, framing, betas: betas(headers) }
}

/// The features in `anthropic-beta`, each once: a list, and the header may come several times.
fn betas(headers: &HeaderMap) -> Vec<String> {
    let mut betas: Vec<String> = Vec::new();
    let lists = headers.get_all("anthropic-beta").into_iter().filter_map(|value| value.to_str().ok());
    for beta in lists.flat_map(|list| list.split(',')).map(str::trim) {
        if !beta.is_empty() && !betas.iter().any(|known| known == beta) {
            betas.push(beta.to_owned());
        }
    }
    betas
}

fn prefixed(path: &str) -> Option<(Dialect, &str)> {
    let rest = path.strip_prefix("/-/")?;
    let (prefix, rest) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, "/"),
    };
    Some((Dialect::from_prefix(prefix)?, rest))
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
        let call = {
            let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
            classify(&Method::from_bytes(method.as_bytes()).unwrap(), path, query, &headers)
        };
        assert_eq!((call.dialect, call.operation), (dialect, operation), "{method} {path}");
        call
    }

    #[test]
    fn a_call_is_told_by_prefix_then_path_then_headers() {
        use Dialect::{Anthropic, AzureOpenAI, Bedrock, Cohere, Gemini, OpenAI, VertexAI};
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
        check("GET", "/v1/models", Some(("authorization", "AWS4-HMAC-SHA256 Credential=x")), Bedrock, Native);
        check("GET", "/v1/models", Some(("api-key", "x")), AzureOpenAI, Models);
        check("GET", "/v1/models", Some(("x-goog-api-key", "x")), Gemini, Models);
        check("GET", "/-/anthropic/v1/models", None, Anthropic, Models);
        check("POST", "/v1/embeddings", None, OpenAI, Native);
        check("POST", "/v1/messages/count_tokens", None, Anthropic, Native);
        check("POST", "/-/nobody/v1/messages", None, OpenAI, Native);
        check("GET", "/", None, OpenAI, Native);
        check("GET", "/-/openai", None, OpenAI, Native);
        check("POST", "/v1/responses", None, OpenAI, Chat);
        check("POST", "/-/openai/responses", None, OpenAI, Chat);
        check("GET", "/v1/responses/resp_1", None, OpenAI, Native);
        check(
            "POST",
            "/-/azure/openai/deployments/gpt/chat/completions?api-version=2024-10-21",
            None,
            AzureOpenAI,
            Chat,
        );
        check("POST", "/openai/deployments/gpt/chat/completions", None, AzureOpenAI, Chat);
        check("POST", "/openai/v1/responses", None, AzureOpenAI, Chat);
        check("POST", "/-/azure/anthropic/v1/messages", None, AzureOpenAI, Chat);
        check("POST", "/anthropic/v1/messages", version, AzureOpenAI, Chat);
        check("POST", "/anthropic/v1/messages/count_tokens", None, AzureOpenAI, Native);
        check("POST", "/openai/deployments/e/embeddings", None, AzureOpenAI, Native);
        check("POST", "/v1/chat/completions", Some(("api-key", "x")), OpenAI, Chat);
        check("POST", "/v1beta/models/gemini-2.5-pro:generateContent", None, Gemini, Chat);
        check("POST", "/-/gemini/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse", None, Gemini, Chat);
        check("POST", "/v1beta/models/gemini-2.5-pro:countTokens", None, Gemini, Native);
        let path = "/v1/projects/p/locations/l/publishers/google/models/gemini-2.5-pro:streamGenerateContent";
        check("POST", path, None, VertexAI, Chat);
        let path = "/v1/projects/p/locations/l/publishers/anthropic/models/claude:rawPredict";
        check("POST", path, None, VertexAI, Native);
        check("POST", "/-/vertex/v1beta1/publishers/google/models/g:generateContent", None, VertexAI, Chat);
        check("POST", "/model/anthropic.claude/converse", None, Bedrock, Chat);
        check("POST", "/-/bedrock/model/a%3Ab%2Fc/converse-stream", None, Bedrock, Chat);
        check("POST", "/model/m/invoke", None, Bedrock, Native);
        check("POST", "/v2/chat", None, Cohere, Chat);
        check("POST", "/-/cohere/v1/chat", None, Cohere, Native);
    }

    #[test]
    fn model_stream_and_framing_are_told_by_the_path() {
        use Dialect::{AzureOpenAI, Bedrock, Gemini};
        use Framing::{EventStream, JsonArray, Sse};
        let told = |call: &Call| (call.model.clone().unwrap_or_default(), call.stream, call.framing);
        let call = check("POST", "/v1beta/models/g:streamGenerateContent", None, Gemini, Operation::Chat);
        assert_eq!(told(&call), ("g".into(), Some(true), Some(JsonArray)));
        let call = check("POST", "/v1beta/models/g:streamGenerateContent?alt=sse", None, Gemini, Operation::Chat);
        assert_eq!(told(&call), ("g".into(), Some(true), Some(Sse)));
        let call = check("POST", "/v1beta/models/g%3Ax:generateContent", None, Gemini, Operation::Chat);
        assert_eq!(told(&call), ("g:x".into(), Some(false), None));
        let call = check("POST", "/v1beta/tunedModels/t:generateContent", None, Gemini, Operation::Chat);
        assert_eq!(told(&call), ("tunedModels/t".into(), Some(false), None));
        let path = "/v1/projects/p/locations/l/endpoints/7:streamGenerateContent";
        let call = check("POST", path, None, Dialect::VertexAI, Operation::Chat);
        assert_eq!(told(&call), ("endpoints/7".into(), Some(true), Some(JsonArray)));
        let path = "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.x/converse-stream";
        let call = check("POST", path, None, Bedrock, Operation::Chat);
        let model = "arn:aws:bedrock:us-east-1:1:inference-profile/us.x".to_owned();
        assert_eq!(told(&call), (model, Some(true), Some(EventStream)));
        let call = check("POST", "/openai/deployments/d%20e/chat/completions", None, AzureOpenAI, Operation::Chat);
        assert_eq!(told(&call), ("d e".into(), None, None));
    }

    #[test]
    fn betas_are_read_from_every_header_of_the_name() {
        let mut headers = HeaderMap::new();
        headers.append("anthropic-beta", HeaderValue::from_static("a, b,,a"));
        headers.append("anthropic-beta", HeaderValue::from_static("c"));
        let call = classify(&Method::POST, "/v1/messages", None, &headers);
        assert_eq!(call.betas, ["a", "b", "c"]);
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
