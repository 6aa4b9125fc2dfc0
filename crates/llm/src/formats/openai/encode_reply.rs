//! A neutral answer becomes a whole OpenAI Chat reply.
//!
//! Thinking travels in two extensions that other gateways use too: `reasoning_content` is its text, `thinking_blocks`
//! the vendor's blocks with their signatures, which a client gives back in its next request.

use super::{citations, finish_reason};
use crate::Format;
use crate::formats::ReplyContext;
use crate::model::{Answer, Finish, FinishKind, Part, PartKind, Report, wrap_signature};
use serde_json::{Map, Value, json};

/// Encodes an answer.
#[must_use]
pub fn encode_reply(answer: Answer, context: &ReplyContext, report: &mut Report) -> Value {
    let finish = answer.finish;
    let message = encode_message(answer.parts, &finish, context.origin, report);
    let mut choice = Map::new();
    choice.insert("index".to_owned(), json!(0));
    choice.insert("message".to_owned(), message);
    choice.insert("logprobs".to_owned(), logprobs(answer.logprobs));
    choice.insert("finish_reason".to_owned(), json!(finish_reason(finish.kind)));
    if let Some(native) = native_reason(&finish) {
        choice.insert("native_finish_reason".to_owned(), json!(native));
    }
    let mut body = Map::new();
    body.insert("id".to_owned(), json!(answer.id));
    body.insert("object".to_owned(), json!("chat.completion"));
    body.insert("created".to_owned(), json!(answer.created.unwrap_or(context.now)));
    // Not every vendor's reply names the model.
    let model = if answer.model.is_empty() { &context.model } else { &answer.model };
    body.insert("model".to_owned(), json!(model));
    body.insert("choices".to_owned(), json!([choice]));
    if let Some(usage) = answer.usage {
        body.insert("usage".to_owned(), super::usage_object(&usage));
    }
    if let Some(tier) = service_tier(answer.service_tier.as_deref()) {
        body.insert("service_tier".to_owned(), json!(tier));
    }
    Value::Object(body)
}

/// Anthropic's tiers in OpenAI's words.
pub(super) fn service_tier(tier: Option<&str>) -> Option<&str> {
    match tier? {
        "standard" => Some("default"),
        "batch" => None,
        other => Some(other),
    }
}

/// Upstream's own word where `finish_reason` says less than it.
pub(super) fn native_reason(finish: &Finish) -> Option<&str> {
    matches!(finish.kind, FinishKind::Pause | FinishKind::ContextFull).then_some(finish.native.as_str())
}

/// Tokens of an answer, if they were told.
pub(super) fn logprobs(tokens: Vec<Value>) -> Value {
    if tokens.is_empty() { Value::Null } else { json!({"content": tokens, "refusal": null}) }
}

fn encode_message(parts: Vec<Part>, finish: &Finish, origin: Format, report: &mut Report) -> Value {
    let (mut text, mut thought, mut refusal) = (None::<String>, String::new(), None::<String>);
    let (mut blocks, mut calls, mut annotations) = (Vec::new(), Vec::new(), Vec::new());
    let (mut signed, mut signature) = (false, None);
    for part in parts {
        match part.kind {
            PartKind::Text(more) => {
                let text = text.get_or_insert_default();
                let before = text.chars().count() as u64;
                let length = more.chars().count() as u64;
                annotations.extend(part.citations.iter().map(|citation| citations::write(citation, length, before)));
                text.push_str(&more);
                signature = part.signature.or(signature);
            }
            PartKind::Refusal(more) => refusal.get_or_insert_default().push_str(&more),
            PartKind::Thinking { text, signature } => {
                thought.push_str(&text);
                signed |= signature.is_some();
                blocks.push(thinking_block(&text, signature.as_deref(), origin));
            }
            PartKind::RedactedThinking(data) => {
                signed = true;
                blocks.push(redacted_block(&data));
            }
            PartKind::ToolCall { id, name, arguments } => {
                let arguments = match arguments.into_text() {
                    empty if empty.is_empty() => "{}".to_owned(),
                    text => text,
                };
                let function = json!({"name": name, "arguments": arguments});
                let mut call = json!({"id": id, "type": "function", "function": function});
                if let Some(signature) = part.signature {
                    call["extra_content"] = extra_content(&signature);
                }
                calls.push(call);
            }
            PartKind::Foreign(value) => {
                let kind = crate::json::kind(&value);
                report.drop(format!("content[].{kind}"));
            }
            _ => report.drop("content[]"),
        }
    }
    let silent = calls.is_empty() && refusal.is_none() && finish.kind != FinishKind::Refusal;
    let mut message = Map::new();
    message.insert("role".to_owned(), json!("assistant"));
    // `content` is null beside calls, and "" where nothing at all was said.
    let content = text.filter(|text| !text.is_empty()).map(Value::String);
    message.insert("content".to_owned(), content.unwrap_or(if silent { json!("") } else { Value::Null }));
    message.insert("refusal".to_owned(), json!(refusal));
    if !thought.is_empty() {
        message.insert("reasoning_content".to_owned(), json!(thought));
    }
    if signed {
        message.insert("thinking_blocks".to_owned(), Value::Array(blocks));
    }
    if !calls.is_empty() {
        message.insert("tool_calls".to_owned(), Value::Array(calls));
    }
    if !annotations.is_empty() {
        message.insert("annotations".to_owned(), Value::Array(annotations));
    }
    if let Some(signature) = signature {
        message.insert("extra_content".to_owned(), extra_content(&signature));
    }
    Value::Object(message)
}

/// A signature over the thinking that led to this, in the shape of Google's own OpenAI endpoint.
pub(super) fn extra_content(signature: &str) -> Value {
    json!({"google": {"thought_signature": signature}})
}

/// The block is Anthropic's, so Claude's signatures stand in it as they are, and others say whose they are.
pub(super) fn thinking_block(text: &str, signature: Option<&str>, origin: Format) -> Value {
    let mut block = json!({"type": "thinking", "thinking": text});
    if let Some(signature) = signature {
        block["signature"] = match origin {
            Format::AnthropicMessages | Format::BedrockConverse | Format::OpenAIChat => json!(signature),
            origin => json!(wrap_signature(origin, Some(signature))),
        };
    }
    block
}

pub(super) fn redacted_block(data: &str) -> Value {
    json!({"type": "redacted_thinking", "data": data})
}
