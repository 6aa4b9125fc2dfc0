//! What an injection leaves on the pod about itself, so that the next one knows its own work from the user's.

use super::shape::annotation;
use super::{CONTAINER, STATUS, sidecar};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The annotation `pillion.dev/status`, as compact JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Record {
    /// Version of the operator.
    pub(super) version: String,
    /// The container that was added.
    pub(super) container: String,
    /// The volumes that were added.
    pub(super) volumes: Vec<String>,
    /// The variables that were added, by container.
    pub(super) env: BTreeMap<String, Vec<String>>,
    /// What the user was told.
    pub(super) warnings: Vec<String>,
}

impl Record {
    /// What a former injection says it did; nothing where there was none.
    pub(super) fn of(pod: &Value) -> Self {
        annotation(pod, STATUS).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    /// What this injection did.
    pub(super) fn now(env: BTreeMap<String, Vec<String>>, warnings: &[String]) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").into(),
            container: CONTAINER.into(),
            volumes: sidecar::VOLUMES.map(String::from).into(),
            env,
            warnings: warnings.to_vec(),
        }
    }

    pub(super) fn has_container(&self, name: &str) -> bool {
        !self.container.is_empty() && self.container == name
    }

    pub(super) fn has_volume(&self, name: &str) -> bool {
        self.volumes.iter().any(|volume| volume == name)
    }

    pub(super) fn has_variable(&self, container: &str, variable: &str) -> bool {
        self.env.get(container).is_some_and(|names| names.iter().any(|name| name == variable))
    }
}
