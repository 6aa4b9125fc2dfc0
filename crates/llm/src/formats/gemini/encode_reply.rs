//! A neutral answer becomes a whole generateContent reply.

use super::{citations, finish, logprobs, signature, usage};
use crate::Format;
use crate::formats::ReplyContext;
use crate::json::Object;
use crate::model::{Answer, Citation, Part, PartKind, Report, Source};
use serde_json::{Value, json};

/// Encodes an answer.
#[must_use]
pub fn encode_reply(answer: Answer, context: &ReplyContext, report: &mut Report) -> Value {
    let mut texts: Vec<(usize, String, Vec<Citation>)> = Vec::new();
    let mut parts = Vec::new();
    for part in answer.parts {
        if let (PartKind::Text(text), false) = (&part.kind, part.citations.is_empty()) {
            texts.push((parts.len(), text.clone(), part.citations.clone()));
        }
        parts.extend(encode_part(part, context.origin, report));
    }
    if parts.is_empty() {
        parts.push(json!({"text": ""}));
    }
    let mut candidate = json!({
        "content": {"role": "model", "parts": parts},
        "finishReason": finish::write(answer.finish.kind),
        "index": 0,
    });
    let texts: Vec<(usize, &str, &[Citation])> =
        texts.iter().map(|(part, text, citations)| (*part, text.as_str(), citations.as_slice())).collect();
    if let Some(grounding) = citations::write(&texts) {
        candidate["groundingMetadata"] = grounding;
    }
    if let Some((result, mean)) = logprobs::write(&answer.logprobs) {
        candidate["avgLogprobs"] = json!(mean);
        candidate["logprobsResult"] = result;
    }
    let mut body = around(vec![candidate], &answer.id, &answer.model, context);
    if let Some(usage) = answer.usage {
        body["usageMetadata"] = usage::write(&usage);
    }
    body
}

/// A reply, or a chunk of one, with these candidates.
pub(super) fn around(candidates: Vec<Value>, id: &str, model: &str, context: &ReplyContext) -> Value {
    let model = if model.is_empty() { &context.model } else { model };
    json!({"candidates": candidates, "modelVersion": model, "responseId": id})
}

fn encode_part(part: Part, origin: Format, report: &mut Report) -> Option<Value> {
    let mut out = match part.kind {
        PartKind::Text(text) | PartKind::Refusal(text) if !text.is_empty() => json!({ "text": text }),
        PartKind::Text(_) | PartKind::Refusal(_) => return None,
        PartKind::Thinking { text, signature } => thought(&text, origin, signature.as_deref()),
        PartKind::RedactedThinking(data) => redacted(&data),
        PartKind::ToolCall { id, name, arguments } => {
            // A call that was cut by the bound of the answer's length is kept, though its arguments are not.
            let args = arguments.into_object().unwrap_or_else(|empty| {
                report.approximate("tool_calls[].function.arguments");
                empty
            });
            call(&id, &name, Value::Object(args))
        }
        PartKind::Image(source)
        | PartKind::Audio(source)
        | PartKind::Video(source)
        | PartKind::Document { source, .. } => match source {
            Source::Base64 { media_type, data } => json!({"inlineData": {"mimeType": media_type, "data": data}}),
            Source::Url(uri) => {
                let media_type = super::media::guess(&uri).unwrap_or("application/octet-stream");
                json!({"fileData": {"mimeType": media_type, "fileUri": uri}})
            }
            _ => {
                report.drop("message.content");
                return None;
            }
        },
        PartKind::Foreign(value) => {
            let kind = crate::json::kind(&value);
            report.drop(format!("message.{kind}"));
            return None;
        }
        PartKind::ToolResult { .. } => {
            report.drop("message.content");
            return None;
        }
    };
    if let Some(signature) = part.signature {
        out["thoughtSignature"] = json!(signature);
    }
    Some(out)
}

/// Thinking, whose signature says whose it is.
pub(super) fn thought(text: &str, origin: Format, signature: Option<&str>) -> Value {
    let mut out = json!({"text": text, "thought": true});
    if let Some(signature) = signature::write(origin, signature) {
        out["thoughtSignature"] = json!(signature);
    }
    out
}

pub(super) fn redacted(data: &str) -> Value {
    json!({"text": "", "thought": true, "thoughtSignature": signature::write_redacted(data)})
}

pub(super) fn call(id: &str, name: &str, args: Value) -> Value {
    let mut call = Object::new();
    if !id.is_empty() {
        call.insert("id".to_owned(), json!(id));
    }
    call.insert("name".to_owned(), json!(name));
    call.insert("args".to_owned(), args);
    json!({ "functionCall": call })
}
