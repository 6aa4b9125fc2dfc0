//! Same wire in and out: bytes, headers, errors.

use crate::support::*;
use serde_json::json;

#[tokio::test]
async fn a_body_of_the_providers_own_format_arrives_byte_for_byte() {
    let (upstream, running) = with_upstream("OpenAI").await;
    let body = "{ \"model\" : \"gpt-4o\",\n\t\"unknown\":[1.0e2, \"\\u00e9\"],  \"messages\":[{\"role\":\"user\",\"content\":\"é\"}] }";
    let asked = post(running.data, OPENAI, body).spawn();
    let call = upstream.answer(200, "application/json", OPENAI_REPLY.as_bytes()).await;
    let answered = asked.await.unwrap();
    assert_eq!(call.body, body.as_bytes());
    assert_eq!((call.method.as_str(), call.path.as_str()), ("POST", "/v1/chat/completions"));
    assert_eq!(answered.status, 200);
    for (name, value) in [
        ("x-pillion-route", "team-a/chat/all"),
        ("x-pillion-provider", "p"),
        ("x-pillion-model", "gpt-4o"),
        ("x-pillion-attempts", "1"),
        ("content-type", "application/json"),
    ] {
        assert_eq!(answered.header(name), Some(value), "{name}");
    }
    assert_eq!(answered.header("x-pillion-request-id").unwrap().len(), 16);
    assert_eq!(answered.header("x-pillion-error"), None);
    assert_eq!(answered.text().await, OPENAI_REPLY);
}

#[tokio::test]
async fn a_backends_model_replaces_the_clients_and_nothing_else_changes() {
    let upstream = Upstream::start().await;
    let mut snapshot = snapshot(&[("p", provider("p", "OpenAI", &upstream.endpoint()))]);
    snapshot["rules"][0]["backends"][0]["model"] = json!("gpt-5");
    let running = start(&snapshot).await;
    let asked = post(running.data, OPENAI, r#"{"a": 1, "model":"gpt-4o", "messages":[]}"#).spawn();
    let call = upstream.answer(200, "application/json", OPENAI_REPLY.as_bytes()).await;
    assert_eq!(call.body, br#"{"a": 1, "model":"gpt-5", "messages":[]}"#);
    let answered = asked.await.unwrap();
    assert_eq!(answered.header("x-pillion-model"), Some("gpt-5"));
    // Replies keep upstream's model.
    assert_eq!(answered.json().await["model"], "gpt-4o-2024");
}

#[tokio::test]
async fn a_large_reply_of_the_same_wire_is_relayed_as_it_comes() {
    let (upstream, running) = with_upstream("OpenAI").await;
    let asked = post(running.data, OPENAI, openai_chat("gpt-4o", false)).spawn();
    let mut call = upstream.call().await;
    let content = "x".repeat(3 << 20);
    let reply = OPENAI_REPLY.replace("Hi there", &content);
    call.raw(format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", reply.len()))
        .await;
    let (first, rest) = reply.as_bytes().split_at(2 << 20);
    call.raw(first).await;
    // The reply's head and first bytes are there although upstream still holds the rest back.
    let mut answered = asked.await.unwrap();
    let mut got = answered.piece().await.unwrap().unwrap().to_vec();
    call.raw(rest).await;
    while let Some(piece) = answered.piece().await.unwrap() {
        got.extend_from_slice(&piece);
    }
    assert_eq!(got, reply.as_bytes());
    running.idle().await;
}

#[tokio::test]
async fn an_upstreams_error_comes_back_in_its_own_words_and_status_where_the_dialect_is_the_same() {
    let (upstream, running) = with_upstream("OpenAI").await;
    let asked = post(running.data, OPENAI, openai_chat("gpt-4o", false)).spawn();
    let error = r#"{"error":{"message":"slow down","type":"rate_limit_exceeded","param":null,"code":"x","more":1}}"#;
    let mut call = upstream.call().await;
    let headers = [("content-type", "application/json"), ("retry-after", "7"), ("set-cookie", "a=b")];
    call.reply_with(429, &headers, error.as_bytes()).await;
    let answered = asked.await.unwrap();
    assert_eq!(answered.status, 429);
    assert_eq!(answered.header("x-pillion-error"), Some("upstream_error"));
    assert_eq!(answered.header("retry-after"), Some("7"));
    assert_eq!(answered.header("set-cookie"), None);
    assert_eq!(answered.header("x-should-retry"), None);
    assert_eq!(answered.text().await, error);
}

#[tokio::test]
async fn a_relayed_error_of_bedrocks_keeps_the_name_that_bedrock_gave_it() {
    let body = json!({"messages": [{"role": "user", "content": [{"text": "hello"}]}]}).to_string();
    let error = r#"{"message":"no", "more":1}"#;
    for (status, name) in [
        (424, Some("ModelErrorException")),
        (429, Some("ModelNotReadyException:http://internal.amazon.com/coral/com.amazon.bedrock/")),
        (400, Some("ServiceQuotaExceededException")),
        (400, Some("FooException")),
        // What it left open stays open.
        (400, None),
    ] {
        let (upstream, running) = with_upstream("Bedrock").await;
        let asked = post(running.data, "/-/bedrock/model/m/converse", body.clone()).spawn();
        let mut headers =
            vec![("content-type", "application/json"), ("x-amzn-requestid", "r-1"), ("set-cookie", "a=b")];
        headers.extend(name.map(|name| ("x-amzn-errortype", name)));
        let mut call = upstream.call().await;
        call.reply_with(status, &headers, error.as_bytes()).await;
        let answered = asked.await.unwrap();
        assert_eq!((answered.status.as_u16(), answered.header("x-amzn-errortype")), (status, name));
        assert_eq!(answered.header("x-pillion-error"), Some("upstream_error"), "{name:?}");
        assert_eq!(answered.header("x-amzn-requestid"), Some("r-1"), "{name:?}");
        assert_eq!(answered.header("set-cookie"), None, "{name:?}");
        assert_eq!(answered.text().await, error, "{name:?}");
    }
}

#[tokio::test]
async fn an_upstreams_error_is_translated_for_a_client_of_another_dialect() {
    let (upstream, running) = with_upstream("Anthropic").await;
    let asked = post(running.data, OPENAI, openai_chat("claude-x", false)).spawn();
    let error = br#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    upstream.answer(529, "application/json", error).await;
    let answered = asked.await.unwrap();
    assert_eq!(answered.status, 503);
    assert_eq!(answered.header("x-pillion-error"), Some("upstream_error"));
    assert_eq!(answered.json().await["error"]["message"], "Overloaded");
}

#[tokio::test]
async fn an_error_page_of_some_proxy_becomes_an_error_in_the_dialect() {
    let (upstream, running) = with_upstream("OpenAI").await;
    let asked = post(running.data, OPENAI, openai_chat("gpt-4o", false)).spawn();
    upstream.answer(502, "text/html", b"<html>bad gateway</html>").await;
    let answered = asked.await.unwrap();
    assert_eq!(answered.status, 502);
    let json = answered.json().await;
    assert!(json["error"]["message"].is_string(), "{json}");
    assert!(!json.to_string().contains("html"), "{json}");
}

#[tokio::test]
async fn both_dialects_reach_both_providers_without_streaming() {
    for (kind, reply) in [("OpenAI", OPENAI_REPLY), ("Anthropic", ANTHROPIC_REPLY)] {
        let (upstream, running) = with_upstream(kind).await;
        for (path, body, pointer) in [
            (OPENAI, openai_chat("m", false), "/choices/0/message/content"),
            (ANTHROPIC, anthropic_chat("m", false), "/content/0/text"),
        ] {
            let asked = post(running.data, path, body).spawn();
            let call = upstream.answer(200, "application/json", reply.as_bytes()).await;
            assert_eq!(call.json()["messages"][0]["role"], "user", "{kind} {path}");
            let answered = asked.await.unwrap();
            assert_eq!(answered.status, 200, "{kind} {path}");
            assert_eq!(answered.json().await.pointer(pointer), Some(&json!("Hi there")), "{kind} {path}");
        }
        running.idle().await;
        let metrics = metrics(&running).await;
        assert!(metrics.contains("pillion_tokens_total{provider=\"p\",kind=\"input\"} 18"), "{metrics}");
        assert!(metrics.contains("pillion_tokens_total{provider=\"p\",kind=\"output\"} 4"), "{metrics}");
    }
}

#[tokio::test]
async fn what_no_rule_takes_is_404_in_the_dialect() {
    let upstream = Upstream::start().await;
    let mut snapshot = snapshot(&[("p", provider("p", "OpenAI", &upstream.endpoint()))]);
    snapshot["rules"][0]["matches"] = json!([{"models": ["gpt-*"]}]);
    let running = start(&snapshot).await;
    let answered = post(running.data, OPENAI, openai_chat("claude", false)).send().await;
    assert_eq!(answered.status, 404);
    assert_eq!(answered.header("x-pillion-error"), Some("no_route"));
    assert_eq!(answered.json().await["error"]["code"], "no_route");
    let answered = post(running.data, ANTHROPIC, anthropic_chat("claude", false)).send().await;
    let json = answered.json().await;
    assert_eq!((&json["type"], &json["error"]["type"]), (&json!("error"), &json!("not_found_error")));
}

#[tokio::test]
async fn rules_are_tried_in_order_and_match_on_headers() {
    let (gold, other) = (Upstream::start().await, Upstream::start().await);
    let mut snapshot = snapshot(&[
        ("gold", provider("gold", "OpenAI", &gold.endpoint())),
        ("other", provider("other", "OpenAI", &other.endpoint())),
    ]);
    let matches = json!([{"headers": [{"name": "x-tier", "value": "gold"}]}]);
    let backend = |name: &str| json!([{"provider": name, "weight": 1, "priority": 0}]);
    snapshot["rules"] = json!([rule("gold", matches, backend("gold")), rule("rest", json!([]), backend("other"))]);
    let running = start(&snapshot).await;
    let asked = post(running.data, OPENAI, openai_chat("m", false)).header("x-tier", "gold").spawn();
    gold.answer(200, "application/json", OPENAI_REPLY.as_bytes()).await;
    assert_eq!(asked.await.unwrap().header("x-pillion-route"), Some("team-a/chat/gold"));
    let asked = post(running.data, OPENAI, openai_chat("m", false)).spawn();
    other.answer(200, "application/json", OPENAI_REPLY.as_bytes()).await;
    assert_eq!(asked.await.unwrap().header("x-pillion-route"), Some("team-a/chat/rest"));
}

#[tokio::test]
async fn echo_answers_in_both_dialects_without_any_upstream() {
    let running = start(&snapshot(&[("echo", provider("echo", "Echo", ""))])).await;
    for (path, body) in [(OPENAI, openai_chat("m", false)), (ANTHROPIC, anthropic_chat("m", false))] {
        let answered = post(running.data, path, body).send().await;
        assert_eq!(answered.status, 200);
        assert_eq!(answered.header("x-pillion-provider"), Some("echo"));
        assert!(answered.text().await.contains("hello"));
    }
    for (path, body, last) in
        [(OPENAI, openai_chat("m", true), "[DONE]"), (ANTHROPIC, anthropic_chat("m", true), "message_stop")]
    {
        let answered = post(running.data, path, body).send().await;
        assert!(answered.header("content-type").unwrap().starts_with("text/event-stream"));
        assert!(answered.text().await.contains(last), "{path}");
    }
    running.idle().await;
    assert!(metrics(&running).await.contains("pillion_tokens_total{provider=\"echo\",kind=\"output\"}"));
}
