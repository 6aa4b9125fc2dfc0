//! Tokens of a service account that another identity may act as: what is asked for and how replies are read. Never
//! sends anything.

use super::{Given, SCOPE, sts};
use crate::identity::error::{ExchangeError, Pace};
use crate::identity::lifetime::{Expiry, timestamp};
use crate::identity::secret::{Secret, percent_encode};
use crate::identity::transport::{Ask, Reply};
use http::{HeaderValue, Method, header};
use serde_json::json;

const WHO: &str = "Google's IAM";

/// Asks for a token of `account` with one of another identity.
pub(super) fn ask(account: &str, token: &Secret) -> Result<Ask, ExchangeError> {
    let mut url = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/".to_owned();
    percent_encode(account, &mut url);
    url.push_str(":generateAccessToken");
    let wrong = || ExchangeError::misconfigured("impersonate is not the email of a service account");
    let url = url.parse().map_err(|_| wrong())?;
    let body = json!({"scope": [SCOPE], "lifetime": "3600s"}).to_string();
    let bearer = token.header("Bearer ").ok_or_else(wrong)?;
    Ok(Ask { method: Method::POST, body: body.into(), ..Ask::get(url) }
        .header(header::AUTHORIZATION, bearer)
        .header(header::CONTENT_TYPE, HeaderValue::from_static("application/json")))
}

/// A token, or why there is none.
pub(super) fn read(reply: &Reply) -> Result<Given, ExchangeError> {
    if !reply.status.is_success() {
        return Err(failure(reply));
    }
    let json = reply.json(WHO)?;
    let token = json["accessToken"].as_str().ok_or_else(|| ExchangeError::garbage(WHO, "it has no accessToken"))?;
    let token = Secret::parse(token.as_bytes())
        .map_err(|why| ExchangeError::garbage(WHO, format!("its accessToken: {why}")))?;
    let end = json["expireTime"].as_str().and_then(timestamp);
    let end = end.ok_or_else(|| ExchangeError::garbage(WHO, "expireTime is no time"))?;
    Ok(Given { token, expiry: Expiry::At(end) })
}

fn failure(reply: &Reply) -> ExchangeError {
    let said = sts::word(reply);
    let plain = reply.failure(WHO, said.as_deref());
    match reply.status.as_u16() {
        403 => plain.hint(
            "the caller needs roles/iam.workloadIdentityUser (or serviceAccountTokenCreator) on the service account",
        ),
        404 => plain.hint("the service account in impersonate does not exist"),
        400 => ExchangeError { reason: "misconfigured", pace: Pace::Rarely, ..plain },
        _ => plain,
    }
}
