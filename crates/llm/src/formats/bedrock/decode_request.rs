//! A Converse request becomes a neutral one. What is not understood stays in `extras`. The model and whether a stream
//! is asked for stand in the path.

use super::decode_content::{self, content};
use super::decode_settings::decode_settings;
use super::spelling;
use crate::json::{Object, take_array, take_bool, take_object, take_string};
use crate::model::{Message, Request, Role, Tool, ToolChoice, ToolKind};
use crate::{BodyError, Format};
use serde_json::Value;

/// Decodes a request body.
///
/// # Errors
/// A [`BodyError`] naming the field, when `messages`, `system` or the tools are not what they must be.
pub fn decode_request(mut body: Object) -> Result<Request, BodyError> {
    let messages = match body.shift_remove("messages") {
        Some(Value::Array(items)) => items,
        Some(_) => return Err(BodyError::field("messages", "'messages' must be a list")),
        None => return Err(BodyError::field("messages", "'messages' is missing")),
    };
    let messages =
        messages.into_iter().enumerate().map(|(at, message)| decode_message(at, message)).collect::<Result<_, _>>()?;
    let system = match body.get("system") {
        None | Some(Value::Null) => None,
        Some(_) => Some(content("system", body.shift_remove("system"))?),
    };
    let (tools, tool_choice) = decode_tool_config(&mut body)?;
    let mut settings = decode_settings(&mut body);
    settings.tool_choice = tool_choice;
    Ok(Request {
        origin: Format::BedrockConverse,
        model: None,
        stream: None,
        system,
        messages,
        tools,
        settings,
        extras: body,
        openai_params: Object::new(),
    })
}

fn decode_message(at: usize, message: Value) -> Result<Message, BodyError> {
    let Value::Object(mut message) = message else {
        return Err(BodyError::field(format!("messages[{at}]"), format!("messages[{at}] must be an object")));
    };
    let role = match message.get("role").and_then(Value::as_str) {
        Some("user") => Some(Role::User),
        Some("assistant") => Some(Role::Assistant),
        Some("system") => Some(Role::System),
        // A role of tomorrow goes as the user's, and keeps its word in extras.
        Some(_) => None,
        None => {
            let field = format!("messages[{at}].role");
            return Err(BodyError::field(&field, format!("'{field}' must be a string")));
        }
    };
    if role.is_some() {
        message.shift_remove("role");
    }
    let content = content(&format!("messages[{at}].content"), message.shift_remove("content"))?;
    Ok(Message { role: role.unwrap_or(Role::User), content, cache: None, extras: message })
}

type Tools = (Option<Vec<Tool>>, Option<ToolChoice>);

/// `toolConfig`; what is left of it stays where it was.
fn decode_tool_config(body: &mut Object) -> Result<Tools, BodyError> {
    let Some(mut config) = take_object(body, "toolConfig") else { return Ok((None, None)) };
    let tools = match config.get("tools") {
        None | Some(Value::Null) => None,
        Some(Value::Array(_)) => Some(decode_tools(take_array(&mut config, "tools").unwrap_or_default())?),
        Some(_) => return Err(BodyError::field("toolConfig.tools", "'toolConfig.tools' must be a list")),
    };
    let choice = take_object(&mut config, "toolChoice").map(decode_tool_choice);
    if !config.is_empty() || (tools.is_none() && choice.is_none()) {
        body.insert("toolConfig".to_owned(), Value::Object(config));
    }
    Ok((tools, choice))
}

fn decode_tools(items: Vec<Value>) -> Result<Vec<Tool>, BodyError> {
    let mut tools: Vec<Tool> = Vec::with_capacity(items.len());
    for (at, item) in items.into_iter().enumerate() {
        let Value::Object(mut item) = item else {
            let field = format!("toolConfig.tools[{at}]");
            return Err(BodyError::field(&field, format!("'{field}' must be an object")));
        };
        if let (Some(mark), Some(last)) = (item.get("cachePoint").and_then(decode_content::mark), tools.last_mut())
            && item.len() == 1
            && last.cache.is_none()
        {
            last.cache = Some(mark);
            continue;
        }
        let alone = item.len() == 1;
        let spec = if alone { take_object(&mut item, "toolSpec") } else { None };
        match spec {
            Some(spec) => tools.push(decode_spec(at, spec)?),
            None => {
                let kind = ToolKind::Foreign(spelling::whole(item));
                tools.push(Tool { kind, cache: None, extras: Object::new() });
            }
        }
    }
    Ok(tools)
}

fn decode_spec(at: usize, mut spec: Object) -> Result<Tool, BodyError> {
    let name = take_string(&mut spec, "name").unwrap_or_default();
    if name.is_empty() {
        let field = format!("toolConfig.tools[{at}].toolSpec.name");
        return Err(BodyError::field(&field, format!("'{field}' must be a non-empty string")));
    }
    let schema = match spec.get_mut("inputSchema") {
        Some(Value::Object(schema)) if schema.len() == 1 => take_object(schema, "json").map(Value::Object),
        _ => None,
    };
    if schema.is_some() {
        spec.shift_remove("inputSchema");
    }
    let kind = ToolKind::Function {
        name,
        description: take_string(&mut spec, "description"),
        schema,
        strict: take_bool(&mut spec, "strict"),
        inner: Object::new(),
    };
    Ok(Tool { kind, cache: None, extras: spec })
}

fn decode_tool_choice(choice: Object) -> ToolChoice {
    let inside = |key: &str| choice.get(key).filter(|_| choice.len() == 1).and_then(Value::as_object);
    if inside("auto").is_some_and(Object::is_empty) {
        return ToolChoice::Auto;
    }
    if inside("any").is_some_and(Object::is_empty) {
        return ToolChoice::Required;
    }
    let named = inside("tool").filter(|tool| tool.len() == 1).and_then(|tool| tool.get("name")?.as_str());
    match named {
        Some(name) => ToolChoice::Tool(name.to_owned()),
        None => ToolChoice::Other(Value::Object(choice)),
    }
}
