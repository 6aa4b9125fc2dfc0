//! A service account's key: the token that it signs, and the one that Google gives for it. The key's own `token_uri` is
//! not believed. Never sends anything; the time is passed in.

use super::{Given, SCOPE, sts};
use crate::identity::error::{ExchangeError, Pace};
use crate::identity::jwt::{Algorithm, Key};
use crate::identity::secret::Document;
use crate::identity::transport::{Ask, Reply};
use http::Uri;
use serde_json::{Value, json};
use std::time::SystemTime;

pub(super) const ENDPOINT: &str = "https://oauth2.googleapis.com/token";

/// A service account and its key.
pub(super) struct ServiceAccount {
    email: String,
    key_id: String,
    key: Key,
}

impl ServiceAccount {
    /// From JSON as Google Cloud gives it.
    pub(super) fn read(document: &Document) -> Result<Self, ExchangeError> {
        let wrong = |why: String| {
            ExchangeError::new("key_unusable", Pace::Rarely, format!("the service account's key cannot be used: {why}"))
        };
        let json: Value = serde_json::from_slice(document.as_bytes()).map_err(|_| wrong("it is not JSON".into()))?;
        if json["type"] != "service_account" {
            return Err(wrong("its type is not service_account".into()));
        }
        let text = |name: &str| json[name].as_str().ok_or_else(|| wrong(format!("it has no {name}")));
        Ok(Self {
            email: text("client_email")?.to_owned(),
            key_id: json["private_key_id"].as_str().unwrap_or_default().to_owned(),
            key: Key::from_pem(text("private_key")?.as_bytes()).map_err(|why| wrong(why.to_string()))?,
        })
    }

    /// Asks for a token. Dated ten seconds back, since Google refuses what is of the future.
    pub(super) fn ask(&self, now: SystemTime) -> Result<Ask, ExchangeError> {
        let issued = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs().saturating_sub(10);
        let header = json!({"kid": self.key_id});
        let claims = json!({
            "iss": self.email,
            "scope": SCOPE,
            "aud": ENDPOINT,
            "iat": issued,
            "exp": issued + 3600,
        });
        let assertion = self
            .key
            .sign(Algorithm::Rs256, header, &claims)
            .map_err(|why| ExchangeError::new("key_unusable", Pace::Rarely, why.to_string()))?;
        let pairs = [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", assertion.expose())];
        Ok(Ask::form(Uri::from_static(ENDPOINT), pairs))
    }
}

/// A token, or why there is none.
pub(super) fn read(reply: &Reply) -> Result<Given, ExchangeError> {
    const WHO: &str = "Google's OAuth";
    if reply.status.is_success() {
        return sts::given(reply, WHO);
    }
    let said = sts::word(reply);
    let plain = reply.failure(WHO, said.as_deref());
    Err(match said.as_deref() {
        Some("invalid_grant") => ExchangeError { reason: "key_refused", pace: Pace::Later, ..plain }
            .hint("the key or its account was deleted or disabled, or the node's clock is wrong"),
        Some("invalid_client" | "unauthorized_client" | "invalid_scope" | "invalid_request") => {
            ExchangeError { reason: "misconfigured", pace: Pace::Rarely, ..plain }
        }
        _ => plain,
    })
}
