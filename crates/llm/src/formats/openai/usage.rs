//! OpenAI's way of counting tokens: inclusive.

use crate::Usage;
use crate::json::count;
use serde_json::{Value, json};

/// Reads a `usage` object; `None` when it is none.
#[must_use]
pub fn read_usage(value: &Value) -> Option<Usage> {
    value.as_object()?;
    let prompt = value.get("prompt_tokens_details").unwrap_or(&Value::Null);
    let completion = value.get("completion_tokens_details").unwrap_or(&Value::Null);
    // DeepSeek tells the cache's part beside the prompt's.
    let cached = count(prompt, "cached_tokens").max(count(value, "prompt_cache_hit_tokens"));
    let (input, mut output) = (count(value, "prompt_tokens"), count(value, "completion_tokens"));
    let reasoning = count(completion, "reasoning_tokens");
    // xAI leaves reasoning out of the completion; its total tells.
    if reasoning > 0 && count(value, "total_tokens") == input.saturating_add(output).saturating_add(reasoning) {
        output = output.saturating_add(reasoning);
    }
    Some(Usage {
        input,
        output,
        cached_input: cached,
        cache_creation: count(prompt, "cache_creation_tokens").max(count(prompt, "cache_write_tokens")),
        reasoning,
    })
}

/// Writes a `usage` object. `cache_write_tokens` is there only when it is not 0.
#[must_use]
pub fn usage_object(usage: &Usage) -> Value {
    let mut prompt = json!({"cached_tokens": usage.cached_input});
    if usage.cache_creation > 0 {
        prompt["cache_write_tokens"] = json!(usage.cache_creation);
    }
    json!({
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.total(),
        "prompt_tokens_details": prompt,
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    })
}
