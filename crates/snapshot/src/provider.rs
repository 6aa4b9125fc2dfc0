//! Where models live and how a call proves who it is. Never holds a credential, only where one is found.

use crate::{AwsIdentity, AzureIdentity, GcpIdentity};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Names a provider within a snapshot: `namespace/name` of its object, opaque to the sidecar.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProviderKey(pub String);

/// One upstream, resolved: nothing is left to default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Provider {
    /// The object's name, for headers, logs and metrics.
    pub name: String,
    /// Id in the provider list of `pillion-llm`, such as `OpenAI`.
    pub kind: String,
    /// Base URL, `scheme://host[:port][/path]`, no trailing slash; empty for a provider that answers locally.
    pub endpoint: String,
    /// Options of its kind, under their names in `pillion-llm`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub options: Map<String, Value>,
    /// How calls are authorised.
    pub auth: Auth,
}

/// How a call is authorised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Auth {
    /// Nothing is added and nothing of the client's is forwarded.
    None,
    /// A static key.
    #[serde(rename_all = "camelCase")]
    ApiKey {
        /// Where the key is found.
        source: CredentialSource,
        /// Where it goes.
        placement: ApiKeyPlacement,
    },
    /// The client's own credential is forwarded as it came.
    Passthrough,
    /// Requests are signed with keys of AWS.
    Aws(AwsIdentity),
    /// A bearer token of Microsoft Entra.
    Azure(AzureIdentity),
    /// A bearer token of Google Cloud.
    Gcp(GcpIdentity),
}

impl Auth {
    /// The key that calls are authorised with, or with which an identity is proven, if one is.
    #[must_use]
    pub fn key(&self) -> Option<&CredentialSource> {
        match self {
            Self::ApiKey { source, .. } => Some(source),
            Self::Aws(identity) => identity.key(),
            Self::Azure(identity) => identity.key(),
            Self::Gcp(identity) => identity.key(),
            Self::None | Self::Passthrough => None,
        }
    }
}

/// Where a sidecar finds a credential.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "camelCase")]
pub enum CredentialSource {
    /// A file of this name in the sidecar's credentials folder.
    Mounted {
        /// File name, never a path.
        key: String,
    },
    /// What the operator streams beside the snapshot under this id, see [`crate::Key`].
    Streamed {
        /// Opaque.
        id: String,
    },
}

/// Where an API key goes in the upstream request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "in", rename_all = "camelCase")]
pub enum ApiKeyPlacement {
    /// A header, its value made of prefix and key.
    Header {
        /// Lower-case name.
        name: String,
        /// Put before the key as it stands (`"Bearer "`); may be empty.
        prefix: String,
    },
    /// A query parameter.
    Query {
        /// Name of the parameter.
        name: String,
    },
}
