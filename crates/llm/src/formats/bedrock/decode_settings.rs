//! Converse's settings: those that every model takes, and those within `additionalModelRequestFields` that other
//! formats have a word for.

use super::spelling::{EFFORTS, OLDER_THINKING, SPACED, THINKING, TOP_K, chosen, note, noted, put, spaced, take};
use crate::json::{Object, take_array, take_number, take_object, take_string, take_u64};
use crate::model::{Reasoning, ResponseFormat, Settings, Stop};
use serde_json::{Number, Value, json};

/// Takes the settings out of a body; what is not understood stays.
pub(super) fn decode_settings(body: &mut Object) -> Settings {
    let mut settings = Settings { older_max_tokens: true, ..Settings::default() };
    if let Some(mut config) = take_object(body, "inferenceConfig") {
        let was_empty = config.is_empty();
        settings.max_tokens = take_u64(&mut config, "maxTokens");
        settings.temperature = take_number(&mut config, "temperature");
        settings.top_p = take_number(&mut config, "topP");
        settings.stop = decode_stop(&mut config);
        if was_empty || !config.is_empty() {
            body.insert("inferenceConfig".to_owned(), Value::Object(config));
        }
    }
    settings.response_format = decode_format(body);
    settings.reasoning = decode_reasoning(body);
    settings.top_k = decode_top_k(body);
    settings.parallel_tools = decode_parallel(body);
    settings.service_tier = decode_tier(body);
    settings
}

fn decode_stop(config: &mut Object) -> Option<Stop> {
    if !config.get("stopSequences")?.as_array()?.iter().all(Value::is_string) {
        return None;
    }
    let texts = take_array(config, "stopSequences")?;
    let texts = texts.into_iter().filter_map(|text| text.as_str().map(str::to_owned)).collect();
    Some(Stop { texts, bare: false })
}

/// `outputConfig.textFormat`: the schema is a text of JSON. One that would not come back as the same text stays.
fn decode_format(body: &mut Object) -> Option<ResponseFormat> {
    let format = body.get("outputConfig")?.get("textFormat")?;
    let definition = format.pointer("/structure/jsonSchema")?.as_object()?;
    let known = format.as_object()?.len() == 2
        && format.get("type").is_some_and(|kind| kind == "json_schema")
        && format.get("structure")?.as_object()?.len() == 1;
    let text = definition.get("schema")?.as_str()?;
    let schema: Value = serde_json::from_str(text).ok().filter(|_| known)?;
    let compact = schema.to_string();
    let is_spaced = text != compact;
    if is_spaced && text != spaced(&schema) {
        return None;
    }
    let mut about = definition.clone();
    about.shift_remove("schema");
    take(body, &["outputConfig", "textFormat"], Value::is_object);
    if is_spaced {
        body.insert(SPACED.to_owned(), Value::Null);
    }
    Some(ResponseFormat::Schema { schema, about })
}

fn decode_reasoning(body: &mut Object) -> Reasoning {
    let is_thinking = |value: &Value| value.as_object().is_some_and(|thinking| thinking.contains_key("type"));
    let mut thinking = None;
    for (nth, path) in THINKING.iter().enumerate() {
        if let Some(Value::Object(found)) = take(body, path, is_thinking) {
            if nth > 0 {
                body.insert(OLDER_THINKING.to_owned(), Value::Null);
            }
            thinking = Some(found);
            break;
        }
    }
    let mut effort = take(body, &["outputConfig", "effort"], Value::is_string);
    if effort.is_none() {
        effort = EFFORTS.iter().find_map(|path| {
            let nova = path.contains(&"reasoningConfig");
            if nova && !is_nova_effort(body) {
                return None;
            }
            let found = take(body, path, Value::is_string)?;
            if nova {
                take(body, &path[..2], Value::is_object);
            }
            note(body, path);
            Some(found)
        });
    }
    let effort = effort.and_then(|effort| effort.as_str().map(str::to_owned));
    Reasoning { effort, thinking, show: None }
}

/// Nova's `{"type": "enabled", "maxReasoningEffort": …}` and nothing else.
fn is_nova_effort(body: &Object) -> bool {
    let config = body.get("additionalModelRequestFields").and_then(|fields| fields.get("reasoningConfig")?.as_object());
    config.is_some_and(|config| config.len() == 2 && config.get("type").is_some_and(|kind| kind == "enabled"))
}

fn decode_top_k(body: &mut Object) -> Option<Number> {
    for (nth, path) in TOP_K.iter().enumerate() {
        if let Some(Value::Number(number)) = take(body, path, Value::is_number) {
            if nth > 0 {
                note(body, path);
            }
            return Some(number);
        }
    }
    None
}

/// Claude's `disable_parallel_tool_use` beside a free choice; with any other choice it stays where it is.
fn decode_parallel(body: &mut Object) -> Option<bool> {
    let choice = body.get("additionalModelRequestFields")?.get("tool_choice")?.as_object()?;
    let disabled = choice.get("disable_parallel_tool_use")?.as_bool()?;
    if choice.len() != 2 || choice.get("type").is_none_or(|kind| kind != "auto") {
        return None;
    }
    take(body, &["additionalModelRequestFields", "tool_choice"], Value::is_object);
    Some(!disabled)
}

fn decode_tier(body: &mut Object) -> Option<String> {
    let tier = body.get_mut("serviceTier")?.as_object_mut()?;
    if tier.len() != 1 {
        return None;
    }
    let word = take_string(tier, "type")?;
    body.shift_remove("serviceTier");
    Some(word)
}

/// Writes the settings of this format's own request where they stood.
pub(super) fn encode_own(settings: Settings, extras: &mut Object) -> Object {
    let mut body = Object::new();
    let mut add = |path: &[&str], value: Option<Value>| {
        if let Some(value) = value {
            put(&mut body, path, value);
        }
    };
    add(&["inferenceConfig", "maxTokens"], settings.max_tokens.map(Value::from));
    add(&["inferenceConfig", "temperature"], settings.temperature.map(Value::Number));
    add(&["inferenceConfig", "topP"], settings.top_p.map(Value::Number));
    add(&["inferenceConfig", "stopSequences"], settings.stop.map(|stop| json!(stop.texts)));
    let top_k = chosen(extras, TOP_K).unwrap_or(TOP_K[0]);
    add(top_k, settings.top_k.map(Value::Number));
    let effort = chosen(extras, EFFORTS);
    if effort.is_some_and(|path| path.contains(&"reasoningConfig")) {
        add(&["additionalModelRequestFields", "reasoningConfig", "type"], Some(json!("enabled")));
    }
    add(effort.unwrap_or(&["outputConfig", "effort"]), settings.reasoning.effort.map(Value::from));
    let thinking = THINKING[usize::from(noted(extras, OLDER_THINKING))];
    add(thinking, settings.reasoning.thinking.map(Value::Object));
    let choice =
        settings.parallel_tools.map(|parallel| json!({"type": "auto", "disable_parallel_tool_use": !parallel}));
    add(&["additionalModelRequestFields", "tool_choice"], choice);
    add(&["serviceTier"], settings.service_tier.map(|tier| json!({"type": tier})));
    let is_spaced = noted(extras, SPACED);
    if let Some(ResponseFormat::Schema { schema, mut about }) = settings.response_format {
        let text = if is_spaced { spaced(&schema) } else { schema.to_string() };
        about.insert("schema".to_owned(), json!(text));
        let format = json!({"type": "json_schema", "structure": {"jsonSchema": about}});
        add(&["outputConfig", "textFormat"], Some(format));
    }
    body
}
