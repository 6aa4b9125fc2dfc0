//! A complete answer.

use super::{Part, Usage};
use serde_json::Value;

/// A complete answer of one choice.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Upstream's id of it.
    pub id: String,
    /// The model that answered.
    pub model: String,
    /// When it was made, in seconds since 1970, where upstream tells.
    pub created: Option<u64>,
    /// What it says.
    pub parts: Vec<Part>,
    /// Why it ended.
    pub finish: Finish,
    /// Tokens it took.
    pub usage: Option<Usage>,
    /// The tier that served it.
    pub service_tier: Option<String>,
    /// The likelihood of each token, as OpenAI Chat's `logprobs.content` has it; empty where it was not told.
    pub logprobs: Vec<Value>,
}

/// Why an answer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finish {
    /// In words that every format has.
    pub kind: FinishKind,
    /// In upstream's own word.
    pub native: String,
    /// The stop text that was met, where upstream tells.
    pub stop_sequence: Option<String>,
}

/// Why an answer ended, in words that every format has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FinishKind {
    /// It was complete.
    Stop,
    /// A stop text was met.
    StopSequence,
    /// It grew too long.
    Length,
    /// The context was full.
    ContextFull,
    /// A tool is to be called.
    ToolCalls,
    /// The vendor paused a long turn.
    Pause,
    /// The model or the vendor refused.
    Refusal,
}

impl Finish {
    /// A finish of this kind.
    #[must_use]
    pub fn new(kind: FinishKind, native: impl Into<String>) -> Self {
        Self { kind, native: native.into(), stop_sequence: None }
    }
}
