//! A sidecar, providers and applications over real loopback sockets.

pub(crate) mod client;
pub(crate) mod cloud;
pub(crate) mod logs;
pub(crate) mod operator;
pub(crate) mod upstream;

pub(crate) use client::{get, post, request};
pub(crate) use operator::Operator;
pub(crate) use upstream::Upstream;

use pillion_sidecar::{Running, Settings, Sidecar, Source};
use pillion_snapshot::Snapshot;
use serde_json::{Value, json};

pub(crate) const OPENAI: &str = "/-/openai/v1/chat/completions";
pub(crate) const ANTHROPIC: &str = "/-/anthropic/v1/messages";

/// What never comes fails the test that waits for it, instead of holding up the others.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(std::time::Duration::from_secs(15), future).await.expect("it comes within 15 s")
}

/// Providers by name, all of them backends of one rule, in this order of priority.
pub(crate) fn snapshot(providers: &[(&str, Value)]) -> Value {
    let backends: Vec<Value> = providers
        .iter()
        .enumerate()
        .map(|(priority, (name, _))| json!({"provider": name, "weight": 1, "priority": priority}))
        .collect();
    json!({
        "rules": [rule("all", json!([]), json!(backends))],
        "providers": providers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect::<serde_json::Map<_, _>>(),
        "sources": {"AIRoute/team-a/chat": 1},
    })
}

pub(crate) fn rule(name: &str, matches: Value, backends: Value) -> Value {
    json!({
        "name": {"route": "team-a/chat", "rule": name},
        "matches": matches,
        "backends": backends,
        "timeouts": {"connect": 5000, "firstByte": 60000, "streamIdle": 60000, "request": 60000},
        "retry": {"attempts": 3, "on": ["Connect"]},
    })
}

/// A provider that takes no credential.
pub(crate) fn provider(name: &str, kind: &str, endpoint: &str) -> Value {
    json!({"name": name, "kind": kind, "endpoint": endpoint, "auth": {"type": "None"}})
}

/// A provider whose key is `openai` in the credentials folder.
pub(crate) fn keyed(name: &str, kind: &str, endpoint: &str, header: &str, prefix: &str) -> Value {
    let auth = json!({"type": "ApiKey", "source": {"from": "mounted", "key": "key"},
        "placement": {"in": "header", "name": header, "prefix": prefix}});
    json!({"name": name, "kind": kind, "endpoint": endpoint, "auth": auth})
}

pub(crate) fn settings(snapshot: &Value) -> Settings {
    let snapshot: Snapshot = serde_json::from_value(snapshot.clone()).unwrap();
    Settings { memory_budget: 64 << 20, ..Settings::new(Source::Fixed(Box::new(snapshot.seal()))) }
}

pub(crate) async fn start(snapshot: &Value) -> Running {
    Sidecar::start(settings(snapshot)).await.unwrap()
}

/// One provider, one rule, one sidecar.
pub(crate) async fn with_upstream(kind: &str) -> (Upstream, Running) {
    let upstream = Upstream::start().await;
    let running = start(&snapshot(&[("p", provider("p", kind, &upstream.endpoint()))])).await;
    (upstream, running)
}

/// An address where nobody listens.
pub(crate) async fn nobody() -> String {
    Upstream::start().await.endpoint()
}

pub(crate) async fn metrics(running: &Running) -> String {
    get(running.health, "/metrics").send().await.text().await
}

pub(crate) fn openai_chat(model: &str, stream: bool) -> String {
    json!({"model": model, "stream": stream, "messages": [{"role": "user", "content": "hello"}]}).to_string()
}

pub(crate) fn anthropic_chat(model: &str, stream: bool) -> String {
    json!({"model": model, "max_tokens": 64, "stream": stream, "messages": [{"role": "user", "content": "hello"}]})
        .to_string()
}

/// A whole OpenAI reply.
pub(crate) const OPENAI_REPLY: &str = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt-4o-2024","choices":[{"index":0,"message":{"role":"assistant","content":"Hi there"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}"#;

/// A whole Anthropic reply.
pub(crate) const ANTHROPIC_REPLY: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[{"type":"text","text":"Hi there"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":9,"output_tokens":2}}"#;

/// An OpenAI stream, one event an item: role, two deltas, finish, usage, `[DONE]`.
pub(crate) fn openai_events() -> Vec<String> {
    let chunk = |delta: Value, finish: Value| {
        format!(
            "data: {}\n\n",
            json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-2024",
                "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
        )
    };
    let usage = json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-2024",
        "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}});
    vec![
        chunk(json!({"role": "assistant", "content": ""}), Value::Null),
        chunk(json!({"content": "Hi"}), Value::Null),
        chunk(json!({"content": " there"}), Value::Null),
        chunk(json!({}), json!("stop")),
        format!("data: {usage}\n\n"),
        "data: [DONE]\n\n".into(),
    ]
}

/// An Anthropic stream, one event an item: start, block start, two deltas, block stop, finish, stop.
pub(crate) fn anthropic_events() -> Vec<String> {
    let event = |value: Value| format!("event: {}\ndata: {value}\n\n", value["type"].as_str().unwrap());
    let delta =
        |text: &str| json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}});
    [
        json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant",
            "model": "claude-x", "content": [], "stop_reason": null, "stop_sequence": null,
            "usage": {"input_tokens": 9, "output_tokens": 1}}}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        delta("Hi"),
        delta(" there"),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null},
            "usage": {"output_tokens": 2}}),
        json!({"type": "message_stop"}),
    ]
    .map(event)
    .into()
}
