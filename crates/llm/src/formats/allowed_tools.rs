//! A choice among some of the tools, which OpenAI's formats and Gemini have a word for: elsewhere the others are not declared.

use crate::Format;
use crate::json::text;
use crate::model::{Report, Request, Tool, ToolChoice, ToolKind};
use serde_json::{Value, json};

/// Leaves only the tools that may be called: `{"type": "allowed_tools"}` of OpenAI Responses, and of OpenAI Chat, which
/// nests it; `allowedFunctionNames` of Gemini.
pub(crate) fn keep_allowed(request: &mut Request, wire: Format, report: &mut Report) {
    let native = match request.origin {
        Format::OpenAIChat | Format::OpenAIResponses => {
            matches!(wire, Format::OpenAIChat | Format::OpenAIResponses | Format::GeminiGenerateContent)
        }
        origin => origin == wire,
    };
    let Some(ToolChoice::Other(choice)) = request.settings.tool_choice.as_ref().filter(|_| !native) else { return };
    let list = |value: &Value, key: &str| value.get(key).and_then(Value::as_array).cloned();
    let (mode, allowed) = match list(choice, "allowedFunctionNames") {
        Some(names) => (text(choice, "mode"), names.into_iter().map(|name| json!({ "name": name })).collect()),
        None if text(choice, "type") == "allowed_tools" => {
            let inner = choice.get("allowed_tools").unwrap_or(choice);
            (text(inner, "mode"), list(inner, "tools").unwrap_or_default())
        }
        None => return,
    };
    let mut tools = request.tools.take().unwrap_or_default();
    tools.retain(|tool| allowed.iter().any(|reference| refers_to(reference, tool)));
    report.approximate("tool_choice");
    let choice = match mode.to_ascii_lowercase().as_str() {
        _ if tools.is_empty() => ToolChoice::None,
        "required" | "any" => ToolChoice::Required,
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

#[cfg(test)]
mod tests {
    use crate::Format;
    use crate::formats::tests::recorded::translated;
    use serde_json::json;

    #[test]
    fn of_the_tools_only_those_are_declared_that_may_be_called() {
        let function =
            |name: &str| json!({"name": name, "description": "d", "parameters": {"type": "OBJECT", "properties": {}}});
        let gemini = json!({"contents": [{"role": "user", "parts": [{"text": "q"}]}],
            "tools": [{"functionDeclarations": [function("f"), function("g"), function("h")]}],
            "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f", "h"]}}});
        let (body, report) = translated(Format::GeminiGenerateContent, Format::OpenAIChat, "gpt-4o", &gemini);
        let names: Vec<_> = body["tools"].as_array().unwrap().iter().map(|tool| &tool["function"]["name"]).collect();
        assert_eq!((names, &body["tool_choice"]), (vec![&json!("f"), &json!("h")], &json!("required")));
        assert_eq!(report.approximated, ["tool_choice"]);

        let tool = |name: &str| json!({"type": "function", "function": {"name": name}});
        let chosen = json!({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [tool("g")]}});
        let chat = json!({"messages": [{"role": "user", "content": "q"}], "tools": [tool("f"), tool("g")], "tool_choice": chosen});
        let (body, report) = translated(Format::OpenAIChat, Format::BedrockConverse, "amazon.nova-pro-v1:0", &chat);
        assert_eq!(body["toolConfig"]["tools"].as_array().map(Vec::len), Some(1), "{body}");
        assert_eq!(report.approximated, ["tool_choice"]);
        // What a format has a word for stays as it is.
        let (body, report) = translated(Format::OpenAIChat, Format::OpenAIResponses, "gpt-4o", &chat);
        assert_eq!((&body["tool_choice"]["type"], report.approximated), (&json!("allowed_tools"), vec![]));
    }
}
