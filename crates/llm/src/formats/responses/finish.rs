//! How a response ended: its status, and why it is incomplete.

use crate::model::{Finish, FinishKind};
use serde_json::{Value, json};

/// How a response ended that has calls, or refusals, or neither. What is not incomplete is complete: servers that
/// imitate the API leave the status out, or as it was at the begin.
pub(super) fn read_finish(response: &Value, calls: bool, refused: bool) -> Finish {
    let status = response.get("status").and_then(Value::as_str).unwrap_or("completed");
    if status == "incomplete" {
        let reason = response.pointer("/incomplete_details/reason").and_then(Value::as_str).unwrap_or(status);
        let kind = if reason == "content_filter" { FinishKind::Refusal } else { FinishKind::Length };
        return Finish::new(kind, reason);
    }
    let kind = match (calls, refused) {
        (true, _) => FinishKind::ToolCalls,
        (false, true) => FinishKind::Refusal,
        (false, false) => FinishKind::Stop,
    };
    Finish::new(kind, "completed")
}

/// `status` and `incomplete_details`. A refusal in the model's own words is complete where upstream says so.
pub(super) fn status(finish: &Finish) -> (&'static str, Value) {
    let reason = match finish.kind {
        FinishKind::Length | FinishKind::ContextFull => "max_output_tokens",
        FinishKind::Refusal if !matches!(finish.native.as_str(), "stop" | "completed") => "content_filter",
        _ => return ("completed", Value::Null),
    };
    ("incomplete", json!({"reason": reason}))
}
