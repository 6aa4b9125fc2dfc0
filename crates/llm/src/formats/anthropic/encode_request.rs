//! A neutral request becomes an Anthropic Messages one.

use super::encode_settings::{self, Settled};
use super::schema::narrow;
use super::turns::Turns;
use super::web_search;
use crate::formats::vendor::{report_rest, take_own};
use crate::json::Object;
use crate::model::{Form, Message, NameRules, Names, Report, Request, Role, Tool, ToolKind};
use crate::{BodyError, Format};
use serde_json::{Value, json};

/// The API's rule for tool names.
pub(super) const NAMES: NameRules = NameRules { longest: 128 };
/// Members of this format that no other has, where a client of another may put them.
const OWN: &[&str] = &[
    "cache_control",
    "container",
    "context_management",
    "fallbacks",
    "inference_geo",
    "mcp_servers",
    "output_config",
    "output_format",
    "speed",
    "stop_sequences",
];
/// The tool that carries a structured answer for models without `output_config.format`.
pub(crate) const JSON_TOOL: &str = "json_response";

/// Encodes a request. `names` learns which tool names were replaced. The second value is whether `JSON_TOOL` was
/// added, whose call is the answer's text.
///
/// # Errors
/// A [`BodyError`] naming the field, when the request asks for what this format cannot do at all (several choices, an
/// image that is no URL, a tool that is no function).
pub fn encode_request(
    mut request: Request,
    names: &mut Names,
    report: &mut Report,
) -> Result<(Value, bool), BodyError> {
    let own = request.origin == Format::AnthropicMessages;
    if !own {
        refuse_sound(&request)?;
        report_bound(&request, report);
    }
    let mut vendor = if own { Object::new() } else { take_vendor(&mut request) };
    let shown = if own { None } else { asks_to_see(&request) };
    let model = request.model.take().unwrap_or_default();
    let mut body = Object::new();
    if !model.is_empty() || own {
        body.insert("model".to_owned(), json!(model));
    }
    let mut turns = Turns::new(request.origin, names, report);
    let mut system = match request.system.take() {
        Some(content) => Some((content.form, turns.texts(content)?)),
        None => None,
    };
    for message in std::mem::take(&mut request.messages) {
        match message.role {
            Role::System | Role::Developer if !own => promote(message, &mut turns, &mut system)?,
            _ => turns.push(message)?,
        }
    }
    let tools = request.tools.take();
    let used = turns.tools_used(tools.as_deref().unwrap_or_default());
    let settled = {
        let unsigned = turns.ends_in_unsigned_calls();
        let has_tools = tools.as_ref().is_some_and(|tools| !tools.is_empty()) || !used.is_empty();
        let around = encode_settings::Around { own, model: &model, has_tools, unsigned };
        encode_settings::settle(std::mem::take(&mut request.settings), &around, turns.names, turns.report)
    };
    let Settled { members, instruction, json_tool, thinks, keeps_strict } = settled;
    if let Some(name) = shown.filter(|_| !thinks) {
        turns.report.drop(name);
    }
    let messages = turns.finish(thinks, &mut system)?;
    if let Some(text) = instruction {
        let (form, blocks) = system.get_or_insert((Form::Bare, Vec::new()));
        *form = Form::List;
        blocks.push(json!({"type": "text", "text": text}));
    }
    if let Some(system) = system.and_then(|(form, blocks)| written(own, form, blocks)) {
        body.insert("system".to_owned(), system);
    }
    body.insert("messages".to_owned(), Value::Array(messages));
    let with_json_tool = json_tool.is_some();
    let search = if own { None } else { web_search::of_chat(&mut request, report) };
    let tools = encode_tools(tools, used, json_tool.into_iter().chain(search), own, keeps_strict, names, report)?;
    if let Some(tools) = tools {
        body.insert("tools".to_owned(), Value::Array(tools));
    }
    body.extend(members);
    if let Some(stream) = request.stream {
        body.insert("stream".to_owned(), json!(stream));
    }
    if own {
        vendor = std::mem::take(&mut request.extras);
    }
    for (key, value) in vendor {
        crate::formats::openai::merge(&mut body, key, value);
    }
    report_rest(&request, report);
    Ok((Value::Object(body), with_json_tool))
}

/// A route's params (OpenAI Chat names) as members of this format's body, for a request that is relayed.
///
/// # Errors
/// When one of them is not what it must be.
pub(crate) fn encode_params(
    params: Object,
    model: &str,
    has_tools: bool,
    report: &mut Report,
) -> Result<Object, BodyError> {
    let mut request = crate::formats::openai::decode_params(params)?;
    let vendor = take_vendor(&mut request);
    report_bound(&request, report);
    let bounded = request.settings.max_tokens.is_some();
    let has_tools = has_tools || request.tools.is_some();
    let around = encode_settings::Around { own: false, model, has_tools, unsigned: false };
    let mut names = Names::default();
    let settled = encode_settings::settle(std::mem::take(&mut request.settings), &around, &mut names, report);
    let mut members = settled.members;
    if !bounded {
        members.shift_remove("max_tokens");
    }
    let tools = request.tools.take();
    let search = web_search::of_chat(&mut request, report);
    let tools = encode_tools(tools, Vec::new(), search, false, settled.keeps_strict, &mut names, report)?;
    if let Some(tools) = tools {
        members.insert("tools".to_owned(), Value::Array(tools));
    }
    for (key, value) in vendor {
        crate::formats::openai::merge(&mut members, key, value);
    }
    report_rest(&request, report);
    Ok(members)
}

/// The members of this format that a client of another, or a route, put into the request.
fn take_vendor(request: &mut Request) -> Object {
    let mut vendor = take_own(request, OWN);
    // OpenAI Responses has one of the same name, which is a list, and which stays to be reported.
    if let Some(theirs) = vendor.get("context_management").filter(|value| !value.is_object()).cloned() {
        vendor.shift_remove("context_management");
        request.extras.insert("context_management".to_owned(), theirs);
    }
    vendor
}

/// A bound that is none (negative, a fraction) is not read, and not the older name beside a newer one either.
fn report_bound(request: &Request, report: &mut Report) {
    let unread = request.extras.get("max_tokens").is_some_and(Value::is_number);
    if unread && request.settings.max_tokens.is_none() {
        report.drop("max_tokens");
    }
}

/// The member by which a client only asks to see the thinking, and does not say how much there is to be.
fn asks_to_see(request: &Request) -> Option<&'static str> {
    let reasoning = &request.settings.reasoning;
    let alone = reasoning.show == Some(true) && reasoning.effort.is_none() && reasoning.thinking.is_none();
    alone.then_some(match request.origin {
        Format::GeminiGenerateContent => "generationConfig.thinkingConfig.includeThoughts",
        _ => "reasoning.summary",
    })
}

fn refuse_sound(request: &Request) -> Result<(), BodyError> {
    if request.extras.get("audio").is_some_and(|value| !value.is_null()) {
        let message = "'audio' is not possible with an Anthropic Messages provider";
        return Err(BodyError::unsupported("audio", message));
    }
    Ok(())
}

/// A system or developer message joins the top-level prompt, blocks and marks kept, in order.
fn promote(message: Message, turns: &mut Turns<'_>, system: &mut Option<(Form, Vec<Value>)>) -> Result<(), BodyError> {
    if turns.has_begun() {
        turns.report.approximate("messages[].role");
    }
    turns.report.drop_extras("messages[].", &message.extras);
    let mut blocks = turns.blocks(message.content)?;
    blocks.retain(|block| match block.get("text").and_then(Value::as_str) {
        Some(text) => !text.trim().is_empty(),
        None => {
            turns.report.drop("messages[].content");
            false
        }
    });
    if let (Some(cache), Some(Value::Object(last))) = (message.cache, blocks.last_mut()) {
        last.entry("cache_control").or_insert(cache);
    }
    let (_, all) = system.get_or_insert((Form::Bare, Vec::new()));
    all.extend(blocks);
    Ok(())
}

/// Blocks as the origin wrote them: from elsewhere, one plain text is written bare and none not at all.
pub(super) fn written(own: bool, form: Form, blocks: Vec<Value>) -> Option<Value> {
    let plain = |block: &Value| {
        block.get("type").and_then(Value::as_str) == Some("text") && block.as_object().is_some_and(|b| b.len() == 2)
    };
    match (form, blocks.as_slice()) {
        (Form::Absent, []) => None,
        (_, []) if !own => None,
        (Form::Null, []) => Some(Value::Null),
        (Form::Bare, [block]) if plain(block) => block.get("text").cloned(),
        _ => Some(Value::Array(blocks)),
    }
}

fn encode_tools(
    tools: Option<Vec<Tool>>,
    used: Vec<String>,
    more: impl IntoIterator<Item = Value>,
    own: bool,
    keeps_strict: bool,
    names: &mut Names,
    report: &mut Report,
) -> Result<Option<Vec<Value>>, BodyError> {
    let had = tools.is_some();
    let mut out = Vec::new();
    for (at, tool) in tools.into_iter().flatten().enumerate() {
        out.push(encode_tool(at, tool, own, keeps_strict, names, report)?);
    }
    if !own {
        for name in used {
            // The API refuses a history with calls unless tools are declared.
            report.approximate("tools");
            out.push(json!({"name": name, "input_schema": {"type": "object"}}));
        }
    }
    out.extend(more);
    Ok((own && had || !out.is_empty()).then_some(out))
}

fn encode_tool(
    at: usize,
    tool: Tool,
    own: bool,
    keeps_strict: bool,
    names: &mut Names,
    report: &mut Report,
) -> Result<Value, BodyError> {
    let (name, description, schema, strict, inner) = match tool.kind {
        ToolKind::Foreign(value) if own => return Ok(value),
        ToolKind::Foreign(value) if web_search::is_own(&value) => return Ok(web_search::of_own(value)),
        ToolKind::Foreign(value) if web_search::is_one(&value) => return Ok(web_search::of_tool(value, report)),
        ToolKind::Foreign(value) => {
            let kind = crate::json::kind(&value);
            let message = format!("tools of type '{kind}' are not possible with an Anthropic Messages provider");
            return Err(BodyError::foreign(format!("tools[{at}].type"), value, message));
        }
        ToolKind::Function { name, description, schema, strict, inner } => (name, description, schema, strict, inner),
    };
    let mut out = Object::new();
    let sent = if own { name } else { send_name(&name, names, report) };
    out.insert("name".to_owned(), json!(sent));
    if let Some(description) = description {
        out.insert("description".to_owned(), json!(description));
    }
    match schema {
        Some(schema) if own => {
            out.insert("input_schema".to_owned(), schema);
        }
        None if own => {}
        schema => {
            let mut schema = input_schema(schema);
            if strict == Some(true) && keeps_strict && narrow(&mut schema) {
                report.approximate("tools[].function.parameters");
            }
            out.insert("input_schema".to_owned(), schema);
        }
    }
    match strict {
        Some(strict) if own || keeps_strict => {
            out.insert("strict".to_owned(), json!(strict));
        }
        Some(true) => report.drop("tools[].strict"),
        _ => {}
    }
    if let Some(cache) = tool.cache {
        out.insert("cache_control".to_owned(), cache);
    }
    if own {
        out.extend(tool.extras);
    } else {
        report.drop_extras("tools[].", &inner);
        report.drop_extras("tools[].", &tool.extras);
    }
    Ok(Value::Object(out))
}

pub(super) fn send_name(name: &str, names: &mut Names, report: &mut Report) -> String {
    let sent = names.send(name, NAMES);
    if sent != name {
        report.approximate("tools[].name");
    }
    sent
}

/// The API wants an object schema; `$schema` and `$id` at the root are of no use to it.
fn input_schema(schema: Option<Value>) -> Value {
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
