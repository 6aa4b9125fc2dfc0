//! Replies made by hand, in each format: one that calls a tool, whole and as a stream.

use pillion_llm::Format;
use serde_json::{Value, json};

use crate::frames;

/// Events under their names, as server-sent events.
fn sse(events: &[Value], named: bool) -> Vec<u8> {
    let written = events.iter().map(|event| {
        let name = event["type"].as_str().filter(|_| named);
        let name = name.map(|name| format!("event: {name}\n")).unwrap_or_default();
        format!("{name}data: {event}\n\n")
    });
    written.collect::<String>().into_bytes()
}

/// A reply that calls `name`, whole and as a stream.
pub(crate) fn calling(wire: Format, name: &Value, input: &Value) -> (Value, Vec<u8>) {
    match wire {
        Format::OpenAIChat => openai(name, input),
        Format::OpenAIResponses => responses(name, input),
        Format::AnthropicMessages => anthropic(name, input),
        Format::GeminiGenerateContent => {
            let call = json!({"functionCall": {"id": "c1", "name": name, "args": input}});
            let candidate = json!({"content": {"role": "model", "parts": [call]}, "finishReason": "STOP", "index": 0});
            let usage = json!({"promptTokenCount": 1, "candidatesTokenCount": 2, "totalTokenCount": 3});
            let reply =
                json!({"candidates": [candidate], "usageMetadata": usage, "modelVersion": "m", "responseId": "r"});
            let stream = sse(std::slice::from_ref(&reply), false);
            (reply, stream)
        }
        Format::BedrockConverse => bedrock(name, input),
        Format::CohereChat => cohere(name, input),
    }
}

fn openai(name: &Value, input: &Value) -> (Value, Vec<u8>) {
    let function = json!({"name": name, "arguments": input.to_string()});
    let call = json!({"index": 0, "id": "c1", "type": "function", "function": function});
    let message = json!({"role": "assistant", "content": null, "tool_calls": [call]});
    let chunk = |delta: &Value, finish: Value| {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
        json!({"id": "c", "model": "m", "created": 1, "choices": [choice]})
    };
    let mut stream = sse(&[chunk(&message, Value::Null), chunk(&json!({}), json!("tool_calls"))], false);
    stream.extend_from_slice(b"data: [DONE]\n\n");
    let choice = json!({"index": 0, "message": message, "finish_reason": "tool_calls"});
    (json!({"id": "c", "model": "m", "created": 1, "choices": [choice]}), stream)
}

fn responses(name: &Value, input: &Value) -> (Value, Vec<u8>) {
    let item = |status: &str, arguments: &str| json!({"type": "function_call", "id": "fc_1", "call_id": "c1", "name": name, "arguments": arguments, "status": status});
    let response = |status: &str, output: Value| {
        json!({"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "status": status, "output": output,
            "usage": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}})
    };
    let done = item("completed", &input.to_string());
    let whole = response("completed", json!([done]));
    let events = [
        json!({"type": "response.created", "sequence_number": 0, "response": response("in_progress", json!([]))}),
        json!({"type": "response.output_item.added", "sequence_number": 1, "output_index": 0, "item": item("in_progress", "")}),
        json!({"type": "response.function_call_arguments.delta", "sequence_number": 2, "output_index": 0, "item_id": "fc_1", "delta": input.to_string()}),
        json!({"type": "response.function_call_arguments.done", "sequence_number": 3, "output_index": 0, "item_id": "fc_1", "arguments": input.to_string()}),
        json!({"type": "response.output_item.done", "sequence_number": 4, "output_index": 0, "item": done}),
        json!({"type": "response.completed", "sequence_number": 5, "response": whole}),
    ];
    let stream = sse(&events, true);
    (whole, stream)
}

fn anthropic(name: &Value, input: &Value) -> (Value, Vec<u8>) {
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
    (message(json!([block(input.clone())]), json!("tool_use")), sse(&events, true))
}

fn bedrock(name: &Value, input: &Value) -> (Value, Vec<u8>) {
    let usage = json!({"inputTokens": 1, "outputTokens": 2, "totalTokens": 3});
    let call = json!({"toolUseId": "c1", "name": name, "input": input});
    let reply = json!({"output": {"message": {"role": "assistant", "content": [{"toolUse": call}]}},
        "stopReason": "tool_use", "usage": usage, "metrics": {"latencyMs": 1}});
    let events = [
        ("messageStart", json!({"role": "assistant"})),
        ("contentBlockStart", json!({"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": "c1", "name": name}}})),
        ("contentBlockDelta", json!({"contentBlockIndex": 0, "delta": {"toolUse": {"input": input.to_string()}}})),
        ("contentBlockStop", json!({"contentBlockIndex": 0})),
        ("messageStop", json!({"stopReason": "tool_use"})),
        ("metadata", json!({"usage": usage, "metrics": {"latencyMs": 1}})),
    ];
    (reply, events.iter().flat_map(|(name, payload)| frames::message(name, false, payload)).collect())
}

fn cohere(name: &Value, input: &Value) -> (Value, Vec<u8>) {
    let usage = json!({"tokens": {"input_tokens": 1, "output_tokens": 2}});
    let call =
        |arguments: &str| json!({"id": "c1", "type": "function", "function": {"name": name, "arguments": arguments}});
    let reply = json!({"id": "r", "finish_reason": "TOOL_CALL", "usage": usage,
        "message": {"role": "assistant", "tool_calls": [call(&input.to_string())]}});
    let message = |message: Value| json!({"message": message});
    let piece = json!({"function": {"arguments": input.to_string()}});
    let events = [
        json!({"type": "message-start", "id": "r", "delta": message(json!({"role": "assistant"}))}),
        json!({"type": "tool-call-start", "index": 0, "delta": message(json!({"tool_calls": call("")}))}),
        json!({"type": "tool-call-delta", "index": 0, "delta": message(json!({"tool_calls": piece}))}),
        json!({"type": "tool-call-end", "index": 0}),
        json!({"type": "message-end", "delta": {"finish_reason": "TOOL_CALL", "usage": usage}}),
    ];
    (reply, sse(&events, true))
}
