//! A neutral request becomes a Cohere chat one.

use super::encode_messages::Encoder;
use super::encode_settings::{self, Around, Settled};
use crate::formats::vendor::{report_rest, take_own};
use crate::json::Object;
use crate::model::{NameRules, Names, Report, Request, Tool, ToolKind};
use crate::{BodyError, Format};
use serde_json::{Value, json};

/// The API's rule for tool names.
const NAMES: NameRules = NameRules { longest: 64 };
/// Members of this format that no other has, where a client of another may put them.
const OWN: &[&str] =
    &["citation_options", "documents", "k", "p", "priority", "raw_prompting", "safety_mode", "strict_tools"];

/// Encodes a request. `names` learns which tool names were replaced.
///
/// # Errors
/// A [`BodyError`] naming the field, when the request has content or tools that this format has not (sound, a PDF, a
/// search of the vendor's).
pub fn encode_request(mut request: Request, names: &mut Names, report: &mut Report) -> Result<Value, BodyError> {
    let own = request.origin == Format::CohereChat;
    let model = request.model.take().unwrap_or_default();
    let mut body = Object::new();
    if !model.is_empty() || own {
        body.insert("model".to_owned(), json!(model));
    }
    if !own && request.extras.get("audio").is_some_and(|value| !value.is_null()) {
        return Err(BodyError::unsupported("audio", "'audio' is not possible with a Cohere provider"));
    }
    let vendor = if own { Object::new() } else { take_own(&mut request, OWN) };
    let has_tools = request.tools.as_ref().is_some_and(|tools| !tools.is_empty());
    let around = Around { own, origin: request.origin, model: &model, has_tools };
    let Settled { members, instruction, only_tool, shaped } =
        encode_settings::settle(std::mem::take(&mut request.settings), &around, report);

    let mut encoder = Encoder::new(request.origin, shaped, names, report);
    if let Some(system) = request.system.take() {
        encoder.system(system, Object::new());
    }
    for message in std::mem::take(&mut request.messages) {
        encoder.message(message)?;
    }
    let (messages, documents) = encoder.finish(instruction)?;
    body.insert("messages".to_owned(), Value::Array(messages));
    if !documents.is_empty() {
        body.insert("documents".to_owned(), Value::Array(documents));
    }
    if let Some(tools) = request.tools.take() {
        let how = How { own, origin: request.origin, only: only_tool.as_deref() };
        encode_tools(&mut body, tools, &how, names, report)?;
    }
    body.extend(members);
    if let Some(stream) = request.stream {
        body.insert("stream".to_owned(), json!(stream));
    }
    if own {
        body.extend(request.extras);
        report.drop_extras("", &request.openai_params);
    } else {
        report_rest(&request, report);
        body.extend(vendor);
    }
    Ok(Value::Object(body))
}

/// A route's params (OpenAI Chat names) as members of this format's body, for a request that is relayed.
///
/// # Errors
/// When one of them is not what it must be.
pub(crate) fn encode_params(params: Object, model: &str, report: &mut Report) -> Result<Object, BodyError> {
    let mut request = crate::formats::openai::decode_params(params)?;
    let vendor = take_own(&mut request, OWN);
    // A choice among tools is about the client's own, and the client's shape of answer is its own as well.
    let around = Around { own: false, origin: Format::OpenAIChat, model, has_tools: true };
    let format = request.settings.response_format.take();
    let settled = encode_settings::settle(std::mem::take(&mut request.settings), &around, report);
    let shape = crate::model::Settings { response_format: format, ..crate::model::Settings::default() };
    let shape = encode_settings::settle(shape, &Around { has_tools: false, ..around }, report);
    let mut members = settled.members;
    members.extend(shape.members);
    if let Some(tools) = request.tools.take() {
        let how = How { own: false, origin: Format::OpenAIChat, only: settled.only_tool.as_deref() };
        encode_tools(&mut members, tools, &how, &mut Names::default(), report)?;
    }
    report_rest(&request, report);
    members.extend(vendor);
    Ok(members)
}

/// How tools are written.
struct How<'a> {
    own: bool,
    origin: Format,
    /// The only one that may be called.
    only: Option<&'a str>,
}

fn encode_tools(
    body: &mut Object,
    mut tools: Vec<Tool>,
    how: &How<'_>,
    names: &mut Names,
    report: &mut Report,
) -> Result<(), BodyError> {
    let named = |tool: &Tool, wanted: &str| matches!(&tool.kind, ToolKind::Function { name, .. } if name == wanted);
    if let Some(only) = how.only.filter(|only| tools.iter().any(|tool| named(tool, only))) {
        if tools.len() > 1 {
            report.drop(if how.origin == Format::AnthropicMessages { "tools[].custom" } else { "tools[].function" });
        }
        tools.retain(|tool| named(tool, only));
    }
    if let Some(strict) = strictness(&tools, how.own, report) {
        body.insert("strict_tools".to_owned(), json!(strict));
    }
    let mut out = Vec::with_capacity(tools.len());
    for (at, tool) in tools.into_iter().enumerate() {
        out.extend(encode_tool(at, tool, how, names, report)?);
    }
    if how.own || !out.is_empty() {
        body.insert("tools".to_owned(), Value::Array(out));
    }
    Ok(())
}

/// The one word for all tools. The API is strict only where each tool has a parameter that is required.
fn strictness(tools: &[Tool], own: bool, report: &mut Report) -> Option<bool> {
    let functions = tools.iter().filter_map(|tool| match &tool.kind {
        ToolKind::Function { strict, schema, .. } => Some((*strict, schema)),
        ToolKind::Foreign(_) => None,
    });
    let (mut all, mut any, mut same) = (true, false, None);
    for (strict, schema) in functions {
        let required = schema.as_ref().and_then(|schema| schema.get("required")?.as_array());
        all &= strict == Some(true) && required.is_some_and(|names| !names.is_empty());
        any |= strict == Some(true);
        same = strict;
    }
    match (own, any && all) {
        (true, _) => same,
        (false, true) => Some(true),
        (false, false) => {
            if any {
                report.drop("tools[].strict");
            }
            None
        }
    }
}

fn encode_tool(
    at: usize,
    tool: Tool,
    how: &How<'_>,
    names: &mut Names,
    report: &mut Report,
) -> Result<Option<Value>, BodyError> {
    let (name, description, schema, inner) = match tool.kind {
        ToolKind::Foreign(value) if how.own => return Ok(Some(value)),
        ToolKind::Foreign(value) => {
            let kind = crate::json::kind(&value);
            // The server tools that Claude's clients always send are no reason to refuse.
            if how.origin == Format::AnthropicMessages {
                report.drop(format!("tools[].{kind}"));
                return Ok(None);
            }
            let message = format!("tools of type '{kind}' are not possible with a Cohere provider");
            return Err(BodyError::foreign(format!("tools[{at}].type"), value, message));
        }
        ToolKind::Function { name, description, schema, inner, .. } => (name, description, schema, inner),
    };
    let mut function = Object::new();
    let sent = if how.own { name } else { send_name(&name, names, report) };
    function.insert("name".to_owned(), json!(sent));
    if let Some(description) = description {
        function.insert("description".to_owned(), json!(description));
    }
    match schema {
        Some(schema) if how.own => {
            function.insert("parameters".to_owned(), schema);
        }
        None if how.own => {}
        schema => {
            function.insert("parameters".to_owned(), parameters(schema));
        }
    }
    let mut out = Object::new();
    if how.own {
        function.extend(inner);
        out.insert("function".to_owned(), Value::Object(function));
        out.extend(tool.cache.map(|cache| ("cache_control".to_owned(), cache)));
        for (key, value) in tool.extras {
            crate::formats::openai::merge(&mut out, key, value);
        }
    } else {
        out.insert("type".to_owned(), json!("function"));
        out.insert("function".to_owned(), Value::Object(function));
        if tool.cache.is_some() {
            report.drop("cache_control");
        }
        report.drop_extras("tools[].", &inner);
        report.drop_extras("tools[].", &tool.extras);
    }
    Ok(Some(Value::Object(out)))
}

pub(super) fn send_name(name: &str, names: &mut Names, report: &mut Report) -> String {
    let sent = names.send(name, NAMES);
    if sent != name {
        report.approximate("tools[].name");
    }
    sent
}

/// The API wants an object schema; `$schema` and `$id` at the root are of no use to it.
fn parameters(schema: Option<Value>) -> Value {
    let mut schema = match schema {
        Some(Value::Object(schema)) => schema,
        _ => Object::new(),
    };
    schema.shift_remove("$schema");
    schema.shift_remove("$id");
    if schema.is_empty() {
        return json!({"type": "object", "properties": {}});
    }
    schema.entry("type").or_insert_with(|| json!("object"));
    Value::Object(schema)
}
