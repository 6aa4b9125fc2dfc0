//! Identities of clouds: whose they are and how they are proven. Parameters and names of files, never a secret; token
//! endpoints, scopes and audiences are not here, so that nobody can redirect them.

use crate::CredentialSource;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Keys of AWS, with which requests are signed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AwsIdentity {
    /// Region that requests are signed for, and whose token service is asked.
    pub region: String,
    /// Where the first keys come from.
    pub source: AwsSource,
    /// Roles that are then assumed, one with the keys of the one before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assume_roles: Vec<AssumeRole>,
}

impl AwsIdentity {
    /// The key that it is proven with, if it is one.
    #[must_use]
    pub fn key(&self) -> Option<&CredentialSource> {
        match &self.source {
            AwsSource::Static { credential } => Some(credential),
            _ => None,
        }
    }
}

/// Where keys of AWS come from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "camelCase")]
pub enum AwsSource {
    /// The pod's own identity, whichever it has: web identity where a role and a token are there, else EKS Pod Identity.
    #[serde(rename_all = "camelCase")]
    Auto {
        /// The role of the pod's service account; absent: that of `AWS_ROLE_ARN`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        role_arn: Option<String>,
    },
    /// The pod's token for a role (IRSA).
    #[serde(rename_all = "camelCase")]
    WebIdentity {
        /// The role; absent: that of `AWS_ROLE_ARN`, which EKS's own webhook sets.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        role_arn: Option<String>,
    },
    /// EKS Pod Identity: the agent on the node gives the keys of the pod's association.
    PodIdentity,
    /// The instance metadata service: the role of the node.
    InstanceMetadata,
    /// Access keys in a file.
    Static {
        /// Which.
        credential: CredentialSource,
    },
}

/// A role that is assumed with keys of another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssumeRole {
    /// The role.
    pub role_arn: String,
    /// What the role's trust policy may ask for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Name of the session; absent: made of the pod's namespace and name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_name: Option<String>,
    /// Session tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// An identity of Microsoft Entra.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AzureIdentity {
    /// Whose token endpoints, scopes and hosts count.
    pub cloud: AzureCloud,
    /// Where tokens come from.
    pub source: AzureSource,
}

impl AzureIdentity {
    /// The key that it is proven with, if it is one.
    #[must_use]
    pub fn key(&self) -> Option<&CredentialSource> {
        match &self.source {
            AzureSource::ClientSecret { credential, .. } | AzureSource::ClientCertificate { credential, .. } => {
                Some(credential)
            }
            _ => None,
        }
    }
}

/// Clouds of Microsoft that share nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum AzureCloud {
    /// The public one.
    #[default]
    Public,
    /// Azure Government.
    USGovernment,
    /// Azure operated by 21Vianet.
    China,
}

/// Where tokens of Entra come from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "camelCase")]
pub enum AzureSource {
    /// The pod's token, for a federated credential of an application or managed identity.
    #[serde(rename_all = "camelCase")]
    WorkloadIdentity {
        /// Absent: that of `AZURE_TENANT_ID`, which Azure's own webhook sets.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tenant_id: Option<String>,
        /// Absent: that of `AZURE_CLIENT_ID`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        client_id: Option<String>,
    },
    /// The instance metadata service: an identity of the node.
    ManagedIdentity {
        /// Absent: the one that the system assigned.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<ManagedIdentityId>,
    },
    /// A secret of an application.
    #[serde(rename_all = "camelCase")]
    ClientSecret {
        /// The directory.
        tenant_id: String,
        /// The application.
        client_id: String,
        /// Where the secret is.
        credential: CredentialSource,
    },
    /// A certificate of an application.
    #[serde(rename_all = "camelCase")]
    ClientCertificate {
        /// The directory.
        tenant_id: String,
        /// The application.
        client_id: String,
        /// Where certificate and key are, one PEM text.
        credential: CredentialSource,
    },
}

/// Which of a node's managed identities.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "by", content = "id", rename_all = "camelCase")]
pub enum ManagedIdentityId {
    /// By its client id.
    ClientId(String),
    /// By its object id.
    ObjectId(String),
    /// By its resource id.
    ResourceId(String),
}

/// An identity of Google Cloud.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GcpIdentity {
    /// Where tokens come from.
    pub source: GcpSource,
    /// Email of a service account whose token is then asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impersonate: Option<String>,
}

impl GcpIdentity {
    /// The key that it is proven with, if it is one.
    #[must_use]
    pub fn key(&self) -> Option<&CredentialSource> {
        match &self.source {
            GcpSource::ServiceAccountKey { credential } => Some(credential),
            _ => None,
        }
    }
}

/// Where tokens of Google Cloud come from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "camelCase")]
pub enum GcpSource {
    /// The pod's token, for a provider of a workload identity pool.
    WorkloadIdentityFederation {
        /// `projects/…/locations/global/workloadIdentityPools/…/providers/…`.
        provider: String,
    },
    /// The metadata server: the pod's service account on GKE with Workload Identity, else the node's.
    MetadataServer,
    /// A key of a service account, as JSON.
    ServiceAccountKey {
        /// Where it is.
        credential: CredentialSource,
    },
}

/// A token of the pod that a cloud takes: an audience, and the name of the file in which kubelet puts it. Who projects
/// the token and who reads it take both from here.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenFile {
    /// File name in the sidecar's tokens folder.
    pub name: String,
    /// The token's audience.
    pub audience: String,
}

impl TokenFile {
    /// For Entra: the audience that a federated credential of this cloud has unless its author chose another.
    #[must_use]
    pub fn azure(cloud: AzureCloud) -> Self {
        let (name, audience) = match cloud {
            AzureCloud::Public => ("azure", "api://AzureADTokenExchange"),
            AzureCloud::USGovernment => ("azure-usgovernment", "api://AzureADTokenExchangeUSGov"),
            AzureCloud::China => ("azure-china", "api://AzureADTokenExchangeChina"),
        };
        Self { name: name.into(), audience: audience.into() }
    }

    /// For AWS's Security Token Service.
    #[must_use]
    pub fn aws() -> Self {
        Self { name: "aws-sts".into(), audience: "sts.amazonaws.com".into() }
    }

    /// For EKS Pod Identity's agent.
    #[must_use]
    pub fn eks() -> Self {
        Self { name: "aws-pod-identity".into(), audience: "pods.eks.amazonaws.com".into() }
    }

    /// For a provider of a workload identity pool, `projects/…/providers/…`: each has its own audience.
    #[must_use]
    pub fn gcp(provider: &str) -> Self {
        let audience = format!("https://iam.googleapis.com/{provider}");
        Self { name: format!("gcp-{}", crate::version_of(audience.as_bytes())), audience }
    }
}
