//! A neutral answer becomes a whole Anthropic reply.

use super::{stop_details, stop_reason};
use crate::Format;
use crate::model::{Answer, Part, PartKind, Report, plain_id, wrap_signature};
use serde_json::{Value, json};

/// Encodes an answer that came in `origin`'s format. Thinking without a signature of Anthropic's gets a wrapped one:
/// the API demands some, and the next request must tell whose it is.
#[must_use]
pub fn encode_reply(answer: Answer, origin: Format, report: &mut Report) -> Value {
    let content: Vec<Value> = answer.parts.into_iter().filter_map(|part| block(part, origin, report)).collect();
    let finish = answer.finish;
    json!({
        "id": answer.id,
        "type": "message",
        "role": "assistant",
        "model": answer.model,
        "content": content,
        "stop_reason": stop_reason(finish.kind),
        "stop_sequence": finish.stop_sequence,
        "stop_details": stop_details(finish.kind),
        "container": null,
        "usage": super::usage_object(&answer.usage.unwrap_or_default(), answer.service_tier.as_deref()),
    })
}

fn block(part: Part, origin: Format, report: &mut Report) -> Option<Value> {
    Some(match part.kind {
        PartKind::Text(text) | PartKind::Refusal(text) => json!({"type": "text", "text": text, "citations": null}),
        PartKind::Thinking { text, signature } => {
            let signature = match origin {
                Format::AnthropicMessages => signature.unwrap_or_default(),
                origin => wrap_signature(origin, signature.as_deref()),
            };
            json!({"type": "thinking", "thinking": text, "signature": signature})
        }
        PartKind::RedactedThinking(data) => json!({"type": "redacted_thinking", "data": data}),
        PartKind::ToolCall { id, name, arguments } => {
            // A call that was cut by the bound of the answer's length is kept, though its arguments are not.
            let input = arguments.into_object().unwrap_or_else(|empty| {
                report.approximate("tool_calls[].function.arguments");
                empty
            });
            tool_use(&id, &name, Value::Object(input))
        }
        PartKind::Foreign(value) => {
            let kind = value.get("type").and_then(Value::as_str).unwrap_or("unknown");
            report.drop(format!("message.{kind}"));
            return None;
        }
        _ => {
            report.drop("message.content");
            return None;
        }
    })
}

/// A call by the model itself. Ids of other vendors are made such as the API takes back.
pub(super) fn tool_use(id: &str, name: &str, input: Value) -> Value {
    let caller = json!({"type": "direct"});
    json!({"type": "tool_use", "id": plain_id(id), "name": name, "input": input, "caller": caller})
}
