//! Keys that the operator streams: used as they come, never on a disk, asked about when a provider refuses one.

use crate::support::*;
use pillion_sidecar::{Running, Sidecar};
use pillion_snapshot::{CredentialState, Key, Keys, Snapshot, Trouble};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const ID: &str = "team-a/openai/api-key";

fn streamed(endpoint: &str) -> Snapshot {
    let mut provider = keyed("p", "OpenAI", endpoint, "authorization", "Bearer ");
    provider["auth"]["source"] = json!({"from": "streamed", "id": ID});
    serde_json::from_value::<Snapshot>(snapshot(&[("p", provider)])).unwrap().seal()
}

fn given(generation: &str, value: &str) -> Keys {
    [(ID.to_owned(), Key::Given { generation: generation.into(), value: value.into() })].into()
}

fn withdrawn() -> Keys {
    let trouble = Trouble { reason: "pod_not_intact".into(), message: "it has an ephemeral container".into() };
    [(ID.to_owned(), Key::Withdrawn(trouble))].into()
}

/// Calls once, and answers as the provider; the key that came.
async fn key_of_a_call(running: &Running, upstream: &Upstream) -> String {
    let asked = post(running.data, OPENAI, openai_chat("m", false)).spawn();
    let call = upstream.answer(200, "application/json", OPENAI_REPLY.as_bytes()).await;
    assert_eq!(asked.await.unwrap().status, 200);
    call.header("authorization").unwrap().to_owned()
}

async fn refusal_of_a_call(running: &Running) -> Value {
    let answered = post(running.data, OPENAI, openai_chat("m", false)).send().await;
    assert_eq!((answered.status.as_u16(), answered.header("x-pillion-error")), (503, Some("credential_unavailable")));
    answered.json().await["error"]["message"].clone()
}

#[tokio::test]
async fn a_streamed_key_is_used_as_it_comes_and_is_kept_nowhere() {
    let mut operator = Operator::start().await;
    let upstream = Upstream::start().await;
    let folder = tempfile::tempdir().unwrap();
    let running = operator.sidecar(folder.path()).await;
    let stream = operator.stream().await;
    stream.keys(&given("1", "sk-canary-1\n"));
    stream.snapshot("s", &streamed(&upstream.endpoint()));
    operator.ack().await;
    assert_eq!(key_of_a_call(&running, &upstream).await, "Bearer sk-canary-1");
    operator.credential("p", |state| *state == CredentialState::Ready).await;
    stream.keys(&given("2", "sk-canary-2"));
    // A snapshot after it: when that is acknowledged, the key has been taken.
    stream.snapshot("s", &streamed(&upstream.endpoint()));
    operator.ack().await;
    assert_eq!(key_of_a_call(&running, &upstream).await, "Bearer sk-canary-2");
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!text.contains("canary"), "{text}");
    }
    for page in ["/snapshot", "/credentials", "/"] {
        let text = get(running.admin, page).send().await.text().await;
        assert!(!text.contains("canary"), "{page}: {text}");
    }

    // Without an operator it goes on; a sidecar that is started anew has none until one comes.
    drop(stream);
    operator.serving.abort();
    assert_eq!(key_of_a_call(&running, &upstream).await, "Bearer sk-canary-2");
    let again = Sidecar::start(operator.settings(folder.path())).await.unwrap();
    soon(again.serving().wait_for(Option::is_some)).await.unwrap();
    let message = refusal_of_a_call(&again).await;
    assert!(message.as_str().unwrap().contains("has not sent key 'team-a/openai/api-key' yet"), "{message}");
}

#[tokio::test]
async fn a_key_that_is_withdrawn_is_forgotten_and_the_reason_told() {
    let mut operator = Operator::start().await;
    let upstream = Upstream::start().await;
    let folder = tempfile::tempdir().unwrap();
    let running = operator.sidecar(folder.path()).await;
    let stream = operator.stream().await;
    stream.keys(&given("1", "sk-1"));
    stream.snapshot("s", &streamed(&upstream.endpoint()));
    operator.ack().await;
    assert_eq!(key_of_a_call(&running, &upstream).await, "Bearer sk-1");
    stream.keys(&withdrawn());
    let state = operator.credential("p", |state| matches!(state, CredentialState::Failed(_))).await;
    assert!(matches!(&state, CredentialState::Failed(trouble) if trouble.reason == "pod_not_intact"), "{state:?}");
    let message = refusal_of_a_call(&running).await;
    assert!(message.as_str().unwrap().contains("it has an ephemeral container"), "{message}");
}

#[tokio::test]
async fn a_refused_key_is_asked_about_and_the_call_goes_again_with_the_next() {
    let mut operator = Operator::start().await;
    let upstream = Upstream::start().await;
    let folder = tempfile::tempdir().unwrap();
    let running = operator.sidecar(folder.path()).await;
    let stream = operator.stream().await;
    stream.keys(&given("1", "sk-old"));
    stream.snapshot("s", &streamed(&upstream.endpoint()));
    operator.ack().await;

    let asked = post(running.data, OPENAI, openai_chat("m", false)).spawn();
    let call = upstream.answer(401, "application/json", br#"{"error":{"message":"bad key"}}"#).await;
    assert_eq!(call.header("authorization"), Some("Bearer sk-old"));
    drop(call);
    let refused = operator.refused_keys().await;
    assert_eq!((refused[0].id.as_str(), refused[0].generation.as_str()), (ID, "1"));
    stream.keys(&given("2", "sk-new"));
    let call = upstream.answer(200, "application/json", OPENAI_REPLY.as_bytes()).await;
    assert_eq!(call.header("authorization"), Some("Bearer sk-new"));
    assert_eq!(asked.await.unwrap().status, 200);
}

#[tokio::test]
async fn a_key_is_rotated_under_load_without_a_failed_call() {
    let mut operator = Operator::start().await;
    let upstream = Arc::new(Upstream::start().await);
    let folder = tempfile::tempdir().unwrap();
    let running = Arc::new(operator.sidecar(folder.path()).await);
    let stream = operator.stream().await;
    stream.keys(&given("0", "sk-0"));
    stream.snapshot("s", &streamed(&upstream.endpoint()));
    operator.ack().await;

    // The provider takes every key that there ever was, and counts those that it sees.
    let (over, served) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let seen = Arc::new(Mutex::new(BTreeSet::new()));
    let answering = tokio::spawn({
        let (upstream, seen) = (upstream.clone(), seen.clone());
        async move {
            loop {
                let call = upstream.answer(200, "application/json", OPENAI_REPLY.as_bytes()).await;
                seen.lock().unwrap().insert(call.header("authorization").unwrap().to_owned());
            }
        }
    });
    let asking = (0..4).map(|_| {
        let (running, over, served) = (running.clone(), over.clone(), served.clone());
        tokio::spawn(async move {
            while !over.load(Ordering::Relaxed) {
                let answered = post(running.data, OPENAI, openai_chat("m", false)).send().await;
                assert_eq!(answered.status, 200);
                served.fetch_add(1, Ordering::Relaxed);
            }
        })
    });
    let asking: Vec<_> = asking.collect();
    let began = Instant::now();
    for generation in 1..=20 {
        let before = served.load(Ordering::Relaxed);
        stream.keys(&given(&generation.to_string(), &format!("sk-{generation}")));
        while served.load(Ordering::Relaxed) < before + 8 && began.elapsed() < Duration::from_secs(60) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    over.store(true, Ordering::Relaxed);
    for asking in asking {
        soon(asking).await.unwrap();
    }
    answering.abort();
    let (seen, served) = (seen.lock().unwrap().len(), served.load(Ordering::Relaxed));
    assert!(seen > 10 && served >= 160, "{seen} keys, {served} calls");
}
