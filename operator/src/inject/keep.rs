//! Tells whether something injected before still is what would be injected now, whatever the API server's defaults and
//! other webhooks have added to it since.

use super::shape::name;
use serde_json::Value;

/// Keys that the API server fills in by itself.
const DEFAULTED: [&str; 13] = [
    "apiVersion",
    "defaultMode",
    "failureThreshold",
    "hostPort",
    "imagePullPolicy",
    "periodSeconds",
    "protocol",
    "recursiveReadOnly",
    "scheme",
    "successThreshold",
    "terminationGracePeriodSeconds",
    "terminationMessagePath",
    "timeoutSeconds",
];

/// Whether `there` holds all of `wanted`, and beyond it only defaults, and variables and mounts of others.
pub(super) fn is_still(there: &Value, wanted: &Value) -> bool {
    match (there, wanted) {
        (Value::Object(there), Value::Object(wanted)) => {
            wanted.iter().all(|(key, value)| match there.get(key) {
                Some(found) if matches!(key.as_str(), "env" | "volumeMounts") => is_still_among(found, value),
                Some(found) => is_still(found, value),
                None => false,
            }) && there.keys().all(|key| wanted.contains_key(key) || DEFAULTED.contains(&key.as_str()))
        }
        (Value::Array(there), Value::Array(wanted)) => {
            there.len() == wanted.len() && there.iter().zip(wanted).all(|(there, wanted)| is_still(there, wanted))
        }
        _ => there == wanted,
    }
}

/// For lists that other webhooks extend (the token of the pod's service account, a cloud's identity).
fn is_still_among(there: &Value, wanted: &Value) -> bool {
    let (Some(there), Some(wanted)) = (there.as_array(), wanted.as_array()) else {
        return there == wanted;
    };
    wanted.iter().all(|item| there.iter().any(|found| is_still(found, item)))
        && there
            .iter()
            .filter(|found| name(found).to_ascii_lowercase().starts_with("pillion"))
            .all(|found| wanted.iter().any(|item| name(item) == name(found)))
}
