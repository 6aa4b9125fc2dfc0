//! Which identity a credential proves: the key by which credentials are told apart. Whoever says the same shares one.

use super::hosts::is_one_of;
use super::{aws, azure, gcp};
use pillion_snapshot::{
    Auth, AwsIdentity, AwsSource, AzureIdentity, AzureSource, CredentialSource, ExtraHosts, GcpIdentity, GcpSource,
};
use serde_json::{Value, json};

/// An identity of a cloud.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    Aws(AwsIdentity),
    Azure(AzureIdentity),
    Gcp(GcpIdentity),
}

impl Source {
    /// `None` where `auth` is no identity of a cloud.
    pub(crate) fn of(auth: &Auth) -> Option<Self> {
        match auth {
            Auth::Aws(identity) => Some(Self::Aws(identity.clone())),
            Auth::Azure(identity) => Some(Self::Azure(identity.clone())),
            Auth::Gcp(identity) => Some(Self::Gcp(identity.clone())),
            Auth::None | Auth::ApiKey { .. } | Auth::Passthrough => None,
        }
    }

    /// The key that it is proven with, if it is one.
    pub(crate) fn key(&self) -> Option<&CredentialSource> {
        match self {
            Self::Aws(identity) => identity.key(),
            Self::Azure(identity) => identity.key(),
            Self::Gcp(identity) => identity.key(),
        }
    }

    /// For metrics and logs.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Aws(identity) => match identity.source {
                AwsSource::Auto { .. } => "aws_auto",
                AwsSource::WebIdentity { .. } => "aws_web_identity",
                AwsSource::PodIdentity => "aws_pod_identity",
                AwsSource::InstanceMetadata => "aws_instance_metadata",
                AwsSource::Static { .. } => "aws_static",
            },
            Self::Azure(identity) => match identity.source {
                AzureSource::WorkloadIdentity { .. } => "azure_workload_identity",
                AzureSource::ManagedIdentity { .. } => "azure_managed_identity",
                AzureSource::ClientSecret { .. } => "azure_client_secret",
                AzureSource::ClientCertificate { .. } => "azure_client_certificate",
            },
            Self::Gcp(identity) => match identity.source {
                GcpSource::WorkloadIdentityFederation { .. } => "gcp_workload_identity_federation",
                GcpSource::MetadataServer => "gcp_metadata_server",
                GcpSource::ServiceAccountKey { .. } => "gcp_service_account_key",
            },
        }
    }

    /// The hosts that its credentials are sent to.
    fn hosts(&self) -> &'static [&'static str] {
        match self {
            Self::Aws(_) => aws::hosts::HOSTS,
            Self::Azure(identity) => azure::hosts::of(identity.cloud),
            Self::Gcp(_) => gcp::hosts::HOSTS,
        }
    }

    /// Whether its credentials are sent to `host`: one of the cloud's own, or one that the operator's configuration
    /// names.
    pub(crate) fn goes_to(&self, host: &str, extra: &ExtraHosts) -> bool {
        let extra = match self {
            Self::Aws(_) => &extra.aws,
            Self::Azure(_) => &extra.azure,
            Self::Gcp(_) => &extra.gcp,
        };
        is_one_of(host, self.hosts()) || is_one_of(host, extra)
    }

    /// Its parameters, for people.
    pub(crate) fn shown(&self) -> Value {
        let mut shown = match self {
            Self::Aws(identity) => json!(identity),
            Self::Azure(identity) => json!(identity),
            Self::Gcp(identity) => json!(identity),
        };
        redact(&mut shown);
        shown
    }
}

/// Hides what is no secret to AWS and yet is treated as one by most who use it.
pub(crate) fn redact(identity: &mut Value) {
    for role in identity.get_mut("assumeRoles").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(external_id) = role.get_mut("externalId") {
            *external_id = "redacted".into();
        }
    }
}
