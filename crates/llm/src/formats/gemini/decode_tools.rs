//! Tools and the choice among them.

use super::decode_request::keep_words;
use super::notes;
use super::schema;
use crate::BodyError;
use crate::json::{Object, take_object, take_string};
use crate::model::{Tool, ToolChoice, ToolKind};
use serde_json::{Value, json};

/// Decodes the list of tools: each declaration is a tool of its own, and so is each of the API's tools.
///
/// # Errors
/// When a tool is no object, or a declaration has no name.
pub(super) fn decode(tools: Vec<Value>) -> Result<Vec<Tool>, BodyError> {
    let mut out = Vec::new();
    for (at, tool) in tools.into_iter().enumerate() {
        let Value::Object(mut tool) = tool else {
            return Err(BodyError::field(format!("tools[{at}]"), format!("'tools[{at}]' must be an object")));
        };
        let group = || Object::from_iter([(notes::GROUP.to_owned(), json!(at))]);
        let declarations = match tool.get_mut("functionDeclarations") {
            Some(Value::Array(items)) if !items.is_empty() => std::mem::take(items),
            _ => Vec::new(),
        };
        let declared = !declarations.is_empty();
        for (nth, declaration) in declarations.into_iter().enumerate() {
            let kind = decode_declaration(at, nth, declaration)?;
            out.push(Tool { kind, cache: None, extras: group() });
        }
        if declared {
            tool.shift_remove("functionDeclarations");
        }
        if !tool.is_empty() || !declared {
            out.push(Tool { kind: ToolKind::Foreign(Value::Object(tool)), cache: None, extras: group() });
        }
    }
    Ok(out)
}

fn decode_declaration(at: usize, nth: usize, declaration: Value) -> Result<ToolKind, BodyError> {
    let field = format!("tools[{at}].functionDeclarations[{nth}]");
    let Value::Object(mut declaration) = declaration else {
        return Err(BodyError::field(&field, format!("'{field}' must be an object")));
    };
    let name = take_string(&mut declaration, "name").unwrap_or_default();
    if name.is_empty() {
        let field = format!("{field}.name");
        return Err(BodyError::field(&field, format!("'{field}' must be a non-empty string")));
    }
    let description = take_string(&mut declaration, "description");
    let mut written = Object::new();
    for key in ["parameters", "parametersJsonSchema"] {
        if let Some(schema) = take_object(&mut declaration, key) {
            written.insert(key.to_owned(), Value::Object(schema));
        }
    }
    let schema = read_schema(&written);
    if !written.is_empty() {
        declaration.insert(notes::SCHEMA.to_owned(), Value::Object(written));
    }
    Ok(ToolKind::Function { name, description, schema, strict: None, inner: declaration })
}

/// The JSON Schema that the members of a declaration say.
pub(super) fn read_schema(written: &Object) -> Option<Value> {
    match (written.get("parametersJsonSchema"), written.get("parameters")) {
        (Some(schema), _) => Some(schema.clone()),
        (None, Some(schema)) => Some(schema::read(schema)),
        (None, None) => None,
    }
}

/// Takes the choice among tools out of `toolConfig`.
pub(super) fn take_choice(body: &mut Object, extras: &mut Object) -> Option<ToolChoice> {
    let config = take_object(body.get_mut("toolConfig")?.as_object_mut()?, "functionCallingConfig")?;
    let choice = read_choice(&config);
    keep_words(extras, "functionCallingConfig", Value::Object(config));
    Some(choice)
}

/// The choice that a `functionCallingConfig` says.
pub(super) fn read_choice(config: &Object) -> ToolChoice {
    let mode = config.get("mode").and_then(Value::as_str).unwrap_or("AUTO").to_ascii_uppercase();
    let names = config.get("allowedFunctionNames").and_then(Value::as_array);
    let names: Vec<&str> = names.into_iter().flatten().filter_map(Value::as_str).collect();
    match (mode.as_str(), names.as_slice()) {
        ("AUTO" | "MODE_UNSPECIFIED", []) => ToolChoice::Auto,
        ("NONE", _) => ToolChoice::None,
        ("ANY", []) => ToolChoice::Required,
        ("ANY", [name]) => ToolChoice::Tool((*name).to_owned()),
        _ => ToolChoice::Other(Value::Object(config.clone())),
    }
}
