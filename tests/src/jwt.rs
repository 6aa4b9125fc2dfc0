//! Tokens of service accounts as a cloud sees them, which knows nothing but what the cluster publishes; and tokens to attack with.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, anyhow, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, UnparsedPublicKey};
use serde_json::Value;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

/// Whom a cloud trusts: an issuer's tokens of one audience and one subject.
#[derive(Debug, Clone, Copy)]
pub struct Trust<'a> {
    /// The issuer's JSON Web Key Set.
    pub keys: &'a Value,
    /// The issuer.
    pub issuer: &'a str,
    /// Whom the token is meant for.
    pub audience: &'a str,
    /// Who bears it: `system:serviceaccount:<namespace>:<name>`.
    pub subject: &'a str,
}

impl Trust<'_> {
    /// The claims of a token that proves the subject.
    ///
    /// # Errors
    /// What stands against it.
    pub fn takes(&self, token: &str) -> Result<Value> {
        let claims = verified(token, self.keys)?;
        ensure!(claims["iss"] == self.issuer, "the issuer is {}", claims["iss"]);
        let audiences = claims["aud"].as_array().context("a token without audiences")?;
        ensure!(audiences.iter().any(|audience| audience == self.audience), "the audiences are {audiences:?}");
        ensure!(claims["sub"] == self.subject, "the subject is {}", claims["sub"]);
        ensure!(claims["exp"].as_u64().unwrap_or_default() > now()?, "it has expired");
        Ok(claims)
    }
}

/// Seconds since 1970.
///
/// # Errors
/// When the clock is wrong.
pub fn now() -> Result<u64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())
}

/// What a token claims, unverified.
///
/// # Errors
/// When it is none.
pub fn claims(token: &str) -> Result<Value> {
    decoded(parts(token)?[1])
}

/// A token with other claims, well signed with the cluster's own key.
///
/// # Errors
/// When the key is not one of ECDSA P-256, or the token is none.
pub fn resigned(token: &str, key_pem: &[u8], change: impl FnOnce(&mut Value)) -> Result<String> {
    let mut claims = claims(token)?;
    change(&mut claims);
    let signed = format!("{}.{}", parts(token)?[0], BASE64.encode(claims.to_string()));
    let der = PrivatePkcs8KeyDer::from_pem_slice(key_pem).map_err(|error| anyhow!("the key's PEM: {error}"))?;
    let random = SystemRandom::new();
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.secret_pkcs8_der(), &random)
        .map_err(|error| anyhow!("the key: {error}"))?;
    let signature = key.sign(&random, signed.as_bytes()).map_err(|_| anyhow!("signing failed"))?;
    Ok(format!("{signed}.{}", BASE64.encode(signature)))
}

/// A token with one character of its signature changed.
///
/// # Errors
/// When it is none.
pub fn forged(token: &str) -> Result<String> {
    let [header, claims, signature] = parts(token)?;
    let (first, rest) = signature.split_at(1);
    let other = if first == "A" { "B" } else { "A" };
    Ok(format!("{header}.{claims}.{other}{rest}"))
}

/// The claims of a token that one of these keys has signed.
fn verified(token: &str, keys: &Value) -> Result<Value> {
    let [header, _, signature] = parts(token)?;
    let header = decoded(header)?;
    ensure!(header["alg"] == "ES256", "the cluster of the tests signs with ES256: {header}");
    let named = keys["keys"].as_array().into_iter().flatten().find(|key| key["kid"] == header["kid"]);
    let key = named.with_context(|| format!("no key is published as {}", header["kid"]))?;
    ensure!(key["kty"] == "EC" && key["crv"] == "P-256", "{key}");
    let coordinate = |name: &str| bytes(key[name].as_str().unwrap_or_default());
    let point = [vec![4], coordinate("x")?, coordinate("y")?].concat();
    let signed = token.rsplit_once('.').map_or("", |(signed, _)| signed);
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
        .verify(signed.as_bytes(), &bytes(signature)?)
        .map_err(|_| anyhow!("the signature is not of key {}", header["kid"]))?;
    claims(token)
}

fn parts(token: &str) -> Result<[&str; 3]> {
    let parts: Vec<&str> = token.trim().split('.').collect();
    parts.try_into().map_err(|parts: Vec<&str>| anyhow!("a token has 3 parts, not {}", parts.len()))
}

fn decoded(part: &str) -> Result<Value> {
    Ok(serde_json::from_slice(&bytes(part)?)?)
}

fn bytes(part: &str) -> Result<Vec<u8>> {
    BASE64.decode(part).context("base64")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_cloud_takes_what_the_cluster_signed_and_nothing_else() {
        let pair = rcgen::KeyPair::generate().unwrap();
        let (x, y) = pair.public_key_raw()[1..].split_at(32);
        let keys = json!({"keys": [{
            "kid": "1", "kty": "EC", "crv": "P-256", "x": BASE64.encode(x), "y": BASE64.encode(y),
        }]});
        let claims = json!({"iss": "i", "aud": ["a"], "sub": "s", "exp": now().unwrap() + 60});
        let unsigned = [json!({"alg": "ES256", "kid": "1"}), claims].map(|part| BASE64.encode(part.to_string()));
        let unsigned = format!("{}.AAAA", unsigned.join("."));
        let sign = |change: fn(&mut Value)| resigned(&unsigned, pair.serialize_pem().as_bytes(), change).unwrap();
        let good = sign(|_| ());
        let trust = Trust { keys: &keys, issuer: "i", audience: "a", subject: "s" };
        assert_eq!(trust.takes(&good).unwrap()["sub"], "s");
        let refuses = |token: &str, why: &str| {
            let refusal = trust.takes(token).unwrap_err().to_string();
            assert!(refusal.contains(why), "{refusal}");
        };
        refuses(&forged(&good).unwrap(), "signature");
        refuses(&unsigned, "signature");
        refuses(&sign(|claims| claims["iss"] = "j".into()), "issuer");
        refuses(&sign(|claims| claims["aud"] = json!(["b"])), "audiences");
        refuses(&sign(|claims| claims["sub"] = "t".into()), "subject");
        refuses(&sign(|claims| claims["exp"] = 1.into()), "expired");
        refuses("a.b", "3 parts");
    }
}
