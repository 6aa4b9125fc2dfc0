//! What a reply says, whatever its format and whether it was streamed: read from JSON by the vendors' documents,
//! independently of the crate's own readers.

use pillion_llm::Format;
use serde_json::{Map, Value, json};

use crate::sse::Event;

/// A reply under OpenAI's words and OpenAI's inclusive counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct View {
    /// Text, and refusals behind it: a format without a place for refusals says them as text.
    pub(crate) text: String,
    pub(crate) thinking: String,
    /// Id, name, arguments. Arguments that are no JSON object, which only text can carry, count as none.
    pub(crate) calls: Vec<(String, String, Value)>,
    pub(crate) finish: Option<String>,
    pub(crate) usage: Option<Counts>,
}

/// Tokens, the cache's in the input.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Counts {
    pub(crate) input: u64,
    pub(crate) output: u64,
    pub(crate) cached: u64,
}

/// Reads a whole reply.
pub(crate) fn of_reply(format: Format, reply: &Value) -> View {
    match format {
        Format::OpenAIChat => of_openai(reply),
        Format::AnthropicMessages => of_anthropic(reply),
    }
}

/// Puts the events of a stream together as a client does.
pub(crate) fn of_stream(format: Format, events: &[Event]) -> Result<View, String> {
    Ok(of_reply(format, &aggregate(format, events)?))
}

/// The whole reply that a stream adds up to.
pub(crate) fn aggregate(format: Format, events: &[Event]) -> Result<Value, String> {
    match format {
        Format::OpenAIChat => aggregate_openai(events),
        Format::AnthropicMessages => aggregate_anthropic(events),
    }
}

fn of_openai(reply: &Value) -> View {
    let choice = &reply["choices"][0];
    let message = &choice["message"];
    let mut view = View { usage: openai_counts(&reply["usage"]), ..View::default() };
    match &message["content"] {
        Value::String(text) => view.text.clone_from(text),
        Value::Array(parts) => {
            for part in parts {
                match part["type"].as_str() {
                    Some("thinking") => view.thinking.push_str(&joined(&part["thinking"])),
                    _ => view.text.push_str(part["text"].as_str().unwrap_or_default()),
                }
            }
        }
        _ => {}
    }
    let refusal = message["refusal"].as_str().unwrap_or_default();
    view.text.push_str(refusal);
    for member in ["reasoning_content", "reasoning"] {
        if view.thinking.is_empty() {
            view.thinking = message[member].as_str().unwrap_or_default().to_owned();
        }
    }
    for call in message["tool_calls"].as_array().into_iter().flatten() {
        let function = &call["function"];
        let arguments = serde_json::from_str(function["arguments"].as_str().unwrap_or_default());
        let arguments = arguments.ok().filter(Value::is_object).unwrap_or(json!({}));
        view.calls.push((string(&call["id"]), string(&function["name"]), arguments));
    }
    view.finish = choice["finish_reason"].as_str().map(|finish| match finish {
        // OpenAI ends a refusal of the model's own with `stop`; other formats have a word for it.
        "stop" if !refusal.is_empty() => "content_filter".to_owned(),
        finish => finish.to_owned(),
    });
    view
}

fn of_anthropic(reply: &Value) -> View {
    let mut view = View { usage: anthropic_counts(&reply["usage"]), ..View::default() };
    for block in reply["content"].as_array().into_iter().flatten() {
        match block["type"].as_str() {
            Some("text") => view.text.push_str(block["text"].as_str().unwrap_or_default()),
            Some("thinking") => view.thinking.push_str(block["thinking"].as_str().unwrap_or_default()),
            Some("tool_use") => {
                let input = Some(block["input"].clone()).filter(Value::is_object).unwrap_or(json!({}));
                view.calls.push((string(&block["id"]), string(&block["name"]), input));
            }
            _ => {}
        }
    }
    view.finish = reply["stop_reason"].as_str().map(|reason| finish_of(reason).to_owned());
    if reply["stop_reason"] == "refusal" {
        view.text.push_str(reply["stop_details"]["explanation"].as_str().unwrap_or_default());
    }
    view
}

/// The table of stop reasons, Anthropic's to OpenAI's.
pub(crate) fn finish_of(stop_reason: &str) -> &str {
    match stop_reason {
        "end_turn" | "stop_sequence" | "pause_turn" => "stop",
        "max_tokens" | "model_context_window_exceeded" => "length",
        "tool_use" => "tool_calls",
        "refusal" => "content_filter",
        // Compaction ends a turn that the client goes on with.
        "compaction" => "stop",
        other => other,
    }
}

pub(crate) fn openai_counts(usage: &Value) -> Option<Counts> {
    usage.as_object()?;
    let count = |value: &Value| value.as_u64().unwrap_or_default();
    let (input, output) = (count(&usage["prompt_tokens"]), count(&usage["completion_tokens"]));
    let reasoning = count(&usage["completion_tokens_details"]["reasoning_tokens"]);
    // xAI counts reasoning beside the completion, as its total shows.
    let beside = reasoning > 0 && count(&usage["total_tokens"]) == input + output + reasoning;
    Some(Counts {
        input,
        output: if beside { output + reasoning } else { output },
        cached: count(&usage["prompt_tokens_details"]["cached_tokens"]).max(count(&usage["prompt_cache_hit_tokens"])),
    })
}

pub(crate) fn anthropic_counts(usage: &Value) -> Option<Counts> {
    usage.as_object()?;
    let count = |key: &str| usage[key].as_u64().unwrap_or_default();
    let cached = count("cache_read_input_tokens");
    Some(Counts {
        input: count("input_tokens") + cached + count("cache_creation_input_tokens"),
        output: count("output_tokens"),
        cached,
    })
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn joined(parts: &Value) -> String {
    parts.as_array().into_iter().flatten().filter_map(|part| part["text"].as_str()).collect()
}

fn aggregate_openai(events: &[Event]) -> Result<Value, String> {
    let mut reply = json!({"object": "chat.completion", "choices": []});
    let (mut message, mut finish, mut usage) = (Map::new(), Value::Null, Value::Null);
    let mut calls: Vec<Value> = Vec::new();
    message.insert("role".to_owned(), json!("assistant"));
    message.insert("content".to_owned(), Value::Null);
    for event in events.iter().filter(|event| event.data.trim() != "[DONE]" && !event.data.trim().is_empty()) {
        let chunk = event.json()?;
        for key in ["id", "model", "created"] {
            if reply.get(key).is_none() && !chunk[key].is_null() {
                reply[key] = chunk[key].clone();
            }
        }
        if chunk["usage"].is_object() {
            usage = chunk["usage"].clone();
        }
        let choices = chunk["choices"].as_array().into_iter().flatten();
        for choice in choices.filter(|choice| choice["index"].as_u64().unwrap_or_default() == 0) {
            if finish.is_null() {
                finish = choice["finish_reason"].clone();
            }
            let delta = &choice["delta"];
            for key in ["content", "refusal", "reasoning_content", "reasoning"] {
                append(&mut message, key, &delta[key]);
            }
            for call in delta["tool_calls"].as_array().into_iter().flatten() {
                fragment(&mut calls, call);
            }
        }
    }
    if !calls.is_empty() {
        message.insert("tool_calls".to_owned(), Value::Array(calls));
    }
    reply["choices"] = json!([{"index": 0, "message": message, "logprobs": null, "finish_reason": finish}]);
    if !usage.is_null() {
        reply["usage"] = usage;
    }
    Ok(reply)
}

/// Adds a piece of a member: text to text, parts to parts (Mistral thinks in parts).
fn append(message: &mut Map<String, Value>, key: &str, piece: &Value) {
    match (message.get_mut(key), piece) {
        (Some(Value::String(text)), Value::String(piece)) => text.push_str(piece),
        (Some(Value::Array(parts)), Value::Array(piece)) => parts.extend(piece.iter().cloned()),
        (Some(Value::Array(parts)), Value::String(piece)) if !piece.is_empty() => {
            parts.push(json!({"type": "text", "text": piece}))
        }
        (Some(Value::String(text)), Value::Array(piece)) => {
            let mut parts = if text.is_empty() { Vec::new() } else { vec![json!({"type": "text", "text": text})] };
            parts.extend(piece.iter().cloned());
            message.insert(key.to_owned(), Value::Array(parts));
        }
        (None | Some(Value::Null), Value::String(_) | Value::Array(_)) => {
            message.insert(key.to_owned(), piece.clone());
        }
        _ => {}
    }
}

/// Adds a fragment of a call; one without an index goes by its id, or begins a call.
fn fragment(calls: &mut Vec<Value>, piece: &Value) {
    let at = match piece["index"].as_u64() {
        Some(index) => calls.iter().position(|call| call["index"] == index),
        None => calls.iter().position(|call| !piece["id"].is_null() && call["id"] == piece["id"]),
    };
    let at = at.unwrap_or_else(|| {
        let index = piece["index"].as_u64().unwrap_or(calls.len() as u64);
        calls.push(json!({"index": index, "id": null, "type": "function", "function": {"name": "", "arguments": ""}}));
        calls.len() - 1
    });
    let call = &mut calls[at];
    if call["id"].is_null() {
        call["id"] = piece["id"].clone();
    }
    for key in ["name", "arguments"] {
        let sofar = string(&call["function"][key]);
        call["function"][key] = json!(sofar + piece["function"][key].as_str().unwrap_or_default());
    }
}

fn aggregate_anthropic(events: &[Event]) -> Result<Value, String> {
    let mut reply = Value::Null;
    let mut blocks: Vec<(Value, Value, String)> = Vec::new();
    for event in events {
        let value = event.json()?;
        match value["type"].as_str().unwrap_or_default() {
            "message_start" => reply = value["message"].clone(),
            "content_block_start" => {
                blocks.push((value["index"].clone(), value["content_block"].clone(), String::new()))
            }
            "content_block_delta" => {
                let Some((_, block, json)) = blocks.iter_mut().rev().find(|(index, ..)| *index == value["index"])
                else {
                    return Err(format!("a delta of no block: {value}"));
                };
                let delta = &value["delta"];
                for key in ["text", "thinking", "signature"] {
                    if let Some(piece) = delta[key].as_str() {
                        block[key] = json!(string(&block[key]) + piece);
                    }
                }
                json.push_str(delta["partial_json"].as_str().unwrap_or_default());
            }
            "message_delta" => {
                for key in ["stop_reason", "stop_sequence", "stop_details"] {
                    reply[key] = value["delta"][key].clone();
                }
                for (key, count) in value["usage"].as_object().into_iter().flatten() {
                    // Counts are cumulative; a zero says nothing new.
                    if count.as_u64() != Some(0) && !count.is_null() {
                        reply["usage"][key] = count.clone();
                    }
                }
            }
            _ => {}
        }
    }
    reply["content"] = blocks
        .into_iter()
        .map(|(_, mut block, json)| {
            if let Ok(input) = serde_json::from_str::<Value>(&json) {
                block["input"] = input;
            }
            block
        })
        .collect();
    Ok(reply)
}
