//! Which routes concern which workloads.

use crate::AccountIdentity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};
use pillion_crds::AIRoute;
use std::collections::BTreeMap;

/// Where objects without a namespace live: those of files, in standalone mode.
pub(crate) const DEFAULT_NAMESPACE: &str = "default";

/// Pods that the API cannot tell apart: same namespace, same labels as far as a selector reads them, service accounts that
/// claim the same identities.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Workload {
    /// Their namespace.
    pub namespace: String,
    /// Their labels; a caller may leave out those that no route's selector names.
    pub labels: BTreeMap<String, String>,
    /// What their service account claims.
    pub account: AccountIdentity,
}

/// Whether a route concerns a workload: same namespace, and its podSelector holds.
#[must_use]
pub fn selects(route: &AIRoute, workload: &Workload) -> bool {
    route.metadata.namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE) == workload.namespace
        && route.spec.pod_selector.as_ref().is_none_or(|selector| holds(selector, &workload.labels))
}

/// Whether a selector selects everything.
pub(crate) fn is_empty(selector: Option<&LabelSelector>) -> bool {
    selector.is_none_or(|selector| {
        selector.match_labels.as_ref().is_none_or(BTreeMap::is_empty)
            && selector.match_expressions.as_ref().is_none_or(Vec::is_empty)
    })
}

fn holds(selector: &LabelSelector, labels: &BTreeMap<String, String>) -> bool {
    selector.match_labels.iter().flatten().all(|(key, value)| labels.get(key) == Some(value))
        && selector.match_expressions.iter().flatten().all(|requirement| requirement_holds(requirement, labels))
}

/// An unknown operator holds for no pod: selecting too few is seen at once, selecting too many leaks.
fn requirement_holds(requirement: &LabelSelectorRequirement, labels: &BTreeMap<String, String>) -> bool {
    let value = labels.get(&requirement.key);
    let listed = value.is_some_and(|value| requirement.values.iter().flatten().any(|listed| listed == value));
    match requirement.operator.as_str() {
        "In" => listed,
        "NotIn" => !listed,
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        _ => false,
    }
}
