//! What InvokeModel takes of an Anthropic Messages body: less than Anthropic's own API does.

use super::betas;
use crate::formats::anthropic::capabilities::version;
use crate::json::Object;
use crate::model::Report;
use bytes::Bytes;
use memchr::memmem::find;
use serde_json::Value;

/// What a beta of Anthropic's is called here, where the model has it.
pub(crate) fn beta(beta: &str, model: &str) -> Option<&'static str> {
    betas::on_invoke(beta, model)
}

/// The body without members that the service refuses; `None` where it has none of them, as nearly all bodies.
pub(crate) fn stripped(body: &Bytes, model: &str, report: &mut Report) -> Option<Bytes> {
    let lasts = version(model).is_none_or(|(_, version)| version >= (4, 5));
    let marked = find(body, b"\"cache_control\"").is_some();
    let scoped = marked && (find(body, b"\"scope\"").is_some() || !lasts && find(body, b"\"ttl\"").is_some());
    if !scoped && find(body, b"\"service_tier\"").is_none() {
        return None;
    }
    let mut value: Object = serde_json::from_slice(body).ok()?;
    let mut changed = false;
    // The tier is a header here, of which the client's dialect knows nothing.
    if value.shift_remove("service_tier").is_some() {
        report.drop("service_tier");
        changed = true;
    }
    for key in ["system", "tools", "messages"] {
        for item in value.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten() {
            changed |= strip(item, lasts, report, true);
        }
    }
    if let Some(mark) = value.get_mut("cache_control") {
        changed |= strip_mark(mark, lasts, report);
    }
    changed.then(|| crate::json::bytes(&Value::Object(value)))
}

/// Strips the marks of a block, or of the blocks of a message, or of those of a tool's result within one.
fn strip(item: &mut Value, lasts: bool, report: &mut Report, deeper: bool) -> bool {
    let mut changed = item.get_mut("cache_control").is_some_and(|mark| strip_mark(mark, lasts, report));
    for block in item.get_mut("content").and_then(Value::as_array_mut).into_iter().flatten() {
        changed |= block.get_mut("cache_control").is_some_and(|mark| strip_mark(mark, lasts, report));
        if deeper {
            changed |= strip(block, lasts, report, false);
        }
    }
    changed
}

fn strip_mark(mark: &mut Value, lasts: bool, report: &mut Report) -> bool {
    let Value::Object(mark) = mark else { return false };
    let scope = mark.shift_remove("scope").is_some();
    if scope {
        report.drop("cache_control.scope");
    }
    let ttl = !lasts && mark.shift_remove("ttl").is_some();
    if ttl {
        report.approximate("cache_control.ttl");
    }
    scope || ttl
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(model: &str, body: Value, expected: Option<Value>) -> Report {
        let mut report = Report::default();
        let found = stripped(&crate::json::bytes(&body), model, &mut report);
        assert_eq!(found.map(|bytes| serde_json::from_slice::<Value>(&bytes).unwrap()), expected);
        report
    }

    #[test]
    fn marks_lose_what_the_service_refuses_wherever_they_stand() {
        let body = |mark: Value| {
            json!({
                "system": [{"type": "text", "text": "s", "cache_control": mark}],
                "tools": [{"name": "f", "cache_control": mark}],
                "messages": [
                    {"role": "user", "content": "plain"},
                    {"role": "user", "content": [
                        {"type": "tool_result", "cache_control": mark, "content": [{"type": "text", "cache_control": mark}]},
                    ]},
                ],
                "cache_control": mark,
            })
        };
        const NEW: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
        const OLD: &str = "anthropic.claude-3-7-sonnet-20250219-v1:0";
        let full = json!({"type": "ephemeral", "ttl": "1h", "scope": "global"});
        let report = check(NEW, body(full.clone()), Some(body(json!({"type": "ephemeral", "ttl": "1h"}))));
        assert_eq!((report.dropped, report.approximated), (vec!["cache_control.scope".to_owned()], vec![]));
        let report = check(OLD, body(full), Some(body(json!({"type": "ephemeral"}))));
        assert_eq!(report.approximated, ["cache_control.ttl"]);
        check(NEW, body(json!({"type": "ephemeral", "ttl": "1h"})), None);
        check(OLD, json!({"messages": [{"role": "user", "content": "a \"scope\" of \"cache_control\""}]}), None);
        let report = check(NEW, json!({"service_tier": "auto", "messages": []}), Some(json!({"messages": []})));
        assert_eq!(report.dropped, ["service_tier"]);
    }
}
