//! A neutral answer becomes a whole Anthropic reply.

use super::{citations, stop_details, stop_reason};
use crate::Format;
use crate::formats::ReplyContext;
use crate::model::{Answer, Part, PartKind, Report, plain_id, wrap_signature};
use serde_json::{Value, json};

/// Encodes an answer. Thinking without a signature of Anthropic's gets a wrapped one: the API demands some, and the next
/// request must tell whose it is.
#[must_use]
pub fn encode_reply(answer: Answer, context: &ReplyContext, report: &mut Report) -> Value {
    let origin = context.origin;
    if !answer.logprobs.is_empty() {
        report.drop("logprobs");
    }
    let mut content = Vec::new();
    for mut part in answer.parts {
        match (part.signature.take(), &part.kind) {
            (Some(signature), PartKind::ToolCall { .. }) => content.push(signed_call(origin, &signature)),
            (Some(_), _) => report.drop("thought_signature"),
            (None, _) => {}
        }
        content.extend(block(part, origin, report));
    }
    let finish = answer.finish;
    // Not every vendor's reply names the model.
    let model = if answer.model.is_empty() { &context.model } else { &answer.model };
    json!({
        "id": answer.id,
        "type": "message",
        "role": "assistant",
        "model": model,
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
        PartKind::Text(text) | PartKind::Refusal(text) => {
            let cited: Vec<Value> =
                part.citations.iter().map(|citation| citations::write(citation, &text, origin)).collect();
            // The vendor leaves the member out where there is none, and some SDKs refuse a null.
            let mut block = json!({"type": "text", "text": text});
            if !cited.is_empty() {
                block["citations"] = Value::Array(cited);
            }
            block
        }
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
            let kind = crate::json::kind(&value);
            report.drop(format!("message.{kind}"));
            return None;
        }
        _ => {
            report.drop("message.content");
            return None;
        }
    })
}

/// The signature over a call, in a block of its own before it: a call has no place for one. In OpenAI Chat it is
/// Gemini's too.
pub(super) fn signed_call(origin: Format, signature: &str) -> Value {
    let origin = if origin == Format::OpenAIChat { Format::GeminiGenerateContent } else { origin };
    json!({"type": "thinking", "thinking": "", "signature": wrap_signature(origin, Some(signature))})
}

/// A call by the model itself. Ids of other vendors are made such as the API takes back.
pub(super) fn tool_use(id: &str, name: &str, input: Value) -> Value {
    let caller = json!({"type": "direct"});
    json!({"type": "tool_use", "id": plain_id(id), "name": name, "input": input, "caller": caller})
}
