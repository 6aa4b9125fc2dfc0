//! A whole Anthropic reply becomes a neutral answer.

use super::citations;
use super::encode_request::JSON_TOOL;
use crate::json::{Object, take_array, take_string};
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
    let mut parts: Vec<Part> = content.into_iter().filter_map(|block| decode_block(block, names, json_tool)).collect();
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

fn decode_block(block: Value, names: &Names, json_tool: bool) -> Option<Part> {
    let Value::Object(mut block) = block else { return None };
    let kind = match block.get("type").and_then(Value::as_str) {
        Some("text") => PartKind::Text(take_string(&mut block, "text")?),
        Some("thinking") => PartKind::Thinking {
            text: take_string(&mut block, "thinking")?,
            signature: take_string(&mut block, "signature").filter(|signature| !signature.is_empty()),
        },
        Some("redacted_thinking") => PartKind::RedactedThinking(take_string(&mut block, "data")?),
        Some("tool_use") => {
            let input = block.shift_remove("input").filter(|input| !input.is_null());
            let input = input.unwrap_or_else(|| Value::Object(Object::new()));
            let name = take_string(&mut block, "name").unwrap_or_default();
            if json_tool && name == JSON_TOOL {
                PartKind::Text(input.to_string())
            } else {
                PartKind::ToolCall {
                    id: take_string(&mut block, "id").unwrap_or_default(),
                    name: names.receive(name),
                    arguments: Arguments::Value(input),
                }
            }
        }
        _ => return Some(Part::new(PartKind::Foreign(Value::Object(block)))),
    };
    let citations = take_array(&mut block, "citations").unwrap_or_default();
    Some(Part { citations: citations.into_iter().map(citations::read).collect(), ..Part::new(kind) })
}
