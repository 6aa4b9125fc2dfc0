//! Anthropic's way of counting tokens: the cache's parts beside the input, thinking inside the output.

use crate::Usage;
use crate::json::count;
use serde_json::{Value, json};

/// Folds a `usage` object into what is known. Counts of a stream are cumulative: a later one replaces an earlier one,
/// and a zero or missing one replaces nothing.
pub fn merge_usage(known: &mut Option<Usage>, value: Option<&Value>) {
    let Some(value) = value.filter(|value| value.is_object()) else { return };
    let usage = known.get_or_insert_default();
    let later = |new: u64, old: u64| if new > 0 { new } else { old };
    let fresh = later(count(value, "input_tokens"), usage.uncached_input());
    usage.cached_input = later(count(value, "cache_read_input_tokens"), usage.cached_input);
    usage.cache_creation = later(count(value, "cache_creation_input_tokens"), usage.cache_creation);
    usage.input = fresh.saturating_add(usage.cached_input).saturating_add(usage.cache_creation);
    usage.output = later(count(value, "output_tokens"), usage.output);
    let details = value.get("output_tokens_details").unwrap_or(&Value::Null);
    usage.reasoning = later(count(details, "thinking_tokens"), usage.reasoning);
}

/// The member that counts the vendor's own tools, which no other format counts.
pub(super) const SERVER_TOOLS: &str = "usage.server_tool_use";

/// Whether a `usage` object says that some were used.
pub(super) fn counts_server_tools(usage: &Value) -> bool {
    let counts = usage.get("server_tool_use").and_then(Value::as_object);
    counts.is_some_and(|counts| counts.values().any(|count| count.as_u64().is_some_and(|count| count > 0)))
}

/// Writes the `usage` object of a `message_delta`. What only Anthropic knows is null, as its schema has it.
#[must_use]
pub fn delta_usage(usage: &Usage) -> Value {
    json!({
        "input_tokens": usage.uncached_input(),
        "cache_creation_input_tokens": usage.cache_creation,
        "cache_read_input_tokens": usage.cached_input,
        "output_tokens": usage.output,
        "output_tokens_details": (usage.reasoning > 0).then(|| json!({"thinking_tokens": usage.reasoning})),
        "server_tool_use": null,
    })
}

/// Writes the `usage` object of a whole reply; `tier` in OpenAI's word.
#[must_use]
pub fn usage_object(usage: &Usage, tier: Option<&str>) -> Value {
    let tier = match tier {
        Some("default") => Some("standard"),
        Some("priority") => Some("priority"),
        _ => None,
    };
    let mut object = delta_usage(usage);
    object["cache_creation"] = Value::Null;
    object["inference_geo"] = Value::Null;
    object["service_tier"] = json!(tier);
    object
}
