//! Cohere's chat, version 2: <https://docs.cohere.com/v2/reference/chat>, <https://docs.cohere.com/v2/docs/streaming>.

use serde_json::{Value, json};

use super::{Counts, View, count, extend, list, parsed, string};
use crate::frames::Event;

pub(super) fn of_reply(reply: &Value) -> View {
    let message = &reply["message"];
    let mut view = View { usage: counts(&reply["usage"]), ..View::default() };
    // The plan that leads to calls is thinking in other vendors' words.
    view.thinking = without_signature(&string(&message["tool_plan"]));
    for part in list(&message["content"]) {
        match part["type"].as_str() {
            Some("text") => view.text.push_str(part["text"].as_str().unwrap_or_default()),
            Some("thinking") => {
                view.thinking.push_str(&without_signature(part["thinking"].as_str().unwrap_or_default()))
            }
            other => view.others.push(other.unwrap_or("unknown").to_owned()),
        }
    }
    for call in list(&message["tool_calls"]) {
        let function = &call["function"];
        view.calls.push((string(&call["id"]), string(&function["name"]), parsed(&function["arguments"])));
    }
    view.citations = list(&message["citations"]).count();
    view.logprobs = list(&reply["logprobs"]).map(|item| list(&item["token_ids"]).count().max(1)).sum();
    let finish = reply["finish_reason"].as_str().map(|reason| match reason {
        "COMPLETE" | "STOP_SEQUENCE" => "stop",
        "MAX_TOKENS" => "length",
        "TOOL_CALL" => "tool_calls",
        _ => "other",
    });
    view.finish = finish.map(str::to_owned);
    view
}

/// The format has no place for signatures: another vendor's is a line of its own.
fn without_signature(thinking: &str) -> String {
    let lines = thinking.split_inclusive('\n').filter(|line| !line.starts_with("pillion:"));
    lines.collect()
}

/// What was counted; what is billed leaves out the vendor's own prompt.
fn counts(usage: &Value) -> Option<Counts> {
    usage.as_object()?;
    let tokens = Some(&usage["tokens"]).filter(|tokens| tokens.is_object()).unwrap_or(&usage["billed_units"]);
    Some(Counts {
        input: count(&tokens["input_tokens"]),
        output: count(&tokens["output_tokens"]),
        cached: count(&usage["cached_tokens"]),
    })
}

pub(super) fn aggregate(events: &[Event]) -> Result<Value, String> {
    let mut reply = json!({"message": {"role": "assistant"}});
    let (mut content, mut calls, mut citations, mut logprobs) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for event in events.iter().filter(|event| event.data.trim() != "[DONE]") {
        let value = event.json()?;
        let message = &value["delta"]["message"];
        match value["type"].as_str().unwrap_or_default() {
            "message-start" => reply["id"] = value["id"].clone(),
            "content-start" => content.push(message["content"].clone()),
            "content-delta" => {
                let part: &mut Value = content.last_mut().ok_or("a delta of no content")?;
                extend(part, "text", &message["content"]["text"]);
                extend(part, "thinking", &message["content"]["thinking"]);
                logprobs.extend(Some(value["logprobs"].clone()).filter(Value::is_object));
            }
            "tool-plan-delta" => extend(&mut reply["message"], "tool_plan", &message["tool_plan"]),
            "tool-call-start" => calls.push(message["tool_calls"].clone()),
            "tool-call-delta" => {
                let call: &mut Value = calls.last_mut().ok_or("a delta of no call")?;
                extend(&mut call["function"], "arguments", &message["tool_calls"]["function"]["arguments"]);
            }
            "citation-start" => match &message["citations"] {
                Value::Array(several) => citations.extend(several.iter().cloned()),
                one => citations.push(one.clone()),
            },
            "message-end" => {
                for key in ["finish_reason", "usage", "error"] {
                    if !value["delta"][key].is_null() {
                        reply[key] = value["delta"][key].clone();
                    }
                }
            }
            _ => {}
        }
    }
    for (key, list) in [("content", content), ("tool_calls", calls), ("citations", citations)] {
        if !list.is_empty() {
            reply["message"][key] = Value::Array(list);
        }
    }
    if !logprobs.is_empty() {
        reply["logprobs"] = Value::Array(logprobs);
    }
    Ok(reply)
}
