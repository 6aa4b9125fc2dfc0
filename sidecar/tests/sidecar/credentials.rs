//! Credentials: ours reach the provider and nobody else; the client's reach nobody.

use crate::support::*;
use pillion_sidecar::{Running, Settings, Sidecar};
use serde_json::{Value, json};

const KEY: &str = "sk-canary-5c1f";
const CLIENT_KEY: &str = "sk-client-canary-77aa";

async fn with_key(snapshot: &Value, key: &str) -> (Running, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key"), key).unwrap();
    let settings = Settings { credentials_dir: Some(folder.path().into()), ..settings(snapshot) };
    (Sidecar::start(settings).await.unwrap(), folder)
}

#[tokio::test]
async fn the_clients_credentials_cookies_and_foreign_headers_stay_behind_and_ours_is_added() {
    for (kind, header, prefix, reply) in
        [("OpenAI", "authorization", "Bearer ", OPENAI_REPLY), ("Anthropic", "x-api-key", "", ANTHROPIC_REPLY)]
    {
        let upstream = Upstream::start().await;
        let snapshot = snapshot(&[("p", keyed("p", kind, &upstream.endpoint(), header, prefix))]);
        let (running, _folder) = with_key(&snapshot, &format!("{KEY}\n")).await;
        let mut asked = post(running.data, &format!("{OPENAI}?key={CLIENT_KEY}"), openai_chat("m", false));
        for name in ["x-api-key", "api-key", "x-goog-api-key", "cookie", "proxy-authorization", "x-forwarded-for"] {
            asked = asked.header(name, CLIENT_KEY);
        }
        let asked = asked.header("authorization", &format!("Bearer {CLIENT_KEY}")).spawn();
        let call = upstream.answer(200, "application/json", reply.as_bytes()).await;
        assert_eq!(asked.await.unwrap().status, 200);
        assert_eq!(call.header(header), Some(format!("{prefix}{KEY}").as_str()), "{kind}");
        assert!(!format!("{:?} {}", call.headers, call.path).contains(CLIENT_KEY), "{kind} {:?}", call.headers);
    }
}

#[tokio::test]
async fn vendor_headers_travel_to_their_own_vendor_only() {
    for (kind, reply, expected) in [("OpenAI", OPENAI_REPLY, false), ("Anthropic", ANTHROPIC_REPLY, true)] {
        let (upstream, running) = with_upstream(kind).await;
        let asked = post(running.data, ANTHROPIC, anthropic_chat("m", false)).header("anthropic-beta", "b-1").spawn();
        let call = upstream.answer(200, "application/json", reply.as_bytes()).await;
        assert_eq!(asked.await.unwrap().status, 200);
        assert_eq!(call.header("anthropic-beta").is_some(), expected, "{kind}");
        assert_eq!(call.header("anthropic-version").is_some(), expected, "{kind}");
    }
}

#[tokio::test]
async fn a_cloud_that_serves_several_vendors_is_sent_headers_of_the_calls_own_format_only() {
    const SENT: [&str; 6] = [
        "anthropic-beta",
        "anthropic-version",
        "openai-beta",
        "x-goog-api-client",
        "x-amzn-bedrock-trace",
        "amz-sdk-invocation-id",
    ];
    let cases: [(&str, String, &str, &[&str]); 4] = [
        (ANTHROPIC, anthropic_chat("gpt-4o", false), OPENAI_REPLY, &["openai-beta"]),
        (ANTHROPIC, anthropic_chat("claude-x", false), ANTHROPIC_REPLY, &["anthropic-beta", "anthropic-version"]),
        (OPENAI, openai_chat("gpt-4o", false), OPENAI_REPLY, &["openai-beta"]),
        (OPENAI, openai_chat("claude-x", false), ANTHROPIC_REPLY, &["anthropic-beta", "anthropic-version"]),
    ];
    for (path, body, reply, expected) in cases {
        let (upstream, running) = with_upstream("AzureOpenAI").await;
        let asked = SENT.into_iter().fold(post(running.data, path, body), |asked, name| asked.header(name, "x"));
        let asked = asked.spawn();
        let call = upstream.answer(200, "application/json", reply.as_bytes()).await;
        assert_eq!(asked.await.unwrap().status, 200, "{path}");
        let arrived: Vec<&str> = SENT.into_iter().filter(|name| call.header(name).is_some()).collect();
        assert_eq!(arrived, expected, "{path} {}", call.path);
    }
}

#[tokio::test]
async fn passthrough_forwards_the_clients_own_credential() {
    let upstream = Upstream::start().await;
    let mut snapshot = snapshot(&[("p", provider("p", "OpenAI", &upstream.endpoint()))]);
    snapshot["providers"]["p"]["auth"] = json!({"type": "Passthrough"});
    let running = start(&snapshot).await;
    let credential = format!("Bearer {CLIENT_KEY}");
    let asked = post(running.data, OPENAI, openai_chat("m", false)).header("authorization", &credential).spawn();
    let call = upstream.answer(200, "application/json", OPENAI_REPLY.as_bytes()).await;
    assert_eq!(call.header("authorization"), Some(credential.as_str()));
    assert_eq!(asked.await.unwrap().status, 200);
    let answered = post(running.data, OPENAI, openai_chat("m", false)).send().await;
    assert_eq!((answered.status.as_u16(), answered.header("x-pillion-error")), (401, Some("credential_missing")));
}

#[tokio::test]
async fn a_key_that_is_missing_or_unusable_is_503_by_name_and_nothing_is_sent() {
    for (key, expected) in [("", "it is empty"), ("two\nlines", "control character")] {
        let upstream = Upstream::start().await;
        let snapshot = snapshot(&[("p", keyed("p", "OpenAI", &upstream.endpoint(), "authorization", "Bearer "))]);
        let (running, folder) = with_key(&snapshot, key).await;
        let answered = post(running.data, OPENAI, openai_chat("m", false)).send().await;
        assert_eq!(answered.status, 503);
        assert_eq!(answered.header("x-pillion-error"), Some("credential_unavailable"));
        let json = answered.json().await;
        assert!(json["error"]["message"].as_str().unwrap().contains(expected), "{json}");
        std::fs::remove_file(folder.path().join("key")).unwrap();
        let json = post(running.data, OPENAI, openai_chat("m", false)).send().await.json().await;
        assert!(json["error"]["message"].as_str().unwrap().contains("no key 'key'"), "{json}");
    }
}

#[tokio::test]
async fn no_credential_is_found_in_any_log_error_metric_or_page() {
    logs::collect();
    let upstream = Upstream::start().await;
    let mut snapshot = snapshot(&[
        ("down", keyed("down", "OpenAI", &nobody().await, "authorization", "Bearer ")),
        ("p", keyed("p", "OpenAI", &upstream.endpoint(), "authorization", "Bearer ")),
    ]);
    snapshot["providers"]["p"]["auth"]["placement"] = json!({"in": "query", "name": "key"});
    let (running, _folder) = with_key(&snapshot, KEY).await;
    let mut seen = String::new();
    for reply in [&b"garbage"[..], OPENAI_REPLY.as_bytes()] {
        let asked = post(running.data, OPENAI, openai_chat("m", false));
        let asked = asked.header("authorization", &format!("Bearer {CLIENT_KEY}")).spawn();
        let call = upstream.answer(200, "application/json", reply).await;
        assert_eq!(call.path, format!("/v1/chat/completions?key={KEY}"));
        let answered = asked.await.unwrap();
        seen.push_str(&format!("{:?}", answered.headers));
        seen.push_str(&answered.text().await);
    }
    running.idle().await;
    seen.push_str(&metrics(&running).await);
    seen.push_str(&get(running.admin, "/config").send().await.text().await);
    seen.push_str(&logs::so_far());
    assert!(seen.contains("upstream_garbage") && seen.contains("snapshot applied"));
    for secret in [KEY, CLIENT_KEY] {
        let at = seen.find(secret).map(|at| &seen[at.saturating_sub(300)..at]);
        assert_eq!(at, None, "{secret}");
    }
}
