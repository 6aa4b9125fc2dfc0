//! Splices, params and what a whole exchange remembers of its request.

use super::*;
use crate::formats::anthropic::JSON_TOOL;
use crate::provider;
use serde_json::{Value, json};

const OPENAI: Format = Format::OpenAIChat;
const ANTHROPIC: Format = Format::AnthropicMessages;

#[derive(Default)]
struct Route {
    model: Option<&'static str>,
    defaults: Value,
    overrides: Value,
}

fn attempt(client: Format, wire: Format, body: &str, route: &Route) -> Result<Prepared, BodyError> {
    let body = Bytes::copy_from_slice(body.as_bytes());
    let id = if wire == OPENAI { "OpenAI" } else { "Anthropic" };
    let params = |value: &Value| value.as_object().cloned().unwrap_or_default();
    let (defaults, overrides) = (params(&route.defaults), params(&route.overrides));
    let target = Target {
        provider: provider(id).unwrap(),
        wire: wire.into(),
        model: route.model,
        defaults: &defaults,
        overrides: &overrides,
        ask_usage: true,
    };
    prepare(client, &body, &crate::outline(client, &body)?, &target)
}

#[track_caller]
fn relayed_as(format: Format, body: &str, route: &Route, expected: &str) {
    let prepared = attempt(format, format, body, route).unwrap();
    assert_eq!(prepared.body, expected);
}

#[test]
fn a_relayed_body_without_splices_is_the_same_bytes() {
    let body = Bytes::from_static(b"{ \"messages\" : [1e400, \"\\ud800\"],\n\"model\":\"m\" }");
    let target = Target {
        provider: provider("OpenAI").unwrap(),
        wire: OPENAI.into(),
        model: Some("m"),
        defaults: &Object::new(),
        overrides: &Object::new(),
        ask_usage: true,
    };
    let prepared = prepare(OPENAI, &body, &crate::outline(OPENAI, &body).unwrap(), &target).unwrap();
    assert_eq!(prepared.body.as_ptr(), body.as_ptr(), "not even copied");
}

#[test]
fn model_and_usage_are_spliced_where_they_stand() {
    let other = Route { model: Some("other"), ..Route::default() };
    relayed_as(OPENAI, r#"{"model" : "m","n":1}"#, &other, r#"{"model" : "other","n":1}"#);
    relayed_as(OPENAI, r#"{"n":1}"#, &other, r#"{"model":"other","n":1}"#);
    relayed_as(OPENAI, "{}", &other, r#"{"model":"other"}"#);
    relayed_as(ANTHROPIC, r#"{"mod\u0065l":null}"#, &other, r#"{"mod\u0065l":"other"}"#);
    let none = Route::default();
    let asked = r#"{"stream":true,"stream_options":{"include_usage":true}}"#;
    relayed_as(OPENAI, asked, &none, asked);
    relayed_as(OPENAI, r#"{"stream":true}"#, &none, r#"{"stream_options":{"include_usage":true},"stream":true}"#);
    for (before, after) in [
        ("null", r#"{"include_usage":true}"#),
        ("{}", r#"{"include_usage":true}"#),
        (r#"{"include_usage":false,"x":1}"#, r#"{"include_usage":true,"x":1}"#),
        (r#"{ "x":1}"#, r#"{"include_usage":true, "x":1}"#),
    ] {
        let body = |options: &str| format!(r#"{{"stream":true,"stream_options":{options}}}"#);
        relayed_as(OPENAI, &body(before), &none, &body(after));
    }
    relayed_as(ANTHROPIC, r#"{"stream":true}"#, &none, r#"{"stream":true}"#);
}

#[test]
fn a_model_told_in_the_path_is_put_into_a_body_that_names_none() {
    let path = "/openai/deployments/prod/chat/completions";
    let call = crate::classify(&http::Method::POST, path, None, &http::HeaderMap::new());
    let relayed = |body: &str, model: Option<&str>| {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let outline = crate::outline(OPENAI, &body).unwrap().told_by(&call);
        let (defaults, overrides) = (Object::new(), Object::new());
        let provider = provider("OpenAI").unwrap();
        let target = Target {
            provider,
            wire: OPENAI.into(),
            model,
            defaults: &defaults,
            overrides: &overrides,
            ask_usage: true,
        };
        prepare(OPENAI, &body, &outline, &target).unwrap().body
    };
    assert_eq!(relayed(r#"{"n":1}"#, None), r#"{"model":"prod","n":1}"#);
    assert_eq!(relayed(r#"{"n":1}"#, Some("prod")), r#"{"model":"prod","n":1}"#, "though it is the model in the path");
    assert_eq!(relayed(r#"{"n":1}"#, Some("gpt-5")), r#"{"model":"gpt-5","n":1}"#);
    assert_eq!(relayed(r#"{"model":null}"#, None), r#"{"model":"prod"}"#);
    assert_eq!(relayed(r#"{"model":"mine"}"#, None), r#"{"model":"mine"}"#);
    assert_eq!(relayed(r#"{"model":"mine"}"#, Some("mine")), r#"{"model":"mine"}"#);
}

#[test]
fn defaults_fill_what_is_missing_and_overrides_win() {
    let route = |defaults: Value, overrides: Value| Route { defaults, overrides, ..Route::default() };
    let fill = route(json!({"temperature": 0.2}), Value::Null);
    relayed_as(OPENAI, r#"{"n":1}"#, &fill, r#"{"temperature":0.2,"n":1}"#);
    relayed_as(OPENAI, r#"{"temperature":0}"#, &fill, r#"{"temperature":0}"#);
    relayed_as(OPENAI, r#"{"temperature":null}"#, &fill, r#"{"temperature":0.2}"#);
    let force = route(json!({"seed": 1}), json!({"seed": 2, "model": "no", "stream": true}));
    relayed_as(OPENAI, r#"{"seed":7,"n":1}"#, &force, r#"{"seed":2,"n":1}"#);
    // Both names of the bound mean the same; the client's spelling stays.
    let bound = route(Value::Null, json!({"max_tokens": 9}));
    relayed_as(OPENAI, r#"{"max_completion_tokens":70}"#, &bound, r#"{"max_completion_tokens":9}"#);
    let bound = route(json!({"max_tokens": 9}), Value::Null);
    relayed_as(OPENAI, r#"{"max_completion_tokens":70}"#, &bound, r#"{"max_completion_tokens":70}"#);
    // Under Anthropic's names where that is the wire.
    let stop = route(json!({"max_completion_tokens": 9}), json!({"stop": "x"}));
    relayed_as(ANTHROPIC, r#"{"max_tokens":70}"#, &stop, r#"{"stop_sequences":["x"],"max_tokens":70}"#);
}

#[test]
fn params_reach_a_translated_request() {
    let route = Route {
        model: Some("claude-sonnet-4-5"),
        defaults: json!({"temperature": 0.2, "max_tokens": 50}),
        overrides: json!({"stop": ["x"]}),
    };
    let body = r#"{"model":"gpt","temperature":0,"stop":"y","messages":[{"role":"user","content":"q"}]}"#;
    let prepared = attempt(OPENAI, ANTHROPIC, body, &route).unwrap();
    let sent: Value = serde_json::from_slice(&prepared.body).unwrap();
    assert_eq!(sent["model"], "claude-sonnet-4-5");
    assert_eq!(
        (&sent["temperature"], &sent["max_tokens"], &sent["stop_sequences"]),
        (&json!(0), &json!(50), &json!(["x"]))
    );
    let route = Route { overrides: json!({"seed": 3}), ..Route::default() };
    let body = r#"{"model":"m","max_tokens":5,"messages":[{"role":"user","content":"q"}]}"#;
    let prepared = attempt(ANTHROPIC, OPENAI, body, &route).unwrap();
    let sent: Value = serde_json::from_slice(&prepared.body).unwrap();
    assert_eq!(sent["seed"], 3);
}

#[test]
fn a_doubled_member_that_is_read_or_spliced_is_refused() {
    let route = Route { defaults: json!({"seed": 1}), ..Route::default() };
    let error = attempt(OPENAI, OPENAI, r#"{"seed":1,"seed":2}"#, &route).unwrap_err();
    assert_eq!(error.param.as_deref(), Some("seed"));
    let doubled = r#"{"messages":[],"messages":[]}"#;
    assert!(attempt(OPENAI, OPENAI, doubled, &Route::default()).is_ok(), "upstream's to judge");
    let error = attempt(OPENAI, ANTHROPIC, doubled, &Route::default()).unwrap_err();
    assert_eq!(error.param.as_deref(), Some("messages"));
}

#[test]
fn a_schema_for_a_model_without_structured_output_travels_as_a_tool_and_comes_back_as_text() {
    let body = r#"{"model":"claude-3-haiku-20240307","messages":[{"role":"user","content":"q"}],
        "response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"}}}}"#;
    let prepared = attempt(OPENAI, ANTHROPIC, body, &Route::default()).unwrap();
    let sent: Value = serde_json::from_slice(&prepared.body).unwrap();
    assert_eq!(sent["tool_choice"], json!({"type": "tool", "name": JSON_TOOL}));
    assert_eq!(prepared.approximated, ["response_format"]);
    let call = json!({"type": "tool_use", "id": "t", "name": JSON_TOOL, "input": {"a": 1}});
    let reply = json!({"id": "m", "model": "c", "content": [call], "stop_reason": "tool_use"});
    let reply = prepared.exchange.reply(&crate::json::bytes(&reply)).unwrap();
    let reply: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(reply["choices"][0]["message"]["content"], r#"{"a":1}"#);
    assert_eq!(reply["choices"][0]["finish_reason"], "stop");
}

#[test]
fn thinking_that_another_vendor_gave_is_taken_out_of_a_relayed_conversation() {
    let thinking = |signature: &str| {
        json!({"model": "m", "max_tokens": 5, "messages": [
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm", "signature": signature},
                {"type": "text", "text": "a"},
            ]},
            {"role": "user", "content": "r"},
        ]})
    };
    let foreign = thinking(&crate::model::wrap_signature(OPENAI, None)).to_string();
    let prepared = attempt(ANTHROPIC, ANTHROPIC, &foreign, &Route::default()).unwrap();
    let sent: Value = serde_json::from_slice(&prepared.body).unwrap();
    assert_eq!(sent["messages"][1]["content"], json!([{"type": "text", "text": "a"}]));
    assert_eq!(prepared.dropped, ["messages[].content[].thinking"]);
    let own = thinking("c2ln").to_string();
    assert_eq!(attempt(ANTHROPIC, ANTHROPIC, &own, &Route::default()).unwrap().body, own);
    // Back at the vendor that gave it, it is its own again.
    let prepared = attempt(ANTHROPIC, OPENAI, &foreign, &Route::default()).unwrap();
    let sent: Value = serde_json::from_slice(&prepared.body).unwrap();
    assert_eq!(sent["messages"][1]["reasoning_content"], "hm");
}

#[test]
fn the_time_of_an_attempt_is_the_time_of_its_reply() {
    let body = r#"{"model":"m","messages":[{"role":"user","content":"q"}]}"#;
    let exchange = attempt(OPENAI, ANTHROPIC, body, &Route::default()).unwrap().exchange.at(1_700_000_000);
    let reply = json!({"id": "m", "model": "c", "content": [], "stop_reason": "end_turn"});
    let reply = exchange.reply(&crate::json::bytes(&reply)).unwrap();
    let reply: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(reply["created"], 1_700_000_000);
}

#[test]
fn what_a_stream_loses_is_told_at_its_end() {
    let body = r#"{"model":"m","max_tokens":5,"messages":[{"role":"user","content":"q"}]}"#;
    let exchange = attempt(ANTHROPIC, OPENAI, body, &Route::default()).unwrap().exchange;
    let chunk = |delta: Value, finish: Value| {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
        format!("data: {}\n\n", json!({"id": "i", "model": "m", "citations": ["https://a"], "choices": [choice]}))
    };
    let call = json!({"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": "[1]"}}]});
    let text = chunk(call, Value::Null) + &chunk(json!({}), json!("tool_calls")) + "data: [DONE]\n\n";
    let (mut stream, mut out) = (exchange.stream(), Vec::new());
    stream.push(Bytes::from(text), &mut out).unwrap();
    stream.finish(&mut out).unwrap();
    let lost = stream.lost();
    assert_eq!(lost.dropped, ["citations"]);
    assert_eq!(lost.approximated, ["tool_calls[].function.arguments"]);
}
