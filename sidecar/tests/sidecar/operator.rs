//! The snapshot stream against an operator in the test's hands: HTTP/2 over TLS, line by line.

use crate::support::*;
use pillion_sidecar::{Origin, Running, Serving, Sidecar};
use pillion_snapshot::{CredentialState, Line, Outcome, ProviderKey, Snapshot, write_line};
use serde_json::{Value, json};

fn echo_snapshot(generation: i64) -> Snapshot {
    let mut json = snapshot(&[("echo", provider("echo", "Echo", ""))]);
    json["sources"]["AIRoute/team-a/chat"] = generation.into();
    sealed(json)
}

fn sealed(json: Value) -> Snapshot {
    serde_json::from_value::<Snapshot>(json).unwrap().seal()
}

async fn serves(running: &Running, version: &str) -> Serving {
    let mut serving = running.serving();
    let matches = |serving: &Option<Serving>| serving.as_ref().is_some_and(|serving| serving.version == version);
    soon(serving.wait_for(matches)).await.unwrap().clone().unwrap()
}

#[tokio::test]
async fn a_snapshot_is_served_and_acknowledged_and_calls_work() {
    let mut operator = Operator::start().await;
    let folder = tempfile::tempdir().unwrap();
    let running = operator.sidecar(folder.path()).await;
    let stream = operator.stream().await;
    assert_eq!(stream.token, "Bearer token-1");
    let answered = post(running.data, OPENAI, openai_chat("m", false)).send().await;
    assert_eq!((answered.status.as_u16(), answered.header("x-pillion-error")), (503, Some("no_snapshot")));
    assert_eq!(get(running.health, "/healthz/started").send().await.status, 503);
    assert_eq!(get(running.health, "/healthz/live").send().await.status, 200);

    let first = echo_snapshot(1);
    let line = write_line(&Line::Snapshot { stream: "s1".into(), snapshot: Box::new(first.clone()) });
    // Keep-alives, lines of newer operators and cuts in the middle of a line change nothing.
    stream.send("{\"kind\":\"keepAlive\"}\n{\"kind\":\"credential\",\"id\":\"x\"}\n");
    stream.send(&line[..100]);
    stream.send(&line[100..]);
    let ack = operator.ack().await;
    assert_eq!((ack.stream.as_str(), &ack.version, &ack.outcome), ("s1", &first.version, &Outcome::Applied));
    assert_eq!(ack.serving, first.sources);
    assert_eq!(serves(&running, &first.version).await.origin, Origin::Stream);
    assert_eq!(get(running.health, "/healthz/started").send().await.status, 200);
    assert_eq!(post(running.data, OPENAI, openai_chat("m", false)).send().await.status, 200);

    let second = echo_snapshot(2);
    stream.snapshot("s1", &second);
    assert_eq!(operator.ack().await.serving["AIRoute/team-a/chat"], 2);
}

#[tokio::test]
async fn what_cannot_be_served_is_refused_with_its_reason_and_the_last_good_one_stays() {
    let mut operator = Operator::start().await;
    let folder = tempfile::tempdir().unwrap();
    let running = operator.sidecar(folder.path()).await;
    let stream = operator.stream().await;
    let good = echo_snapshot(1);
    stream.snapshot("s1", &good);
    assert_eq!(operator.ack().await.outcome, Outcome::Applied);

    let unknown = sealed(snapshot(&[("q", provider("q", "Quantum", "https://q.example"))]));
    stream.snapshot("s1", &unknown);
    let ack = operator.ack().await;
    assert_eq!(ack.version, unknown.version);
    assert!(matches!(&ack.outcome, Outcome::Refused { reason } if reason.contains("'Quantum'")), "{ack:?}");
    assert_eq!(ack.serving, good.sources);

    // A variant of a newer operator: the content cannot even be read, its name can.
    let text = String::from_utf8(write_line(&Line::Snapshot { stream: "s1".into(), snapshot: Box::new(good.clone()) }));
    let json = text.unwrap();
    let content = json[json.find("\"snapshot\":{").unwrap() + 11..].trim_end().strip_suffix('}').unwrap();
    let content = content.replace("\"Connect\"", "\"Telepathy\"");
    let version = ring_version(&content);
    stream.send(format!(
        "{{\"kind\":\"snapshot\",\"stream\":\"s1\",\"version\":\"{version}\",\"snapshot\":{content}}}\n"
    ));
    let ack = operator.ack().await;
    assert!(matches!(&ack.outcome, Outcome::Refused { reason } if reason.contains("Telepathy")), "{ack:?}");
    assert_eq!(post(running.data, OPENAI, openai_chat("m", false)).send().await.status, 200);
    assert!(metrics(&running).await.contains("pillion_snapshots_refused_total 2"));
}

fn ring_version(content: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, content.as_bytes());
    digest.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_damaged_line_ends_the_stream_and_the_next_one_repairs_it() {
    let mut operator = Operator::start().await;
    let folder = tempfile::tempdir().unwrap();
    let running = operator.sidecar(folder.path()).await;
    let stream = operator.stream().await;
    let (one, two) = (echo_snapshot(1), echo_snapshot(2));
    stream.snapshot("s1", &one);
    operator.ack().await;
    let line = write_line(&Line::Snapshot { stream: "s1".into(), snapshot: Box::new(two.clone()) });
    stream.send(String::from_utf8(line).unwrap().replace("chat\":2", "chat\":3"));
    // A rotated token is read for the next stream.
    std::fs::write(folder.path().join("token"), "token-2").unwrap();
    let next = operator.stream().await;
    assert_eq!(serves(&running, &one.version).await.origin, Origin::Stream);
    next.snapshot("s2", &two);
    assert_eq!(operator.ack().await.stream, "s2");
    serves(&running, &two.version).await;
    next.send("{\"kind\":\"goodbye\",\"reason\":\"maximum age\"}\n");
    let third = operator.stream().await;
    assert_eq!(third.token, "Bearer token-2");
    drop(third);
    operator.stream().await;
    serves(&running, &two.version).await;
}

#[tokio::test]
async fn a_sidecar_that_restarts_without_its_operator_serves_the_last_good_snapshot() {
    let mut operator = Operator::start().await;
    let folder = tempfile::tempdir().unwrap();
    let running = operator.sidecar(folder.path()).await;
    let good = echo_snapshot(1);
    operator.stream().await.snapshot("s1", &good);
    operator.ack().await;
    running.stop().await;
    let state = std::fs::read_to_string(folder.path().join("snapshot.jsonl")).unwrap();
    assert!(state.contains(&good.version) && !state.contains("token-1"));

    operator.serving.abort();
    let running = operator.sidecar(folder.path()).await;
    assert_eq!(serves(&running, &good.version).await.origin, Origin::LastGood);
    assert_eq!(post(running.data, OPENAI, openai_chat("m", false)).send().await.status, 200);
    assert!(metrics(&running).await.contains("source=\"last_good\""));
}

#[tokio::test]
async fn an_operator_that_another_ca_signed_is_not_believed() {
    logs::collect();
    let (mut operator, stranger) = (Operator::start().await, Operator::start().await);
    operator.pem.clone_from(&stranger.pem);
    let folder = tempfile::tempdir().unwrap();
    let _running = operator.sidecar(folder.path()).await;
    let opened = tokio::time::timeout(std::time::Duration::from_millis(300), operator.streams.recv()).await;
    assert!(opened.is_err());
    let port = format!("localhost:{}", operator.address.port());
    assert!(logs::lines_with(&port).iter().any(|line| line.to_string().contains("certificate")));
}

#[tokio::test]
async fn the_operator_hears_how_credentials_are_what_mends_them_and_that_they_are_mended() {
    let mut operator = Operator::start().await;
    let folder = tempfile::tempdir().unwrap();
    let mut settings = operator.settings(folder.path());
    settings.credentials_dir = Some(folder.path().join("keys"));
    settings.tokens_dir = folder.path().join("tokens");
    let _running = Sidecar::start(settings).await.unwrap();
    let stream = operator.stream().await;
    let azure = |endpoint: &str| {
        let source = json!({"from": "workloadIdentity", "tenantId": "t", "clientId": "c"});
        let auth = json!({"type": "Azure", "cloud": "Public", "source": source});
        json!({"name": "azure", "kind": "OpenAICompatible", "endpoint": endpoint, "auth": auth})
    };
    stream.snapshot(
        "s1",
        &sealed(snapshot(&[
            ("n/key", keyed("key", "OpenAI", "https://api.example", "authorization", "Bearer ")),
            ("n/azure", azure("https://res.openai.azure.com/openai/v1")),
            ("n/foreign", azure("https://res.openai.azure.com.example")),
            ("n/open", provider("open", "OpenAI", "https://api.example")),
        ])),
    );
    let failed = |state: &CredentialState| matches!(state, CredentialState::Failed(_));
    let CredentialState::Failed(trouble) = operator.credential("n/azure", failed).await else { unreachable!() };
    assert_eq!(trouble.reason, "token_file_missing");
    assert!(trouble.message.contains("chart's values identity"), "{}", trouble.message);

    // What a new stream is told is all that there is to tell.
    drop(stream);
    let stream = operator.stream().await;
    let again = sealed(snapshot(&[
        ("n/key", keyed("key", "OpenAI", "https://api.example", "authorization", "Bearer ")),
        ("n/foreign", azure("https://res.openai.azure.com.example")),
        ("n/open", provider("open", "OpenAI", "https://api.example")),
    ]));
    stream.snapshot("s2", &again);
    let CredentialState::Failed(trouble) = operator.credential("n/key", failed).await else { unreachable!() };
    assert_eq!(trouble.reason, "key_missing");
    assert!(trouble.message.contains("Secret pillion-credentials"), "{}", trouble.message);
    std::fs::create_dir(folder.path().join("keys")).unwrap();
    std::fs::write(folder.path().join("keys/key"), "a-key").unwrap();
    let report = soon(async {
        loop {
            let credentials = operator.reports.recv().await.unwrap().credentials.unwrap_or_default();
            if credentials.providers.get(&ProviderKey("n/key".into())) == Some(&CredentialState::Ready) {
                return credentials;
            }
        }
    })
    .await;
    assert_eq!(report.stream, "s2");
    let names: Vec<&str> = report.providers.keys().map(|key| key.0.as_str()).collect();
    assert_eq!(names, ["n/foreign", "n/key"]);
    let foreign = &report.providers[&ProviderKey("n/foreign".into())];
    assert!(matches!(foreign, CredentialState::Failed(trouble) if trouble.reason == "host_refused"), "{foreign:?}");
    assert!(!serde_json::to_string(&report).unwrap().contains("a-key"));
}
