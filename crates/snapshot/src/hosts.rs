//! Hosts besides the clouds' own that a cloud's credentials may be sent to. The operator's configuration names them, and
//! no object can.

use serde::{Deserialize, Serialize};

/// By cloud: patterns of names, where `*` stands for a part of one label (`*.ai.corp.example`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExtraHosts {
    /// For tokens of Microsoft Entra.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub azure: Vec<String>,
    /// For signatures of AWS.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aws: Vec<String>,
    /// For tokens of Google Cloud.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gcp: Vec<String>,
}

impl ExtraHosts {
    /// Whether it names none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// All patterns of all clouds.
    pub fn patterns(&self) -> impl Iterator<Item = &String> {
        self.azure.iter().chain(&self.aws).chain(&self.gcp)
    }
}
