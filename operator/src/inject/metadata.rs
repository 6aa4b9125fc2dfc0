//! Labels and annotations of an injected pod.

use super::record::Record;
use super::shape::{annotation, items, name, object_mut};
use super::sidecar::STATE_VOLUME;
use super::{INJECTED, SEAL, STATUS};
use serde_json::Value;

const DEFAULT_CONTAINER: &str = "kubectl.kubernetes.io/default-container";
const SAFE_TO_EVICT: &str = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes";

/// Marks the pod as injected and says what was done.
pub(super) fn apply(pod: &mut Value, record: Record, seal: Option<&str>) {
    let default_container = annotation(pod, DEFAULT_CONTAINER)
        .map(String::from)
        .or_else(|| items(&pod["spec"], "containers").next().map(|container| name(container).to_owned()));
    let evictable = with_state_volume(annotation(pod, SAFE_TO_EVICT));
    let Some(metadata) = pod.as_object_mut().map(|pod| pod.entry("metadata").or_insert(Value::Null)) else {
        return;
    };
    if metadata.is_null() {
        *metadata = Value::Object(serde_json::Map::new());
    }
    if let Some(labels) = object_mut(metadata, "labels") {
        labels.insert(INJECTED.into(), "true".into());
    }
    if let Some(annotations) = object_mut(metadata, "annotations") {
        let status = serde_json::to_string(&record).expect("a record has only string keys");
        annotations.insert(STATUS.into(), status.into());
        if let Some(container) = default_container {
            annotations.insert(DEFAULT_CONTAINER.into(), container.into());
        }
        match seal {
            Some(seal) => drop(annotations.insert(SEAL.into(), seal.into())),
            None => drop(annotations.remove(SEAL)),
        }
        annotations.insert(SAFE_TO_EVICT.into(), evictable.into());
    }
}

/// The autoscaler would keep a node for the sake of our memory-backed volume otherwise.
fn with_state_volume(users: Option<&str>) -> String {
    match users {
        Some(list) if list.split(',').any(|volume| volume.trim() == STATE_VOLUME) => list.into(),
        Some(list) if !list.trim().is_empty() => format!("{list},{STATE_VOLUME}"),
        _ => STATE_VOLUME.into(),
    }
}
