//! Usage as genai-prices extracts it from recorded bodies: what the gateway counts must be what a biller counts.

use pillion_llm::{Format, Usage};
use serde_json::{Value, json};

use crate::corpus::present;
use crate::drive::{bytes, exchange};
use crate::excluded::say;
use crate::parties::{FORMATS, vendor};

/// The formats by provider and flavour of its extractors.
const FLAVOURS: &[(&str, &str, Format)] = &[
    ("openai", "chat", Format::OpenAIChat),
    ("openai", "responses", Format::OpenAIResponses),
    ("anthropic", "default", Format::AnthropicMessages),
    ("google", "default", Format::GeminiGenerateContent),
    ("aws", "default", Format::BedrockConverse),
    ("cohere", "tokens", Format::CohereChat),
];

/// The plainest reply of a format around a recorded usage.
fn reply(format: Format, body: &Value) -> Value {
    let mut reply = match format {
        Format::OpenAIChat => json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "a"}, "finish_reason": "stop"}]}),
        Format::OpenAIResponses => json!({"id": "r", "object": "response", "created_at": 1, "model": "m",
            "status": "completed", "output": []}),
        Format::AnthropicMessages => json!({"id": "m", "type": "message", "role": "assistant", "model": "m",
            "content": [{"type": "text", "text": "a"}], "stop_reason": "end_turn", "stop_sequence": null}),
        Format::GeminiGenerateContent => json!({"candidates": [
            {"content": {"role": "model", "parts": [{"text": "a"}]}, "finishReason": "STOP", "index": 0}]}),
        Format::BedrockConverse => json!({"output": {"message": {"role": "assistant", "content": [{"text": "a"}]}},
            "stopReason": "end_turn", "metrics": {"latencyMs": 1}}),
        Format::CohereChat => json!({"id": "c", "finish_reason": "COMPLETE",
            "message": {"role": "assistant", "content": [{"type": "text", "text": "a"}]}}),
    };
    for member in ["usage", "usageMetadata"] {
        if let Some(usage) = body.get(member) {
            reply[member] = usage.clone();
        }
    }
    reply
}

/// Bodies of one vendor are read by the extractors of another that uses the same names; only the vendor's own count.
fn is_of(format: Format, usage: &Value) -> bool {
    match format {
        Format::OpenAIChat => !usage["prompt_tokens"].is_null() && !usage["completion_tokens"].is_null(),
        Format::OpenAIResponses => !usage["input_tokens_details"].is_null(),
        Format::AnthropicMessages => {
            usage["input_tokens_details"].is_null() && !usage["cache_creation_input_tokens"].is_null()
        }
        Format::GeminiGenerateContent => true,
        Format::BedrockConverse => !usage["inputTokens"].is_null(),
        Format::CohereChat => !usage["tokens"].is_null(),
    }
}

#[test]
fn usage_is_what_genai_prices_extracts() {
    let Some(folder) = present("the folder of genai-prices' cases", "PILLION_SPECS", "../shared/specs") else { return };
    let cases = std::fs::read(folder.join("genai-prices/usages.json")).unwrap();
    let cases: Vec<Value> = serde_json::from_slice(&cases).unwrap();
    let (mut problems, mut counts) = (Vec::new(), [0_u32; FLAVOURS.len()]);
    for case in &cases {
        let body = &case["body"];
        for extracted in case["extracted"].as_array().into_iter().flatten() {
            for (at, (provider, flavour, format)) in FLAVOURS.iter().enumerate() {
                let of =
                    |extractor: &Value| extractor["provider_id"] == *provider && extractor["api_flavor"] == *flavour;
                let read = extracted["extractors"].as_array().is_some_and(|extractors| extractors.iter().any(of));
                if !read || !FORMATS.contains(format) || !is_of(*format, body.get("usage").unwrap_or(&Value::Null)) {
                    continue;
                }
                counts[at] += 1;
                for client in [*format, Format::OpenAIChat, Format::AnthropicMessages] {
                    if let Err(why) = judge(client, *format, body, &extracted["usage"]) {
                        problems.push(format!("{} for {client}: {why}", body["file"]));
                    }
                }
            }
        }
    }
    let counts: Vec<_> = FLAVOURS.iter().zip(counts).map(|((.., format), count)| format!("{format} {count}")).collect();
    say(&format!("usages of genai-prices: {}", counts.join(", ")));
    let more = problems.len().saturating_sub(20);
    problems.truncate(20);
    assert!(problems.is_empty(), "{} and {more} more", problems.join("\n"));
}

fn judge(client: Format, wire: Format, body: &Value, expected: &Value) -> Result<(), String> {
    let reply = exchange(client, vendor(wire), wire).reply(&bytes(&reply(wire, body)));
    let reply = reply.map_err(|fault| fault.to_string())?;
    let usage = reply.usage.unwrap_or_default();
    let count = |name: &str| expected[name].as_u64().unwrap_or_default();
    let wanted = Usage {
        input: count("input_tokens"),
        output: count("output_tokens"),
        cached_input: count("cache_read_tokens"),
        cache_creation: count("cache_write_tokens"),
        // Not every extractor tells it.
        reasoning: usage.reasoning,
    };
    if usage == wanted { Ok(()) } else { Err(format!("{usage:?}, expected {expected} of {body}")) }
}
