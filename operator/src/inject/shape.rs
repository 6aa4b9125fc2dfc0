//! The few facts about a pod's shape that injection builds on, checked before anything else, and ways to read it.

use super::SkipReason;
use serde_json::{Map, Value};

/// Refuses what is not of a pod's shape as far as injection reads it.
pub(super) fn check(pod: &Value) -> Result<(), SkipReason> {
    let spec = pod.get("spec").ok_or(SkipReason::Malformed)?;
    let sound = is_object_or_null(pod.get("metadata"))
        && is_object_or_null(pod.pointer("/metadata/labels"))
        && is_object_or_null(pod.pointer("/metadata/annotations"))
        && spec.is_object()
        && spec.get("containers").is_some_and(|list| list.as_array().is_some_and(|list| !list.is_empty()))
        && ["containers", "initContainers", "volumes"].iter().all(|key| is_list_of_objects(spec.get(*key)))
        && containers(pod).all(|container| {
            container.get("name").is_some_and(Value::is_string)
                && ["env", "ports", "volumeMounts"].iter().all(|key| is_list_of_objects(container.get(*key)))
        });
    if sound { Ok(()) } else { Err(SkipReason::Malformed) }
}

fn is_object_or_null(value: Option<&Value>) -> bool {
    value.is_none_or(|value| value.is_object() || value.is_null())
}

fn is_list_of_objects(value: Option<&Value>) -> bool {
    value.is_none_or(|value| value.is_null() || value.as_array().is_some_and(|list| list.iter().all(Value::is_object)))
}

/// Init containers and containers, in this order.
pub(super) fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    ["initContainers", "containers"].into_iter().flat_map(|key| items(&pod["spec"], key))
}

/// The items of a list that may be absent.
pub(super) fn items<'a>(owner: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    owner.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// The list under `key`, made where it is absent or null.
pub(super) fn list_mut<'a>(owner: &'a mut Value, key: &str) -> Option<&'a mut Vec<Value>> {
    let slot = owner.as_object_mut()?.entry(key).or_insert(Value::Null);
    if slot.is_null() {
        *slot = Value::Array(Vec::new());
    }
    slot.as_array_mut()
}

/// The object under `key`, made where it is absent or null.
pub(super) fn object_mut<'a>(owner: &'a mut Value, key: &str) -> Option<&'a mut Map<String, Value>> {
    let slot = owner.as_object_mut()?.entry(key).or_insert(Value::Null);
    if slot.is_null() {
        *slot = Value::Object(Map::new());
    }
    slot.as_object_mut()
}

/// `name` of a container, volume or variable; empty where there is none.
pub(super) fn name(item: &Value) -> &str {
    item.get("name").and_then(Value::as_str).unwrap_or_default()
}

/// An annotation of the pod.
pub(super) fn annotation<'a>(pod: &'a Value, key: &str) -> Option<&'a str> {
    pod.get("metadata")?.get("annotations")?.get(key)?.as_str()
}

/// A label of the pod.
pub(super) fn label<'a>(pod: &'a Value, key: &str) -> Option<&'a str> {
    pod.get("metadata")?.get("labels")?.get(key)?.as_str()
}
