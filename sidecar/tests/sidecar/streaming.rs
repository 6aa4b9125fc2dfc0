//! Streams: each event when it arrives, in the client's dialect, and an honest end.

use crate::support::client::Answered;
use crate::support::upstream::Call;
use crate::support::*;
use base64::Engine as _;
use pillion_llm::framing::event_stream::{write_event, write_exception};
use pillion_sidecar::Running;
use serde_json::{Value, json};

async fn stream(kind: &str, path: &str) -> (Call, Answered, Running) {
    let (upstream, running) = with_upstream(kind).await;
    let body = if path == OPENAI { openai_chat("m", true) } else { anthropic_chat("m", true) };
    let asked = post(running.data, path, body).spawn();
    let mut call = upstream.call().await;
    call.begin().await;
    (call, asked.await.unwrap(), running)
}

/// Sends each event and waits until its text has come through, before the next one is sent.
async fn check_each_delta_is_forwarded_when_it_arrives(kind: &str, path: &str, events: Vec<String>, last: &str) {
    let (mut call, mut answered, running) = stream(kind, path).await;
    for event in &events {
        call.chunk(event).await;
        for text in ["\"Hi\"", "\" there\""] {
            if event.contains(text) {
                answered.until(text).await;
            }
        }
    }
    call.end().await;
    let rest = answered.text().await;
    assert!(rest.contains(last), "{kind} {path}: {rest}");
    running.idle().await;
    let metrics = metrics(&running).await;
    assert!(metrics.contains("kind=\"input\"} 9"), "{kind} {path}: {metrics}");
    assert!(metrics.contains("kind=\"output\"} 2"), "{kind} {path}: {metrics}");
    assert!(metrics.contains("outcome=\"ok\"} 1"), "{kind} {path}: {metrics}");
}

#[tokio::test]
async fn every_event_is_forwarded_when_it_arrives_whatever_the_pair() {
    use check_each_delta_is_forwarded_when_it_arrives as check;
    check("OpenAI", OPENAI, openai_events(), "data: [DONE]").await;
    check("OpenAI", ANTHROPIC, openai_events(), "message_stop").await;
    check("Anthropic", OPENAI, anthropic_events(), "data: [DONE]").await;
    check("Anthropic", ANTHROPIC, anthropic_events(), "message_stop").await;
}

#[tokio::test]
async fn an_anthropic_stream_relayed_to_an_anthropic_client_is_byte_identical() {
    let (mut call, answered, _running) = stream("Anthropic", ANTHROPIC).await;
    let all = anthropic_events().concat();
    for byte in all.as_bytes().chunks(7) {
        call.chunk(byte).await;
    }
    call.end().await;
    assert_eq!(answered.text().await, all);
}

#[tokio::test]
async fn usage_that_only_we_asked_for_is_counted_and_not_passed_on() {
    let (mut call, answered, running) = stream("OpenAI", OPENAI).await;
    assert_eq!(call.json()["stream_options"]["include_usage"], true);
    for event in openai_events() {
        call.chunk(event).await;
    }
    call.end().await;
    let text = answered.text().await;
    assert!(!text.contains("prompt_tokens"), "{text}");
    running.idle().await;
    assert!(metrics(&running).await.contains("kind=\"input\"} 9"));
}

#[tokio::test]
async fn a_stream_cut_in_the_middle_ends_with_an_error_event_in_the_dialect() {
    // OpenAI's fourth event says why it finished, after which nothing that matters is missing.
    let (openai, anthropic) = (openai_events()[..3].concat(), anthropic_events()[..4].concat());
    for (kind, path, events, expected) in [
        ("OpenAI", OPENAI, &openai, "\"error\""),
        ("OpenAI", ANTHROPIC, &openai, "event: error"),
        ("Anthropic", OPENAI, &anthropic, "\"error\""),
        ("Anthropic", ANTHROPIC, &anthropic, "event: error"),
    ] {
        for clean_end in [false, true] {
            let (mut call, mut answered, running) = stream(kind, path).await;
            call.chunk(events).await;
            let mut text = answered.until("there").await;
            if clean_end {
                call.end().await;
            }
            drop(call);
            text.push_str(&answered.text().await);
            assert!(text.contains(expected), "{kind} {path}: {text}");
            assert!(!text.contains("[DONE]") && !text.contains("message_stop"), "{kind} {path}: {text}");
            running.idle().await;
            assert!(metrics(&running).await.contains("outcome=\"upstream_truncated\"} 1"), "{kind} {path}");
        }
    }
}

#[tokio::test]
async fn garbage_in_a_stream_ends_it_with_an_error_event() {
    for (kind, path) in [("OpenAI", ANTHROPIC), ("Anthropic", OPENAI)] {
        let (mut call, answered, running) = stream(kind, path).await;
        call.chunk("data: {\"this is\": not json\n\n").await;
        call.chunk("event: message_start\ndata: [1,2\n\n").await;
        call.end().await;
        let text = answered.text().await;
        assert!(text.contains("error"), "{kind} {path}: {text}");
        running.idle().await;
        assert!(metrics(&running).await.contains("outcome=\"upstream_"), "{kind} {path}");
    }
}

#[tokio::test]
async fn an_error_that_upstream_reports_in_its_stream_reaches_the_client_in_its_dialect() {
    let (mut call, mut answered, running) = stream("Anthropic", OPENAI).await;
    call.chunk(anthropic_events()[..4].concat()).await;
    answered.until("there").await;
    call.chunk("event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n").await;
    call.end().await;
    let rest = answered.text().await;
    assert!(rest.contains("Overloaded"), "{rest}");
    running.idle().await;
    assert!(metrics(&running).await.contains("outcome=\"upstream_error\"} 1"));
}

/// The client gets `expected`, and the call is the provider's failure in its log line and the metrics.
async fn check_a_relayed_error_is_recorded(kind: &str, path: &str, body: Value, sent: &[u8], expected: &[u8]) {
    logs::collect();
    let (upstream, running) = with_upstream(kind).await;
    let asked = post(running.data, path, body.to_string()).spawn();
    let content_type = if kind == "Bedrock" { "application/vnd.amazon.eventstream" } else { "text/event-stream" };
    upstream.answer(200, content_type, sent).await;
    let answered = asked.await.unwrap();
    assert_eq!(answered.status, 200, "{kind} {path}");
    let id = answered.header("x-pillion-request-id").unwrap().to_owned();
    let got = answered.bytes().await.unwrap();
    assert_eq!(String::from_utf8_lossy(&got), String::from_utf8_lossy(expected), "{kind} {path}");
    running.idle().await;
    let lines = logs::lines_with(&id);
    let call = &lines.iter().find(|line| line["fields"]["outcome"].is_string()).unwrap()["fields"];
    assert_eq!((&call["outcome"], &call["fault"]), (&json!("upstream_error"), &json!("upstream")), "{kind} {path}");
    let metrics = metrics(&running).await;
    assert!(metrics.contains("outcome=\"upstream_error\"} 1"), "{kind} {path}: {metrics}");
    assert!(!metrics.contains("outcome=\"ok\""), "{kind} {path}: {metrics}");
}

async fn check_a_relayed_error_goes_through(kind: &str, path: &str, body: Value, sent: &str) {
    check_a_relayed_error_is_recorded(kind, path, body, sent.as_bytes(), sent.as_bytes()).await;
}

fn data_lines(events: &[Value]) -> String {
    events.iter().map(|event| format!("data: {event}\n\n")).collect()
}

const ANTHROPIC_ERROR: &str =
    "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n";

#[tokio::test]
async fn an_error_within_a_relayed_stream_goes_through_as_it_came_and_is_the_calls_outcome() {
    use check_a_relayed_error_goes_through as check;
    let messages = json!([{"role": "user", "content": "hello"}]);
    let chat = json!({"model": "m", "stream": true, "max_tokens": 64, "messages": messages});

    let error = json!({"error": {"message": "Overloaded", "type": "server_error", "param": null, "code": null}});
    let events = openai_events()[..3].concat() + &data_lines(&[error]) + "data: [DONE]\n\n";
    check("OpenAI", OPENAI, chat.clone(), &events).await;

    let events = anthropic_events()[..4].concat() + ANTHROPIC_ERROR;
    check("Anthropic", ANTHROPIC, chat.clone(), &events).await;

    let body = json!({"contents": [{"role": "user", "parts": [{"text": "hello"}]}]});
    let events = data_lines(&[
        json!({"candidates": [{"content": {"role": "model", "parts": [{"text": "Hi"}]}, "index": 0}]}),
        json!({"error": {"code": 503, "message": "Overloaded", "status": "UNAVAILABLE"}}),
    ]);
    check("Gemini", GEMINI, body, &events).await;

    let delta = json!({"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0,
        "content_index": 0, "delta": "Hi", "sequence_number": 4});
    let failed = json!({"id": "resp_1", "object": "response", "status": "failed",
        "error": {"code": "server_error", "message": "Overloaded"}});
    for last in [
        json!({"type": "error", "code": "server_error", "message": "Overloaded", "param": null, "sequence_number": 5}),
        json!({"type": "response.failed", "response": failed, "sequence_number": 5}),
    ] {
        let body = json!({"model": "m", "stream": true, "input": "hello"});
        check("OpenAI", "/-/openai/v1/responses", body, &data_lines(&[delta.clone(), last])).await;
    }

    let events = data_lines(&[
        json!({"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "Hi"}}}}),
        json!({"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "Overloaded"}}),
    ]);
    check("Cohere", "/-/cohere/v2/chat", chat, &events).await;
}

#[tokio::test]
async fn an_error_within_a_stream_of_bedrocks_is_the_calls_outcome_whoever_reports_it() {
    let delta = json!({"contentBlockIndex": 0, "delta": {"text": "Hi"}}).to_string();
    let converse = [
        write_event("messageStart", b"{\"role\":\"assistant\"}"),
        write_event("contentBlockDelta", delta.as_bytes()),
        write_exception("throttlingException", b"{\"message\":\"slow\"}"),
    ]
    .concat();
    let body = json!({"messages": [{"role": "user", "content": [{"text": "hello"}]}]});
    check_a_relayed_error_is_recorded("Bedrock", "/-/bedrock/model/m/converse-stream", body, &converse, &converse)
        .await;

    // Claude's own error, within what Bedrock puts around its events.
    let events = anthropic_events()[..4].concat() + ANTHROPIC_ERROR;
    let chunk = |event: &str| {
        let data = event.split_once("data: ").unwrap().1;
        let encoded = base64::engine::general_purpose::STANDARD.encode(data);
        write_event("chunk", json!({"bytes": encoded}).to_string().as_bytes())
    };
    let invoke: Vec<_> = events.split_terminator("\n\n").map(chunk).collect();
    let body = json!({"model": "anthropic.claude-x", "stream": true, "max_tokens": 64,
        "messages": [{"role": "user", "content": "hello"}]});
    check_a_relayed_error_is_recorded("Bedrock", ANTHROPIC, body, &invoke.concat(), events.as_bytes()).await;
}

const GEMINI: &str = "/-/gemini/v1beta/models/m:streamGenerateContent?alt=sse";

/// What a Gemini client reads of a stream that says `sent` and then ends, and whether its end is a clean one.
async fn gemini_client_reads(kind: &str, sent: &str, outcome: &str) -> (String, bool) {
    let (upstream, running) = with_upstream(kind).await;
    let body = json!({"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}).to_string();
    let asked = post(running.data, GEMINI, body).spawn();
    let mut call = upstream.call().await;
    call.begin().await;
    call.chunk(sent).await;
    call.end().await;
    let mut answered = asked.await.unwrap();
    assert_eq!(answered.status, 200, "{kind}");
    let mut read = String::new();
    let clean = loop {
        match answered.piece().await {
            Ok(Some(piece)) => read.push_str(std::str::from_utf8(&piece).unwrap()),
            Ok(None) => break true,
            Err(_) => break false,
        }
    };
    running.idle().await;
    let metrics = metrics(&running).await;
    assert!(metrics.contains(&format!("outcome=\"{outcome}\"}} 1")), "{kind}: {metrics}");
    (read, clean)
}

#[tokio::test]
async fn behind_an_error_of_the_sidecars_a_gemini_clients_connection_breaks() {
    let said = data_lines(&[
        json!({"candidates": [{"content": {"role": "model", "parts": [{"text": "Hi there"}]}, "index": 0}]}),
    ]);
    for (kind, sent, outcome) in [
        ("OpenAI", openai_events()[..3].concat(), "upstream_truncated"),
        ("Anthropic", anthropic_events()[..4].concat() + ANTHROPIC_ERROR, "upstream_error"),
        ("Gemini", said, "upstream_truncated"),
    ] {
        let (read, clean) = gemini_client_reads(kind, &sent, outcome).await;
        assert!(!clean, "{kind}: {read}");
        // The error comes through first, in the shape that Google's SDKs raise.
        let (events, error) = read.split_at(read.find("{\"error\"").unwrap_or_else(|| panic!("{kind}: {read}")));
        assert!(events.contains("there"), "{kind}: {read}");
        let error: Value = serde_json::from_str(error).unwrap();
        assert!(error["error"]["code"].as_u64() >= Some(500), "{kind}: {error}");
    }
}

#[tokio::test]
async fn an_error_of_the_providers_own_reaches_a_gemini_client_with_the_end_that_it_came_with() {
    let sent = data_lines(&[json!({"error": {"code": 503, "message": "Overloaded", "status": "UNAVAILABLE"}})]);
    assert_eq!(gemini_client_reads("Gemini", &sent, "upstream_error").await, (sent, true));
}

#[tokio::test]
async fn a_client_that_leaves_at_an_error_of_upstreams_does_not_take_the_blame_for_it() {
    let (mut call, mut answered, running) = stream("Anthropic", ANTHROPIC).await;
    call.chunk(anthropic_events()[..4].concat()).await;
    call.chunk(ANTHROPIC_ERROR).await;
    answered.until("Overloaded").await;
    drop(answered);
    call.closed().await;
    running.idle().await;
    let metrics = metrics(&running).await;
    assert!(metrics.contains("outcome=\"upstream_error\"} 1"), "{metrics}");
}

#[tokio::test]
async fn a_compressed_stream_that_nobody_asked_for_is_decoded() {
    use async_compression::tokio::write::{BrotliEncoder, GzipEncoder, ZlibEncoder, ZstdEncoder};
    use tokio::io::AsyncWriteExt;
    let (upstream, running) = with_upstream("Anthropic").await;
    let plain = anthropic_events().concat();
    for encoding in ["gzip", "x-gzip", "deflate", "br", "zstd"] {
        macro_rules! compressed {
            ($encoder:ident) => {{
                let mut encoder = $encoder::new(Vec::new());
                encoder.write_all(plain.as_bytes()).await.unwrap();
                encoder.shutdown().await.unwrap();
                encoder.into_inner()
            }};
        }
        let body = match encoding {
            "deflate" => compressed!(ZlibEncoder),
            "br" => compressed!(BrotliEncoder),
            "zstd" => compressed!(ZstdEncoder),
            _ => compressed!(GzipEncoder),
        };
        let asked = post(running.data, OPENAI, openai_chat("m", true)).spawn();
        let mut call = upstream.call().await;
        assert_eq!(call.header("accept-encoding"), Some("identity"));
        let headers = [("content-type", "text/event-stream"), ("content-encoding", encoding)];
        call.reply_with(200, &headers, &body).await;
        let answered = asked.await.unwrap();
        for gone in ["content-encoding", "content-length"] {
            assert_eq!(answered.header(gone), None, "{encoding}");
        }
        // Nothing on the way may keep events back.
        assert_eq!(answered.header("cache-control"), Some("no-cache"), "{encoding}");
        assert!(answered.text().await.contains("data: [DONE]"), "{encoding}");
    }
}
