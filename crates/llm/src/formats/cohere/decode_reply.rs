//! A whole Cohere chat reply becomes a neutral answer.

use super::decode_messages::plan_part;
use super::{citations, usage};
use crate::json::{Object, take_array, take_object, take_string};
use crate::model::{Answer, Arguments, FinishKind, Names, Part, PartKind, Report, mint};
use crate::{Format, UpstreamFault};
use serde_json::{Value, json};

/// Decodes a 2xx reply. `names` restores tool names; `report` learns what is left out.
///
/// # Errors
/// When the body is no such reply, or reports an error.
pub fn decode_reply(body: Value, names: &Names, report: &mut Report) -> Result<Answer, UpstreamFault> {
    const WIRE: Format = Format::CohereChat;
    if let Some(error) = super::read_error(&body, 502) {
        return Err(UpstreamFault::Reported(error));
    }
    let Value::Object(mut body) = body else {
        return Err(UpstreamFault::malformed(WIRE, "not an object"));
    };
    let Some(message) = take_object(&mut body, "message") else {
        return Err(UpstreamFault::malformed(WIRE, "'message' is missing"));
    };
    let reason = take_string(&mut body, "finish_reason").unwrap_or_else(|| "COMPLETE".to_owned());
    if let Some(error) = super::failed(&reason, None) {
        return Err(UpstreamFault::Reported(error));
    }
    let id = take_string(&mut body, "id").unwrap_or_default();
    let parts = decode_message(message, &id, names, report);
    let mut finish = super::read_finish(&reason);
    if finish.kind == FinishKind::Stop && parts.iter().any(|part| matches!(part.kind, PartKind::ToolCall { .. })) {
        finish.kind = FinishKind::ToolCalls;
    }
    Ok(Answer {
        id,
        model: take_string(&mut body, "model").unwrap_or_default(),
        created: None,
        parts,
        finish,
        usage: body.get("usage").and_then(usage::read_usage),
        service_tier: None,
        logprobs: body.get("logprobs").and_then(Value::as_array).into_iter().flatten().filter_map(logprob).collect(),
    })
}

fn decode_message(mut message: Object, reply: &str, names: &Names, report: &mut Report) -> Vec<Part> {
    let mut parts = Vec::new();
    match message.shift_remove("content") {
        Some(Value::String(text)) => parts.push(Part::text(text)),
        Some(Value::Array(items)) => {
            for item in items {
                let said = |key: &str| item.get(key).and_then(Value::as_str).map(str::to_owned);
                let kind = match item.get("type").and_then(Value::as_str).unwrap_or_default() {
                    "text" => said("text").map(PartKind::Text),
                    "thinking" => said("thinking").map(|text| PartKind::Thinking { text, signature: None }),
                    _ => None,
                };
                // What is not understood keeps its place, which citations count.
                parts.push(Part::new(kind.unwrap_or(PartKind::Foreign(item))));
            }
        }
        _ => {}
    }
    if let Some(plan) = take_string(&mut message, "tool_plan").filter(|plan| !plan.is_empty()) {
        parts.push(plan_part(plan));
    }
    citations::take(&mut message, &mut parts);
    for part in &mut parts {
        part.extras.clear();
        // Of thinking no format has citations.
        if matches!(part.kind, PartKind::Thinking { .. }) && !std::mem::take(&mut part.citations).is_empty() {
            report.drop("message.citations");
        }
    }
    let empty = |part: &Part| match &part.kind {
        PartKind::Text(text) | PartKind::Thinking { text, .. } => text.is_empty() && part.citations.is_empty(),
        _ => false,
    };
    parts.retain(|part| !empty(part));
    for (nth, call) in take_array(&mut message, "tool_calls").unwrap_or_default().into_iter().enumerate() {
        match decode_call(call, reply, nth, names) {
            Some(part) => parts.push(part),
            None => report.drop("message.tool_calls[]"),
        }
    }
    message.shift_remove("role");
    report.drop_extras("message.", &message);
    parts
}

fn decode_call(call: Value, reply: &str, nth: usize, names: &Names) -> Option<Part> {
    let Value::Object(mut call) = call else { return None };
    let mut function = take_object(&mut call, "function")?;
    let arguments = match function.shift_remove("arguments") {
        // A call without arguments has null, also as text.
        None | Some(Value::Null) => Arguments::Text(String::new()),
        Some(Value::String(text)) if text.trim() == "null" => Arguments::Text(String::new()),
        Some(Value::String(text)) => Arguments::Text(text),
        Some(value) => Arguments::Value(value),
    };
    let id = take_string(&mut call, "id").filter(|id| !id.is_empty());
    let name = take_string(&mut function, "name").filter(|name| !name.is_empty())?;
    Some(Part::new(PartKind::ToolCall {
        id: id.unwrap_or_else(|| mint(reply, nth as u64 + 1)),
        name: names.receive(name),
        arguments,
    }))
}

/// The likelihood of a piece of text in OpenAI's shape. A piece of several tokens is as likely as all of them.
pub(super) fn logprob(item: &Value) -> Option<Value> {
    let token = item.get("text")?.as_str()?;
    let likely: f64 = item.get("logprobs")?.as_array()?.iter().filter_map(Value::as_f64).sum();
    Some(json!({"token": token, "logprob": likely, "bytes": token.as_bytes(), "top_logprobs": []}))
}
