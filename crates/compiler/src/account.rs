//! What the annotations of a pod's service account say of its identities in clouds, and how they fill what an AIProvider
//! leaves out: so one AIProvider serves many teams, each as itself. The annotations are those that the clouds' own
//! webhooks read.

use crate::check::{is_domain, is_email, is_guid, is_role};
use crate::finding::Finding;
use pillion_snapshot::{Auth, AwsSource, AzureSource, GcpSource};
use std::collections::BTreeMap;

const AZURE_CLIENT: &str = "azure.workload.identity/client-id";
const AZURE_TENANT: &str = "azure.workload.identity/tenant-id";
const AWS_ROLE: &str = "eks.amazonaws.com/role-arn";
const GCP_ACCOUNT: &str = "iam.gke.io/gcp-service-account";

/// Identities in clouds that a service account claims; each has the form that its cloud gives it. The cloud decides
/// whether the claim is true: all of them take the pod's token as proof.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountIdentity {
    azure_client: Option<String>,
    azure_tenant: Option<String>,
    aws_role: Option<String>,
    gcp_account: Option<String>,
}

impl AccountIdentity {
    /// Reads a service account's annotations. What has not the form of an identity is left out, and is a finding.
    #[must_use]
    pub fn read(annotations: &BTreeMap<String, String>) -> (Self, Vec<Finding>) {
        let mut findings = vec![];
        let mut read = |name: &str, good: fn(&str) -> bool, form: &str| {
            let value = annotations.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())?;
            if !good(value) {
                findings.push(Finding::new(format!("metadata.annotations[{name}]"), format!("must be {form}")));
                return None;
            }
            Some(value.to_owned())
        };
        let identity = Self {
            azure_client: read(AZURE_CLIENT, is_guid, "a client id such as 00000000-0000-0000-0000-000000000000"),
            azure_tenant: read(AZURE_TENANT, is_domain, "a directory's id or domain, such as contoso.onmicrosoft.com"),
            aws_role: read(AWS_ROLE, is_role, "the ARN of a role, such as arn:aws:iam::123456789012:role/assistants"),
            gcp_account: read(GCP_ACCOUNT, is_email, "the email of a service account of Google Cloud"),
        };
        (identity, findings)
    }

    /// Whether it claims nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Fills what is left out. Identities that are not the pod's own (a node's, a key's) are left as they are.
    pub(crate) fn fill(&self, auth: &mut Auth) {
        match auth {
            Auth::Azure(identity) => {
                if let AzureSource::WorkloadIdentity { tenant_id, client_id } = &mut identity.source {
                    or(tenant_id, self.azure_tenant.as_ref());
                    or(client_id, self.azure_client.as_ref());
                }
            }
            Auth::Aws(identity) => {
                if let AwsSource::Auto { role_arn } | AwsSource::WebIdentity { role_arn } = &mut identity.source {
                    or(role_arn, self.aws_role.as_ref());
                }
            }
            Auth::Gcp(identity) => {
                if matches!(identity.source, GcpSource::WorkloadIdentityFederation { .. }) {
                    or(&mut identity.impersonate, self.gcp_account.as_ref());
                }
            }
            Auth::None | Auth::ApiKey { .. } | Auth::Passthrough => {}
        }
    }
}

fn or(left_out: &mut Option<String>, said: Option<&String>) {
    if left_out.is_none() {
        *left_out = said.cloned();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_annotation_that_is_no_identity_is_left_out_and_said() {
        let annotations = [
            (AZURE_CLIENT, "me"),
            (AZURE_TENANT, "../common"),
            (AWS_ROLE, " arn:aws:iam::123456789012:role/a\n"),
            (GCP_ACCOUNT, ""),
        ];
        let annotations = annotations.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let (identity, findings) = AccountIdentity::read(&annotations);
        let role = Some("arn:aws:iam::123456789012:role/a".to_owned());
        assert_eq!(identity, AccountIdentity { aws_role: role, ..Default::default() });
        let fields: Vec<&str> = findings.iter().map(|finding| finding.field.as_str()).collect();
        let wrong = [AZURE_CLIENT, AZURE_TENANT].map(|name| format!("metadata.annotations[{name}]"));
        assert_eq!(fields, wrong);
    }
}
