//! A neutral request becomes a generateContent one.

use super::capabilities::capabilities;
use super::encode_settings::{self, Around};
use super::turns::Turns;
use super::{encode_tools, own, vendor};
use crate::formats::ServerRules;
use crate::formats::vendor::take_own;
use crate::json::Object;
use crate::model::{Names, Report, Request, Role, ToolChoice};
use crate::{BodyError, Format};
use serde_json::{Value, json};

/// Encodes a request; the path says model and stream. `names` learns which tool names were replaced.
///
/// # Errors
/// A [`BodyError`] naming the field, when the request asks for what this format cannot do at all (several choices, a
/// file that another vendor holds, a tool that Google has not).
pub fn encode_request(
    mut request: Request,
    rules: ServerRules,
    names: &mut Names,
    report: &mut Report,
) -> Result<Value, BodyError> {
    if request.origin == Format::GeminiGenerateContent {
        return Ok(own::encode(request, report));
    }
    refuse_impossible(&request.extras)?;
    let cloud = rules.cloud;
    let can = capabilities(request.model.as_deref().unwrap_or_default());
    let mut vendor = vendor::take(&mut request.extras, cloud);
    vendor.extend(vendor::take(&mut request.openai_params, cloud));
    let options = take_own(&mut request, &["web_search_options"]).shift_remove("web_search_options");
    let mut tools = encode_tools::encode(request.tools.unwrap_or_default(), request.origin, can, cloud, names, report)?;
    if options.is_some_and(|options| options != false) {
        report.approximate("web_search_options");
        tools.search();
    }
    let around = Around { can, cloud, has_functions: tools.has_functions };
    let bounded = request.settings.max_tokens.is_some();
    let choice = request.settings.tool_choice.take();
    let settled = encode_settings::settle(request.settings, &around, report)?;

    let mut turns = Turns::new(can, cloud, names, report);
    if let Some(system) = request.system {
        turns.system(system, None)?;
    }
    for message in request.messages {
        match message.role {
            Role::System | Role::Developer => turns.promote(message)?,
            _ => turns.push(message)?,
        }
    }
    if let Some(instruction) = settled.instruction {
        turns.instruct(instruction);
    }
    let (system, contents) = turns.finish()?;
    let mut body = Object::new();
    if let Some(system) = system {
        body.insert("systemInstruction".to_owned(), system);
    }
    body.insert("contents".to_owned(), contents);
    let mut tool_config = Object::new();
    match choice {
        Some(ToolChoice::Auto) if !tools.has_functions => {}
        Some(_) if !tools.has_functions => report.drop("tool_choice"),
        Some(choice) => {
            let send = |name: &str, report: &mut Report| encode_tools::send_name(name, names, report);
            if let Some(config) = encode_tools::choice(choice, send, report) {
                tool_config.insert("functionCallingConfig".to_owned(), config);
            }
        }
        None => {}
    }
    if tools.mixed && !can.mixes_tools {
        let message = "functions beside Google's own tools are not possible with this model: send one kind, or ask a \
                       model of Gemini 3 or later";
        return Err(BodyError::unsupported("tools", message));
    }
    if tools.mixed && !cloud && can.shapes_with_tools {
        // Together they are taken only so.
        tool_config.insert("includeServerSideToolInvocations".to_owned(), json!(true));
    }
    if !tools.tools.is_empty() {
        body.insert("tools".to_owned(), Value::Array(tools.tools));
    }
    for (key, config) in [("toolConfig", tool_config), ("generationConfig", settled.config)] {
        if !config.is_empty() {
            body.insert(key.to_owned(), Value::Object(config));
        }
    }
    body.extend(settled.members);
    vendor::merge(&mut body, vendor, report);
    report_extras(request.extras, bounded, report);
    report_extras(request.openai_params, bounded, report);
    Ok(Value::Object(body))
}

/// A route's params (OpenAI Chat names) as members of this format's body, for a request that is relayed.
///
/// # Errors
/// When one of them is not what it must be.
pub(crate) fn encode_params(params: Object, model: &str, report: &mut Report) -> Result<Object, BodyError> {
    let mut request = crate::formats::openai::decode_params(params)?;
    // Which of the two APIs it goes to is not known here: what only one takes comes in that one's own words.
    let mut own = vendor::take(&mut request.extras, false);
    own.extend(vendor::take(&mut request.extras, true));
    let can = capabilities(model);
    let mut names = Names::default();
    let tools = encode_tools::encode(request.tools.unwrap_or_default(), request.origin, can, true, &mut names, report)?;
    let choice = request.settings.tool_choice.take();
    let around = Around { can, cloud: true, has_functions: tools.has_functions };
    let bounded = request.settings.max_tokens.is_some();
    let settled = encode_settings::settle(request.settings, &around, report)?;
    let mut members = settled.members;
    if !tools.tools.is_empty() {
        members.insert("tools".to_owned(), Value::Array(tools.tools));
    }
    let send = |name: &str, report: &mut Report| encode_tools::send_name(name, &mut names, report);
    if let Some(config) = choice.and_then(|choice| encode_tools::choice(choice, send, report)) {
        members.insert("toolConfig".to_owned(), json!({"functionCallingConfig": config}));
    }
    if !settled.config.is_empty() {
        members.insert("generationConfig".to_owned(), Value::Object(settled.config));
    }
    vendor::merge(&mut members, own, report);
    report_extras(request.extras, bounded, report);
    Ok(members)
}

fn refuse_impossible(extras: &Object) -> Result<(), BodyError> {
    for key in ["functions", "function_call", "audio"] {
        if extras.get(key).is_some_and(|value| !value.is_null()) {
            let message = format!("'{key}' is not possible with a Gemini provider");
            return Err(BodyError::unsupported(key, message));
        }
    }
    Ok(())
}

/// Reports what is left, but for members that say nothing here, or are answered by the gateway. `bounded`: the length of
/// the answer is.
fn report_extras(mut extras: Object, bounded: bool, report: &mut Report) {
    extras.shift_remove("stream_options");
    // Beside its newer name.
    if bounded && extras.get("max_tokens").is_some_and(Value::is_number) {
        extras.shift_remove("max_tokens");
    }
    if extras.get("modalities") == Some(&json!(["text"])) {
        extras.shift_remove("modalities");
    }
    if let Some(Value::Object(inner)) = extras.shift_remove("extra_body") {
        report.drop_extras("extra_body.", &inner);
    }
    report.drop_extras("", &extras);
}
