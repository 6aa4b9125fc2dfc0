//! A neutral request becomes an OpenAI Responses one.

use super::encode_input::Input;
use super::encode_settings::{self, Around};
use super::tools::ToolEncoder;
use super::{encode_items, members};
use crate::formats::openai::samples_alone;
use crate::json::Object;
use crate::model::{Names, Report, Request};
use crate::{BodyError, Format};
use serde_json::{Value, json};

/// The value of `include` that asks for thinking which can be given back.
const ENCRYPTED: &str = "reasoning.encrypted_content";

/// Encodes a request. `names` learns which tool names were replaced.
///
/// # Errors
/// A [`BodyError`] naming the field, when the request asks for what this format cannot do at all (several choices,
/// sound, a tool that is of another vendor).
pub fn encode_request(request: Request, names: &mut Names, report: &mut Report) -> Result<Value, BodyError> {
    if request.origin == Format::OpenAIResponses { keep(request, report) } else { translate(request, names, report) }
}

/// A request of this format, as it came.
fn keep(request: Request, report: &mut Report) -> Result<Value, BodyError> {
    let mut extras = request.extras;
    let mut body = Object::new();
    if let Some(model) = request.model {
        body.insert("model".to_owned(), json!(model));
    }
    let bare = extras.get("input").is_some_and(Value::is_null);
    if bare || !request.messages.is_empty() {
        extras.shift_remove("input");
        body.insert("input".to_owned(), encode_items::encode_input(request.messages, bare, report));
    }
    if let Some(system) = request.system {
        let text = system.parts.into_iter().find_map(|part| match part.kind {
            crate::model::PartKind::Text(text) => Some(text),
            _ => None,
        });
        body.insert("instructions".to_owned(), json!(text));
    }
    let mut names = Names::default();
    let mut tools = ToolEncoder { origin: Format::OpenAIResponses, names: &mut names, report };
    if let Some(list) = request.tools {
        body.insert("tools".to_owned(), encode_tools(list, &mut tools)?);
    }
    body.extend(encode_settings::keep(request.settings, &mut tools));
    if let Some(stream) = request.stream {
        body.insert("stream".to_owned(), json!(stream));
    }
    merge(&mut body, extras);
    merge(&mut body, members::take(request.openai_params, Format::OpenAIChat, report));
    Ok(Value::Object(body))
}

fn encode_tools(list: Vec<crate::model::Tool>, tools: &mut ToolEncoder<'_>) -> Result<Value, BodyError> {
    let mut out = Vec::with_capacity(list.len());
    for (at, tool) in list.into_iter().enumerate() {
        out.extend(tools.tool(at, tool)?);
    }
    Ok(Value::Array(out))
}

/// A request of another format.
fn translate(request: Request, names: &mut Names, report: &mut Report) -> Result<Value, BodyError> {
    let origin = request.origin;
    refuse_impossible(&request)?;
    let model = request.model.unwrap_or_default();
    let mut body = Object::new();
    if !model.is_empty() {
        body.insert("model".to_owned(), json!(model));
    }
    let mut input = Input::new(origin, &model, names, report);
    if let Some(text) = request.system.and_then(|system| input.instructions(system)) {
        body.insert("instructions".to_owned(), json!(text));
    }
    for message in request.messages {
        input.message(message)?;
    }
    body.insert("input".to_owned(), Value::Array(input.items));

    let mut tools = ToolEncoder { origin, names, report };
    let mut list = match encode_tools(request.tools.unwrap_or_default(), &mut tools)? {
        Value::Array(list) => list,
        _ => Vec::new(),
    };
    let mut extras = request.extras;
    list.extend(members::web_search(&mut extras));
    let around = Around { origin, has_tools: !list.is_empty(), model: &model };
    if !list.is_empty() {
        body.insert("tools".to_owned(), Value::Array(list));
    }
    body.extend(encode_settings::translate(request.settings, &around, &mut tools));
    if let Some(stream) = request.stream {
        body.insert("stream".to_owned(), json!(stream));
    }
    // Left out, this API would keep the conversation; the client's does not.
    body.insert("store".to_owned(), json!(false));
    if samples_alone(&model) {
        include(&mut body, ENCRYPTED);
    }
    merge(&mut body, members::take(extras, origin, report));
    merge(&mut body, members::take(request.openai_params, Format::OpenAIChat, report));
    Ok(Value::Object(body))
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
    let request = crate::formats::openai::decode_params(params)?;
    let mut names = Names::default();
    let mut tools = ToolEncoder { origin: Format::OpenAIChat, names: &mut names, report };
    let has_list = request.tools.is_some();
    let list = encode_tools(request.tools.unwrap_or_default(), &mut tools)?;
    let around = Around { origin: Format::OpenAIChat, has_tools: has_tools || has_list, model };
    let mut out = encode_settings::translate(request.settings, &around, &mut tools);
    if has_list {
        out.insert("tools".to_owned(), list);
    }
    merge(&mut out, members::take(request.extras, Format::OpenAIChat, report));
    Ok(out)
}

fn refuse_impossible(request: &Request) -> Result<(), BodyError> {
    if request.settings.choices.is_some_and(|choices| choices > 1) {
        return Err(BodyError::unsupported("n", "'n' above 1 is not possible with an OpenAI Responses provider"));
    }
    for key in ["functions", "function_call", "audio"] {
        if request.extras.get(key).is_some_and(|value| !value.is_null()) {
            let message = format!("'{key}' is not possible with an OpenAI Responses provider");
            return Err(BodyError::unsupported(key, message));
        }
    }
    Ok(())
}

/// Adds a value to `include`.
fn include(body: &mut Object, what: &str) {
    if let Value::Array(list) = body.entry("include").or_insert_with(|| json!([]))
        && !list.iter().any(|value| value == what)
    {
        list.push(json!(what));
    }
}

/// Puts members over those of a body: objects member by member, what is to be included one behind the other.
fn merge(body: &mut Object, more: Object) {
    for (key, value) in more {
        match (body.get_mut(&key), value) {
            (Some(Value::Object(inside)), Value::Object(more)) => inside.extend(more),
            (Some(Value::Array(inside)), Value::Array(more)) if key == "include" => {
                inside.retain(|value| !more.contains(value));
                inside.extend(more);
            }
            (_, value) => {
                body.insert(key, value);
            }
        }
    }
}
