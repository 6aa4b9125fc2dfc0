//! A whole Converse reply becomes a neutral answer.

use super::encode_settings::JSON_TOOL;
use super::{decode_content, usage};
use crate::formats::Restore;
use crate::json::{Object, take_array, take_object, take_string};
use crate::model::{Answer, Arguments, Finish, FinishKind, Part, PartKind, Report};
use crate::{ErrorInfo, ErrorKind, Format, UpstreamFault};
use serde_json::Value;

/// Decodes a 2xx reply. `restore` undoes what was changed in the request; `report` learns what is left out. The reply
/// names neither itself nor its model.
///
/// # Errors
/// When the body is no such reply, or reports an error.
pub fn decode_reply(body: Value, restore: &Restore, report: &mut Report) -> Result<Answer, UpstreamFault> {
    const WIRE: Format = Format::BedrockConverse;
    if let Some(error) = super::read_error(&body, 502) {
        return Err(UpstreamFault::Reported(error));
    }
    let Value::Object(mut body) = body else {
        return Err(UpstreamFault::malformed(WIRE, "not an object"));
    };
    let Some(mut output) = take_object(&mut body, "output") else {
        return Err(UpstreamFault::malformed(WIRE, "'output' is missing"));
    };
    let content = take_object(&mut output, "message").and_then(|mut message| take_array(&mut message, "content"));
    let Some(content) = content else {
        return Err(UpstreamFault::malformed(WIRE, "'output.message.content' is missing"));
    };
    let blocks = content.into_iter().filter_map(|block| match block {
        Value::Object(block) => Some(restored(decode_content::part(block), restore)),
        _ => None,
    });
    let parts: Vec<Part> = blocks.collect();
    let reason = take_string(&mut body, "stopReason").unwrap_or_else(|| "end_turn".to_owned());
    let mut finish = super::read_finish(&reason, body.get("additionalModelResponseFields"));
    let calls = parts.iter().any(|part| matches!(part.kind, PartKind::ToolCall { .. }));
    correct(&mut finish, calls, restore.json_tool);
    if parts.is_empty() {
        refuse_malformed(&finish)?;
    }
    unread(&body).into_iter().for_each(|name| report.drop(name));
    Ok(Answer {
        id: String::new(),
        model: String::new(),
        created: None,
        parts,
        finish,
        usage: body.get("usage").and_then(usage::read),
        service_tier: body.get("serviceTier").and_then(|tier| tier.get("type")?.as_str().map(str::to_owned)),
        logprobs: Vec::new(),
    })
}

/// What stands beside an answer and has no place in one.
pub(super) fn unread(body: &Object) -> Vec<&'static str> {
    let says = |name: &&str| {
        let mut said = body.get(*name).and_then(Value::as_object).into_iter().flatten();
        // The stop text was understood, and the usual latency is not worth a word.
        said.any(|(key, value)| key != "stop_sequence" && !(key == "latency" && value == "standard"))
    };
    ["trace", "additionalModelResponseFields", "performanceConfig"].into_iter().filter(says).collect()
}

/// A part of a reply, as the client knows its tools.
fn restored(part: Part, restore: &Restore) -> Part {
    match part.kind {
        PartKind::ToolCall { name, arguments, .. } if restore.json_tool && name == JSON_TOOL => {
            Part::text(arguments.into_text())
        }
        PartKind::ToolCall { id, name, arguments } => {
            let arguments = match arguments {
                Arguments::Value(Value::Null) => Arguments::Value(Value::Object(Object::new())),
                arguments => arguments,
            };
            Part::new(PartKind::ToolCall { id, name: restore.names.receive(name), arguments })
        }
        // Of replies, what is beside the text is the vendor's own bookkeeping.
        kind => Part { citations: part.citations, ..Part::new(kind) },
    }
}

/// The call of our own tool is no call.
pub(super) fn correct(finish: &mut Finish, calls: bool, json_tool: bool) {
    if json_tool && finish.kind == FinishKind::ToolCalls && !calls {
        finish.kind = FinishKind::Stop;
    }
}

/// An answer of which the service could make nothing at all is none.
///
/// # Errors
/// Upstream's fault, in its own word.
pub(super) fn refuse_malformed(finish: &Finish) -> Result<(), UpstreamFault> {
    if !finish.native.starts_with("malformed_") {
        return Ok(());
    }
    let message = format!("the model's output could not be read: {}", finish.native);
    let error = ErrorInfo::new(ErrorKind::Server, message).with_code(&finish.native);
    Err(UpstreamFault::Reported(ErrorInfo { status: 502, ..error }))
}
