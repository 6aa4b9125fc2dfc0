//! Authorises one request: adds the provider's credential to it, last of all, and judges refusals.

use super::aws::{self, Scope, SignError};
use super::credential::{AwsKeys, Credential};
use super::engine::{Engine, Unavailable};
use super::error::ExchangeError;
use super::keys::{KeyError, Keys};
use super::{Clock, Skews, Source, lifetime};
use crate::snapshots::Auth;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, Method, StatusCode, Uri, header};
use pillion_snapshot::{AwsIdentity, AwsSource, CredentialSource, ExtraHosts};
use std::sync::Arc;
use tokio::time::Instant;

/// What injection sets where an SDK refuses to start without a key; no provider knows it.
const PLACEHOLDER: &str = "injected-by-pillion";

/// The client's own credential headers, as they are forwarded by `Passthrough`.
const CLIENT_CREDENTIALS: [HeaderName; 2] = [header::AUTHORIZATION, HeaderName::from_static("x-api-key")];

/// Why a request could not be authorised. Nothing was sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthError {
    #[error("{0}")]
    Key(#[from] KeyError),
    #[error("the key does not make a valid header or URL with what the provider puts around it")]
    Placement,
    #[error("this provider takes the client's own credential, and the client sent none")]
    ClientSentNone,
    #[error("'{0}' is not one of the cloud's own hosts that its credentials are sent to")]
    HostRefused(String),
    #[error("{0}")]
    Unavailable(#[from] Unavailable),
    #[error("{0}")]
    Unusable(Box<ExchangeError>),
    #[error("{0}")]
    Sign(#[from] SignError),
}

/// The request to authorise, as it will be sent.
pub(crate) struct Outgoing<'a> {
    pub(crate) method: &'a Method,
    pub(crate) uri: &'a mut Uri,
    pub(crate) headers: &'a mut HeaderMap,
    /// The final body; `None` where it is sent as it comes.
    pub(crate) body: Option<&'a [u8]>,
}

/// With what a request was authorised, to tell a refusal of it from one of the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Of a cloud's credential or a streamed key; `None` for any other.
    generation: Option<u64>,
    /// The signature was dated so many seconds off our clock.
    offset: i64,
}

/// All that authorises.
pub(crate) struct Identity {
    pub(crate) keys: Arc<Keys>,
    pub(crate) engine: Arc<Engine>,
    pub(crate) skews: Arc<Skews>,
    pub(crate) clock: Clock,
}

impl Identity {
    /// Adds what `auth` says to the upstream request, which must not be changed afterwards. Waits, `by` at the latest,
    /// only where a cloud's credential is not there yet.
    pub(crate) async fn authorise(
        &self,
        auth: &Auth,
        client: &HeaderMap,
        request: Outgoing<'_>,
        by: Instant,
    ) -> Result<Stamp, AuthError> {
        match auth {
            Auth::None => {}
            Auth::Passthrough => forward(client, request.headers)?,
            Auth::Header { key, name, prefix } => {
                let stamp = self.stamp(key);
                let key = self.keys.get(key, std::time::Instant::now())?;
                request.headers.insert(name.clone(), key.header(prefix).ok_or(AuthError::Placement)?);
                return Ok(stamp);
            }
            Auth::Query { key, name } => {
                let stamp = self.stamp(key);
                let pair = self.keys.get(key, std::time::Instant::now())?.query(name);
                *request.uri = with_query(request.uri, &pair).ok_or(AuthError::Placement)?;
                return Ok(stamp);
            }
            Auth::Cloud(source, extra) => return self.prove(source, extra, request, by).await,
        }
        Ok(Stamp::default())
    }

    /// Proves an identity of a cloud, to the cloud's own hosts and those of the operator's configuration only, and over
    /// https only.
    async fn prove(
        &self,
        source: &Arc<Source>,
        extra: &ExtraHosts,
        request: Outgoing<'_>,
        by: Instant,
    ) -> Result<Stamp, AuthError> {
        let host = request.uri.host().unwrap_or_default().to_owned();
        let is_own = request.uri.scheme_str() == Some("https") && source.goes_to(&host, extra);
        if !is_own {
            return Err(AuthError::HostRefused(host));
        }
        // Keys in a file are no cloud's to renew: the file is read instead.
        let held = match keys_in_file(source) {
            Some(key) => {
                let stamp = self.stamp(key);
                (self.keys_of(key)?, stamp.generation)
            }
            None => {
                let held = self.engine.credential(source, by).await?;
                (held.credential, Some(held.generation))
            }
        };
        match (&held.0, &**source) {
            (Credential::Aws(keys), Source::Aws(identity)) => {
                let offset = self.skews.offset(&host);
                self.sign(keys, identity, request, &host)?;
                Ok(Stamp { generation: held.1, offset })
            }
            (Credential::Bearer(token), _) => {
                let value = token.header("Bearer ").ok_or(AuthError::Placement)?;
                request.headers.insert(header::AUTHORIZATION, value);
                Ok(Stamp { generation: held.1, offset: 0 })
            }
            _ => Err(AuthError::Placement),
        }
    }

    /// Of the key as it is now. Taken before the key itself: a change in between is then seen as one.
    fn stamp(&self, key: &CredentialSource) -> Stamp {
        let generation = match key {
            CredentialSource::Mounted { .. } => None,
            CredentialSource::Streamed { id } => self.keys.streamed.number(id),
        };
        Stamp { generation, offset: 0 }
    }

    fn keys_of(&self, credential: &CredentialSource) -> Result<Credential, AuthError> {
        let document = self.keys.document(credential, std::time::Instant::now())?;
        aws::read_static(&document)
            .map(|keys| Credential::Aws(Arc::new(keys)))
            .map_err(|error| AuthError::Unusable(Box::new(error)))
    }

    fn sign(&self, keys: &AwsKeys, identity: &AwsIdentity, request: Outgoing<'_>, host: &str) -> Result<(), AuthError> {
        let body = request.body.ok_or(SignError::Streamed)?;
        let scope = Scope::of(host, &identity.region);
        let now = self.skews.now_at(host, &self.clock);
        Ok(aws::sign(request.method, request.uri, request.headers, body, keys, &scope, now)?)
    }

    /// Takes note of a reply that is no refusal.
    pub(crate) fn accepted(&self, stamp: Stamp, host: &str, headers: &HeaderMap) {
        self.skews.confirm(host, stamp.offset, lifetime::date(headers), &self.clock);
    }

    /// Whether a request that the provider refused so should be authorised anew and sent once more: there is another
    /// credential by now, or another date to sign with.
    pub(crate) async fn may_pass_now(
        &self,
        auth: &Auth,
        stamp: Stamp,
        host: &str,
        refusal: (StatusCode, &HeaderMap),
        by: Instant,
    ) -> bool {
        let (status, headers) = refusal;
        let source = match (auth, stamp.generation) {
            (Auth::Cloud(source, _), _) => source,
            (Auth::Header { key, .. } | Auth::Query { key, .. }, Some(number)) => {
                return match key {
                    CredentialSource::Streamed { id } if status == StatusCode::UNAUTHORIZED => {
                        self.keys.streamed.refused(id, number, by).await
                    }
                    _ => false,
                };
            }
            _ => return false,
        };
        let code = aws_code(headers);
        if matches!(**source, Source::Aws(_)) && code.is_some_and(aws::tells_skew) {
            let offset = aws::offset_after(lifetime::date(headers), self.clock.now(), stamp.offset);
            offset.into_iter().for_each(|offset| self.skews.learn(host, offset));
            if offset.is_some() {
                return true;
            }
        }
        let refused = status == StatusCode::UNAUTHORIZED || code.is_some_and(aws::tells_bad_keys);
        match (stamp.generation, keys_in_file(source)) {
            (Some(generation), None) if refused => self.engine.refused(source, generation, by).await,
            (Some(number), Some(CredentialSource::Streamed { id })) if refused => {
                self.keys.streamed.refused(id, number, by).await
            }
            _ => false,
        }
    }
}

/// The file of an identity that is nothing but access keys.
fn keys_in_file(source: &Source) -> Option<&CredentialSource> {
    match source {
        Source::Aws(AwsIdentity { source: AwsSource::Static { credential }, assume_roles, .. })
            if assume_roles.is_empty() =>
        {
            Some(credential)
        }
        _ => None,
    }
}

/// The code of an error of AWS: `x-amzn-errortype: ExpiredTokenException:http://…`.
fn aws_code(headers: &HeaderMap) -> Option<&str> {
    headers.get("x-amzn-errortype")?.to_str().ok()?.split(':').next()
}

fn forward(client: &HeaderMap, headers: &mut HeaderMap) -> Result<(), AuthError> {
    let mut found = false;
    for name in CLIENT_CREDENTIALS {
        let Some(value) = client.get(&name) else { continue };
        if value.as_bytes().ends_with(PLACEHOLDER.as_bytes()) {
            continue;
        }
        let mut value = value.clone();
        value.set_sensitive(true);
        headers.insert(name, value);
        found = true;
    }
    if found { Ok(()) } else { Err(AuthError::ClientSentNone) }
}

fn with_query(uri: &Uri, pair: &str) -> Option<Uri> {
    let mut parts = uri.clone().into_parts();
    let old = parts.path_and_query.as_ref().map_or("/", PathAndQuery::as_str);
    let separator = if old.contains('?') { '&' } else { '?' };
    parts.path_and_query = Some(format!("{old}{separator}{pair}").parse().ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests;
