//! A neutral request becomes an OpenAI Chat one.

use super::encode_messages::Encoder;
use super::encode_tools::encode_tool;
use crate::formats::ServerRules;
use crate::json::Object;
use crate::model::{NameRules, Names, Report, Request, Role};
use crate::{BodyError, Format};
use serde_json::{Value, json};

/// The API's rule for function names.
const NAMES: NameRules = NameRules { longest: 64 };
/// The API takes no more stop texts.
const MOST_STOPS: usize = 4;

/// Encodes a request. `names` learns which tool names were replaced.
///
/// # Errors
/// A [`BodyError`] naming the field, when the request has content that cannot be said in this format and without
/// which the answer would be about something else (a document by URL, say).
pub fn encode_request(
    request: Request,
    rules: ServerRules,
    names: &mut Names,
    report: &mut Report,
) -> Result<Value, BodyError> {
    let own = request.origin == Format::OpenAIChat;
    let mut body = Object::new();
    if let Some(model) = &request.model {
        body.insert("model".to_owned(), json!(model));
    }
    let mut encoder = Encoder { own, names, report, messages: Vec::new() };
    if let Some(system) = request.system {
        encoder.system(Role::System, system, None, Object::new());
    }
    for message in request.messages {
        encoder.message(message)?;
    }
    body.insert("messages".to_owned(), Value::Array(encoder.messages));

    let tools: Option<Vec<Value>> =
        request.tools.map(|tools| tools.into_iter().filter_map(|tool| encode_tool(tool, own, names, report)).collect());
    let has_tools = tools.as_ref().is_some_and(|tools| !tools.is_empty());
    if let Some(tools) = tools.filter(|tools| own || !tools.is_empty()) {
        body.insert("tools".to_owned(), Value::Array(tools));
    }
    let model = request.model.unwrap_or_default();
    super::encode_settings::encode(
        &mut body,
        request.settings,
        &super::encode_settings::Around { own, has_tools, model: &model, rules, most_stops: MOST_STOPS },
        |name, report| send_name(name, own, names, report),
        report,
    );
    if let Some(stream) = request.stream {
        body.insert("stream".to_owned(), json!(stream));
        if stream && rules.stream_usage && !own {
            body.insert("stream_options".to_owned(), json!({"include_usage": true}));
        }
    }
    if own {
        body.extend(request.extras);
    } else {
        report.drop_extras("", &request.extras);
    }
    body.extend(request.openai_params);
    Ok(Value::Object(body))
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
