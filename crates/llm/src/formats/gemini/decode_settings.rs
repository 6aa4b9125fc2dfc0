//! The settings of a request: `generationConfig`.

use super::decode_request::keep_words;
use super::{notes, schema};
use crate::json::{Object, take_array, take_bool, take_number, take_object, take_u64};
use crate::model::{Reasoning, ResponseFormat, Settings, Stop};
use serde_json::{Value, json};

/// Members that say the shape of the answer.
const SHAPES: [&str; 5] =
    ["responseMimeType", "responseSchema", "responseJsonSchema", "_responseJsonSchema", "responseFormat"];

/// Takes what is modelled out of `generationConfig`; the rest stays in it.
pub(super) fn take(body: &mut Object, extras: &mut Object) -> Settings {
    let Some(Value::Object(config)) = body.get_mut("generationConfig") else { return Settings::default() };
    let thinking = take_object(config, "thinkingConfig");
    let reasoning = thinking.as_ref().map(read_thinking).unwrap_or_default();
    if let Some(thinking) = thinking {
        let known = |key: &str| matches!(key, "includeThoughts" | "thinkingBudget" | "thinkingLevel");
        let unknown = thinking.iter().filter(|(key, _)| !known(key)).map(|(key, value)| (key.clone(), value.clone()));
        notes::name(extras, "generationConfig.thinkingConfig", unknown);
        keep_words(extras, "thinkingConfig", Value::Object(thinking));
    }
    let shape: Object = SHAPES.iter().filter_map(|key| config.shift_remove_entry(*key)).collect();
    let response_format = read_shape(&shape);
    if let Some(ResponseFormat::Other(Value::Object(shape))) = &response_format {
        // The format's own name is reported as the media type's.
        let schemas = shape.iter().filter(|(key, _)| *key != "responseMimeType");
        notes::name(extras, "generationConfig", schemas.map(|(key, value)| (key.clone(), value.clone())));
    }
    if !shape.is_empty() {
        keep_words(extras, "shape", Value::Object(shape));
    }
    // To other formats an answer in words says nothing.
    if config.get("responseModalities") == Some(&json!(["TEXT"])) {
        let modalities = config.shift_remove("responseModalities").unwrap_or_default();
        keep_words(extras, "responseModalities", modalities);
    }
    // Null says nothing.
    let nulls: Vec<String> = config.iter().filter(|(_, value)| value.is_null()).map(|(key, _)| key.clone()).collect();
    if !nulls.is_empty() {
        let nulls = nulls.into_iter().filter_map(|key| config.shift_remove_entry(&key)).collect();
        keep_words(extras, "nulls", Value::Object(nulls));
    }
    Settings {
        max_tokens: count(config, extras, "maxOutputTokens"),
        temperature: take_number(config, "temperature"),
        top_p: take_number(config, "topP"),
        top_k: take_number(config, "topK"),
        stop: take_stop(config),
        response_format,
        reasoning,
        seed: take_number(config, "seed"),
        presence_penalty: take_number(config, "presencePenalty"),
        frequency_penalty: take_number(config, "frequencyPenalty"),
        choices: count(config, extras, "candidateCount"),
        logprobs: take_bool(config, "responseLogprobs"),
        top_logprobs: count(config, extras, "logprobs"),
        ..Settings::default()
    }
}

/// A count, which clients may also write as a text or with a point.
fn count(config: &mut Object, extras: &mut Object, key: &str) -> Option<u64> {
    if let Some(number) = take_u64(config, key) {
        return Some(number);
    }
    let number = read_count(config.get(key)?)?;
    let words = config.shift_remove(key).unwrap_or_default();
    keep_words(extras, key, words);
    Some(number)
}

/// The count that a value says.
pub(super) fn read_count(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64().or_else(|| {
            let number = number.as_f64().filter(|number| number.fract() == 0.0 && (0.0..1e15).contains(number))?;
            // Within these bounds the cast is exact.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let whole = number as u64;
            Some(whole)
        }),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn take_stop(config: &mut Object) -> Option<Stop> {
    let all_text = config.get("stopSequences")?.as_array()?.iter().all(Value::is_string);
    if !all_text {
        return None;
    }
    let texts = take_array(config, "stopSequences")?;
    let texts = texts.into_iter().filter_map(|text| text.as_str().map(str::to_owned)).collect();
    Some(Stop { texts, bare: false })
}

/// What a `thinkingConfig` says: a budget in Anthropic's words, a level as an effort.
pub(super) fn read_thinking(config: &Object) -> Reasoning {
    let budget = config.get("thinkingBudget").and_then(Value::as_i64);
    let thinking = budget.map(|budget| match budget {
        0 => json!({"type": "disabled"}),
        1.. => json!({"type": "enabled", "budget_tokens": budget}),
        // As much as the model finds right.
        _ => json!({"type": "adaptive"}),
    });
    let level = config.get("thinkingLevel").and_then(Value::as_str).map(str::to_ascii_lowercase);
    Reasoning {
        effort: level.filter(|level| level != "thinking_level_unspecified"),
        thinking: match thinking {
            Some(Value::Object(thinking)) => Some(thinking),
            _ => None,
        },
        show: config.get("includeThoughts").and_then(Value::as_bool),
    }
}

/// The shape that the members of [`SHAPES`] say.
pub(super) fn read_shape(shape: &Object) -> Option<ResponseFormat> {
    // The newest of them says it in one: an object in the Gemini API, a list in Vertex AI.
    let newest = shape.get("responseFormat").and_then(|format| match format {
        Value::Array(formats) => formats.iter().find_map(|format| format.get("text")),
        format => format.get("text"),
    });
    let (media_type, json_schema) = match newest {
        Some(text) => (text.get("mimeType"), text.get("schema")),
        None => {
            let json_schema = ["responseJsonSchema", "_responseJsonSchema"].iter().find_map(|key| shape.get(*key));
            (shape.get("responseMimeType"), json_schema)
        }
    };
    let media_type = media_type.and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    let schema = json_schema.filter(|schema| schema.is_object()).cloned();
    let schema = schema.or_else(|| shape.get("responseSchema").filter(|schema| schema.is_object()).map(schema::read));
    match (media_type.as_str(), schema) {
        ("application/json" | "application_json", Some(schema)) => {
            Some(ResponseFormat::Schema { schema, about: Object::new() })
        }
        ("application/json" | "application_json", None) => Some(ResponseFormat::Json),
        ("text/plain" | "text_plain", None) => Some(ResponseFormat::Text),
        ("", None) if shape.values().all(Value::is_null) => None,
        _ => Some(ResponseFormat::Other(Value::Object(shape.clone()))),
    }
}
