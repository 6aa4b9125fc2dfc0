//! Tools, the choice among them and the shape of the answer, as OpenAI Chat has them.

use super::encode_parts::{foreign_name, merge, object};
use super::encode_request::send_name;
use super::strict::bound;
use crate::Format;
use crate::json::Object;
use crate::model::{Names, Report, ResponseFormat, Tool, ToolChoice, ToolKind};
use serde_json::{Value, json};

/// One tool; `None` is one that cannot be said.
pub(super) fn encode_tool(tool: Tool, origin: Format, names: &mut Names, report: &mut Report) -> Option<Value> {
    let own = origin == Format::OpenAIChat;
    let (name, description, schema, strict, inner) = match tool.kind {
        ToolKind::Foreign(value) if own => return Some(value),
        ToolKind::Foreign(value) => {
            report.drop(format!("tools[].{}", foreign_name(&value)));
            return None;
        }
        ToolKind::Function { name, description, schema, strict, inner } => (name, description, schema, strict, inner),
    };
    let (schema, strict) = if own { (schema, strict) } else { bind(origin, schema, strict, report) };
    let mut function = object([("name", json!(send_name(&name, own, names, report)))]);
    if let Some(description) = description {
        function.insert("description".to_owned(), json!(description));
    }
    if let Some(schema) = schema {
        function.insert("parameters".to_owned(), schema);
    }
    if let Some(strict) = strict {
        function.insert("strict".to_owned(), json!(strict));
    }
    let mut out = Object::new();
    if !own {
        out.insert("type".to_owned(), json!("function"));
    }
    if own {
        function.extend(inner);
        out.insert("function".to_owned(), Value::Object(function));
        if let Some(cache) = tool.cache {
            out.insert("cache_control".to_owned(), cache);
        }
        for (key, value) in tool.extras {
            merge(&mut out, key, value);
        }
    } else {
        if tool.cache.is_some() {
            report.drop("cache_control");
        }
        report.drop_extras("tools[].", &inner);
        report.drop_extras("tools[].", &tool.extras);
        out.insert("function".to_owned(), Value::Object(function));
    }
    Some(Value::Object(out))
}

/// Another vendor's strict schema, if it fits; a lax one, where it does not. OpenAI's own formats say what they mean.
pub(crate) fn bind(
    origin: Format,
    schema: Option<Value>,
    strict: Option<bool>,
    report: &mut Report,
) -> (Option<Value>, Option<bool>) {
    if strict != Some(true) || matches!(origin, Format::OpenAIChat | Format::OpenAIResponses) {
        return (schema, strict);
    }
    let schema = schema.unwrap_or_else(|| json!({"type": "object", "properties": {}}));
    match bound(&schema) {
        Some(closed) => (Some(closed), strict),
        None => {
            report.approximate("tools[].strict");
            (Some(schema), Some(false))
        }
    }
}

/// The shape of an answer that binds at another vendor's: what says so here, if it fits.
pub(crate) fn bind_shape(origin: Format, schema: Value, about: &mut Object, report: &mut Report) -> Value {
    let openai = matches!(origin, Format::OpenAIChat | Format::OpenAIResponses);
    if openai || about.get("strict").is_some_and(|strict| *strict != true) {
        return schema;
    }
    match bound(&schema) {
        Some(closed) => {
            about.insert("strict".to_owned(), json!(true));
            closed
        }
        None => {
            about.insert("strict".to_owned(), json!(false));
            report.approximate("response_format.json_schema");
            schema
        }
    }
}

/// A tool choice; `None` is one that cannot be said.
pub(super) fn encode_tool_choice(choice: ToolChoice, own: bool, send: impl FnOnce(&str) -> String) -> Option<Value> {
    Some(match choice {
        ToolChoice::Auto => json!("auto"),
        ToolChoice::None => json!("none"),
        ToolChoice::Required => json!("required"),
        ToolChoice::Tool(name) => json!({"type": "function", "function": {"name": send(&name)}}),
        ToolChoice::Other(value) if own => value,
        ToolChoice::Other(_) => return None,
    })
}

/// A response format; `None` is one that cannot be said.
pub(super) fn encode_response_format(format: ResponseFormat, origin: Format, report: &mut Report) -> Option<Value> {
    let own = origin == Format::OpenAIChat;
    Some(match format {
        ResponseFormat::Text => json!({"type": "text"}),
        ResponseFormat::Json => json!({"type": "json_object"}),
        ResponseFormat::Schema { schema, about } => {
            let mut json_schema = about;
            if !own {
                json_schema.entry("name").or_insert_with(|| json!("response"));
            }
            let schema = bind_shape(origin, schema, &mut json_schema, report);
            if !(own && schema.is_null()) {
                json_schema.insert("schema".to_owned(), schema);
            }
            json!({"type": "json_schema", "json_schema": json_schema})
        }
        ResponseFormat::Other(value) if own => value,
        ResponseFormat::Other(_) => return None,
    })
}
