//! Who takes part: what a client of each format sends and where, and the providers that its request may go to.

use std::fmt;

use http::{HeaderMap, Method};
use pillion_llm::{Call, Descriptor, Dialect, Envelope, Format, Framing, Wire, classify, provider};
use serde_json::{Value, json};

use crate::schema::Book;

/// The formats that are judged.
pub(crate) const FORMATS: &[Format] = Format::ALL;

/// The formats that a format may be translated to.
pub(crate) fn others(format: Format) -> impl Iterator<Item = Format> {
    FORMATS.iter().copied().filter(move |other| *other != format)
}

/// The provider of a format's own vendor.
pub(crate) fn vendor(format: Format) -> &'static Descriptor {
    let id = match format {
        Format::OpenAIChat | Format::OpenAIResponses => "OpenAI",
        Format::AnthropicMessages => "Anthropic",
        Format::GeminiGenerateContent => "Gemini",
        Format::BedrockConverse => "Bedrock",
        Format::CohereChat => "Cohere",
    };
    provider(id).unwrap()
}

/// A model that takes every setting.
pub(crate) fn capable(format: Format) -> &'static str {
    match format {
        Format::OpenAIChat | Format::OpenAIResponses => "gpt-4o",
        Format::AnthropicMessages => "claude-sonnet-4-5",
        Format::GeminiGenerateContent => "gemini-2.5-flash",
        Format::BedrockConverse => "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        Format::CohereChat => "command-a-03-2025",
    }
}

/// The same of the models that think.
pub(crate) fn thinking(format: Format) -> &'static str {
    match format {
        Format::OpenAIChat | Format::OpenAIResponses => "gpt-5-mini",
        Format::CohereChat => "command-a-reasoning-08-2025",
        format => capable(format),
    }
}

/// The call of a client of this format: where it says model, stream and framing in its path, they are said there.
pub(crate) fn call(format: Format, model: Option<&str>, stream: bool, framing: Framing) -> Call {
    let model = model.unwrap_or("m").replace('%', "%25").replace('/', "%2F").replace(':', "%3A");
    let (path, query) = match format {
        Format::OpenAIChat => ("/v1/chat/completions".to_owned(), None),
        Format::OpenAIResponses => ("/v1/responses".to_owned(), None),
        Format::AnthropicMessages => ("/v1/messages".to_owned(), None),
        Format::CohereChat => ("/v2/chat".to_owned(), None),
        Format::GeminiGenerateContent if stream => {
            let query = (framing != Framing::JsonArray).then_some("alt=sse");
            (format!("/v1beta/models/{model}:streamGenerateContent"), query)
        }
        Format::GeminiGenerateContent => (format!("/v1beta/models/{model}:generateContent"), None),
        Format::BedrockConverse if stream => (format!("/model/{model}/converse-stream"), None),
        Format::BedrockConverse => (format!("/model/{model}/converse"), None),
    };
    let call = classify(&Method::POST, &path, query, &HeaderMap::new());
    assert_eq!(call.format, Some(format), "{path}");
    call
}

/// The framings that a client of this format can ask for.
pub(crate) fn framings(format: Format) -> &'static [Framing] {
    match format {
        Format::GeminiGenerateContent => &[Framing::Sse, Framing::JsonArray],
        Format::BedrockConverse => &[Framing::EventStream],
        _ => &[Framing::Sse],
    }
}

/// The plainest request.
pub(crate) fn plain_request(format: Format, stream: bool) -> Value {
    let mut request = match format {
        Format::OpenAIChat => json!({"model": "m", "messages": [{"role": "user", "content": "hello"}]}),
        Format::OpenAIResponses => json!({"model": "m", "input": "hello"}),
        Format::AnthropicMessages => {
            json!({"model": "m", "max_tokens": 64, "messages": [{"role": "user", "content": "hello"}]})
        }
        Format::GeminiGenerateContent => json!({"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}),
        Format::BedrockConverse => json!({"messages": [{"role": "user", "content": [{"text": "hello"}]}]}),
        Format::CohereChat => json!({"model": "m", "messages": [{"role": "user", "content": "hello"}]}),
    };
    if stream && !format.asks_in_path() {
        request["stream"] = json!(true);
    }
    request
}

/// A provider as it is spoken to, and some of its models, which want different things.
pub(crate) struct Target {
    pub(crate) provider: &'static str,
    pub(crate) wire: Wire,
    pub(crate) book: Book,
    pub(crate) models: &'static [&'static str],
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.provider, self.wire.format)
    }
}

impl Target {
    pub(crate) fn provider(&self) -> &'static Descriptor {
        provider(self.provider).unwrap()
    }
}

const fn target(provider: &'static str, format: Format, book: Book, models: &'static [&'static str]) -> Target {
    Target { provider, wire: Wire { format, envelope: Envelope::None }, book, models }
}

/// Every way to speak to a provider in a format of its own.
pub(crate) const TARGETS: &[Target] = &[
    target("OpenAI", Format::OpenAIChat, Book::OpenAIChat, &["gpt-4o-mini", "gpt-5-mini", "o3", "some-model"]),
    target(
        "OpenAI",
        Format::OpenAIResponses,
        Book::OpenAIResponses,
        &["gpt-4o-mini", "gpt-5-mini", "o3", "some-model"],
    ),
    target("AzureOpenAI", Format::OpenAIChat, Book::OpenAIChat, &["gpt-4o-mini", "gpt-5-mini", "some-deployment"]),
    target("OpenAICompatible", Format::OpenAIChat, Book::OpenAIChat, &["deepseek-chat", "some-model"]),
    target(
        "Anthropic",
        Format::AnthropicMessages,
        Book::Anthropic,
        &["claude-3-haiku-20240307", "claude-sonnet-4-5", "claude-opus-4-7", "some-model"],
    ),
    target(
        "Gemini",
        Format::GeminiGenerateContent,
        Book::Gemini,
        &["gemini-2.5-flash", "gemini-3-pro-preview", "gemma-3-27b-it", "some-model"],
    ),
    target("VertexAI", Format::GeminiGenerateContent, Book::Vertex, &["gemini-2.5-pro", "gemini-3-flash-preview"]),
    target(
        "Bedrock",
        Format::BedrockConverse,
        Book::Bedrock,
        &[
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "anthropic.claude-3-haiku-20240307-v1:0",
            "amazon.nova-pro-v1:0",
            "meta.llama3-3-70b-instruct-v1:0",
            "some-model",
        ],
    ),
    target(
        "Cohere",
        Format::CohereChat,
        Book::Cohere,
        &["command-a-03-2025", "command-a-reasoning-08-2025", "command-r-08-2024", "some-model"],
    ),
];

/// The targets of the formats that are judged.
pub(crate) fn targets() -> impl Iterator<Item = &'static Target> {
    TARGETS.iter().filter(|target| FORMATS.contains(&target.wire.format))
}

/// The dialects that have a format which is judged.
pub(crate) fn dialects() -> impl Iterator<Item = Dialect> {
    Dialect::ALL.iter().copied().filter(|dialect| match dialect {
        Dialect::AzureOpenAI => true,
        Dialect::VertexAI => FORMATS.contains(&Format::GeminiGenerateContent),
        dialect => FORMATS.iter().any(|format| format.dialect() == *dialect),
    })
}
