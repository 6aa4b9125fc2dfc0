//! An OpenAI Chat request becomes a neutral one. What is not understood stays in `extras`, nulls included.

use super::decode_messages::decode_message;
use crate::BodyError;
use crate::Format;
use crate::json::{Object, take_array, take_bool, take_number, take_object, take_string, take_u64, take_value};
use crate::model::{Reasoning, Request, ResponseFormat, Settings, Stop, Tool, ToolChoice, ToolKind};
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
    let mut request = decode_params(body)?;
    request.messages =
        messages.into_iter().enumerate().map(|(at, message)| decode_message(at, message)).collect::<Result<_, _>>()?;
    Ok(request)
}

/// Decodes everything but the messages: a body without them, or a route's params.
///
/// # Errors
/// As [`decode_request`].
pub fn decode_params(mut body: Object) -> Result<Request, BodyError> {
    let tools = match body.get("tools") {
        None | Some(Value::Null) => None,
        Some(Value::Array(_)) => {
            let tools = take_array(&mut body, "tools").unwrap_or_default();
            Some(tools.into_iter().enumerate().map(|(at, tool)| decode_tool(at, tool)).collect::<Result<_, _>>()?)
        }
        Some(_) => return Err(BodyError::field("tools", "'tools' must be a list")),
    };
    Ok(Request {
        origin: Format::OpenAIChat,
        model: take_string(&mut body, "model"),
        stream: take_bool(&mut body, "stream"),
        system: None,
        messages: Vec::new(),
        tools,
        settings: decode_settings(&mut body),
        extras: body,
        openai_params: Object::new(),
    })
}

fn decode_settings(body: &mut Object) -> Settings {
    let newer = take_u64(body, "max_completion_tokens");
    // Where both names are there the newer one counts; the older one stays an extra.
    let older = if newer.is_none() { take_u64(body, "max_tokens") } else { None };
    Settings {
        max_tokens: newer.or(older),
        older_max_tokens: older.is_some(),
        temperature: take_number(body, "temperature"),
        top_p: take_number(body, "top_p"),
        top_k: take_number(body, "top_k"),
        stop: decode_stop(body),
        tool_choice: take_value(body, "tool_choice").map(decode_tool_choice),
        parallel_tools: take_bool(body, "parallel_tool_calls"),
        response_format: take_object(body, "response_format").map(decode_response_format),
        reasoning: decode_reasoning(body),
        user: take_string(body, "user"),
        service_tier: take_string(body, "service_tier"),
        seed: take_number(body, "seed"),
        presence_penalty: take_number(body, "presence_penalty"),
        frequency_penalty: take_number(body, "frequency_penalty"),
        choices: take_u64(body, "n"),
        logprobs: take_bool(body, "logprobs"),
        top_logprobs: take_u64(body, "top_logprobs"),
    }
}

fn decode_stop(body: &mut Object) -> Option<Stop> {
    if let Some(text) = take_string(body, "stop") {
        return Some(Stop { texts: vec![text], bare: true });
    }
    let all_text = body.get("stop")?.as_array()?.iter().all(Value::is_string);
    if !all_text {
        return None;
    }
    let texts = take_array(body, "stop")?;
    let texts = texts.into_iter().filter_map(|text| text.as_str().map(str::to_owned)).collect();
    Some(Stop { texts, bare: false })
}

fn decode_tool_choice(choice: Value) -> ToolChoice {
    match choice.as_str() {
        Some("auto") => return ToolChoice::Auto,
        Some("none") => return ToolChoice::None,
        Some("required") => return ToolChoice::Required,
        _ => {}
    }
    match choice.pointer("/function/name").and_then(Value::as_str) {
        Some(name) => ToolChoice::Tool(name.to_owned()),
        None => ToolChoice::Other(choice),
    }
}

fn decode_response_format(mut format: Object) -> ResponseFormat {
    let says_null = format.get("json_schema").and_then(|about| about.get("schema")).is_some_and(Value::is_null);
    match format.get("type").and_then(Value::as_str) {
        Some("text") if format.len() == 1 => ResponseFormat::Text,
        Some("json_object") if format.len() == 1 => ResponseFormat::Json,
        Some("json_schema") if format.len() == 2 && !says_null => match take_object(&mut format, "json_schema") {
            Some(mut about) => {
                let schema = about.shift_remove("schema").unwrap_or(Value::Null);
                ResponseFormat::Schema { schema, about }
            }
            None => ResponseFormat::Other(Value::Object(format)),
        },
        _ => ResponseFormat::Other(Value::Object(format)),
    }
}

/// `reasoning_effort` is a word, or an object that holds one and stays as it is; `thinking` is Anthropic's object, which clients of
/// OpenAI-like gateways send as it is.
fn decode_reasoning(body: &mut Object) -> Reasoning {
    let effort = match body.get("reasoning_effort") {
        Some(Value::String(_)) => take_string(body, "reasoning_effort"),
        Some(Value::Object(object)) => object.get("effort").and_then(Value::as_str).map(str::to_owned),
        _ => None,
    };
    let known = body.get("thinking").and_then(|thinking| thinking.get("type")).and_then(Value::as_str);
    let thinking = match known {
        Some("enabled" | "disabled" | "adaptive") => take_object(body, "thinking"),
        _ => None,
    };
    Reasoning { effort, thinking, show: None }
}

/// A tool or a call of one. Some SDKs leave `type` out, so that it stays in extras as it was.
pub(super) fn is_function(object: &Object) -> bool {
    object.get("function").is_some_and(Value::is_object)
        && object.get("type").is_none_or(|kind| kind.is_null() || kind == "function")
}

pub(crate) fn decode_tool(at: usize, tool: Value) -> Result<Tool, BodyError> {
    let Value::Object(mut tool) = tool else {
        return Err(BodyError::field(format!("tools[{at}]"), format!("tools[{at}] must be an object")));
    };
    if !is_function(&tool) {
        return Ok(Tool { kind: ToolKind::Foreign(Value::Object(tool)), cache: None, extras: Object::new() });
    }
    let mut function = take_object(&mut tool, "function").unwrap_or_default();
    let cache = take_object(&mut tool, "cache_control").map(Value::Object);
    let name = take_string(&mut function, "name").unwrap_or_default();
    if name.is_empty() {
        let field = format!("tools[{at}].function.name");
        return Err(BodyError::field(&field, format!("'{field}' must be a non-empty string")));
    }
    let kind = ToolKind::Function {
        name,
        description: take_string(&mut function, "description"),
        schema: take_object(&mut function, "parameters").map(Value::Object),
        strict: take_bool(&mut function, "strict"),
        inner: function,
    };
    Ok(Tool { kind, cache, extras: tool })
}
