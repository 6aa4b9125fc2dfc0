//! The assertion of an application with a certificate: a token that its key signs. `azure_identity` would do it with
//! OpenSSL. Pure: the time is passed in.

use crate::identity::error::{ExchangeError, Pace};
use crate::identity::jwt::{Algorithm, Key};
use crate::identity::secret::{Document, Secret};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::json;
use std::time::{Duration, SystemTime};

/// Entra takes assertions of up to a day; this one is used at once.
const LASTS: Duration = Duration::from_secs(600);

/// A certificate, those that signed it, and its key.
pub(super) struct Certificate {
    key: Key,
    chain: Vec<CertificateDer<'static>>,
}

impl Certificate {
    /// From one PEM text that holds the certificate first and the key anywhere.
    pub(super) fn read(document: &Document) -> Result<Self, ExchangeError> {
        let wrong = |why: String| {
            ExchangeError::new("key_unusable", Pace::Rarely, format!("the client certificate cannot be used: {why}"))
        };
        let key = Key::from_pem(document.as_bytes()).map_err(|why| wrong(why.to_string()))?;
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(document.as_bytes()).collect();
        match chain {
            Ok(chain) if !chain.is_empty() => Ok(Self { key, chain }),
            _ => Err(wrong("there is no certificate in it".into())),
        }
    }

    /// Says who asks, for so long only, and names the certificate by its digest. The chain goes along for applications
    /// that trust an issuer and a subject instead of one certificate.
    pub(super) fn assertion(&self, client: &str, audience: &str, now: SystemTime) -> Result<Secret, ExchangeError> {
        let seconds = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let chain: Vec<String> = self.chain.iter().map(|certificate| STANDARD.encode(certificate)).collect();
        let thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA256, &self.chain[0]));
        let header = json!({"x5t#S256": thumbprint, "x5c": chain});
        let claims = json!({
            "aud": audience,
            "iss": client,
            "sub": client,
            "jti": format!("{:032x}", fastrand::u128(..)),
            "nbf": seconds(now),
            "iat": seconds(now),
            "exp": seconds(now + LASTS),
        });
        self.key
            .sign(Algorithm::Ps256, header, &claims)
            .map_err(|why| ExchangeError::new("key_unusable", Pace::Rarely, why.to_string()))
    }
}
