//! Google's way of counting tokens: the cache's part inside the prompt, thoughts and the prompts of tools beside.

use crate::Usage;
use crate::json::count;
use serde_json::{Value, json};

/// Reads a `usageMetadata`; `None` when it counts nothing, as those within a stream of Vertex AI's.
#[must_use]
pub(super) fn read(value: &Value) -> Option<Usage> {
    const COUNTS: [&str; 3] = ["promptTokenCount", "candidatesTokenCount", "totalTokenCount"];
    COUNTS.iter().any(|key| value.get(*key).is_some_and(Value::is_number)).then(|| {
        let reasoning = count(value, "thoughtsTokenCount");
        Usage {
            input: count(value, "promptTokenCount").saturating_add(count(value, "toolUsePromptTokenCount")),
            output: count(value, "candidatesTokenCount").saturating_add(reasoning),
            cached_input: count(value, "cachedContentTokenCount"),
            cache_creation: 0,
            reasoning,
        }
    })
}

/// Writes a `usageMetadata`. Counts of 0 are left out, as Google does, but for the three that clients read.
#[must_use]
pub(super) fn write(usage: &Usage) -> Value {
    let mut out = json!({
        "promptTokenCount": usage.input,
        "candidatesTokenCount": usage.output.saturating_sub(usage.reasoning),
        "totalTokenCount": usage.total(),
    });
    for (key, tokens) in [("cachedContentTokenCount", usage.cached_input), ("thoughtsTokenCount", usage.reasoning)] {
        if tokens > 0 {
            out[key] = json!(tokens);
        }
    }
    out
}
