//! Google's Security Token Service: what is asked of it and how its replies are read. Never sends anything.

use super::{Given, SCOPE};
use crate::identity::error::{ExchangeError, Pace};
use crate::identity::lifetime::{Expiry, seconds};
use crate::identity::reply::code;
use crate::identity::secret::Secret;
use crate::identity::transport::{Ask, Reply};
use http::Uri;
use serde_json::Value;

/// Asks for a token with one of the pod. `provider` is of a workload identity pool.
pub(super) fn ask(provider: &str, token: &Secret) -> Ask {
    let audience = format!("//iam.googleapis.com/{provider}");
    let pairs = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("audience", audience.as_str()),
        ("scope", SCOPE),
        ("requested_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
        ("subject_token", token.expose()),
    ];
    Ask::form(Uri::from_static("https://sts.googleapis.com/v1/token"), pairs)
}

/// A token, or why there is none.
pub(super) fn read(reply: &Reply) -> Result<Given, ExchangeError> {
    const WHO: &str = "Google's STS";
    if reply.status.is_success() {
        return given(reply, WHO);
    }
    let said = word(reply);
    let plain = reply.failure(WHO, said.as_deref());
    let typed = |reason, pace| ExchangeError { reason, pace, ..plain.clone() };
    Err(match said.as_deref() {
        Some("invalid_grant") => typed("token_refused", Pace::Later)
            .hint("the pool's provider must know this cluster's issuer and the token's audience"),
        Some("invalid_target") => {
            typed("misconfigured", Pace::Rarely).hint("workloadIdentityProvider does not exist, or is disabled")
        }
        Some("unauthorized_client" | "access_denied") => {
            typed("denied", Pace::Later).hint("the provider's attribute condition refuses this pod")
        }
        Some("invalid_request" | "invalid_scope") => typed("misconfigured", Pace::Rarely),
        _ => plain,
    })
}

/// A token as OAuth writes it.
pub(super) fn given(reply: &Reply, who: &str) -> Result<Given, ExchangeError> {
    let json = reply.json(who)?;
    let token = json["access_token"].as_str().ok_or_else(|| ExchangeError::garbage(who, "it has no access_token"))?;
    // The metadata server pads tokens with dots, which belong to them.
    let token = Secret::parse(token.as_bytes())
        .map_err(|why| ExchangeError::garbage(who, format!("its access_token: {why}")))?;
    let lasts = seconds(&json["expires_in"]).ok_or_else(|| ExchangeError::garbage(who, "expires_in is no number"))?;
    Ok(Given { token, expiry: Expiry::In(lasts) })
}

/// The word for an error: OAuth's `error`, or the status of Google's own errors.
pub(super) fn word(reply: &Reply) -> Option<String> {
    let json: Value = serde_json::from_slice(&reply.body).ok()?;
    let said = json["error"].as_str().or_else(|| json["error"]["status"].as_str())?;
    code(said).map(str::to_owned)
}
