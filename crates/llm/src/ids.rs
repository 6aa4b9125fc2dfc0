//! The names of dialects, wire formats and operations: what users write in matches and the gateway writes in logs.

use std::fmt;
use std::str::FromStr;

/// How a client speaks: the prefix of its base URL, the shape of its errors and lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// OpenAI's API, and what imitates it.
    OpenAI,
    /// Anthropic's API.
    Anthropic,
}

impl Dialect {
    /// Every dialect.
    pub const ALL: &'static [Self] = &[Self::OpenAI, Self::Anthropic];

    /// The name users write in `formats` of a match.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenAI => "OpenAI",
            Self::Anthropic => "Anthropic",
        }
    }

    /// What follows `/-/` in the base URL that injection sets.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::OpenAI => "openai",
            Self::Anthropic => "anthropic",
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
    /// `POST /v1/messages`.
    AnthropicMessages,
}

impl Format {
    /// Every format.
    pub const ALL: &'static [Self] = &[Self::OpenAIChat, Self::AnthropicMessages];

    /// The dialect whose clients send it.
    #[must_use]
    pub fn dialect(self) -> Dialect {
        match self {
            Self::OpenAIChat => Dialect::OpenAI,
            Self::AnthropicMessages => Dialect::Anthropic,
        }
    }

    /// Name for logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenAIChat => "OpenAIChat",
            Self::AnthropicMessages => "AnthropicMessages",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
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
