//! What a path asks for: whose API it is, in which format, for which model, and how a stream of it is framed.

use http::Method;

/// Whose servers a path belongs to: who decides where the key stands and how errors read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Vendor {
    OpenAI,
    AzureOpenAI,
    Anthropic,
    Gemini,
    VertexAI,
    Bedrock,
    Cohere,
}

/// The format of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Chat,
    Responses,
    Messages,
    GenerateContent,
    Converse,
    CohereChat,
    /// Lists of models, counts of tokens: nothing to wish for.
    Other,
}

/// How a stream goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// As it was recorded.
    Recorded,
    /// Gemini's elements of one JSON array, of what was recorded as server-sent events.
    JsonArray,
    /// Bedrock's `chunk` events with another vendor's events in base64, of what was recorded as server-sent events.
    Chunks,
}

/// What a path asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) vendor: Vendor,
    pub(crate) format: Format,
    /// The corpus folders that answer it, the nearest first: provider and endpoint.
    pub(crate) folders: &'static [(&'static str, &'static str)],
    /// The model, where the path names it.
    pub(crate) model: Option<String>,
    /// Whether a stream is asked for, where the path tells.
    pub(crate) stream: Option<bool>,
    pub(crate) framing: Framing,
}

const CHAT: &[(&str, &str)] = &[("openai", "chat-completions")];
const AZURE_CHAT: &[(&str, &str)] = &[("azure_openai", "chat-completions"), ("openai", "chat-completions")];
const RESPONSES: &[(&str, &str)] = &[("openai", "responses")];
const AZURE_RESPONSES: &[(&str, &str)] = &[("azure_openai", "responses"), ("openai", "responses")];
const MESSAGES: &[(&str, &str)] = &[("anthropic", "messages")];
const VERTEX_MESSAGES: &[(&str, &str)] = &[("vertex", "raw-predict"), ("anthropic", "messages")];
const GENERATE: &[(&str, &str)] = &[("gemini", "generate-content")];
const STREAM_GENERATE: &[(&str, &str)] = &[("gemini", "stream-generate-content")];
const VERTEX_GENERATE: &[(&str, &str)] = &[("vertex", "generate-content"), ("gemini", "generate-content")];
const VERTEX_STREAM: &[(&str, &str)] = &[("vertex", "stream-generate-content"), ("gemini", "stream-generate-content")];
const CONVERSE: &[(&str, &str)] = &[("bedrock", "converse")];
const CONVERSE_STREAM: &[(&str, &str)] = &[("bedrock", "converse-stream")];
const COHERE: &[(&str, &str)] = &[("cohere", "v2-chat")];

impl Call {
    /// What a path asks for; `None` for paths that are answered only by a case recorded of them.
    pub(crate) fn of(method: &Method, path: &str, query: Option<&str>) -> Option<Self> {
        if method == Method::GET {
            return (path == "/v1/models").then(|| Self::new(Vendor::OpenAI, Format::Other, &[("openai", "models")]));
        }
        match path {
            "/v1/messages" | "/messages" => Some(Self::new(Vendor::Anthropic, Format::Messages, MESSAGES)),
            "/v1/messages/count_tokens" => {
                Some(Self::new(Vendor::Anthropic, Format::Other, &[("anthropic", "count-tokens")]))
            }
            "/v2/chat" => Some(Self::new(Vendor::Cohere, Format::CohereChat, COHERE)),
            _ if path.starts_with("/openai/") => azure(path),
            _ if path.starts_with("/model/") => bedrock(path),
            _ if path.contains(':') => google(path, query),
            _ => openai(path, Vendor::OpenAI),
        }
    }

    fn new(vendor: Vendor, format: Format, folders: &'static [(&'static str, &'static str)]) -> Self {
        Self { vendor, format, folders, model: None, stream: None, framing: Framing::Recorded }
    }
}

fn openai(path: &str, vendor: Vendor) -> Option<Call> {
    let azure = vendor == Vendor::AzureOpenAI;
    match path.strip_prefix("/v1").unwrap_or(path) {
        "/chat/completions" => Some(Call::new(vendor, Format::Chat, if azure { AZURE_CHAT } else { CHAT })),
        "/responses" => Some(Call::new(vendor, Format::Responses, if azure { AZURE_RESPONSES } else { RESPONSES })),
        _ => None,
    }
}

/// `/openai/v1/…`, `/openai/responses`, `/openai/deployments/{deployment}/…`.
fn azure(path: &str) -> Option<Call> {
    let path = path.strip_prefix("/openai")?;
    let Some((deployment, _)) = path.strip_prefix("/deployments/").and_then(|rest| rest.split_once('/')) else {
        return openai(path, Vendor::AzureOpenAI);
    };
    let call = openai(path.strip_prefix("/deployments/")?.strip_prefix(deployment)?, Vendor::AzureOpenAI)?;
    Some(Call { model: Some(decoded(deployment)), ..call })
}

/// `/model/{id}/converse`, and `invoke` for Anthropic's models.
fn bedrock(path: &str) -> Option<Call> {
    let (id, action) = path.strip_prefix("/model/")?.rsplit_once('/')?;
    let model = decoded(id);
    let anthropic = model.contains("anthropic");
    let (format, folders, stream, framing) = match action {
        "converse" => (Format::Converse, CONVERSE, false, Framing::Recorded),
        "converse-stream" => (Format::Converse, CONVERSE_STREAM, true, Framing::Recorded),
        "invoke" if anthropic => (Format::Messages, MESSAGES, false, Framing::Recorded),
        "invoke-with-response-stream" if anthropic => (Format::Messages, MESSAGES, true, Framing::Chunks),
        _ => return None,
    };
    Some(Call { vendor: Vendor::Bedrock, format, folders, model: Some(model), stream: Some(stream), framing })
}

/// `/v1beta/models/{m}:generateContent`; behind `projects/…` or `publishers/…` it is Vertex AI's.
fn google(path: &str, query: Option<&str>) -> Option<Call> {
    let (before, method) = path.rsplit_once(':')?;
    let (_, model) = before.rsplit_once("/models/").or_else(|| before.rsplit_once("/endpoints/"))?;
    let vertex = path.contains("/projects/") || path.contains("/publishers/");
    let vendor = if vertex { Vendor::VertexAI } else { Vendor::Gemini };
    let sse = query.is_some_and(|query| query.split('&').any(|pair| pair == "alt=sse"));
    let (format, folders, stream, framing) = match method {
        "generateContent" if vertex => (Format::GenerateContent, VERTEX_GENERATE, false, Framing::Recorded),
        "generateContent" => (Format::GenerateContent, GENERATE, false, Framing::Recorded),
        "streamGenerateContent" => {
            let framing = if sse { Framing::Recorded } else { Framing::JsonArray };
            (Format::GenerateContent, if vertex { VERTEX_STREAM } else { STREAM_GENERATE }, true, framing)
        }
        "rawPredict" => (Format::Messages, VERTEX_MESSAGES, false, Framing::Recorded),
        "streamRawPredict" => (Format::Messages, VERTEX_MESSAGES, true, Framing::Recorded),
        _ => return None,
    };
    Some(Call { vendor, format, folders, model: Some(decoded(model)), stream: Some(stream), framing })
}

/// A part of a path without its percent escapes.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let escaped = after.get(..2).filter(|_| *first == b'%');
        let escaped = escaped.and_then(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok());
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Told<'a> = (Vendor, Format, Option<&'a str>, Option<bool>, Framing);

    #[track_caller]
    fn check(path: &str, expected: Option<Told<'_>>) {
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        let call = Call::of(&Method::POST, path, query);
        let got =
            call.as_ref().map(|call| (call.vendor, call.format, call.model.as_deref(), call.stream, call.framing));
        assert_eq!(got, expected, "{path}");
    }

    #[test]
    fn paths_tell_vendor_format_model_and_framing() {
        use Framing::{Chunks, JsonArray, Recorded};
        use Vendor::{Anthropic, AzureOpenAI, Bedrock, Cohere, Gemini, OpenAI, VertexAI};
        check("/v1/chat/completions", Some((OpenAI, Format::Chat, None, None, Recorded)));
        check("/v1/responses", Some((OpenAI, Format::Responses, None, None, Recorded)));
        check("/v1/messages", Some((Anthropic, Format::Messages, None, None, Recorded)));
        check("/v2/chat", Some((Cohere, Format::CohereChat, None, None, Recorded)));
        check("/openai/v1/responses?api-version=preview", Some((AzureOpenAI, Format::Responses, None, None, Recorded)));
        check(
            "/openai/deployments/prod/chat/completions?api-version=2024-10-21",
            Some((AzureOpenAI, Format::Chat, Some("prod"), None, Recorded)),
        );
        check(
            "/v1beta/models/g:streamGenerateContent?alt=sse&key=k",
            Some((Gemini, Format::GenerateContent, Some("g"), Some(true), Recorded)),
        );
        check(
            "/v1/projects/p/locations/l/publishers/google/models/g:streamGenerateContent",
            Some((VertexAI, Format::GenerateContent, Some("g"), Some(true), JsonArray)),
        );
        check(
            "/v1/projects/p/locations/l/publishers/anthropic/models/c@1:rawPredict",
            Some((VertexAI, Format::Messages, Some("c@1"), Some(false), Recorded)),
        );
        check(
            "/model/nova-v1%3A0/converse",
            Some((Bedrock, Format::Converse, Some("nova-v1:0"), Some(false), Recorded)),
        );
        check(
            "/model/us.anthropic.c/invoke-with-response-stream",
            Some((Bedrock, Format::Messages, Some("us.anthropic.c"), Some(true), Chunks)),
        );
        check("/model/amazon.titan/invoke", None);
        check("/v1/embeddings", None);
    }
}
