//! Bedrock Converse: <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>,
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html>.

use serde_json::{Value, json};

use super::{Counts, View, count, extend, list, object, string};
use crate::frames::Event;

pub(super) fn of_reply(reply: &Value) -> View {
    let mut view = View { usage: counts(&reply["usage"]), ..View::default() };
    for block in list(&reply["output"]["message"]["content"]) {
        let Some((kind, inner)) = block.as_object().and_then(|block| block.iter().next()) else { continue };
        match kind.as_str() {
            "text" => view.text.push_str(inner.as_str().unwrap_or_default()),
            "citationsContent" => {
                list(&inner["content"]).for_each(|part| view.text.push_str(part["text"].as_str().unwrap_or_default()));
                view.citations += list(&inner["citations"]).count();
            }
            "reasoningContent" => {
                view.thinking.push_str(inner["reasoningText"]["text"].as_str().unwrap_or_default());
            }
            // A tool that ran at the vendor's is no call to the client.
            "toolUse" if inner["type"] != "server_tool_use" => {
                view.calls.push((string(&inner["toolUseId"]), string(&inner["name"]), object(&inner["input"])));
            }
            kind => view.others.push(kind.to_owned()),
        }
    }
    let finish = reply["stopReason"].as_str().map(|reason| match reason {
        "end_turn" | "stop_sequence" => "stop",
        "tool_use" => "tool_calls",
        "max_tokens" | "model_context_window_exceeded" => "length",
        "guardrail_intervened" | "content_filtered" => "content_filter",
        _ => "other",
    });
    view.finish = finish.map(str::to_owned);
    view
}

/// As Anthropic counts: the cache's tokens beside the input's.
fn counts(usage: &Value) -> Option<Counts> {
    usage.as_object()?;
    let cached = count(&usage["cacheReadInputTokens"]);
    Some(Counts {
        input: count(&usage["inputTokens"]) + cached + count(&usage["cacheWriteInputTokens"]),
        output: count(&usage["outputTokens"]),
        cached,
    })
}

pub(super) fn aggregate(events: &[Event]) -> Result<Value, String> {
    let mut reply = json!({});
    // Number, block, and the JSON of its input as text.
    let mut blocks: Vec<(Value, Value, String)> = Vec::new();
    for event in events.iter().filter(|event| !event.exception) {
        let value = event.json()?;
        let index = &value["contentBlockIndex"];
        match event.name.as_deref().unwrap_or_default() {
            "contentBlockStart" => blocks.push((index.clone(), value["start"].clone(), String::new())),
            "contentBlockDelta" => {
                // Text and reasoning begin without a start.
                let at = blocks.iter().rposition(|(number, ..)| number == index).unwrap_or_else(|| {
                    blocks.push((index.clone(), json!({}), String::new()));
                    blocks.len() - 1
                });
                let (_, block, input) = &mut blocks[at];
                delta(block, input, &value["delta"]);
            }
            "messageStop" => {
                for key in ["stopReason", "additionalModelResponseFields"] {
                    if !value[key].is_null() {
                        reply[key] = value[key].clone();
                    }
                }
            }
            "metadata" => {
                for key in ["usage", "metrics", "trace", "performanceConfig", "serviceTier"] {
                    if !value[key].is_null() {
                        reply[key] = value[key].clone();
                    }
                }
            }
            _ => {}
        }
    }
    let content = blocks.into_iter().map(|(_, mut block, input)| {
        if block["toolUse"].is_object() {
            block["toolUse"]["input"] = serde_json::from_str(&input).unwrap_or(json!({}));
        }
        block
    });
    // A block that says nothing is none.
    let content: Vec<Value> =
        content.filter(|block| block.as_object().is_some_and(|block| !block.is_empty())).collect();
    reply["output"] = json!({"message": {"role": "assistant", "content": content}});
    Ok(reply)
}

fn delta(block: &mut Value, input: &mut String, delta: &Value) {
    if delta["text"].is_string() && block["citationsContent"].is_object() {
        extend(&mut block["citationsContent"]["content"][0], "text", &delta["text"]);
        return;
    }
    extend(block, "text", &delta["text"]);
    input.push_str(delta["toolUse"]["input"].as_str().unwrap_or_default());
    let reasoning = &delta["reasoningContent"];
    for member in ["text", "signature"] {
        if reasoning[member].is_string() {
            extend(&mut block["reasoningContent"]["reasoningText"], member, &reasoning[member]);
        }
    }
    if reasoning["redactedContent"].is_string() {
        block["reasoningContent"]["redactedContent"] = reasoning["redactedContent"].clone();
    }
    if delta["citation"].is_object() {
        if !block["citationsContent"].is_object() {
            let text = string(&block["text"]);
            *block = json!({"citationsContent": {"content": [{"text": text}], "citations": []}});
        }
        block["citationsContent"]["citations"].as_array_mut().unwrap().push(delta["citation"].clone());
    }
    for kind in ["image", "toolResult"] {
        if !delta[kind].is_null() {
            block[kind] = delta[kind].clone();
        }
    }
}
