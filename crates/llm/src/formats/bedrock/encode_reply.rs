//! A neutral answer becomes a whole Converse reply.

use super::media::IMAGE;
use super::{call_id, citations, redacted, stop_reason, usage};
use crate::Format;
use crate::formats::ReplyContext;
use crate::json::Object;
use crate::model::{Answer, Part, PartKind, Report, Source, wrap_signature};
use serde_json::{Value, json};

/// Encodes an answer. Thinking that is neither Anthropic's nor this service's gets a wrapped signature, so that the
/// next request tells whose it is.
#[must_use]
pub fn encode_reply(answer: Answer, context: &ReplyContext, report: &mut Report) -> Value {
    if !answer.logprobs.is_empty() {
        report.drop("logprobs");
    }
    let mut content = Vec::with_capacity(answer.parts.len());
    for part in answer.parts {
        blocks(part, context.origin, report, &mut content);
    }
    let mut body = json!({
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": stop_reason(answer.finish.kind),
        "usage": usage::write(&answer.usage.unwrap_or_default()),
        // The service's own time, of which nothing is known here.
        "metrics": {"latencyMs": 0},
    });
    if let Some(text) = answer.finish.stop_sequence {
        body["additionalModelResponseFields"] = json!({"stop_sequence": text});
    }
    if let Some(tier) = service_tier(answer.service_tier.as_deref()) {
        body["serviceTier"] = json!({"type": tier});
    }
    body
}

/// Other vendors' tiers in this service's words.
pub(super) fn service_tier(tier: Option<&str>) -> Option<&'static str> {
    match tier? {
        "default" | "standard" => Some("default"),
        "priority" => Some("priority"),
        "flex" => Some("flex"),
        "reserved" => Some("reserved"),
        _ => None,
    }
}

fn blocks(part: Part, origin: Format, report: &mut Report, out: &mut Vec<Value>) {
    let Part { kind, citations, signature, .. } = part;
    let block = match kind {
        PartKind::Text(text) | PartKind::Refusal(text) if citations.is_empty() => json!({"text": text}),
        PartKind::Text(text) | PartKind::Refusal(text) => {
            let citations: Vec<Value> = citations.into_iter().map(citations::write).collect();
            json!({"citationsContent": {"content": [{"text": text}], "citations": citations}})
        }
        PartKind::Thinking { text, signature } => thinking(&text, sign(signature, origin)),
        PartKind::RedactedThinking(data) => {
            json!({"reasoningContent": {"redactedContent": redacted::write(&data)}})
        }
        PartKind::ToolCall { id, name, arguments } => {
            // A call that was cut by the bound of the answer's length is kept, though its arguments are not.
            let input = arguments.into_object().unwrap_or_else(|empty| {
                report.approximate("tool_calls[].function.arguments");
                empty
            });
            // The signature over the thinking that led to a call has no place on the call itself.
            if signature.is_some() {
                out.push(thinking("", sign(signature, origin)));
            }
            json!({"toolUse": {"toolUseId": call_id(&id), "name": name, "input": input}})
        }
        PartKind::Image(Source::Base64 { media_type, data }) if IMAGE.format(&media_type).is_some() => {
            json!({"image": {"format": IMAGE.format(&media_type), "source": {"bytes": data}}})
        }
        PartKind::Foreign(value) => {
            let kind = crate::json::kind(&value);
            report.drop(format!("message.{kind}"));
            return;
        }
        _ => {
            report.drop("message.content");
            return;
        }
    };
    out.push(block);
}

/// The signature for thinking of `origin`'s.
pub(super) fn sign(signature: Option<String>, origin: Format) -> Option<String> {
    match origin {
        Format::AnthropicMessages | Format::BedrockConverse => signature,
        origin => Some(wrap_signature(origin, signature.as_deref())),
    }
}

fn thinking(text: &str, signature: Option<String>) -> Value {
    let mut said = Object::new();
    said.insert("text".to_owned(), json!(text));
    said.extend(signature.map(|signature| ("signature".to_owned(), json!(signature))));
    json!({"reasoningContent": {"reasoningText": said}})
}
