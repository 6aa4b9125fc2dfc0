//! Vendors' own members in requests of other formats: found wherever a client may put them, handed to the format they
//! belong to.

use crate::json::Object;
use crate::model::{Report, Request, Role};
use crate::{BodyError, Format};
use serde_json::{Value, json};

/// Makes a request of one format ready for another: a literal `extra_body` (which SDKs flatten and `curl` does not)
/// is flattened, and what no other format has is refused.
///
/// # Errors
/// When the request asks for several answers, or for OpenAI's functions of before there were tools.
pub(crate) fn leave_home(mut request: Request, wire: Format) -> Result<Request, BodyError> {
    if request.origin == wire {
        return Ok(request);
    }
    if let Some(Value::Object(extra)) = request.extras.get("extra_body") {
        let extra = super::openai::decode_params(extra.clone())?;
        request.extras.shift_remove("extra_body");
        request.fill(extra);
    }
    if request.settings.choices.is_some_and(|choices| choices > 1) {
        let message = "'n' above 1 is not possible with a provider of another format";
        return Err(BodyError::unsupported("n", message));
    }
    refuse_functions(&request)?;
    if !matches!(wire, Format::OpenAIChat | Format::OpenAIResponses) {
        one_user(&mut request);
    }
    Ok(request)
}

/// OpenAI's newer name of the end user is the user of vendors that know but one.
fn one_user(request: &mut Request) {
    let openai = matches!(request.origin, Format::OpenAIChat | Format::OpenAIResponses);
    let newer = request.extras.get("safety_identifier").and_then(Value::as_str).filter(|_| openai);
    let Some(newer) = newer.map(str::to_owned) else { return };
    if *request.settings.user.get_or_insert_with(|| newer.clone()) == newer {
        request.extras.shift_remove("safety_identifier");
    }
}

/// Functions are tools without ids: calls and results could not be told apart.
fn refuse_functions(request: &Request) -> Result<(), BodyError> {
    let said = |extras: &Object, key: &str| extras.get(key).is_some_and(|value| !value.is_null());
    let refused = |key: &str, field: String| {
        let message = format!("'{key}' is not possible with a provider of another format: use tools");
        Err(BodyError::unsupported(field, message))
    };
    for key in ["functions", "function_call"] {
        if said(&request.extras, key) {
            return refused(key, key.to_owned());
        }
    }
    for (at, message) in request.messages.iter().enumerate() {
        if message.role == Role::Assistant && said(&message.extras, "function_call") {
            return refused("function_call", format!("messages[{at}].function_call"));
        }
        if message.role == Role::Tool && message.extras.get("role") == Some(&json!("function")) {
            return refused("function", format!("messages[{at}].role"));
        }
    }
    Ok(())
}

/// The name under which a client knows thinking that cannot be sent.
pub(crate) fn thinking_name(origin: Format, extras: &Object) -> &'static str {
    match origin {
        Format::OpenAIChat => "messages[].reasoning_content",
        Format::OpenAIResponses => "input[].reasoning",
        Format::GeminiGenerateContent => "contents[].parts[].thought",
        Format::BedrockConverse => "messages[].content[].reasoningContent",
        Format::CohereChat if extras.contains_key("type") => "messages[].tool_plan",
        Format::AnthropicMessages | Format::CohereChat => "messages[].content[].thinking",
    }
}

/// The name under which a client knows that thinking is to be shown.
pub(crate) fn shown_name(origin: Format) -> &'static str {
    match origin {
        Format::AnthropicMessages => "thinking.display",
        Format::GeminiGenerateContent => "generationConfig.thinkingConfig.includeThoughts",
        _ => "reasoning.summary",
    }
}

/// Takes members out of what a request of another format, or a route's params, left unread; the client's own win.
/// A null says nothing.
pub(crate) fn take_own(request: &mut Request, names: &[&str]) -> Object {
    let mut taken = Object::new();
    for name in names {
        let own = request.extras.shift_remove(*name).filter(|value| !value.is_null());
        let param = request.openai_params.shift_remove(*name).filter(|value| !value.is_null());
        if let Some(value) = own.or(param) {
            taken.insert((*name).to_owned(), value);
        }
    }
    taken
}

/// Reports what is left unread. What says nothing elsewhere, or is answered by the gateway itself, needs no word.
pub(crate) fn report_rest(request: &Request, report: &mut Report) {
    for members in [&request.extras, &request.openai_params] {
        let mut members = members.clone();
        members.shift_remove("stream_options");
        // Beside its newer name.
        if members.get("max_tokens").is_some_and(Value::is_u64) {
            members.shift_remove("max_tokens");
        }
        // The word in it was understood; the object stayed for its own format.
        if let Some(Value::Object(effort)) = members.get_mut("reasoning_effort") {
            effort.shift_remove("effort");
        }
        if members.get("modalities") == Some(&json!(["text"])) {
            members.shift_remove("modalities");
        }
        report.drop_extras("", &members);
    }
}
