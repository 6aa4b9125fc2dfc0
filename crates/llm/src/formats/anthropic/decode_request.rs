//! An Anthropic Messages request becomes a neutral one. What is not understood stays in `extras`, nulls included.

use crate::json::{Object, take_array, take_bool, take_number, take_object, take_string, take_u64};
use crate::model::{
    Arguments, Content, Form, Message, Part, PartKind, Reasoning, Request, ResponseFormat, Role, Settings, Source,
    Stop, Tool, ToolChoice, ToolKind,
};
use crate::{BodyError, Format};
use serde_json::Value;

/// Decodes a request body.
///
/// # Errors
/// A [`BodyError`] naming the field, when `messages`, `system`, `tools` or a setting are not what they must be.
pub fn decode_request(mut body: Object) -> Result<Request, BodyError> {
    let messages = match body.shift_remove("messages") {
        Some(Value::Array(items)) => items,
        Some(_) => return Err(BodyError::field("messages", "'messages' must be a list")),
        None => return Err(BodyError::field("messages", "'messages' is missing")),
    };
    let messages =
        messages.into_iter().enumerate().map(|(at, message)| decode_message(at, message)).collect::<Result<_, _>>()?;
    let system = match take_content("system", &mut body, "system")? {
        Content { form: Form::Absent, .. } => None,
        Content { form: Form::Null, .. } => {
            body.insert("system".to_owned(), Value::Null);
            None
        }
        content => Some(content),
    };
    let tools = match body.get("tools") {
        None | Some(Value::Null) => None,
        Some(Value::Array(_)) => {
            let tools = take_array(&mut body, "tools").unwrap_or_default();
            Some(tools.into_iter().enumerate().map(|(at, tool)| decode_tool(at, tool)).collect::<Result<_, _>>()?)
        }
        Some(_) => return Err(BodyError::field("tools", "'tools' must be a list")),
    };
    Ok(Request {
        origin: Format::AnthropicMessages,
        model: take_string(&mut body, "model"),
        stream: take_bool(&mut body, "stream"),
        system,
        messages,
        tools,
        settings: decode_settings(&mut body),
        extras: body,
        openai_params: Object::new(),
    })
}

fn decode_settings(body: &mut Object) -> Settings {
    let (tool_choice, parallel_tools) = decode_tool_choice(body);
    Settings {
        max_tokens: take_u64(body, "max_tokens"),
        older_max_tokens: true,
        temperature: take_number(body, "temperature"),
        top_p: take_number(body, "top_p"),
        top_k: take_number(body, "top_k"),
        stop: decode_stop(body),
        tool_choice,
        parallel_tools,
        response_format: decode_response_format(body),
        reasoning: decode_reasoning(body),
        user: take_inner_string(body, "metadata", "user_id"),
        service_tier: take_string(body, "service_tier"),
        ..Settings::default()
    }
}

fn decode_reasoning(body: &mut Object) -> Reasoning {
    let effort = take_inner_string(body, "output_config", "effort");
    let thinking = take_object(body, "thinking");
    let show = match thinking.as_ref().and_then(|thinking| thinking.get("display")?.as_str()) {
        Some("summarized") => Some(true),
        Some("omitted") => Some(false),
        _ => None,
    };
    Reasoning { effort, thinking, show }
}

fn decode_stop(body: &mut Object) -> Option<Stop> {
    let texts = body.get("stop_sequences")?.as_array()?;
    let texts = texts.iter().map(|text| text.as_str().map(str::to_owned)).collect::<Option<_>>()?;
    body.shift_remove("stop_sequences");
    Some(Stop { texts, bare: false })
}

fn decode_tool_choice(body: &mut Object) -> (Option<ToolChoice>, Option<bool>) {
    let Some(mut choice) = take_object(body, "tool_choice") else { return (None, None) };
    let parallel = take_bool(&mut choice, "disable_parallel_tool_use").map(|disabled| !disabled);
    let kind = choice.get("type").and_then(Value::as_str);
    let decoded = match (kind, choice.len()) {
        (Some("auto"), 1) => ToolChoice::Auto,
        (Some("any"), 1) => ToolChoice::Required,
        (Some("none"), 1) => ToolChoice::None,
        (Some("tool"), 2) if choice.get("name").is_some_and(Value::is_string) => {
            ToolChoice::Tool(take_string(&mut choice, "name").unwrap_or_default())
        }
        _ => ToolChoice::Other(Value::Object(choice)),
    };
    (Some(decoded), parallel)
}

/// `output_config.format`, or its older place `output_format`.
fn decode_response_format(body: &mut Object) -> Option<ResponseFormat> {
    let mut format = match body.get_mut("output_config") {
        Some(Value::Object(config)) => {
            let format = take_object(config, "format");
            if config.is_empty() && format.is_some() {
                body.shift_remove("output_config");
            }
            format
        }
        _ => None,
    };
    if format.is_none() {
        format = take_object(body, "output_format");
    }
    let mut format = format?;
    let known = format.get("type").and_then(Value::as_str) == Some("json_schema") && format.len() == 2;
    match if known { format.shift_remove("schema") } else { None } {
        Some(schema) => Some(ResponseFormat::Schema { schema, about: Object::new() }),
        None => Some(ResponseFormat::Other(Value::Object(format))),
    }
}

/// A string within an object member; the object goes too when nothing else is in it.
fn take_inner_string(body: &mut Object, outer: &str, key: &str) -> Option<String> {
    let Some(Value::Object(object)) = body.get_mut(outer) else { return None };
    let text = take_string(object, key)?;
    if object.is_empty() {
        body.shift_remove(outer);
    }
    Some(text)
}

fn decode_message(at: usize, message: Value) -> Result<Message, BodyError> {
    let Value::Object(mut message) = message else {
        return Err(BodyError::field(format!("messages[{at}]"), format!("messages[{at}] must be an object")));
    };
    let (role, known) = match message.get("role").and_then(Value::as_str) {
        Some("user") => (Role::User, true),
        Some("assistant") => (Role::Assistant, true),
        Some("system") => (Role::System, true),
        // A role of tomorrow goes as the user's, and keeps its word in extras.
        Some(_) => (Role::User, false),
        None => {
            let field = format!("messages[{at}].role");
            return Err(BodyError::field(&field, format!("'{field}' must be a string")));
        }
    };
    if known {
        message.shift_remove("role");
    }
    let content = take_content(&format!("messages[{at}].content"), &mut message, "content")?;
    Ok(Message { role, content, cache: None, extras: message })
}

fn take_content(field: &str, object: &mut Object, key: &str) -> Result<Content, BodyError> {
    Ok(match object.shift_remove(key) {
        None => Content { parts: Vec::new(), form: Form::Absent },
        Some(Value::Null) => Content { parts: Vec::new(), form: Form::Null },
        Some(Value::String(text)) => Content::bare(text),
        Some(Value::Array(items)) => {
            let parts = items.into_iter().enumerate();
            let parts = parts.map(|(nth, block)| decode_block(field, nth, block)).collect::<Result<_, _>>()?;
            Content { parts, form: Form::List }
        }
        Some(_) => return Err(BodyError::field(field, format!("'{field}' must be a string or a list"))),
    })
}

fn decode_block(field: &str, nth: usize, block: Value) -> Result<Part, BodyError> {
    let Value::Object(mut block) = block else {
        let field = format!("{field}[{nth}]");
        return Err(BodyError::field(&field, format!("'{field}' must be an object")));
    };
    let kind = match block.get("type").and_then(Value::as_str) {
        Some("text") => take_string(&mut block, "text").map(PartKind::Text),
        Some("image") => take_object(&mut block, "source").map(|source| PartKind::Image(decode_source(source))),
        Some("document") if written_content(&block).is_some() => return Ok(decode_written_document(block)),
        Some("document") => take_object(&mut block, "source")
            .map(|source| PartKind::Document { source: decode_source(source), name: take_string(&mut block, "title") }),
        Some("search_result") => return Ok(decode_search_result(block)),
        Some("tool_use") => decode_tool_use(&mut block),
        Some("tool_result") => match take_string(&mut block, "tool_use_id") {
            None => None,
            Some(id) => Some(PartKind::ToolResult {
                id,
                content: take_content(&format!("{field}[{nth}].content"), &mut block, "content")?,
                is_error: take_bool(&mut block, "is_error"),
            }),
        },
        Some("thinking") => take_string(&mut block, "thinking")
            .map(|text| PartKind::Thinking { text, signature: take_string(&mut block, "signature") }),
        Some("redacted_thinking") => take_string(&mut block, "data").map(PartKind::RedactedThinking),
        _ => None,
    };
    let Some(kind) = kind else {
        return Ok(Part::new(PartKind::Foreign(Value::Object(block))));
    };
    block.shift_remove("type");
    let cache = take_object(&mut block, "cache_control").map(Value::Object);
    let said = block.get("citations").and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    let citations = if said && matches!(kind, PartKind::Text(_)) { take_array(&mut block, "citations") } else { None };
    let citations = citations.unwrap_or_default().into_iter().map(super::citations::read).collect();
    Ok(Part { cache, citations, extras: block, ..Part::new(kind) })
}

/// A result of the client's own search is a document of text elsewhere; for this format it is kept whole, in place of
/// its `type`.
fn decode_search_result(block: Object) -> Part {
    let source = block.get("source").and_then(Value::as_str).map(str::to_owned);
    let mut extras = beside(&block, &["source", "title", "content"]);
    let texts = take_texts(block.get("content"), &mut extras);
    let text = source.into_iter().chain(texts).collect::<Vec<_>>().join("\n");
    whole_document(block, text, extras)
}

/// The same of a document whose content is written out: a text, or blocks of text.
fn decode_written_document(block: Object) -> Part {
    let mut extras = beside(&block, &["source", "title"]);
    let text = take_texts(written_content(&block), &mut extras).join("\n");
    whole_document(block, text, extras)
}

/// The texts of some content; what stands beside them joins `extras`.
fn take_texts(content: Option<&Value>, extras: &mut Object) -> Vec<String> {
    let blocks = match content {
        Some(Value::String(text)) => return vec![text.clone()],
        Some(Value::Array(blocks)) => blocks.iter().filter_map(Value::as_object),
        _ => return Vec::new(),
    };
    let mut texts = Vec::new();
    for block in blocks {
        texts.extend(block.get("text").and_then(Value::as_str).map(str::to_owned));
        extras.extend(beside(block, &["text"]));
    }
    texts
}

/// The content of a document's source where it is nothing but text.
fn written_content(block: &Object) -> Option<&Value> {
    let source = block.get("source").filter(|source| source.get("type").is_some_and(|kind| kind == "content"))?;
    let is_text = |block: &Value| {
        block.get("type").is_some_and(|kind| kind == "text") && block.get("text").is_some_and(Value::is_string)
    };
    source.get("content").filter(|content| match content {
        Value::Array(blocks) => !blocks.is_empty() && blocks.iter().all(is_text),
        content => content.is_string(),
    })
}

/// The members of a block but for its type and those that are understood.
fn beside(block: &Object, understood: &[&str]) -> Object {
    let rest = block.iter().filter(|(key, _)| *key != "type" && !understood.contains(&key.as_str()));
    rest.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// A document of text; what other formats do not know of it stays beside the whole, to be reported.
fn whole_document(block: Object, text: String, mut extras: Object) -> Part {
    let name = block.get("title").and_then(Value::as_str).map(str::to_owned);
    let cache = take_object(&mut extras, "cache_control").map(Value::Object);
    extras.insert("type".to_owned(), Value::Object(block));
    Part { cache, extras, ..Part::new(PartKind::Document { source: Source::Text(text), name }) }
}

fn decode_tool_use(block: &mut Object) -> Option<PartKind> {
    let strings = ["id", "name"].iter().all(|key| block.get(*key).is_some_and(Value::is_string));
    if !strings {
        return None;
    }
    let arguments = block.shift_remove("input").unwrap_or(Value::Null);
    Some(PartKind::ToolCall {
        id: take_string(block, "id").unwrap_or_default(),
        name: take_string(block, "name").unwrap_or_default(),
        arguments: Arguments::Value(arguments),
    })
}

fn decode_source(mut source: Object) -> Source {
    let text = |source: &mut Object, key: &str| take_string(source, key);
    let kind = source.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let whole = source.clone();
    let decoded = match (kind.as_str(), source.len()) {
        ("url", 2) => text(&mut source, "url").map(Source::Url),
        ("file", 2) => text(&mut source, "file_id").map(Source::File),
        ("base64", 3) => match (text(&mut source, "media_type"), text(&mut source, "data")) {
            (Some(media_type), Some(data)) => Some(Source::Base64 { media_type, data }),
            _ => None,
        },
        ("text", 3) if source.get("media_type").and_then(Value::as_str) == Some("text/plain") => {
            text(&mut source, "data").map(Source::Text)
        }
        _ => None,
    };
    decoded.unwrap_or(Source::Other(Value::Object(whole)))
}

fn decode_tool(at: usize, tool: Value) -> Result<Tool, BodyError> {
    let Value::Object(mut tool) = tool else {
        return Err(BodyError::field(format!("tools[{at}]"), format!("tools[{at}] must be an object")));
    };
    let is_function = matches!(tool.get("type").and_then(Value::as_str), None | Some("custom"));
    if !is_function {
        return Ok(Tool { kind: ToolKind::Foreign(Value::Object(tool)), cache: None, extras: Object::new() });
    }
    let name = take_string(&mut tool, "name").unwrap_or_default();
    if name.is_empty() {
        let field = format!("tools[{at}].name");
        return Err(BodyError::field(&field, format!("'{field}' must be a non-empty string")));
    }
    let kind = ToolKind::Function {
        name,
        description: take_string(&mut tool, "description"),
        schema: take_object(&mut tool, "input_schema").map(Value::Object),
        strict: take_bool(&mut tool, "strict"),
        inner: Object::new(),
    };
    let cache = take_object(&mut tool, "cache_control").map(Value::Object);
    // `type: custom` stays in extras, for it may be left out.
    Ok(Tool { kind, cache, extras: tool })
}
