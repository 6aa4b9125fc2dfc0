//! Marks of the prompt cache: Anthropic's `cache_control` on a block, here a block of its own behind it.

use crate::model::Report;
use serde_json::{Value, json};

/// The block for a mark. `lasts`: whether the model takes a time to live.
pub(super) fn point(mark: &Value, lasts: bool, report: &mut Report) -> Value {
    let mut point = json!({"type": "default"});
    for (key, value) in mark.as_object().into_iter().flatten() {
        match key.as_str() {
            "type" => {}
            // Five minutes are what a mark says without a time.
            "ttl" if value == "5m" => {}
            "ttl" if lasts => point["ttl"] = value.clone(),
            "ttl" => report.approximate("cache_control.ttl"),
            key => report.drop(format!("cache_control.{key}")),
        }
    }
    json!({"cachePoint": point})
}

/// The block for a mark of this format's own request, as it was.
pub(super) fn own_point(mark: &Value) -> Value {
    let mut point = json!({"type": "default"});
    if let Some(ttl) = mark.get("ttl") {
        point["ttl"] = ttl.clone();
    }
    json!({"cachePoint": point})
}
