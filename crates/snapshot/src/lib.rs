//! The contract operator → sidecar: plain versioned values, no Kubernetes words, no I/O.
//!
//! ```text
//! Snapshot ─┬─ rules: [Rule]  (in the order they are tried)
//!           │    ├─ matches:  [Match]    models, operations, formats, headers
//!           │    ├─ backends: [Backend] ──provider key──┐
//!           │    └─ timeouts, retry                     │
//!           └─ providers: {key: Provider} ◀─────────────┘
//!                └─ endpoint, auth (a key's name, or a cloud's identity)
//! Keys ── {id: Key}, beside it
//! ```
//!
//! Guarantees: equal values serialise to equal bytes; [`Snapshot::seal`] names them by content, so an operator's
//! replicas agree on a version without talking. Unknown fields are ignored, so that sidecars of N-2…N+1 understand
//! each other's operators; an unknown *variant* fails to parse and is refused by the sidecar, which keeps its last
//! good snapshot and says so in its [`Report`].

mod credential;
mod hosts;
mod identity;
mod key;
mod pattern;
mod provider;
mod rule;
mod stream;

pub use credential::{CredentialState, Credentials, Trouble};
pub use hosts::ExtraHosts;
pub use identity::{
    AssumeRole, AwsIdentity, AwsSource, AzureCloud, AzureIdentity, AzureSource, GcpIdentity, GcpSource,
    ManagedIdentityId, TokenFile,
};
pub use key::{Key, Keys, RefusedKey};
pub use pattern::ModelPattern;
pub use provider::{ApiKeyPlacement, Auth, CredentialSource, Provider, ProviderKey};
pub use rule::{Backend, HeaderMatch, Match, Metering, Params, Retry, RetryOn, Rule, RuleName, Timeouts, Translation};
pub use stream::{Ack, Line, Outcome, ReadError, Report, read_line, write_line};

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// All that one class of workloads may call, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// Name of this content: the first 16 hex digits of the SHA-256 of its JSON; empty until sealed. Travels beside
    /// the content, see [`Line`].
    #[serde(skip)]
    pub version: String,
    /// Tried in this order; the first whose [`Match`] holds takes the call.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// Every provider that a rule names and that could be resolved.
    #[serde(default)]
    pub providers: BTreeMap<ProviderKey, Provider>,
    /// Hosts besides the clouds' own that clouds' credentials are sent to.
    #[serde(default, skip_serializing_if = "ExtraHosts::is_empty")]
    pub extra_hosts: ExtraHosts,
    /// The objects that this snapshot was made of and their generations, so that an ack says which
    /// generation a sidecar serves (`AIRoute/team-a/chat` → 3).
    #[serde(default)]
    pub sources: BTreeMap<String, i64>,
}

impl Snapshot {
    /// Fills in `version` from the rest of the content. Idempotent.
    #[must_use]
    pub fn seal(mut self) -> Self {
        self.version = version_of(self.to_json().as_bytes());
        self
    }

    /// Ids of the keys that are streamed beside it.
    #[must_use]
    pub fn streamed_keys(&self) -> BTreeSet<&str> {
        let keys = self.providers.values().filter_map(|provider| provider.auth.key());
        keys.filter_map(|key| match key {
            CredentialSource::Streamed { id } => Some(id.as_str()),
            CredentialSource::Mounted { .. } => None,
        })
        .collect()
    }

    fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a snapshot has only string keys")
    }
}

/// The version of content with this JSON: the first 16 hex digits of its SHA-256.
fn version_of(json: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, json);
    digest.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
