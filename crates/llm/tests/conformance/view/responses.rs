//! OpenAI Responses: <https://platform.openai.com/docs/api-reference/responses>,
//! <https://platform.openai.com/docs/api-reference/responses-streaming>.

use serde_json::{Value, json};

use super::{Counts, View, count, extend, list, parsed, string};
use crate::frames::Event;

pub(super) fn of_reply(reply: &Value) -> View {
    let mut view = View { usage: counts(&reply["usage"]), ..View::default() };
    let mut refused = false;
    for item in list(&reply["output"]) {
        match item["type"].as_str() {
            Some("message") => {
                for part in list(&item["content"]) {
                    view.text.push_str(part["text"].as_str().unwrap_or_default());
                    view.text.push_str(part["refusal"].as_str().unwrap_or_default());
                    refused |= part["type"] == "refusal";
                    view.citations += list(&part["annotations"]).count();
                    view.logprobs += list(&part["logprobs"]).count();
                }
            }
            Some("reasoning") => {
                let texts = list(&item["summary"]).chain(list(&item["content"]));
                texts.for_each(|part| view.thinking.push_str(part["text"].as_str().unwrap_or_default()));
            }
            Some("function_call") => {
                view.calls.push((string(&item["call_id"]), string(&item["name"]), parsed(&item["arguments"])));
            }
            Some("custom_tool_call") => {
                // Free text, which other formats have as an argument.
                view.calls.push((string(&item["call_id"]), string(&item["name"]), json!({"input": item["input"]})));
            }
            other => view.others.push(other.unwrap_or("unknown").to_owned()),
        }
    }
    let finish = match (reply["status"].as_str(), reply["incomplete_details"]["reason"].as_str()) {
        (Some("incomplete"), Some("content_filter")) => Some("content_filter"),
        (Some("incomplete"), _) => Some("length"),
        (Some("completed"), _) if !view.calls.is_empty() => Some("tool_calls"),
        (Some("completed"), _) if refused => Some("content_filter"),
        (Some("completed"), _) => Some("stop"),
        _ => None,
    };
    view.finish = finish.map(str::to_owned);
    view
}

fn counts(usage: &Value) -> Option<Counts> {
    usage.as_object()?;
    Some(Counts {
        input: count(&usage["input_tokens"]),
        output: count(&usage["output_tokens"]),
        cached: count(&usage["input_tokens_details"]["cached_tokens"]),
    })
}

/// Clients take the terminal event's response; where a server leaves its output out, they have the items.
pub(super) fn aggregate(events: &[Event]) -> Result<Value, String> {
    let mut reply = Value::Null;
    let mut items: Vec<Value> = Vec::new();
    for event in events.iter().filter(|event| event.data.trim() != "[DONE]") {
        let value = event.json()?;
        let item = value["output_index"].as_u64().map(|index| usize::try_from(index).unwrap());
        if let Some(index) = item
            && items.len() <= index
        {
            items.resize(index + 1, Value::Null);
        }
        let item = item.map(|index| &mut items[index]);
        match (value["type"].as_str().unwrap_or_default(), item) {
            ("response.output_item.added" | "response.output_item.done", Some(item)) => *item = value["item"].clone(),
            ("response.output_text.delta", Some(item)) => {
                let part = part(item, "content", &value["content_index"], "output_text");
                extend(part, "text", &value["delta"]);
            }
            ("response.refusal.delta", Some(item)) => {
                let part = part(item, "content", &value["content_index"], "refusal");
                extend(part, "refusal", &value["delta"]);
            }
            ("response.reasoning_summary_text.delta", Some(item)) => {
                let part = part(item, "summary", &value["summary_index"], "summary_text");
                extend(part, "text", &value["delta"]);
            }
            ("response.function_call_arguments.delta", Some(item)) => extend(item, "arguments", &value["delta"]),
            ("response.custom_tool_call_input.delta", Some(item)) => extend(item, "input", &value["delta"]),
            ("response.created" | "response.completed" | "response.incomplete" | "response.failed", _) => {
                reply = value["response"].clone();
            }
            _ => {}
        }
    }
    if list(&reply["output"]).next().is_none() {
        reply["output"] = items.into_iter().filter(Value::is_object).collect();
    }
    Ok(reply)
}

/// A part of an item that is still open.
fn part<'a>(item: &'a mut Value, member: &str, index: &Value, kind: &str) -> &'a mut Value {
    if !item.is_object() {
        *item = json!({"type": "message"});
    }
    if !item[member].is_array() {
        item[member] = json!([]);
    }
    let parts = item[member].as_array_mut().unwrap();
    let index = usize::try_from(index.as_u64().unwrap_or_default()).unwrap();
    while parts.len() <= index {
        parts.push(json!({"type": kind}));
    }
    &mut parts[index]
}
