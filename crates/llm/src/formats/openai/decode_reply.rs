//! A whole OpenAI Chat reply becomes a neutral answer.

use super::citations;
use super::decode_messages::take_signature;
use crate::json::{Object, take_array, take_object, take_string};
use crate::model::{Answer, Arguments, Finish, FinishKind, Names, Part, PartKind, Report, mint};
use crate::{Format, UpstreamFault};
use serde_json::Value;

/// Decodes a 2xx reply. `names` restores tool names; `report` learns what is left out.
///
/// # Errors
/// When the body is no such reply, or reports an error.
pub fn decode_reply(body: Value, names: &Names, report: &mut Report) -> Result<Answer, UpstreamFault> {
    const WIRE: Format = Format::OpenAIChat;
    if let Some(error) = super::chunk_error(&body) {
        return Err(UpstreamFault::Reported(error));
    }
    let Value::Object(mut body) = body else {
        return Err(UpstreamFault::malformed(WIRE, "not an object"));
    };
    let Some(choices) = take_array(&mut body, "choices") else {
        return Err(UpstreamFault::malformed(WIRE, "'choices' is missing"));
    };
    let id = take_string(&mut body, "id").unwrap_or_default();
    if choices.len() > 1 {
        report.drop("choices");
    }
    let (mut parts, mut finish, mut logprobs) = (Vec::new(), None, Vec::new());
    if let Some(Value::Object(mut choice)) = choices.into_iter().next() {
        finish = take_string(&mut choice, "finish_reason");
        if let Some(mut told) = take_object(&mut choice, "logprobs") {
            logprobs = take_array(&mut told, "content").unwrap_or_default();
            report.drop_extras("choices[].logprobs.", &told);
        }
        if let Some(message) = take_object(&mut choice, "message") {
            parts = decode_message(message, &id, names, report);
        }
        choice.shift_remove("index");
        report.drop_extras("choices[].", &choice);
    }
    let mut finish = super::read_finish(finish.as_deref().unwrap_or("stop"));
    correct(&mut finish, &parts);
    let model = take_string(&mut body, "model").unwrap_or_default();
    let created = body.shift_remove("created").and_then(|created| created.as_u64());
    let usage = body.shift_remove("usage").as_ref().and_then(super::read_usage);
    let service_tier = take_string(&mut body, "service_tier");
    body.retain(|key, _| !super::BODY_READ.contains(&key.as_str()));
    report.drop_extras("", &body);
    Ok(Answer { model, created, usage, service_tier, logprobs, id, parts, finish })
}

/// Servers say `stop` for a forced call, and for a refusal.
fn correct(finish: &mut Finish, parts: &[Part]) {
    if finish.kind != FinishKind::Stop {
        return;
    }
    if parts.iter().any(|part| matches!(part.kind, PartKind::ToolCall { .. })) {
        finish.kind = FinishKind::ToolCalls;
    } else if parts.iter().any(|part| matches!(part.kind, PartKind::Refusal(_))) {
        finish.kind = FinishKind::Refusal;
    }
}

fn decode_message(mut message: Object, reply: &str, names: &Names, report: &mut Report) -> Vec<Part> {
    let mut parts = Vec::new();
    let thought = take_string(&mut message, "reasoning_content").or_else(|| take_string(&mut message, "reasoning"));
    message.shift_remove("reasoning");
    if let Some(text) = thought.filter(|text| !text.is_empty()) {
        parts.push(Part::new(PartKind::Thinking { text, signature: None }));
    }
    match message.shift_remove("content") {
        Some(Value::String(text)) if !text.is_empty() => parts.push(Part::text(text)),
        Some(Value::Array(items)) => {
            for item in &items {
                match super::decode_stream::typed_piece(item) {
                    Some((true, text)) => parts.push(Part::new(PartKind::Thinking { text, signature: None })),
                    Some((false, text)) => parts.push(Part::text(text)),
                    None => report.drop("choices[].message.content"),
                }
            }
        }
        _ => {}
    }
    if let Some(audio) = take_object(&mut message, "audio") {
        report.drop("choices[].message.audio");
        // What is said aloud stands nowhere else.
        let silent = !parts.iter().any(|part| matches!(part.kind, PartKind::Text(_)));
        let transcript = audio.get("transcript").and_then(Value::as_str).filter(|text| silent && !text.is_empty());
        parts.extend(transcript.map(Part::text));
    }
    citations::take(&mut message, &mut parts);
    if let Some(said) = parts.iter_mut().rev().find(|part| matches!(part.kind, PartKind::Text(_))) {
        said.signature = take_signature(&mut message);
    }
    if let Some(text) = take_string(&mut message, "refusal").filter(|text| !text.is_empty()) {
        parts.push(Part::new(PartKind::Refusal(text)));
    }
    let calls = take_array(&mut message, "tool_calls").unwrap_or_default();
    let older = take_object(&mut message, "function_call");
    let older = older.map(|function| serde_json::json!({ "function": function }));
    for (nth, call) in calls.into_iter().chain(older).enumerate() {
        match decode_call(call, reply, nth, names) {
            Some(part) => parts.push(part),
            None => report.drop("choices[].message.tool_calls[]"),
        }
    }
    message.shift_remove("role");
    report.drop_extras("choices[].message.", &message);
    parts
}

fn decode_call(call: Value, reply: &str, nth: usize, names: &Names) -> Option<Part> {
    let Value::Object(mut call) = call else { return None };
    let mut function = take_object(&mut call, "function")?;
    let arguments = match function.shift_remove("arguments") {
        None | Some(Value::Null) => Arguments::Text(String::new()),
        Some(Value::String(text)) => Arguments::Text(text),
        Some(value) => Arguments::Value(value),
    };
    let id = take_string(&mut call, "id").filter(|id| !id.is_empty());
    let name = take_string(&mut function, "name").filter(|name| !name.is_empty())?;
    let kind = PartKind::ToolCall {
        id: id.unwrap_or_else(|| mint(reply, nth as u64 + 1)),
        name: names.receive(name),
        arguments,
    };
    Some(Part { signature: take_signature(&mut call), ..Part::new(kind) })
}
