//! A whole Anthropic reply becomes a neutral answer.

use super::citations;
use super::encode_request::JSON_TOOL;
use super::usage::{SERVER_TOOLS, counts_server_tools};
use crate::json::{Object, kind, take_array, take_string};
use crate::model::{Answer, Arguments, FinishKind, Names, Part, PartKind, Report};
use crate::{Format, UpstreamFault};
use serde_json::Value;

/// Decodes a 2xx reply. `names` restores tool names; with `json_tool` the call of our own tool is the text; `report`
/// learns what is left out.
///
/// # Errors
/// When the body is no such reply, or reports an error.
pub fn decode_reply(body: Value, names: &Names, json_tool: bool, report: &mut Report) -> Result<Answer, UpstreamFault> {
    const WIRE: Format = Format::AnthropicMessages;
    if let Some(error) = super::read_error(&body, 502) {
        return Err(UpstreamFault::Reported(error));
    }
    let Value::Object(mut body) = body else {
        return Err(UpstreamFault::malformed(WIRE, "not an object"));
    };
    let Some(content) = take_array(&mut body, "content") else {
        return Err(UpstreamFault::malformed(WIRE, "'content' is missing"));
    };
    let mut parts = Vec::with_capacity(content.len());
    for mut block in content {
        match decode_block(&mut block, names, json_tool) {
            Some(part) => parts.push(part),
            None => report.drop(lost_block(&block)),
        }
    }
    let reason = take_string(&mut body, "stop_reason").unwrap_or_else(|| "end_turn".to_owned());
    let stop_sequence = take_string(&mut body, "stop_sequence");
    let mut finish = super::read_finish(&reason, stop_sequence.as_deref());
    let calls = parts.iter().any(|part| matches!(part.kind, PartKind::ToolCall { .. }));
    if json_tool && finish.kind == FinishKind::ToolCalls && !calls {
        finish.kind = FinishKind::Stop;
    }
    parts.extend(explanation(&body, finish.kind));
    let mut usage = None;
    let told = body.shift_remove("usage").unwrap_or_default();
    super::merge_usage(&mut usage, Some(&told));
    if counts_server_tools(&told) {
        report.drop(SERVER_TOOLS);
    }
    let (id, model) = (take_string(&mut body, "id"), take_string(&mut body, "model"));
    for key in ["role", "stop_details"] {
        body.shift_remove(key);
    }
    report.drop_extras("", &body);
    Ok(Answer {
        id: id.unwrap_or_default(),
        model: model.unwrap_or_default(),
        created: None,
        parts,
        finish,
        usage,
        service_tier: told.get("service_tier").and_then(Value::as_str).map(str::to_owned),
        logprobs: Vec::new(),
    })
}

/// Why the model refused, as the refusal.
fn explanation(body: &Object, finish: FinishKind) -> Option<Part> {
    let text = body.get("stop_details")?.get("explanation")?.as_str()?;
    (finish == FinishKind::Refusal).then(|| Part::new(PartKind::Refusal(text.to_owned())))
}

/// The name of a block that has no neutral form, such as a call of the vendor's own tools.
pub(super) fn lost_block(block: &Value) -> String {
    format!("content[].{}", kind(block))
}

fn decode_block(block: &mut Value, names: &Names, json_tool: bool) -> Option<Part> {
    let Value::Object(block) = block else { return None };
    let kind = match block.get("type").and_then(Value::as_str) {
        Some("text") => PartKind::Text(take_string(block, "text")?),
        Some("thinking") => PartKind::Thinking {
            text: take_string(block, "thinking")?,
            signature: take_string(block, "signature").filter(|signature| !signature.is_empty()),
        },
        Some("redacted_thinking") => PartKind::RedactedThinking(take_string(block, "data")?),
        Some("tool_use") => {
            let input = block.shift_remove("input").filter(|input| !input.is_null());
            let input = input.unwrap_or_else(|| Value::Object(Object::new()));
            let name = take_string(block, "name").unwrap_or_default();
            if json_tool && name == JSON_TOOL {
                PartKind::Text(input.to_string())
            } else {
                PartKind::ToolCall {
                    id: take_string(block, "id").unwrap_or_default(),
                    name: names.receive(name),
                    arguments: Arguments::Value(input),
                }
            }
        }
        _ => return None,
    };
    let citations = take_array(block, "citations").unwrap_or_default();
    Some(Part { citations: citations.into_iter().map(citations::read).collect(), ..Part::new(kind) })
}
