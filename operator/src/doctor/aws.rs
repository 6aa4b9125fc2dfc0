//! AWS: an OIDC provider and a role that trusts it, or an association of EKS Pod Identity.

use super::{Account, Trust, quoted};
use pillion_snapshot::{AwsIdentity, AwsSource, TokenFile};
use serde_json::json;

pub(super) fn trust(account: &Account, identity: &AwsIdentity) -> Trust {
    let mut trust = match &identity.source {
        AwsSource::WebIdentity { role_arn } => web_identity(account, role_arn.as_deref()),
        AwsSource::Auto { role_arn: Some(role) } => web_identity(account, Some(role)),
        AwsSource::Auto { role_arn: None } | AwsSource::PodIdentity => pod_identity(account),
        AwsSource::InstanceMetadata => Trust::other("AWS", "the node's role: give the node an instance profile"),
        AwsSource::Static { .. } => Trust::other("AWS", "access keys: nothing has to trust the pod"),
    };
    for role in &identity.assume_roles {
        trust.steps.push(format!("# {} must allow sts:AssumeRole to the identity before it", role.role_arn));
    }
    trust
}

fn web_identity(account: &Account, role: Option<&str>) -> Trust {
    let audience = TokenFile::aws().audience;
    let arn = role.unwrap_or("arn:aws:iam::ACCOUNT:role/ROLE");
    let (prefix, name) = arn.split_once(":role/").unwrap_or((arn, "ROLE"));
    // The last part is the name; what is before it is a path.
    let name = name.rsplit('/').next().unwrap_or(name);
    let issuer = account.issuer_without_scheme();
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": {"Federated": format!("{prefix}:oidc-provider/{issuer}")},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {
            format!("{issuer}:aud"): audience,
            format!("{issuer}:sub"): account.subject(),
        }},
    }]});
    let mut steps = vec![];
    if role.is_none() {
        steps.push(format!(
            "# say which: auth.aws.roleArn, or kubectl annotate serviceaccount --namespace {} {} eks.amazonaws.com/role-arn=ROLE_ARN",
            account.namespace, account.name
        ));
    }
    steps.push("# once for the cluster; AWS must be able to reach the issuer".into());
    steps.push(format!(
        "aws iam create-open-id-connect-provider --url {} --client-id-list {audience}",
        quoted(&account.issuer)
    ));
    steps.push("# replaces the role's trust policy: where others use the role, add the statement to theirs".into());
    steps.push(format!(
        "aws iam update-assume-role-policy --role-name {} --policy-document {}",
        quoted(name),
        quoted(&policy.to_string())
    ));
    Trust { cloud: "AWS", audience: Some(audience), value: "identity.aws.webIdentity", steps }
}

fn pod_identity(account: &Account) -> Trust {
    let steps = vec![
        "# needs EKS's add-on eks-pod-identity-agent; CLUSTER is the cluster's name at EKS".into(),
        format!(
            "aws eks create-pod-identity-association --cluster-name CLUSTER --namespace {} --service-account {} --role-arn ROLE_ARN",
            account.namespace, account.name
        ),
    ];
    let audience = TokenFile::eks().audience;
    Trust { cloud: "AWS", audience: Some(audience), value: "identity.aws.podIdentity", steps }
}
