//! The pages, whole: what a person copies from them has to be right to the last quote.

use super::*;
use pillion_compiler::{AccountIdentity, provider_for};
use serde_json::{Value, json};

fn account(name: &str) -> Account {
    Account { issuer: "https://oidc.example/id/1/".into(), namespace: "team-a".into(), name: name.into() }
}

fn used(kind: &Value, endpoint: &str, annotations: &[(&str, &str)]) -> Use {
    let object = json!({
        "apiVersion": "pillion.dev/v1alpha1", "kind": "AIProvider", "metadata": {"name": "p", "namespace": "team-a"},
        "spec": {"type": "OpenAICompatible", "endpoint": endpoint, "auth": kind},
    });
    let annotations = annotations.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let claims = AccountIdentity::read(&annotations).0;
    let provider = provider_for(&serde_json::from_value(object).unwrap(), &claims).unwrap();
    Use { provider, state: None }
}

#[track_caller]
fn check(one: Use, mounted: Option<&[String]>, expected: &str) {
    assert_eq!(advise(&account("assistants"), &[one], mounted), expected);
}

#[test]
fn azure_is_told_of_the_pod_by_a_federated_credential() {
    let annotations = [
        ("azure.workload.identity/client-id", "11111111-2222-3333-4444-555555555555"),
        ("azure.workload.identity/tenant-id", "contoso.onmicrosoft.com"),
    ];
    let one = used(&json!({"type": "Azure", "azure": {}}), "https://res.openai.azure.com/openai/v1", &annotations);
    check(
        Use { state: Some("False: 1 of 1 sidecars have none".into()), ..one },
        Some(&["pillion".into()]),
        r#"issuer    https://oidc.example/id/1/
subject   system:serviceaccount:team-a:assistants

AIProvider team-a/p (Azure)
state     False: 1 of 1 sidecars have none
audience  api://AzureADTokenExchange
mounted   no: set the chart's value identity.azure, then start the pod anew
  # a user-assigned identity; IDENTITY and GROUP: az identity list --query "[?clientId=='11111111-2222-3333-4444-555555555555'].[name,resourceGroup]" --output tsv
  az identity federated-credential create --name pillion-team-a-assistants --identity-name IDENTITY --resource-group GROUP --issuer https://oidc.example/id/1/ --subject system:serviceaccount:team-a:assistants --audiences api://AzureADTokenExchange
  # or an application
  az ad app federated-credential create --id 11111111-2222-3333-4444-555555555555 --parameters '{"name":"pillion-team-a-assistants","issuer":"https://oidc.example/id/1/","subject":"system:serviceaccount:team-a:assistants","audiences":["api://AzureADTokenExchange"]}'
  az role assignment create --assignee 11111111-2222-3333-4444-555555555555 --role 'Cognitive Services OpenAI User' --scope RESOURCE
"#,
    );
}

#[test]
fn aws_is_told_by_a_trust_policy_of_the_role() {
    let auth = json!({"type": "AWS", "aws": {"roleArn": "arn:aws-us-gov:iam::123456789012:role/ai/assistants"}});
    check(
        used(&auth, "https://bedrock-runtime.us-gov-west-1.amazonaws.com/openai/v1", &[]),
        Some(&["sts.amazonaws.com".into()]),
        r##"issuer    https://oidc.example/id/1/
subject   system:serviceaccount:team-a:assistants

AIProvider team-a/p (AWS)
audience  sts.amazonaws.com
  # once for the cluster; AWS must be able to reach the issuer
  aws iam create-open-id-connect-provider --url https://oidc.example/id/1/ --client-id-list sts.amazonaws.com
  # replaces the role's trust policy: where others use the role, add the statement to theirs
  aws iam update-assume-role-policy --role-name assistants --policy-document '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"arn:aws-us-gov:iam::123456789012:oidc-provider/oidc.example/id/1"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"oidc.example/id/1:aud":"sts.amazonaws.com","oidc.example/id/1:sub":"system:serviceaccount:team-a:assistants"}}}]}'
"##,
    );
}

#[test]
fn without_a_role_eks_is_told_by_an_association_and_roles_of_a_chain_are_named() {
    let chain = json!([{"roleArn": "arn:aws:iam::210987654321:role/bedrock"}]);
    let auth = json!({"type": "AWS", "aws": {"assumeRoles": chain}});
    check(
        used(&auth, "https://bedrock-runtime.us-east-1.amazonaws.com/openai/v1", &[]),
        None,
        "issuer    https://oidc.example/id/1/
subject   system:serviceaccount:team-a:assistants

AIProvider team-a/p (AWS)
audience  pods.eks.amazonaws.com
  # needs EKS's add-on eks-pod-identity-agent; CLUSTER is the cluster's name at EKS
  aws eks create-pod-identity-association --cluster-name CLUSTER --namespace team-a --service-account assistants --role-arn ROLE_ARN
  # arn:aws:iam::210987654321:role/bedrock must allow sts:AssumeRole to the identity before it
",
    );
}

#[test]
fn google_is_told_of_the_issuer_and_what_the_subject_may_do() {
    let pool = "projects/123456789/locations/global/workloadIdentityPools/clusters/providers/prod";
    let auth = json!({"type": "GCP", "gcp": {"workloadIdentityProvider": pool}});
    let endpoint = "https://aiplatform.googleapis.com/v1/projects/my-project/locations/global/endpoints/openapi";
    let member = "principal://iam.googleapis.com/projects/123456789/locations/global/workloadIdentityPools/clusters/subject/system:serviceaccount:team-a:assistants";
    let page = |last: &str| {
        format!(
            "issuer    https://oidc.example/id/1/
subject   system:serviceaccount:team-a:assistants

AIProvider team-a/p (Google Cloud)
audience  https://iam.googleapis.com/{pool}
  # once for the cluster; Google must be able to reach the issuer
  gcloud iam workload-identity-pools providers create-oidc prod --project=123456789 --workload-identity-pool=clusters --location=global --issuer-uri=https://oidc.example/id/1/ --attribute-mapping=google.subject=assertion.sub
  {last}{member}
"
        )
    };
    let itself = "gcloud projects add-iam-policy-binding my-project --role=roles/aiplatform.user --member=";
    check(used(&auth, endpoint, &[]), None, &page(itself));
    let annotations = [("iam.gke.io/gcp-service-account", "a@my-project.iam.gserviceaccount.com")];
    let as_another = "gcloud iam service-accounts add-iam-policy-binding a@my-project.iam.gserviceaccount.com --role=roles/iam.workloadIdentityUser --member=";
    check(used(&auth, endpoint, &annotations), None, &page(as_another));

    let long = Account { name: "a".repeat(100), ..account("") };
    let page = advise(&long, &[used(&auth, endpoint, &[])], None);
    assert!(page.contains("this subject has 129 characters, and Google takes 127"), "{page}");
}

#[test]
fn what_needs_no_trust_in_the_pod_says_so() {
    let node = json!({"type": "Azure", "azure": {"source": "ManagedIdentity"}});
    let page = advise(&account("a"), &[used(&node, "https://res.openai.azure.com/openai/v1", &[])], None);
    assert!(page.contains("(Azure)\n  # the node's identity"), "{page}");
    let none = advise(&account("a"), &[used(&json!({"type": "None"}), "https://api.example/v1", &[])], None);
    assert!(none.ends_with("no AIProvider of namespace team-a proves an identity of a cloud\n"), "{none}");
}

#[test]
fn what_a_shell_would_read_otherwise_is_quoted() {
    for (word, expected) in [("a-b.c/d:e@f", "a-b.c/d:e@f"), ("", "''"), ("a b", "'a b'"), ("it's", r"'it'\''s'")] {
        assert_eq!(quoted(word), expected);
    }
}
