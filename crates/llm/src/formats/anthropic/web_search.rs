//! Other vendors' searches of the web as the tool that this vendor has for it.
//! Source: <https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool>.

use crate::formats::vendor::take_own;
use crate::json::{Object, kind, take_object};
use crate::model::{Report, Request};
use serde_json::{Value, json};

/// OpenAI Chat's `web_search_options`, which ask for a search by being there.
pub(super) fn of_chat(request: &mut Request, report: &mut Report) -> Option<Value> {
    let mut options = take_own(request, &["web_search_options"]).shift_remove("web_search_options")?;
    match &options {
        Value::Object(_) | Value::Bool(true) => {}
        Value::Bool(false) => return None,
        _ => {
            report.drop("web_search_options");
            return None;
        }
    }
    let mut tool = plain();
    if let Some(size) = options.get("search_context_size").and_then(Value::as_str) {
        report.approximate("web_search_options.search_context_size");
        tool["max_uses"] = uses(size);
    }
    if let Some(Value::Object(place)) = options.pointer_mut("/user_location/approximate") {
        tool["user_location"] = located(std::mem::take(place));
    }
    Some(tool)
}

/// The name of a tool that is this vendor's own, whoever asks for it: its type ends in the day of its version
/// (`web_search_20250305`), which no other vendor writes in one piece.
fn own_name(tool: &Value) -> Option<&str> {
    let (name, day) = tool.get("type")?.as_str()?.rsplit_once('_')?;
    (day.len() == 8 && day.bytes().all(|byte| byte.is_ascii_digit())).then_some(name)
}

/// Whether a tool is this vendor's own.
pub(super) fn is_own(tool: &Value) -> bool {
    own_name(tool).is_some()
}

/// Such a tool, whole; the API wants its name.
pub(super) fn of_own(mut tool: Value) -> Value {
    let name = own_name(&tool).map(|name| json!(name));
    if let (Some(name), Value::Object(tool)) = (name, &mut tool) {
        tool.entry("name").or_insert(name);
    }
    tool
}

/// Whether a tool is another vendor's search: Responses' `web_search` and `web_search_preview`, Gemini's `googleSearch`.
pub(super) fn is_one(tool: &Value) -> bool {
    let kind = kind(tool);
    kind.starts_with("web_search") || matches!(kind, "googleSearch" | "google_search")
}

/// Such a tool; its settings that have no counterpart are reported.
pub(super) fn of_tool(tool: Value, report: &mut Report) -> Value {
    let kind = kind(&tool).to_owned();
    let mut out = plain();
    let Value::Object(mut tool) = tool else { return out };
    if !kind.starts_with("web_search") {
        report.approximate(format!("tools[].{kind}"));
        report.drop_extras(&format!("tools[].{kind}."), &take_object(&mut tool, &kind).unwrap_or_default());
        return out;
    }
    tool.shift_remove("type");
    if let Some(mut filters) = take_object(&mut tool, "filters") {
        if let Some(domains) = filters.shift_remove("allowed_domains").filter(Value::is_array) {
            out["allowed_domains"] = domains;
        }
        report.drop_extras("tools[].filters.", &filters);
    }
    if let Some(place) = take_object(&mut tool, "user_location") {
        out["user_location"] = located(place);
    }
    if let Some(size) = tool.shift_remove("search_context_size") {
        report.approximate("tools[].search_context_size");
        out["max_uses"] = uses(size.as_str().unwrap_or_default());
    }
    report.drop_extras("tools[].", &tool);
    out
}

fn plain() -> Value {
    json!({"type": "web_search_20250305", "name": "web_search"})
}

/// How often it may search, for how much it is to find.
fn uses(size: &str) -> Value {
    match size {
        "low" => json!(1),
        "high" => json!(10),
        _ => json!(5),
    }
}

fn located(mut place: Object) -> Value {
    place.retain(|key, value| matches!(key.as_str(), "city" | "country" | "region" | "timezone") && !value.is_null());
    place.insert("type".to_owned(), json!("approximate"));
    Value::Object(place)
}
