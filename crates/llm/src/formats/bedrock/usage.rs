//! Converse's way of counting tokens: the cache's parts beside the input, as Anthropic counts.

use crate::Usage;
use crate::json::count;
use serde_json::{Value, json};

/// Reads a `usage` object; `None` when it is none.
pub(super) fn read(value: &Value) -> Option<Usage> {
    value.as_object()?;
    let cached_input = count(value, "cacheReadInputTokens");
    let cache_creation = count(value, "cacheWriteInputTokens");
    Some(Usage {
        input: count(value, "inputTokens").saturating_add(cached_input).saturating_add(cache_creation),
        output: count(value, "outputTokens"),
        cached_input,
        cache_creation,
        reasoning: 0,
    })
}

/// Writes a `usage` object.
pub(super) fn write(usage: &Usage) -> Value {
    // Some servers count more tokens from the cache than tokens; here the parts add up.
    let input = usage.uncached_input().saturating_add(usage.cached_input).saturating_add(usage.cache_creation);
    json!({
        "inputTokens": usage.uncached_input(),
        "outputTokens": usage.output,
        "totalTokens": input.saturating_add(usage.output),
        "cacheReadInputTokens": usage.cached_input,
        "cacheWriteInputTokens": usage.cache_creation,
    })
}
