//! Who a bearer of a token is: TokenReview, remembered for a short while by the token's hash.

use super::admission::Refusal;
use crate::inject::AUDIENCE;
use crate::kubernetes::call;
use crate::metrics::{Metrics, ResultLabel};
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec, TokenReviewStatus};
use kube::Client;
use kube::api::{Api, PostParams};
use ring::digest::{SHA256, digest};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::Semaphore;
use tokio::time::Instant;

const REMEMBER_GOOD: Duration = Duration::from_secs(60);
const REMEMBER_BAD: Duration = Duration::from_secs(10);
const MAX_REMEMBERED: usize = 16_384;
/// Reviews under way at once: a storm of reconnects must not become one on the API server.
const MAX_REVIEWS: usize = 50;
/// Service account tokens are about 1 KiB; nobody is asked about more than this.
const MAX_TOKEN: usize = 16 * 1024;

/// A pod, or a replica of the operator, as its token proves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) username: String,
    pub(crate) namespace: String,
    pub(crate) service_account: String,
    pub(crate) pod_name: String,
    pub(crate) pod_uid: String,
    /// When the token expires, by its own word; it was reviewed before this is read.
    pub(crate) expires: Option<SystemTime>,
}

type Verdict = Result<Caller, Refusal>;

/// Reviews tokens. Never keeps one.
pub(crate) struct Tokens {
    client: Client,
    metrics: Metrics,
    reviews: Semaphore,
    remembered: Mutex<HashMap<[u8; 32], (Instant, Verdict)>>,
}

impl Tokens {
    pub(crate) fn new(client: Client, metrics: Metrics) -> Self {
        Self { client, metrics, reviews: Semaphore::new(MAX_REVIEWS), remembered: Mutex::default() }
    }

    /// Who bears `token`.
    pub(crate) async fn review(&self, token: &str) -> Verdict {
        if token.len() > MAX_TOKEN {
            return Err(Refusal::unauthenticated("this is no token of a service account"));
        }
        let key = hash(token);
        if let Some(verdict) = self.recall(&key) {
            return still_valid(verdict);
        }
        let _slot = self.reviews.acquire().await.map_err(|_| Refusal::unavailable("the operator is shutting down"))?;
        // Another request with the same token may have been reviewed while this one waited.
        if let Some(verdict) = self.recall(&key) {
            return still_valid(verdict);
        }
        let verdict = self.ask(token).await?;
        let result = if verdict.is_ok() { "accepted" } else { "refused" };
        self.metrics.token_reviews.get_or_create(&ResultLabel { result }).inc();
        self.remember(key, verdict.clone());
        still_valid(verdict)
    }

    /// The outer error is not remembered: it says nothing of the token.
    async fn ask(&self, token: &str) -> Result<Verdict, Refusal> {
        let spec = TokenReviewSpec { token: Some(token.to_owned()), audiences: Some(vec![AUDIENCE.into()]) };
        let review = TokenReview { spec, ..Default::default() };
        let reviews: Api<TokenReview> = Api::all(self.client.clone());
        let reviewed = call(reviews.create(&PostParams::default(), &review)).await.map_err(|error| {
            self.metrics.token_reviews.get_or_create(&ResultLabel { result: "error" }).inc();
            tracing::warn!(%error, "failed to review a token");
            Refusal::unavailable("the API server could not be asked about the token, try again")
        })?;
        Ok(verdict(&reviewed.status.unwrap_or_default(), expiry(token)))
    }

    fn recall(&self, key: &[u8; 32]) -> Option<Verdict> {
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, verdict) = remembered.get(key)?;
        (*until > Instant::now()).then(|| verdict.clone())
    }

    fn remember(&self, key: [u8; 32], verdict: Verdict) {
        let now = Instant::now();
        let until = now + if verdict.is_ok() { REMEMBER_GOOD } else { REMEMBER_BAD };
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= MAX_REMEMBERED {
            remembered.retain(|_, (until, _)| *until > now);
        }
        if remembered.len() < MAX_REMEMBERED {
            remembered.insert(key, (until, verdict));
        }
    }
}

fn hash(token: &str) -> [u8; 32] {
    let mut key = [0; 32];
    key.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    key
}

fn still_valid(verdict: Verdict) -> Verdict {
    let caller = verdict?;
    match caller.expires {
        Some(expires) if expires <= SystemTime::now() => {
            Err(Refusal::unauthenticated("the token has expired: read it anew"))
        }
        _ => Ok(caller),
    }
}

/// What a review says of the bearer. A status without audiences comes from an authenticator that does not look at
/// them: the token may be meant for anyone.
fn verdict(status: &TokenReviewStatus, expires: Option<SystemTime>) -> Verdict {
    if status.authenticated != Some(true) {
        return Err(Refusal::unauthenticated(
            "the token is not valid for audience 'pillion', or its pod is gone: read it anew",
        ));
    }
    if !status.audiences.iter().flatten().any(|audience| audience == AUDIENCE) {
        return Err(Refusal::unauthenticated("the token is not meant for audience 'pillion'"));
    }
    let user = status.user.clone().unwrap_or_default();
    let username = user.username.unwrap_or_default();
    let mut parts = username.split(':');
    let (Some("system"), Some("serviceaccount"), Some(namespace), Some(service_account), None) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Refusal::forbidden("only the service account of a pod may ask"));
    };
    let extra = |key: &str| {
        let values = user.extra.as_ref()?.get(&format!("authentication.kubernetes.io/{key}"))?;
        values.first().cloned()
    };
    let (Some(pod_name), Some(pod_uid)) = (extra("pod-name"), extra("pod-uid")) else {
        return Err(Refusal::forbidden("the token is not bound to a pod: use the projected token of the sidecar"));
    };
    Ok(Caller {
        namespace: namespace.into(),
        service_account: service_account.into(),
        username: username.clone(),
        pod_name,
        pod_uid,
        expires,
    })
}

/// `exp` of a JSON web token.
fn expiry(token: &str) -> Option<SystemTime> {
    use base64::Engine as _;
    let payload = token.split('.').nth(1)?;
    let json = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&json).ok()?;
    Some(UNIX_EPOCH + Duration::from_secs(claims.get("exp")?.as_u64()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn status(change: impl Fn(&mut Value)) -> TokenReviewStatus {
        let mut status = json!({
            "authenticated": true,
            "audiences": ["pillion"],
            "user": {"username": "system:serviceaccount:team-a:default", "extra": {
                "authentication.kubernetes.io/pod-name": ["p"],
                "authentication.kubernetes.io/pod-uid": ["u"],
            }},
        });
        change(&mut status);
        serde_json::from_value(status).unwrap()
    }

    #[track_caller]
    fn refuses(change: impl Fn(&mut Value), code: u16) {
        assert_eq!(verdict(&status(change), None).unwrap_err().status.as_u16(), code);
    }

    #[test]
    fn a_bound_token_of_our_audience_names_its_pod() {
        let caller = verdict(&status(|_| ()), None).unwrap();
        assert_eq!(
            (caller.namespace.as_str(), caller.pod_name.as_str(), caller.pod_uid.as_str()),
            ("team-a", "p", "u")
        );
    }

    #[test]
    fn any_other_token_is_refused() {
        refuses(|status| status["authenticated"] = false.into(), 401);
        refuses(|status| status["audiences"] = json!(["https://kubernetes.default.svc"]), 401);
        refuses(|status| status["audiences"] = json!([]), 401);
        refuses(|status| status["audiences"] = Value::Null, 401);
        refuses(|status| status["user"]["username"] = "admin".into(), 403);
        refuses(|status| status["user"]["username"] = "system:serviceaccount:a".into(), 403);
        refuses(|status| status["user"]["username"] = "system:serviceaccount:a:b:c".into(), 403);
        refuses(|status| status["user"]["extra"] = json!({}), 403);
    }

    #[test]
    fn a_tokens_own_expiry_is_read() {
        let payload = {
            use base64::Engine as _;
            base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(r#"{"exp":1700000000}"#)
        };
        assert_eq!(expiry(&format!("h.{payload}.s")), Some(UNIX_EPOCH + Duration::from_secs(1_700_000_000)));
        for token in ["", "opaque", "a.b.c", "..", "a.e30.c"] {
            assert_eq!(expiry(token), None, "{token}");
        }
    }
}
