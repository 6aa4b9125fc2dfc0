//! OpenAI's choice among some of the tools, which this format has no word for: the others are not declared.

use crate::json::text;
use crate::model::{Report, Request, Tool, ToolChoice, ToolKind};
use serde_json::Value;

/// Leaves only the tools that may be called: `{"type": "allowed_tools"}` of OpenAI Responses, and of OpenAI Chat, which
/// nests it.
pub(super) fn keep_allowed(request: &mut Request, report: &mut Report) {
    let Some(ToolChoice::Other(choice)) = &request.settings.tool_choice else { return };
    if text(choice, "type") != "allowed_tools" {
        return;
    }
    let inner = choice.get("allowed_tools").unwrap_or(choice);
    let allowed = inner.get("tools").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut tools = request.tools.take().unwrap_or_default();
    tools.retain(|tool| allowed.iter().any(|reference| refers_to(reference, tool)));
    report.approximate("tool_choice");
    let choice = match text(inner, "mode") {
        _ if tools.is_empty() => ToolChoice::None,
        "required" => ToolChoice::Required,
        _ => ToolChoice::Auto,
    };
    request.tools = Some(tools);
    request.settings.tool_choice = Some(choice);
}

/// Functions are named; of a vendor's own tools there is one of a kind, or they have a label.
fn refers_to(reference: &Value, tool: &Tool) -> bool {
    match &tool.kind {
        ToolKind::Function { name, .. } => {
            let nested = ["function", "custom"].iter().find_map(|kind| reference.get(*kind));
            text(nested.unwrap_or(reference), "name") == name
        }
        ToolKind::Foreign(value) => {
            let label = reference.get("server_label").or_else(|| reference.get("name"));
            let same = label.is_none_or(|label| [value.get("server_label"), value.get("name")].contains(&Some(label)));
            text(reference, "type") == crate::json::kind(value) && same
        }
    }
}
