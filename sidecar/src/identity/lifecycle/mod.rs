//! What becomes of one credential: when the next exchange is due, what may be used until then, and what is said when
//! nothing may. A pure machine: time is passed in, nothing is awaited. Nothing is terminal: there is always a next
//! exchange.
//!
//! ```text
//!            ┌──────────────── succeeded ────────────────┐
//!   (born) ──┤ due ─▶ exchange                           ▼
//!            │          └─ failed ─▶ trouble ─ due ─▶  held ─ due ─▶ exchange …
//!            └─────────────▲───────────┘                 │ the provider refused it: due at once
//! ```

use super::credential::{Credential, Habit, Issued};
use super::error::{ExchangeError, Pace};
use super::lifetime::MARGIN;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A service's wish to be left alone is followed up to here.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(300);
/// A credential that providers refuse is renewed once in this time, however many requests are refused.
const REFUSALS_EVERY: Duration = Duration::from_secs(10);
/// The next exchange after a success follows no sooner.
const SOONEST: Duration = Duration::from_secs(10);
/// In the first seconds of a pod the node's services may not be ready: who asks then is kept waiting so long, which is
/// longer than one call of a service may take.
pub(crate) const COLD: Duration = Duration::from_secs(12);

#[derive(Debug)]
pub(crate) struct Lifecycle {
    held: Option<Held>,
    trouble: Option<Trouble>,
    generation: u64,
    due: Instant,
    /// A service asked to be left alone until then.
    not_before: Option<Instant>,
    born: Instant,
    attempted: bool,
    /// When a provider's refusal last led to an exchange, and whether that is still under way.
    refused: Option<Instant>,
    renewing: bool,
}

/// The credential that is used now.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) credential: Credential,
    /// Grows with each other credential.
    pub(crate) generation: u64,
    pub(crate) deadline: Instant,
    /// It is not used in its last seconds: a tenth of what was left when it came, [`MARGIN`] at most.
    margin: Duration,
    habit: Habit,
}

/// Exchanges have failed since the last one that succeeded.
#[derive(Clone, Debug)]
struct Trouble {
    error: Arc<ExchangeError>,
    failures: u32,
}

/// What a request that needs the credential is told.
#[derive(Debug)]
pub(crate) enum Look {
    Ready(Held),
    /// An exchange is due or under way, and nothing says that it will fail.
    Wait,
    /// The last exchange failed; the next is so far away.
    Failed(Arc<ExchangeError>, Duration),
}

/// What a refused credential means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is another one by now.
    Newer,
    /// Another one is asked for now.
    Due,
    /// One was asked for a moment ago, or must not be asked for yet: the refusal stands.
    Stands,
}

impl Lifecycle {
    /// The first exchange is due after `delay`.
    pub(crate) fn new(now: Instant, delay: Duration) -> Self {
        Self {
            held: None,
            trouble: None,
            generation: 0,
            due: now + delay,
            not_before: None,
            born: now,
            attempted: false,
            refused: None,
            renewing: false,
        }
    }

    /// When the next exchange is due.
    pub(crate) fn due(&self) -> Instant {
        self.due
    }

    /// What a request gets now.
    pub(crate) fn look(&self, now: Instant) -> Look {
        if let Some(held) = self.usable(now) {
            return Look::Ready(held.clone());
        }
        match &self.trouble {
            None => Look::Wait,
            Some(trouble) => {
                let cold = self.generation == 0 && now < self.born + COLD;
                match cold && trouble.error.pace == Pace::Soon {
                    true => Look::Wait,
                    false => Look::Failed(trouble.error.clone(), self.due.saturating_duration_since(now)),
                }
            }
        }
    }

    fn usable(&self, now: Instant) -> Option<&Held> {
        let held = self.held.as_ref()?;
        let unreachable = self.trouble.as_ref().is_some_and(|trouble| trouble.error.pace == Pace::Soon);
        let grace = if unreachable { held.habit.grace } else { Duration::ZERO };
        (now + held.margin < held.deadline + grace).then_some(held)
    }

    /// Somebody needs the credential: a first exchange that was put off is made now.
    pub(crate) fn wanted(&mut self, now: Instant) {
        if !self.attempted {
            self.due = self.due.min(now);
        }
    }

    /// An exchange begins.
    pub(crate) fn attempt(&mut self) {
        self.attempted = true;
    }

    /// The exchange gave a credential.
    pub(crate) fn succeeded(&mut self, issued: Issued, now: Instant, random: &mut fastrand::Rng) {
        let same = self.held.as_ref().is_some_and(|held| held.credential == issued.credential);
        if !same {
            self.generation += 1;
        }
        let left = issued.deadline.saturating_duration_since(now);
        self.due = now + if same { again(left) } else { renewal(left, issued.refresh_in, issued.habit, random) };
        self.trouble = None;
        self.not_before = None;
        self.renewing = false;
        let margin = self.held.as_ref().filter(|_| same).map_or((left / 10).min(MARGIN), |held| held.margin);
        self.held = Some(Held {
            credential: issued.credential,
            generation: self.generation,
            deadline: issued.deadline,
            margin,
            habit: issued.habit,
        });
    }

    /// The exchange gave none.
    pub(crate) fn failed(&mut self, error: ExchangeError, now: Instant, random: &mut fastrand::Rng) {
        let failures = self.trouble.as_ref().map_or(0, |trouble| trouble.failures) + 1;
        let asked = error.retry_after.map(|wait| wait.min(LONGEST_RETRY_AFTER));
        let pause = backoff(error.pace, failures, random).max(asked.unwrap_or_default());
        self.due = now + pause;
        self.not_before = asked.map(|wait| now + wait);
        self.trouble = Some(Trouble { error: Arc::new(error), failures });
        self.renewing = false;
    }

    /// A provider refused the credential of this generation.
    pub(crate) fn refused(&mut self, generation: u64, now: Instant) -> Refusal {
        if generation < self.generation {
            return Refusal::Newer;
        }
        if self.renewing {
            return Refusal::Due;
        }
        let lately = self.refused.is_some_and(|refused| now < refused + REFUSALS_EVERY);
        let asked_to_wait = self.not_before.is_some_and(|until| now < until);
        if lately || asked_to_wait {
            return Refusal::Stands;
        }
        self.refused = Some(now);
        self.renewing = true;
        self.due = self.due.min(now);
        Refusal::Due
    }

    /// What an exchange needs has changed (a file, the configuration): one that failed is made again.
    pub(crate) fn changed(&mut self, now: Instant) {
        if self.trouble.is_some() {
            self.hurry(now);
        }
    }

    /// The time of day has jumped: nothing that was told by it can be trusted.
    pub(crate) fn jumped(&mut self, now: Instant, jitter: Duration) {
        self.hurry(now + jitter);
    }

    /// Brings the next exchange forward, as far as the service allows.
    fn hurry(&mut self, to: Instant) {
        self.due = self.due.min(self.not_before.map_or(to, |until| to.max(until)));
    }

    /// Since when it is not well, and how.
    pub(crate) fn trouble(&self) -> Option<(&Arc<ExchangeError>, u32)> {
        self.trouble.as_ref().map(|trouble| (&trouble.error, trouble.failures))
    }

    /// The credential that is there, whether or not it may still be used.
    pub(crate) fn held(&self) -> Option<&Held> {
        self.held.as_ref()
    }
}

/// How long after a success the next exchange is due: when the issuer wishes, or after three quarters of the lifetime,
/// ± 5 %; no later than 5 min, or a tenth of the lifetime if that is less, before its end. Sooner makes no sense where
/// the issuer would give the same one.
fn renewal(left: Duration, wished: Option<Duration>, habit: Habit, random: &mut fastrand::Rng) -> Duration {
    let due = match habit.keeps_until {
        // 0 to 30 s later than that, so that a node's pods do not ask all at once.
        Some(before) => left.saturating_sub(before) + Duration::from_secs(30).min(before / 4).mul_f64(random.f64()),
        None => {
            let wished = wished.filter(|wished| !wished.is_zero() && *wished < left);
            let about = wished.unwrap_or(left.mul_f64(0.75)).mul_f64(0.95 + 0.1 * random.f64());
            about.min(left - Duration::from_secs(300).min(left / 10))
        }
    };
    due.max(SOONEST)
}

/// The same credential came again: the issuer has no other yet. Asks again after a quarter of what is left.
fn again(left: Duration) -> Duration {
    (left / 4).max(SOONEST)
}

/// How long after the n-th failure the next exchange is due.
fn backoff(pace: Pace, failures: u32, random: &mut fastrand::Rng) -> Duration {
    let doubled = |first: Duration, most: Duration| (first * (1 << failures.saturating_sub(1).min(10))).min(most);
    match pace {
        // Full jitter, but never at once.
        Pace::Soon => {
            let most = doubled(Duration::from_millis(500), Duration::from_secs(60));
            most.mul_f64(random.f64()).max(Duration::from_millis(250))
        }
        Pace::Later => doubled(Duration::from_secs(15), Duration::from_secs(300)).mul_f64(0.5 + 0.5 * random.f64()),
        Pace::Rarely => Duration::from_secs(300).mul_f64(0.9 + 0.1 * random.f64()),
    }
}

#[cfg(test)]
mod tests;
