//! Keeps every credential of the served snapshot fresh: one task and so one exchange at a time for each identity,
//! however many requests ask. Requests read what is there; they wait only where nothing is.

use super::credential::Issued;
use super::error::{ExchangeError, Pace};
use super::lifecycle::{COLD, Held, Lifecycle, Look, Refusal};
use super::source::Source;
use super::state::{CredentialMetrics, RefreshLabels, State};
use super::{Clock, clock};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use pillion_snapshot::CredentialState;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use tokio_util::task::AbortOnDropHandle;

/// First exchanges of a new snapshot are spread over so long, unless a request needs one.
const START_JITTER: Duration = Duration::from_secs(2);
/// After a failure the files that an exchange reads are looked at this often.
const LOOK_AT_FILES: Duration = Duration::from_secs(5);
/// Each single call of a token service has its own, shorter time; chains of them end here.
const LONGEST_EXCHANGE: Duration = Duration::from_secs(60);
/// The time of day is compared with the clock that cannot jump this often.
const LOOK_AT_CLOCK: Duration = Duration::from_secs(60);
/// The time of day may drift from the other clock by so many seconds a minute.
const DRIFT: i64 = 30;

/// Asks clouds for credentials.
pub(crate) trait Exchange: Send + Sync + 'static {
    /// One exchange, or one chain of them. Never retries: that is the engine's.
    fn exchange<'a>(&'a self, source: &'a Source) -> BoxFuture<'a, Result<Issued, ExchangeError>>;

    /// Changes when a file that the exchange reads does.
    fn fingerprint(&self, source: &Source) -> u64;

    /// The time of day has jumped: what was learnt of other clocks is void.
    fn forget_clocks(&self);
}

/// Why there is no credential.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unavailable {
    #[error("{error}")]
    Failed { error: Arc<ExchangeError>, retry_in: Duration },
    #[error("its token service has not answered yet")]
    Pending,
}

impl Unavailable {
    /// When another request may have more luck.
    pub(crate) fn retry_in(&self) -> Duration {
        match self {
            Self::Failed { retry_in, .. } => *retry_in,
            Self::Pending => Duration::from_secs(1),
        }
    }
}

/// All credentials.
pub(crate) struct Engine {
    exchange: Arc<dyn Exchange>,
    entries: Mutex<BTreeMap<Arc<Source>, Arc<Entry>>>,
    pub(crate) metrics: CredentialMetrics,
    _clock: AbortOnDropHandle<()>,
}

/// One credential and the task that keeps it.
struct Entry {
    shared: Arc<Shared>,
    _task: AbortOnDropHandle<()>,
}

struct Shared {
    source: Arc<Source>,
    /// Names of the providers that use it, for metrics.
    providers: Mutex<Vec<String>>,
    lifecycle: Mutex<Lifecycle>,
    /// The next exchange may be due earlier than it was.
    hurried: Notify,
    /// An exchange has ended.
    settled: watch::Sender<()>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Engine")
    }
}

impl Engine {
    pub(crate) fn new(exchange: Arc<dyn Exchange>, clock: Clock) -> Arc<Self> {
        Arc::new_cyclic(|engine: &std::sync::Weak<Self>| {
            let engine = engine.clone();
            let watching = watch_clock(clock, move || engine.upgrade().map(|engine| engine.clock_jumped()).is_some());
            Self {
                exchange,
                entries: Mutex::default(),
                metrics: CredentialMetrics::default(),
                _clock: AbortOnDropHandle::new(tokio::spawn(watching)),
            }
        })
    }

    /// Keeps the credentials of these identities from now on, and no others. Each comes with the names of the providers
    /// that use it.
    pub(crate) fn follow(&self, wanted: BTreeMap<Arc<Source>, Vec<String>>) {
        let mut entries = locked(&self.entries);
        entries.retain(|source, _| wanted.contains_key(source));
        for (source, providers) in wanted {
            let entry = entries
                .entry(source.clone())
                .or_insert_with(|| self.keep(source, START_JITTER.mul_f64(fastrand::f64())));
            *locked(&entry.shared.providers) = providers;
            // A new snapshot may have mended what an exchange failed of.
            entry.shared.hurry(|lifecycle, now| lifecycle.changed(now));
        }
    }

    fn keep(&self, source: Arc<Source>, delay: Duration) -> Arc<Entry> {
        let shared = Arc::new(Shared {
            source,
            providers: Mutex::default(),
            lifecycle: Mutex::new(Lifecycle::new(Instant::now(), delay)),
            hurried: Notify::new(),
            settled: watch::Sender::new(()),
        });
        let task = keep(shared.clone(), self.exchange.clone(), self.metrics.clone());
        Arc::new(Entry { shared, _task: AbortOnDropHandle::new(tokio::spawn(task)) })
    }

    fn entry(&self, source: &Arc<Source>) -> Arc<Entry> {
        let mut entries = locked(&self.entries);
        // A request may be ahead of who follows the snapshot.
        entries.entry(source.clone()).or_insert_with(|| self.keep(source.clone(), Duration::ZERO)).clone()
    }

    /// The credential that is valid now. Waits only where there is none and nothing says that none will come, `by` at
    /// the latest.
    ///
    /// # Errors
    /// [`Unavailable`], with the reason of the last exchange.
    pub(crate) async fn credential(&self, source: &Arc<Source>, by: Instant) -> Result<Held, Unavailable> {
        let entry = self.entry(source);
        if let Some(told) = entry.shared.look(Instant::now()) {
            return told;
        }
        let mut settled = entry.shared.settled.subscribe();
        let by = by.min(Instant::now() + COLD);
        loop {
            let now = Instant::now();
            if let Some(told) = entry.shared.look(now) {
                return told;
            }
            entry.shared.hurry(Lifecycle::wanted);
            if now >= by || timeout_at(by, settled.changed()).await.is_err() {
                return Err(entry.shared.why_none(Instant::now()));
            }
        }
    }

    /// A provider has refused the credential of this generation. Returns whether there is another one by now, for which
    /// one exchange at most is made in ten seconds, whoever asks.
    pub(crate) async fn refused(&self, source: &Arc<Source>, generation: u64, by: Instant) -> bool {
        let entry = self.entry(source);
        let mut settled = entry.shared.settled.subscribe();
        let refusal = locked(&entry.shared.lifecycle).refused(generation, Instant::now());
        match refusal {
            Refusal::Newer => true,
            Refusal::Stands => false,
            Refusal::Due => {
                entry.shared.hurried.notify_one();
                let _ = timeout_at(by, settled.changed()).await;
                locked(&entry.shared.lifecycle).held().is_some_and(|held| held.generation > generation)
            }
        }
    }

    /// Nothing that was told by the time of day can be trusted any more.
    pub(crate) fn clock_jumped(&self) {
        self.exchange.forget_clocks();
        for entry in locked(&self.entries).values() {
            let jitter = START_JITTER.mul_f64(fastrand::f64());
            entry.shared.hurry(|lifecycle, now| lifecycle.jumped(now, jitter));
        }
    }

    /// How every credential is, for people and metrics.
    pub(crate) fn states(&self) -> Vec<State> {
        let now = Instant::now();
        locked(&self.entries).values().map(|entry| entry.shared.state(now)).collect()
    }

    /// How the credential of one identity is, for the operator.
    pub(crate) fn state(&self, source: &Source) -> CredentialState {
        let entries = locked(&self.entries);
        entries.get(source).map_or(CredentialState::Pending, |entry| entry.shared.state(Instant::now()).told())
    }
}

impl Shared {
    fn hurry(&self, change: impl FnOnce(&mut Lifecycle, Instant)) {
        change(&mut locked(&self.lifecycle), Instant::now());
        self.hurried.notify_one();
    }

    fn state(&self, now: Instant) -> State {
        State::new(&self.source, locked(&self.providers).clone(), &locked(&self.lifecycle), now)
    }

    /// `None`: wait.
    fn look(&self, now: Instant) -> Option<Result<Held, Unavailable>> {
        match locked(&self.lifecycle).look(now) {
            Look::Ready(held) => Some(Ok(held)),
            Look::Failed(error, retry_in) => Some(Err(Unavailable::Failed { error, retry_in })),
            Look::Wait => None,
        }
    }

    fn why_none(&self, now: Instant) -> Unavailable {
        let lifecycle = locked(&self.lifecycle);
        let retry_in = lifecycle.due().saturating_duration_since(now);
        lifecycle
            .trouble()
            .map_or(Unavailable::Pending, |(error, _)| Unavailable::Failed { error: error.clone(), retry_in })
    }

    /// Returns when the next exchange is due.
    async fn due(&self, exchange: &dyn Exchange, seen: u64) {
        loop {
            let (due, failed) = {
                let lifecycle = locked(&self.lifecycle);
                (lifecycle.due(), lifecycle.trouble().is_some())
            };
            tokio::select! {
                () = sleep_until(due) => return,
                () = self.hurried.notified() => {}
                () = sleep(LOOK_AT_FILES), if failed => {
                    if exchange.fingerprint(&self.source) != seen {
                        locked(&self.lifecycle).changed(Instant::now());
                    }
                }
            }
        }
    }
}

/// Exchange after exchange, for as long as somebody holds the entry.
async fn keep(shared: Arc<Shared>, exchange: Arc<dyn Exchange>, metrics: CredentialMetrics) {
    let mut random = fastrand::Rng::new();
    let mut seen = 0;
    loop {
        shared.due(&*exchange, seen).await;
        seen = exchange.fingerprint(&shared.source);
        locked(&shared.lifecycle).attempt();
        let began = Instant::now();
        // A panic must not be the end of a credential either.
        let exchanged = AssertUnwindSafe(exchange.exchange(&shared.source)).catch_unwind();
        let outcome = match timeout(LONGEST_EXCHANGE, exchanged).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(ExchangeError::new("internal", Pace::Later, "the exchange failed inside the sidecar")),
            Err(_) => {
                let what = format!("the exchange took longer than {LONGEST_EXCHANGE:?}");
                Err(ExchangeError::new("timeout", Pace::Soon, what))
            }
        };
        measure(&shared, &metrics, outcome.as_ref().err(), began.elapsed());
        {
            let mut lifecycle = locked(&shared.lifecycle);
            match outcome {
                Ok(issued) => lifecycle.succeeded(issued, Instant::now(), &mut random),
                Err(error) => lifecycle.failed(error, Instant::now(), &mut random),
            }
        }
        shared.settled.send_replace(());
    }
}

fn measure(shared: &Shared, metrics: &CredentialMetrics, error: Option<&ExchangeError>, took: Duration) {
    let kind = shared.source.kind();
    let providers = locked(&shared.providers).clone();
    for provider in &providers {
        let labels = RefreshLabels {
            provider: provider.clone(),
            kind,
            outcome: if error.is_none() { "ok" } else { "failed" },
            reason: error.map_or("none", |error| error.reason),
        };
        metrics.refreshes.get_or_create(&labels).inc();
    }
    metrics.duration.observe(took.as_secs_f64());
    let providers = providers.join(",");
    match error {
        None => tracing::info!(kind, providers, "credential renewed"),
        Some(error) => tracing::warn!(kind, providers, reason = error.reason, %error, "no new credential"),
    }
}

/// Calls `jumped` when the time of day has moved otherwise than the clock that cannot jump; ends when that says false.
async fn watch_clock(clock: Clock, jumped: impl Fn() -> bool) {
    loop {
        let (wall, began) = (clock.now(), Instant::now());
        sleep(LOOK_AT_CLOCK).await;
        let passed = i64::try_from(began.elapsed().as_secs()).unwrap_or(i64::MAX);
        let drift = clock::seconds_between(clock.now(), wall) - passed;
        if drift.abs() > DRIFT {
            tracing::warn!(seconds = drift, "the time of day has jumped, every credential is renewed");
            if !jumped() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests;
