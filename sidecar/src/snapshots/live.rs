//! The snapshot that is served now: swapped whole under its readers, never taken away.

use super::prepared::{PrepareError, Prepared};
use arc_swap::ArcSwapOption;
use pillion_snapshot::Snapshot;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// Where the served snapshot came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The operator's stream.
    Stream,
    /// The last good one, from this sidecar's own state folder.
    LastGood,
    /// Files on disk, or the process that embeds this one.
    Local,
}

impl Origin {
    /// For logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::LastGood => "last_good",
            Self::Local => "local",
        }
    }
}

/// What is served: a snapshot's version, and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Serving {
    /// [`Snapshot::version`].
    pub version: String,
    /// Its source.
    pub origin: Origin,
    /// When it was applied.
    pub since: std::time::Instant,
}

/// The served snapshot and who waits for it.
#[derive(Debug)]
pub(crate) struct Live {
    prepared: ArcSwapOption<Prepared>,
    serving: watch::Sender<Option<Serving>>,
    refused: AtomicU64,
    /// Held while a snapshot is applied, so that sources take turns.
    applying: Mutex<()>,
}

impl Live {
    pub(crate) fn new() -> Self {
        let serving = watch::Sender::new(None);
        Self { prepared: ArcSwapOption::empty(), serving, refused: AtomicU64::new(0), applying: Mutex::new(()) }
    }

    /// What is served now; `None` before the first snapshot.
    pub(crate) fn load(&self) -> Option<Arc<Prepared>> {
        self.prepared.load_full()
    }

    /// Serves `snapshot` from now on, or keeps what was served and says why.
    pub(crate) fn apply(&self, snapshot: Snapshot, origin: Origin) -> Result<(), PrepareError> {
        let _applying = self.applying.lock().unwrap_or_else(PoisonError::into_inner);
        self.replace(snapshot, origin)
    }

    /// As [`Self::apply`], but only where nothing is served yet.
    pub(crate) fn apply_first(&self, snapshot: Snapshot, origin: Origin) -> Result<(), PrepareError> {
        let _applying = self.applying.lock().unwrap_or_else(PoisonError::into_inner);
        if self.prepared.load().is_some() { Ok(()) } else { self.replace(snapshot, origin) }
    }

    fn replace(&self, snapshot: Snapshot, origin: Origin) -> Result<(), PrepareError> {
        let version = snapshot.version.clone();
        let prepared = match Prepared::new(snapshot) {
            Ok(prepared) => prepared,
            Err(error) => {
                self.refuse();
                tracing::warn!(version, origin = origin.as_str(), reason = %error, "snapshot refused");
                return Err(error);
            }
        };
        let rules = prepared.rules.len();
        self.prepared.store(Some(Arc::new(prepared)));
        tracing::info!(version, origin = origin.as_str(), rules, "snapshot applied");
        self.serving.send_replace(Some(Serving { version, origin, since: std::time::Instant::now() }));
        Ok(())
    }

    /// Counts a snapshot that was not served.
    pub(crate) fn refuse(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Follows what is served.
    pub(crate) fn watch(&self) -> watch::Receiver<Option<Serving>> {
        self.serving.subscribe()
    }
}
