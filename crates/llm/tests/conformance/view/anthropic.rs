//! Anthropic Messages: <https://docs.anthropic.com/en/api/messages>, <https://docs.anthropic.com/en/api/messages-streaming>.

use serde_json::Value;

use super::{Counts, View, count, extend, list, object, string};
use crate::frames::Event;

pub(super) fn of_reply(reply: &Value) -> View {
    let mut view = View { usage: counts(&reply["usage"]), ..View::default() };
    for block in list(&reply["content"]) {
        match block["type"].as_str() {
            Some("text") => {
                view.text.push_str(block["text"].as_str().unwrap_or_default());
                view.citations += list(&block["citations"]).count();
            }
            Some("thinking") => view.thinking.push_str(block["thinking"].as_str().unwrap_or_default()),
            Some("tool_use") => {
                view.calls.push((string(&block["id"]), string(&block["name"]), object(&block["input"])));
            }
            other => view.others.push(other.unwrap_or("unknown").to_owned()),
        }
    }
    view.finish = reply["stop_reason"].as_str().map(|reason| finish_of(reason).to_owned());
    if reply["stop_reason"] == "refusal" {
        view.text.push_str(reply["stop_details"]["explanation"].as_str().unwrap_or_default());
    }
    view
}

/// The table of stop reasons, Anthropic's to OpenAI's.
fn finish_of(stop_reason: &str) -> &str {
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

fn counts(usage: &Value) -> Option<Counts> {
    usage.as_object()?;
    let count = |key: &str| count(&usage[key]);
    let cached = count("cache_read_input_tokens");
    Some(Counts {
        input: count("input_tokens") + cached + count("cache_creation_input_tokens"),
        output: count("output_tokens"),
        cached,
    })
}

pub(super) fn aggregate(events: &[Event]) -> Result<Value, String> {
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
                    extend(block, key, &delta[key]);
                }
                if let Some(citation) = delta.get("citation") {
                    let citations = list(&block["citations"]).chain([citation]).cloned().collect();
                    block["citations"] = Value::Array(citations);
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
