//! The sidecar's container and volumes, and where they go in the pod.

use super::keep::is_still;
use super::record::Record;
use super::shape::{annotation, containers, list_mut, name};
use super::warnings::Warnings;
use super::{CONTAINER, InjectContext, resources};
use crate::config::LOG_LEVELS;
use serde_json::{Value, json};

/// Holds the sidecar's last good snapshot; in memory, never a credential.
pub(super) const STATE_VOLUME: &str = "pillion-state";
const TOKENS_VOLUME: &str = "pillion-tokens";
const CREDENTIALS_VOLUME: &str = "pillion-credentials";
/// Every volume that is added.
pub(super) const VOLUMES: [&str; 3] = [TOKENS_VOLUME, CREDENTIALS_VOLUME, STATE_VOLUME];

/// What the sidecar is started with.
pub(super) const ARGS: [&str; 1] = ["serve"];
/// Our own variables of the sidecar.
pub(super) const VARIABLES: [&str; 6] =
    ["PILLION_CONFIG_URL", "PILLION_CA", "PILLION_POD_NAME", "PILLION_POD_NAMESPACE", "PILLION_POD_IP", "PILLION_LOG"];

/// The audience of the token that the config server takes.
pub(crate) const AUDIENCE: &str = "pillion";
const LOG_LEVEL: &str = "pillion.dev/log-level";
/// The sidecar's user, or the next that no other container has.
const FIRST_USER: i64 = 65532;
/// 0444: the files are read by whatever user the sidecar runs as, and only the sidecar mounts them.
const READ_ONLY: u16 = 0o444;
/// Port of health and metrics, on the pod's address: kubelet must reach it.
const HEALTH_PORT: u16 = 15401;

/// Adds or renews the sidecar and its volumes.
pub(super) fn apply(pod: &mut Value, context: &InjectContext<'_>, former: &Record, warnings: &mut Warnings) {
    let wanted = container(pod, context, former, warnings);
    if pod["spec"].get("shareProcessNamespace") == Some(&Value::Bool(true)) {
        warnings.push(
            "shareProcessNamespace: a process of another container that runs as root can read the sidecar's tokens",
        );
    }
    let tokens = tokens(pod, context);
    let spec = &mut pod["spec"];
    let is_ours = |item: &Value| name(item) == CONTAINER;
    if let Some(list) = spec.get_mut("containers").and_then(Value::as_array_mut) {
        list.retain(|item| !is_ours(item));
    }
    if let Some(list) = list_mut(spec, "initContainers") {
        // Where another webhook has put a container of its own first, that place is not fought over.
        let stays = list.iter().filter(|item| is_ours(item)).count() == 1
            && list.iter().any(|item| is_ours(item) && is_still(item, &wanted));
        if !stays {
            list.retain(|item| !is_ours(item));
            list.insert(0, wanted);
        }
    }
    if let Some(list) = list_mut(spec, "volumes") {
        list.retain(|item| !(former.has_volume(name(item)) && is_outdated(name(item))));
        for wanted in volumes(&tokens) {
            match list.iter_mut().find(|item| name(item) == name(&wanted)) {
                Some(there) if is_still(there, &wanted) => {}
                Some(there) => *there = wanted,
                None => list.push(wanted),
            }
        }
    }
}

/// A volume that only an older version added.
fn is_outdated(volume: &str) -> bool {
    volume.starts_with("pillion-") && !VOLUMES.contains(&volume)
}

fn container(pod: &Value, context: &InjectContext<'_>, former: &Record, warnings: &mut Warnings) -> Value {
    let sidecar = &context.config.sidecar;
    let user = free_user(pod, former);
    let mut container = json!({
        "name": CONTAINER,
        "image": sidecar.image,
        "restartPolicy": "Always",
        "args": ARGS,
        "ports": [{"name": "pillion-metrics", "containerPort": HEALTH_PORT, "protocol": "TCP"}],
        "env": [
            {"name": VARIABLES[0], "value": context.config.config_server.url},
            {"name": VARIABLES[1], "value": context.ca_bundle},
            {"name": VARIABLES[2], "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": VARIABLES[3], "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
            {"name": VARIABLES[4], "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": VARIABLES[5], "value": log_level(pod, &sidecar.log_level, warnings)},
        ],
        "startupProbe": {
            "httpGet": {"path": "/healthz/started", "port": HEALTH_PORT},
            "periodSeconds": 1,
            "failureThreshold": context.config.startup.timeout_seconds,
        },
        "livenessProbe": {
            "httpGet": {"path": "/healthz/live", "port": HEALTH_PORT},
            "periodSeconds": 10,
            "failureThreshold": 6,
        },
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "runAsNonRoot": true,
            "runAsUser": user,
            "runAsGroup": user,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [
            {"name": TOKENS_VOLUME, "mountPath": "/var/run/secrets/pillion.dev/tokens", "readOnly": true},
            {"name": CREDENTIALS_VOLUME, "mountPath": "/var/run/secrets/pillion.dev/credentials", "readOnly": true},
            {"name": STATE_VOLUME, "mountPath": "/var/run/pillion"},
        ],
    });
    if let Some(policy) = &sidecar.image_pull_policy {
        container["imagePullPolicy"] = policy.as_str().into();
    }
    // An empty object where the pod's own budget counts: the API server would write it anyway.
    container["resources"] = resources::of(pod, &sidecar.resources, former, warnings).unwrap_or_else(|| json!({}));
    container
}

fn volumes(tokens: &[Value]) -> [Value; 3] {
    [
        json!({"name": TOKENS_VOLUME, "projected": {"defaultMode": READ_ONLY, "sources": tokens}}),
        json!({"name": CREDENTIALS_VOLUME, "secret": {
            "secretName": "pillion-credentials", "optional": true, "defaultMode": READ_ONLY,
        }}),
        json!({"name": STATE_VOLUME, "emptyDir": {"medium": "Memory", "sizeLimit": "16Mi"}}),
    ]
}

/// The pod's tokens: one for the config server, and one for each cloud that the operator's configuration names.
fn tokens(pod: &Value, context: &InjectContext<'_>) -> Vec<Value> {
    let ours = json!({"serviceAccountToken": {"path": "pillion", "audience": AUDIENCE, "expirationSeconds": 3600}});
    let lasts = lifetime(pod);
    let clouds = context.config.identity.tokens().into_iter().map(|token| {
        json!({"serviceAccountToken": {"path": token.name, "audience": token.audience, "expirationSeconds": lasts}})
    });
    std::iter::once(ours).chain(clouds).collect()
}

/// An hour, give or take a tenth by what the pod is called, so that a rollout's tokens are not all renewed at once.
fn lifetime(pod: &Value) -> u64 {
    let metadata = &pod["metadata"];
    let name = metadata["generateName"].as_str().or(metadata["name"].as_str()).unwrap_or_default();
    // FNV-1a: the same in every version of every replica, as an unchanged pod must stay unchanged.
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    3600 - 360 + hash % 721
}

fn log_level(pod: &Value, default: &str, warnings: &mut Warnings) -> String {
    match annotation(pod, LOG_LEVEL) {
        Some(level) if LOG_LEVELS.contains(&level) => level.into(),
        Some(level) => {
            warnings.push(format!("{LOG_LEVEL}: '{level}' is not one of {}", LOG_LEVELS.join(", ")));
            default.into()
        }
        None => default.into(),
    }
}

/// A user of its own keeps the sidecar's files and memory from the application's processes.
fn free_user(pod: &Value, former: &Record) -> i64 {
    let user = |owner: &Value| owner.get("securityContext")?.get("runAsUser")?.as_i64();
    let others = containers(pod).filter(|container| !former.has_container(name(container)));
    let taken: Vec<i64> = others.chain([&pod["spec"]]).filter_map(user).collect();
    (FIRST_USER..).find(|user| !taken.contains(user)).unwrap_or(FIRST_USER)
}
