//! A whole OpenAI Responses reply becomes a neutral answer.

use super::CUSTOM_INPUT;
use super::annotations::{decode_annotation, decode_logprob};
use super::finish::read_finish;
use super::reasoning;
use super::usage::read_usage;
use crate::formats::openai::read_error;
use crate::json::{Object, take_array, take_string};
use crate::model::{Answer, Arguments, Names, Part, PartKind, Report, mint};
use crate::{ErrorInfo, Format, UpstreamFault};
use serde_json::{Value, json};

/// Decodes a 2xx reply. `names` restores tool names; `report` learns what is left out.
///
/// # Errors
/// When the body is no such reply, reports an error, or is of a response that has not ended.
pub fn decode_reply(body: Value, names: &Names, report: &mut Report) -> Result<Answer, UpstreamFault> {
    const WIRE: Format = Format::OpenAIResponses;
    if let Some(error) = response_error(&body) {
        return Err(UpstreamFault::Reported(error));
    }
    let Value::Object(mut response) = body else {
        return Err(UpstreamFault::malformed(WIRE, "not an object"));
    };
    let Some(output) = take_array(&mut response, "output") else {
        return Err(UpstreamFault::malformed(WIRE, "'output' is missing"));
    };
    if output.is_empty() && matches!(response.get("status").and_then(Value::as_str), Some("queued" | "in_progress")) {
        return Err(UpstreamFault::malformed(WIRE, "the response has not ended"));
    }
    let id = take_string(&mut response, "id").unwrap_or_default();
    let mut items = Items { names, reply: &id, calls: 0, logprobs: Vec::new(), report };
    let mut parts = Vec::new();
    for item in output {
        items.decode(item, &mut parts);
    }
    let logprobs = items.logprobs;
    let calls = parts.iter().any(|part| matches!(part.kind, PartKind::ToolCall { .. }));
    let refused = parts.iter().any(|part| matches!(part.kind, PartKind::Refusal(_)));
    let model = take_string(&mut response, "model").unwrap_or_default();
    let service_tier = take_string(&mut response, "service_tier");
    let response = Value::Object(response);
    Ok(Answer {
        id,
        model,
        created: created(&response),
        parts,
        finish: read_finish(&response, calls, refused),
        usage: response.get("usage").and_then(read_usage),
        service_tier,
        logprobs,
    })
}

/// When a response was made. Some servers write a float.
pub(super) fn created(response: &Value) -> Option<u64> {
    let at = crate::json::count(response, "created_at");
    (at > 0).then_some(at)
}

/// The error of a response that failed, or of a body that is none.
pub(super) fn response_error(body: &Value) -> Option<ErrorInfo> {
    if let Some(error) = body.get("error").filter(|error| !error.is_null()) {
        return read_error(&json!({ "error": error }), 502);
    }
    match body.get("status").and_then(Value::as_str) {
        Some(status @ ("failed" | "cancelled")) => {
            read_error(&json!({"error": {"message": format!("the response has {status}")}}), 502)
        }
        _ if body.get("output").is_none() => read_error(body, 502),
        _ => None,
    }
}

/// Decodes items one after the other.
pub(super) struct Items<'a> {
    pub(super) names: &'a Names,
    /// Id of the response.
    pub(super) reply: &'a str,
    /// How many calls there were.
    pub(super) calls: u64,
    pub(super) logprobs: Vec<Value>,
    pub(super) report: &'a mut Report,
}

impl Items<'_> {
    pub(super) fn decode(&mut self, item: Value, parts: &mut Vec<Part>) {
        let Value::Object(mut item) = item else { return };
        match item.get("type").and_then(Value::as_str) {
            Some("message") => {
                for content in take_array(&mut item, "content").unwrap_or_default() {
                    parts.extend(self.content(content));
                }
            }
            Some("reasoning") => parts.extend(thinking(&item)),
            Some("function_call" | "custom_tool_call") => match self.call(&mut item) {
                Some(part) => parts.push(part),
                None => self.report.drop("output[].function_call"),
            },
            kind => self.report.drop(format!("output[].{}", kind.unwrap_or("unknown"))),
        }
    }

    fn content(&mut self, content: Value) -> Option<Part> {
        let Value::Object(mut content) = content else { return None };
        match content.get("type").and_then(Value::as_str) {
            Some("output_text") => {
                let text = take_string(&mut content, "text").unwrap_or_default();
                let citations = take_array(&mut content, "annotations").unwrap_or_default();
                let logprobs = take_array(&mut content, "logprobs").unwrap_or_default();
                self.logprobs.extend(logprobs.iter().map(decode_logprob));
                if text.is_empty() && citations.is_empty() {
                    return None;
                }
                let citations = citations.into_iter().map(decode_annotation).collect();
                Some(Part { citations, ..Part::text(text) })
            }
            Some("refusal") => {
                let text = take_string(&mut content, "refusal").filter(|text| !text.is_empty())?;
                Some(Part::new(PartKind::Refusal(text)))
            }
            kind => {
                self.report.drop(format!("output[].content[].{}", kind.unwrap_or("unknown")));
                None
            }
        }
    }

    fn call(&mut self, item: &mut Object) -> Option<Part> {
        self.calls += 1;
        let name = take_string(item, "name").filter(|name| !name.is_empty())?;
        let id = take_string(item, "call_id").filter(|id| !id.is_empty());
        Some(Part::new(PartKind::ToolCall {
            id: id.unwrap_or_else(|| mint(self.reply, self.calls)),
            name: self.names.receive(name),
            arguments: arguments(item),
        }))
    }
}

/// Arguments of a call; the input of a custom tool is one of them.
pub(super) fn arguments(item: &mut Object) -> Arguments {
    if let Some(input) = take_string(item, "input") {
        return Arguments::Text(json!({CUSTOM_INPUT: input}).to_string());
    }
    match item.shift_remove("arguments") {
        None | Some(Value::Null) => Arguments::Text(String::new()),
        Some(Value::String(text)) => Arguments::Text(text),
        Some(value) => Arguments::Value(value),
    }
}

/// The thinking of an item; `None` where it shows none and cannot be given back.
pub(super) fn thinking(item: &Object) -> Option<Part> {
    let text = reasoning::text_of(item);
    let signature = signature(item);
    if text.is_empty() && signature.is_none() {
        return None;
    }
    Some(Part::new(PartKind::Thinking { text, signature }))
}

/// The signature of a reasoning item.
pub(super) fn signature(item: &Object) -> Option<String> {
    let encrypted = item.get("encrypted_content")?.as_str().filter(|text| !text.is_empty())?;
    let id = item.get("id").and_then(Value::as_str).unwrap_or_default();
    Some(reasoning::signature(id, encrypted))
}
