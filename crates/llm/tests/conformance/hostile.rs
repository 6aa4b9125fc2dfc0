//! Bodies made to mislead or to exhaust: two truths in one body, wrong types, depth, breadth, length.

use std::time::{Duration, Instant};

use bytes::Bytes;
use pillion_llm::{ErrorInfo, Format, Framing, outline};
use serde_json::{Value, json};

use crate::drive::{bytes, drive, exchange, exchange_framed, prepared};
use crate::parties::{FORMATS, framings, others, plain_request, vendor};

const O: Format = Format::OpenAIChat;

#[track_caller]
fn refused(format: Format, body: &str) {
    assert!(outline(format, body.as_bytes()).is_err(), "the outline of {format} takes {body:.200}");
    translation_refused(format, body);
}

#[track_caller]
fn translation_refused(format: Format, body: &str) {
    for wire in others(format) {
        let result = prepared(format, &Bytes::copy_from_slice(body.as_bytes()), vendor(wire), wire, None);
        assert!(result.is_err(), "the translation of {format} to {wire} takes {body:.200}");
    }
}

/// The member that holds the conversation.
fn conversation(format: Format) -> &'static str {
    match format {
        Format::OpenAIResponses => "input",
        Format::GeminiGenerateContent => "contents",
        _ => "messages",
    }
}

/// A plain body as text, without its last bracket.
fn open(format: Format) -> String {
    let body = plain_request(format, false).to_string();
    body.strip_suffix('}').unwrap().to_owned()
}

#[test]
fn a_body_with_two_truths_is_refused() {
    for format in FORMATS.iter().copied() {
        let (body, member) = (open(format), conversation(format));
        if !format.asks_in_path() {
            refused(format, &format!(r#"{body},"model":"b"}}"#));
            refused(format, &format!(r#"{body},"mod\u0065l":"b"}}"#));
            refused(format, &format!(r#"{body},"stream":true,"stream":false}}"#));
            refused(format, r#"{"model":7}"#);
        }
        refused(format, &format!(r#"{body}}} {{"model":"b"}}"#));
        refused(format, &format!("\u{feff}{body}}}"));
        refused(format, "");
        refused(format, "[]");
        refused(format, "null");
        refused(format, &body);
        translation_refused(format, &format!(r#"{body},"{member}":[]}}"#));
        translation_refused(format, &format!(r#"{body},"x":1,"x":2}}"#));
        let mut without = plain_request(format, false);
        without.as_object_mut().unwrap().shift_remove(member);
        translation_refused(format, &without.to_string());
        without[member] = json!([7]);
        translation_refused(format, &without.to_string());
        without[member] = json!(7);
        translation_refused(format, &without.to_string());
    }
    let options = r#""stream_options":{"include_usage":true,"include_usage":false}"#;
    refused(O, &format!("{},{options}}}", open(O)));
}

#[test]
fn depth_is_refused_and_never_overflows() {
    let deep = "[".repeat(200_000);
    let closed = format!("{deep}{}", "]".repeat(200_000));
    for format in FORMATS.iter().copied() {
        let body = open(format);
        refused(format, &format!(r#"{body},"x":{closed}}}"#));
        refused(format, &format!(r#"{body},"x":{deep}"#));
        let reply = format!(r#"{{"choices":{closed},"content":{closed},"candidates":{closed},"output":{closed}}}"#);
        for client in FORMATS.iter().copied() {
            let exchange = exchange(client, vendor(format), format);
            for reply in [&closed, &reply] {
                drop(exchange.reply(&Bytes::from(reply.clone())));
                drop(exchange.error(500, &http::HeaderMap::new(), reply.as_bytes()));
                drive(&exchange, [&stream_of(format, reply)[..]]);
            }
        }
    }
}

/// One event of this data.
fn stream_of(format: Format, data: &str) -> Vec<u8> {
    match format.framing() {
        Framing::EventStream => {
            // Framed by hand: the data need not be JSON.
            let data: Value = serde_json::from_str(data).unwrap_or_else(|_| json!(data));
            crate::frames::message("contentBlockDelta", false, &data)
        }
        _ => format!("data: {data}\n\n").into_bytes(),
    }
}

#[test]
fn a_schema_that_refers_to_itself_costs_no_more_than_its_length() {
    let mut definitions = serde_json::Map::new();
    for nth in 0..40 {
        let next = json!({"$ref": format!("#/$defs/d{}", (nth + 1) % 40)});
        definitions.insert(format!("d{nth}"), json!({"type": "object", "properties": {"left": next, "right": next}}));
    }
    let schema = json!({"type": "object", "properties": {"tree": {"$ref": "#/$defs/d0"}}, "$defs": definitions});
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "q"}],
        "tools": [{"type": "function", "function": {"name": "f", "strict": true, "parameters": schema}}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": schema}}});
    let body = bytes(&body);
    let models = [
        (Format::AnthropicMessages, "claude-3-haiku-20240307"),
        (Format::AnthropicMessages, "claude-sonnet-4-5"),
        (Format::OpenAIResponses, "gpt-4o"),
        (Format::GeminiGenerateContent, "gemini-1.5-flash"),
        (Format::GeminiGenerateContent, "gemini-2.5-flash"),
        (Format::BedrockConverse, "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        (Format::BedrockConverse, "amazon.nova-pro-v1:0"),
        (Format::CohereChat, "command-a-03-2025"),
    ];
    for (wire, model) in models.into_iter().filter(|(wire, _)| FORMATS.contains(wire)) {
        let sent = prepared(O, &body, vendor(wire), wire, Some(model)).unwrap().body;
        assert!(sent.len() < 16 * body.len() + 65_536, "for {model} {} bytes became {}", body.len(), sent.len());
    }
}

#[test]
fn an_event_without_an_end_is_a_fault_not_memory() {
    for (client, wire) in FORMATS.iter().flat_map(|client| FORMATS.iter().map(|wire| (*client, *wire))) {
        for framing in framings(wire) {
            if client != wire && *framing != wire.framing() {
                continue;
            }
            let piece = vec![b'x'; 1 << 20];
            let begin = match framing {
                Framing::Sse => b"data: ".to_vec(),
                Framing::JsonArray => b"[{\"x\":\"".to_vec(),
                Framing::EventStream => crate::frames::prelude(u32::MAX - 7),
            };
            let pieces = std::iter::once(&begin[..]).chain(std::iter::repeat_n(piece.as_slice(), 80));
            let framing = if client == wire { *framing } else { client.framing() };
            let driven = drive(&exchange_framed(client, vendor(wire), wire, framing), pieces);
            let fault = driven.fault.unwrap_or_default();
            assert!(fault.starts_with("TooLarge"), "{client} from {wire}: {fault:.200}");
        }
    }
}

#[test]
fn every_prefix_of_a_body_is_read_without_panic() {
    for case in crate::corpus::CASES.iter().filter(|case| case.ours) {
        let body = case.request.as_ref().unwrap();
        for end in 0..body.len() {
            let prefix = body.slice(..end);
            for wire in FORMATS.iter().copied() {
                let result = prepared(case.format(), &prefix, vendor(wire), wire, Some("m"));
                let complete = serde_json::from_slice::<Value>(&prefix).is_ok();
                assert_eq!(result.is_ok(), complete, "{} to {wire} up to {end}", case.id);
            }
        }
    }
}

/// Values of every type, of which all but one are wrong anywhere.
fn wrong() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(-1),
        json!(1e300),
        json!(""),
        json!("\u{0}"),
        json!([]),
        json!({}),
        json!([[null]]),
    ]
}

/// Every value within a body in turn replaced by one of another type.
fn confused(body: &Value, mut each: impl FnMut(&str, Value)) {
    fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
        let step = |key: &str| format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        match value {
            Value::Object(object) => object.iter().for_each(|(key, value)| pointers(value, &step(key), found)),
            Value::Array(items) => {
                items
                    .iter()
                    .take(8)
                    .enumerate()
                    .for_each(|(nth, value)| pointers(value, &step(&nth.to_string()), found));
            }
            _ => {}
        }
        found.push(at.to_owned());
    }
    let mut found = Vec::new();
    pointers(body, "", &mut found);
    for pointer in found.iter().filter(|pointer| !pointer.is_empty()) {
        for value in wrong() {
            let mut body = body.clone();
            *body.pointer_mut(pointer).unwrap() = value;
            each(pointer, body);
        }
    }
}

/// Whether a refusal's field is the place that is wrong, one around it, or one within it.
fn names(param: &str, pointer: &str) -> bool {
    let steps: Vec<&str> = pointer[1..].split('/').collect();
    let told: Vec<&str> = param.split(['.', '[', ']']).filter(|step| !step.is_empty()).collect();
    steps.iter().zip(&told).all(|(step, told)| step == told)
}

#[test]
fn values_of_wrong_types_are_refused_or_read_and_never_panic() {
    for case in crate::corpus::CASES.iter().filter(|case| case.ours) {
        let request: Value = serde_json::from_slice(case.request.as_ref().unwrap()).unwrap();
        for wire in FORMATS.iter().copied() {
            confused(&request, |pointer, body| {
                if let Err(error) = prepared(case.format(), &bytes(&body), vendor(wire), wire, Some("m")) {
                    let told = ErrorInfo::from(error);
                    assert!(told.status == 400 && !told.message.is_empty(), "{} {pointer}: {told:?}", case.id);
                    let named = told.param.as_deref().is_some_and(|param| names(param, pointer));
                    assert!(named, "{} to {wire}: {pointer} is told as {told:?}", case.id);
                }
            });
        }
    }
    for format in FORMATS.iter().copied() {
        let (reply, _) = crate::made::calling(format, &json!("f"), &json!({"x": [1, {"y": "z"}]}));
        for client in FORMATS.iter().copied() {
            let exchange = exchange(client, vendor(format), format);
            confused(&reply, |_, body| drop(exchange.reply(&bytes(&body))));
            confused(&plain_request(format, true), |_, body| {
                drop(prepared(format, &bytes(&body), vendor(client), client, Some("m")));
            });
        }
    }
}

#[test]
fn a_part_that_is_not_as_its_kind_wants_it_is_told_by_its_place_and_member() {
    let anthropic = json!({"model": "m", "max_tokens": 1, "messages": [
        {"role": "user", "content": "q"},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "tool_result", "tool_use_id": 7}]},
    ]});
    let bedrock = json!({"messages": [{"role": "user", "content": [{"text": 7}]}]});
    let gemini = json!({"contents": [{"role": "model", "parts": [{"functionCall": {"args": {}}}]}]});
    let chat = json!({"model": "m", "messages": [{"role": "user", "content": "q"}],
        "tools": [{"type": "function", "name": "f"}]});
    for (client, body, told) in [
        (Format::AnthropicMessages, anthropic, "messages[1].content[1].tool_use_id: must be a string"),
        (Format::BedrockConverse, bedrock, "messages[0].content[0].text: must be a string"),
        (Format::GeminiGenerateContent, gemini, "contents[0].parts[0].functionCall.name: must be a string"),
        (O, chat, "tools[0].function: must be an object"),
    ] {
        for wire in others(client) {
            let error = prepared(client, &bytes(&body), vendor(wire), wire, Some("m")).unwrap_err();
            assert_eq!(ErrorInfo::from(error).message, told, "{client} to {wire}");
        }
    }
}

/// The shortest of a few runs.
fn time(run: impl Fn()) -> Duration {
    let once = || {
        let start = Instant::now();
        run();
        start.elapsed()
    };
    (0..3).map(|_| once()).min().unwrap_or_default()
}

/// Texts that grow with their number, each made to be slow for one kind of carelessness.
fn long(format: Format, number: usize) -> Vec<(&'static str, Value)> {
    let mut bodies = Vec::new();
    let mut add = |what, turns: Vec<Value>| {
        let mut body = plain_request(O, false);
        body["messages"] = Value::Array(turns);
        bodies.push((what, body));
    };
    let user = |content: Value| json!({"role": "user", "content": content});
    add(
        "turns",
        (0..number)
            .map(|nth| json!({"role": if nth % 2 == 0 { "user" } else { "assistant" }, "content": "a"}))
            .collect(),
    );
    add("parts", vec![user((0..number).map(|_| json!({"type": "text", "text": "a"})).collect())]);
    let call =
        |nth: usize| json!({"id": format!("c{nth}"), "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let result = |nth: usize| json!({"role": "tool", "tool_call_id": format!("c{nth}"), "content": "r"});
    let calls: Value = (0..number).map(call).collect();
    let mut turns = vec![user(json!("q")), json!({"role": "assistant", "tool_calls": calls})];
    turns.extend((0..number).rev().map(result));
    add("results in another order", turns);
    add("results without calls", (0..number).map(result).chain([user(json!("q"))]).collect());
    add(
        "system messages",
        (0..number).map(|_| json!({"role": "system", "content": "s"})).chain([user(json!("q"))]).collect(),
    );
    let mut body = plain_request(O, false);
    let tool = |nth: usize| {
        let name = format!("srv.tool/{nth}");
        json!({"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {"a": {"$ref": "#/$defs/b"}}, "$defs": {"b": {"type": "string"}}}}})
    };
    body["tools"] = (0..number).map(tool).collect();
    bodies.push(("tools of odd names", body));
    // The same in the client's own words.
    if format == O {
        return bodies;
    }
    let own = |(what, body): &(&'static str, Value)| {
        let sent = prepared(O, &bytes(body), vendor(format), format, Some("m")).ok()?;
        Some((*what, serde_json::from_slice(&sent.body).unwrap()))
    };
    bodies.iter().filter_map(own).collect()
}

#[test]
fn a_megabyte_of_hostile_text_takes_time_that_grows_with_its_length() {
    for client in FORMATS.iter().copied() {
        let (small, large) = (long(client, 500), long(client, 4000));
        for (what, body) in &large {
            let Some((_, little)) = small.iter().find(|(other, _)| other == what) else { continue };
            let (body, little) = (bytes(body), bytes(little));
            for wire in others(client) {
                let run = |body: &Bytes| drop(prepared(client, body, vendor(wire), wire, Some("m")));
                let (short, long) = (time(|| run(&little)), time(|| run(&body)));
                // Eight times as much; a square would take sixty-four times.
                let bound = short * 32 + Duration::from_millis(50);
                assert!(long < bound, "{client} to {wire}, {what}: {short:?}, and eight times as much {long:?}");
            }
        }
    }
}

#[test]
fn a_long_stream_takes_time_that_grows_with_its_length() {
    // Thousands of deltas in single bytes, and one event in single bytes.
    let chunk = |text: &str| {
        format!("data: {}\n\n", json!({"id": "c", "model": "m", "choices": [{"index": 0, "delta": {"content": text}}]}))
    };
    let end = "data: {\"id\":\"c\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    for client in FORMATS.iter().copied() {
        let exchange = exchange(client, vendor(O), O);
        for (what, unit) in [("deltas", chunk("a")), ("one delta", chunk(&"a".repeat(100)))] {
            let stream = |number: usize| match what {
                "deltas" => unit.repeat(number) + end,
                _ => chunk(&"a".repeat(100 * number)) + end,
            };
            let (little, much) = (stream(250), stream(2000));
            let run = |stream: &str| drop(drive(&exchange, stream.as_bytes().chunks(16)));
            let (short, long) = (time(|| run(&little)), time(|| run(&much)));
            let bound = short * 32 + Duration::from_millis(50);
            assert!(long < bound, "{client}, {what}: {short:?}, and eight times as much {long:?}");
        }
    }
}
