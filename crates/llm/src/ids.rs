//! The names of dialects, wire formats and operations: what users write in matches and the gateway writes in logs.

use crate::framing::Framing;
use std::fmt;
use std::str::FromStr;

/// How a client speaks: the prefix of its base URL, the shape of its errors and lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// OpenAI's API, and what imitates it.
    OpenAI,
    /// OpenAI's API as Azure serves it: deployments in the path, `api-version` in the query.
    AzureOpenAI,
    /// Anthropic's API.
    Anthropic,
    /// The Gemini API.
    Gemini,
    /// Vertex AI.
    VertexAI,
    /// Amazon Bedrock's runtime.
    Bedrock,
    /// Cohere's API.
    Cohere,
}

impl Dialect {
    /// Every dialect.
    pub const ALL: &'static [Self] =
        &[Self::OpenAI, Self::AzureOpenAI, Self::Anthropic, Self::Gemini, Self::VertexAI, Self::Bedrock, Self::Cohere];

    /// The name users write in `formats` of a match.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenAI => "OpenAI",
            Self::AzureOpenAI => "AzureOpenAI",
            Self::Anthropic => "Anthropic",
            Self::Gemini => "Gemini",
            Self::VertexAI => "VertexAI",
            Self::Bedrock => "Bedrock",
            Self::Cohere => "Cohere",
        }
    }

    /// What follows `/-/` in the base URL that injection sets.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::OpenAI => "openai",
            Self::AzureOpenAI => "azure",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::VertexAI => "vertex",
            Self::Bedrock => "bedrock",
            Self::Cohere => "cohere",
        }
    }

    /// The dialect of a `/-/` prefix.
    #[must_use]
    pub fn from_prefix(prefix: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|dialect| dialect.prefix() == prefix)
    }

    /// The dialect of a name as [`Dialect::as_str`] gives it.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|dialect| dialect.as_str() == name)
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A wire format: the shape of one kind of request, of its reply and of its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// `POST /v1/chat/completions`.
    OpenAIChat,
    /// `POST /v1/responses`.
    OpenAIResponses,
    /// `POST /v1/messages`.
    AnthropicMessages,
    /// `POST …/models/{model}:generateContent` and `:streamGenerateContent`, of the Gemini API and Vertex AI.
    GeminiGenerateContent,
    /// `POST /model/{id}/converse` and `/converse-stream`.
    BedrockConverse,
    /// `POST /v2/chat`.
    CohereChat,
}

impl Format {
    /// Every format.
    pub const ALL: &'static [Self] = &[
        Self::OpenAIChat,
        Self::OpenAIResponses,
        Self::AnthropicMessages,
        Self::GeminiGenerateContent,
        Self::BedrockConverse,
        Self::CohereChat,
    ];

    /// The dialect of the vendor that made it. A client of another dialect may speak it too: Azure's OpenAI's.
    #[must_use]
    pub fn dialect(self) -> Dialect {
        match self {
            Self::OpenAIChat | Self::OpenAIResponses => Dialect::OpenAI,
            Self::AnthropicMessages => Dialect::Anthropic,
            Self::GeminiGenerateContent => Dialect::Gemini,
            Self::BedrockConverse => Dialect::Bedrock,
            Self::CohereChat => Dialect::Cohere,
        }
    }

    /// Name for logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenAIChat => "OpenAIChat",
            Self::OpenAIResponses => "OpenAIResponses",
            Self::AnthropicMessages => "AnthropicMessages",
            Self::GeminiGenerateContent => "GeminiGenerateContent",
            Self::BedrockConverse => "BedrockConverse",
            Self::CohereChat => "CohereChat",
        }
    }

    /// Whether the path, not the body, names the model and says whether a stream is asked for.
    #[must_use]
    pub fn asks_in_path(self) -> bool {
        matches!(self, Self::GeminiGenerateContent | Self::BedrockConverse)
    }

    /// How its streams are framed, where the client does not choose.
    #[must_use]
    pub fn framing(self) -> Framing {
        match self {
            Self::BedrockConverse => Framing::EventStream,
            _ => Framing::Sse,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A format, and what a cloud wraps it in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wire {
    /// The format of bodies and streams.
    pub format: Format,
    /// What is around them.
    pub envelope: Envelope,
}

/// What a cloud that serves another vendor's format wraps it in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Envelope {
    /// Nothing.
    #[default]
    None,
    /// Bedrock's InvokeModel: the model in the path, a version in the body, streams as AWS event streams of `bytes`.
    BedrockInvoke,
    /// Vertex AI's rawPredict: the model in the path, a version in the body.
    VertexRawPredict,
}

impl From<Format> for Wire {
    fn from(format: Format) -> Self {
        Self { format, envelope: Envelope::None }
    }
}

/// What a call asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// One turn of a conversation.
    Chat,
    /// The list of models, or one of them; answered without calling upstream.
    Models,
    /// A path of the vendor that is not modelled here: relayed as it is.
    Native,
}

impl Operation {
    /// Every operation.
    pub const ALL: &'static [Self] = &[Self::Chat, Self::Models, Self::Native];

    /// The name users write in `operations` of a match.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "Chat",
            Self::Models => "Models",
            Self::Native => "Native",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is no operation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown operation '{0}'")]
pub struct UnknownOperation(pub String);

impl FromStr for Operation {
    type Err = UnknownOperation;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|operation| operation.as_str() == name)
            .ok_or_else(|| UnknownOperation(name.to_owned()))
    }
}
