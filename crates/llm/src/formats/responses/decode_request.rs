//! An OpenAI Responses request becomes a neutral one. What is not understood stays in `extras`, nulls included.

use super::decode_items::{decode_item, user_text};
use super::tools::{decode_tool, decode_tool_choice};
use crate::json::{Object, take_array, take_bool, take_number, take_object, take_string, take_u64, take_value};
use crate::model::{Content, Reasoning, Request, ResponseFormat, Settings, Stop};
use crate::{BodyError, Format};
use serde_json::Value;

/// The value of `include` that asks for the likelihood of tokens.
pub(super) const LOGPROBS: &str = "message.output_text.logprobs";

/// Decodes a request body.
///
/// # Errors
/// A [`BodyError`] naming the field, when `input` or `tools` are not what they must be.
pub fn decode_request(mut body: Object) -> Result<Request, BodyError> {
    let messages = match body.shift_remove("input") {
        None => Vec::new(),
        // How it was written is kept where the items do not tell: nothing elsewhere reads a null or an empty list.
        Some(Value::Array(items)) if items.is_empty() => {
            body.insert("input".to_owned(), Value::Array(items));
            Vec::new()
        }
        Some(Value::Array(items)) => {
            items.into_iter().enumerate().map(|(at, item)| decode_item(at, item)).collect::<Result<_, _>>()?
        }
        Some(Value::String(text)) => {
            body.insert("input".to_owned(), Value::Null);
            vec![user_text(text)]
        }
        Some(Value::Null) => {
            body.insert("input".to_owned(), Value::Null);
            Vec::new()
        }
        Some(_) => return Err(BodyError::field("input", "'input' must be a string or a list")),
    };
    let tools = match body.get("tools") {
        None | Some(Value::Null) => None,
        Some(Value::Array(_)) => {
            let tools = take_array(&mut body, "tools").unwrap_or_default();
            Some(tools.into_iter().enumerate().map(|(at, tool)| decode_tool(at, tool)).collect::<Result<_, _>>()?)
        }
        Some(_) => return Err(BodyError::field("tools", "'tools' must be a list")),
    };
    Ok(Request {
        origin: Format::OpenAIResponses,
        model: take_string(&mut body, "model"),
        stream: take_bool(&mut body, "stream"),
        system: take_string(&mut body, "instructions").map(Content::bare),
        messages,
        tools,
        settings: decode_settings(&mut body),
        extras: body,
        openai_params: Object::new(),
    })
}

fn decode_settings(body: &mut Object) -> Settings {
    let wanted = |body: &Object, what: &str| {
        let include = body.get("include").and_then(Value::as_array);
        include.is_some_and(|include| include.iter().any(|value| value == what))
    };
    Settings {
        max_tokens: take_u64(body, "max_output_tokens"),
        older_max_tokens: false,
        temperature: take_number(body, "temperature"),
        top_p: take_number(body, "top_p"),
        tool_choice: take_value(body, "tool_choice").map(decode_tool_choice),
        parallel_tools: take_bool(body, "parallel_tool_calls"),
        response_format: take_inner(body, "text", |text| take_object(text, "format")).map(decode_format),
        reasoning: decode_reasoning(body),
        user: take_string(body, "user"),
        service_tier: take_string(body, "service_tier"),
        // `include` itself stays an extra, for it asks for more than this.
        logprobs: wanted(body, LOGPROBS).then_some(true),
        top_logprobs: take_u64(body, "top_logprobs"),
        // OpenAI's API has none of these here; servers that imitate it do.
        top_k: take_number(body, "top_k"),
        stop: decode_stop(body),
        seed: take_number(body, "seed"),
        presence_penalty: take_number(body, "presence_penalty"),
        frequency_penalty: take_number(body, "frequency_penalty"),
        choices: None,
    }
}

/// How much to think. A summary is the only thinking that OpenAI shows, so asking for one asks to see it; its length
/// stays an extra.
fn decode_reasoning(body: &mut Object) -> Reasoning {
    let summary = body.get("reasoning").and_then(|reasoning| {
        let of = |key: &str| reasoning.get(key).and_then(Value::as_str);
        of("summary").or_else(|| of("generate_summary"))
    });
    let show = summary.map(|_| true);
    let effort = take_inner(body, "reasoning", |reasoning| take_string(reasoning, "effort"));
    Reasoning { effort, thinking: None, show }
}

/// A member within an object member; the object goes too when nothing else is in it.
fn take_inner<T>(body: &mut Object, outer: &str, take: impl FnOnce(&mut Object) -> Option<T>) -> Option<T> {
    let Some(Value::Object(object)) = body.get_mut(outer) else { return None };
    let taken = take(object)?;
    if object.is_empty() {
        body.shift_remove(outer);
    }
    Some(taken)
}

fn decode_format(mut format: Object) -> ResponseFormat {
    match format.get("type").and_then(Value::as_str) {
        Some("text") if format.len() == 1 => ResponseFormat::Text,
        Some("json_object") if format.len() == 1 => ResponseFormat::Json,
        Some("json_schema") => match take_object(&mut format, "schema") {
            Some(schema) => {
                format.shift_remove("type");
                ResponseFormat::Schema { schema: Value::Object(schema), about: format }
            }
            None => ResponseFormat::Other(Value::Object(format)),
        },
        _ => ResponseFormat::Other(Value::Object(format)),
    }
}

fn decode_stop(body: &mut Object) -> Option<Stop> {
    if let Some(text) = take_string(body, "stop") {
        return Some(Stop { texts: vec![text], bare: true });
    }
    if !body.get("stop")?.as_array()?.iter().all(Value::is_string) {
        return None;
    }
    let texts = take_array(body, "stop")?.into_iter().filter_map(|text| text.as_str().map(str::to_owned)).collect();
    Some(Stop { texts, bare: false })
}
