//! A neutral answer becomes a whole Cohere chat reply.

use super::{citations, finish_reason, usage};
use crate::Format;
use crate::formats::ReplyContext;
use crate::json::Object;
use crate::model::{Answer, FinishKind, Part, PartKind, Report, wrap_signature};
use serde_json::{Value, json};

/// Encodes an answer.
#[must_use]
pub fn encode_reply(answer: Answer, context: &ReplyContext, report: &mut Report) -> Value {
    if answer.finish.kind == FinishKind::Refusal {
        report.approximate("finish_reason");
    }
    let mut body = Object::new();
    body.insert("id".to_owned(), json!(answer.id));
    body.insert("finish_reason".to_owned(), json!(finish_reason(answer.finish.kind)));
    body.insert("message".to_owned(), encode_message(answer.parts, context.origin, report));
    if let Some(usage) = answer.usage {
        body.insert("usage".to_owned(), usage::usage_object(&usage));
    }
    if !answer.logprobs.is_empty() {
        body.insert("logprobs".to_owned(), answer.logprobs.iter().map(logprob).collect());
    }
    Value::Object(body)
}

fn encode_message(parts: Vec<Part>, origin: Format, report: &mut Report) -> Value {
    let (mut content, mut calls, mut cited, mut signatures) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for part in parts {
        let index = content.len();
        match part.kind {
            PartKind::Text(text) => {
                cited.extend(part.citations.iter().map(|citation| citations::write(citation, &text, index)));
                content.push(json!({"type": "text", "text": text}));
            }
            PartKind::Refusal(text) => content.push(json!({"type": "text", "text": text})),
            PartKind::Thinking { text, signature } => {
                signatures.extend(signature.map(|signature| wrap_signature(origin, Some(&signature))));
                // What was not shown says nothing here.
                if !text.is_empty() {
                    content.push(json!({"type": "thinking", "thinking": text}));
                }
            }
            PartKind::ToolCall { id, name, arguments } => {
                signatures.extend(part.signature.map(|signature| signed_call(origin, &signature)));
                calls.push(tool_call(&id, &name, &arguments.into_text()));
            }
            PartKind::Foreign(value) => {
                let kind = crate::json::kind(&value);
                report.drop(format!("message.content[].{kind}"));
            }
            PartKind::RedactedThinking(_) => report.drop("message.content[].redacted_thinking"),
            _ => report.drop("message.content[]"),
        }
    }
    let mut message = Object::new();
    message.insert("role".to_owned(), json!("assistant"));
    if !calls.is_empty() {
        content.extend(signatures.into_iter().map(|signature| json!({"type": "thinking", "thinking": signature})));
    }
    if !content.is_empty() || calls.is_empty() {
        message.insert("content".to_owned(), Value::Array(content));
    }
    if !calls.is_empty() {
        message.insert("tool_calls".to_owned(), Value::Array(calls));
    }
    if !cited.is_empty() {
        message.insert("citations".to_owned(), Value::Array(cited));
    }
    Value::Object(message)
}

/// The signature over a call, as thinking of its own: this format has no other place for one, and only beside calls
/// will it be wanted again. In OpenAI Chat it is Gemini's too.
pub(super) fn signed_call(origin: Format, signature: &str) -> String {
    let origin = if origin == Format::OpenAIChat { Format::GeminiGenerateContent } else { origin };
    wrap_signature(origin, Some(signature))
}

pub(super) fn tool_call(id: &str, name: &str, arguments: &str) -> Value {
    let arguments = if arguments.trim().is_empty() { "{}" } else { arguments };
    json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
}

/// One token of OpenAI's shape. Its number is not known.
pub(super) fn logprob(token: &Value) -> Value {
    let likely = token.get("logprob").cloned().unwrap_or(json!(0));
    json!({"text": crate::json::text(token, "token"), "token_ids": [], "logprobs": [likely]})
}
