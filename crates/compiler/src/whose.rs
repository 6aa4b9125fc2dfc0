//! Whose identity the calls of an AIProvider are made with: what `status.identity` says, so that platform teams see at a
//! glance where a pod's own identity ends.

use pillion_crds::{
    AIProvider, AuthType, AwsAuth, AwsSource, AzureAuth, AzureSource, GcpAuth, GcpSource, WhoseIdentity,
};

/// `None` where calls carry no credential of the provider's: with `None` and `Passthrough`.
#[must_use]
pub fn whose_identity(provider: &AIProvider) -> Option<WhoseIdentity> {
    let auth = provider.spec.auth.as_ref()?;
    match auth.r#type {
        AuthType::None | AuthType::Passthrough => None,
        AuthType::APIKey => Some(WhoseIdentity::Static),
        AuthType::AWS => auth.aws.as_ref().map(aws),
        AuthType::Azure => auth.azure.as_ref().map(azure),
        AuthType::GCP => auth.gcp.as_ref().map(gcp),
    }
}

/// What a chain begins with decides, unless that is the pod's own: everybody who has the key, or is on the node, can
/// follow the chain.
fn aws(auth: &AwsAuth) -> WhoseIdentity {
    match auth.source.unwrap_or_default() {
        AwsSource::Static => WhoseIdentity::Static,
        AwsSource::InstanceMetadata => WhoseIdentity::Node,
        AwsSource::Auto | AwsSource::WebIdentity | AwsSource::PodIdentity if auth.assume_roles.is_empty() => {
            WhoseIdentity::Workload
        }
        AwsSource::Auto | AwsSource::WebIdentity | AwsSource::PodIdentity => WhoseIdentity::Provider,
    }
}

fn azure(auth: &AzureAuth) -> WhoseIdentity {
    match auth.source.unwrap_or_default() {
        AzureSource::Auto | AzureSource::WorkloadIdentity => WhoseIdentity::Workload,
        AzureSource::ManagedIdentity => WhoseIdentity::Node,
        AzureSource::ClientSecret | AzureSource::ClientCertificate => WhoseIdentity::Static,
    }
}

/// The metadata server gives the pod's own account on GKE with Workload Identity only: nothing here can tell.
fn gcp(auth: &GcpAuth) -> WhoseIdentity {
    match auth.source.unwrap_or_default() {
        GcpSource::ServiceAccountKey => WhoseIdentity::Static,
        GcpSource::MetadataServer => WhoseIdentity::Node,
        GcpSource::Auto | GcpSource::WorkloadIdentityFederation if auth.impersonate.is_none() => {
            WhoseIdentity::Workload
        }
        GcpSource::Auto | GcpSource::WorkloadIdentityFederation => WhoseIdentity::Provider,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[track_caller]
    fn check(auth: &Value, expected: Option<WhoseIdentity>) {
        let provider = json!({
            "apiVersion": "pillion.dev/v1alpha1", "kind": "AIProvider", "metadata": {"name": "p"},
            "spec": {"type": "OpenAI", "auth": auth},
        });
        assert_eq!(whose_identity(&serde_json::from_value(provider).unwrap()), expected, "{auth}");
    }

    #[test]
    fn whose_identity_it_is_follows_from_what_a_chain_begins_with_and_where_it_ends() {
        use WhoseIdentity::{Node, Provider, Static, Workload};
        check(&json!(null), None);
        check(&json!({"type": "None"}), None);
        check(&json!({"type": "Passthrough"}), None);
        check(&json!({"type": "APIKey", "apiKey": {"mounted": {"key": "k"}}}), Some(Static));

        let role = "arn:aws:iam::123456789012:role/a";
        let aws = |aws: Value| json!({"type": "AWS", "aws": aws});
        check(&aws(json!({})), Some(Workload));
        check(&aws(json!({"roleArn": role})), Some(Workload));
        check(&aws(json!({"source": "PodIdentity", "assumeRoles": [{"roleArn": role}]})), Some(Provider));
        check(&aws(json!({"source": "InstanceMetadata", "assumeRoles": [{"roleArn": role}]})), Some(Node));
        check(&aws(json!({"source": "Static", "mounted": {"key": "k"}})), Some(Static));

        let azure = |azure: Value| json!({"type": "Azure", "azure": azure});
        check(&azure(json!({})), Some(Workload));
        check(&azure(json!({"source": "ManagedIdentity"})), Some(Node));
        check(&azure(json!({"source": "ClientSecret", "mounted": {"key": "k"}})), Some(Static));

        let gcp = |gcp: Value| json!({"type": "GCP", "gcp": gcp});
        check(&gcp(json!({"workloadIdentityProvider": "p"})), Some(Workload));
        check(&gcp(json!({"workloadIdentityProvider": "p", "impersonate": "a@b"})), Some(Provider));
        check(&gcp(json!({"source": "MetadataServer"})), Some(Node));
        check(&gcp(json!({"source": "ServiceAccountKey", "mounted": {"key": "k"}})), Some(Static));
    }
}
