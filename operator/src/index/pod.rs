//! What is kept of an injected pod.

use crate::inject::{CONTAINER, Intact};
use k8s_openapi::api::core::v1::Pod;
use std::collections::BTreeMap;

/// The little that snapshots, streams and counts depend on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IndexedPod {
    /// Unique in time.
    pub(crate) uid: String,
    /// Its namespace.
    pub(crate) namespace: String,
    /// Its name.
    pub(crate) name: String,
    /// All of them: selectors of later routes may read any.
    pub(crate) labels: BTreeMap<String, String>,
    /// Its service account.
    pub(crate) service_account: String,
    /// Deletion has begun; it may still serve.
    pub(crate) terminating: bool,
    /// Phase Succeeded or Failed: no container runs any more.
    pub(crate) finished: bool,
    /// Its sidecar's startup probe has passed.
    pub(crate) started: bool,
    /// Whether its sidecar is what injection made of it.
    pub(crate) intact: Intact,
}

impl IndexedPod {
    /// What is kept of `pod`; `None` where it was never stored.
    pub(crate) fn of(pod: &Pod) -> Option<Self> {
        let status = pod.status.as_ref();
        let phase = status.and_then(|status| status.phase.as_deref());
        let started = status
            .into_iter()
            .flat_map(|status| status.init_container_statuses.iter().flatten())
            .any(|container| container.name == CONTAINER && container.started == Some(true));
        Some(Self {
            uid: pod.metadata.uid.clone()?,
            namespace: pod.metadata.namespace.clone()?,
            name: pod.metadata.name.clone()?,
            labels: pod.metadata.labels.clone().unwrap_or_default(),
            service_account: pod
                .spec
                .as_ref()
                .and_then(|spec| spec.service_account_name.clone())
                .unwrap_or_else(|| "default".into()),
            terminating: pod.metadata.deletion_timestamp.is_some(),
            finished: matches!(phase, Some("Succeeded" | "Failed")),
            started,
            intact: Intact::of(pod),
        })
    }

    /// Whether conditions count it: its sidecar has started and nothing ends it.
    pub(crate) fn counts(&self) -> bool {
        self.started && !self.terminating && !self.finished
    }
}
