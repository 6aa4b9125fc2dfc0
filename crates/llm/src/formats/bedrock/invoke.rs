//! What InvokeModel takes of an Anthropic Messages body: less than Anthropic's own API does.

use super::betas;
use crate::formats::anthropic::capabilities::version;
use crate::json::{Object, take_array, take_string};
use crate::model::Report;
use bytes::Bytes;
use memchr::memmem::{find, find_iter};
use serde_json::{Value, json};

/// What a beta of Anthropic's is called here, where the model has it.
pub(crate) fn beta(beta: &str, model: &str) -> Option<&'static str> {
    betas::on_invoke(beta, model)
}

/// The body without members and turns that the service refuses; `None` where it has none of them, as nearly all bodies.
pub(crate) fn stripped(body: &Bytes, model: &str, report: &mut Report) -> Option<Bytes> {
    let lasts = version(model).is_none_or(|(_, version)| version >= (4, 5));
    let marked = find(body, b"\"cache_control\"").is_some();
    let scoped = marked && (find(body, b"\"scope\"").is_some() || !lasts && find(body, b"\"ttl\"").is_some());
    // Claude since Opus 4.8 takes turns of the system's.
    let promotes = version(model).is_some_and(|(_, version)| version < (4, 8)) && says_system(body);
    if !scoped && find(body, b"\"service_tier\"").is_none() && !promotes {
        return None;
    }
    let mut value: Object = serde_json::from_slice(body).ok()?;
    let mut changed = false;
    // The tier is a header here, of which the client's dialect knows nothing.
    if value.shift_remove("service_tier").is_some() {
        report.drop("service_tier");
        changed = true;
    }
    changed |= promotes && promote(&mut value, report);
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

/// Whether something in the body has the role of the system.
fn says_system(body: &[u8]) -> bool {
    find_iter(body, b"\"system\"").any(|at| {
        let before = body[..at].trim_ascii_end().strip_suffix(b":");
        before.is_some_and(|before| before.trim_ascii_end().ends_with(b"\"role\""))
    })
}

/// A turn of the system's between the others, which older models refuse, joins the system prompt. A
/// conversation of nothing else is left to the service.
fn promote(body: &mut Object, report: &mut Report) -> bool {
    let Some(Value::Array(messages)) = body.get_mut("messages") else { return false };
    if messages.iter().all(is_system) || !messages.iter().any(is_system) {
        return false;
    }
    let (mut begun, mut promoted) = (false, Vec::new());
    messages.retain_mut(|message| {
        if !is_system(message) {
            begun = true;
            return true;
        }
        if begun {
            report.approximate("messages[].role");
        }
        promoted.extend(message.as_object_mut().map(|message| blocks_of(message, report)).unwrap_or_default());
        false
    });
    let mut system = take_blocks(body, "system");
    system.append(&mut promoted);
    if !system.is_empty() {
        body.insert("system".to_owned(), Value::Array(system));
    }
    true
}

fn is_system(message: &Value) -> bool {
    message.get("role").is_some_and(|role| role == "system")
}

/// The blocks of a message; what else it says is reported.
fn blocks_of(message: &mut Object, report: &mut Report) -> Vec<Value> {
    let blocks = take_blocks(message, "content");
    message.shift_remove("role");
    report.drop_extras("messages[].", message);
    blocks
}

/// Content as blocks, be it a list or a text. What is neither stays.
fn take_blocks(object: &mut Object, key: &str) -> Vec<Value> {
    match take_string(object, key) {
        // The service refuses empty text.
        Some(text) if text.trim().is_empty() => Vec::new(),
        Some(text) => vec![json!({"type": "text", "text": text})],
        None => take_array(object, key).unwrap_or_default(),
    }
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

    #[test]
    fn turns_of_the_system_join_its_prompt() {
        const MODEL: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
        let text = |text: &str| json!({"type": "text", "text": text});
        let (ask, answer) = (json!({"role": "user", "content": "hi"}), json!({"role": "assistant", "content": "yes"}));
        let begun = json!({"role": "system", "content": [text("two")]});
        let later = json!({"role": "system", "content": "three", "name": "n"});
        let report = check(
            MODEL,
            json!({"system": "one", "messages": [begun, ask, later, answer]}),
            Some(json!({"system": [text("one"), text("two"), text("three")], "messages": [ask, answer]})),
        );
        assert_eq!(
            (report.dropped, report.approximated),
            (vec!["messages[].name".into()], vec!["messages[].role".into()])
        );
        let report =
            check(MODEL, json!({"messages": [begun, ask]}), Some(json!({"messages": [ask], "system": [text("two")]})));
        assert_eq!(report, Report::default());
        check(MODEL, json!({"system": "one", "messages": [ask]}), None);
        check(MODEL, json!({"messages": [begun]}), None);
        check(MODEL, json!({"messages": [{"role": "user", "content": "\"role\": \"system\""}]}), None);
        check(MODEL, json!({"messages": [{"role": "user", "content": [{"input": {"role": "system"}}]}]}), None);
    }
}
