//! Conversations over two turns: what one vendor gave comes back to it through a client of another format.

use super::*;
use crate::formats::{ReplyContext, Restore};
use crate::framing::Framing;
use Format::{AnthropicMessages, OpenAIChat, OpenAIResponses};

/// A reply of `wire` as a client's.
#[track_caller]
fn reply(wire: Format, client: Format, body: Value) -> Value {
    let mut report = Report::default();
    let answer = formats::decode_reply(wire, body, &Restore::default(), &mut report).unwrap();
    let context = ReplyContext {
        origin: wire,
        now: 1,
        show_usage: false,
        framing: Framing::Sse,
        request: None,
        model: "m".to_owned(),
    };
    formats::encode_reply(client, answer, &context, &mut report)
}

const TOOL_RESULT: &str = "sunny";

/// A Responses reply that thought and calls.
fn thought_and_called() -> Value {
    json!({"id": "resp_1", "model": "m", "status": "completed", "output": [
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "t"}], "encrypted_content": "gAAA"},
        {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [
            {"type": "output_text", "text": "looking", "annotations": [], "logprobs": []},
        ]},
        {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{\"a\":1}", "status": "completed"},
    ]})
}

/// The items that a vendor of this format must get back.
fn given_back() -> Value {
    json!([
        {"role": "user", "content": "q"},
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "t"}], "encrypted_content": "gAAA"},
        {"role": "assistant", "content": "looking"},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{\"a\":1}"},
        {"type": "function_call_output", "call_id": "c1", "output": TOOL_RESULT},
    ])
}

#[test]
fn a_chat_client_gives_encrypted_thinking_back() {
    let told = reply(OpenAIResponses, OpenAIChat, thought_and_called());
    let body = json!({"model": "m", "messages": [
        {"role": "user", "content": "q"}, told["choices"][0]["message"],
        {"role": "tool", "tool_call_id": "c1", "content": TOOL_RESULT},
    ]});
    let (back, report) = request(OpenAIChat, OpenAIResponses, body.clone());
    assert_eq!(back["input"], given_back());
    assert_eq!(report, Report::default());
    // And never to another vendor.
    let (elsewhere, _) = request(OpenAIChat, AnthropicMessages, body);
    assert!(!elsewhere.to_string().contains("gAAA"));
}

#[test]
fn an_anthropic_client_gives_encrypted_thinking_back() {
    let told = reply(OpenAIResponses, AnthropicMessages, thought_and_called());
    let result = json!({"type": "tool_result", "tool_use_id": "c1", "content": TOOL_RESULT});
    let (back, _) = request(
        AnthropicMessages,
        OpenAIResponses,
        json!({"model": "m", "max_tokens": 99, "messages": [
            {"role": "user", "content": "q"}, {"role": "assistant", "content": told["content"]},
            {"role": "user", "content": [result]},
        ]}),
    );
    assert_eq!(back["input"], given_back());
}

/// The next request of a client of this format, which gives back the output it got.
fn next(output: &Value) -> Value {
    let mut input = vec![json!({"role": "user", "content": "q"})];
    input.extend(output.as_array().unwrap().iter().cloned());
    input.push(json!({"type": "function_call_output", "call_id": "c1", "output": TOOL_RESULT}));
    json!({"model": "m", "input": input})
}

#[test]
fn a_responses_client_gives_signed_thinking_back() {
    let content = json!([
        {"type": "thinking", "thinking": "t", "signature": "sig"},
        {"type": "redacted_thinking", "data": "data"},
        {"type": "text", "text": "looking"},
        {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}},
    ]);
    let told = reply(
        AnthropicMessages,
        OpenAIResponses,
        json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": content, "stop_reason": "tool_use",
            "usage": {"input_tokens": 1, "output_tokens": 1},
        }),
    );
    let (back, _) = request(OpenAIResponses, AnthropicMessages, next(&told["output"]));
    assert_eq!(back["messages"][1], json!({"role": "assistant", "content": content}));
    assert_eq!(back["messages"][2]["content"][0]["content"], TOOL_RESULT);
    // The same conversation goes on at this format's own vendor without it.
    let (own, report) = request(OpenAIResponses, OpenAIResponses, next(&told["output"]));
    let kinds: Vec<&str> =
        own["input"].as_array().unwrap().iter().map(|item| crate::json::text(item, "type")).collect();
    assert_eq!(kinds, ["", "message", "function_call", "function_call_output"]);
    assert_eq!(report.dropped, ["input[].reasoning"]);
}

#[test]
fn a_responses_client_gives_a_chat_servers_thinking_back() {
    let call = json!({"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}});
    let message = json!({"role": "assistant", "content": "looking", "reasoning_content": "t", "tool_calls": [call]});
    let told = reply(
        OpenAIChat,
        OpenAIResponses,
        json!({
            "id": "x", "model": "m", "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}],
        }),
    );
    let (back, report) = request(OpenAIResponses, OpenAIChat, next(&told["output"]));
    assert_eq!(back["messages"][1], message);
    assert_eq!(report, Report::default());
}

/// A prepared attempt of a Responses client at a provider.
fn prepared(provider: &str, body: &Value) -> crate::Prepared {
    let provider = crate::provider(provider).unwrap();
    let body = bytes::Bytes::from(body.to_string());
    let outline = crate::outline(OpenAIResponses, &body).unwrap();
    let wire = provider.wire("m", crate::Operation::Chat, OpenAIResponses).unwrap();
    let none = Object::new();
    let target = crate::Target { provider, wire, model: None, defaults: &none, overrides: &none, ask_usage: false };
    crate::prepare(OpenAIResponses, &body, &outline, &target).unwrap()
}

#[test]
fn an_exchange_repeats_the_request_and_relays_only_what_the_vendor_knows() {
    let mut body = next(&json!([
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "pillion:AnthropicMessages:sig"},
        {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{}"},
    ]));
    body["metadata"] = json!({"a": "b"});
    body["tools"] = json!([{"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": false}]);
    let foreign = prepared("Anthropic", &body);
    let sent: Value = serde_json::from_slice(&foreign.body).unwrap();
    assert_eq!(sent["messages"][1]["content"][0], json!({"type": "thinking", "thinking": "", "signature": "sig"}));
    let upstream = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
        "content": [{"type": "text", "text": "a"}], "usage": {"input_tokens": 1, "output_tokens": 1}});
    let reply = foreign.exchange.at(9).reply(&bytes::Bytes::from(upstream.to_string())).unwrap();
    let told: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(
        (&told["metadata"]["a"], &told["created_at"], &told["tools"][0]["name"]),
        (&json!("b"), &json!(9), &json!("f"))
    );
    assert!(told.get("input").is_none());

    let own = prepared("OpenAI", &body);
    let sent: Value = serde_json::from_slice(&own.body).unwrap();
    assert_eq!(sent["input"].as_array().unwrap().len(), 3);
    assert_eq!(sent["metadata"], body["metadata"]);
    assert_eq!(own.dropped, ["input[].reasoning"]);
    // Without thinking of another vendor's the bytes are the client's.
    let plain = json!({"model": "m", "input": "q"});
    assert_eq!(prepared("OpenAI", &plain).body, plain.to_string());
}
