//! From an identity to a credential: one file a cloud, and what they share. Only what talks to the network and to files
//! is here; requests are built and replies are read by the pure parts of each cloud.

use super::clock::{Clock, seconds_between, shifted};
use super::credential::Issued;
use super::engine::Exchange;
use super::error::{ExchangeError, Pace};
use super::keys::{Keys, fingerprint_of};
use super::lifetime::{BELIEVED, Received};
use super::secret::{Document, Secret};
use super::source::Source;
use super::transport::Transport;
use super::{aws, azure, gcp, projected};
use futures::future::BoxFuture;
use pillion_snapshot::{CredentialSource, TokenFile};
use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// What exchanges are made with.
pub(crate) struct Exchanger {
    pub(crate) transport: Transport,
    pub(crate) clock: Clock,
    pub(crate) keys: Arc<Keys>,
    /// Where kubelet puts the pod's tokens, one file an audience.
    pub(crate) tokens: PathBuf,
    /// Variables that the clouds' own webhooks set.
    pub(crate) environment: BTreeMap<String, String>,
    /// How this pod is called in the clouds' audit logs.
    pub(crate) session_name: String,
    pub(crate) skews: Arc<Skews>,
}

impl Exchange for Exchanger {
    fn exchange<'a>(&'a self, source: &'a Source) -> BoxFuture<'a, Result<Issued, ExchangeError>> {
        Box::pin(async move {
            match source {
                Source::Aws(identity) => aws::exchange(self, identity).await,
                Source::Azure(identity) => azure::exchange(self, identity).await,
                Source::Gcp(identity) => gcp::exchange(self, identity).await,
            }
        })
    }

    fn fingerprint(&self, source: &Source) -> u64 {
        let mut hasher = DefaultHasher::new();
        for file in self.files(source) {
            fingerprint_of(&file).hash(&mut hasher);
        }
        source.key().map(|key| self.keys.fingerprint(key)).hash(&mut hasher);
        hasher.finish()
    }

    fn forget_clocks(&self) {
        self.skews.forget();
    }
}

impl Exchanger {
    /// A variable that a cloud's webhook set.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The file of a token: ours, or the one that a cloud's webhook mounted where only that is there.
    pub(crate) fn token_file(&self, token: &TokenFile, variable: &str) -> PathBuf {
        let ours = self.tokens.join(&token.name);
        match self.variable(variable) {
            Some(theirs) if !ours.exists() => theirs.into(),
            _ => ours,
        }
    }

    /// What a file of keys holds now.
    pub(crate) fn document(&self, credential: &CredentialSource) -> Result<Document, ExchangeError> {
        self.keys.latest(credential).map_err(|error| ExchangeError::new("key_missing", Pace::Rarely, error.to_string()))
    }

    /// Exchanges the token in `file`; once more where it is refused and kubelet has renewed it meanwhile.
    pub(crate) async fn with_token<F>(
        &self,
        file: &Path,
        exchange: impl Fn(Secret) -> F,
    ) -> Result<Issued, ExchangeError>
    where
        F: Future<Output = Result<Issued, ExchangeError>>,
    {
        let token = projected::read(file, self.clock.now())?;
        let refused = match exchange(token.clone()).await {
            Err(error) if error.reason == "token_refused" => error,
            other => return other,
        };
        match projected::read(file, self.clock.now())? {
            renewed if renewed == token => Err(refused),
            renewed => exchange(renewed).await,
        }
    }

    fn files(&self, source: &Source) -> Vec<PathBuf> {
        match source {
            Source::Aws(identity) => aws::token_files(self, &identity.source),
            Source::Azure(identity) => azure::token_files(self, identity),
            Source::Gcp(identity) => gcp::token_files(self, &identity.source),
        }
    }
}

/// By how much the clocks of hosts that check our time of day differ from ours, in seconds, as their refusals taught.
#[derive(Debug, Default)]
pub(crate) struct Skews(Mutex<HashMap<String, i64>>);

impl Skews {
    pub(crate) fn offset(&self, host: &str) -> i64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(host).copied().unwrap_or_default()
    }

    pub(crate) fn now_at(&self, host: &str, clock: &Clock) -> SystemTime {
        shifted(clock.now(), self.offset(host))
    }

    pub(crate) fn learn(&self, host: &str, offset: i64) {
        tracing::warn!(
            host,
            seconds = offset,
            "this node's clock is off by so much, requests are dated by the other side's"
        );
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(host.to_owned(), offset);
    }

    /// Learns from a refusal that may be due to our clock. Returns whether the next try is dated otherwise.
    pub(crate) fn correct(&self, host: &str, received: &Received) -> bool {
        let differs = |skew: &i64| (skew - self.offset(host)).abs() > BELIEVED;
        let skew = received.skew().filter(differs);
        skew.into_iter().for_each(|skew| self.learn(host, skew));
        skew.is_some()
    }

    /// Learns from a reply to a request that was dated by what had been learnt: the node's clock may have been set right
    /// meanwhile.
    pub(crate) fn confirm(&self, host: &str, used: i64, date: Option<SystemTime>, clock: &Clock) {
        let Some(date) = date.filter(|_| used != 0) else { return };
        let offset = seconds_between(date, clock.now());
        if (offset - used).abs() > BELIEVED {
            self.learn(host, if offset.abs() > BELIEVED { offset } else { 0 });
        }
    }

    pub(crate) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
