//! What an exchange carries from the request to the reply (replaced names, the tool that stands for a schema), and params.

use bytes::Bytes;
use pillion_llm::{Format, Framing, Prepared, Target, outline, prepare};
use serde_json::{Map, Value, json};

use crate::drive::{bytes, drive, prepared};
use crate::frames;
use crate::grammar::grammar;
use crate::parties::vendor;
use crate::view;

const O: Format = Format::OpenAIChat;
const A: Format = Format::AnthropicMessages;

fn other(format: Format) -> Format {
    if format == O { A } else { O }
}

fn sent(client: Format, body: &Value, model: &str) -> (Value, Prepared) {
    let wire = other(client);
    let prepared = prepared(client, &bytes(body), vendor(wire), wire, Some(model)).unwrap();
    (serde_json::from_slice(&prepared.body).unwrap(), prepared)
}

fn is_plain(name: &str, longest: usize) -> bool {
    !name.is_empty() && name.len() <= longest && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
}

/// A reply that calls `name`, whole and as a stream, in its format.
fn calling(wire: Format, name: &Value, input: &Value) -> (Value, Vec<u8>) {
    match wire {
        Format::OpenAIChat => {
            let function = json!({"name": name, "arguments": input.to_string()});
            let call = json!({"index": 0, "id": "c1", "type": "function", "function": function});
            let message = json!({"role": "assistant", "content": null, "tool_calls": [call]});
            let chunk = |delta: &Value, finish: Value| {
                let choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
                format!("data: {}\n\n", json!({"id": "c", "model": "m", "created": 1, "choices": [choice]}))
            };
            let stream = chunk(&message, Value::Null) + &chunk(&json!({}), json!("tool_calls")) + "data: [DONE]\n\n";
            let choice = json!({"index": 0, "message": message, "finish_reason": "tool_calls"});
            (json!({"id": "c", "model": "m", "created": 1, "choices": [choice]}), stream.into_bytes())
        }
        _ => {
            let usage = json!({"input_tokens": 1, "output_tokens": 1});
            let message = |content: Value, reason: Value| {
                json!({"id": "m1", "type": "message", "role": "assistant", "model": "m", "content": content,
                    "stop_reason": reason, "stop_sequence": null, "usage": usage})
            };
            let block = |input: Value| json!({"type": "tool_use", "id": "c1", "name": name, "input": input});
            let delta = json!({"type": "input_json_delta", "partial_json": input.to_string()});
            let events = [
                json!({"type": "message_start", "message": message(json!([]), Value::Null)}),
                json!({"type": "content_block_start", "index": 0, "content_block": block(json!({}))}),
                json!({"type": "content_block_delta", "index": 0, "delta": delta}),
                json!({"type": "content_block_stop", "index": 0}),
                json!({"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": null}, "usage": {"output_tokens": 2}}),
                json!({"type": "message_stop"}),
            ];
            let stream: String = events
                .iter()
                .map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap()))
                .collect();
            (message(json!([block(input.clone())]), json!("tool_use")), stream.into_bytes())
        }
    }
}

#[test]
fn tool_names_that_the_vendor_refuses_are_replaced_everywhere_and_restored() {
    for (client, longest) in [(O, 128), (A, 64)] {
        let wire = other(client);
        // Two that differ behind the bound, one of odd letters, and one that is well.
        let names = ["n".repeat(130) + "1", "n".repeat(130) + "2", "srv.tool/x".to_owned(), "well".to_owned()];
        let tools: Vec<Value> = names
            .iter()
            .map(|name| match client {
                Format::OpenAIChat => json!({"type": "function", "function": {"name": name}}),
                _ => json!({"name": name, "input_schema": {"type": "object"}}),
            })
            .collect();
        let choice = match client {
            Format::OpenAIChat => json!({"type": "function", "function": {"name": names[0]}}),
            _ => json!({"type": "tool", "name": names[0]}),
        };
        let history = match client {
            Format::OpenAIChat => json!([{"role": "user", "content": "q"},
                {"role": "assistant", "tool_calls": [{"id": "a", "type": "function", "function": {"name": names[0], "arguments": "{}"}}]},
                {"role": "tool", "tool_call_id": "a", "content": "r"}]),
            _ => json!([{"role": "user", "content": "q"},
                {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": names[0], "input": {}}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "r"}]}]),
        };
        let body = json!({"model": "m", "max_tokens": 9, "tools": tools, "tool_choice": choice, "messages": history});
        let (found, prepared) = sent(client, &body, "m");
        let name_of = |tool: &Value| if wire == O { tool["function"]["name"].clone() } else { tool["name"].clone() };
        let replaced: Vec<Value> = found["tools"].as_array().unwrap().iter().map(name_of).collect();
        for (at, name) in replaced.iter().enumerate() {
            assert!(is_plain(name.as_str().unwrap(), longest), "{name}");
            assert!(!replaced[..at].contains(name), "{name} is there twice");
        }
        assert_eq!(replaced[3], names[3]);
        assert_eq!(name_of(&found["tool_choice"]), replaced[0], "{found}");
        let call = match wire {
            Format::OpenAIChat => &found["messages"][1]["tool_calls"][0]["function"]["name"],
            _ => &found["messages"][1]["content"][0]["name"],
        };
        assert_eq!(*call, replaced[0], "{found}");
        for (name, sent) in names.iter().zip(&replaced) {
            let (whole, stream) = calling(wire, sent, &json!({"x": 1}));
            let reply: Value = serde_json::from_slice(&prepared.exchange.reply(&bytes(&whole)).unwrap().body).unwrap();
            let driven = drive(&prepared.exchange, [&stream[..]]);
            grammar(client, Framing::Sse, &driven.out).unwrap();
            for view in [
                view::of_reply(client, &reply),
                view::of_stream(client, &frames::events(Framing::Sse, &driven.out)).unwrap(),
            ] {
                assert_eq!(view.calls, [("c1".to_owned(), name.clone(), json!({"x": 1}))]);
            }
        }
    }
}

#[test]
fn odd_call_ids_become_plain_ones_alike_in_call_and_result() {
    let body = json!({"model": "m", "tools": [{"type": "function", "function": {"name": "f"}}], "messages": [
        {"role": "user", "content": "q"},
        {"role": "assistant", "tool_calls": [
            {"id": "call:abc/1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
            {"id": "call:abc/2", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "call:abc/1", "content": "one"}, {"role": "tool", "tool_call_id": "call:abc/2", "content": "two"}]});
    let (found, _) = sent(O, &body, "claude-sonnet-4-5");
    let (calls, results) = (&found["messages"][1]["content"], &found["messages"][2]["content"]);
    for nth in 0..2 {
        assert!(is_plain(calls[nth]["id"].as_str().unwrap(), 64), "{found}");
        assert_eq!(calls[nth]["id"], results[nth]["tool_use_id"]);
    }
    assert_ne!(calls[0]["id"], calls[1]["id"]);
}

#[test]
fn the_tool_that_stands_for_a_schema_is_text_again() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "integer"}}});
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "q"}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}});
    let (found, prepared) = sent(O, &body, "claude-3-haiku-20240307");
    let (whole, stream) = calling(A, &found["tools"][0]["name"], &json!({"a": 7}));
    let reply: Value = serde_json::from_slice(&prepared.exchange.reply(&bytes(&whole)).unwrap().body).unwrap();
    let driven = drive(&prepared.exchange, [&stream[..]]);
    grammar(O, Framing::Sse, &driven.out).unwrap();
    for view in [view::of_reply(O, &reply), view::of_stream(O, &frames::events(Framing::Sse, &driven.out)).unwrap()] {
        assert_eq!(serde_json::from_str::<Value>(&view.text).unwrap(), json!({"a": 7}));
        assert_eq!((view.calls.len(), view.finish.as_deref()), (0, Some("stop")));
    }
}

#[track_caller]
fn params(client: Format, wire: Format, body: Value, defaults: Value, overrides: Value) -> Value {
    let object = |value: Value| -> Map<String, Value> { serde_json::from_value(value).unwrap() };
    let (defaults, overrides) = (object(defaults), object(overrides));
    let mut whole = json!({"model": "m", "messages": [{"role": "user", "content": "hello"}]});
    whole.as_object_mut().unwrap().extend(object(body));
    let body: Bytes = bytes(&whole);
    let outline = outline(client, &body).unwrap();
    let target = Target {
        provider: vendor(wire),
        wire: wire.into(),
        model: None,
        defaults: &defaults,
        overrides: &overrides,
        ask_usage: true,
    };
    serde_json::from_slice(&prepare(client, &body, &outline, &target).unwrap().body).unwrap()
}

#[test]
fn params_fill_what_is_missing_and_overrides_win_on_every_path() {
    let defaults = || json!({"temperature": 0.5, "max_tokens": 50});
    let overrides = || json!({"top_p": 0.25});
    for client in [O, A] {
        for wire in [O, A] {
            let bound = if wire == A { "max_tokens" } else { "max_completion_tokens" };
            let bound_of =
                |found: &Value| if found[bound].is_null() { found["max_tokens"].clone() } else { found[bound].clone() };
            let found = params(client, wire, json!({"max_tokens": 9}), defaults(), json!({}));
            assert_eq!(
                (&found["temperature"], bound_of(&found)),
                (&json!(0.5), json!(9)),
                "{client} to {wire}: {found}"
            );
            let found = params(client, wire, json!({"temperature": 0, "max_tokens": 9}), defaults(), json!({}));
            assert_eq!(found["temperature"], json!(0), "{client} to {wire}: zero is the client's word: {found}");
            let found = params(client, wire, json!({"top_p": 0.9, "max_tokens": 9}), json!({}), overrides());
            assert_eq!(found["top_p"], json!(0.25), "{client} to {wire}: {found}");
            let found = params(client, wire, json!({"max_tokens": 9}), json!({}), json!({"max_tokens": 5}));
            assert_eq!(bound_of(&found), json!(5), "{client} to {wire}: {found}");
        }
    }
}
