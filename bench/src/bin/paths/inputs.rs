//! What the paths are run on: bodies and streams of each format.

use bytes::Bytes;
use http::{HeaderMap, Method};
use pillion_llm::{Call, Format, Target, classify, outline, prepare, provider};
use serde_json::{Map, json};
use std::collections::BTreeMap;

/// All of them.
pub(crate) struct Inputs {
    pub(crate) headers: HeaderMap,
    pub(crate) openai_1k: Bytes,
    pub(crate) openai_50k: Bytes,
    pub(crate) anthropic_1k: Bytes,
    /// The plainest request of each format for a stream.
    pub(crate) requests: BTreeMap<Format, Bytes>,
    /// A hundred deltas of each format, event by event.
    pub(crate) streams: BTreeMap<Format, Vec<Bytes>>,
}

impl Inputs {
    pub(crate) fn new() -> Self {
        Self {
            headers: HeaderMap::new(),
            openai_1k: conversation(1024),
            openai_50k: conversation(50 * 1024),
            anthropic_1k: conversation(1024),
            requests: Format::ALL.iter().map(|format| (*format, plain(*format))).collect(),
            streams: Format::ALL.iter().map(|format| (*format, deltas(*format))).collect(),
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

/// The deltas as a client of this format gets them.
fn deltas(format: Format) -> Vec<Bytes> {
    let events = anthropic_deltas();
    let wire = Format::AnthropicMessages;
    if format == wire {
        return events;
    }
    let (none, body) = (Map::new(), plain(format));
    let target = Target {
        provider: provider(vendor(wire)).expect("a provider of the list"),
        wire: wire.into(),
        model: Some("m"),
        defaults: &none,
        overrides: &none,
        ask_usage: true,
    };
    let outline = outline(format, &body).expect("a valid body").told_by(&call(format));
    let mut stream =
        prepare(format, &body, &outline, &target).expect("a body that can be translated").exchange.stream();
    let mut out = Vec::new();
    events.into_iter().for_each(|event| stream.push(event, &mut out).expect("a valid stream"));
    stream.finish(&mut out).expect("a complete stream");
    out
}

/// The plainest request for a stream.
fn plain(format: Format) -> Bytes {
    let messages = json!([{"role": "user", "content": "hello"}]);
    let body = match format {
        Format::OpenAIChat => {
            json!({"model": "m", "stream": true, "stream_options": {"include_usage": true}, "messages": messages})
        }
        Format::OpenAIResponses => json!({"model": "m", "stream": true, "input": "hello"}),
        Format::AnthropicMessages => json!({"model": "m", "stream": true, "max_tokens": 64, "messages": messages}),
        Format::GeminiGenerateContent => json!({"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}),
        Format::BedrockConverse => json!({"messages": [{"role": "user", "content": [{"text": "hello"}]}]}),
        Format::CohereChat => json!({"model": "m", "stream": true, "messages": messages}),
    };
    body.to_string().into()
}

/// The call that asks for a stream of this format.
pub(crate) fn call(format: Format) -> Call {
    let (path, query) = match format {
        Format::OpenAIChat => ("/v1/chat/completions", None),
        Format::OpenAIResponses => ("/v1/responses", None),
        Format::AnthropicMessages => ("/v1/messages", None),
        Format::GeminiGenerateContent => ("/v1beta/models/m:streamGenerateContent", Some("alt=sse")),
        Format::BedrockConverse => ("/model/m/converse-stream", None),
        Format::CohereChat => ("/v2/chat", None),
    };
    classify(&Method::POST, path, query, &HeaderMap::new())
}

/// The provider of a format's own vendor.
pub(crate) fn vendor(format: Format) -> &'static str {
    match format {
        Format::OpenAIChat | Format::OpenAIResponses => "OpenAI",
        Format::AnthropicMessages => "Anthropic",
        Format::GeminiGenerateContent => "Gemini",
        Format::BedrockConverse => "Bedrock",
        Format::CohereChat => "Cohere",
    }
}
