//! An OpenAI Chat request becomes a neutral one. What is not understood stays in `extras`, nulls included.

use crate::BodyError;
use crate::Format;
use crate::json::{Object, take_array, take_bool, take_number, take_object, take_string, take_u64, take_value};
use crate::model::{
    Arguments, Content, Form, Message, Part, PartKind, Reasoning, Request, ResponseFormat, Role, Settings, Source,
    Stop, Tool, ToolChoice, ToolKind,
};
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
    let texts = take_array(body, "stop").filter(|_| all_text)?;
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
    match format.get("type").and_then(Value::as_str) {
        Some("text") if format.len() == 1 => ResponseFormat::Text,
        Some("json_object") if format.len() == 1 => ResponseFormat::Json,
        Some("json_schema") if format.len() == 2 => match take_object(&mut format, "json_schema") {
            Some(mut about) => {
                let schema = about.shift_remove("schema").unwrap_or(Value::Null);
                ResponseFormat::Schema { schema, about }
            }
            None => ResponseFormat::Other(Value::Object(format)),
        },
        _ => ResponseFormat::Other(Value::Object(format)),
    }
}

/// `reasoning_effort` is a word, or an object that holds one; `thinking` is Anthropic's object, which clients of
/// OpenAI-like gateways send as it is.
fn decode_reasoning(body: &mut Object) -> Reasoning {
    let effort = match body.get("reasoning_effort") {
        Some(Value::String(_)) => take_string(body, "reasoning_effort"),
        Some(Value::Object(object)) if object.get("effort").is_some_and(Value::is_string) => {
            let mut object = take_object(body, "reasoning_effort").unwrap_or_default();
            take_string(&mut object, "effort")
        }
        _ => None,
    };
    let known = body.get("thinking").and_then(|thinking| thinking.get("type")).and_then(Value::as_str);
    let thinking = match known {
        Some("enabled" | "disabled" | "adaptive") => take_object(body, "thinking"),
        _ => None,
    };
    Reasoning { effort, thinking, show: None }
}

fn decode_message(at: usize, message: Value) -> Result<Message, BodyError> {
    let Value::Object(mut message) = message else {
        return Err(BodyError::field(format!("messages[{at}]"), format!("messages[{at}] must be an object")));
    };
    let role = match message.get("role").and_then(Value::as_str) {
        Some("system") => Role::System,
        Some("developer") => Role::Developer,
        Some("user") => Role::User,
        Some("assistant") => Role::Assistant,
        Some("tool" | "function") => Role::Tool,
        // A role of tomorrow goes as the user's, and keeps its word in extras.
        Some(_) => Role::User,
        None => {
            let field = format!("messages[{at}].role");
            return Err(BodyError::field(&field, format!("'{field}' must be a string")));
        }
    };
    if matches!(
        message.get("role").and_then(Value::as_str),
        Some("system" | "developer" | "user" | "assistant" | "tool")
    ) {
        message.shift_remove("role");
    }
    let content = take_content(at, &mut message)?;
    let cache = take_object(&mut message, "cache_control").map(Value::Object);
    let content = match role {
        Role::Tool => tool_result(&mut message, content),
        Role::Assistant => assistant_content(at, &mut message, content)?,
        _ => content,
    };
    Ok(Message { role, content, cache, extras: message })
}

fn tool_result(message: &mut Object, content: Content) -> Content {
    let id = take_string(message, "tool_call_id").unwrap_or_default();
    Content { form: content.form, parts: vec![Part::new(PartKind::ToolResult { id, content, is_error: None })] }
}

/// Thinking, then text, then calls: the order in which a model speaks. The thinking's own members stay in extras, to
/// come out again unchanged.
fn assistant_content(at: usize, message: &mut Object, content: Content) -> Result<Content, BodyError> {
    let mut parts = thinking_parts(message);
    parts.extend(content.parts);
    // Like thinking, it stays in extras, for refusals may also stand within `content`.
    if let Some(text) = message.get("refusal").and_then(Value::as_str) {
        parts.push(Part::new(PartKind::Refusal(text.to_owned())));
    }
    let calls = match message.get("tool_calls") {
        // An empty list stays as it was.
        Some(Value::Array(calls)) if !calls.is_empty() => take_array(message, "tool_calls").unwrap_or_default(),
        _ => Vec::new(),
    };
    for (nth, call) in calls.into_iter().enumerate() {
        parts.push(decode_call(&format!("messages[{at}].tool_calls[{nth}]"), call)?);
    }
    Ok(Content { parts, form: content.form })
}

fn thinking_parts(message: &Object) -> Vec<Part> {
    if let Some(blocks) = message.get("thinking_blocks").and_then(Value::as_array) {
        return blocks.iter().filter_map(thinking_block).collect();
    }
    let text = ["reasoning_content", "reasoning"].iter().find_map(|key| message.get(*key)?.as_str());
    match text {
        Some(text) if !text.is_empty() => {
            vec![Part::new(PartKind::Thinking { text: text.to_owned(), signature: None })]
        }
        _ => Vec::new(),
    }
}

fn thinking_block(block: &Value) -> Option<Part> {
    let text = |key: &str| block.get(key).and_then(Value::as_str).map(str::to_owned);
    Some(Part::new(match block.get("type")?.as_str()? {
        "thinking" => PartKind::Thinking { text: text("thinking").unwrap_or_default(), signature: text("signature") },
        "redacted_thinking" => PartKind::RedactedThinking(text("data")?),
        _ => return None,
    }))
}

pub(crate) fn decode_call(field: &str, call: Value) -> Result<Part, BodyError> {
    let Value::Object(mut call) = call else {
        return Err(BodyError::field(field, format!("'{field}' must be an object")));
    };
    if !is_function(&call) {
        return Ok(Part::new(PartKind::Foreign(Value::Object(call))));
    }
    let mut function = take_object(&mut call, "function").unwrap_or_default();
    let id = take_string(&mut call, "id").unwrap_or_default();
    let name = take_string(&mut function, "name").unwrap_or_default();
    let arguments = match function.shift_remove("arguments") {
        None | Some(Value::Null) => Arguments::Text(String::new()),
        Some(Value::String(text)) => Arguments::Text(text),
        Some(value) => Arguments::Value(value),
    };
    if !function.is_empty() {
        call.insert("function".to_owned(), Value::Object(function));
    }
    Ok(Part { extras: call, ..Part::new(PartKind::ToolCall { id, name, arguments }) })
}

fn take_content(at: usize, message: &mut Object) -> Result<Content, BodyError> {
    Ok(match message.shift_remove("content") {
        None => Content { parts: Vec::new(), form: Form::Absent },
        Some(Value::Null) => Content { parts: Vec::new(), form: Form::Null },
        Some(Value::String(text)) => Content::bare(text),
        Some(Value::Array(items)) => {
            let parts = items.into_iter().enumerate();
            let parts = parts.map(|(nth, part)| decode_part(at, nth, part)).collect::<Result<_, _>>()?;
            Content { parts, form: Form::List }
        }
        Some(_) => {
            let field = format!("messages[{at}].content");
            return Err(BodyError::field(&field, format!("'{field}' must be a string or a list")));
        }
    })
}

fn decode_part(at: usize, nth: usize, part: Value) -> Result<Part, BodyError> {
    let Value::Object(mut part) = part else {
        let field = format!("messages[{at}].content[{nth}]");
        return Err(BodyError::field(&field, format!("'{field}' must be an object")));
    };
    let kind = match part.get("type").and_then(Value::as_str) {
        Some("text") => take_string(&mut part, "text").map(PartKind::Text),
        Some("refusal") => take_string(&mut part, "refusal").map(PartKind::Refusal),
        Some("image_url") => decode_image(&mut part),
        Some("file") => decode_file(&mut part),
        _ => None,
    };
    let Some(kind) = kind else {
        return Ok(Part::new(PartKind::Foreign(Value::Object(part))));
    };
    part.shift_remove("type");
    let cache = take_object(&mut part, "cache_control").map(Value::Object);
    Ok(Part { cache, extras: part, ..Part::new(kind) })
}

/// `image_url` is an object; some clients write the bare URL. What is beside `url` stays in extras.
pub(crate) fn decode_image(part: &mut Object) -> Option<PartKind> {
    let mut image = take_object(part, "image_url")?;
    let Some(url) = take_string(&mut image, "url") else {
        part.insert("image_url".to_owned(), Value::Object(image));
        return None;
    };
    if !image.is_empty() {
        part.insert("image_url".to_owned(), Value::Object(image));
    }
    Some(PartKind::Image(Source::from_url(url)))
}

fn decode_file(part: &mut Object) -> Option<PartKind> {
    let mut file = take_object(part, "file")?;
    let source = match take_string(&mut file, "file_data") {
        Some(data) => Source::from_url(data),
        None => match take_string(&mut file, "file_id") {
            Some(id) => Source::File(id),
            None => {
                part.insert("file".to_owned(), Value::Object(file));
                return None;
            }
        },
    };
    let name = take_string(&mut file, "filename");
    if !file.is_empty() {
        part.insert("file".to_owned(), Value::Object(file));
    }
    Some(PartKind::Document { source, name })
}

/// A tool or a call of one. Some SDKs leave `type` out, so that it stays in extras as it was.
fn is_function(object: &Object) -> bool {
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
