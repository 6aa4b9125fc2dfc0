//! A rule's times: to connect, to a stream's first byte, between its pieces, for the whole call.

use crate::support::*;
use pillion_sidecar::Running;
use serde_json::{Value, json};

async fn with_timeout(kind: &str, name: &str) -> (Upstream, Running) {
    let upstream = Upstream::start().await;
    let mut snapshot: Value = snapshot(&[("p", provider("p", kind, &upstream.endpoint()))]);
    snapshot["rules"][0]["timeouts"][name] = json!(500);
    (upstream, start(&snapshot).await)
}

#[tokio::test]
async fn a_provider_that_does_not_answer_in_time_is_504_and_its_call_is_cancelled() {
    for (timeout, stream) in [("request", false), ("request", true), ("firstByte", true)] {
        let (upstream, running) = with_timeout("OpenAI", timeout).await;
        let asked = post(running.data, OPENAI, openai_chat("m", stream)).spawn();
        let mut call = upstream.call().await;
        let answered = asked.await.unwrap();
        assert_eq!(answered.status, 504, "{timeout}");
        assert_eq!(answered.header("x-pillion-error"), Some("upstream_timeout"), "{timeout}");
        call.closed().await;
    }
}

#[tokio::test]
async fn a_stream_that_begins_and_says_nothing_or_stops_speaking_ends_with_an_error_event() {
    for (timeout, sent) in [("firstByte", 0), ("streamIdle", 4), ("request", 4)] {
        let (upstream, running) = with_timeout("Anthropic", timeout).await;
        let asked = post(running.data, ANTHROPIC, anthropic_chat("m", true)).spawn();
        let mut call = upstream.call().await;
        call.begin().await;
        let answered = asked.await.unwrap();
        if sent > 0 {
            call.chunk(anthropic_events()[..sent].concat()).await;
        }
        let text = answered.text().await;
        assert!(text.contains("event: error") && text.contains("in time"), "{timeout}: {text}");
        call.closed().await;
        running.idle().await;
        assert!(metrics(&running).await.contains("outcome=\"upstream_timeout\"} 1"), "{timeout}");
    }
}

#[tokio::test]
async fn heartbeats_are_no_beginning_and_keep_a_stream_alive_that_has_begun() {
    let heartbeat = ": keep-alive\n\n";
    let ping = "event: ping\ndata: {\"type\": \"ping\"}\n\n";
    for (beat, timeout, sent, ends) in [
        (heartbeat, "firstByte", 0, true),
        (ping, "firstByte", 0, true),
        (heartbeat, "streamIdle", 4, false),
        (ping, "streamIdle", 4, false),
    ] {
        let (upstream, running) = with_timeout("Anthropic", timeout).await;
        let asked = post(running.data, ANTHROPIC, anthropic_chat("m", true)).spawn();
        let mut call = upstream.call().await;
        call.begin().await;
        call.try_chunk(anthropic_events()[..sent].concat()).await;
        let answered = asked.await.unwrap();
        let beating = async {
            for _ in 0..12 {
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                call.try_chunk(beat).await;
            }
            call.try_chunk(anthropic_events()[sent..].concat()).await;
        };
        let ((), text) = tokio::join!(beating, answered.text());
        assert_eq!(text.contains("event: error"), ends, "{timeout} {beat:?}: {text}");
    }
}

#[tokio::test]
async fn a_stream_ends_with_its_finish_though_its_connection_stays_open_or_breaks() {
    for (client, body) in [(OPENAI, openai_chat("m", true)), (ANTHROPIC, anthropic_chat("m", true))] {
        for breaks in [false, true] {
            let (upstream, running) = with_upstream("OpenAI").await;
            let asked = post(running.data, client, body.clone()).spawn();
            let mut call = upstream.call().await;
            call.begin().await;
            // All but `[DONE]`.
            let events = openai_events();
            call.chunk(events[..events.len() - 1].concat()).await;
            let answered = asked.await.unwrap();
            let staying = async {
                if breaks {
                    drop(call);
                    return;
                }
                for _ in 0..60 {
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                    call.try_chunk(": keep-alive\n\n").await;
                }
            };
            let ended = async {
                let began = std::time::Instant::now();
                (answered.text().await, began.elapsed())
            };
            let ended = soon(ended);
            tokio::pin!(ended);
            let (text, took) = tokio::select! {
                ended = &mut ended => ended,
                () = staying => ended.await,
            };
            assert!(text.contains("there") && !text.contains("error"), "{client} {breaks}: {text}");
            assert!(took < std::time::Duration::from_secs(4), "{client} {breaks}: {took:?}");
            running.idle().await;
            assert!(metrics(&running).await.contains("outcome=\"ok\"} 1"), "{client} {breaks}");
        }
    }
}

#[tokio::test]
async fn a_reply_that_does_not_end_in_time_is_504() {
    for kind in ["OpenAI", "Anthropic"] {
        let (upstream, running) = with_timeout(kind, "request").await;
        let asked = post(running.data, OPENAI, openai_chat("m", false)).spawn();
        let mut call = upstream.call().await;
        call.raw("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{").await;
        let answered = asked.await.unwrap();
        assert_eq!((answered.status.as_u16(), answered.header("x-pillion-error")), (504, Some("upstream_timeout")));
        call.closed().await;
    }
}

#[tokio::test]
async fn a_tls_handshake_that_hangs_is_a_failed_connection() {
    let upstream = Upstream::start().await;
    let second = Upstream::start().await;
    let mut snapshot = snapshot(&[
        ("hangs", provider("hangs", "OpenAI", &upstream.endpoint().replace("http:", "https:"))),
        ("up", provider("up", "OpenAI", &second.endpoint())),
    ]);
    snapshot["rules"][0]["timeouts"]["connect"] = json!(500);
    let running = start(&snapshot).await;
    let asked = post(running.data, OPENAI, openai_chat("m", false)).spawn();
    let _hanging = upstream.connection().await;
    second.answer(200, "application/json", OPENAI_REPLY.as_bytes()).await;
    let answered = asked.await.unwrap();
    assert_eq!(answered.header("x-pillion-provider"), Some("up"));
}
