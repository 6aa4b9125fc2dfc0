//! Paths that are not modelled, and the list of models.

use crate::support::*;
use http::Method;
use pillion_sidecar::{Settings, Sidecar};
use serde_json::json;

#[tokio::test]
async fn an_unmodelled_path_is_relayed_as_it_is_with_the_credential_replaced() {
    let upstream = Upstream::start().await;
    let snapshot = snapshot(&[("p", keyed("p", "OpenAI", &upstream.endpoint(), "authorization", "Bearer "))]);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key"), "sk-ours").unwrap();
    let settings = Settings { credentials_dir: Some(folder.path().into()), ..settings(&snapshot) };
    let running = Sidecar::start(settings).await.unwrap();
    let body = b"{\"input\":\"x\" }";
    let asked = post(running.data, "/-/openai/v1/embeddings?limit=1&key=theirs", &body[..]);
    let asked = asked.header("authorization", "Bearer theirs").spawn();
    let call = upstream.answer(201, "application/json", b"{ \"data\" : [] }").await;
    assert_eq!((call.method.as_str(), call.path.as_str()), ("POST", "/v1/embeddings?limit=1"));
    assert_eq!(call.body, body);
    assert_eq!(call.header("authorization"), Some("Bearer sk-ours"));
    assert_eq!(call.header("content-type"), Some("application/json"));
    let answered = asked.await.unwrap();
    assert_eq!((answered.status.as_u16(), answered.header("x-pillion-provider")), (201, Some("p")));
    assert_eq!(answered.text().await, "{ \"data\" : [] }");
}

#[tokio::test]
async fn a_large_native_body_is_sent_as_it_comes() {
    let (upstream, running) = with_upstream("OpenAI").await;
    let body = vec![b'x'; 10 << 20];
    let asked = request(running.data, Method::PUT, "/-/openai/v1/files", body.clone());
    let asked = asked.header("content-type", "application/octet-stream").spawn();
    let call = upstream.answer(200, "text/plain", b"ok").await;
    assert_eq!(call.body, body);
    assert_eq!(asked.await.unwrap().text().await, "ok");
}

#[tokio::test]
async fn a_native_call_needs_a_rule_without_models_and_a_provider_of_the_dialect() {
    let upstream = Upstream::start().await;
    let mut restricted = snapshot(&[("p", provider("p", "OpenAI", &upstream.endpoint()))]);
    let running = start(&restricted).await;
    let answered = post(running.data, "/-/anthropic/v1/messages/count_tokens", "{}").send().await;
    assert_eq!((answered.status.as_u16(), answered.header("x-pillion-error")), (404, Some("no_route")));
    assert_eq!(answered.json().await["type"], "error");
    restricted["rules"][0]["matches"] = json!([{"models": ["*"]}]);
    let running = start(&restricted).await;
    let answered = post(running.data, "/-/openai/v1/embeddings", "{}").send().await;
    assert_eq!((answered.status.as_u16(), answered.header("x-pillion-error")), (404, Some("no_route")));
    assert!(answered.json().await["error"]["message"].as_str().unwrap().contains("/v1/embeddings"));
}

#[tokio::test]
async fn a_path_that_climbs_is_refused() {
    let (_upstream, running) = with_upstream("OpenAI").await;
    for path in ["/-/openai/v1/../admin", "/-/openai/v1/%2E%2e/admin", "/-/openai/v1/.%2e/x"] {
        let answered = get(running.data, path).send().await;
        assert_eq!(answered.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_redirect_is_never_followed() {
    let (upstream, running) = with_upstream("OpenAI").await;
    for path in ["/-/openai/v1/files/x/content", OPENAI] {
        let asked = post(running.data, path, openai_chat("m", false)).spawn();
        let mut call = upstream.call().await;
        let location = format!("http://{}/elsewhere", upstream.address);
        call.reply_with(307, &[("location", &location)], b"").await;
        let answered = asked.await.unwrap();
        assert_eq!(answered.header("x-pillion-error"), Some("upstream_redirect"), "{path}");
        assert_eq!(answered.header("location"), None);
    }
}

#[tokio::test]
async fn models_are_listed_from_the_snapshot_without_asking_anyone() {
    let mut snapshot = snapshot(&[("p", provider("p", "OpenAI", "http://127.0.0.1:1"))]);
    let backend = |model: &str| json!([{"provider": "p", "weight": 1, "priority": 0, "model": model}]);
    snapshot["rules"] = json!([
        rule("named", json!([{"models": ["gpt-4o", "claude-*"]}]), backend("hidden")),
        rule("header", json!([{"models": ["secret"], "headers": [{"name": "x", "value": "y"}]}]), backend("hidden")),
        rule("anthropic", json!([{"models": ["only-anthropic"], "formats": ["Anthropic"]}]), backend("hidden")),
        rule("native", json!([{"operations": ["Native"]}]), backend("hidden")),
        rule("open", json!([]), backend("gpt-5")),
    ]);
    let running = start(&snapshot).await;
    let list = get(running.data, "/-/openai/v1/models").send().await.json().await;
    let ids: Vec<&str> = list["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["gpt-4o", "gpt-5"]);
    assert_eq!(list["data"][0]["owned_by"], "p");
    let list = get(running.data, "/-/anthropic/v1/models").send().await.json().await;
    assert_eq!(list["data"][1]["id"], "only-anthropic");
    let one = get(running.data, "/-/openai/v1/models/claude-9").send().await;
    assert_eq!((one.status.as_u16(), one.json().await["id"].as_str()), (200, Some("claude-9")));

    snapshot["rules"].as_array_mut().unwrap().pop();
    let running = start(&snapshot).await;
    let none = get(running.data, "/-/openai/v1/models/unknown").send().await;
    assert_eq!((none.status.as_u16(), none.header("x-pillion-error")), (404, Some("model_not_found")));
}
