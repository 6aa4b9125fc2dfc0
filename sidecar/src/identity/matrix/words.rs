//! What each service says in its own words, and what becomes of it: the reason in metrics, how soon the next try comes,
//! and what the hint speaks of. Every such trouble passes without a restart once the service says otherwise.

use super::flows::FLOWS;
use super::harness::{Cells, Harness, must};
use super::mock::Fault;
use crate::identity::engine::Unavailable;
use crate::identity::error::Pace::{self, Later, Rarely, Soon};
use std::time::Duration;

/// Flow, step, status, words, reason, pace, part of the message.
type Row = (&'static str, usize, u16, &'static str, &'static str, Pace, &'static str);

#[rustfmt::skip]
const ROWS: &[Row] = &[
    ("azure-workload-identity", 0, 400, r#"{"error":"invalid_client","error_description":"AADSTS70021: No matching federated identity record found","error_codes":[70021]}"#, "no_federated_credential", Later, "AADSTS70021"),
    ("azure-workload-identity", 0, 401, r#"{"error":"invalid_client","error_codes":[700211]}"#, "no_federated_credential", Later, "last slash"),
    ("azure-workload-identity", 0, 401, r#"{"error":"invalid_client","error_codes":[700213]}"#, "no_federated_credential", Later, "subject"),
    ("azure-workload-identity", 0, 401, r#"{"error":"invalid_client","error_description":"AADSTS700212: no codes"}"#, "no_federated_credential", Later, "AADSTS700212"),
    ("azure-workload-identity", 0, 401, r#"{"error":"invalid_client","error_codes":[700024]}"#, "token_refused", Later, "clock"),
    ("azure-workload-identity", 0, 400, r#"{"error":"invalid_request","error_codes":[90061]}"#, "issuer_unreachable", Soon, "issuer"),
    ("azure-workload-identity", 0, 400, r#"{"error":"unauthorized_client","error_codes":[700016]}"#, "no_such_application", Rarely, "clientId"),
    ("azure-workload-identity", 0, 400, r#"{"error":"invalid_request","error_codes":[90002]}"#, "no_such_application", Rarely, "tenantId"),
    ("azure-workload-identity", 0, 400, r#"{"error":"invalid_resource","error_codes":[500011]}"#, "misconfigured", Rarely, "cloud"),
    ("azure-workload-identity", 0, 400, r#"{"error":"invalid_scope","error_codes":[70011]}"#, "misconfigured", Rarely, "AADSTS70011"),
    ("azure-workload-identity", 0, 400, r#"{"error":"temporarily_unavailable","error_codes":[90033]}"#, "throttled", Soon, "AADSTS90033"),
    ("azure-workload-identity", 0, 400, r#"{"error":"new_error","error_codes":[123456789]}"#, "rejected", Later, "AADSTS123456789"),
    ("azure-workload-identity", 0, 400, r#"{"error":"x","error_codes":["oops"]}"#, "rejected", Later, "400"),
    ("azure-client-secret", 0, 401, r#"{"error":"invalid_client","error_codes":[7000215]}"#, "secret_refused", Rarely, "replace"),
    ("azure-client-secret", 0, 401, r#"{"error":"invalid_client","error_codes":[7000222]}"#, "secret_refused", Rarely, "expired"),
    ("azure-client-secret", 0, 400, r#"{"error":"x","error_codes":[50196]}"#, "throttled", Soon, "AADSTS50196"),
    ("azure-client-certificate", 0, 401, r#"{"error":"invalid_client","error_codes":[700027]}"#, "certificate_refused", Rarely, "certificate"),
    ("azure-managed-identity", 0, 400, r#"{"error":"invalid_request","error_description":"Identity not found"}"#, "identity_not_assigned", Rarely, "node pool"),
    ("aws-web-identity", 0, 400, "<ErrorResponse><Error><Code>InvalidIdentityToken</Code><Message>No OpenIDConnect provider found</Message></Error></ErrorResponse>", "token_refused", Later, "OIDC provider"),
    ("aws-web-identity", 0, 400, "<ErrorResponse><Error><Code>ExpiredTokenException</Code></Error></ErrorResponse>", "token_refused", Later, "ExpiredTokenException"),
    ("aws-web-identity", 0, 400, "<ErrorResponse><Error><Code>IDPCommunicationError</Code></Error></ErrorResponse>", "issuer_unreachable", Soon, "IDPCommunicationError"),
    ("aws-web-identity", 0, 403, "<ErrorResponse><Error><Code>AccessDenied</Code><Message>Not authorized to perform sts:AssumeRoleWithWebIdentity</Message></Error></ErrorResponse>", "denied", Later, "trust policy"),
    ("aws-web-identity", 0, 400, "<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>", "throttled", Soon, "Throttling"),
    ("aws-web-identity", 0, 400, "<ErrorResponse><Error><Code>ValidationError</Code></Error></ErrorResponse>", "misconfigured", Rarely, "ValidationError"),
    ("aws-web-identity", 0, 403, "<ErrorResponse><Error><Code>RegionDisabledException</Code></Error></ErrorResponse>", "misconfigured", Rarely, "region"),
    ("aws-web-identity", 0, 400, "<ErrorResponse><Error><Code>has canary spaces</Code></Error></ErrorResponse>", "rejected", Later, "400"),
    ("aws-role-chain", 1, 403, "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>", "denied", Later, "trust policy"),
    ("aws-role-chain", 1, 403, "<ErrorResponse><Error><Code>ExpiredToken</Code></Error></ErrorResponse>", "keys_refused", Later, "ExpiredToken"),
    ("aws-static-then-role", 0, 403, "<ErrorResponse><Error><Code>InvalidClientTokenId</Code></Error></ErrorResponse>", "keys_refused", Later, "InvalidClientTokenId"),
    ("aws-static-then-role", 0, 403, "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code></Error></ErrorResponse>", "signature_refused", Later, "SignatureDoesNotMatch"),
    ("aws-pod-identity", 0, 404, "[unknown]: ([unknown]): (ResourceNotFoundException): No association found, fault: client", "no_association", Later, "association"),
    ("aws-pod-identity", 0, 400, "(AccessDeniedException): Unauthorized Exception! EKS does not have permissions to assume the associated role", "denied", Later, "pods.eks.amazonaws.com"),
    ("aws-pod-identity", 0, 400, "(ExpiredTokenException): Token is expired", "token_refused", Later, "ExpiredTokenException"),
    ("aws-pod-identity", 0, 500, "(ThrottlingException)", "throttled", Soon, "ThrottlingException"),
    ("aws-instance-metadata", 2, 200, r#"{"Code":"AssumeRoleUnauthorizedAccess","Message":"EC2 cannot assume the role"}"#, "denied", Later, "AssumeRoleUnauthorizedAccess"),
    ("aws-instance-metadata", 2, 200, r#"{"Code":"Success","AccessKeyId":"A"}"#, "garbage", Soon, "Expiration"),
    ("aws-instance-metadata", 1, 200, "../../evil", "garbage", Soon, "names no role"),
    ("gcp-federation", 0, 400, r#"{"error":"invalid_grant","error_description":"The audience in ID Token does not match"}"#, "token_refused", Later, "audience"),
    ("gcp-federation", 0, 400, r#"{"error":"invalid_target","error_description":"The target service indicated by the audience parameters is invalid"}"#, "misconfigured", Rarely, "workloadIdentityProvider"),
    ("gcp-federation", 0, 403, r#"{"error":"unauthorized_client","error_description":"The given credential is rejected by the attribute condition."}"#, "denied", Later, "attribute condition"),
    ("gcp-impersonation", 1, 403, r#"{"error":{"code":403,"message":"Permission 'iam.serviceAccounts.getAccessToken' denied","status":"PERMISSION_DENIED"}}"#, "denied", Later, "roles/iam.workloadIdentityUser"),
    ("gcp-impersonation", 1, 404, r#"{"error":{"code":404,"status":"NOT_FOUND"}}"#, "not_found", Later, "does not exist"),
    ("gcp-impersonation", 1, 429, r#"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}"#, "throttled", Soon, "RESOURCE_EXHAUSTED"),
    ("gcp-metadata-server", 0, 403, "Unable to generate access token; IAM returned 403 Forbidden", "denied", Later, "roles/iam.workloadIdentityUser"),
    ("gcp-service-account-key", 0, 400, r#"{"error":"invalid_grant","error_description":"Invalid JWT Signature."}"#, "key_refused", Later, "deleted"),
    ("gcp-service-account-key", 0, 401, r#"{"error":"invalid_client","error_description":"The OAuth client was not found."}"#, "misconfigured", Rarely, "invalid_client"),
    ("gcp-service-account-key", 0, 200, r#"{"access_token":"has a space","expires_in":3599}"#, "garbage", Soon, "access_token"),
    ("gcp-service-account-key", 0, 200, r#"{"access_token":"t","expires_in":"soon"}"#, "garbage", Soon, "expires_in"),
    ("gcp-service-account-key", 0, 200, "[]", "garbage", Soon, "JSON object"),
];

#[tokio::test(start_paused = true)]
async fn each_service_is_understood_in_its_own_words() {
    let mut cells = Cells::default();
    for row in ROWS {
        let result = cell(row).await;
        cells.note(format!("{} step {} {} {}", row.0, row.1, row.2, row.4), result);
    }
    cells.report("words of the services", 45);
}

/// Whoever meets a reason in a metric finds it explained.
#[test]
fn every_reason_is_in_the_reference() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference/identity.md");
    let page = std::fs::read_to_string(page).unwrap();
    let reasons = ROWS.iter().map(|row| row.4).chain(super::troubles::reasons());
    let missing: Vec<_> = reasons.filter(|reason| !page.contains(&format!("`{reason}`"))).collect();
    assert_eq!(missing, Vec::<&str>::new());
}

async fn cell((flow, step, status, words, reason, pace, message): &Row) -> Result<(), String> {
    let flow = FLOWS.iter().find(|one| one.name == *flow).unwrap();
    let harness = Harness::new(flow);
    harness.services.break_step(*step, Fault::Status(*status, vec![], (*words).into()));
    let told = match harness.ask().await {
        Err(Unavailable::Failed { error, .. }) => error,
        other => return Err(format!("{other:?}")),
    };
    must((told.reason, told.pace) == (reason, *pace), || format!("told {told:?}"))?;
    let shown = told.to_string();
    must(shown.contains(message), || format!("the message does not speak of {message}: {shown}"))?;
    must(!shown.contains("canary"), || format!("the message repeats the reply: {shown}"))?;
    // Three minutes later it is mended, as a permission that had to spread.
    tokio::time::sleep(Duration::from_secs(180)).await;
    let requests = harness.requests();
    must(requests < 60, || format!("{requests} requests in three minutes"))?;
    harness.services.heal();
    let most = Duration::from_secs(if *pace == Soon { 72 } else { 312 });
    harness.ready_within(most).await.map(drop)
}
