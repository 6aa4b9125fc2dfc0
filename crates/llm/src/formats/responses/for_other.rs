//! A request of this format on its way to another: what only the vendor's own servers can resolve is refused, items
//! become turns, and what OpenAI Chat has under the same name goes along.

use super::members::SHARED;
use super::reasoning;
use super::tools::is_custom;
use crate::formats::openai::cannot_reason;
use crate::json::{Object, take_object, take_string};
use crate::model::{
    Content, Form, Message, Part, PartKind, Report, Request, Role, Tool, ToolChoice, ToolKind, unwrap_signature,
    wrap_signature,
};
use crate::{BodyError, Format};
use serde_json::{Value, json};

/// Makes a decoded request of this format such as encoders of `wire`, another format, expect one.
///
/// # Errors
/// As [`refuse_stateful`].
pub(crate) fn for_other(request: &mut Request, wire: Format, report: &mut Report) -> Result<(), BodyError> {
    refuse_stateful(request)?;
    request.messages = join(std::mem::take(&mut request.messages), report);
    for tool in request.tools.iter_mut().flatten() {
        explain_custom(tool, report);
    }
    choose(request, wire);
    settle(request, wire, report);
    Ok(())
}

/// Refuses what stands for content that only the vendor's own servers hold, or that they alone understand: without it
/// the answer would be about something else. What a gateway holds itself it resolves before, see [`super::state`].
///
/// # Errors
/// A [`BodyError`] that names the field.
pub(crate) fn refuse_stateful(request: &Request) -> Result<(), BodyError> {
    let refused = |field: &str, why: &str| {
        let message = format!("'{field}' is only possible with an OpenAI Responses provider: {why}");
        Err(BodyError::unsupported(field, message))
    };
    let says = |key: &str| request.extras.get(key).is_some_and(|value| !value.is_null());
    for key in ["previous_response_id", "conversation"] {
        if says(key) {
            return refused(key, "the conversation is kept there");
        }
    }
    if says("prompt") {
        return refused("prompt", "the template is kept there");
    }
    if request.extras.get("background") == Some(&Value::Bool(true)) {
        return refused("background", "the answer is kept there");
    }
    if request.messages.is_empty() {
        return Err(BodyError::field("input", "'input' is missing or empty"));
    }
    for (at, message) in request.messages.iter().enumerate() {
        let [Part { kind: PartKind::Foreign(item), .. }] = message.content.parts.as_slice() else { continue };
        if message.content.form != Form::Absent {
            continue;
        }
        let kind = crate::json::text(item, "type");
        if is_reference(item) {
            return refused(&format!("input[{at}]"), "the item is kept there");
        }
        if kind.starts_with("compaction") {
            return refused(&format!("input[{at}]"), "the conversation before it is encrypted");
        }
        if !TRACES.contains(&kind) {
            return refused(&format!("input[{at}].type"), &format!("no other knows items of type '{kind}'"));
        }
    }
    Ok(())
}

/// Whether an item stands for another one. Its type may be left out.
pub(super) fn is_reference(item: &Value) -> bool {
    match item.get("type").filter(|kind| !kind.is_null()) {
        Some(kind) => kind == "item_reference",
        None => item.get("id").is_some_and(Value::is_string) && item.get("role").is_none(),
    }
}

/// What the model did in one go is one message, without ids and states of items.
fn join(messages: Vec<Message>, report: &mut Report) -> Vec<Message> {
    let mut out: Vec<Message> = Vec::with_capacity(messages.len());
    for mut message in messages {
        message.extras = plain_extras(message.extras);
        let form = message.content.form;
        let parts = message.content.parts.into_iter().filter_map(|part| plain_part(part, report)).collect::<Vec<_>>();
        let empty_item = parts.is_empty() && form == Form::Absent;
        message.content = Content { parts, form: if form == Form::Absent { Form::List } else { form } };
        if empty_item {
            continue;
        }
        match out.last_mut() {
            Some(last) if last.role == Role::Assistant && message.role == Role::Assistant => {
                last.content.parts.extend(message.content.parts);
                last.content.form = Form::List;
                last.extras.extend(message.extras);
            }
            _ => out.push(message),
        }
    }
    out
}

/// Bookkeeping of the vendor's: who else reads it learns nothing.
fn plain_extras(mut extras: Object) -> Object {
    for key in ["id", "status", "type", "logprobs", "caller"] {
        extras.shift_remove(key);
    }
    extras
}

/// A part as other formats' decoders make it; `None` is a trace of what the vendor's servers did.
fn plain_part(mut part: Part, report: &mut Report) -> Option<Part> {
    let id = take_string(&mut part.extras, "id");
    part.extras = plain_extras(part.extras);
    match &mut part.kind {
        PartKind::Thinking { text, signature } => {
            for key in ["summary", "content", "encrypted_content"] {
                part.extras.shift_remove(key);
            }
            // A signature of this format says so, for no other may take it for its own.
            if let Some(bare) = signature.take_if(|signature| unwrap_signature(signature).is_none()) {
                let bare = reasoning::signature(id.as_deref().unwrap_or_default(), &bare);
                *signature = Some(wrap_signature(Format::OpenAIResponses, Some(&bare)));
            }
            if let Some(data) = signature.as_deref().and_then(reasoning::unsealed_whole) {
                part.kind = PartKind::RedactedThinking(data.to_owned());
            } else if text.is_empty() && signature.is_none() {
                return None;
            }
        }
        PartKind::ToolResult { content, .. } => {
            let parts = std::mem::take(&mut content.parts);
            content.parts = parts.into_iter().filter_map(|part| plain_part(part, report)).collect();
        }
        PartKind::Foreign(value) => {
            let kind = crate::json::text(value, "type");
            if TRACES.contains(&kind) {
                report.drop(format!("input[].{kind}"));
                return None;
            }
        }
        _ => {}
    }
    Some(part)
}

/// Items that tell what the vendor's servers did on the way to an answer that stands behind them.
const TRACES: &[&str] = &[
    "web_search_call",
    "file_search_call",
    "code_interpreter_call",
    "image_generation_call",
    "mcp_list_tools",
    "mcp_call",
    "mcp_approval_request",
    "mcp_approval_response",
    "tool_search_call",
    "tool_search_output",
    "x_search_call",
];

/// A custom tool's format, in words: as a function of one text it has no other place for it.
fn explain_custom(tool: &mut Tool, report: &mut Report) {
    let ToolKind::Function { description, .. } = &mut tool.kind else { return };
    if !is_custom(&tool.extras) {
        return;
    }
    report.approximate("tools[].custom");
    let format = take_object(&mut tool.extras, "format").unwrap_or_default();
    let word = |key: &str| format.get(key).and_then(Value::as_str);
    if let (Some(syntax), Some(definition)) = (word("syntax"), word("definition")) {
        let rule = format!("The input must match this {syntax} grammar:\n{definition}");
        *description = Some(match description.take() {
            Some(text) => format!("{text}\n\n{rule}"),
            None => rule,
        });
    }
}

/// A custom tool is chosen like a function. OpenAI Chat has `allowed_tools` too, with inner objects.
fn choose(request: &mut Request, wire: Format) {
    let Some(ToolChoice::Other(choice)) = &request.settings.tool_choice else { return };
    match crate::json::text(choice, "type") {
        "custom" => {
            let name = crate::json::text(choice, "name").to_owned();
            request.settings.tool_choice = Some(ToolChoice::Tool(name));
        }
        "allowed_tools" if wire == Format::OpenAIChat => {
            let nested = |tool: &Value| match tool.get("name").and_then(Value::as_str) {
                Some(name) => json!({"type": "function", "function": {"name": name}}),
                None => tool.clone(),
            };
            let tools: Vec<Value> =
                choice.get("tools").and_then(Value::as_array).into_iter().flatten().map(nested).collect();
            let mode = choice.get("mode").cloned().unwrap_or_else(|| json!("auto"));
            let choice = json!({"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}});
            request.openai_params.entry("tool_choice").or_insert(choice);
            request.settings.tool_choice = None;
        }
        _ => {}
    }
}

/// Members that say nothing elsewhere, and those that OpenAI Chat shares.
fn settle(request: &mut Request, wire: Format, report: &mut Report) {
    let extras = &mut request.extras;
    extras.shift_remove("input");
    extras.shift_remove("stream_options");
    if extras.get("truncation").is_some_and(|truncation| truncation == "disabled") {
        extras.shift_remove("truncation");
    }
    if let Some(Value::Array(include)) = extras.get_mut("include") {
        // Both are given anyway where there are any.
        let given = [super::decode_request::LOGPROBS, "reasoning.encrypted_content"];
        include.retain(|value| !given.iter().any(|given| value == given));
    }
    if let Some(mut reasoning) = take_object(extras, "reasoning") {
        // Whether thinking is shown was understood.
        reasoning.shift_remove("summary");
        reasoning.shift_remove("generate_summary");
        report.drop_extras("reasoning.", &reasoning);
    }
    if request.settings.top_logprobs.is_some_and(|most| most > 0) {
        request.settings.logprobs = Some(true);
    } else if request.settings.logprobs.is_none() {
        request.settings.top_logprobs = None;
    }
    if wire == Format::OpenAIChat {
        share_with_chat(request);
    }
    if let Some(text) = take_object(&mut request.extras, "text") {
        report.drop_extras("text.", &text);
    }
}

/// What OpenAI Chat has in the same words is told in them.
fn share_with_chat(request: &mut Request) {
    let (extras, params) = (&mut request.extras, &mut request.openai_params);
    for key in SHARED {
        if let Some(value) = extras.shift_remove(*key).filter(|value| !value.is_null()) {
            params.entry(*key).or_insert(value);
        }
    }
    if let Some(Value::Object(text)) = extras.get_mut("text")
        && let Some(verbosity) = take_string(text, "verbosity")
    {
        params.entry("verbosity").or_insert(json!(verbosity));
    }
    let settings = &mut request.settings;
    if let Some(tier) = settings.service_tier.take() {
        params.entry("service_tier").or_insert(json!(tier));
    }
    if !cannot_reason(request.model.as_deref().unwrap_or_default())
        && let Some(effort) = settings.reasoning.effort.take()
    {
        params.entry("reasoning_effort").or_insert(json!(effort));
    }
}
