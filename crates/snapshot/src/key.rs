//! Keys that the operator streams beside snapshots: what is not part of one, is in no hash and is never kept on a disk.

use crate::Trouble;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Keys by the id that a snapshot's [`crate::CredentialSource::Streamed`] names. What is not in it stays as it was.
pub type Keys = BTreeMap<String, Key>;

/// One key, or why there is none. `Debug` never shows it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "camelCase")]
pub enum Key {
    /// The key as it is now.
    Given {
        /// Tells it from what the same id held before and later; opaque.
        generation: String,
        /// The key, or the text of a file of keys.
        value: String,
    },
    /// There is none. A sidecar that has one from before goes on with it.
    Missing(Trouble),
    /// There must be none: what was given before is forgotten.
    Withdrawn(Trouble),
    /// Of a newer operator: stays as it was.
    #[serde(other)]
    Unknown,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given { generation, .. } => write!(f, "Given({generation}, redacted)"),
            Self::Missing(trouble) => f.debug_tuple("Missing").field(trouble).finish(),
            Self::Withdrawn(trouble) => f.debug_tuple("Withdrawn").field(trouble).finish(),
            Self::Unknown => f.write_str("Unknown"),
        }
    }
}

/// A key that a provider refused, as a sidecar tells it: the operator looks whether there is another by now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RefusedKey {
    /// Which.
    pub id: String,
    /// The one that was refused.
    pub generation: String,
}
