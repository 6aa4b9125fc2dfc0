//! Keys that somebody keeps in a Secret: mounted by kubelet, or read by the operator.

use crate::finding::ObjectKey;
use pillion_crds::{AIProvider, MountedKey, SecretKeyRef};
use pillion_snapshot::CredentialSource;
use std::fmt;

/// A key of a Secret that the operator reads. Written out, `team-a/openai/api-key`, it is the id by which a snapshot names
/// it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretKey {
    /// Of the AIProvider, and so of the Secret.
    pub namespace: String,
    /// Name of the Secret.
    pub secret: String,
    /// Key in it.
    pub key: String,
}

impl SecretKey {
    /// The key of a Secret that an AIProvider names, if it names one.
    #[must_use]
    pub fn of(object: &AIProvider) -> Option<Self> {
        let auth = object.spec.auth.as_ref()?;
        let named = auth.api_key.as_ref().and_then(|key| key.secret_ref.as_ref());
        let named = named.or_else(|| auth.aws.as_ref().and_then(|aws| aws.secret_ref.as_ref()));
        let named = named.or_else(|| auth.azure.as_ref().and_then(|azure| azure.secret_ref.as_ref()));
        let named = named.or_else(|| auth.gcp.as_ref().and_then(|gcp| gcp.secret_ref.as_ref()))?;
        Some(Self::new(&ObjectKey::of_provider(object).namespace, named))
    }

    fn new(namespace: &str, named: &SecretKeyRef) -> Self {
        Self { namespace: namespace.to_owned(), secret: named.name.clone(), key: named.key.clone() }
    }

    /// Reads an id.
    #[must_use]
    pub fn parse(id: &str) -> Option<Self> {
        let mut parts = id.splitn(3, '/').map(String::from);
        Some(Self { namespace: parts.next()?, secret: parts.next()?, key: parts.next()? })
    }
}

impl fmt::Display for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.namespace, self.secret, self.key)
    }
}

/// Where a sidecar finds the key that an object of `namespace` names; `None` where it names none.
pub(crate) fn source(
    namespace: &str,
    mounted: Option<&MountedKey>,
    secret_ref: Option<&SecretKeyRef>,
) -> Option<CredentialSource> {
    let streamed =
        secret_ref.map(|named| CredentialSource::Streamed { id: SecretKey::new(namespace, named).to_string() });
    mounted.map(|key| CredentialSource::Mounted { key: key.key.clone() }).or(streamed)
}

/// What is wrong with the way in which a key is named: field, and what to do.
pub(crate) fn check(
    mounted: Option<&MountedKey>,
    secret_ref: Option<&SecretKeyRef>,
) -> Vec<(&'static str, &'static str)> {
    const KEY: &str = "must be a key of a Secret: letters, digits, '-', '_' and '.'";
    let mut wrong = vec![];
    if mounted.is_some() && secret_ref.is_some() {
        wrong.push(("", "set one of mounted and secretRef"));
    }
    if mounted.is_some_and(|mounted| !is_secret_key(&mounted.key)) {
        wrong.push(("mounted.key", KEY));
    }
    if let Some(named) = secret_ref {
        if !is_secret_name(&named.name) {
            wrong.push(("secretRef.name", "must be the name of a Secret: lower-case letters, digits, '-' and '.'"));
        }
        if !is_secret_key(&named.key) {
            wrong.push(("secretRef.key", KEY));
        }
    }
    wrong
}

/// Whether `name` can be a key of a Secret, and so a file name.
fn is_secret_key(name: &str) -> bool {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    !name.is_empty() && plain && name != "." && !name.starts_with("..")
}

/// Whether `name` can be the name of a Secret.
fn is_secret_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends = |byte: Option<&u8>| byte.is_some_and(|byte| plain(*byte));
    let bytes = name.as_bytes();
    ends(bytes.first())
        && ends(bytes.last())
        && bytes.iter().all(|byte| plain(*byte) || b"-.".contains(byte))
        && name.len() <= 253
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_the_same() {
        let key = SecretKey { namespace: "team-a".into(), secret: "open.ai".into(), key: "api_key".into() };
        assert_eq!(SecretKey::parse(&key.to_string()), Some(key));
        for id in ["", "a", "a/b"] {
            assert_eq!(SecretKey::parse(id), None, "{id}");
        }
    }
}
