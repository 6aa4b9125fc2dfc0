//! Which pods of a namespace get one snapshot; pure.

use crate::index::IndexedPod;
use pillion_compiler::{AccountIdentity, Workload};
use std::collections::{BTreeMap, BTreeSet};

/// What tells the pods of one namespace apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Classes {
    /// The labels that some route selects by: pods that differ in others only are of one class.
    pub(crate) labels: BTreeSet<String>,
    /// What service accounts claim, by name, where some provider lets them fill what it leaves out.
    pub(crate) accounts: BTreeMap<String, AccountIdentity>,
}

impl Classes {
    /// The class of a pod.
    pub(crate) fn of(&self, pod: &IndexedPod) -> Workload {
        let labels = pod.labels.iter().filter(|(key, _)| self.labels.contains(*key));
        Workload {
            namespace: pod.namespace.clone(),
            labels: labels.map(|(key, value)| (key.clone(), value.clone())).collect(),
            account: self.accounts.get(&pod.service_account).cloned().unwrap_or_default(),
        }
    }
}
