//! What makes a sidecar impossible in a pod that asks for one.

use super::record::Record;
use super::shape::{annotation, containers, items, name};
use super::warnings::Warnings;
use super::{CONTAINER, SkipReason, sidecar};
use serde_json::Value;

/// Ports of the sidecar: data, health and metrics, admin.
pub const OUR_PORTS: [u16; 3] = [15400, 15401, 15402];

/// `Ok` where nothing of the pod's own is in the sidecar's way.
pub(super) fn check(pod: &Value, former: &Record, warnings: &mut Warnings) -> Result<(), SkipReason> {
    let Some((reason, why)) = first(pod, former) else {
        return Ok(());
    };
    if reason.disappoints() {
        warnings.push(format!("no pillion sidecar is injected: {why}"));
    }
    Err(reason)
}

fn first(pod: &Value, former: &Record) -> Option<(SkipReason, String)> {
    let spec = &pod["spec"];
    if annotation(pod, "kubernetes.io/config.mirror").is_some() {
        return Some((SkipReason::MirrorPod, "it mirrors a static pod".into()));
    }
    if spec.get("hostNetwork") == Some(&Value::Bool(true)) {
        let why = "with hostNetwork its ports would be the node's, and its identity too".into();
        return Some((SkipReason::HostNetwork, why));
    }
    let selected = spec.get("nodeSelector").and_then(|selector| selector.get("kubernetes.io/os"));
    let declared = spec.get("os").and_then(|os| os.get("name"));
    if [selected, declared].into_iter().flatten().any(|os| os == "windows") {
        return Some((SkipReason::Windows, "the sidecar does not run on Windows".into()));
    }
    name_taken(pod, former).or_else(|| port_taken(pod, former))
}

fn name_taken(pod: &Value, former: &Record) -> Option<(SkipReason, String)> {
    if !former.has_container(CONTAINER) && containers(pod).any(|container| name(container) == CONTAINER) {
        return Some((SkipReason::NameConflict, format!("the pod has a container '{CONTAINER}' of its own")));
    }
    let taken = items(&pod["spec"], "volumes")
        .map(name)
        .find(|volume| sidecar::VOLUMES.contains(volume) && !former.has_volume(volume))?;
    Some((SkipReason::NameConflict, format!("the pod has a volume '{taken}' of its own")))
}

fn port_taken(pod: &Value, former: &Record) -> Option<(SkipReason, String)> {
    containers(pod).filter(|container| !former.has_container(name(container))).find_map(|container| {
        let port = used_ports(container).find(|port| OUR_PORTS.iter().any(|ours| u64::from(*ours) == *port))?;
        let why = format!("container '{}' uses port {port}, which the sidecar needs", name(container));
        Some((SkipReason::PortConflict, why))
    })
}

fn used_ports(container: &Value) -> impl Iterator<Item = u64> {
    let declared = items(container, "ports").filter_map(|port| port.get("containerPort")?.as_u64());
    let probed = ["startupProbe", "livenessProbe", "readinessProbe"].into_iter().flat_map(move |probe| {
        ["httpGet", "tcpSocket", "grpc"]
            .into_iter()
            .filter_map(move |way| container.get(probe)?.get(way)?.get("port")?.as_u64())
    });
    declared.chain(probed)
}
