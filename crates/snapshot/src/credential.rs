//! How credentials are at one sidecar, as it tells the operator. States, reasons and hints; never a credential.

use crate::ProviderKey;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// All credentials of a sidecar; replaces what it said before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Credentials {
    /// The stream that carried the snapshot whose providers these are.
    pub stream: String,
    /// By provider; those that need none are left out.
    pub providers: BTreeMap<ProviderKey, CredentialState>,
}

/// How one credential is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "camelCase")]
pub enum CredentialState {
    /// There is one, and it is valid.
    Ready,
    /// There is a valid one still, and the last try to renew it failed.
    NotRenewed(Trouble),
    /// There is none yet; nothing says that there will be none.
    Pending,
    /// There is none: calls fail.
    Failed(Trouble),
    /// Of a newer sidecar.
    #[serde(other)]
    Unknown,
}

/// Why there is no credential, or no newer one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Trouble {
    /// One word, `token_file_missing`.
    pub reason: String,
    /// What happened and what to do about it; never holds a secret.
    pub message: String,
}
