//! What an exchange carries from the request to the reply (replaced names, the tool that stands for a schema), and params.

use bytes::Bytes;
use pillion_llm::{Format, Prepared, Target, outline, prepare};
use serde_json::{Map, Value, json};

use crate::drive::{bytes, drive, prepared};
use crate::facts::{Says, asks, facts};
use crate::frames;
use crate::grammar::grammar;
use crate::made::calling;
use crate::parties::{FORMATS, call, others, plain_request, thinking, vendor};
use crate::view::{self, View};

const O: Format = Format::OpenAIChat;
const A: Format = Format::AnthropicMessages;

fn sent(client: Format, body: &Value, wire: Format, model: &str) -> (Value, Prepared) {
    let prepared = prepared(client, &bytes(body), vendor(wire), wire, Some(model)).unwrap();
    (serde_json::from_slice(&prepared.body).unwrap(), prepared)
}

/// The longest name that a vendor takes, and which other characters than letters, digits, `_` and `-` stand in one.
fn rules(wire: Format) -> (usize, &'static [u8]) {
    match wire {
        Format::OpenAIChat | Format::OpenAIResponses | Format::BedrockConverse => (64, b""),
        Format::AnthropicMessages => (128, b""),
        Format::GeminiGenerateContent => (128, b".:"),
        // Cohere's document tells no rule.
        Format::CohereChat => (usize::MAX, b"./"),
    }
}

fn takes(wire: Format, name: &str) -> bool {
    let (longest, more) = rules(wire);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte) || more.contains(&byte);
    !name.is_empty() && name.len() <= longest && name.bytes().all(plain)
}

/// What both readings of an upstream's call say to the client.
fn heard(prepared: &Prepared, client: Format, wire: Format, name: &Value, input: &Value) -> [View; 2] {
    let (whole, stream) = calling(wire, name, input);
    let reply: Value = serde_json::from_slice(&prepared.exchange.reply(&bytes(&whole)).unwrap().body).unwrap();
    let driven = drive(&prepared.exchange, [&stream[..]]);
    let framing = prepared.exchange.client_framing();
    grammar(client, framing, &driven.out).unwrap();
    [view::of_reply(client, &reply), view::of_stream(client, &frames::events(framing, &driven.out)).unwrap()]
}

#[test]
fn tool_names_that_the_vendor_refuses_are_replaced_everywhere_and_restored() {
    // Two that differ behind every bound, one of odd letters, and one that is well.
    let names = ["n".repeat(130) + "1", "n".repeat(130) + "2", "srv.tool/x".to_owned(), "well".to_owned()];
    for (client, wire) in [O, A].into_iter().flat_map(|client| others(client).map(move |wire| (client, wire))) {
        let tools: Vec<Value> = names
            .iter()
            .map(|name| match client {
                O => json!({"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}),
                _ => json!({"name": name, "input_schema": {"type": "object"}}),
            })
            .collect();
        let (choice, history) = match client {
            O => (
                json!({"type": "function", "function": {"name": names[0]}}),
                json!([{"role": "user", "content": "q"},
                    {"role": "assistant", "tool_calls": [{"id": "a", "type": "function", "function": {"name": names[0], "arguments": "{}"}}]},
                    {"role": "tool", "tool_call_id": "a", "content": "r"}]),
            ),
            _ => (
                json!({"type": "tool", "name": names[0]}),
                json!([{"role": "user", "content": "q"},
                    {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": names[0], "input": {}}]},
                    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "r"}]}]),
            ),
        };
        let body = json!({"model": "m", "max_tokens": 99, "tools": tools, "tool_choice": choice, "messages": history});
        let (found, prepared) = sent(client, &body, wire, "m");
        let facts = facts(wire, &found);
        let replaced: Vec<String> = facts
            .iter()
            .filter_map(|fact| match &fact.says {
                Says::Function { name, .. } => Some(name.clone()),
                _ => None,
            })
            .collect();
        // Cohere forces one tool by sending no other.
        let all = replaced.len() == names.len();
        assert!(all || wire == Format::CohereChat && replaced.len() == 1, "{client} to {wire}: {found}");
        for (at, name) in replaced.iter().enumerate() {
            assert!(takes(wire, name), "{client} to {wire}: {name}");
            assert!(!replaced[..at].contains(name), "{name} is there twice");
        }
        let called = facts.iter().find_map(|fact| match &fact.says {
            Says::Call { name, .. } => Some(name.clone()),
            _ => None,
        });
        assert_eq!(called.as_ref(), Some(&replaced[0]), "{client} to {wire}: {found}");
        let chosen = asks(wire, &found).into_iter().find(|ask| ask.concept == Some("tool_choice")).map(|ask| ask.value);
        if all && chosen.as_ref().is_some_and(|chosen| !chosen["tool"].is_null()) {
            assert_eq!(chosen.unwrap()["tool"], json!(replaced[0]), "{client} to {wire}: {found}");
        }
        if all {
            assert_eq!(replaced[3], names[3]);
        }
        for (name, sent) in names.iter().zip(&replaced) {
            for view in heard(&prepared, client, wire, &json!(sent), &json!({"x": 1})) {
                assert_eq!(view.calls, [("c1".to_owned(), name.clone(), json!({"x": 1}))], "{client} from {wire}");
            }
        }
    }
}

#[test]
fn odd_call_ids_become_plain_ones_alike_in_call_and_result() {
    let function = json!({"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}});
    let call = |id: &str| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let body = json!({"model": "m", "tools": [function], "messages": [
        {"role": "user", "content": "q"},
        {"role": "assistant", "tool_calls": [call("call:abc/1"), call("call:abc/2")]},
        {"role": "tool", "tool_call_id": "call:abc/1", "content": "one"},
        {"role": "tool", "tool_call_id": "call:abc/2", "content": "two"}]});
    for wire in others(O) {
        let (found, _) = sent(O, &body, wire, "m");
        let facts = facts(wire, &found);
        let calls: Vec<&String> = facts
            .iter()
            .filter_map(|fact| match &fact.says {
                Says::Call { id, .. } => Some(id),
                _ => None,
            })
            .collect();
        let results: Vec<&String> = facts
            .iter()
            .filter_map(|fact| match &fact.says {
                Says::Result { id, .. } => Some(id),
                _ => None,
            })
            .collect();
        assert_eq!((calls.len(), &calls), (2, &results), "{wire}: {found}");
        assert_ne!(calls[0], calls[1], "{wire}");
        if [A, Format::BedrockConverse].contains(&wire) {
            let plain = |id: &&String| id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
            assert!(calls.iter().all(|id| !id.is_empty() && id.len() <= 64 && plain(id)), "{wire}: {calls:?}");
        }
    }
}

#[test]
fn the_tool_that_stands_for_a_schema_is_text_again() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "integer"}}});
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "q"}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}});
    for (wire, model) in
        [(A, "claude-3-haiku-20240307"), (Format::BedrockConverse, "anthropic.claude-3-haiku-20240307-v1:0")]
    {
        let (found, prepared) = sent(O, &body, wire, model);
        let tool = facts(wire, &found).into_iter().find_map(|fact| match fact.says {
            Says::Function { name, .. } => Some(name),
            _ => None,
        });
        let tool = tool.unwrap_or_else(|| panic!("{wire}: no tool stands for the schema: {found}"));
        for view in heard(&prepared, O, wire, &json!(tool), &json!({"a": 7})) {
            assert_eq!(serde_json::from_str::<Value>(&view.text).unwrap(), json!({"a": 7}), "{wire}");
            assert_eq!((view.calls.len(), view.finish.as_deref()), (0, Some("stop")), "{wire}");
        }
    }
}

#[track_caller]
fn params(client: Format, wire: Format, settings: Value, defaults: Value, overrides: Value) -> Map<String, Value> {
    let object = |value: Value| -> Map<String, Value> { serde_json::from_value(value).unwrap() };
    let (defaults, overrides) = (object(defaults), object(overrides));
    let mut body = plain_request(client, false);
    if client == A {
        body.as_object_mut().unwrap().shift_remove("max_tokens");
    }
    for (name, value) in object(settings) {
        let (around, name) = spelled(client, &name);
        match around {
            Some(around) => body[around][name] = value,
            None => body[name] = value,
        }
    }
    let body: Bytes = bytes(&body);
    let outline = outline(client, &body).unwrap().told_by(&call(client, Some("m"), false, client.framing()));
    let target = Target {
        provider: vendor(wire),
        wire: wire.into(),
        model: Some("m"),
        defaults: &defaults,
        overrides: &overrides,
        ask_usage: true,
    };
    let prepared =
        prepare(client, &body, &outline, &target).unwrap_or_else(|error| panic!("{client} to {wire}: {error}"));
    let found = serde_json::from_slice(&prepared.body).unwrap();
    let asks = asks(wire, &found).into_iter();
    asks.filter_map(|ask| Some((ask.concept?.to_owned(), ask.value))).collect()
}

/// A setting's place and name in a client's format.
fn spelled(client: Format, name: &str) -> (Option<&'static str>, &'static str) {
    match (client, name) {
        (Format::GeminiGenerateContent, "max_tokens") => (Some("generationConfig"), "maxOutputTokens"),
        (Format::GeminiGenerateContent, "temperature") => (Some("generationConfig"), "temperature"),
        (Format::GeminiGenerateContent, "top_p") => (Some("generationConfig"), "topP"),
        (Format::BedrockConverse, "max_tokens") => (Some("inferenceConfig"), "maxTokens"),
        (Format::BedrockConverse, "temperature") => (Some("inferenceConfig"), "temperature"),
        (Format::BedrockConverse, "top_p") => (Some("inferenceConfig"), "topP"),
        (Format::OpenAIResponses, "max_tokens") => (None, "max_output_tokens"),
        (Format::CohereChat, "top_p") => (None, "p"),
        (_, "max_tokens") => (None, "max_tokens"),
        (_, "temperature") => (None, "temperature"),
        (_, name) => {
            assert_eq!(name, "top_p");
            (None, "top_p")
        }
    }
}

#[test]
fn params_fill_what_is_missing_and_overrides_win_on_every_path() {
    let defaults = || json!({"temperature": 0.5, "max_tokens": 50});
    for (client, wire) in FORMATS.iter().flat_map(|client| FORMATS.iter().map(|wire| (*client, *wire))) {
        let says = |found: &Map<String, Value>, concept: &str, value: Value| {
            let same = found.get(concept).and_then(Value::as_f64) == value.as_f64();
            assert!(same, "{client} to {wire}: {concept} is not {value} in {found:?}");
        };
        let found = params(client, wire, json!({"max_tokens": 90}), defaults(), json!({}));
        says(&found, "temperature", json!(0.5));
        says(&found, "max_tokens", json!(90));
        let found = params(client, wire, json!({"temperature": 0, "max_tokens": 90}), defaults(), json!({}));
        says(&found, "temperature", json!(0));
        let found = params(client, wire, json!({"top_p": 0.9, "max_tokens": 90}), json!({}), json!({"top_p": 0.25}));
        says(&found, "top_p", json!(0.25));
        let found = params(client, wire, json!({"max_tokens": 90}), json!({}), json!({"max_tokens": 40}));
        says(&found, "max_tokens", json!(40));
    }
}

#[test]
fn vendors_own_objects_reach_their_vendor_from_any_format_in_any_place_for_them() {
    const G: Format = Format::GeminiGenerateContent;
    const B: Format = Format::BedrockConverse;
    let mut problems = Vec::new();
    let safety = json!([{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]);
    let guardrail = json!({"guardrailIdentifier": "g", "guardrailVersion": "1"});
    let edits = json!({"edits": []});
    for (wire, members, place, expected) in [
        (G, json!({"safetySettings": safety}), "/safetySettings", &safety),
        (
            G,
            json!({"generationConfig": {"responseModalities": ["TEXT"]}}),
            "/generationConfig/responseModalities/0",
            &json!("TEXT"),
        ),
        (
            G,
            json!({"thinkingConfig": {"includeThoughts": true}}),
            "/generationConfig/thinkingConfig/includeThoughts",
            &json!(true),
        ),
        (B, json!({"guardrailConfig": guardrail}), "/guardrailConfig", &guardrail),
        (B, json!({"additionalModelRequestFields": {"top_k": 20}}), "/additionalModelRequestFields/top_k", &json!(20)),
        (A, json!({"context_management": edits}), "/context_management", &edits),
    ] {
        for client in others(wire) {
            let plain = plain_request(client, false);
            let mut flattened = plain.clone();
            flattened.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
            let mut literal = plain;
            literal["extra_body"] = members.clone();
            for body in [flattened, literal] {
                let (upstream, prepared) = sent(client, &body, wire, thinking(wire));
                if upstream.pointer(place) != Some(expected) || !prepared.dropped.is_empty() {
                    problems
                        .push(format!("{client} to {wire}: {body} became {upstream}, dropped {:?}", prepared.dropped));
                }
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn a_finish_of_tomorrow_is_an_answer_all_the_same() {
    for (wire, place) in [
        (O, "/choices/0/finish_reason"),
        (A, "/stop_reason"),
        (Format::GeminiGenerateContent, "/candidates/0/finishReason"),
        (Format::BedrockConverse, "/stopReason"),
        (Format::CohereChat, "/finish_reason"),
    ] {
        let (mut whole, stream) = calling(wire, &json!("well"), &json!({}));
        let known = whole.pointer(place).unwrap().as_str().unwrap().to_owned();
        *whole.pointer_mut(place).unwrap() = json!("OF_TOMORROW");
        let text = String::from_utf8_lossy(&stream).replace(&format!("\"{known}\""), "\"OF_TOMORROW\"");
        // A checksum stands in the way.
        let streams = wire != Format::BedrockConverse;
        assert!(!streams || text.contains("OF_TOMORROW"), "{wire}: {text}");
        for client in FORMATS.iter().copied().filter(|client| *client != wire) {
            let body = plain_request(client, streams);
            let (_, prepared) = sent(client, &body, wire, thinking(wire));
            let reply =
                prepared.exchange.reply(&bytes(&whole)).unwrap_or_else(|fault| panic!("{client} of {wire}: {fault}"));
            assert_eq!(reply.finish.as_deref(), Some("OF_TOMORROW"), "{client} of {wire}");
            if streams {
                let driven = drive(&prepared.exchange, [text.as_bytes()]);
                grammar(client, prepared.exchange.client_framing(), &driven.out)
                    .unwrap_or_else(|why| panic!("{client} of {wire}: {why}"));
                assert!(!String::from_utf8_lossy(&driven.out).contains("\"error\":{"), "{client} of {wire}");
            }
        }
    }
}
