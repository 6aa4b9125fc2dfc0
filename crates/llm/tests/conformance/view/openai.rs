//! OpenAI Chat, and what its imitators add: <https://platform.openai.com/docs/api-reference/chat>.

use serde_json::{Map, Value, json};

use super::{Counts, View, count, list, parsed, string};
use crate::frames::Event;

pub(super) fn of_reply(reply: &Value) -> View {
    let choice = &reply["choices"][0];
    let message = &choice["message"];
    let mut view = View { usage: counts(&reply["usage"]), ..View::default() };
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
    // What was spoken says itself in text too.
    if view.text.is_empty() {
        view.text.push_str(message["audio"]["transcript"].as_str().unwrap_or_default());
    }
    let refusal = message["refusal"].as_str().unwrap_or_default();
    view.text.push_str(refusal);
    for member in ["reasoning_content", "reasoning"] {
        if view.thinking.is_empty() {
            view.thinking = message[member].as_str().unwrap_or_default().to_owned();
        }
    }
    view.citations = list(&message["annotations"]).count();
    view.logprobs = list(&choice["logprobs"]["content"]).count();
    for call in list(&message["tool_calls"]) {
        let function = &call["function"];
        view.calls.push((string(&call["id"]), string(&function["name"]), parsed(&function["arguments"])));
    }
    view.finish = choice["finish_reason"].as_str().map(|finish| match finish {
        // OpenAI ends a refusal of the model's own with `stop`; other formats have a word for it.
        "stop" if !refusal.is_empty() => "content_filter".to_owned(),
        finish => finish.to_owned(),
    });
    view
}

fn counts(usage: &Value) -> Option<Counts> {
    usage.as_object()?;
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

fn joined(parts: &Value) -> String {
    parts.as_array().into_iter().flatten().filter_map(|part| part["text"].as_str()).collect()
}

pub(super) fn aggregate(events: &[Event]) -> Result<Value, String> {
    let mut reply = json!({"object": "chat.completion", "choices": []});
    let (mut message, mut finish, mut usage) = (Map::new(), Value::Null, Value::Null);
    let (mut calls, mut logprobs, mut annotations) = (Vec::new(), Vec::new(), Vec::new());
    message.insert("role".to_owned(), json!("assistant"));
    message.insert("content".to_owned(), Value::Null);
    for event in events.iter().filter(|event| event.data.trim() != "[DONE]" && !event.data.trim().is_empty()) {
        let chunk = event.json()?;
        for key in ["id", "model", "created", "service_tier"] {
            if reply.get(key).is_none() && !chunk[key].is_null() {
                reply[key] = chunk[key].clone();
            }
        }
        if chunk["usage"].is_object() {
            usage = chunk["usage"].clone();
        }
        for choice in list(&chunk["choices"]).filter(|choice| choice["index"].as_u64().unwrap_or_default() == 0) {
            if finish.is_null() {
                finish = choice["finish_reason"].clone();
            }
            let delta = &choice["delta"];
            for key in ["content", "refusal", "reasoning_content", "reasoning"] {
                append(&mut message, key, &delta[key]);
            }
            logprobs.extend(list(&choice["logprobs"]["content"]).cloned());
            annotations.extend(list(&delta["annotations"]).cloned().map(unnumbered));
            for call in list(&delta["tool_calls"]) {
                fragment(&mut calls, call);
            }
        }
    }
    if !calls.is_empty() {
        message.insert("tool_calls".to_owned(), Value::Array(calls));
    }
    if !annotations.is_empty() {
        message.insert("annotations".to_owned(), Value::Array(annotations));
    }
    let logprobs = if logprobs.is_empty() { Value::Null } else { json!({"content": logprobs, "refusal": null}) };
    reply["choices"] = json!([{"index": 0, "message": message, "logprobs": logprobs, "finish_reason": finish}]);
    if !usage.is_null() {
        reply["usage"] = usage;
    }
    Ok(reply)
}

/// An entry as a whole reply has it: the index is for putting a stream together.
fn unnumbered(mut entry: Value) -> Value {
    entry.as_object_mut().map(|entry| entry.remove("index"));
    entry
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
