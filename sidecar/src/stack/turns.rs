//! Whose turn it is: the backends of a rule in the order of their draw, and round again, as often as the rule and the
//! causes of failure allow.

use super::attempt::Failed;
use super::candidates;
use super::record::Record;
use crate::error::{Again, Failure};
use crate::snapshots::{Backend, Rule};
use pillion_snapshot::RetryOn;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Before a backend is tried a second time; doubled each round, and jittered.
const BACKOFF: Duration = Duration::from_millis(50);

pub(crate) struct Turns<'a> {
    waiting: VecDeque<&'a Arc<Backend>>,
    untried: usize,
    attempts: u32,
    retries: bool,
    deadline: Instant,
}

/// One attempt to make.
pub(crate) struct Turn<'a> {
    pub(crate) backend: &'a Arc<Backend>,
    /// Another backend is untried and there is an attempt left for it.
    pub(crate) may_fail_over: bool,
}

impl<'a> Turns<'a> {
    /// Draws the order. `able`: which backends can serve the call at all.
    pub(crate) fn new(rule: &'a Rule, deadline: Instant, able: impl Fn(&Backend) -> bool) -> Self {
        let mut waiting = candidates::order(rule);
        waiting.retain(|backend| able(backend));
        let retries = rule.retry.on.contains(&RetryOn::Connect);
        Self { untried: waiting.len(), waiting, attempts: rule.retry.attempts, retries, deadline }
    }

    /// Only one attempt can be made, because the body is sent as it comes.
    pub(crate) fn once(mut self) -> Self {
        self.attempts = 1;
        self
    }

    /// The next attempt; waits before a backend's second.
    pub(crate) async fn next(&mut self, record: &Record) -> Option<Turn<'a>> {
        let backend = self.waiting.pop_front()?;
        match self.untried.checked_sub(1) {
            Some(left) => self.untried = left,
            None => {
                let pause = Instant::now() + backoff(record.attempts(), self.waiting.len() + 1);
                tokio::time::sleep_until(pause.min(self.deadline)).await;
            }
        }
        let may_fail_over = self.retries && self.untried > 0 && record.attempts() + 1 < self.attempts;
        Some(Turn { backend, may_fail_over })
    }

    /// Takes note of a failed attempt.
    ///
    /// # Errors
    /// The call's failure, where no other attempt follows.
    pub(crate) fn failed(&mut self, backend: &'a Arc<Backend>, failed: Failed, record: &Record) -> Result<(), Failure> {
        let again = if self.retries { failed.again } else { Again::Never };
        if again == Again::Anywhere {
            self.waiting.push_back(backend);
        }
        let exhausted = record.attempts() >= self.attempts || self.waiting.is_empty();
        let spent = again != Again::Never && exhausted;
        if again != Again::Never && !exhausted && Instant::now() < self.deadline {
            return Ok(());
        }
        let Failed { cause, headers, raw, .. } = failed;
        Err(Failure { cause, spent, headers, raw })
    }
}

/// Full jitter over 50, 100, 200 … ms, counted in rounds through the backends.
fn backoff(attempts: u32, backends: usize) -> Duration {
    let round = attempts / u32::try_from(backends.max(1)).unwrap_or(1);
    (BACKOFF * (1 << round.saturating_sub(1).min(5))).mul_f64(fastrand::f64())
}
