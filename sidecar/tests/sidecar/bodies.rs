//! What clients may send: large, compressed, garbage.

use crate::support::*;
use pillion_sidecar::{Settings, Sidecar};
use serde_json::json;
use std::io::Write;

#[tokio::test]
async fn garbage_is_400_in_the_dialect_and_the_sidecar_serves_on() {
    let (upstream, running) = with_upstream("OpenAI").await;
    let deep = format!("{{\"model\":\"m\",\"x\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let bodies: [&[u8]; 10] = [
        b"",
        b"garbage",
        b"[]",
        b"null",
        b"{\"model\":\"m\"",
        b"{\"model\":\"m\"} trailing",
        b"\xef\xbb\xbf{\"model\":\"m\"}",
        b"{\"model\":\"a\",\"mod\\u0065l\":\"b\",\"messages\":[]}",
        b"\x00\xff\xfe",
        deep.as_bytes(),
    ];
    for body in bodies {
        let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
        let answered = post(running.data, OPENAI, body.to_vec()).send().await;
        assert_eq!(answered.status, 400, "{shown}");
        assert_eq!(answered.header("x-pillion-error"), Some("bad_request"), "{shown}");
        assert_eq!(answered.json().await["error"]["type"], "invalid_request_error", "{shown}");
    }
    let asked = post(running.data, OPENAI, openai_chat("m", false)).spawn();
    upstream.answer(200, "application/json", OPENAI_REPLY.as_bytes()).await;
    assert_eq!(asked.await.unwrap().status, 200);
}

#[tokio::test]
async fn ten_mebibytes_pass_both_relayed_and_translated() {
    for kind in ["OpenAI", "Anthropic"] {
        let (upstream, running) = with_upstream(kind).await;
        let content = "x".repeat(10 << 20);
        let body = json!({"model": "m", "messages": [{"role": "user", "content": content}]}).to_string();
        let asked = post(running.data, OPENAI, body).spawn();
        let reply = if kind == "OpenAI" { OPENAI_REPLY } else { ANTHROPIC_REPLY };
        let call = upstream.answer(200, "application/json", reply.as_bytes()).await;
        assert!(call.body.len() > 10 << 20);
        assert_eq!(asked.await.unwrap().status, 200, "{kind}");
    }
}

#[tokio::test]
async fn ten_mebibytes_of_garbage_are_refused_without_harm() {
    let (_upstream, running) = with_upstream("Anthropic").await;
    for body in [vec![b'x'; 10 << 20], vec![b'['; 10 << 20], vec![0; 10 << 20]] {
        assert_eq!(post(running.data, OPENAI, body).send().await.status, 400);
    }
}

#[tokio::test]
async fn a_body_that_would_take_too_much_memory_parsed_is_503_where_it_must_be_translated() {
    let (_upstream, running) = with_upstream("Anthropic").await;
    let body = format!("{{\"model\":\"m\",\"messages\":[],\"x\":[{}1]}}", "1,".repeat(4 << 20));
    let answered = post(running.data, OPENAI, body).send().await;
    assert_eq!((answered.status.as_u16(), answered.header("x-pillion-error")), (503, Some("overloaded")));
    running.idle().await;
    assert!(metrics(&running).await.contains("pillion_memory_held_bytes 0"));
}

#[tokio::test]
async fn a_body_that_could_never_be_held_is_413_and_one_too_many_at_a_time_is_503() {
    let upstream = Upstream::start().await;
    let snapshot = snapshot(&[("p", provider("p", "OpenAI", &upstream.endpoint()))]);
    let running = Sidecar::start(Settings { memory_budget: 4 << 20, ..settings(&snapshot) }).await.unwrap();
    let body = |size: usize| openai_chat(&"m".repeat(size), false);
    let answered = post(running.data, OPENAI, body(3 << 20)).send().await;
    assert_eq!((answered.status.as_u16(), answered.header("x-pillion-error")), (413, Some("body_too_large")));
    let first = post(running.data, OPENAI, body(3 << 19)).spawn();
    let mut call = upstream.call().await;
    let answered = post(running.data, OPENAI, body(3 << 19)).send().await;
    assert_eq!((answered.status.as_u16(), answered.header("x-pillion-error")), (503, Some("overloaded")));
    assert_eq!(answered.header("retry-after"), Some("1"));
    call.reply(200, "application/json", OPENAI_REPLY.as_bytes()).await;
    assert_eq!(first.await.unwrap().status, 200);
    running.idle().await;
    let again = post(running.data, OPENAI, body(3 << 19)).spawn();
    let mut call = call.next().await.expect("the same connection");
    call.reply(200, "application/json", OPENAI_REPLY.as_bytes()).await;
    assert_eq!(again.await.unwrap().status, 200);
}

#[tokio::test]
async fn a_compressed_body_is_decoded_and_sent_on_as_identity() {
    let (upstream, running) = with_upstream("OpenAI").await;
    let body = openai_chat("m", false);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(body.as_bytes()).unwrap();
    let asked = post(running.data, OPENAI, gzip.finish().unwrap()).header("content-encoding", "gzip").spawn();
    let call = upstream.answer(200, "application/json", OPENAI_REPLY.as_bytes()).await;
    assert_eq!(call.body, body.as_bytes());
    assert_eq!(call.header("content-encoding"), None);
    assert_eq!(asked.await.unwrap().status, 200);
    let answered = post(running.data, OPENAI, body).header("content-encoding", "gzip").send().await;
    assert_eq!((answered.status.as_u16(), answered.header("x-pillion-error")), (400, Some("body_unreadable")));
}
