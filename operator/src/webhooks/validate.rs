//! `/validate`: what the compiler says of one object, as a denial.

use super::Review;
use pillion_compiler::{Finding, check_provider, check_route};
use pillion_crds::{AIProvider, AIRoute};
use serde::de::DeserializeOwned;

/// `Err` holds the message of the denial. A reference to what is not there yet is admitted: objects come in any order.
pub(super) fn decide(review: &Review) -> Result<(), String> {
    if !matches!(review.operation(), "CREATE" | "UPDATE") || !review.sub_resource().is_empty() {
        return Ok(());
    }
    let findings = match review.kind() {
        "AIProvider" => check_provider(&parse::<AIProvider>(review)?),
        "AIRoute" => check_route(&parse::<AIRoute>(review)?),
        _ => return Ok(()),
    };
    if findings.is_empty() {
        return Ok(());
    }
    Err(findings.iter().map(Finding::to_string).collect::<Vec<_>>().join("; "))
}

/// What the schema lets through and the types do not.
fn parse<T: DeserializeOwned>(review: &Review) -> Result<T, String> {
    T::deserialize(review.object()).map_err(|error| format!("the object does not parse: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn decision(operation: &str, kind: &str, object: &Value) -> Result<(), String> {
        let review = json!({
            "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
            "request": {"uid": "u", "operation": operation, "kind": {"kind": kind}, "object": object},
        });
        decide(&Review::parse(Some("application/json"), review.to_string().as_bytes()).unwrap())
    }

    fn provider(spec: &Value) -> Value {
        json!({"apiVersion": "pillion.dev/v1alpha1", "kind": "AIProvider", "metadata": {"name": "p"}, "spec": spec})
    }

    #[test]
    fn a_sound_object_is_admitted() {
        assert_eq!(decision("CREATE", "AIProvider", &provider(&json!({"type": "OpenAI"}))), Ok(()));
        let route = json!({
            "apiVersion": "pillion.dev/v1alpha1", "kind": "AIRoute", "metadata": {"name": "r"},
            "spec": {"rules": [{"name": "a", "backends": [{"provider": {"name": "not-there-yet"}}]}]},
        });
        assert_eq!(decision("UPDATE", "AIRoute", &route), Ok(()));
    }

    #[test]
    fn what_an_object_proves_wrong_is_denied_by_its_field() {
        let bad = provider(&json!({"type": "OpenAI", "endpoint": "http://api.example.com/v1"}));
        let message = decision("CREATE", "AIProvider", &bad).unwrap_err();
        assert!(message.starts_with("spec.endpoint"), "{message}");
        let message = decision("CREATE", "AIRoute", &json!({"spec": {"rules": 7}})).unwrap_err();
        assert!(message.contains("does not parse"), "{message}");
    }

    #[test]
    fn a_broken_object_can_always_be_deleted() {
        assert_eq!(decision("DELETE", "AIRoute", &Value::Null), Ok(()));
        assert_eq!(decision("CREATE", "Pod", &Value::Null), Ok(()));
    }
}
