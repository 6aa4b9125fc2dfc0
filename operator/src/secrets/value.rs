//! What a Secret holds under a key, and why that is not given; pure. No message repeats a value.

use k8s_openapi::api::core::v1::Secret;
use pillion_crds::conditions::reason;
use pillion_snapshot::{Key, Trouble};

/// Types of Secrets that hold keys: no token of a service account, no certificate and no release of Helm is one.
const TYPES: [&str; 2] = ["Opaque", "pillion.dev/credential"];
/// A key larger than this is none.
const LARGEST: usize = 64 << 10;

/// The key `key` of a Secret.
pub(super) fn read(secret: &Secret, key: &str) -> Key {
    let name = secret.metadata.name.as_deref().unwrap_or_default();
    let kind = secret.type_.as_deref().unwrap_or("Opaque");
    if !TYPES.contains(&kind) {
        let message = format!("Secret '{name}' is of type {kind}: only {} are sent to sidecars", TYPES.join(" and "));
        return Key::Withdrawn(trouble(reason::INVALID_SECRET_VALUE, message));
    }
    let Some(bytes) = secret.data.as_ref().and_then(|data| data.get(key)) else {
        return Key::Missing(trouble(reason::SECRET_NOT_FOUND, format!("Secret '{name}' has no key '{key}': add it")));
    };
    let invalid = |why: &str| {
        let message = format!("key '{key}' of Secret '{name}' {why}");
        Key::Missing(trouble(reason::INVALID_SECRET_VALUE, message))
    };
    match std::str::from_utf8(&bytes.0) {
        Err(_) => invalid("is not text"),
        Ok(text) if text.trim().is_empty() => invalid("is empty"),
        Ok(text) if text.len() > LARGEST => invalid("is larger than 64 KiB"),
        Ok(text) => {
            let generation = secret.metadata.resource_version.clone().unwrap_or_default();
            Key::Given { generation, value: text.to_owned() }
        }
    }
}

pub(super) fn trouble(reason: &str, message: String) -> Trouble {
    Trouble { reason: reason.into(), message }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read_of(type_: &str, value: &[u8]) -> Key {
        use base64::Engine as _;
        let value = base64::engine::general_purpose::STANDARD.encode(value);
        let secret: Value = json!({
            "metadata": {"name": "openai", "resourceVersion": "7"}, "type": type_, "data": {"api-key": value},
        });
        read(&serde_json::from_value(secret).unwrap(), "api-key")
    }

    #[track_caller]
    fn refuses(key: &Key, reason: &str, message: &str) {
        let (Key::Missing(trouble) | Key::Withdrawn(trouble)) = key else { panic!("{key:?}") };
        assert_eq!(trouble.reason, reason);
        assert!(trouble.message.contains(message) && !trouble.message.contains("canary"), "{}", trouble.message);
    }

    #[test]
    fn a_key_is_given_as_it_stands_and_what_is_none_is_refused_without_repeating_it() {
        let given = Key::Given { generation: "7".into(), value: "sk-1\n".into() };
        assert_eq!(read_of("Opaque", b"sk-1\n"), given);
        assert_eq!(read_of("pillion.dev/credential", b"sk-1\n"), given);
        refuses(&read_of("Opaque", b""), "InvalidSecretValue", "is empty");
        refuses(&read_of("Opaque", b" \n"), "InvalidSecretValue", "is empty");
        refuses(&read_of("Opaque", b"canary\xff"), "InvalidSecretValue", "is not text");
        refuses(&read_of("Opaque", "canary".repeat(20_000).as_bytes()), "InvalidSecretValue", "larger than");
        let secret = serde_json::from_value(json!({"metadata": {"name": "openai"}})).unwrap();
        refuses(&read(&secret, "api-key"), "SecretNotFound", "Secret 'openai' has no key 'api-key'");
    }

    #[test]
    fn a_secret_of_another_type_is_given_to_nobody_and_taken_from_who_has_it() {
        for type_ in ["kubernetes.io/service-account-token", "kubernetes.io/tls", "helm.sh/release.v1"] {
            let key = read_of(type_, b"canary");
            assert!(matches!(key, Key::Withdrawn(_)), "{key:?}");
            refuses(&key, "InvalidSecretValue", type_);
        }
    }
}
