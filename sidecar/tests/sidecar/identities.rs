//! Identities of clouds, over real sockets and real TLS: what providers see, what becomes of refusals, and what is shown
//! of it.

use crate::support::cloud::{Cloud, Said, Seen};
use crate::support::*;
use pillion_sidecar::{FilesSettings, Running, Settings, Sidecar, Source};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

pub(crate) const AZURE: &str = "res.openai.azure.com";
pub(crate) const ENTRA: &str = "login.microsoftonline.com";
pub(crate) const BEDROCK: &str = "bedrock-runtime.us-east-1.amazonaws.com";
pub(crate) const STS: &str = "sts.us-east-1.amazonaws.com";
pub(crate) const VERTEX: &str = "aiplatform.googleapis.com";
pub(crate) const IMDS: &str = "169.254.169.254";
pub(crate) const NAMES: [&str; 7] =
    [AZURE, ENTRA, BEDROCK, STS, VERTEX, "sts.googleapis.com", "iamcredentials.googleapis.com"];

fn azure(endpoint: &str) -> Value {
    let auth = json!({"type": "Azure", "cloud": "Public", "source": {"from": "managedIdentity"}});
    json!({"name": "azure", "kind": "OpenAICompatible", "endpoint": endpoint, "auth": auth})
}

pub(crate) fn azure_provider() -> Value {
    azure(&format!("https://{AZURE}/openai/v1"))
}

pub(crate) fn bedrock_provider() -> Value {
    let source = json!({"from": "webIdentity", "roleArn": "arn:aws:iam::123456789012:role/r"});
    let auth = json!({"type": "Aws", "region": "us-east-1", "source": source,
        "assumeRoles": [{"roleArn": "arn:aws:iam::210987654321:role/other", "externalId": "canary-external"}]});
    json!({"name": "bedrock", "kind": "OpenAICompatible", "endpoint": format!("https://{BEDROCK}/openai/v1"), "auth": auth})
}

pub(crate) fn vertex_provider() -> Value {
    let source = json!({"from": "workloadIdentityFederation",
        "provider": "projects/1/locations/global/workloadIdentityPools/pool/providers/prod"});
    let auth = json!({"type": "Gcp", "source": source, "impersonate": "a@p.iam.gserviceaccount.com"});
    let endpoint = format!("https://{VERTEX}/v1/projects/p/locations/global/endpoints/openapi");
    json!({"name": "vertex", "kind": "OpenAICompatible", "endpoint": endpoint, "auth": auth})
}

/// Token services that are well, and providers that take whatever comes; each credential has a number.
fn well(seen: &Seen) -> Said {
    let number = seen.number;
    let token = json!({"access_token": format!("canary-token-{number}"), "expires_in": 3600, "token_type": "Bearer"});
    let sts = format!(
        "<R><Credentials><AccessKeyId>ASIA{number}</AccessKeyId><SecretAccessKey>canary-secret</SecretAccessKey>\
         <SessionToken>canary-session-{number}</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></R>"
    );
    match seen.host.as_str() {
        IMDS => Said::json(200, json!({"access_token": format!("canary-token-{number}"), "expires_in": "3600"})),
        ENTRA | "sts.googleapis.com" => Said::json(200, token),
        STS => Said::json(200, sts),
        "iamcredentials.googleapis.com" => {
            Said::json(200, json!({"accessToken": "canary-impersonated", "expireTime": "2099-01-01T00:00:00Z"}))
        }
        _ => Said::json(200, OPENAI_REPLY),
    }
}

/// As [`well`], save that providers answer so.
fn provider_says(says: impl Fn(&Seen) -> Said + Send + Sync + 'static) -> impl Fn(&Seen) -> Said + Send + Sync {
    move |seen| if [AZURE, BEDROCK, VERTEX].contains(&seen.host.as_str()) { says(seen) } else { well(seen) }
}

/// A sidecar in that world, with the pod's tokens in a folder.
pub(crate) async fn start_in(cloud: &Cloud, providers: &[(&str, Value)]) -> (Running, TempDir) {
    start_with(cloud, &snapshot(providers)).await
}

async fn start_with(cloud: &Cloud, snapshot: &Value) -> (Running, TempDir) {
    let tokens = tempfile::tempdir().unwrap();
    for name in ["azure", "aws-sts", "gcp-eada5e4726b06643"] {
        std::fs::write(tokens.path().join(name), format!("canary-projected-{name}\n")).unwrap();
    }
    let settings = Settings {
        hosts: cloud.hosts(),
        ca_file: Some(cloud.ca_file()),
        tokens_dir: tokens.path().into(),
        session_name: "team-a.pod-1".into(),
        ..settings(snapshot)
    };
    (Sidecar::start(settings).await.unwrap(), tokens)
}

async fn ask(running: &Running) -> client::Answered {
    post(running.data, OPENAI, openai_chat("m", false)).header("authorization", "Bearer client-canary").send().await
}

fn bearer(seen: &Seen) -> &str {
    seen.header("authorization").unwrap().strip_prefix("Bearer ").unwrap()
}

#[tokio::test]
async fn providers_see_the_clouds_token_and_never_the_clients() {
    let cloud = Cloud::start(&NAMES, well).await;
    for (provider, host, expected) in
        [(azure_provider(), AZURE, "canary-token-1"), (vertex_provider(), VERTEX, "canary-impersonated")]
    {
        let (running, _tokens) = start_in(&cloud, &[("p", provider)]).await;
        let answered = ask(&running).await;
        assert_eq!(answered.status, 200, "{host}");
        assert_eq!(answered.text().await, OPENAI_REPLY);
        assert_eq!(bearer(&cloud.seen(host)[0]), expected);
    }
    let impersonated = &cloud.seen("iamcredentials.googleapis.com")[0];
    assert_eq!(bearer(impersonated), "canary-token-1");
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_and_the_call_sent_once_more() {
    let cloud = Cloud::start(
        &NAMES,
        provider_says(|seen| match bearer(seen) {
            "canary-token-1" => Said::json(401, json!({"error": {"message": "no", "code": "401"}})),
            _ => Said::json(200, OPENAI_REPLY),
        }),
    )
    .await;
    let (running, _tokens) = start_in(&cloud, &[("p", azure_provider())]).await;
    let answered = ask(&running).await;
    assert_eq!((answered.status.as_u16(), answered.header("x-pillion-attempts")), (200, Some("1")));
    let tokens: Vec<_> = cloud.seen(AZURE).iter().map(|seen| bearer(seen).to_owned()).collect();
    assert_eq!(tokens, ["canary-token-1", "canary-token-2"]);
    let bodies: Vec<_> = cloud.seen(AZURE).into_iter().map(|seen| seen.body).collect();
    assert_eq!(bodies[0], bodies[1]);
    assert_eq!(cloud.seen(IMDS).len(), 2);
}

#[tokio::test]
async fn a_provider_that_refuses_every_token_costs_one_exchange_however_many_ask() {
    let refuse = |_: &Seen| Said::json(401, json!({"error": {"message": "principal lacks a role", "code": "401"}}));
    let cloud = Cloud::start(&NAMES, provider_says(refuse)).await;
    let (running, _tokens) = start_in(&cloud, &[("p", azure_provider())]).await;
    let answered = ask(&running).await;
    assert_eq!((answered.status.as_u16(), answered.header("x-pillion-error")), (401, Some("upstream_error")));
    assert_eq!(cloud.seen(AZURE).len(), 2);
    let all = futures::future::join_all((0..50).map(|_| ask(&running))).await;
    assert!(all.iter().all(|answered| answered.status == 401));
    assert_eq!(cloud.seen(AZURE).len(), 52, "no call is sent twice again");
    assert_eq!(cloud.seen(IMDS).len(), 2);
}

#[tokio::test]
async fn without_a_credential_the_next_backend_takes_the_call_and_without_one_it_is_503_with_a_reason() {
    let down = |seen: &Seen| match seen.host.as_str() {
        IMDS => Said { status: 429, headers: vec![("retry-after", "120".into())], body: String::new() },
        STS => Said::json(403, "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"),
        _ => well(seen),
    };
    let cloud = Cloud::start(&NAMES, down).await;
    let (running, _tokens) = start_in(&cloud, &[("p", bedrock_provider())]).await;
    let answered = ask(&running).await;
    assert_eq!((answered.status.as_u16(), answered.header("x-pillion-error")), (503, Some("credential_unavailable")));
    let wait: u64 = answered.header("retry-after").unwrap().parse().unwrap();
    assert!((7..=15).contains(&wait), "{wait}");
    let message = answered.json().await["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("STS answered 403 AccessDenied") && message.contains("trust policy"), "{message}");
    assert!(cloud.seen(BEDROCK).is_empty());

    let (running, _tokens) = start_in(&cloud, &[("a", bedrock_provider()), ("b", vertex_provider())]).await;
    let answered = ask(&running).await;
    assert_eq!((answered.status.as_u16(), answered.header("x-pillion-provider")), (200, Some("vertex")));
}

#[tokio::test]
async fn a_clouds_credential_goes_to_no_other_host_and_never_in_the_clear() {
    let cloud = Cloud::start(&[&NAMES[..], &["evil.example"]].concat(), well).await;
    let upstream = Upstream::start().await;
    for endpoint in ["https://evil.example/v1".to_owned(), format!("https://{BEDROCK}/v1"), upstream.endpoint()] {
        let (running, _tokens) = start_in(&cloud, &[("p", azure(&endpoint))]).await;
        let answered = ask(&running).await;
        let told = (answered.status.as_u16(), answered.header("x-pillion-error"));
        assert_eq!(told, (502, Some("credential_host_refused")), "{endpoint}");
        assert!(cloud.seen("evil.example").is_empty() && cloud.seen(BEDROCK).is_empty());
    }
}

#[tokio::test]
async fn a_host_of_the_operators_own_list_gets_the_clouds_credential() {
    let cloud = Cloud::start(&[&NAMES[..], &["east.ai.corp.example"]].concat(), well).await;
    for (listed, status) in [(json!(["*.ai.corp.example"]), 200), (json!([]), 502)] {
        let mut snapshot = snapshot(&[("p", azure("https://east.ai.corp.example/v1"))]);
        snapshot["extraHosts"] = json!({"azure": listed});
        let (running, _tokens) = start_with(&cloud, &snapshot).await;
        assert_eq!(ask(&running).await.status.as_u16(), status, "{listed}");
    }
    assert_eq!(cloud.seen("east.ai.corp.example").len(), 1);
}

fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn requests_to_aws_are_signed_over_what_is_sent_and_dated_anew_when_the_clock_was_wrong() {
    let future = || SystemTime::now() + Duration::from_secs(600);
    let cloud = Cloud::start(
        &NAMES,
        provider_says(move |seen| match seen.number {
            1 => Said {
                headers: vec![
                    ("x-amzn-errortype", "InvalidSignatureException:http://internal.amazon.com/".into()),
                    ("date", httpdate::fmt_http_date(future())),
                ],
                ..Said::json(403, json!({"message": "Signature expired"}))
            },
            _ => Said::json(200, OPENAI_REPLY),
        }),
    )
    .await;
    let (running, _tokens) = start_in(&cloud, &[("p", bedrock_provider())]).await;
    assert_eq!(ask(&running).await.status, 200);
    assert_eq!(ask(&running).await.status, 200);
    let seen = cloud.seen(BEDROCK);
    assert_eq!(seen.len(), 3, "the offset is remembered");
    for seen in &seen {
        assert_eq!(seen.path, "/openai/v1/chat/completions");
        assert_eq!(seen.header("x-amz-content-sha256").unwrap(), hex(digest(&SHA256, &seen.body)));
        assert_eq!(seen.header("x-amz-security-token"), Some("canary-session-2"), "of the second role");
        let authorization = seen.header("authorization").unwrap();
        assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=ASIA2/"), "{authorization}");
    }
    let minute = |seen: &Seen| seen.header("x-amz-date").unwrap()[..13].to_owned();
    assert_ne!(minute(&seen[0]), minute(&seen[1]));
    assert_eq!(cloud.seen(STS).len(), 2);
    assert!(String::from_utf8_lossy(&cloud.seen(STS)[0].body).contains("RoleSessionName=team-a.pod-1"));
}

#[tokio::test]
async fn native_calls_are_signed_whole_even_where_their_length_is_not_told() {
    let cloud = Cloud::start(&NAMES, well).await;
    let (running, _tokens) = start_in(&cloud, &[("p", bedrock_provider())]).await;
    let body = "x".repeat(2 << 20);
    let path = "/-/openai/v1/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fx-v1%3A0/invoke";
    for chunked in [false, true] {
        let mut asked = post(running.data, path, body.clone());
        if chunked {
            asked = asked.chunked();
        }
        assert_eq!(asked.send().await.status, 200, "chunked {chunked}");
        let seen = cloud.seen(BEDROCK).pop().unwrap();
        assert_eq!(seen.header("x-amz-content-sha256").unwrap(), hex(digest(&SHA256, body.as_bytes())));
        assert!(
            seen.path.ends_with("/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fx-v1%3A0/invoke")
        );
        assert_eq!(seen.body.len(), body.len());
    }
}

#[tokio::test]
async fn a_file_says_an_application_and_its_secret_and_the_sidecar_calls_as_it() {
    let cloud = Cloud::start(&NAMES, well).await;
    let files = tempfile::tempdir().unwrap();
    let yaml = format!(
        r#"apiVersion: v1
kind: Secret
metadata: {{name: pillion-credentials}}
stringData: {{entra: "s3cret~canary"}}
---
apiVersion: pillion.dev/v1alpha1
kind: AIProvider
metadata: {{name: azure}}
spec:
  type: OpenAICompatible
  endpoint: https://{AZURE}/openai/v1
  auth:
    type: Azure
    azure:
      source: ClientSecret
      tenantId: contoso.onmicrosoft.com
      clientId: 11111111-2222-3333-4444-555555555555
      mounted: {{key: entra}}
---
apiVersion: pillion.dev/v1alpha1
kind: AIRoute
metadata: {{name: all}}
spec: {{rules: [{{name: all, backends: [{{provider: {{name: azure}}}}]}}]}}
"#
    );
    std::fs::write(files.path().join("all.yaml"), yaml).unwrap();
    let source = Source::Files(FilesSettings { paths: vec![files.path().into()], ..FilesSettings::default() });
    let settings = Settings { hosts: cloud.hosts(), ca_file: Some(cloud.ca_file()), ..Settings::new(source) };
    let running = Sidecar::start(settings).await.unwrap();
    assert_eq!(ask(&running).await.status, 200);
    assert_eq!(bearer(&cloud.seen(AZURE)[0]), "canary-token-1");
    let asked = &cloud.seen(ENTRA)[0];
    assert_eq!(asked.path, "/contoso.onmicrosoft.com/oauth2/v2.0/token");
    assert!(String::from_utf8_lossy(&asked.body).contains("client_secret=s3cret%7Ecanary"), "{:?}", asked.body);
}

#[tokio::test]
async fn how_credentials_are_is_shown_and_nothing_of_them() {
    logs::collect();
    let cloud = Cloud::start(&NAMES, |seen: &Seen| match (seen.host.as_str(), seen.number) {
        // One of each kind of reply that could be repeated somewhere.
        (AZURE, 1) => Said::json(401, json!({"error": {"message": "refused", "code": "401"}})),
        ("iamcredentials.googleapis.com", _) => Said::json(
            403,
            json!({"error": {"status": "PERMISSION_DENIED",
            "message": "canary-words of the service"}}),
        ),
        _ => well(seen),
    })
    .await;
    let providers = [("a", vertex_provider()), ("b", bedrock_provider()), ("c", azure_provider())];
    let mut seen = String::new();
    for (name, provider) in &providers {
        let (running, _tokens) = start_in(&cloud, &[(name, provider.clone())]).await;
        let answered = ask(&running).await;
        assert_eq!(answered.status, if *name == "a" { 503 } else { 200 });
        seen.push_str(&format!("{:?}", answered.headers));
        seen.push_str(&answered.text().await);
        running.idle().await;
        let page = get(running.admin, "/credentials").send().await.json().await;
        let metrics = metrics(&running).await;
        let (state, kind, outcome) = match *name {
            "a" => ("Failed", "gcp_workload_identity_federation", "outcome=\"failed\",reason=\"denied\"} 1"),
            "b" => ("Ready", "aws_web_identity", "outcome=\"ok\",reason=\"none\"} 1"),
            _ => ("Ready", "azure_managed_identity", "outcome=\"ok\",reason=\"none\"} 2"),
        };
        assert_eq!((&page[0]["state"], &page[0]["kind"]), (&state.into(), &kind.into()), "{page:#}");
        let provider = page[0]["providers"][0].as_str().unwrap();
        for expected in [
            format!("pillion_credential_refresh_total{{provider=\"{provider}\",kind=\"{kind}\",{outcome}"),
            format!("pillion_credential_expiry_seconds{{provider=\"{provider}\",kind=\"{kind}\"}} "),
            "pillion_credential_refresh_duration_seconds_count ".to_owned(),
        ] {
            assert!(metrics.contains(&expected), "{expected} in {metrics}");
        }
        seen.push_str(&page.to_string());
        seen.push_str(&metrics);
        seen.push_str(&get(running.admin, "/config").send().await.text().await);
    }
    assert!(seen.contains("roles/iam.workloadIdentityUser") && seen.contains("arn:aws:iam::210987654321:role/other"));
    let logged = logs::so_far();
    for line in ["credential renewed", "no new credential", "aws_sigv4", "azure_identity"] {
        assert!(logged.contains(line), "what is not logged cannot be found wanting: {line}");
    }
    seen.push_str(&logged);
    for secret in [
        "canary-token",
        "canary-secret",
        "canary-session",
        "canary-projected",
        "canary-external",
        "canary-impersonated",
        "canary-words",
        "client-canary",
    ] {
        let at = seen.find(secret).map(|at| &seen[at.saturating_sub(400)..at + 40]);
        assert_eq!(at, None, "{secret}");
    }
}
