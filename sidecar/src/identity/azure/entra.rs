//! Replies of Entra's token endpoint, and what its error codes mean. Pure.

use super::Given;
use crate::identity::error::{ExchangeError, Pace};
use crate::identity::lifetime::{Expiry, seconds};
use crate::identity::secret::Secret;
use crate::identity::transport::Reply;
use serde_json::Value;
use std::time::Duration;

const WHO: &str = "Entra";

/// A token, or why there is none.
pub(super) fn read(reply: &Reply) -> Result<Given, ExchangeError> {
    if !reply.status.is_success() {
        return Err(failure(reply));
    }
    given(&reply.json(WHO)?, WHO)
}

/// A token as Entra and the metadata service write it; numbers may be strings.
pub(super) fn given(json: &Value, who: &str) -> Result<Given, ExchangeError> {
    let token = json["access_token"].as_str().ok_or_else(|| ExchangeError::garbage(who, "it has no access_token"))?;
    let token = Secret::parse(token.as_bytes())
        .map_err(|why| ExchangeError::garbage(who, format!("its access_token: {why}")))?;
    let lasts = seconds(&json["expires_in"]).ok_or_else(|| ExchangeError::garbage(who, "expires_in is no number"))?;
    let refresh_in = seconds(&json["refresh_in"]).and_then(|wish| u64::try_from(wish).ok()).map(Duration::from_secs);
    Ok(Given { token, expiry: Expiry::In(lasts), refresh_in })
}

fn failure(reply: &Reply) -> ExchangeError {
    let json: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let code = json["error_codes"].as_array().and_then(|codes| codes.first()?.as_u64()).or_else(|| in_words(&json));
    let shown = code.map(|code| format!("AADSTS{code}"));
    let plain = reply.failure(WHO, shown.as_deref());
    let typed = |reason, pace| ExchangeError { reason, pace, ..plain.clone() };
    let Some(code) = code else { return plain };
    match code {
        70021 | 700_211..=700_213 => typed("no_federated_credential", Pace::Later).hint(
            "no federated credential matches the token's issuer (to the last slash), subject and audience; a new one \
             takes minutes to spread",
        ),
        700_024 => typed("token_refused", Pace::Later)
            .hint("the assertion is outside its time: the node's clock is wrong, or its file is stale"),
        90061 => typed("issuer_unreachable", Pace::Soon).hint("Entra cannot fetch the keys of the cluster's issuer"),
        700_016 | 90002 | 900_023 => typed("no_such_application", Pace::Rarely)
            .hint("clientId is not an application of the directory tenantId, or the cloud is another"),
        50001 | 500_011 | 70011 => typed("misconfigured", Pace::Rarely)
            .hint("the directory does not know Azure's model services; is the cloud right?"),
        7_000_215 | 7_000_222 => {
            typed("secret_refused", Pace::Rarely).hint("the client secret is wrong or has expired: replace it")
        }
        700_027 => typed("certificate_refused", Pace::Rarely)
            .hint("the certificate is not one of the application's, or has expired"),
        50196 | 90055 | 90033 => typed("throttled", Pace::Soon),
        _ => plain,
    }
}

/// The code in the description, for replies without a list of codes: `AADSTS70021: …`.
fn in_words(json: &Value) -> Option<u64> {
    let text = json["error_description"].as_str()?.strip_prefix("AADSTS")?;
    let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}
