//! `auth.aws`, `auth.azure` and `auth.gcp` → identities in a snapshot: `Auto` is resolved, nothing is left to default.

use crate::check::is_region;
use crate::key;
use pillion_crds::{AwsAuth, AwsSource, AzureAuth, AzureCloud, AzureSource, GcpAuth, GcpSource, ManagedIdentity};
use pillion_snapshot as snapshot;

/// `None` where a check finds fault.
pub(crate) fn aws(auth: &AwsAuth, namespace: &str, endpoint: &str) -> Option<snapshot::AwsIdentity> {
    let credential = || key::source(namespace, auth.mounted.as_ref(), auth.secret_ref.as_ref());
    let source = match auth.source.unwrap_or_default() {
        // The role says which; without one, what the pod has decides.
        AwsSource::Auto if auth.role_arn.is_none() => snapshot::AwsSource::Auto { role_arn: None },
        AwsSource::Auto | AwsSource::WebIdentity => {
            snapshot::AwsSource::WebIdentity { role_arn: auth.role_arn.clone() }
        }
        AwsSource::PodIdentity => snapshot::AwsSource::PodIdentity,
        AwsSource::InstanceMetadata => snapshot::AwsSource::InstanceMetadata,
        AwsSource::Static => snapshot::AwsSource::Static { credential: credential()? },
    };
    let role = |role: &pillion_crds::AssumeRole| snapshot::AssumeRole {
        role_arn: role.role_arn.clone(),
        external_id: role.external_id.clone(),
        session_name: role.session_name.clone(),
        tags: role.tags.clone(),
    };
    Some(snapshot::AwsIdentity {
        region: auth.region.as_deref().or_else(|| region_in(endpoint))?.to_owned(),
        source,
        assume_roles: auth.assume_roles.iter().map(role).collect(),
    })
}

/// The region that the host of an endpoint names, if it names one.
pub(crate) fn region_in(endpoint: &str) -> Option<&str> {
    let host = endpoint.split_once("://")?.1.split(['/', ':']).next()?;
    host.split('.').find(|label| is_region(label))
}

/// `None` where a check finds fault.
pub(crate) fn azure(auth: &AzureAuth, namespace: &str) -> Option<snapshot::AzureIdentity> {
    let credential = || key::source(namespace, auth.mounted.as_ref(), auth.secret_ref.as_ref());
    let (tenant_id, client_id) = (auth.tenant_id.clone(), auth.client_id.clone());
    let source = match auth.source.unwrap_or_default() {
        AzureSource::Auto | AzureSource::WorkloadIdentity => {
            snapshot::AzureSource::WorkloadIdentity { tenant_id, client_id }
        }
        AzureSource::ManagedIdentity => {
            snapshot::AzureSource::ManagedIdentity { id: auth.managed_identity.as_ref().and_then(managed_identity) }
        }
        AzureSource::ClientSecret => snapshot::AzureSource::ClientSecret {
            tenant_id: tenant_id?,
            client_id: client_id?,
            credential: credential()?,
        },
        AzureSource::ClientCertificate => snapshot::AzureSource::ClientCertificate {
            tenant_id: tenant_id?,
            client_id: client_id?,
            credential: credential()?,
        },
    };
    let cloud = match auth.cloud.unwrap_or_default() {
        AzureCloud::Public => snapshot::AzureCloud::Public,
        AzureCloud::USGovernment => snapshot::AzureCloud::USGovernment,
        AzureCloud::China => snapshot::AzureCloud::China,
    };
    Some(snapshot::AzureIdentity { cloud, source })
}

fn managed_identity(identity: &ManagedIdentity) -> Option<snapshot::ManagedIdentityId> {
    let ManagedIdentity { client_id, object_id, resource_id } = identity.clone();
    client_id
        .map(snapshot::ManagedIdentityId::ClientId)
        .or(object_id.map(snapshot::ManagedIdentityId::ObjectId))
        .or(resource_id.map(snapshot::ManagedIdentityId::ResourceId))
}

/// `None` where a check finds fault.
pub(crate) fn gcp(auth: &GcpAuth, namespace: &str) -> Option<snapshot::GcpIdentity> {
    let credential = || key::source(namespace, auth.mounted.as_ref(), auth.secret_ref.as_ref());
    let source = match auth.source.unwrap_or_default() {
        GcpSource::Auto | GcpSource::WorkloadIdentityFederation => {
            snapshot::GcpSource::WorkloadIdentityFederation { provider: auth.workload_identity_provider.clone()? }
        }
        GcpSource::MetadataServer => snapshot::GcpSource::MetadataServer,
        GcpSource::ServiceAccountKey => snapshot::GcpSource::ServiceAccountKey { credential: credential()? },
    };
    Some(snapshot::GcpIdentity { source, impersonate: auth.impersonate.clone() })
}
