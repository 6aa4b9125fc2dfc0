//! A client that hangs up takes its upstream call with it, at whatever point. The upstream's socket says so.

use crate::support::*;

#[tokio::test]
async fn a_client_that_leaves_while_the_reply_is_awaited_cancels_upstream() {
    for stream in [false, true] {
        for (kind, path, body) in
            [("OpenAI", OPENAI, openai_chat("m", stream)), ("Anthropic", OPENAI, openai_chat("m", stream))]
        {
            let (upstream, running) = with_upstream(kind).await;
            let asked = post(running.data, path, body).spawn();
            let mut call = upstream.call().await;
            drop(asked);
            call.closed().await;
            running.idle().await;
            assert!(metrics(&running).await.contains("outcome=\"client_gone\"} 1"), "{kind} {stream}");
        }
    }
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_of_a_stream_cancels_upstream() {
    for (kind, path, body, events) in [
        ("OpenAI", OPENAI, openai_chat("m", true), openai_events()),
        ("Anthropic", OPENAI, openai_chat("m", true), anthropic_events()),
    ] {
        let (upstream, running) = with_upstream(kind).await;
        let asked = post(running.data, path, body).spawn();
        let mut call = upstream.call().await;
        call.begin().await;
        let mut answered = asked.await.unwrap();
        call.chunk(events[..4].concat()).await;
        answered.until("Hi").await;
        drop(answered);
        call.closed().await;
        running.idle().await;
        assert!(metrics(&running).await.contains("outcome=\"client_gone\"} 1"), "{kind}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_of_a_whole_reply_cancels_upstream() {
    for kind in ["OpenAI", "Anthropic"] {
        let (upstream, running) = with_upstream(kind).await;
        let asked = post(running.data, OPENAI, openai_chat("m", false)).spawn();
        let mut call = upstream.call().await;
        call.raw("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{").await;
        drop(asked);
        call.closed().await;
        running.idle().await;
    }
}

#[tokio::test]
async fn a_client_that_leaves_while_a_stream_is_held_cancels_upstream() {
    let (first, second) = (Upstream::start().await, Upstream::start().await);
    let running = start(&snapshot(&[
        ("one", provider("one", "OpenAI", &first.endpoint())),
        ("two", provider("two", "OpenAI", &second.endpoint())),
    ]))
    .await;
    let asked = post(running.data, OPENAI, openai_chat("m", true)).spawn();
    let mut call = first.call().await;
    call.begin().await;
    call.chunk(&openai_events()[0]).await;
    drop(asked);
    call.closed().await;
    running.idle().await;
}

#[tokio::test]
async fn what_a_call_held_of_the_memory_budget_is_given_back_when_its_client_leaves() {
    let (upstream, running) = with_upstream("OpenAI").await;
    for _ in 0..20 {
        let body = openai_chat(&"m".repeat(5 << 20), false);
        let asked = post(running.data, OPENAI, body).spawn();
        let mut call = upstream.call().await;
        drop(asked);
        call.closed().await;
        running.idle().await;
    }
    assert!(metrics(&running).await.contains("pillion_memory_held_bytes 0"), "{}", metrics(&running).await);
}

#[tokio::test]
async fn an_http_2_client_is_answered_and_its_reset_stream_cancels_upstream() {
    use http_body_util::{BodyExt, Full};
    use hyper_util::rt::{TokioExecutor, TokioIo};
    let (upstream, running) = with_upstream("OpenAI").await;
    let stream = tokio::net::TcpStream::connect(running.data).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let _connection = tokio_util::task::AbortOnDropHandle::new(tokio::spawn(connection));
    let ask = |stream: bool| {
        let uri = format!("http://localhost{OPENAI}");
        http::Request::post(uri).body(Full::new(bytes::Bytes::from(openai_chat("m", stream)))).unwrap()
    };
    let asked = tokio::spawn(sender.send_request(ask(false)));
    let call = upstream.answer(200, "application/json", OPENAI_REPLY.as_bytes()).await;
    let body = asked.await.unwrap().unwrap().into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, OPENAI_REPLY);

    let asked = tokio::spawn(sender.send_request(ask(true)));
    let mut call = call.next().await.unwrap();
    call.begin().await;
    call.chunk(&openai_events()[1]).await;
    let mut answered = asked.await.unwrap().unwrap().into_body();
    soon(answered.frame()).await.unwrap().unwrap();
    drop(answered);
    call.closed().await;
    running.idle().await;
}
