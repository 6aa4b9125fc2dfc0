//! One pure path of the data plane, run a number of times: what `tests/instructions.rs` counts under callgrind.
//!
//! `paths NAME ITERATIONS`; without arguments it prints the names.

use bytes::Bytes;
use http::{HeaderMap, Method};
use pillion_llm::{Format, Target, classify, outline, prepare, provider};
use serde_json::{Map, json};
use std::hint::black_box;

/// A path, run once.
type Run = fn(&Inputs);

/// Names and what they run.
const PATHS: [(&str, Run); 12] = [
    ("classify", |inputs| {
        drop(black_box(classify(&Method::POST, "/-/openai/v1/chat/completions", None, &inputs.headers)))
    }),
    ("openai-request-1k", |inputs| request(Format::OpenAIChat, "OpenAI", Format::OpenAIChat, &inputs.openai_1k)),
    ("openai-request-50k", |inputs| request(Format::OpenAIChat, "OpenAI", Format::OpenAIChat, &inputs.openai_50k)),
    ("openai-to-anthropic-request-1k", |inputs| {
        request(Format::OpenAIChat, "Anthropic", Format::AnthropicMessages, &inputs.openai_1k);
    }),
    ("openai-to-anthropic-request-50k", |inputs| {
        request(Format::OpenAIChat, "Anthropic", Format::AnthropicMessages, &inputs.openai_50k);
    }),
    ("anthropic-to-openai-request-1k", |inputs| {
        request(Format::AnthropicMessages, "OpenAI", Format::OpenAIChat, &inputs.anthropic_1k);
    }),
    ("anthropic-request-1k", |inputs| {
        request(Format::AnthropicMessages, "Anthropic", Format::AnthropicMessages, &inputs.anthropic_1k);
    }),
    ("openai-stream-100", |inputs| {
        stream(Format::OpenAIChat, "OpenAI", Format::OpenAIChat, &inputs.openai_1k, &inputs.openai_deltas);
    }),
    ("anthropic-stream-100", |inputs| {
        let wire = Format::AnthropicMessages;
        stream(wire, "Anthropic", wire, &inputs.anthropic_1k, &inputs.anthropic_deltas);
    }),
    ("openai-to-anthropic-stream-100", |inputs| {
        let wire = Format::AnthropicMessages;
        stream(Format::OpenAIChat, "Anthropic", wire, &inputs.openai_1k, &inputs.anthropic_deltas);
    }),
    ("anthropic-to-openai-stream-100", |inputs| {
        let wire = Format::OpenAIChat;
        stream(Format::AnthropicMessages, "OpenAI", wire, &inputs.anthropic_1k, &inputs.openai_deltas);
    }),
    ("echo", |inputs| {
        let outline = outline(Format::OpenAIChat, &inputs.openai_1k).expect("a valid body");
        drop(black_box(pillion_llm::echo(Format::OpenAIChat, &inputs.openai_1k, &outline)));
    }),
];

struct Inputs {
    headers: HeaderMap,
    openai_1k: Bytes,
    openai_50k: Bytes,
    anthropic_1k: Bytes,
    openai_deltas: Vec<Bytes>,
    anthropic_deltas: Vec<Bytes>,
}

impl Inputs {
    fn new() -> Self {
        Self {
            headers: HeaderMap::new(),
            openai_1k: conversation(1024),
            openai_50k: conversation(50 * 1024),
            anthropic_1k: conversation(1024),
            openai_deltas: openai_deltas(),
            anthropic_deltas: anthropic_deltas(),
        }
    }
}

/// A conversation that both formats take as it stands.
fn conversation(bytes: usize) -> Bytes {
    let turn = "The quick brown fox jumps over the lazy dog, \"quoted\", and on.\n".repeat(8);
    let turns = (bytes / turn.len()).max(1) | 1;
    let messages: Vec<_> =
        (0..turns).map(|i| json!({"role": if i % 2 == 0 { "user" } else { "assistant" }, "content": turn})).collect();
    json!({"model": "bench", "messages": messages, "max_tokens": 256, "stream": true}).to_string().into()
}

fn openai_deltas() -> Vec<Bytes> {
    let chunk = |delta: serde_json::Value, finish: Option<&str>| {
        let choice = json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish});
        let chunk = json!({"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1_767_225_600,
            "model": "bench", "choices": [choice]});
        Bytes::from(format!("data: {chunk}\n\n"))
    };
    let mut chunks = vec![chunk(json!({"role": "assistant", "content": ""}), None)];
    chunks.extend((0..100).map(|i| chunk(json!({"content": format!(" word{i}")}), None)));
    chunks.push(chunk(json!({}), Some("stop")));
    chunks.push(Bytes::from_static(b"data: [DONE]\n\n"));
    chunks
}

fn anthropic_deltas() -> Vec<Bytes> {
    let event = |name: &str, mut data: serde_json::Value| {
        data["type"] = name.into();
        Bytes::from(format!("event: {name}\ndata: {data}\n\n"))
    };
    let message = json!({"id": "msg_bench", "type": "message", "role": "assistant", "model": "bench", "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": {"input_tokens": 256, "output_tokens": 1}});
    let mut events = vec![
        event("message_start", json!({"message": message})),
        event("content_block_start", json!({"index": 0, "content_block": {"type": "text", "text": ""}})),
    ];
    events.extend((0..100).map(|i| {
        event("content_block_delta", json!({"index": 0, "delta": {"type": "text_delta", "text": format!(" word{i}")}}))
    }));
    events.push(event("content_block_stop", json!({"index": 0})));
    let delta = json!({"stop_reason": "end_turn", "stop_sequence": null});
    events.push(event("message_delta", json!({"delta": delta, "usage": {"output_tokens": 100}})));
    events.push(event("message_stop", json!({})));
    events
}

fn prepared(client: Format, kind: &str, wire: Format, body: &Bytes) -> pillion_llm::Prepared {
    let none = Map::new();
    let target = Target {
        provider: provider(kind).expect("a provider of the list"),
        wire: wire.into(),
        model: Some("another"),
        defaults: &none,
        overrides: &none,
        ask_usage: true,
    };
    let outline = outline(client, body).expect("a valid body");
    prepare(client, body, &outline, &target).expect("a body that can be translated")
}

fn request(client: Format, kind: &str, wire: Format, body: &Bytes) {
    black_box(prepared(client, kind, wire, body).body);
}

fn stream(client: Format, kind: &str, wire: Format, body: &Bytes, events: &[Bytes]) {
    let mut stream = prepared(client, kind, wire, body).exchange.stream();
    let mut out = Vec::with_capacity(8);
    for event in events {
        stream.push(event.clone(), &mut out).expect("a valid stream");
        black_box(&out);
        out.clear();
    }
    stream.finish(&mut out).expect("a complete stream");
    black_box(&out);
}

#[allow(clippy::print_stdout, reason = "the names are what it prints")]
fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(name), Some(iterations)) = (arguments.next(), arguments.next()) else {
        return PATHS.iter().for_each(|(name, _)| println!("{name}"));
    };
    let (_, path) = PATHS.iter().find(|(known, _)| *known == name).expect("a name of the list");
    let inputs = Inputs::new();
    for _ in 0..iterations.parse().expect("a number of iterations") {
        path(&inputs);
    }
}
