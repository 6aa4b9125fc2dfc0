//! Generated conversations, there and back: what either format can say comes back the same.

use pillion_llm::Format;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::drive::{bytes, exchange, prepared};
use crate::facts::{Says, asks, facts};
use crate::parties::{FORMATS, capable, others, vendor};

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
    let settings =
        (16..4000_u32, prop::option::of(0..=10_u8), prop::collection::vec("[a-z]{1,5}", 0..4), any::<bool>());
    let tools = prop::collection::vec(text(), 3);
    (prop::option::of(text()), prop::collection::vec(turn(), 1..5), "[a-zA-Z][a-zA-Z0-9_-]{0,59}", tools, settings)
        .prop_map(|(system, mut turns, name, about, (max_tokens, temperature, stop, stream))| {
            // The user speaks last.
            turns.last_mut().unwrap().answers = None;
            let tools = about.into_iter().enumerate().map(|(nth, about)| (format!("{name}_{nth}"), about)).collect();
            Talk { system, turns, tools, max_tokens, temperature, stop, stream }
        })
}

impl Talk {
    fn write(&self, format: Format) -> Value {
        let mut body = match format {
            Format::OpenAIChat => self.openai("max_completion_tokens", "stop"),
            Format::OpenAIResponses => self.responses(),
            Format::AnthropicMessages => self.anthropic(),
            Format::GeminiGenerateContent => self.gemini(),
            Format::BedrockConverse => self.bedrock(),
            Format::CohereChat => self.openai("max_tokens", "stop_sequences"),
        };
        let temperature = self.temperature.map(|tenths| json!(f64::from(tenths) / 10.0));
        let settings = match format {
            Format::GeminiGenerateContent => &mut body["generationConfig"],
            Format::BedrockConverse => &mut body["inferenceConfig"],
            _ => {
                body["model"] = json!("m");
                body["stream"] = json!(self.stream);
                &mut body
            }
        };
        if let Some(temperature) = temperature {
            settings["temperature"] = temperature;
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

    /// OpenAI Chat's words, which Cohere has too.
    fn openai(&self, bound: &str, stop: &str) -> Value {
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
                let call = |(id, name, input, _): &(String, String, Value, String)| json!({"id": id, "type": "function", "function": {"name": name, "arguments": input.to_string()}});
                message["tool_calls"] = calls.iter().map(call).collect();
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
        json!({"messages": messages, bound: self.max_tokens, stop: self.stop, "tools": tools})
    }

    fn responses(&self) -> Value {
        let mut input = Vec::new();
        for (nth, turn) in self.turns.iter().enumerate() {
            let parts: Vec<Value> = turn
                .asks
                .iter()
                .map(|piece| match piece {
                    Piece::Text(text) => json!({"type": "input_text", "text": text}),
                    Piece::Link(url) => json!({"type": "input_image", "detail": "auto", "image_url": url}),
                    Piece::Picture(data) => {
                        let url = format!("data:image/png;base64,{data}");
                        json!({"type": "input_image", "detail": "auto", "image_url": url})
                    }
                })
                .collect();
            input.push(json!({"type": "message", "role": "user", "content": parts}));
            let Some((said, calls)) = &turn.answers else { continue };
            input.extend(said.iter().map(|text| json!({"role": "assistant", "content": text})));
            let calls = self.calls(nth, calls);
            let call = |(id, name, arguments, _): &(String, String, Value, String)| json!({"type": "function_call", "call_id": id, "name": name, "arguments": arguments.to_string()});
            input.extend(calls.iter().map(call));
            let output = |(id, .., result): &(String, String, Value, String)| json!({"type": "function_call_output", "call_id": id, "output": result});
            input.extend(calls.iter().map(output));
        }
        let tool = |(name, about): &(String, String)| json!({"type": "function", "name": name, "description": about, "parameters": parameters(), "strict": false});
        let tools: Vec<Value> = self.tools.iter().map(tool).collect();
        let mut body = json!({"input": input, "max_output_tokens": self.max_tokens, "tools": tools});
        if let Some(system) = &self.system {
            body["instructions"] = json!(system);
        }
        body
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

    fn gemini(&self) -> Value {
        let mut contents = Vec::new();
        let mut results: Vec<Value> = Vec::new();
        for (nth, turn) in self.turns.iter().enumerate() {
            let mut parts = std::mem::take(&mut results);
            parts.extend(turn.asks.iter().map(|piece| match piece {
                Piece::Text(text) => json!({"text": text}),
                Piece::Link(url) => json!({"fileData": {"fileUri": url, "mimeType": "image/png"}}),
                Piece::Picture(data) => json!({"inlineData": {"mimeType": "image/png", "data": data}}),
            }));
            contents.push(json!({"role": "user", "parts": parts}));
            let Some((said, calls)) = &turn.answers else { continue };
            let mut parts: Vec<Value> = said.iter().map(|text| json!({"text": text})).collect();
            for (id, name, input, result) in self.calls(nth, calls) {
                parts.push(json!({"functionCall": {"id": id, "name": name, "args": input}}));
                results.push(json!({"functionResponse": {"id": id, "name": name, "response": {"result": result}}}));
            }
            contents.push(json!({"role": "model", "parts": parts}));
        }
        let function = |(name, about): &(String, String)| json!({"name": name, "description": about, "parametersJsonSchema": parameters()});
        let functions: Vec<Value> = self.tools.iter().map(function).collect();
        let config = json!({"maxOutputTokens": self.max_tokens, "stopSequences": self.stop});
        let mut body =
            json!({"contents": contents, "generationConfig": config, "tools": [{"functionDeclarations": functions}]});
        if let Some(system) = &self.system {
            body["systemInstruction"] = json!({"parts": [{"text": system}]});
        }
        body
    }

    fn bedrock(&self) -> Value {
        let mut messages = Vec::new();
        let mut results: Vec<Value> = Vec::new();
        for (nth, turn) in self.turns.iter().enumerate() {
            let mut blocks = std::mem::take(&mut results);
            blocks.extend(turn.asks.iter().map(|piece| match piece {
                Piece::Text(text) => json!({"text": text}),
                // Converse has no URLs; no pair with it is asked to carry one.
                Piece::Link(url) => json!({"text": url}),
                Piece::Picture(data) => json!({"image": {"format": "png", "source": {"bytes": data}}}),
            }));
            messages.push(json!({"role": "user", "content": blocks}));
            let Some((said, calls)) = &turn.answers else { continue };
            let mut blocks: Vec<Value> = said.iter().map(|text| json!({"text": text})).collect();
            for (id, name, input, result) in self.calls(nth, calls) {
                blocks.push(json!({"toolUse": {"toolUseId": id, "name": name, "input": input}}));
                results.push(json!({"toolResult": {"toolUseId": id, "content": [{"text": result}]}}));
            }
            messages.push(json!({"role": "assistant", "content": blocks}));
        }
        let tool = |(name, about): &(String, String)| json!({"toolSpec": {"name": name, "description": about, "inputSchema": {"json": parameters()}}});
        let tools: Vec<Value> = self.tools.iter().map(tool).collect();
        let config = json!({"maxTokens": self.max_tokens, "stopSequences": self.stop});
        let mut body = json!({"messages": messages, "inferenceConfig": config, "toolConfig": {"tools": tools}});
        if let Some(system) = &self.system {
            body["system"] = json!([{"text": system}]);
        }
        body
    }

    fn has_links(&self) -> bool {
        self.turns.iter().flat_map(|turn| &turn.asks).any(|piece| matches!(piece, Piece::Link(_)))
    }

    /// Whether both formats have everything that is said.
    fn fits(&self, from: Format, to: Format) -> bool {
        !(self.has_links() && [from, to].contains(&Format::BedrockConverse))
    }
}

fn parameters() -> Value {
    let list = json!({"type": "array", "items": {"type": "string"}});
    json!({"type": "object", "properties": {"of": {"type": "string"}, "n": list}, "required": ["of"]})
}

/// What a body says, in words of no format: speaker and thing in order, then tools and settings.
fn said(format: Format, body: &Value) -> Vec<String> {
    let told = facts(format, body).into_iter().map(|fact| {
        let says = match fact.says {
            Says::Function { name, description, mut words } => {
                words.sort();
                Says::Function { name, description, words }
            }
            // By id where there is one.
            Says::Result { id, .. } => Says::Result { id, name: String::new() },
            says => says,
        };
        format!("{:?}: {says:?}", fact.who)
    });
    let mut settings: Vec<String> = asks(format, body)
        .into_iter()
        .filter_map(|ask| Some((ask.concept?, ask.value)))
        .filter(|(concept, _)| {
            ["max_tokens", "temperature"].contains(concept) || *concept == "stop" && has_stop(format)
        })
        .map(|(concept, value)| format!("{concept}: {value}"))
        .collect();
    settings.sort();
    told.chain(settings).collect()
}

/// Responses has no stop texts.
fn has_stop(format: Format) -> bool {
    format != Format::OpenAIResponses
}

fn without_stop(said: Vec<String>) -> Vec<String> {
    said.into_iter().filter(|line| !line.starts_with("stop: ")).collect()
}

/// A body in another format; a refusal is a failure.
fn translated(from: Format, body: &Value, to: Format) -> Result<Value, String> {
    let prepared = prepared(from, &bytes(body), vendor(to), to, Some(capable(to)));
    let prepared = prepared.map_err(|error| format!("{from} to {to}: {:?} {error}", error.param))?;
    Ok(serde_json::from_slice(&prepared.body).unwrap())
}

fn check(from: Format, to: Format, found: &[String], expected: &[String]) -> Result<(), TestCaseError> {
    match found.iter().zip(expected).find(|(found, expected)| found != expected) {
        Some((found, expected)) => Err(TestCaseError::fail(format!("{from} by {to}: {found}\nexpected {expected}"))),
        None if found.len() != expected.len() => {
            Err(TestCaseError::fail(format!("{from} by {to}: {found:#?}\nexpected {expected:#?}")))
        }
        None => Ok(()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn there_and_back_every_pair_says_the_same(talk in talk()) {
        for from in FORMATS {
            let body = talk.write(*from);
            for to in others(*from).filter(|to| talk.fits(*from, *to)) {
                let there = translated(*from, &body, to).map_err(TestCaseError::fail)?;
                let back = translated(to, &there, *from).map_err(TestCaseError::fail)?;
                let (found, expected) = (said(*from, &back), said(*from, &body));
                if has_stop(to) {
                    check(*from, to, &found, &expected)?;
                } else {
                    check(*from, to, &without_stop(found), &without_stop(expected))?;
                }
            }
        }
    }

    #[test]
    fn every_format_becomes_the_same_request(talk in talk()) {
        for wire in FORMATS {
            let own = said(*wire, &talk.write(*wire));
            for client in others(*wire).filter(|client| talk.fits(*client, *wire)) {
                let foreign = translated(client, &talk.write(client), *wire).map_err(TestCaseError::fail)?;
                let foreign = said(*wire, &foreign);
                if has_stop(client) {
                    check(*wire, client, &foreign, &own)?;
                } else {
                    check(*wire, client, &without_stop(foreign), &without_stop(own.clone()))?;
                }
            }
        }
    }

    #[test]
    fn translating_twice_gives_the_same_bytes(talk in talk()) {
        for from in FORMATS {
            let body = bytes(&talk.write(*from));
            for to in others(*from).filter(|to| talk.fits(*from, *to)) {
                let once = || prepared(*from, &body, vendor(to), to, Some(capable(to))).unwrap().body;
                prop_assert_eq!(once(), once());
            }
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
    let exchange = exchange(openai, vendor(anthropic), anthropic);
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
