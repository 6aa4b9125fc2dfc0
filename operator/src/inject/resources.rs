//! Requests and limits of the sidecar, such that the pod keeps its class of service and stays valid.

use super::record::Record;
use super::shape::{annotation, containers, name};
use super::warnings::Warnings;
use crate::config::Resources;
use crate::quantity::Quantity;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const OVERRIDES: [(&str, List, &str); 3] = [
    ("pillion.dev/sidecar-cpu-request", List::Requests, "cpu"),
    ("pillion.dev/sidecar-memory-request", List::Requests, "memory"),
    ("pillion.dev/sidecar-memory-limit", List::Limits, "memory"),
];

/// A Guaranteed pod needs a CPU limit; 10m, enough to be scheduled by, would throttle every call.
const GUARANTEED_CPU: &str = "100m";

#[derive(Clone, Copy)]
enum List {
    Requests,
    Limits,
}

/// `resources` of the sidecar; `None` in a pod with `spec.resources`, whose budget it shares: a request of its own
/// could pass the pod's and make the pod invalid.
pub(super) fn of(pod: &Value, defaults: &Resources, former: &Record, warnings: &mut Warnings) -> Option<Value> {
    let has_budget = pod["spec"].get("resources").and_then(Value::as_object).is_some_and(|budget| !budget.is_empty());
    if has_budget {
        for (key, _, _) in OVERRIDES.iter().filter(|(key, _, _)| annotation(pod, key).is_some()) {
            warnings.push(format!("{key} has no effect in a pod with spec.resources"));
        }
        return None;
    }
    let Resources { mut requests, mut limits } = defaults.clone();
    for (key, list, resource) in OVERRIDES {
        let Some(quantity) = annotation(pod, key).map(str::trim) else {
            continue;
        };
        if Quantity::parse(quantity).is_none() {
            warnings.push(format!("{key}: '{quantity}' is not a quantity, the default is used"));
            continue;
        }
        let list = match list {
            List::Requests => &mut requests,
            List::Limits => &mut limits,
        };
        list.insert(resource.into(), quantity.into());
    }
    raise_limits(&requests, &mut limits);
    if is_guaranteed(pod, former) {
        guarantee(&mut requests, &mut limits, annotation(pod, OVERRIDES[0].0).is_some());
    }
    Some(json!({"requests": requests, "limits": limits}))
}

/// A request above its limit would be refused by the API server.
fn raise_limits(requests: &BTreeMap<String, String>, limits: &mut BTreeMap<String, String>) {
    for (name, request) in requests {
        if let Some(limit) = limits.get_mut(name)
            && Quantity::parse(request) > Quantity::parse(limit)
        {
            limit.clone_from(request);
        }
    }
}

/// Whether every other container has CPU and memory limits, and requests equal to them.
fn is_guaranteed(pod: &Value, former: &Record) -> bool {
    containers(pod).filter(|container| !former.has_container(name(container))).all(|container| {
        let quantity =
            |list: &str, resource: &str| container.get("resources")?.get(list)?.get(resource).and_then(Quantity::of);
        ["cpu", "memory"].iter().all(|resource| {
            let limit = quantity("limits", resource);
            limit.is_some() && quantity("requests", resource).is_none_or(|request| Some(request) == limit)
        })
    })
}

fn guarantee(requests: &mut BTreeMap<String, String>, limits: &mut BTreeMap<String, String>, cpu_is_chosen: bool) {
    let cpu = match (limits.get("cpu"), requests.get("cpu")) {
        (Some(limit), _) => limit.clone(),
        (None, Some(request)) if cpu_is_chosen || Quantity::parse(request) > Quantity::parse(GUARANTEED_CPU) => {
            request.clone()
        }
        _ => GUARANTEED_CPU.into(),
    };
    limits.insert("cpu".into(), cpu);
    if !limits.contains_key("memory") {
        let memory = requests.get("memory").cloned().unwrap_or_else(|| "128Mi".into());
        limits.insert("memory".into(), memory);
    }
    for resource in ["cpu", "memory"] {
        if let Some(limit) = limits.get(resource) {
            requests.insert(resource.into(), limit.clone());
        }
    }
}
