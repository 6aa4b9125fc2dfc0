//! A request of this format's own, written as it was: what was noted comes out again, one to one.

use super::decode_settings::{read_count, read_shape, read_thinking};
use super::decode_tools::{read_choice, read_schema};
use super::notes;
use super::signature;
use super::{encode_settings, encode_tools, leave, spelling};
use crate::Format;
use crate::json::{Object, take_array, take_object};
use crate::model::{
    Arguments, Content, Form, Message, Part, PartKind, Report, Request, Role, Settings, Source, Tool, ToolKind,
    unwrap_signature,
};
use serde_json::{Value, json};

/// Writes a request that was decoded from this format. Only thinking that another vendor signed is left out.
pub(super) fn encode(mut request: Request, report: &mut Report) -> Value {
    let spelled = take_array(&mut request.extras, notes::SPELLED).unwrap_or_default();
    let one = request.extras.shift_remove(notes::ONE_CONTENT).is_some();
    let about_system = take_object(&mut request.extras, notes::SYSTEM).unwrap_or_default();
    let mut words = take_object(&mut request.extras, notes::WORDS).unwrap_or_default();
    notes::take_named(&mut request.extras);
    let mut body = Object::new();
    if let Some(model) = request.extras.shift_remove(notes::MODEL) {
        body.insert("model".to_owned(), model);
    }
    if let Some(mut system) = request.system {
        let bare = request.extras.shift_remove(notes::SYSTEM_TEXT).and_then(|_| system.parts.pop());
        let system = match bare {
            Some(Part { kind: PartKind::Text(text), .. }) => json!(text),
            _ => content_object(system, about_system, report),
        };
        body.insert("systemInstruction".to_owned(), system);
    }
    leave::join_thinking(&mut request.messages);
    let contents: Vec<Value> = request.messages.into_iter().filter_map(|message| content(message, report)).collect();
    let contents = match <[Value; 1]>::try_from(contents) {
        Ok([only]) if one => only,
        Ok(only) => Value::Array(only.into()),
        Err(contents) => Value::Array(contents),
    };
    body.insert("contents".to_owned(), contents);
    if let Some(tools) = request.tools {
        body.insert("tools".to_owned(), Value::Array(self::tools(tools)));
    }
    let config = generation_config(&mut request.settings, &mut words);
    if !config.is_empty() {
        body.insert("generationConfig".to_owned(), Value::Object(config));
    }
    if let Some(choice) = request.settings.tool_choice {
        let config = match take_object(&mut words, "functionCallingConfig") {
            Some(config) if read_choice(&config) == choice => Some(Value::Object(config)),
            _ => encode_tools::choice(choice, |name, _| name.to_owned(), report),
        };
        if let Some(config) = config {
            body.insert("toolConfig".to_owned(), json!({"functionCallingConfig": config}));
        }
    }
    if let Some(tier) = request.settings.service_tier {
        body.insert("serviceTier".to_owned(), json!(tier));
    }
    notes::merge(&mut body, request.extras);
    let mut body = Value::Object(body);
    spelling::restore(&mut body, &spelled);
    body
}

/// One content; `None` where nothing is left of it, for the API refuses one without parts.
fn content(message: Message, report: &mut Report) -> Option<Value> {
    let Message { role, content, mut extras, .. } = message;
    let said = !content.parts.is_empty();
    let noted = extras.shift_remove(notes::ROLE);
    if noted.is_some() {
        extras.shift_remove("role");
    }
    let role = match noted {
        Some(Value::Null) => None,
        Some(role) => Some(role),
        None if role == Role::Assistant => Some(json!("model")),
        None => Some(json!("user")),
    };
    let mut content = content_object(content, extras, report);
    if said && content.get("parts").and_then(Value::as_array).is_some_and(Vec::is_empty) {
        return None;
    }
    if let (Some(role), Value::Object(content)) = (role, &mut content) {
        content.insert("role".to_owned(), role);
    }
    Some(content)
}

fn content_object(content: Content, mut about: Object, report: &mut Report) -> Value {
    let one = about.shift_remove(notes::ONE_PART).is_some();
    let mut out = Object::new();
    let parts: Vec<Value> = content.parts.into_iter().filter_map(|part| self::part(part, report)).collect();
    let parts = match (content.form, <[Value; 1]>::try_from(parts)) {
        (_, Ok([only])) if one => Some(only),
        (_, Ok(only)) => Some(Value::Array(only.into())),
        (Form::Absent, Err(_)) => None,
        (Form::Null, Err(_)) => Some(Value::Null),
        (_, Err(parts)) => Some(Value::Array(parts)),
    };
    if let Some(parts) = parts {
        out.insert("parts".to_owned(), parts);
    }
    notes::merge(&mut out, about);
    Value::Object(out)
}

/// One part; `None` for thinking of another vendor.
fn part(part: Part, report: &mut Report) -> Option<Value> {
    let Part { kind, signature, mut extras, .. } = part;
    let mut out = Object::new();
    let mut put = |key: &str, value: Value| {
        out.insert(key.to_owned(), value);
    };
    match kind {
        PartKind::Foreign(value) => return Some(value),
        PartKind::Text(_) if extras.contains_key(notes::NO_DATA) => {}
        PartKind::Text(text) | PartKind::Refusal(text) => put("text", json!(text)),
        PartKind::Thinking { text, signature } => {
            let bare = match signature.as_deref().map(unwrap_signature) {
                None | Some(None) => signature,
                Some(Some((Format::GeminiGenerateContent, bare))) => bare.map(str::to_owned),
                Some(Some(_)) => {
                    report.drop("contents[].parts[].thought");
                    return None;
                }
            };
            put("text", json!(text));
            put("thought", json!(true));
            if let Some(bare) = bare {
                put("thoughtSignature", json!(bare));
            }
        }
        PartKind::RedactedThinking(_) => {
            report.drop("contents[].parts[].thought");
            return None;
        }
        PartKind::Image(source) | PartKind::Audio(source) | PartKind::Video(source) => {
            let (key, data) = data(source, None, &mut extras);
            put(key, data);
        }
        PartKind::Document { source, name } => {
            let (key, data) = data(source, name, &mut extras);
            put(key, data);
        }
        PartKind::ToolCall { id, name, arguments } => {
            let mut call = Object::new();
            match take_array(&mut extras, notes::MINTED) {
                None => drop(call.insert("id".to_owned(), json!(id))),
                Some(empty) => call.extend(empty.into_iter().map(|id| ("id".to_owned(), id))),
            }
            call.insert("name".to_owned(), json!(name));
            match (take_array(&mut extras, notes::NO_ARGUMENTS), arguments) {
                (Some(none), _) => call.extend(none.into_iter().map(|args| ("args".to_owned(), args))),
                (None, Arguments::Value(args)) => drop(call.insert("args".to_owned(), args)),
                (None, Arguments::Text(_)) => {}
            }
            put("functionCall", Value::Object(call));
        }
        PartKind::ToolResult { .. } => {
            extras.retain(|key, _| !key.starts_with(notes::OF_RESPONSE));
            put("functionResponse", extras.shift_remove(notes::RESPONSE).unwrap_or_default());
        }
    }
    if let Some(signature) = signature
        && let signature::Told::Own(bare) = signature::read(signature)
    {
        put("thoughtSignature", json!(bare));
    }
    notes::merge(&mut out, extras);
    Some(Value::Object(out))
}

fn data(source: Source, name: Option<String>, extras: &mut Object) -> (&'static str, Value) {
    let mut data = Object::new();
    let key = match source {
        Source::Base64 { media_type, data: bytes } => {
            if !media_type.is_empty() {
                data.insert("mimeType".to_owned(), json!(media_type));
            }
            data.insert("data".to_owned(), json!(bytes));
            "inlineData"
        }
        Source::Url(uri) | Source::File(uri) | Source::Text(uri) => {
            if let Some(media_type) = extras.shift_remove(notes::MIME_TYPE) {
                data.insert("mimeType".to_owned(), media_type);
            }
            data.insert("fileUri".to_owned(), json!(uri));
            "fileData"
        }
        Source::Other(value) => return ("fileData", value),
    };
    if let Some(name) = name {
        data.insert("displayName".to_owned(), json!(name));
    }
    (key, Value::Object(data))
}

/// Tools in the objects in which they stood; others behind them.
fn tools(tools: Vec<Tool>) -> Vec<Value> {
    let mut out: Vec<Object> = Vec::new();
    let mut last = None;
    for tool in tools {
        let Tool { kind, mut extras, .. } = tool;
        let group = extras.shift_remove(notes::GROUP).and_then(|group| group.as_u64());
        if group.is_none() || group != last {
            out.push(Object::new());
        }
        last = group;
        let Some(object) = out.last_mut() else { continue };
        match kind {
            ToolKind::Foreign(Value::Object(members)) => object.extend(members),
            ToolKind::Foreign(_) => {}
            ToolKind::Function { name, description, schema, inner, .. } => {
                let declaration = declaration(name, description, schema, inner);
                let list = object.entry("functionDeclarations").or_insert_with(|| json!([]));
                if let Value::Array(list) = list {
                    list.push(declaration);
                }
            }
        }
    }
    out.into_iter().map(Value::Object).collect()
}

fn declaration(name: String, description: Option<String>, schema: Option<Value>, mut inner: Object) -> Value {
    let mut out = Object::new();
    out.insert("name".to_owned(), json!(name));
    if let Some(description) = description {
        out.insert("description".to_owned(), json!(description));
    }
    match take_object(&mut inner, notes::SCHEMA) {
        Some(written) if read_schema(&written) == schema => out.extend(written),
        _ => {
            if let Some(schema) = schema {
                out.insert("parametersJsonSchema".to_owned(), schema);
            }
        }
    }
    notes::merge(&mut out, inner);
    Value::Object(out)
}

/// What is modelled of `generationConfig`, in the client's words where they still say what is asked for.
fn generation_config(settings: &mut Settings, words: &mut Object) -> Object {
    let mut config = Object::new();
    let counts = [
        ("maxOutputTokens", settings.max_tokens.take()),
        ("candidateCount", settings.choices.take()),
        ("logprobs", settings.top_logprobs.take()),
    ];
    for (key, count) in counts {
        let Some(count) = count else { continue };
        let written = words.shift_remove(key).filter(|written| read_count(written) == Some(count));
        config.insert(key.to_owned(), written.unwrap_or(json!(count)));
    }
    if let Some(thinking) = take_object(words, "thinkingConfig")
        && read_thinking(&thinking) == settings.reasoning
    {
        config.insert("thinkingConfig".to_owned(), Value::Object(thinking));
    }
    if let Some(shape) = take_object(words, "shape")
        && read_shape(&shape) == settings.response_format
    {
        config.extend(shape);
    }
    if let Some(modalities) = words.shift_remove("responseModalities") {
        config.insert("responseModalities".to_owned(), modalities);
    }
    config.extend(take_object(words, "nulls").unwrap_or_default());
    encode_settings::sampling(&mut config, settings);
    if let Some(stop) = settings.stop.take() {
        config.insert("stopSequences".to_owned(), json!(stop.texts));
    }
    if let Some(logprobs) = settings.logprobs.take() {
        config.insert("responseLogprobs".to_owned(), json!(logprobs));
    }
    config
}
