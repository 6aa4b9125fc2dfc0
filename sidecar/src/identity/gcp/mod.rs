//! Google Cloud: tokens for the pod's own identity by federation, from the metadata server, or for a key; then, where
//! asked for, of a service account that this identity may act as.

pub(crate) mod hosts;
mod iam;
mod key;
mod metadata;
mod sts;

use super::credential::{Credential, Habit, Issued};
use super::error::ExchangeError;
use super::exchange::Exchanger;
use super::lifetime::{Expiry, Received};
use super::secret::Secret;
use http::Uri;
use key::ServiceAccount;
use pillion_snapshot::{CredentialSource, GcpIdentity, GcpSource, TokenFile};
use std::path::PathBuf;

/// What every token is for. Vertex AI takes no narrower one.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// A token as a service gave it.
#[derive(Debug)]
struct Given {
    token: Secret,
    expiry: Expiry,
}

impl Given {
    fn issued(self, received: &Received, habit: Habit) -> Result<Issued, ExchangeError> {
        let deadline = received.deadline(self.expiry)?;
        Ok(Issued { credential: Credential::Bearer(self.token), deadline, refresh_in: None, habit })
    }
}

pub(super) async fn exchange(exchanger: &Exchanger, identity: &GcpIdentity) -> Result<Issued, ExchangeError> {
    let issued = match &identity.source {
        GcpSource::WorkloadIdentityFederation { provider } => federated(exchanger, provider).await?,
        GcpSource::MetadataServer => from_metadata(exchanger).await?,
        GcpSource::ServiceAccountKey { credential } => with_key(exchanger, credential).await?,
    };
    match &identity.impersonate {
        Some(account) => impersonate(exchanger, account, &issued.credential).await,
        None => Ok(issued),
    }
}

/// The file of the pod's token.
pub(super) fn token_files(exchanger: &Exchanger, source: &GcpSource) -> Vec<PathBuf> {
    match source {
        GcpSource::WorkloadIdentityFederation { provider } => vec![token_file(exchanger, provider)],
        _ => vec![],
    }
}

/// Each pool has an audience, and so a token, of its own.
fn token_file(exchanger: &Exchanger, provider: &str) -> PathBuf {
    exchanger.tokens.join(TokenFile::gcp(provider).name)
}

async fn federated(exchanger: &Exchanger, provider: &str) -> Result<Issued, ExchangeError> {
    let exchange = |token: Secret| async move {
        let reply = exchanger.transport.ask(sts::ask(provider, &token)).await?;
        sts::read(&reply)?.issued(&reply.received, Habit::default())
    };
    exchanger.with_token(&token_file(exchanger, provider), exchange).await
}

async fn from_metadata(exchanger: &Exchanger) -> Result<Issued, ExchangeError> {
    let reply = exchanger.transport.ask(metadata::ask()).await.map_err(|error| {
        ExchangeError::from(error).hint("there is a metadata server on Google Cloud only, and not at once in a new pod")
    })?;
    metadata::read(&reply)?.issued(&reply.received, metadata::HABIT)
}

async fn with_key(exchanger: &Exchanger, credential: &CredentialSource) -> Result<Issued, ExchangeError> {
    let account = ServiceAccount::read(&exchanger.document(credential)?)?;
    let host = Uri::from_static(key::ENDPOINT);
    let host = host.host().unwrap_or_default();
    let mut corrected = false;
    loop {
        let now = exchanger.skews.now_at(host, &exchanger.clock);
        let reply = exchanger.transport.ask(account.ask(now)?).await?;
        match key::read(&reply) {
            Ok(given) => return given.issued(&reply.received, Habit::default()),
            // Google says the same of a token from another time and of one with another signature.
            Err(error) if error.reason == "key_refused" && !corrected => {
                corrected = exchanger.skews.correct(host, &reply.received);
                if !corrected {
                    return Err(error);
                }
            }
            Err(error) => return Err(error),
        }
    }
}

async fn impersonate(exchanger: &Exchanger, account: &str, with: &Credential) -> Result<Issued, ExchangeError> {
    let Credential::Bearer(token) = with else {
        return Err(ExchangeError::misconfigured("service accounts are impersonated with tokens only"));
    };
    let reply = exchanger.transport.ask(iam::ask(account, token)?).await?;
    iam::read(&reply)?.issued(&reply.received, Habit::default())
}
