//! A neutral request becomes an OpenAI Chat one.

use super::encode_messages::Encoder;
use super::encode_tools::encode_tool;
use crate::formats::ServerRules;
use crate::formats::vendor::{report_rest, take_own};
use crate::json::Object;
use crate::model::{NameRules, Names, Report, Request, Role};
use crate::{BodyError, Format};
use serde_json::{Value, json};

/// The API's rule for function names.
const NAMES: NameRules = NameRules { longest: 64 };
/// Members of this format that no other has.
const OWN: &[&str] = &[
    "audio",
    "logit_bias",
    "modalities",
    "prediction",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "store",
    "verbosity",
    "web_search_options",
];
/// The API takes no more stop texts.
const MOST_STOPS: usize = 4;

/// Encodes a request. `names` learns which tool names were replaced.
///
/// # Errors
/// A [`BodyError`] naming the field, when the request has content that cannot be said in this format and without
/// which the answer would be about something else (a document by URL, say).
pub fn encode_request(
    mut request: Request,
    rules: ServerRules,
    names: &mut Names,
    report: &mut Report,
) -> Result<Value, BodyError> {
    let own = request.origin == Format::OpenAIChat;
    let vendor = if own { Object::new() } else { vendor_members(&mut request) };
    let mut body = Object::new();
    if let Some(model) = &request.model {
        body.insert("model".to_owned(), json!(model));
    }
    let mut encoder = Encoder::new(request.origin, names, report);
    if let Some(system) = request.system.take() {
        encoder.system(Role::System, system, None, Object::new());
    }
    for message in std::mem::take(&mut request.messages) {
        encoder.message(message)?;
    }
    body.insert("messages".to_owned(), Value::Array(encoder.finish()));

    let tools: Option<Vec<Value>> = request
        .tools
        .take()
        .map(|tools| tools.into_iter().filter_map(|tool| encode_tool(tool, request.origin, names, report)).collect());
    let has_tools = tools.as_ref().is_some_and(|tools| !tools.is_empty());
    if let Some(tools) = tools.filter(|tools| own || !tools.is_empty()) {
        body.insert("tools".to_owned(), Value::Array(tools));
    }
    let model = request.model.take().unwrap_or_default();
    let origin = request.origin;
    super::encode_settings::encode(
        &mut body,
        std::mem::take(&mut request.settings),
        &super::encode_settings::Around { origin, has_tools, model: &model, rules, most_stops: MOST_STOPS },
        |name, report| send_name(name, own, names, report),
        report,
    );
    if let Some(stream) = request.stream {
        body.insert("stream".to_owned(), json!(stream));
        if stream && rules.stream_usage && !own {
            body.insert("stream_options".to_owned(), json!({"include_usage": true}));
        }
    }
    let params = std::mem::take(&mut request.openai_params);
    if own {
        body.extend(request.extras);
    } else {
        body.extend(vendor);
        report_rest(&request, report);
    }
    body.extend(params);
    Ok(Value::Object(body))
}

/// Members of this format that a client of another may put beside its own.
fn vendor_members(request: &mut Request) -> Object {
    let mut taken = take_own(request, OWN);
    // Responses has these too, one of them within another object.
    if request.origin == Format::OpenAIResponses {
        taken.extend(take_own(request, &["metadata"]));
        if let Some(Value::Object(text)) = request.extras.get_mut("text")
            && let Some(verbosity) = text.shift_remove("verbosity").filter(|verbosity| !verbosity.is_null())
        {
            taken.entry("verbosity").or_insert(verbosity);
        }
    }
    taken
}

/// The name to send for a tool of the client's.
pub(super) fn send_name(name: &str, own: bool, names: &mut Names, report: &mut Report) -> String {
    if own {
        return name.to_owned();
    }
    let sent = names.send(name, NAMES);
    if sent != name {
        report.approximate("tools[].name");
    }
    sent
}
