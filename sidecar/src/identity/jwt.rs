//! JSON Web Tokens that we sign ourselves, with an RSA key from a file. Pure.

use super::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::Value;

/// Why nothing could be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JwtError {
    #[error("there is no private key in it")]
    NoKey,
    #[error("its private key is not an RSA key of 2048 to 8192 bits")]
    NotRsa,
    #[error("the signature failed")]
    Signature,
}

/// An RSA key. `Debug` shows nothing of it.
pub(crate) struct Key(RsaKeyPair);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(redacted)")
    }
}

/// How a token is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Rs256,
    Ps256,
}

impl Key {
    /// The first private key of a PEM text.
    pub(crate) fn from_pem(pem: &[u8]) -> Result<Self, JwtError> {
        let pair = match PrivateKeyDer::from_pem_slice(pem).map_err(|_| JwtError::NoKey)? {
            PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
            _ => return Err(JwtError::NotRsa),
        };
        pair.map(Self).map_err(|_| JwtError::NotRsa)
    }

    /// A signed token. `header` is completed with `alg` and `typ`.
    pub(crate) fn sign(&self, algorithm: Algorithm, mut header: Value, claims: &Value) -> Result<Secret, JwtError> {
        let (name, encoding): (_, &'static dyn RsaEncoding) = match algorithm {
            Algorithm::Rs256 => ("RS256", &RSA_PKCS1_SHA256),
            Algorithm::Ps256 => ("PS256", &RSA_PSS_SHA256),
        };
        header["alg"] = name.into();
        header["typ"] = "JWT".into();
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let signed = format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()));
        let mut signature = vec![0; self.0.public().modulus_len()];
        self.0
            .sign(encoding, &SystemRandom::new(), signed.as_bytes(), &mut signature)
            .map_err(|_| JwtError::Signature)?;
        Secret::parse(format!("{signed}.{}", encode(&signature)).as_bytes()).map_err(|_| JwtError::Signature)
    }
}
