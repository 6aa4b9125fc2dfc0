//! Streams of servers that imitate OpenAI Chat, and errors where a choice should be.

use super::{OPENAI, chunk};
use crate::UpstreamFault;
use crate::formats::tests::recorded::{answered, events};
use crate::model::{Answer, Arguments, Event, FinishKind, PartKind};
use serde_json::{Value, json};

#[track_caller]
fn heard(chunks: &[(Value, Value)]) -> Vec<Event> {
    let text: String = chunks.iter().map(|(delta, finish)| chunk(delta.clone(), finish.clone(), json!(null))).collect();
    events(OPENAI, [text.as_bytes()]).unwrap()
}

fn piece(name: &str, arguments: &str) -> Value {
    json!({"index": 0, "id": "", "function": {"name": name, "arguments": arguments}})
}

#[test]
fn calls_of_one_index_without_ids_are_told_apart_by_what_they_say() {
    let calls = |events: Vec<Event>| -> Vec<(String, String)> {
        let parts = Answer::collect(events).parts.into_iter();
        parts
            .filter_map(|part| match part.kind {
                PartKind::ToolCall { name, arguments: Arguments::Text(text), .. } => Some((name, text)),
                _ => None,
            })
            .collect()
    };
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    };
    let end = (json!({}), json!("tool_calls"));
    let whole = json!({"tool_calls": [piece("f", r#"{"x":1}"#), piece("g", r#"{"x":2}"#)]});
    let expected = pairs(&[("f", r#"{"x":1}"#), ("g", r#"{"x":2}"#)]);
    assert_eq!(calls(heard(&[(whole, json!(null)), end.clone()])), expected);
    // One function twice; another one before the first has said anything.
    let twice = json!({"tool_calls": [piece("f", r#"{"x":1}"#), piece("f", r#"{"x":2}"#)]});
    let expected = pairs(&[("f", r#"{"x":1}"#), ("f", r#"{"x":2}"#)]);
    assert_eq!(calls(heard(&[(twice, json!(null)), end.clone()])), expected);
    let silent = json!({"tool_calls": [piece("f", ""), piece("g", "{}")]});
    assert_eq!(calls(heard(&[(silent, json!(null)), end.clone()])), pairs(&[("f", ""), ("g", "{}")]));
    // A name in every piece is still one call.
    let cut = [piece("f", r#"{"x""#), piece("f", ":1}")].map(|piece| (json!({"tool_calls": [piece]}), json!(null)));
    let cut = [&cut[..], &[end]].concat();
    assert_eq!(calls(heard(&cut)), pairs(&[("f", r#"{"x":1}"#)]));
}

#[test]
fn an_answer_that_ends_in_an_error_is_one() {
    let failed = |told: &Value| -> (u16, String) {
        let mut reply =
            json!({"id": "i", "choices": [{"index": 0, "message": {"content": "half"}, "finish_reason": "stop"}]});
        let mut streamed =
            json!({"id": "i", "choices": [{"index": 0, "delta": {"content": "half"}, "finish_reason": null}]});
        for body in [&mut reply, &mut streamed] {
            for (member, value) in told.as_object().unwrap() {
                match member.as_str() {
                    "x_groq" => body["x_groq"] = value.clone(),
                    member => body["choices"][0][member] = value.clone(),
                }
            }
        }
        let Err(UpstreamFault::Reported(error)) = answered(OPENAI, reply) else { panic!("{told} is an answer") };
        let text = format!("data: {streamed}\n\n");
        let Some(Event::Error(event)) = events(OPENAI, [text.as_bytes()]).unwrap().pop() else {
            panic!("{told} is no error of a stream")
        };
        assert_eq!(event.message, error.message);
        (error.status, error.message)
    };
    let ended = |reason: &str| (502, format!("upstream ended its answer with '{reason}'"));
    let openrouter = json!({"finish_reason": "error", "error": {"code": 429, "message": "Provider overloaded"}});
    assert_eq!(failed(&openrouter), (429, "Provider overloaded".to_owned()));
    assert_eq!(failed(&json!({"finish_reason": "error"})), ended("error"));
    assert_eq!(
        failed(&json!({"finish_reason": "insufficient_system_resource"})),
        ended("insufficient_system_resource")
    );
    assert_eq!(failed(&json!({"x_groq": {"error": "stopped early"}})), (502, "stopped early".to_owned()));
}

#[test]
fn an_error_within_a_200_has_the_status_of_its_kind() {
    let status = |error: Value| match answered(OPENAI, json!({ "error": error })) {
        Err(UpstreamFault::Reported(error)) => error.status,
        other => panic!("{other:?}"),
    };
    assert_eq!(status(json!({"message": "slow", "type": "rate_limit_error"})), 429);
    assert_eq!(
        status(json!({"message": "long", "type": "invalid_request_error", "code": "context_length_exceeded"})),
        400
    );
    // Imitators call everything so.
    assert_eq!(status(json!({"message": "?", "type": "invalid_request_error"})), 502);
    assert_eq!(status(json!({"message": "?", "type": "server_error"})), 502);
}

#[test]
fn what_a_stream_says_that_no_event_has_is_told_by_its_name() {
    let lost = |events: Vec<Event>| -> Vec<String> {
        events.into_iter().filter_map(|event| if let Event::Lost(name) = event { Some(name) } else { None }).collect()
    };
    let odd = json!({"content": [{"type": "picture"}], "reasoning_details": [{"text": "r"}], "audio": {"data": "A"},
        "tool_calls": [{"index": 0, "id": "c", "type": "custom", "custom": {"name": "f", "input": "i"}}]});
    let told = lost(heard(&[(odd.clone(), json!(null)), (odd, json!(null)), (json!({}), json!("stop"))]));
    let named = ["content", "tool_calls[]", "reasoning_details", "audio"];
    assert_eq!(told, named.map(|name| format!("choices[].message.{name}")));
    // Likelihoods of a call's tokens have no text to stand beside.
    let token = json!({"content": [{"token": "f", "logprob": -1, "bytes": null, "top_logprobs": []}]});
    let call = json!({"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}]});
    let text = chunk(call, json!("tool_calls"), token);
    assert_eq!(lost(events(OPENAI, [text.as_bytes()]).unwrap()), ["logprobs"]);
}

#[test]
fn a_context_that_is_full_is_a_length_in_mistrals_word_too() {
    let events = heard(&[(json!({"content": "a"}), json!("model_length"))]);
    assert_eq!(Answer::collect(events).finish.kind, FinishKind::Length);
}
