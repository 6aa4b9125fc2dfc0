//! Azure: a federated credential of a user-assigned identity or an application.

use super::{Account, Trust, quoted};
use pillion_snapshot::{AzureIdentity, AzureSource, TokenFile};
use serde_json::json;

pub(super) fn trust(account: &Account, identity: &AzureIdentity) -> Trust {
    let AzureSource::WorkloadIdentity { client_id, tenant_id } = &identity.source else {
        let remark = match &identity.source {
            AzureSource::ManagedIdentity { .. } => "the node's identity: assign it to the node pool's scale set",
            _ => "an application's own secret or certificate: nothing has to trust the pod",
        };
        return Trust::other("Azure", remark);
    };
    let audience = TokenFile::azure(identity.cloud).audience;
    let name = format!("pillion-{}-{}", account.namespace, account.name);
    let (issuer, subject) = (&account.issuer, account.subject());
    let mut steps = vec![];
    if client_id.is_none() || tenant_id.is_none() {
        steps.push(format!(
            "# say which: auth.azure.clientId and tenantId, or kubectl annotate serviceaccount --namespace {} {} azure.workload.identity/client-id=CLIENT azure.workload.identity/tenant-id=TENANT",
            account.namespace, account.name
        ));
    }
    let client = client_id.as_deref().unwrap_or("CLIENT");
    steps.push(format!(
        "# a user-assigned identity; IDENTITY and GROUP: az identity list --query \"[?clientId=='{client}'].[name,resourceGroup]\" --output tsv"
    ));
    steps.push(format!(
        "az identity federated-credential create --name {} --identity-name IDENTITY --resource-group GROUP --issuer {} --subject {} --audiences {audience}",
        quoted(&name),
        quoted(issuer),
        quoted(&subject)
    ));
    let parameters = json!({"name": name, "issuer": issuer, "subject": subject, "audiences": [audience]}).to_string();
    steps.push("# or an application".into());
    steps.push(format!("az ad app federated-credential create --id {client} --parameters {}", quoted(&parameters)));
    steps.push(format!(
        "az role assignment create --assignee {client} --role 'Cognitive Services OpenAI User' --scope RESOURCE"
    ));
    Trust { cloud: "Azure", audience: Some(audience), value: "identity.azure", steps }
}
