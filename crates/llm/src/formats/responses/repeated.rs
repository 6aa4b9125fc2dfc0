//! What a response repeats of its request.

use super::annotations::object;
use crate::BodyError;
use crate::json::Object;
use serde_json::{Value, json};

/// Members of a request that its response repeats. The conversation is none of them.
const REPEATED: &[&str] = &[
    "background",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
];

/// The members of a client's body that its response repeats.
///
/// # Errors
/// None; the signature is that of the other formats' decoders.
pub(crate) fn repeated(body: Object) -> Result<Object, BodyError> {
    Ok(body.into_iter().filter(|(key, value)| !value.is_null() && REPEATED.contains(&key.as_str())).collect())
}

/// What a response says beside its answer: what the request said, else the API's defaults. What the schema demands
/// is there as null where nothing is known.
pub(super) fn members(request: Option<&Object>) -> Object {
    let mut out = object([
        ("background", json!(false)),
        ("instructions", Value::Null),
        ("max_output_tokens", Value::Null),
        ("max_tool_calls", Value::Null),
        ("metadata", json!({})),
        ("parallel_tool_calls", json!(true)),
        ("previous_response_id", Value::Null),
        ("reasoning", json!({"effort": null, "summary": null})),
        ("temperature", Value::Null),
        ("text", json!({"format": {"type": "text"}})),
        ("tool_choice", json!("auto")),
        ("tools", json!([])),
        ("top_logprobs", json!(0)),
        ("top_p", Value::Null),
        ("truncation", json!("disabled")),
    ]);
    for (key, value) in request.into_iter().flatten() {
        let value = match key.as_str() {
            "tools" => tools(value),
            "text" => text(value),
            _ => value.clone(),
        };
        out.insert(key.clone(), value);
    }
    out
}

/// Functions have all members in a response.
fn tools(value: &Value) -> Value {
    let mut tools = value.clone();
    for tool in tools.as_array_mut().into_iter().flatten() {
        if let Value::Object(tool) = tool
            && tool.get("type").is_some_and(|kind| kind == "function")
        {
            tool.entry("parameters").or_insert(Value::Null);
            tool.entry("strict").or_insert(Value::Null);
        }
    }
    tools
}

/// The format of the text is always told.
fn text(value: &Value) -> Value {
    let mut text = value.clone();
    if let Value::Object(text) = &mut text
        && text.get("format").is_none_or(Value::is_null)
    {
        text.insert("format".to_owned(), json!({"type": "text"}));
    }
    text
}
