//! Static keys, wherever they are: in files that kubelet mounts, or in memory as the operator streamed them.

mod mounted;
mod streamed;

pub(crate) use mounted::fingerprint_of;
pub(crate) use streamed::Streamed;

use super::secret::{Document, Secret, SecretError};
use mounted::Mounted;
use pillion_snapshot::{CredentialSource, Trouble};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

/// Why a key cannot be used; never repeats it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeyError {
    #[error("key '{0}' is not a file name")]
    Name(String),
    #[error("there is no key '{0}'")]
    Missing(String),
    #[error("failed to read key '{key}': {why}")]
    Read { key: String, why: String },
    #[error("key '{key}' cannot be used: {why}")]
    Unusable { key: String, why: SecretError },
    #[error("the operator has not sent key '{0}' yet")]
    NotSent(String),
    #[error("the operator sends no key '{key}': {}", trouble.message)]
    Withheld { key: String, trouble: Box<Trouble> },
}

/// All of them.
#[derive(Default)]
pub(crate) struct Keys {
    mounted: Mounted,
    pub(crate) streamed: Streamed,
}

impl Keys {
    /// `folder` holds the mounted ones.
    pub(crate) fn new(folder: Option<PathBuf>) -> Self {
        Self { mounted: Mounted::new(folder), ..Self::default() }
    }

    /// Replaces the keys given in memory in the place of mounted ones.
    pub(crate) fn give(&self, keys: BTreeMap<String, Vec<u8>>) {
        self.mounted.give(keys);
    }

    /// The key as it is now, to be sent in a header or a query.
    pub(crate) fn get(&self, source: &CredentialSource, now: Instant) -> Result<Secret, KeyError> {
        match source {
            CredentialSource::Mounted { key } => self.mounted.get(key, now),
            CredentialSource::Streamed { id } => self.streamed.get(id),
        }
    }

    /// What the key holds now, whatever it is. Reads a small file of a memory file system at most, so it does not wait.
    pub(crate) fn document(&self, source: &CredentialSource, now: Instant) -> Result<Document, KeyError> {
        match source {
            CredentialSource::Mounted { key } => self.mounted.document(key, now),
            CredentialSource::Streamed { id } => self.streamed.document(id),
        }
    }

    /// What the key holds now, looked at again however lately that was done: for what is used rarely.
    pub(crate) fn latest(&self, source: &CredentialSource) -> Result<Document, KeyError> {
        match source {
            CredentialSource::Mounted { key } => self.mounted.latest(key),
            CredentialSource::Streamed { id } => self.streamed.document(id),
        }
    }

    /// Changes when what the key holds does.
    pub(crate) fn fingerprint(&self, source: &CredentialSource) -> u64 {
        match source {
            CredentialSource::Mounted { key } => self.mounted.fingerprint(key),
            CredentialSource::Streamed { id } => self.streamed.number(id).unwrap_or_default(),
        }
    }
}
