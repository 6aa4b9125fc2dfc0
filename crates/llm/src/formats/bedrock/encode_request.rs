//! A neutral request becomes a Converse one. The model and whether a stream is asked for go into the path.

use super::blocks::{Blocks, is_blank};
use super::documents::DocumentNames;
use super::encode_settings::{self, Settled};
use super::models::{family, lacks_system};
use super::spelling::merge;
use super::turns::Turns;
use super::{decode_settings, encode_own, encode_tools, vendor};
use crate::formats::Encoded;
use crate::formats::openai::is_billing;
use crate::json::Object;
use crate::model::{Content, Message, Names, Report, Request, Role};
use crate::{BodyError, Format};
use serde_json::{Value, json};

/// Encodes a request. `names` learns which tool names were replaced.
///
/// # Errors
/// A [`BodyError`] naming the field, when the request asks for what this format cannot do at all (an answer in
/// sound, an image at a web address, a tool that is no function).
pub fn encode_request(request: Request, names: &mut Names, report: &mut Report) -> Result<Encoded, BodyError> {
    if request.origin == Format::BedrockConverse {
        return Ok(Encoded { body: Value::Object(own(request, report)), json_tool: false });
    }
    refuse_sound(&request)?;
    foreign(request, names, report)
}

/// A request of this format's own: only thinking that another vendor signed is left out.
fn own(request: Request, report: &mut Report) -> Object {
    let Request { system, messages, tools, mut settings, mut extras, openai_params, .. } = request;
    let mut body = Object::new();
    let messages = messages.into_iter().map(|message| encode_own::message(message, report)).collect();
    body.insert("messages".to_owned(), Value::Array(messages));
    if let Some(system) = system.and_then(|system| encode_own::content(system, report)) {
        body.insert("system".to_owned(), system);
    }
    let mut config = Object::new();
    if let Some(tools) = tools {
        let mut out = Vec::with_capacity(tools.len());
        tools.into_iter().for_each(|tool| encode_tools::encode_own(tool, &mut out));
        config.insert("tools".to_owned(), Value::Array(out));
    }
    if let Some(choice) = settings.tool_choice.take() {
        config.insert("toolChoice".to_owned(), encode_own::tool_choice(choice));
    }
    if !config.is_empty() {
        body.insert("toolConfig".to_owned(), Value::Object(config));
    }
    merge(&mut body, decode_settings::encode_own(settings, &mut extras));
    merge(&mut body, extras);
    report.drop_extras("", &openai_params);
    body
}

fn foreign(mut request: Request, names: &mut Names, report: &mut Report) -> Result<Encoded, BodyError> {
    let model = request.model.take().unwrap_or_default();
    let family = family(&model);
    let origin = request.origin;
    let documents = DocumentNames::default();
    let mut blocks =
        Blocks { origin, family, model: &model, names, report, documents, called: Vec::new(), said: false };
    let mut turns = Turns::default();
    let mut system = match request.system.take() {
        Some(content) => system_blocks(content, &mut blocks)?,
        None => Vec::new(),
    };
    for message in std::mem::take(&mut request.messages) {
        match message.role {
            Role::System | Role::Developer => promote(message, &turns, &mut system, &mut blocks)?,
            _ => turns.push(message, &mut blocks)?,
        }
    }
    let tools = request.tools.take().unwrap_or_default();
    let used = blocks.stubs();
    let has_calls = !used.is_empty();
    let used = if tools.is_empty() { used } else { Vec::new() };
    let around = encode_settings::Around {
        origin,
        model: &model,
        family,
        has_tools: !tools.is_empty() || !used.is_empty(),
        has_calls,
        unsigned: turns.ends_in_unsigned_calls(),
    };
    let settings = std::mem::take(&mut request.settings);
    let Settled { body: members, instruction, json_tool, choice, without_tools, thinks, keeps_strict } =
        encode_settings::settle(settings, &around, blocks.names, blocks.report);
    system.extend(instruction.map(|text| json!({"text": text})));
    let mut messages = turns.finish(thinks, &mut system, &mut blocks)?;
    if lacks_system(&model) && !system.is_empty() {
        blocks.report.approximate("system");
        begin_with(&mut messages, std::mem::take(&mut system));
    }
    let mut body = Object::new();
    body.insert("messages".to_owned(), Value::Array(messages));
    if !system.is_empty() {
        body.insert("system".to_owned(), Value::Array(system));
    }
    let around = encode_tools::Around { origin, family, model: &model, keeps_strict };
    let mut specs = encode_tools::encode(tools, used, &around, blocks.names, blocks.report)?;
    if without_tools {
        blocks.report.approximate("tool_choice");
        blocks.report.drop("tools");
        specs.clear();
    }
    let with_json_tool = json_tool.is_some();
    specs.extend(json_tool.map(|spec| json!({"toolSpec": spec})));
    if !specs.is_empty() {
        let mut config = Object::new();
        config.insert("tools".to_owned(), Value::Array(specs));
        config.extend(choice.map(|choice| ("toolChoice".to_owned(), choice)));
        body.insert("toolConfig".to_owned(), Value::Object(config));
    }
    merge(&mut body, members);
    vendor::add(&mut body, request, &model, blocks.report);
    Ok(Encoded { body: Value::Object(body), json_tool: with_json_tool })
}

fn refuse_sound(request: &Request) -> Result<(), BodyError> {
    if request.extras.get("audio").is_some_and(|value| !value.is_null()) {
        return Err(BodyError::unsupported("audio", "an answer in sound is not possible with a Bedrock provider"));
    }
    Ok(())
}

/// A system or developer message joins the system prompt, blocks and marks kept, in order.
fn promote(message: Message, turns: &Turns, system: &mut Vec<Value>, blocks: &mut Blocks<'_>) -> Result<(), BodyError> {
    if turns.has_begun() {
        blocks.report.approximate("messages[].role");
    }
    blocks.report.drop_extras("messages[].", &message.extras);
    let mut content = system_blocks(message.content, blocks)?;
    if !content.is_empty() {
        content.extend(blocks.mark(message.cache));
    }
    system.extend(content);
    Ok(())
}

/// Only text may stand in the system prompt, and marks behind it.
fn system_blocks(mut content: Content, blocks: &mut Blocks<'_>) -> Result<Vec<Value>, BodyError> {
    if !blocks.family.signs_as_anthropic() && content.parts.iter().any(is_billing) {
        content.parts.retain(|part| !is_billing(part));
        blocks.report.drop("system.x-anthropic-billing-header");
    }
    let mut content = blocks.content(content)?;
    let before = content.len();
    content.retain(|block| block.get("text").is_some() && !is_blank(block) || block.get("cachePoint").is_some());
    if content.len() < before {
        blocks.report.drop("messages[].content");
    }
    let marks = content.iter().take_while(|block| block.get("cachePoint").is_some()).count();
    content.drain(..marks);
    Ok(content)
}

/// Puts blocks before the first message's.
fn begin_with(messages: &mut [Value], blocks: Vec<Value>) {
    let content = messages.first_mut().and_then(|message| message.get_mut("content")?.as_array_mut());
    if let Some(content) = content {
        content.splice(0..0, blocks);
    }
}

/// A route's params (OpenAI Chat names) as members of this format's body, for a request that is relayed.
///
/// # Errors
/// When one of them is not what it must be.
pub(crate) fn encode_params(params: Object, model: &str, report: &mut Report) -> Result<Object, BodyError> {
    let mut request = crate::formats::openai::decode_params(params)?;
    let family = family(model);
    let bounded = request.settings.max_tokens.is_some();
    let tools = request.tools.take().unwrap_or_default();
    let has_tools = !tools.is_empty();
    // A choice is among tools that the client may have sent.
    let around = encode_settings::Around {
        origin: Format::OpenAIChat,
        model,
        family,
        has_tools: true,
        has_calls: true,
        unsigned: false,
    };
    let mut names = Names::default();
    let settings = std::mem::take(&mut request.settings);
    let settled = encode_settings::settle(settings, &around, &mut names, report);
    let mut body = settled.body;
    if !bounded && let Some(Value::Object(config)) = body.get_mut("inferenceConfig") {
        config.shift_remove("maxTokens");
    }
    let around = encode_tools::Around { origin: Format::OpenAIChat, family, model, keeps_strict: settled.keeps_strict };
    let specs = encode_tools::encode(tools, Vec::new(), &around, &mut names, report)?;
    match settled.choice {
        choice if has_tools => {
            let mut config = Object::new();
            config.insert("tools".to_owned(), Value::Array(specs));
            config.extend(choice.map(|choice| ("toolChoice".to_owned(), choice)));
            body.insert("toolConfig".to_owned(), Value::Object(config));
        }
        // The API refuses a choice where there are no tools.
        Some(_) => report.drop("tool_choice"),
        None => {}
    }
    vendor::add(&mut body, request, model, report);
    Ok(body)
}
