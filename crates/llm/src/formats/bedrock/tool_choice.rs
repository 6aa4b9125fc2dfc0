//! Which tools must or may be called, in the places that Converse has for it.

use super::encode_settings::{Around, JSON_TOOL, Settled};
use crate::model::{Report, ToolChoice};
use serde_json::{Value, json};

/// Anthropic's choice. What `toolConfig.toolChoice` cannot say goes to the model as its own `tool_choice`; the API
/// refuses both together.
pub(super) fn of_claude(out: &mut Settled, choice: Value, around: &Around<'_>, report: &mut Report) {
    let kind = crate::json::text(&choice, "type");
    let one = choice.get("disable_parallel_tool_use") == Some(&Value::Bool(true));
    let takes_own = around.family.calls_one(around.model);
    if kind == "none" {
        if out.json_tool.is_some() && !out.thinks {
            // The answer is the only call.
            out.choice = Some(json!({"tool": {"name": JSON_TOOL}}));
            out.without_tools = !around.has_calls;
        } else if !around.has_calls {
            out.without_tools = true;
        } else if takes_own {
            out.put(&["additionalModelRequestFields", "tool_choice"], json!({"type": "none"}));
        } else {
            report.drop("tool_choice");
        }
        return;
    }
    if one && takes_own {
        out.put(&["additionalModelRequestFields", "tool_choice"], choice);
        return;
    }
    if one {
        report.drop("parallel_tool_calls");
    }
    out.choice = match kind {
        "any" => Some(json!({"any": {}})),
        "tool" => Some(json!({"tool": {"name": choice.get("name")}})),
        _ => None,
    };
}

/// A choice for any other model.
pub(super) fn of_any(out: &mut Settled, choice: Option<ToolChoice>, around: &Around<'_>, report: &mut Report) {
    let asked = match choice {
        None | Some(ToolChoice::Auto) => None,
        Some(_) if !around.has_tools => {
            report.drop("tool_choice");
            None
        }
        Some(ToolChoice::None) if !around.has_calls => {
            out.without_tools = true;
            None
        }
        Some(ToolChoice::Required) => Some(json!({"any": {}})),
        // Some servers of OpenAI's format know Anthropic's word.
        Some(ToolChoice::Other(value)) if value == "any" => Some(json!({"any": {}})),
        Some(ToolChoice::Tool(name)) => Some(json!({"tool": {"name": name}})),
        Some(ToolChoice::None | ToolChoice::Other(_)) => {
            report.drop("tool_choice");
            None
        }
    };
    let asked = match asked {
        Some(_) if !around.family.obeys_choice() => {
            report.approximate("tool_choice");
            None
        }
        asked => asked,
    };
    out.choice = match (asked, &out.json_tool) {
        (None, Some(_)) if around.has_tools && !out.without_tools => Some(json!({"any": {}})),
        (None, Some(_)) => Some(json!({"tool": {"name": JSON_TOOL}})),
        (asked, _) => asked,
    };
}
