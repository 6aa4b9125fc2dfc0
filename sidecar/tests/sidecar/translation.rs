//! What a route says of translation and metering, and providers that answer in another manner than was asked.

use crate::support::*;
use serde_json::{Value, json};

fn seeded(stream: bool) -> String {
    json!({"model": "m", "stream": stream, "seed": 7, "messages": [{"role": "user", "content": "hello"}]}).to_string()
}

#[tokio::test]
async fn strict_translation_refuses_what_the_provider_cannot_be_told_and_sends_nothing() {
    let upstream = Upstream::start().await;
    let mut snapshot = snapshot(&[("p", provider("p", "Anthropic", &upstream.endpoint()))]);
    snapshot["rules"][0]["translation"] = json!("Strict");
    let running = start(&snapshot).await;
    let answered = post(running.data, OPENAI, seeded(false)).send().await;
    assert_eq!(answered.status, 400);
    assert_eq!(answered.header("x-pillion-error"), Some("untranslatable"));
    let error = answered.json().await["error"].clone();
    assert_eq!((&error["code"], &error["param"]), (&json!("untranslatable"), &json!("seed")));
    assert!(error["message"].as_str().unwrap().contains("provider 'p'"), "{error}");
    // What loses nothing goes through.
    let asked = post(running.data, OPENAI, openai_chat("m", false)).spawn();
    upstream.answer(200, "application/json", ANTHROPIC_REPLY.as_bytes()).await;
    assert_eq!(asked.await.unwrap().status, 200);
}

#[tokio::test]
async fn strict_translation_lets_a_loop_over_tools_go_on() {
    let call = json!({"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}});
    let mut reply: Value = serde_json::from_str(OPENAI_REPLY).unwrap();
    reply["choices"][0]["message"] = json!({"role": "assistant", "content": null, "tool_calls": [call]});
    reply["choices"][0]["finish_reason"] = json!("tool_calls");
    let upstream = Upstream::start().await;
    let mut snapshot = snapshot(&[("p", provider("p", "OpenAI", &upstream.endpoint()))]);
    snapshot["rules"][0]["translation"] = json!("Strict");
    let running = start(&snapshot).await;
    let mut body: Value = serde_json::from_str(&anthropic_chat("m", false)).unwrap();
    body["tools"] = json!([{"name": "look", "input_schema": {"type": "object", "properties": {}}}]);
    let asked = post(running.data, ANTHROPIC, body.to_string()).spawn();
    upstream.answer(200, "application/json", reply.to_string().as_bytes()).await;
    let first = asked.await.unwrap().json().await;
    let id = first["content"][0]["id"].clone();
    let turns = body["messages"].as_array_mut().unwrap();
    turns.push(json!({"role": "assistant", "content": first["content"]}));
    turns.push(json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": id, "content": "blue"}]}));
    let asked = post(running.data, ANTHROPIC, body.to_string()).spawn();
    upstream.answer(200, "application/json", OPENAI_REPLY.as_bytes()).await;
    let answered = asked.await.unwrap();
    assert_eq!((answered.status.as_u16(), answered.header("x-pillion-dropped")), (200, None));
}

#[tokio::test]
async fn strict_translation_leaves_the_call_to_a_backend_that_loses_nothing() {
    let upstream = Upstream::start().await;
    let lossless = provider("q", "OpenAI", &upstream.endpoint());
    let mut snapshot = snapshot(&[("p", provider("p", "Anthropic", &nobody().await)), ("q", lossless)]);
    snapshot["rules"][0]["translation"] = json!("Strict");
    let running = start(&snapshot).await;
    let asked = post(running.data, OPENAI, seeded(false)).spawn();
    let call = upstream.answer(200, "application/json", OPENAI_REPLY.as_bytes()).await;
    assert_eq!(call.body, seeded(false).as_bytes());
    assert_eq!(asked.await.unwrap().header("x-pillion-provider"), Some("q"));
}

#[tokio::test]
async fn lenient_translation_names_what_was_lost() {
    let (upstream, running) = with_upstream("Anthropic").await;
    let asked = post(running.data, OPENAI, seeded(false)).spawn();
    upstream.answer(200, "application/json", ANTHROPIC_REPLY.as_bytes()).await;
    let answered = asked.await.unwrap();
    assert_eq!((answered.status.as_u16(), answered.header("x-pillion-dropped")), (200, Some("seed")));
}

#[tokio::test]
async fn what_a_reply_says_and_the_client_cannot_be_told_is_named_whole_or_as_a_stream() {
    let mut reply: Value = serde_json::from_str(OPENAI_REPLY).unwrap();
    reply["choices"][0]["logprobs"] =
        json!({"content": [{"token": "Hi", "logprob": -0.1, "bytes": null, "top_logprobs": []}], "refusal": null});
    reply["choices"][0]["message"]["audio"] = json!({"id": "a", "data": "", "expires_at": 1, "transcript": ""});
    let (upstream, running) = with_upstream("OpenAI").await;
    let dropped = "reply.choices[].message.audio, reply.logprobs";
    for stream in [false, true] {
        let asked = post(running.data, ANTHROPIC, anthropic_chat("m", stream)).spawn();
        upstream.answer(200, "application/json", reply.to_string().as_bytes()).await;
        let answered = asked.await.unwrap();
        assert_eq!((answered.status.as_u16(), answered.header("x-pillion-dropped")), (200, Some(dropped)));
    }
}

#[tokio::test]
async fn observed_metering_leaves_a_streams_request_as_it_came() {
    let upstream = Upstream::start().await;
    let mut snapshot = snapshot(&[("p", provider("p", "OpenAI", &upstream.endpoint()))]);
    for (metering, same) in [("Observe", true), ("Full", false)] {
        snapshot["rules"][0]["metering"] = json!(metering);
        let running = start(&snapshot).await;
        let body = openai_chat("m", true);
        let asked = post(running.data, OPENAI, body.clone()).spawn();
        let call = upstream.answer(200, "text/event-stream", openai_events().concat().as_bytes()).await;
        assert_eq!(call.body == body.as_bytes(), same, "{metering}");
        let expected = match metering {
            "Observe" => openai_events().concat(),
            _ => openai_events().concat().replace(&openai_events()[4], ""),
        };
        assert_eq!(asked.await.unwrap().text().await, expected, "{metering}");
    }
}

#[tokio::test]
async fn a_whole_reply_to_a_call_for_a_stream_becomes_a_stream() {
    for (kind, path, body, reply) in [
        ("OpenAI", OPENAI, openai_chat("m", true), OPENAI_REPLY),
        ("Anthropic", OPENAI, openai_chat("m", true), ANTHROPIC_REPLY),
        ("OpenAI", ANTHROPIC, anthropic_chat("m", true), OPENAI_REPLY),
    ] {
        let (upstream, running) = with_upstream(kind).await;
        let asked = post(running.data, path, body).spawn();
        upstream.answer(200, "application/json", reply.as_bytes()).await;
        let answered = asked.await.unwrap();
        assert_eq!(answered.header("content-type"), Some("text/event-stream; charset=utf-8"), "{kind} {path}");
        let text = answered.text().await;
        let events: Vec<Value> = text
            .lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .filter(|data| *data != "[DONE]")
            .map(|data| serde_json::from_str(data).unwrap())
            .collect();
        let said: String = events
            .iter()
            .filter_map(|event| event.pointer("/choices/0/delta/content").or(event.pointer("/delta/text"))?.as_str())
            .collect();
        assert_eq!(said, "Hi there", "{kind} {path}: {text}");
        let ended = if path == OPENAI { text.ends_with("data: [DONE]\n\n") } else { text.contains("message_stop") };
        assert!(ended, "{kind} {path}: {text}");
    }
}

#[tokio::test]
async fn a_model_is_asked_for_by_the_name_of_its_deployment() {
    let upstream = Upstream::start().await;
    let mut azure = provider("p", "AzureOpenAI", &upstream.endpoint());
    azure["options"] = json!({"deployments": {"gpt-4o": "prod-gpt4o"}});
    for (version, path, model) in [
        (None, "/openai/v1/chat/completions", "prod-gpt4o"),
        (Some("2024-10-21"), "/openai/deployments/prod-gpt4o/chat/completions?api-version=2024-10-21", "gpt-4o"),
    ] {
        if let Some(version) = version {
            azure["options"]["apiVersion"] = json!(version);
        }
        let running = start(&snapshot(&[("p", azure.clone())])).await;
        let asked = post(running.data, OPENAI, openai_chat("gpt-4o", false)).spawn();
        let call = upstream.answer(200, "application/json", OPENAI_REPLY.as_bytes()).await;
        assert_eq!(call.path, path);
        // Where the path names the deployment, the body's name does not count.
        let body: Value = serde_json::from_slice(&call.body).unwrap();
        assert!(body["model"] == model || version.is_some(), "{body}");
        assert_eq!(asked.await.unwrap().header("x-pillion-model"), Some("gpt-4o"));
    }
}

#[tokio::test]
async fn geminis_clients_get_the_array_and_the_events_that_they_ask_for() {
    let (upstream, running) = with_upstream("Gemini").await;
    let chunk = |text: &str, finish: Value| {
        json!({"candidates": [{"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": finish, "index": 0}],
            "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 2, "totalTokenCount": 11}, "modelVersion": "g"})
    };
    let chunks = [chunk("Hi", Value::Null), chunk(" there", json!("STOP"))];
    let body = json!({"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}).to_string();
    let path = "/-/gemini/v1beta/models/g:streamGenerateContent";
    let array = format!("[{}\n,\r\n{}\n]\n", chunks[0], chunks[1]);
    let asked = post(running.data, path, body.clone()).spawn();
    let call = upstream.answer(200, "application/json; charset=UTF-8", array.as_bytes()).await;
    assert_eq!((call.path.as_str(), &call.body[..]), ("/v1beta/models/g:streamGenerateContent", body.as_bytes()));
    let answered = asked.await.unwrap();
    assert_eq!(answered.header("content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(answered.text().await, array);

    let events = chunks.iter().map(|chunk| format!("data: {chunk}\r\n\r\n")).collect::<String>();
    let (upstream, running) = with_upstream("Gemini").await;
    let asked = post(running.data, &format!("{path}?alt=sse"), body).spawn();
    let call = upstream.answer(200, "text/event-stream", events.as_bytes()).await;
    assert_eq!(call.path, "/v1beta/models/g:streamGenerateContent?alt=sse");
    assert_eq!(asked.await.unwrap().text().await, events);
}

#[tokio::test]
async fn bedrocks_clients_are_told_errors_in_the_header_that_they_read() {
    let (upstream, running) = with_upstream("OpenAI").await;
    let body = json!({"messages": [{"role": "user", "content": [{"text": "hello"}]}]}).to_string();
    let asked = post(running.data, "/-/bedrock/model/us.anthropic.claude/converse", body).spawn();
    let error = r#"{"error":{"message":"slow down","type":"requests","param":null,"code":"rate_limit_exceeded"}}"#;
    let call = upstream.answer(429, "application/json", error.as_bytes()).await;
    assert_eq!(serde_json::from_slice::<Value>(&call.body).unwrap()["model"], "us.anthropic.claude");
    let answered = asked.await.unwrap();
    assert_eq!((answered.status.as_u16(), answered.header("x-amzn-errortype")), (429, Some("ThrottlingException")));
    assert_eq!(answered.json().await["message"], "slow down");
}

#[tokio::test]
async fn a_stream_that_nobody_asked_for_becomes_the_whole_reply() {
    for (kind, events) in [("OpenAI", openai_events().concat()), ("Anthropic", anthropic_events().concat())] {
        for (path, body, text) in [
            (OPENAI, openai_chat("m", false), "/choices/0/message/content"),
            (ANTHROPIC, anthropic_chat("m", false), "/content/0/text"),
        ] {
            let (upstream, running) = with_upstream(kind).await;
            let asked = post(running.data, path, body.clone()).spawn();
            upstream.answer(200, "text/event-stream", events.as_bytes()).await;
            let answered = asked.await.unwrap();
            assert_eq!(answered.status, 200, "{kind} {path}");
            assert_eq!(answered.header("content-type"), Some("application/json"), "{kind} {path}");
            let reply = answered.json().await;
            assert_eq!(reply.pointer(text), Some(&json!("Hi there")), "{kind} {path}: {reply}");

            let asked = post(running.data, path, body).spawn();
            let cut = &events[..events.len() / 2];
            upstream.answer(200, "text/event-stream", cut.as_bytes()).await;
            let answered = asked.await.unwrap();
            assert_eq!(
                (answered.status.as_u16(), answered.header("x-pillion-error")),
                (502, Some("upstream_truncated"))
            );
        }
    }
}

#[tokio::test]
async fn what_a_stream_loses_is_in_the_log_line_of_its_call() {
    logs::collect();
    let token = json!({"token": "Hi", "logprob": -0.1, "bytes": null, "top_logprobs": []});
    let mut events = openai_events();
    let chunk = json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-2024",
        "choices": [{"index": 0, "delta": {"content": "!"}, "logprobs": {"content": [token]}, "finish_reason": null}]});
    events.insert(2, format!("data: {chunk}\n\n"));
    let (upstream, running) = with_upstream("OpenAI").await;
    let asked = post(running.data, ANTHROPIC, anthropic_chat("m", true)).spawn();
    upstream.answer(200, "text/event-stream", events.concat().as_bytes()).await;
    let answered = asked.await.unwrap();
    let id = answered.header("x-pillion-request-id").unwrap().to_owned();
    assert!(answered.text().await.contains("message_stop"));
    running.idle().await;
    let lines = logs::lines_with(&id);
    let lost = lines.iter().find_map(|line| line["fields"]["reply_lost"].as_str());
    assert_eq!(lost, Some("logprobs"), "{lines:?}");
}

#[tokio::test]
async fn sdks_find_the_requests_id_and_when_to_come_again_where_they_look() {
    let exhausted = json!({"error": {"code": 429, "message": "slow", "status": "RESOURCE_EXHAUSTED", "details": [
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7.2s"},
    ]}});
    for (path, body, name) in
        [(OPENAI, openai_chat("m", false), "x-request-id"), (ANTHROPIC, anthropic_chat("m", false), "request-id")]
    {
        let (upstream, running) = with_upstream("Gemini").await;
        let asked = post(running.data, path, body.clone()).spawn();
        upstream.answer(429, "application/json", exhausted.to_string().as_bytes()).await;
        let answered = asked.await.unwrap();
        assert_eq!((answered.status.as_u16(), answered.header("retry-after")), (429, Some("8")), "{path}");
        assert_eq!(answered.header(name), answered.header("x-pillion-request-id"), "{path}");

        // A provider's own id is told under the client's name.
        let (upstream, running) = with_upstream("Anthropic").await;
        let asked = post(running.data, path, body).spawn();
        let mut call = upstream.call().await;
        let headers = [("content-type", "application/json"), ("request-id", "req_1")];
        call.reply_with(200, &headers, ANTHROPIC_REPLY.as_bytes()).await;
        assert_eq!(asked.await.unwrap().header(name), Some("req_1"), "{path}");
    }
}
