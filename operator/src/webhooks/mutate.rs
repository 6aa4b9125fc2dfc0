//! `/mutate-pods`: an injection for a review, and an event where one was asked for in vain.

use super::Review;
use crate::certs::ServingIdentity;
use crate::config::Config;
use crate::events::{Events, Regarding};
use crate::index::Index;
use crate::inject::{INJECT, InjectContext, Injection, SkipReason, inject};
use crate::kubernetes::call;
use crate::metrics::{Metrics, OutcomeLabels};
use k8s_openapi::api::core::v1::Namespace;
use kube::Client;
use kube::api::Api;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Injects the pods of reviews.
pub(crate) struct Injector {
    pub(crate) config: Config,
    pub(crate) identity: watch::Receiver<Option<Arc<ServingIdentity>>>,
    pub(crate) index: Index,
    pub(crate) client: Client,
    pub(crate) events: Events,
    pub(crate) metrics: Metrics,
}

impl std::fmt::Debug for Injector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Injector").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Injector {
    /// Labels of a namespace: from the index, or asked for where the namespace is newer than it. `None` where nobody
    /// knows: the API server has called because its own selectors hold.
    pub(super) async fn namespace_labels(&self, namespace: &str) -> Option<BTreeMap<String, String>> {
        if let Some(labels) = self.index.namespace_labels(namespace) {
            return Some(labels);
        }
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        let asked = tokio::time::timeout(Duration::from_secs(1), call(namespaces.get_metadata(namespace))).await;
        Some(asked.ok()?.ok()?.metadata.labels.unwrap_or_default())
    }

    /// The answer to one review.
    pub(super) fn decide(&self, review: &Review, labels: Option<&BTreeMap<String, String>>) -> Value {
        if review.operation() != "CREATE" || review.kind() != "Pod" || !review.sub_resource().is_empty() {
            return review.allow(&[], None);
        }
        let identity = self.identity.borrow().clone();
        let bundle = identity.as_ref().map(|identity| identity.bundle.clone()).unwrap_or_default();
        let seal = identity.map(|identity| identity.sealer.seal(&self.config.sidecar.image));
        let seal = seal.as_deref();
        let context = InjectContext { config: &self.config, ca_bundle: &bundle, seal, namespace_labels: labels };
        let pod = review.object();
        let Injection { patch, warnings, skipped, .. } = inject(pod, &context);
        let outcome = match skipped {
            None => OutcomeLabels { result: "injected", reason: "" },
            Some(reason) => OutcomeLabels { result: "skipped", reason: reason.as_str() },
        };
        if !review.is_dry_run() {
            self.metrics.injection.get_or_create(&outcome).inc();
            if let Some(reason) = skipped.filter(|reason| reason.disappoints()) {
                self.tell(review.namespace(), pod, reason, &warnings);
            }
        }
        review.allow(&warnings, Some(&patch))
    }

    /// On the pod's controller: the pod is not stored yet, and there may be many alike.
    fn tell(&self, namespace: &str, pod: &Value, reason: SkipReason, warnings: &[String]) {
        let note = format!("{}: {}", reason.as_str(), warnings.join("; "));
        self.events.warn("InjectionSkipped", "Injecting", note, regarding(namespace, pod));
    }
}

fn regarding(namespace: &str, pod: &Value) -> Regarding {
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let metadata = pod.get("metadata").unwrap_or(&Value::Null);
    let owner = metadata
        .get("ownerReferences")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .find(|owner| owner.get("controller") == Some(&Value::Bool(true)));
    match owner {
        Some(owner) => Regarding {
            api_version: text(owner, "apiVersion"),
            kind: text(owner, "kind"),
            namespace: namespace.to_owned(),
            name: text(owner, "name"),
            uid: text(owner, "uid"),
        },
        None => {
            let name = [text(metadata, "name"), text(metadata, "generateName")];
            Regarding {
                api_version: "v1".into(),
                kind: "Pod".into(),
                namespace: namespace.to_owned(),
                name: name.into_iter().find(|name| !name.is_empty()).unwrap_or_default(),
                uid: String::new(),
            }
        }
    }
}

/// Where the injector itself fails: a pod that asked is refused, for without its sidecar it could call nothing; any
/// other pod is let through.
pub(super) fn after_panic(review: &Review, labels: Option<&BTreeMap<String, String>>) -> Value {
    let metadata = review.object().get("metadata").unwrap_or(&Value::Null);
    let word = |place: &str| metadata.get(place).and_then(|words| words.get(INJECT)).and_then(Value::as_str);
    let asked = match word("labels").or_else(|| word("annotations")) {
        Some(word) => word == "true",
        None => labels.is_some_and(|labels| labels.get(INJECT).is_some_and(|word| word == "enabled")),
    };
    if asked {
        let message = format!(
            "the pillion injector failed on this pod (a fault of its own, see its log); set {INJECT}: \"false\" to start it without a sidecar"
        );
        return review.deny(500, "InternalError", &message);
    }
    review.allow(&["the pillion injector failed on this pod, which did not ask for it".to_owned()], None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn review(metadata: &Value) -> Review {
        let review = json!({
            "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
            "request": {"uid": "u", "namespace": "n", "object": {"metadata": metadata}},
        });
        Review::parse(Some("application/json"), review.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_fault_of_ours_refuses_only_pods_that_asked() {
        let enabled = BTreeMap::from([(INJECT.to_owned(), "enabled".to_owned())]);
        let none = BTreeMap::new();
        let allowed = |metadata: Value, labels: Option<&BTreeMap<String, String>>| {
            after_panic(&review(&metadata), labels)["response"]["allowed"].as_bool().unwrap()
        };
        assert!(allowed(json!({}), Some(&none)));
        assert!(allowed(json!({}), None));
        assert!(!allowed(json!({}), Some(&enabled)));
        assert!(allowed(json!({"labels": {INJECT: "false"}}), Some(&enabled)));
        assert!(!allowed(json!({"annotations": {INJECT: "true"}}), None));
    }

    #[test]
    fn an_event_regards_the_controller_of_a_pod_or_the_pod_itself() {
        let owner =
            json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "a-1", "uid": "x", "controller": true});
        let pod = json!({"metadata": {"generateName": "a-1-", "ownerReferences": [{"name": "other"}, owner]}});
        assert_eq!(regarding("n", &pod).name, "a-1");
        assert_eq!(regarding("n", &json!({"metadata": {"generateName": "p-"}})).name, "p-");
    }
}
