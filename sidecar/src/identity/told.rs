//! How the credentials of a snapshot's providers are, in the words that the operator is told.

use super::engine::Engine;
use super::keys::{KeyError, Keys};
use super::source::Source;
use http::Uri;
use pillion_snapshot::{Auth, CredentialSource, CredentialState, ExtraHosts, Provider, ProviderKey, Snapshot, Trouble};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// Knows how every credential is.
#[derive(Clone)]
pub(crate) struct CredentialStates {
    pub(crate) keys: Arc<Keys>,
    pub(crate) engine: Arc<Engine>,
}

impl CredentialStates {
    /// By provider; those that need no credential are left out.
    pub(crate) fn of(&self, snapshot: &Snapshot) -> BTreeMap<ProviderKey, CredentialState> {
        let state = |provider: &Provider| match &provider.auth {
            Auth::None | Auth::Passthrough => None,
            Auth::ApiKey { source, .. } => Some(self.of_key(source)),
            auth => Source::of(auth).map(|source| self.of_cloud(&source, &provider.endpoint, &snapshot.extra_hosts)),
        };
        snapshot.providers.iter().filter_map(|(key, provider)| Some((key.clone(), state(provider)?))).collect()
    }

    fn of_key(&self, source: &CredentialSource) -> CredentialState {
        match (self.keys.get(source, Instant::now()), source) {
            (Ok(_), CredentialSource::Mounted { .. }) => CredentialState::Ready,
            (Ok(_), CredentialSource::Streamed { id }) => {
                self.keys.streamed.trouble(id).map_or(CredentialState::Ready, CredentialState::NotRenewed)
            }
            (Err(KeyError::NotSent(_)), _) => CredentialState::Pending,
            (Err(KeyError::Withheld { trouble, .. }), _) => CredentialState::Failed(*trouble),
            (Err(error), CredentialSource::Mounted { .. }) => {
                let message = format!("{error}: put it into the Secret pillion-credentials of the pod's namespace");
                failed("key_missing", message)
            }
            (Err(error), CredentialSource::Streamed { .. }) => failed("key_unusable", error.to_string()),
        }
    }

    fn of_cloud(&self, source: &Source, endpoint: &str, extra: &ExtraHosts) -> CredentialState {
        let endpoint: Option<Uri> = endpoint.parse().ok();
        let host = endpoint.as_ref().and_then(Uri::host).unwrap_or_default();
        if !source.goes_to(host, extra) {
            let message = format!(
                "'{host}' is not one of the cloud's own hosts that its credentials are sent to: set spec.endpoint to one"
            );
            return failed("host_refused", message);
        }
        self.engine.state(source)
    }
}

fn failed(reason: &str, message: String) -> CredentialState {
    CredentialState::Failed(Trouble { reason: reason.into(), message })
}
