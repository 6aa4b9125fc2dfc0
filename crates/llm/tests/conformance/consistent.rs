//! Whether a reply agrees with itself: totals with their parts, indexes with places, the end of a stream's parts with their
//! beginning.

use std::collections::BTreeMap;

use pillion_llm::Format;
use serde_json::Value;

use crate::frames::Event;
use crate::replies::equal;

/// A whole reply.
pub(crate) fn whole(format: Format, body: &Value) -> Result<(), String> {
    let (usage, parts, total): (_, &[&str], _) = match format {
        Format::OpenAIChat => ("/usage", &["prompt_tokens", "completion_tokens"], "total_tokens"),
        Format::OpenAIResponses => ("/usage", &["input_tokens", "output_tokens"], "total_tokens"),
        Format::GeminiGenerateContent => (
            "/usageMetadata",
            &["promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount", "toolUsePromptTokenCount"],
            "totalTokenCount",
        ),
        Format::BedrockConverse => {
            let parts = &["inputTokens", "outputTokens", "cacheReadInputTokens", "cacheWriteInputTokens"];
            ("/usage", parts, "totalTokens")
        }
        Format::CohereChat => {
            let (billed, told) = (&body["usage"]["billed_units"], &body["usage"]["tokens"]);
            let count = |of: &Value, key: &str| of[key].as_f64();
            for key in ["input_tokens", "output_tokens"] {
                equal(key, &count(billed, key), &count(told, key))?;
            }
            return Ok(());
        }
        Format::AnthropicMessages => return Ok(()),
    };
    if let Some(usage) = body.pointer(usage).filter(|usage| usage.is_object()) {
        let sum: u64 = parts.iter().filter_map(|part| usage[*part].as_u64()).sum();
        equal(total, &usage[total].as_u64(), &Some(sum))?;
    }
    for choice in body["choices"].as_array().into_iter().flatten() {
        thinking(&choice["message"])?;
    }
    for list in ["choices", "candidates"] {
        for (place, choice) in body[list].as_array().into_iter().flatten().enumerate() {
            equal("index", &choice["index"].as_u64(), &Some(place as u64))?;
            let role = choice["content"].get("role").filter(|_| list == "candidates");
            role.map_or(Ok(()), |role| equal("role", &role.as_str(), &Some("model")))?;
        }
    }
    Ok(())
}

/// The two extensions that thinking travels in say the same.
fn thinking(message: &Value) -> Result<(), String> {
    let Some(blocks) = message["thinking_blocks"].as_array() else { return Ok(()) };
    let mut text = String::new();
    for block in blocks {
        let keys = |keys: &[&str]| block.as_object().is_some_and(|block| block.keys().eq(keys.iter()));
        match block["type"].as_str() {
            Some("thinking") if keys(&["type", "thinking", "signature"]) => {
                text.push_str(block["thinking"].as_str().unwrap_or_default());
            }
            Some("redacted_thinking") if keys(&["type", "data"]) => {}
            _ => return Err(format!("no block of thinking: {block}")),
        }
    }
    match message["reasoning_content"].as_str() {
        Some(told) if told.replace('\n', "").contains(&text.replace('\n', "")) => Ok(()),
        None if text.is_empty() => Ok(()),
        told => Err(format!("reasoning_content is {told:?}, its blocks say {text}")),
    }
}

/// The events of a stream.
pub(crate) fn events(format: Format, events: &[Event]) -> Result<(), String> {
    let data: Vec<Value> = events.iter().filter_map(|event| event.json().ok()).collect();
    match format {
        Format::OpenAIChat => {
            same_in_all(data.iter(), &["id", "object", "created", "model"])?;
            data.iter().try_for_each(one_choice("choices"))
        }
        Format::GeminiGenerateContent => {
            same_in_all(data.iter(), &["modelVersion", "responseId"])?;
            data.iter().try_for_each(one_choice("candidates"))
        }
        Format::OpenAIResponses => responses(&data),
        _ => Ok(()),
    }
}

fn one_choice(list: &str) -> impl Fn(&Value) -> Result<(), String> {
    move |event| match event[list].as_array().map(Vec::as_slice) {
        None | Some([]) => Ok(()),
        Some([choice]) => equal("index", &choice["index"].as_u64(), &Some(0)),
        Some(more) => Err(format!("{} choices", more.len())),
    }
}

fn same_in_all<'a>(events: impl Iterator<Item = &'a Value>, members: &[&str]) -> Result<(), String> {
    let mut first = None;
    for event in events {
        let first = *first.get_or_insert(event);
        members.iter().try_for_each(|member| equal(member, &event[*member], &first[*member]))?;
    }
    Ok(())
}

/// What begins, grows and ends in Responses' events is one thing.
fn responses(data: &[Value]) -> Result<(), String> {
    const ECHOED: &[&str] = &[
        "id",
        "object",
        "created_at",
        "model",
        "instructions",
        "metadata",
        "parallel_tool_calls",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "truncation",
        "reasoning",
        "store",
    ];
    same_in_all(data.iter().map(|event| &event["response"]).filter(|response| response.is_object()), ECHOED)?;
    let mut items = BTreeMap::<u64, &Value>::new();
    let mut grown = BTreeMap::<(u64, u64, &str), String>::new();
    let mut annotations = BTreeMap::<(u64, u64), u64>::new();
    for event in data {
        let number = |key: &str| event[key].as_u64().unwrap_or_default();
        let (item, inner) = (number("output_index"), number("content_index") + number("summary_index"));
        match event["type"].as_str().unwrap_or_default() {
            "response.output_item.added" => drop(items.insert(item, &event["item"])),
            "response.output_item.done" => {
                let begun = items.get(&item).ok_or("an item ends that never began")?;
                ["type", "id", "call_id", "name", "role"]
                    .iter()
                    .try_for_each(|member| equal(member, &event["item"][*member], &begun[*member]))?;
            }
            kind if kind.ends_with(".delta") => {
                let text = event["delta"].as_str().unwrap_or_default();
                grown.entry((item, inner, kind.trim_end_matches(".delta"))).or_default().push_str(text);
            }
            kind @ ("response.output_text.done"
            | "response.refusal.done"
            | "response.reasoning_summary_text.done"
            | "response.function_call_arguments.done") => {
                let text = ["text", "refusal", "arguments"].iter().find_map(|key| event[*key].as_str());
                let deltas = grown.get(&(item, inner, kind.trim_end_matches(".done"))).map(String::as_str);
                equal(kind, &text.unwrap_or_default(), &deltas.unwrap_or_default())?;
                if let Some(name) = event["name"].as_str() {
                    equal("name", &Some(name), &items.get(&item).and_then(|item| item["name"].as_str()))?;
                }
            }
            "response.content_part.done" | "response.reasoning_summary_part.done" => {
                let text = ["text", "refusal"].iter().find_map(|key| event["part"][*key].as_str()).unwrap_or_default();
                let mut deltas = grown.iter().filter(|((of, within, _), _)| (*of, *within) == (item, inner));
                if !deltas.any(|(_, deltas)| deltas == text) && !text.is_empty() {
                    return Err(format!("a part ends in another text than its deltas': {text}"));
                }
            }
            "response.output_text.annotation.added" => {
                let next = annotations.entry((item, inner)).or_default();
                equal("annotation_index", &number("annotation_index"), next)?;
                *next += 1;
            }
            _ => {}
        }
    }
    Ok(())
}
