//! Tools as `toolConfig.tools` has them: specifications, and marks of the prompt cache as elements of their own.

use super::models::Family;
use super::spelling::unwhole;
use super::{cache, send_name};
use crate::json::Object;
use crate::model::{Names, Report, Tool, ToolKind};
use crate::{BodyError, Format};
use serde_json::{Value, json};

/// What the tools depend on.
pub(super) struct Around<'a> {
    pub(super) origin: Format,
    pub(super) family: Family,
    pub(super) model: &'a str,
    pub(super) keeps_strict: bool,
}

/// Tools of another format, and stubs for those that only the history names.
///
/// # Errors
/// When one is of a kind that only its own vendor has.
pub(super) fn encode(
    tools: Vec<Tool>,
    used: Vec<String>,
    around: &Around<'_>,
    names: &mut Names,
    report: &mut Report,
) -> Result<Vec<Value>, BodyError> {
    let mut out = Vec::new();
    for (at, mut tool) in tools.into_iter().enumerate() {
        let mark = tool.cache.take();
        let Some(spec) = spec(at, tool, around, names, report)? else { continue };
        out.push(json!({"toolSpec": spec}));
        if let Some(mark) = mark {
            if around.family.caches_tools(around.model) {
                out.push(cache::point(&mark, around.family.caches_for(around.model), report));
            } else {
                report.drop("cache_control");
            }
        }
    }
    for name in used {
        // The API refuses a history with calls unless tools are declared.
        report.approximate("tools");
        out.push(json!({"toolSpec": {"name": name, "inputSchema": {"json": input_schema(None)}}}));
    }
    Ok(out)
}

fn spec(
    at: usize,
    tool: Tool,
    around: &Around<'_>,
    names: &mut Names,
    report: &mut Report,
) -> Result<Option<Object>, BodyError> {
    let (name, description, schema, strict, inner) = match tool.kind {
        ToolKind::Function { name, description, schema, strict, inner } => (name, description, schema, strict, inner),
        ToolKind::Foreign(value) => {
            let kind = crate::json::kind(&value).to_owned();
            // Anthropic's clients send their vendor's tools whatever the model; without one they still work.
            if around.origin == Format::AnthropicMessages {
                report.drop(format!("tools[].{kind}"));
                return Ok(None);
            }
            let message = format!("tools of type '{kind}' are not possible with a Bedrock provider");
            return Err(BodyError::foreign(format!("tools[{at}].type"), value, message));
        }
    };
    let mut spec = Object::new();
    spec.insert("name".to_owned(), json!(send_name(&name, names, report)));
    if let Some(description) = description.filter(|description| !description.is_empty()) {
        spec.insert("description".to_owned(), json!(description));
    }
    spec.insert("inputSchema".to_owned(), json!({"json": input_schema(schema)}));
    match strict {
        Some(true) if around.keeps_strict => {
            spec.insert("strict".to_owned(), json!(true));
        }
        Some(true) => report.drop("tools[].strict"),
        _ => {}
    }
    report.drop_extras("tools[].", &inner);
    report.drop_extras("tools[].", &tool.extras);
    Ok(Some(spec))
}

/// The API wants an object schema; `$schema` and `$id` at the root are of no use to it.
pub(super) fn input_schema(schema: Option<Value>) -> Value {
    let Some(Value::Object(mut schema)) = schema else { return json!({"type": "object", "properties": {}}) };
    schema.shift_remove("$schema");
    schema.shift_remove("$id");
    if schema.is_empty() {
        return input_schema(None);
    }
    schema.entry("type").or_insert_with(|| json!("object"));
    Value::Object(schema)
}

/// A tool of this format's own request, and its mark.
pub(super) fn encode_own(tool: Tool, out: &mut Vec<Value>) {
    let Tool { kind, cache, extras } = tool;
    out.push(match kind {
        ToolKind::Foreign(named) => unwhole(named),
        ToolKind::Function { name, description, schema, strict, .. } => {
            let mut spec = Object::new();
            spec.insert("name".to_owned(), json!(name));
            let members = [
                ("description", description.map(Value::from)),
                ("inputSchema", schema.map(|schema| json!({"json": schema}))),
                ("strict", strict.map(Value::from)),
            ];
            let said = members.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
            spec.extend(said);
            spec.extend(extras);
            json!({"toolSpec": spec})
        }
    });
    out.extend(cache.map(|mark| cache::own_point(&mark)));
}
