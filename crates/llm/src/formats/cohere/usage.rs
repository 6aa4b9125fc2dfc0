//! Cohere's way of counting tokens: all of the prompt and the answer in `tokens`, those of the cache among them.

use crate::Usage;
use crate::json::count;
use serde_json::{Value, json};

/// Reads a `usage` object; `None` when it is none. Where only billed units are told, they are the best there is.
pub(super) fn read_usage(value: &Value) -> Option<Usage> {
    value.as_object()?;
    let tokens = ["tokens", "billed_units"].iter().find_map(|key| value.get(*key).filter(|told| told.is_object()))?;
    Some(Usage {
        input: count(tokens, "input_tokens"),
        output: count(tokens, "output_tokens"),
        cached_input: count(value, "cached_tokens"),
        cache_creation: 0,
        reasoning: count(tokens, "reasoning_tokens"),
    })
}

/// Writes a `usage` object.
pub(super) fn usage_object(usage: &Usage) -> Value {
    let tokens = json!({"input_tokens": usage.input, "output_tokens": usage.output});
    json!({"billed_units": tokens, "tokens": tokens, "cached_tokens": usage.cached_input})
}
