//! Google Cloud: a provider of a workload identity pool, and what its subject may do.

use super::{Account, Trust, quoted};
use pillion_snapshot::{GcpIdentity, GcpSource, Provider, TokenFile};

/// Longer subjects are refused by Google.
const LONGEST_SUBJECT: usize = 127;

pub(super) fn trust(account: &Account, identity: &GcpIdentity, provider: &Provider) -> Trust {
    let GcpSource::WorkloadIdentityFederation { provider: name } = &identity.source else {
        let remark = match &identity.source {
            GcpSource::MetadataServer => "the pod's account on GKE with Workload Identity, elsewhere the node's",
            _ => "a service account's key: nothing has to trust the pod",
        };
        return Trust::other("Google Cloud", remark);
    };
    let parts: Vec<&str> = name.split('/').collect();
    let part = |place: usize| parts.get(place).copied().unwrap_or("UNKNOWN");
    let (number, pool, id) = (part(1), part(5), part(7));
    let subject = account.subject();
    let member = format!(
        "principal://iam.googleapis.com/projects/{number}/locations/global/workloadIdentityPools/{pool}/subject/{subject}"
    );
    let mut steps = vec![
        "# once for the cluster; Google must be able to reach the issuer".into(),
        format!(
            "gcloud iam workload-identity-pools providers create-oidc {id} --project={number} --workload-identity-pool={pool} --location=global --issuer-uri={} --attribute-mapping=google.subject=assertion.sub",
            quoted(&account.issuer)
        ),
    ];
    if subject.len() > LONGEST_SUBJECT {
        steps.push(format!(
            "# this subject has {} characters, and Google takes {LONGEST_SUBJECT}: give the service account a shorter name",
            subject.len()
        ));
    }
    steps.push(match &identity.impersonate {
        Some(email) => format!(
            "gcloud iam service-accounts add-iam-policy-binding {} --role=roles/iam.workloadIdentityUser --member={}",
            quoted(email),
            quoted(&member)
        ),
        None => format!(
            "gcloud projects add-iam-policy-binding {} --role=roles/aiplatform.user --member={}",
            project(provider),
            quoted(&member)
        ),
    });
    let audience = TokenFile::gcp(name).audience;
    let value = "identity.gcp.workloadIdentityProviders";
    Trust { cloud: "Google Cloud", audience: Some(audience), value, steps }
}

/// The project that is called, as the options or the endpoint say it.
fn project(provider: &Provider) -> String {
    let option = provider.options.get("project").and_then(|value| value.as_str());
    let in_endpoint = || provider.endpoint.split_once("/projects/")?.1.split('/').next();
    option.or_else(in_endpoint).map_or_else(|| "PROJECT".to_owned(), quoted)
}
