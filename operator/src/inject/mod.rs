//! Injection of the sidecar: a pure function over raw JSON, so that fields of any later Kubernetes survive; no I/O.
//!
//! ```text
//! pod ──▶ decision ──▶ obstacles ──▶ variables ─▶ sidecar ─▶ volumes ─▶ metadata ──▶ diff ──▶ JSON patch
//!         asked for?   can it be?    (what a former injection left, as its Record tells, is replaced)
//! ```

mod decision;
mod diff;
mod intact;
mod keep;
mod metadata;
mod obstacles;
mod record;
mod resources;
mod shape;
mod sidecar;
mod variables;
mod warnings;

pub use diff::{Operation, diff};
pub use obstacles::OUR_PORTS;
pub use warnings::MAX_WARNING_CHARS;

pub(crate) use intact::Intact;
pub(crate) use sidecar::AUDIENCE;

use crate::config::Config;
use record::Record;
use serde_json::Value;
use std::collections::BTreeMap;
use warnings::Warnings;

/// Name of the injected container.
pub const CONTAINER: &str = "pillion";
/// Asks for injection (`true`) or opts out (`false`); label or annotation on pods, label on namespaces (`enabled`).
pub const INJECT: &str = "pillion.dev/inject";
/// Label of every injected pod.
pub const INJECTED: &str = "pillion.dev/injected";
/// Annotation that records what was injected.
pub const STATUS: &str = "pillion.dev/status";

/// Annotation by which the operator knows an image of the sidecar as one that it injected.
pub const SEAL: &str = "pillion.dev/sidecar-seal";

/// What a pod is injected with, and where.
#[derive(Clone, Copy, Debug)]
pub struct InjectContext<'a> {
    /// The operator's configuration.
    pub config: &'a Config,
    /// PEM bundle of the authorities that a sidecar trusts the config server by.
    pub ca_bundle: &'a str,
    /// The operator's seal on the sidecar's image; `None` where there is no operator: such pods get no streamed keys.
    pub seal: Option<&'a str>,
    /// Labels of the pod's namespace; `None` where whoever calls has asked in the namespace's place.
    pub namespace_labels: Option<&'a BTreeMap<String, String>>,
}

/// What injection makes of one pod.
#[derive(Clone, Debug, PartialEq)]
pub struct Injection {
    /// The pod after the patch.
    pub pod: Value,
    /// Turns the pod that was given into `pod`; empty where nothing is to do.
    pub patch: Vec<Operation>,
    /// What the user should know, each at most [`MAX_WARNING_CHARS`] characters.
    pub warnings: Vec<String>,
    /// Why the pod is left as it is.
    pub skipped: Option<SkipReason>,
}

/// Why a pod is left as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SkipReason {
    /// Neither the pod nor its namespace asks.
    NotAsked,
    /// The pod says `false`.
    OptedOut,
    /// A value that is neither yes nor no.
    InvalidValue,
    /// Uses the node's network, where ports and identity are the node's.
    HostNetwork,
    /// Mirrors a static pod, which kubelet alone can change.
    MirrorPod,
    /// The sidecar is a Linux program.
    Windows,
    /// A container uses one of the sidecar's ports.
    PortConflict,
    /// A container or volume of the user has one of our names.
    NameConflict,
    /// Not of a pod's shape.
    Malformed,
}

impl SkipReason {
    /// The name as it stands in events and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotAsked => "NotAsked",
            Self::OptedOut => "OptedOut",
            Self::InvalidValue => "InvalidValue",
            Self::HostNetwork => "HostNetwork",
            Self::MirrorPod => "MirrorPod",
            Self::Windows => "Windows",
            Self::PortConflict => "PortConflict",
            Self::NameConflict => "NameConflict",
            Self::Malformed => "Malformed",
        }
    }

    /// Whether somebody asked for the injection that did not take place, and should hear of it.
    #[must_use]
    pub fn disappoints(self) -> bool {
        !matches!(self, Self::NotAsked | Self::OptedOut | Self::MirrorPod)
    }
}

/// Injects the sidecar into `pod` (a Pod or a pod template; `kind` is not looked at).
///
/// Guarantees: everything that the pod holds stays, fields of unknown meaning included; injecting twice is the same
/// as once; a sidecar of another version is replaced wholly. Never panics, whatever the JSON.
#[must_use]
pub fn inject(pod: &Value, context: &InjectContext<'_>) -> Injection {
    let mut warnings = Warnings::default();
    match injected(pod, context, &mut warnings) {
        Ok(after) => {
            let patch = diff(pod, &after);
            Injection { pod: after, patch, warnings: warnings.into_list(), skipped: None }
        }
        Err(reason) => {
            Injection { pod: pod.clone(), patch: Vec::new(), warnings: warnings.into_list(), skipped: Some(reason) }
        }
    }
}

fn injected(pod: &Value, context: &InjectContext<'_>, warnings: &mut Warnings) -> Result<Value, SkipReason> {
    shape::check(pod)
        .inspect_err(|_| warnings.push("pillion: the pod is not of a pod's shape, no sidecar is injected"))?;
    decision::decide(pod, context.namespace_labels, warnings)?;
    let former = Record::of(pod);
    obstacles::check(pod, &former, warnings)?;
    let mut pod = pod.clone();
    let env = variables::apply(&mut pod, &former, warnings);
    sidecar::apply(&mut pod, context, &former, warnings);
    metadata::apply(&mut pod, Record::now(env, warnings.list()), context.seal);
    Ok(pod)
}

#[cfg(test)]
mod tests;
