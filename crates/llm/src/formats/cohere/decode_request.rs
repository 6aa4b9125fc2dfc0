//! A Cohere chat request becomes a neutral one. What is not understood stays in `extras`, nulls included.

use super::{decode_messages, documents};
use crate::formats::openai::decode_tool;
use crate::json::{Object, take_array, take_bool, take_number, take_object, take_string, take_u64};
use crate::model::{Reasoning, Request, ResponseFormat, Settings, Stop, Tool, ToolChoice, ToolKind};
use crate::{BodyError, Format};
use serde_json::Value;

/// Decodes a request body.
///
/// # Errors
/// A [`BodyError`] naming the field, when `messages` or `tools` are not the lists they must be.
pub fn decode_request(mut body: Object) -> Result<Request, BodyError> {
    let messages = match body.shift_remove("messages") {
        Some(Value::Array(items)) => items,
        Some(_) => return Err(BodyError::field("messages", "'messages' must be a list")),
        None => return Err(BodyError::field("messages", "'messages' is missing")),
    };
    let messages = messages.into_iter().enumerate();
    let mut messages =
        messages.map(|(at, message)| decode_messages::message(at, message)).collect::<Result<Vec<_>, _>>()?;
    documents::join(&mut body, &mut messages);
    Ok(Request {
        origin: Format::CohereChat,
        model: take_string(&mut body, "model"),
        stream: take_bool(&mut body, "stream"),
        system: None,
        messages,
        tools: decode_tools(&mut body)?,
        settings: decode_settings(&mut body),
        extras: body,
        openai_params: Object::new(),
    })
}

fn decode_tools(body: &mut Object) -> Result<Option<Vec<Tool>>, BodyError> {
    match body.get("tools") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(_)) => {}
        Some(_) => return Err(BodyError::field("tools", "'tools' must be a list")),
    }
    let tools = take_array(body, "tools").unwrap_or_default().into_iter().enumerate();
    let mut tools: Vec<Tool> = tools.map(|(at, tool)| decode_tool(at, tool)).collect::<Result<_, _>>()?;
    let all_functions = tools.iter().all(|tool| matches!(tool.kind, ToolKind::Function { .. }));
    let said = if all_functions && !tools.is_empty() { take_bool(body, "strict_tools") } else { None };
    for tool in &mut tools {
        if let ToolKind::Function { strict, inner, .. } = &mut tool.kind {
            // The API has one word for all tools, beside them; a word within a tool is none of its own.
            inner.extend(strict.take().map(|strict| ("strict".to_owned(), Value::Bool(strict))));
            *strict = said;
        }
    }
    Ok(Some(tools))
}

fn decode_settings(body: &mut Object) -> Settings {
    Settings {
        max_tokens: take_u64(body, "max_tokens"),
        older_max_tokens: true,
        temperature: take_number(body, "temperature"),
        top_p: take_number(body, "p"),
        top_k: take_number(body, "k"),
        stop: decode_stop(body),
        tool_choice: decode_tool_choice(body),
        response_format: take_object(body, "response_format").map(decode_response_format),
        reasoning: Reasoning { thinking: decode_thinking(body), ..Reasoning::default() },
        seed: take_number(body, "seed"),
        presence_penalty: take_number(body, "presence_penalty"),
        frequency_penalty: take_number(body, "frequency_penalty"),
        logprobs: take_bool(body, "logprobs"),
        ..Settings::default()
    }
}

fn decode_stop(body: &mut Object) -> Option<Stop> {
    let all_text = body.get("stop_sequences")?.as_array()?.iter().all(Value::is_string);
    if !all_text {
        return None;
    }
    let texts = take_array(body, "stop_sequences")?;
    let texts = texts.into_iter().filter_map(|text| text.as_str().map(str::to_owned)).collect();
    Some(Stop { texts, bare: false })
}

fn decode_tool_choice(body: &mut Object) -> Option<ToolChoice> {
    let choice = match body.get("tool_choice")?.as_str()? {
        "REQUIRED" => ToolChoice::Required,
        "NONE" => ToolChoice::None,
        _ => return None,
    };
    body.shift_remove("tool_choice");
    Some(choice)
}

fn decode_response_format(mut format: Object) -> ResponseFormat {
    match (format.get("type").and_then(Value::as_str), format.len()) {
        (Some("text"), 1) => return ResponseFormat::Text,
        (Some("json_object"), 1) => return ResponseFormat::Json,
        (Some("json_object"), 2) => {
            if let Some(schema) = take_object(&mut format, "json_schema") {
                return ResponseFormat::Schema { schema: Value::Object(schema), about: Object::new() };
            }
        }
        _ => {}
    }
    ResponseFormat::Other(Value::Object(format))
}

/// The neutral object is Anthropic's, which calls the budget `budget_tokens`.
fn decode_thinking(body: &mut Object) -> Option<Object> {
    let known = matches!(body.get("thinking")?.get("type")?.as_str()?, "enabled" | "disabled");
    if !known {
        return None;
    }
    let mut thinking = take_object(body, "thinking")?;
    if let Some(budget) = thinking.shift_remove("token_budget") {
        thinking.insert("budget_tokens".to_owned(), budget);
    }
    Some(thinking)
}
