//! Why a cloud gave no credential: what happened, how soon another try makes sense, and what to do about it. Repeats
//! nothing that a token service wrote, save its error's own code.

use std::fmt;
use std::time::Duration;

/// How soon another try makes sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// It will pass by itself: after 0.5 s, then ever later up to 60 s.
    Soon,
    /// Somebody's permission is missing or has not spread yet: after 15 s, then ever later up to 5 min.
    Later,
    /// Something is written wrong: each 5 min, and at once when a file or the configuration changes.
    Rarely,
}

/// Why an exchange gave no credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExchangeError {
    /// One word for metrics, `throttled`.
    pub(crate) reason: &'static str,
    pub(crate) pace: Pace,
    /// How long the service asked to be left alone.
    pub(crate) retry_after: Option<Duration>,
    /// What happened, for people.
    pub(crate) what: String,
    /// What to do about it, where that is known.
    pub(crate) hint: Option<&'static str>,
}

impl ExchangeError {
    pub(crate) fn new(reason: &'static str, pace: Pace, what: impl Into<String>) -> Self {
        Self { reason, pace, retry_after: None, what: what.into(), hint: None }
    }

    pub(crate) fn hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }

    pub(crate) fn after(mut self, retry_after: Option<Duration>) -> Self {
        self.retry_after = retry_after;
        self
    }

    /// A reply that says nothing that we understand.
    pub(crate) fn garbage(who: &str, why: impl fmt::Display) -> Self {
        Self::new("garbage", Pace::Soon, format!("the reply of {who} could not be understood: {why}"))
    }

    /// A parameter that no exchange can be made with.
    pub(crate) fn misconfigured(what: impl Into<String>) -> Self {
        Self::new("misconfigured", Pace::Rarely, what)
    }
}

impl fmt::Display for ExchangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        self.hint.map_or(Ok(()), |hint| write!(f, " ({hint})"))
    }
}

impl std::error::Error for ExchangeError {}
