//! What a relayed stream or reply says to a gateway that only watches: usage, the finish, the first delta, errors.

use crate::{ErrorInfo, Usage};

/// What a stream has said so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Noted {
    pub(crate) usage: Option<Usage>,
    pub(crate) finish: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) has_delta: bool,
    pub(crate) ended: bool,
    pub(crate) error: Option<ErrorInfo>,
    /// How many frames said something: comments and pings, which only keep a connection open, are not counted.
    pub(crate) said: u64,
    /// The number of the next event, in formats that number them.
    pub(crate) sequence: u64,
}

/// What becomes of one frame of a relayed stream.
#[derive(Debug, PartialEq)]
pub(crate) enum Seen {
    /// It goes on as it came.
    Keep,
    /// It tells usage and nothing else: for a client that did not ask for it, it is left out.
    OnlyUsage,
    /// Upstream reports an error.
    Error(Box<ErrorInfo>),
    /// Its data is not of the format.
    Garbage,
}

/// What a whole reply says beside its content.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Observed {
    pub(crate) usage: Option<Usage>,
    pub(crate) finish: Option<String>,
    pub(crate) model: Option<String>,
}
