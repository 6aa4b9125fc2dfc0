//! A streamed answer, event by event.

use super::{Citation, Finish, Usage};
use crate::ErrorInfo;
use serde_json::Value;

/// One event. Parts may be open at the same time; encoders for formats that forbid it put them in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The answer begins. Exactly once, first.
    Start {
        /// Upstream's id of it.
        id: String,
        /// The model that answers.
        model: String,
        /// When, in seconds since 1970.
        created: Option<u64>,
        /// Tokens, where they are known this early.
        usage: Option<Usage>,
    },
    /// A part begins; `part` numbers are never used twice.
    PartStart {
        /// Its number.
        part: usize,
        /// What it is.
        start: PartStart,
    },
    /// A piece of an open part.
    PartDelta {
        /// Its number.
        part: usize,
        /// The piece.
        delta: PartDelta,
    },
    /// A part is complete.
    PartEnd {
        /// Its number.
        part: usize,
    },
    /// The tier that serves it, in upstream's word. At most once, before the finish.
    ServiceTier(String),
    /// Why the answer ended. At most once; usage may still follow.
    Finish(Finish),
    /// Tokens so far; a later one replaces an earlier one.
    Usage(Usage),
    /// Something of upstream's that has no place among these, by the name that reports of whole replies have for it.
    Lost(String),
    /// Upstream is still there.
    Ping,
    /// Upstream failed; nothing follows.
    Error(ErrorInfo),
    /// The answer is complete. Exactly once, last.
    End,
}

/// What a part is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartStart {
    /// Text.
    Text,
    /// Thinking.
    Thinking,
    /// Thinking that the vendor encrypted, whole.
    RedactedThinking(String),
    /// A tool call.
    ToolCall {
        /// Id of the call.
        id: String,
        /// Name of the tool.
        name: String,
    },
    /// The model declines.
    Refusal,
}

/// A piece of a part.
#[derive(Clone, Debug, PartialEq)]
pub enum PartDelta {
    /// Text of a text, thinking or refusal part.
    Text(String),
    /// The signature of a thinking part, or over the thinking that led to a part of another kind.
    Signature(String),
    /// What the text refers to.
    Citation(Citation),
    /// The likelihood of the tokens of the text that came last, as OpenAI Chat's `logprobs.content` has them.
    Logprobs(Vec<Value>),
    /// A piece of a call's arguments.
    Arguments(String),
}
