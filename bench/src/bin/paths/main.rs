//! One pure path of the data plane, run a number of times: what `tests/instructions.rs` counts under callgrind.
//!
//! `paths NAME ITERATIONS` runs one, `paths --allocations NAME` tells how often one asks for memory; without arguments it prints
//! the names.

mod inputs;

use bytes::Bytes;
use http::Method;
use inputs::{Inputs, vendor};
use pillion_llm::{Format, Target, classify, outline, prepare, provider};
use serde_json::Map;
use std::hint::black_box;

/// A path, run once.
type Run = fn(&Inputs);

/// Names and what they run. Beside them every pair of formats has a stream, see [`pairs`].
const PATHS: [(&str, Run); 8] = [
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
    ("echo", |inputs| {
        let outline = outline(Format::OpenAIChat, &inputs.openai_1k).expect("a valid body");
        drop(black_box(pillion_llm::echo(Format::OpenAIChat, &inputs.openai_1k, &outline)));
    }),
];

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
    let outline = outline(client, body).expect("a valid body").told_by(&inputs::call(client));
    prepare(client, body, &outline, &target).expect("a body that can be translated")
}

fn request(client: Format, kind: &str, wire: Format, body: &Bytes) {
    black_box(prepared(client, kind, wire, body).body);
}

/// A request for a stream, and a hundred deltas.
fn stream(inputs: &Inputs, client: Format, wire: Format) {
    let (body, events) = (&inputs.requests[&client], &inputs.streams[&wire]);
    let mut stream = prepared(client, vendor(wire), wire, body).exchange.stream();
    let mut out = Vec::with_capacity(8);
    for event in events {
        stream.push(event.clone(), &mut out).expect("a valid stream");
        black_box(&out);
        out.clear();
    }
    stream.finish(&mut out).expect("a complete stream");
    black_box(&out);
}

/// A stream of a hundred deltas for every client and wire: `stream CLIENT of WIRE`.
fn pairs() -> impl Iterator<Item = (String, Format, Format)> {
    let pairs = Format::ALL.iter().flat_map(|client| Format::ALL.iter().map(move |wire| (*client, *wire)));
    pairs.map(|(client, wire)| (format!("stream {client} of {wire}"), client, wire))
}

fn run(name: &str, inputs: &Inputs) {
    if let Some((_, path)) = PATHS.iter().find(|(known, _)| *known == name) {
        return path(inputs);
    }
    let (_, client, wire) = pairs().find(|(known, ..)| known == name).expect("a name of the list");
    stream(inputs, client, wire);
}

#[allow(clippy::print_stdout, reason = "names and counts are what it prints")]
fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--allocations", name] => {
            let inputs = Inputs::new();
            println!("{}", allocation_counter::measure(|| run(name, &inputs)).count_total);
        }
        [name, iterations] => {
            let inputs = Inputs::new();
            (0..iterations.parse().expect("a number of iterations")).for_each(|_: u32| run(name, &inputs));
        }
        _ => {
            PATHS.iter().for_each(|(name, _)| println!("{name}"));
            pairs().for_each(|(name, ..)| println!("{name}"));
        }
    }
}
