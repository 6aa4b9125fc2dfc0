//! OpenAI Responses' way of counting tokens: inclusive.

use crate::Usage;
use crate::json::count;
use serde_json::{Value, json};

/// Reads a `usage` object; `None` when it is none.
#[must_use]
pub fn read_usage(value: &Value) -> Option<Usage> {
    value.as_object()?;
    let input = value.get("input_tokens_details").unwrap_or(&Value::Null);
    let output = value.get("output_tokens_details").unwrap_or(&Value::Null);
    Some(Usage {
        input: count(value, "input_tokens"),
        output: count(value, "output_tokens"),
        cached_input: count(input, "cached_tokens"),
        cache_creation: count(input, "cache_write_tokens"),
        reasoning: count(output, "reasoning_tokens"),
    })
}

/// Writes a `usage` object.
#[must_use]
pub fn usage_object(usage: &Usage) -> Value {
    json!({
        "input_tokens": usage.input,
        "input_tokens_details": {"cached_tokens": usage.cached_input, "cache_write_tokens": usage.cache_creation},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.total(),
    })
}
