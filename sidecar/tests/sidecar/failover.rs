//! The next backend's turn: after a failed connection, or a stream that broke before it said anything.

use crate::support::*;
use serde_json::json;

#[tokio::test]
async fn a_backend_that_cannot_be_reached_is_passed_over() {
    let second = Upstream::start().await;
    let running = start(&snapshot(&[
        ("down", provider("down", "OpenAI", &nobody().await)),
        ("up", provider("up", "Anthropic", &second.endpoint())),
    ]))
    .await;
    let asked = post(running.data, OPENAI, openai_chat("m", false)).spawn();
    // A retry may cross vendors: the body is made anew from the client's.
    let call = second.answer(200, "application/json", ANTHROPIC_REPLY.as_bytes()).await;
    assert_eq!(call.path, "/v1/messages");
    let answered = asked.await.unwrap();
    assert_eq!(answered.header("x-pillion-provider"), Some("up"));
    assert_eq!(answered.header("x-pillion-attempts"), Some("2"));
    assert_eq!(answered.json().await["choices"][0]["message"]["content"], "Hi there");
    running.idle().await;
    let metrics = metrics(&running).await;
    for line in [
        "pillion_upstream_attempts_total{provider=\"down\",result=\"connect_failed\"} 1",
        "pillion_upstream_attempts_total{provider=\"up\",result=\"ok\"} 1",
    ] {
        assert!(metrics.contains(line), "{metrics}");
    }
}

#[tokio::test]
async fn spent_attempts_tell_the_sdk_not_to_repeat_them() {
    let running = start(&snapshot(&[("down", provider("down", "OpenAI", &nobody().await))])).await;
    let answered = post(running.data, OPENAI, openai_chat("m", false)).send().await;
    assert_eq!(answered.status, 502);
    assert_eq!(answered.header("x-pillion-error"), Some("connect_failed"));
    assert_eq!(answered.header("x-pillion-attempts"), Some("3"));
    assert_eq!(answered.header("x-should-retry"), Some("false"));
}

#[tokio::test]
async fn a_rule_that_allows_no_retry_makes_one_attempt() {
    let second = Upstream::start().await;
    for retry in [json!({"attempts": 3, "on": []}), json!({"attempts": 1, "on": ["Connect"]})] {
        let mut snapshot = snapshot(&[
            ("down", provider("down", "OpenAI", &nobody().await)),
            ("up", provider("up", "OpenAI", &second.endpoint())),
        ]);
        snapshot["rules"][0]["retry"] = retry;
        let running = start(&snapshot).await;
        let answered = post(running.data, OPENAI, openai_chat("m", false)).send().await;
        assert_eq!(answered.header("x-pillion-error"), Some("connect_failed"));
        assert_eq!(answered.header("x-pillion-attempts"), Some("1"));
    }
}

#[tokio::test]
async fn what_was_sent_is_never_sent_again() {
    let (first, second) = (Upstream::start().await, Upstream::start().await);
    let running = start(&snapshot(&[
        ("one", provider("one", "OpenAI", &first.endpoint())),
        ("two", provider("two", "OpenAI", &second.endpoint())),
    ]))
    .await;
    let asked = post(running.data, OPENAI, openai_chat("m", false)).spawn();
    drop(first.call().await);
    let answered = asked.await.unwrap();
    assert_eq!(answered.status, 502);
    assert_eq!(answered.header("x-pillion-error"), Some("upstream_reset"));
    assert_eq!(answered.header("x-pillion-attempts"), Some("1"));
    assert_eq!(answered.header("x-should-retry"), None);
}

#[tokio::test]
async fn a_stream_that_breaks_before_its_first_delta_moves_to_the_next_backend_unseen() {
    let (first, second) = (Upstream::start().await, Upstream::start().await);
    let running = start(&snapshot(&[
        ("one", provider("one", "Anthropic", &first.endpoint())),
        ("two", provider("two", "OpenAI", &second.endpoint())),
    ]))
    .await;
    let asked = post(running.data, OPENAI, openai_chat("m", true)).spawn();
    let mut call = first.call().await;
    call.begin().await;
    call.chunk(anthropic_events()[..2].concat()).await;
    drop(call);
    let mut call = second.call().await;
    call.begin().await;
    for event in openai_events() {
        call.chunk(event).await;
    }
    call.end().await;
    let answered = asked.await.unwrap();
    assert_eq!(answered.header("x-pillion-provider"), Some("two"));
    let text = answered.text().await;
    assert!(text.contains("there") && text.contains("[DONE]") && !text.contains("error"), "{text}");
    assert!(!text.contains("msg_1"), "{text}");
}

#[tokio::test]
async fn startup_events_are_held_until_the_first_delta_while_another_backend_is_untried() {
    let (first, second) = (Upstream::start().await, Upstream::start().await);
    let running = start(&snapshot(&[
        ("one", provider("one", "Anthropic", &first.endpoint())),
        ("two", provider("two", "Anthropic", &second.endpoint())),
    ]))
    .await;
    let mut asked = post(running.data, ANTHROPIC, anthropic_chat("m", true)).spawn();
    let mut call = first.call().await;
    let events = anthropic_events();
    call.begin().await;
    call.chunk(events[..2].concat()).await;
    let early = tokio::time::timeout(std::time::Duration::from_millis(200), &mut asked).await;
    assert!(early.is_err(), "answered before the first delta");
    call.chunk(&events[2]).await;
    let mut answered = asked.await.unwrap();
    let start = answered.until("\"Hi\"").await;
    assert!(start.contains("message_start"), "{start}");
    // After the first delta there is no failover: a break ends with an error event.
    drop(call);
    let rest = answered.text().await;
    assert!(rest.contains("event: error"), "{rest}");
}

#[tokio::test]
async fn holding_ends_after_its_time_though_no_delta_came() {
    let (first, second) = (Upstream::start().await, Upstream::start().await);
    let snapshot = snapshot(&[
        ("one", provider("one", "Anthropic", &first.endpoint())),
        ("two", provider("two", "Anthropic", &second.endpoint())),
    ]);
    let settings = pillion_sidecar::Settings { hold: std::time::Duration::from_millis(50), ..settings(&snapshot) };
    let running = pillion_sidecar::Sidecar::start(settings).await.unwrap();
    let asked = post(running.data, ANTHROPIC, anthropic_chat("m", true)).spawn();
    let mut call = first.call().await;
    call.begin().await;
    call.chunk(&anthropic_events()[0]).await;
    let mut answered = asked.await.unwrap();
    assert_eq!(answered.header("x-pillion-provider"), Some("one"));
    answered.until("message_start").await;
}

#[tokio::test]
async fn the_last_candidates_events_are_not_held() {
    let (upstream, running) = with_upstream("Anthropic").await;
    let asked = post(running.data, ANTHROPIC, anthropic_chat("m", true)).spawn();
    let mut call = upstream.call().await;
    call.begin().await;
    let mut answered = asked.await.unwrap();
    call.chunk(&anthropic_events()[0]).await;
    answered.until("message_start").await;
}

#[tokio::test]
async fn a_dangling_reference_is_reported_and_not_passed_over_in_silence() {
    let upstream = Upstream::start().await;
    let mut snapshot = snapshot(&[("p", provider("p", "OpenAI", &upstream.endpoint()))]);
    snapshot["rules"][0]["backends"] = json!([
        {"provider": "gone", "weight": 1, "priority": 0},
        {"provider": "p", "weight": 1, "priority": 1},
    ]);
    let running = start(&snapshot).await;
    let answered = post(running.data, OPENAI, openai_chat("m", false)).send().await;
    assert_eq!(answered.status, 503);
    assert_eq!(answered.header("x-pillion-error"), Some("backend_not_found"));
    assert_eq!(answered.header("x-pillion-route"), Some("team-a/chat/all"));
}

#[tokio::test]
async fn a_rule_whose_weights_are_all_zero_says_so() {
    let mut snapshot = snapshot(&[("p", provider("p", "OpenAI", "http://127.0.0.1:1"))]);
    snapshot["rules"][0]["backends"][0]["weight"] = json!(0);
    let running = start(&snapshot).await;
    let answered = post(running.data, OPENAI, openai_chat("m", false)).send().await;
    assert_eq!((answered.status.as_u16(), answered.header("x-pillion-error")), (503, Some("no_backend")));
}
