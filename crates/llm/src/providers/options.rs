//! What a user sets of one provider beside endpoint and credential: the options of its type.

use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The options of every type in one; a type takes those that its descriptor lists.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Options {
    /// Version of the API, as the vendor writes it; `v1` is Azure's newest surface.
    pub api_version: Option<String>,
    /// Model names and the deployments that serve them.
    #[serde(default)]
    pub deployments: BTreeMap<String, String>,
    /// The cloud's project.
    pub project: Option<String>,
    /// The cloud's location, such as `us-central1` or `global`.
    pub location: Option<String>,
    /// The cloud's region, such as `us-east-1`.
    pub region: Option<String>,
}

/// Options that are not what they must be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OptionsError(String);

impl Options {
    /// Reads the options of a type.
    ///
    /// # Errors
    /// When one is not known, or of a wrong type.
    pub fn read(options: &Map<String, Value>) -> Result<Self, OptionsError> {
        serde_json::from_value(Value::Object(options.clone())).map_err(|error| OptionsError(error.to_string()))
    }
}
