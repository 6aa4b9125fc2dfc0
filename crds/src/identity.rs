//! `auth.aws`, `auth.azure` and `auth.gcp` of an AIProvider: identities of clouds. Whose identity and how it is proven;
//! never where tokens are asked for.

#![allow(unreachable_pub, reason = "KubeSchema copies each struct into a function body, `pub` included")]

use crate::provider::{MountedKey, SecretKeyRef};
use kube_derive::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An identity of AWS.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    crates(kube_core = "::kube_core"),
    validation = Rule::new("(has(self.source) && self.source == 'Static') == (has(self.mounted) || has(self.secretRef))")
        .message("mounted or secretRef must be set exactly when source is Static"),
    validation = Rule::new("!(has(self.mounted) && has(self.secretRef))").message("set one of mounted and secretRef"),
    validation = Rule::new("!has(self.roleArn) || !has(self.source) || self.source in ['Auto', 'WebIdentity']")
        .message("roleArn belongs to source WebIdentity: for other sources name the role in assumeRoles")
)]
pub struct AwsAuth {
    /// Region that requests are signed for, and whose token service is asked. Default: the region in the endpoint's
    /// host (`bedrock-runtime.us-east-1.amazonaws.com`). Example: `us-east-1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 6, max = 32))]
    #[x_kube(validation = Rule::new("self.matches('^[a-z]{2,5}(-[a-z]+)+-[0-9]{1,2}$')")
        .message("must be a region such as us-east-1"))]
    pub region: Option<String>,

    /// Where keys come from. `WebIdentity`: the pod's token for `roleArn` (IRSA), on any cluster whose issuer IAM knows.
    /// `PodIdentity`: EKS Pod Identity. `InstanceMetadata`: the role of the node, so of every pod on it. `Static`:
    /// access keys in `mounted` or `secretRef`. `Auto` is the pod's own identity: `WebIdentity` where there is a role and a token, else
    /// `PodIdentity`; never the node's. Default: `Auto`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<AwsSource>,

    /// Role that the pod's token is exchanged for; only with `WebIdentity` or `Auto`. Default: the annotation
    /// `eks.amazonaws.com/role-arn` of the pod's service account. Example: `arn:aws:iam::123456789012:role/assistants`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 20, max = 2048))]
    #[x_kube(validation = Rule::new("self.matches('^arn:aws[a-z-]*:iam::[0-9]{12}:role/[^\\\\s]+$')")
        .message("must be the ARN of a role, such as arn:aws:iam::123456789012:role/assistants"))]
    pub role_arn: Option<String>,

    /// The access keys of source `Static`: a file as `aws configure` writes it (`aws_access_key_id = …`), or JSON with
    /// `AccessKeyId`, `SecretAccessKey` and, for temporary keys, `SessionToken`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mounted: Option<MountedKey>,

    /// The same, from a Secret that the operator reads and streams to the sidecars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretKeyRef>,

    /// Roles to assume one after the other, each with the keys of the one before. Chained sessions last an hour and are
    /// renewed. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 4))]
    pub assume_roles: Vec<AssumeRole>,
}

/// Where keys of AWS come from.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AwsSource {
    #[default]
    #[allow(missing_docs, reason = "a description on one variant would turn the enum into a union of constants")]
    Auto,
    #[allow(missing_docs, reason = "as above")]
    WebIdentity,
    #[allow(missing_docs, reason = "as above")]
    PodIdentity,
    #[allow(missing_docs, reason = "as above")]
    InstanceMetadata,
    #[allow(missing_docs, reason = "as above")]
    Static,
}

/// A role that is assumed with keys of another.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(crates(kube_core = "::kube_core"))]
pub struct AssumeRole {
    /// The role. Example: `arn:aws:iam::210987654321:role/bedrock`.
    #[schemars(length(min = 20, max = 2048))]
    #[x_kube(validation = Rule::new("self.matches('^arn:aws[a-z-]*:iam::[0-9]{12}:role/[^\\\\s]+$')")
        .message("must be the ARN of a role, such as arn:aws:iam::123456789012:role/assistants"))]
    pub role_arn: String,

    /// The external id that the role's trust policy asks for. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 2, max = 1224))]
    #[x_kube(validation = Rule::new("self.matches('^[A-Za-z0-9_+=,.@:/-]+$')")
        .message("must be letters, digits and any of _ + = , . @ : / -"))]
    pub external_id: Option<String>,

    /// Name of the session, as CloudTrail shows it. Default: `<namespace>.<pod>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 2, max = 64))]
    #[x_kube(validation = Rule::new("self.matches('^[A-Za-z0-9_+=,.@-]+$')")
        .message("must be letters, digits and any of _ + = , . @ -"))]
    pub session_name: Option<String>,

    /// Session tags, for policies and bills; the role's trust policy must allow `sts:TagSession`. Default: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "crate::schema::session_tags")]
    pub tags: BTreeMap<String, String>,
}

/// An identity of Microsoft Entra.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    crates(kube_core = "::kube_core"),
    validation = Rule::new("(has(self.source) && self.source in ['ClientSecret', 'ClientCertificate']) == (has(self.mounted) || has(self.secretRef))")
        .message("mounted or secretRef must be set exactly when source is ClientSecret or ClientCertificate"),
    validation = Rule::new("!(has(self.mounted) && has(self.secretRef))").message("set one of mounted and secretRef"),
    validation = Rule::new("!(has(self.mounted) || has(self.secretRef)) || (has(self.tenantId) && has(self.clientId))")
        .message("a client secret or certificate is an application's: set tenantId and clientId"),
    validation = Rule::new("!has(self.managedIdentity) || (has(self.source) && self.source == 'ManagedIdentity')")
        .message("managedIdentity belongs to source ManagedIdentity: set source, or remove managedIdentity"),
    validation = Rule::new("!(has(self.source) && self.source == 'ManagedIdentity') || !(has(self.tenantId) || has(self.clientId))")
        .message("source ManagedIdentity takes an identity of the node: remove tenantId, and name the identity in managedIdentity.clientId")
)]
pub struct AzureAuth {
    /// Where tokens come from. `WorkloadIdentity`: the pod's own token, which Entra takes for an application or a
    /// user-assigned identity with a federated credential. `ManagedIdentity`: an identity of the node, so of every pod
    /// on it. `ClientSecret`, `ClientCertificate`: an application with a secret, or with a certificate and its key as
    /// one PEM text, in `mounted` or `secretRef`. `Auto` is the pod's own identity: `WorkloadIdentity`; never the node's. Default:
    /// `Auto`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<AzureSource>,

    /// The directory, an id or a domain. Default with `WorkloadIdentity`: the annotation
    /// `azure.workload.identity/tenant-id` of the pod's service account, else what Azure's webhook gave the pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = Rule::new("self.matches('^[A-Za-z0-9][A-Za-z0-9.-]*$')")
        .message("must be a directory's id or domain, such as contoso.onmicrosoft.com"))]
    pub tenant_id: Option<String>,

    /// The application, or the user-assigned identity that trusts the pod. Default with `WorkloadIdentity`: the
    /// annotation `azure.workload.identity/client-id` of the pod's service account, else what Azure's webhook gave the pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 36, max = 36))]
    #[x_kube(validation = Rule::new("self.matches('^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$')")
        .message("must be a client id such as 00000000-0000-0000-0000-000000000000"))]
    pub client_id: Option<String>,

    /// Which of Microsoft's clouds: it decides where tokens are asked for and which hosts get them. Default: `Public`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud: Option<AzureCloud>,

    /// Which identity of the node; only with `ManagedIdentity`. Default: the one that the system assigned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed_identity: Option<ManagedIdentity>,

    /// The secret of source `ClientSecret`, or the PEM text of source `ClientCertificate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mounted: Option<MountedKey>,

    /// The same, from a Secret that the operator reads and streams to the sidecars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretKeyRef>,
}

/// Where tokens of Entra come from.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AzureSource {
    #[default]
    #[allow(missing_docs, reason = "a description on one variant would turn the enum into a union of constants")]
    Auto,
    #[allow(missing_docs, reason = "as above")]
    WorkloadIdentity,
    #[allow(missing_docs, reason = "as above")]
    ManagedIdentity,
    #[allow(missing_docs, reason = "as above")]
    ClientSecret,
    #[allow(missing_docs, reason = "as above")]
    ClientCertificate,
}

/// Clouds of Microsoft that share nothing.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AzureCloud {
    #[default]
    #[allow(missing_docs, reason = "a description on one variant would turn the enum into a union of constants")]
    Public,
    #[allow(missing_docs, reason = "as above")]
    USGovernment,
    #[allow(missing_docs, reason = "as above")]
    China,
}

/// One of a node's user-assigned identities.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    crates(kube_core = "::kube_core"),
    validation = Rule::new("[has(self.clientId), has(self.objectId), has(self.resourceId)].filter(one, one).size() == 1")
        .message("set exactly one of clientId, objectId and resourceId; for the system-assigned identity remove managedIdentity")
)]
pub struct ManagedIdentity {
    /// Its client id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 36, max = 36))]
    #[x_kube(validation = Rule::new("self.matches('^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$')")
        .message("must be a client id such as 00000000-0000-0000-0000-000000000000"))]
    pub client_id: Option<String>,

    /// Its object id (principal id).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 36, max = 36))]
    #[x_kube(validation = Rule::new("self.matches('^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$')")
        .message("must be an object id such as 00000000-0000-0000-0000-000000000000"))]
    pub object_id: Option<String>,

    /// Its resource id. Example:
    /// `/subscriptions/…/resourceGroups/ai/providers/Microsoft.ManagedIdentity/userAssignedIdentities/assistants`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 16, max = 1024))]
    #[x_kube(validation = Rule::new("self.matches('^/subscriptions/[A-Za-z0-9._()/-]+$')")
        .message("must be a resource id that begins with /subscriptions/"))]
    pub resource_id: Option<String>,
}

/// An identity of Google Cloud.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    crates(kube_core = "::kube_core"),
    validation = Rule::new("(has(self.source) && self.source == 'ServiceAccountKey') == (has(self.mounted) || has(self.secretRef))")
        .message("mounted or secretRef must be set exactly when source is ServiceAccountKey"),
    validation = Rule::new("!(has(self.mounted) && has(self.secretRef))").message("set one of mounted and secretRef"),
    validation = Rule::new("has(self.workloadIdentityProvider) || (has(self.source) && self.source in ['MetadataServer', 'ServiceAccountKey'])")
        .message("the pod's own identity needs a pool that trusts it: set workloadIdentityProvider, or name another source (on GKE: MetadataServer)"),
    validation = Rule::new("!has(self.workloadIdentityProvider) || !has(self.source) || self.source in ['Auto', 'WorkloadIdentityFederation']")
        .message("workloadIdentityProvider belongs to source WorkloadIdentityFederation: remove it or source")
)]
pub struct GcpAuth {
    /// Where tokens come from. `WorkloadIdentityFederation`: the pod's own token, which a workload identity pool trusts,
    /// on any cluster. `MetadataServer`: the pod's service account on GKE with Workload Identity, elsewhere the node's.
    /// `ServiceAccountKey`: the JSON key in `mounted` or `secretRef`. `Auto` is the pod's own identity:
    /// `WorkloadIdentityFederation`; never the node's. Default: `Auto`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<GcpSource>,

    /// The provider of the pool that trusts this cluster. Example:
    /// `projects/123456789/locations/global/workloadIdentityPools/clusters/providers/prod`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    #[x_kube(validation = Rule::new("self.matches('^projects/[0-9]+/locations/global/workloadIdentityPools/[a-z0-9-]+/providers/[a-z0-9-]+$')")
        .message("must be such as projects/123456789/locations/global/workloadIdentityPools/clusters/providers/prod"))]
    pub workload_identity_provider: Option<String>,

    /// Email of a service account to act as. Default with `WorkloadIdentityFederation`: the annotation
    /// `iam.gke.io/gcp-service-account` of the pod's service account, else the pod acts as itself. Example:
    /// `assistants@my-project.iam.gserviceaccount.com`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 3, max = 254))]
    #[x_kube(validation = Rule::new("self.matches('^[A-Za-z0-9._-]+@[A-Za-z0-9.-]+$')")
        .message("must be the email of a service account"))]
    pub impersonate: Option<String>,

    /// The JSON key of source `ServiceAccountKey`, as Google Cloud gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mounted: Option<MountedKey>,

    /// The same, from a Secret that the operator reads and streams to the sidecars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretKeyRef>,
}

/// Where tokens of Google Cloud come from.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum GcpSource {
    #[default]
    #[allow(missing_docs, reason = "a description on one variant would turn the enum into a union of constants")]
    Auto,
    #[allow(missing_docs, reason = "as above")]
    WorkloadIdentityFederation,
    #[allow(missing_docs, reason = "as above")]
    MetadataServer,
    #[allow(missing_docs, reason = "as above")]
    ServiceAccountKey,
}
