//! How credentials are, as metrics and the admin page show it. Names, times and reasons; never a value.

use super::lifecycle::{Lifecycle, Look};
use super::source::Source;
use pillion_snapshot::{CredentialState, Trouble};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use serde_json::{Value, json};
use tokio::time::Instant;

/// One exchange.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct RefreshLabels {
    pub(crate) provider: String,
    /// `azure_workload_identity`, and so on.
    pub(crate) kind: &'static str,
    /// `ok` or `failed`.
    pub(crate) outcome: &'static str,
    /// Why it failed; `none` where it did not.
    pub(crate) reason: &'static str,
}

/// The metrics that exchanges write.
#[derive(Clone, Debug)]
pub(crate) struct CredentialMetrics {
    pub(crate) refreshes: Family<RefreshLabels, Counter>,
    pub(crate) duration: Histogram,
}

impl Default for CredentialMetrics {
    fn default() -> Self {
        let duration = Histogram::new([0.005, 0.02, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0]);
        Self { refreshes: Family::default(), duration }
    }
}

/// How one credential is.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) kind: &'static str,
    /// The providers that use it.
    pub(crate) providers: Vec<String>,
    /// Seconds until the one that is there ends; negative where it has.
    pub(crate) ends_in: Option<f64>,
    ready: bool,
    pending: bool,
    due_in: f64,
    generation: u64,
    failures: u32,
    reason: Option<&'static str>,
    message: Option<String>,
    parameters: Value,
}

impl State {
    pub(crate) fn new(source: &Source, providers: Vec<String>, lifecycle: &Lifecycle, now: Instant) -> Self {
        let seconds_until = |end: Instant| match end.checked_duration_since(now) {
            Some(left) => left.as_secs_f64(),
            None => -now.saturating_duration_since(end).as_secs_f64(),
        };
        let look = lifecycle.look(now);
        let trouble = lifecycle.trouble();
        Self {
            kind: source.kind(),
            providers,
            ends_in: lifecycle.held().map(|held| seconds_until(held.deadline)),
            ready: matches!(look, Look::Ready(_)),
            pending: matches!(look, Look::Wait),
            due_in: seconds_until(lifecycle.due()),
            generation: lifecycle.held().map_or(0, |held| held.generation),
            failures: trouble.map_or(0, |(_, failures)| failures),
            reason: trouble.map(|(error, _)| error.reason),
            message: trouble.map(|(error, _)| error.to_string()),
            parameters: source.shown(),
        }
    }

    /// For the operator.
    pub(crate) fn told(&self) -> CredentialState {
        let trouble = self
            .reason
            .map(|reason| Trouble { reason: reason.into(), message: self.message.clone().unwrap_or_default() });
        match (self.ready, self.pending, trouble) {
            (true, _, None) => CredentialState::Ready,
            (true, _, Some(trouble)) => CredentialState::NotRenewed(trouble),
            (false, false, Some(trouble)) => CredentialState::Failed(trouble),
            (false, _, _) => CredentialState::Pending,
        }
    }

    pub(crate) fn json(&self) -> Value {
        let state = match (self.ready, self.pending) {
            (true, _) if self.reason.is_some() => "ReadyButNotRenewed",
            (true, _) => "Ready",
            (_, true) => "Pending",
            _ => "Failed",
        };
        json!({
            "kind": self.kind,
            "providers": self.providers,
            "state": state,
            "expiresInSeconds": self.ends_in.map(|left| left.round() as i64),
            "renewedInSeconds": self.due_in.max(0.0).round() as i64,
            "generation": self.generation,
            "failures": self.failures,
            "reason": self.reason,
            "message": self.message,
            "identity": self.parameters,
        })
    }
}
