//! Generated conversations, there and back: what either format can say comes back the same.

use pillion_llm::Format;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::drive::{bytes, prepared};
use crate::parties::{FORMATS, vendor};

/// A conversation before a format writes it down.
#[derive(Clone, Debug)]
struct Talk {
    system: Option<String>,
    turns: Vec<Turn>,
    tools: Vec<(String, String)>,
    max_tokens: u32,
    temperature: Option<u8>,
    stop: Vec<String>,
    stream: bool,
}

#[derive(Clone, Debug)]
struct Turn {
    asks: Vec<Piece>,
    /// What the model says, and the calls it makes: tool, argument, result.
    answers: Option<(Option<String>, Vec<Call>)>,
}

/// Number of the tool, argument, result.
type Call = (usize, String, String);

#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    Link(String),
    Picture(String),
}

fn text() -> impl Strategy<Value = String> {
    // Formats disagree about blank text only.
    "[a-zA-Zäßé東🏍\"\\\\{}\n ]{0,24}[a-z東🏍.]"
}

fn piece() -> impl Strategy<Value = Piece> {
    prop_oneof![
        4 => text().prop_map(Piece::Text),
        1 => "https://example\\.com/[a-z]{1,8}\\.png".prop_map(Piece::Link),
        1 => "[A-Za-z0-9+/]{8}".prop_map(Piece::Picture),
    ]
}

fn turn() -> impl Strategy<Value = Turn> {
    let calls = prop::collection::vec((0..3_usize, text(), text()), 0..3);
    let answers = (prop::option::of(text()), calls)
        .prop_filter("an answer says something", |(said, calls)| said.is_some() || !calls.is_empty());
    (prop::collection::vec(piece(), 1..4), prop::option::weighted(0.9, answers))
        .prop_map(|(asks, answers)| Turn { asks, answers })
}

fn talk() -> impl Strategy<Value = Talk> {
    let settings = (1..4000_u32, prop::option::of(0..=10_u8), prop::collection::vec("[a-z]{1,5}", 0..4), any::<bool>());
    let tools = prop::collection::vec(text(), 3);
    (prop::option::of(text()), prop::collection::vec(turn(), 1..5), "[a-zA-Z0-9_-]{1,60}", tools, settings).prop_map(
        |(system, mut turns, name, about, (max_tokens, temperature, stop, stream))| {
            // The user speaks last.
            turns.last_mut().unwrap().answers = None;
            let tools = about.into_iter().enumerate().map(|(nth, about)| (format!("{name}_{nth}"), about)).collect();
            Talk { system, turns, tools, max_tokens, temperature, stop, stream }
        },
    )
}

impl Talk {
    fn write(&self, format: Format) -> Value {
        let mut body = match format {
            Format::OpenAIChat => self.openai(),
            _ => self.anthropic(),
        };
        body["model"] = json!("m");
        body["stream"] = json!(self.stream);
        if let Some(tenths) = self.temperature {
            body["temperature"] = json!(f64::from(tenths) / 10.0);
        }
        body
    }

    /// The calls of a turn: id, name, argument, result.
    fn calls(&self, nth: usize, calls: &[Call]) -> Vec<(String, String, Value, String)> {
        let calls = calls.iter().enumerate();
        calls
            .map(|(at, (tool, argument, result))| {
                (
                    format!("call_{nth}-{at}"),
                    self.tools[*tool].0.clone(),
                    json!({"of": argument, "n": [nth, null, 0.5]}),
                    result.clone(),
                )
            })
            .collect()
    }

    fn openai(&self) -> Value {
        let mut messages = Vec::new();
        messages.extend(self.system.iter().map(|text| json!({"role": "system", "content": text})));
        for (nth, turn) in self.turns.iter().enumerate() {
            let parts: Vec<Value> = turn
                .asks
                .iter()
                .map(|piece| match piece {
                    Piece::Text(text) => json!({"type": "text", "text": text}),
                    Piece::Link(url) => json!({"type": "image_url", "image_url": {"url": url}}),
                    Piece::Picture(data) => {
                        json!({"type": "image_url", "image_url": {"url": format!("data:image/png;base64,{data}")}})
                    }
                })
                .collect();
            messages.push(json!({"role": "user", "content": parts}));
            let Some((said, calls)) = &turn.answers else { continue };
            let mut message = json!({"role": "assistant", "content": said});
            let calls = self.calls(nth, calls);
            if !calls.is_empty() {
                message["tool_calls"] = calls
                    .iter()
                    .map(|(id, name, input, _)| json!({"id": id, "type": "function", "function": {"name": name, "arguments": input.to_string()}}))
                    .collect();
            }
            messages.push(message);
            messages.extend(
                calls.iter().map(|(id, _, _, result)| json!({"role": "tool", "tool_call_id": id, "content": result})),
            );
        }
        let tools = self.tools.iter();
        let tools: Vec<Value> = tools
            .map(|(name, about)| json!({"type": "function", "function": {"name": name, "description": about, "parameters": parameters()}}))
            .collect();
        json!({"messages": messages, "max_completion_tokens": self.max_tokens, "stop": self.stop, "tools": tools})
    }

    fn anthropic(&self) -> Value {
        let mut messages = Vec::new();
        let mut results: Vec<Value> = Vec::new();
        for (nth, turn) in self.turns.iter().enumerate() {
            let mut blocks = std::mem::take(&mut results);
            blocks.extend(turn.asks.iter().map(|piece| match piece {
                Piece::Text(text) => json!({"type": "text", "text": text}),
                Piece::Link(url) => json!({"type": "image", "source": {"type": "url", "url": url}}),
                Piece::Picture(data) => {
                    json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}})
                }
            }));
            messages.push(json!({"role": "user", "content": blocks}));
            let Some((said, calls)) = &turn.answers else { continue };
            let mut blocks: Vec<Value> = said.iter().map(|text| json!({"type": "text", "text": text})).collect();
            for (id, name, input, result) in self.calls(nth, calls) {
                blocks.push(json!({"type": "tool_use", "id": id, "name": name, "input": input}));
                results.push(json!({"type": "tool_result", "tool_use_id": id, "content": result}));
            }
            messages.push(json!({"role": "assistant", "content": blocks}));
        }
        let tools = self.tools.iter();
        let tools: Vec<Value> = tools
            .map(|(name, about)| json!({"name": name, "description": about, "input_schema": parameters()}))
            .collect();
        let mut body =
            json!({"messages": messages, "max_tokens": self.max_tokens, "stop_sequences": self.stop, "tools": tools});
        if let Some(system) = &self.system {
            body["system"] = json!(system);
        }
        body
    }
}

fn parameters() -> Value {
    json!({"type": "object", "properties": {"of": {"type": "string"}, "n": {"type": "array"}}, "required": ["of"]})
}

/// What a body says, in words of neither format: speaker and thing, in order.
fn said(format: Format, body: &Value) -> Vec<(String, Value)> {
    let mut said = Vec::new();
    let mut say = |who: &str, what: Value| said.push((who.to_owned(), what));
    if let Some(text) = body["system"].as_str() {
        say("system", json!(text));
    }
    for message in body["messages"].as_array().unwrap() {
        let role = message["role"].as_str().unwrap();
        if role == "tool" {
            say("result", json!([message["tool_call_id"], message["content"]]));
            continue;
        }
        if let Some(text) = message["content"].as_str() {
            say(role, json!(text));
        }
        for part in message["content"].as_array().into_iter().flatten() {
            match part["type"].as_str().unwrap() {
                "text" => say(role, part["text"].clone()),
                "image_url" => say(role, json!({"image": part["image_url"]["url"]})),
                "image" if part["source"]["type"] == "url" => say(role, json!({"image": part["source"]["url"]})),
                "image" => say(
                    role,
                    json!({"image": format!("data:image/png;base64,{}", part["source"]["data"].as_str().unwrap())}),
                ),
                "tool_use" => say("call", json!([part["id"], part["name"], part["input"]])),
                "tool_result" => say("result", json!([part["tool_use_id"], part["content"]])),
                _ => {}
            }
        }
        for call in message["tool_calls"].as_array().into_iter().flatten() {
            let arguments: Value = serde_json::from_str(call["function"]["arguments"].as_str().unwrap()).unwrap();
            say("call", json!([call["id"], call["function"]["name"], arguments]));
        }
    }
    for tool in body["tools"].as_array().into_iter().flatten() {
        let (tool, schema) = match format {
            Format::OpenAIChat => (&tool["function"], "parameters"),
            _ => (tool, "input_schema"),
        };
        say("tool", json!([tool["name"], tool["description"], tool[schema]]));
    }
    let (bound, stop) = match format {
        Format::OpenAIChat => ("max_completion_tokens", "stop"),
        _ => ("max_tokens", "stop_sequences"),
    };
    let stop = Some(body[stop].clone()).filter(|stop| *stop != json!([])).unwrap_or_default();
    say("settings", json!([body[bound], stop, body["temperature"], body["stream"], body["model"]]));
    said
}

/// There and back, with a model that takes every setting.
fn there_and_back(from: Format, body: &Value) -> Value {
    let to = other(from);
    let there = prepared(from, &bytes(body), vendor(to), to, Some(capable(to))).unwrap();
    let back = prepared(to, &there.body, vendor(from), from, Some("m")).unwrap();
    serde_json::from_slice(&back.body).unwrap()
}

fn other(format: Format) -> Format {
    if format == Format::OpenAIChat { Format::AnthropicMessages } else { Format::OpenAIChat }
}

fn capable(format: Format) -> &'static str {
    match format {
        Format::OpenAIChat => "gpt-4o",
        _ => "claude-sonnet-4-5",
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn openai_to_anthropic_and_back_says_the_same(talk in talk()) {
        let body = talk.write(Format::OpenAIChat);
        prop_assert_eq!(said(Format::OpenAIChat, &there_and_back(Format::OpenAIChat, &body)), said(Format::OpenAIChat, &body));
    }

    #[test]
    fn anthropic_to_openai_and_back_says_the_same(talk in talk()) {
        let body = talk.write(Format::AnthropicMessages);
        prop_assert_eq!(said(Format::AnthropicMessages, &there_and_back(Format::AnthropicMessages, &body)), said(Format::AnthropicMessages, &body));
    }

    #[test]
    fn both_formats_become_the_same_request(talk in talk()) {
        for wire in FORMATS {
            let own = talk.write(*wire);
            let foreign = prepared(other(*wire), &bytes(&talk.write(other(*wire))), vendor(*wire), *wire, Some("m")).unwrap();
            prop_assert_eq!(said(*wire, &serde_json::from_slice(&foreign.body).unwrap()), said(*wire, &own));
        }
    }

    #[test]
    fn translating_twice_gives_the_same_bytes(talk in talk()) {
        for from in FORMATS {
            let body = bytes(&talk.write(*from));
            let once = || prepared(*from, &body, vendor(other(*from)), other(*from), Some("m")).unwrap().body;
            prop_assert_eq!(once(), once());
        }
    }
}

#[test]
fn a_signature_travels_through_a_client_of_the_other_format_and_back() {
    let reply = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5", "stop_reason": "tool_use", "stop_sequence": null,
        "content": [
            {"type": "thinking", "thinking": "First the weather.", "signature": "c2lnbmVk"},
            {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": "sky"}},
        ],
        "usage": {"input_tokens": 5, "output_tokens": 7},
    });
    let (openai, anthropic) = (Format::OpenAIChat, Format::AnthropicMessages);
    let exchange = crate::drive::exchange(openai, vendor(anthropic), anthropic);
    let seen: Value = serde_json::from_slice(&exchange.reply(&bytes(&reply)).unwrap().body).unwrap();
    let message = seen["choices"][0]["message"].clone();
    let tool = json!({"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}});
    let next = json!({"model": "m", "reasoning_effort": "low", "max_completion_tokens": 4000, "tools": [tool], "messages": [
        {"role": "user", "content": "How is it?"}, message, {"role": "tool", "tool_call_id": "toolu_1", "content": "blue"},
    ]});
    let body = prepared(openai, &bytes(&next), vendor(anthropic), anthropic, Some("claude-sonnet-4-5")).unwrap().body;
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["messages"][1]["content"], reply["content"], "{body}");
}
