//! The settings of a neutral request under OpenAI Responses' names.

use super::annotations::object;
use super::decode_request::LOGPROBS;
use super::tools::ToolEncoder;
use crate::Format;
use crate::formats::openai::{bind_shape, cannot_reason, effort_of, samples_alone};
use crate::json::Object;
use crate::model::{Reasoning, Report, ResponseFormat, Settings, ToolChoice};
use serde_json::{Number, Value, json};

/// What the settings depend on.
pub(super) struct Around<'a> {
    pub(super) origin: Format,
    pub(super) has_tools: bool,
    pub(super) model: &'a str,
}

/// The API refuses a smaller bound of the answer's length.
const LEAST_TOKENS: u64 = 16;

/// The settings of a request of this format, as they came.
pub(super) fn keep(settings: Settings, tools: &mut ToolEncoder<'_>) -> Object {
    let mut out = Object::new();
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            out.insert(key.to_owned(), value);
        }
    };
    put("max_output_tokens", settings.max_tokens.map(|tokens| json!(tokens)));
    for (key, number) in [
        ("temperature", settings.temperature),
        ("top_p", settings.top_p),
        ("top_k", settings.top_k),
        ("seed", settings.seed),
        ("presence_penalty", settings.presence_penalty),
        ("frequency_penalty", settings.frequency_penalty),
    ] {
        put(key, number.map(Value::Number));
    }
    put("stop", settings.stop.map(|stop| if stop.bare { json!(stop.texts.concat()) } else { json!(stop.texts) }));
    put("tool_choice", settings.tool_choice.and_then(|choice| tools.choice(choice)));
    put("parallel_tool_calls", settings.parallel_tools.map(|parallel| json!(parallel)));
    put("text", settings.response_format.map(|format| json!({"format": written(format)})));
    put("reasoning", settings.reasoning.effort.map(|effort| json!({"effort": effort})));
    put("user", settings.user.map(|user| json!(user)));
    put("service_tier", settings.service_tier.map(|tier| json!(tier)));
    put("top_logprobs", settings.top_logprobs.map(|most| json!(most)));
    out
}

/// The settings of a request of another format.
pub(super) fn translate(settings: Settings, around: &Around<'_>, tools: &mut ToolEncoder<'_>) -> Object {
    let mut out = Object::new();
    let mut put = |key: &str, value: Value| {
        out.insert(key.to_owned(), value);
    };
    if let Some(tokens) = settings.max_tokens {
        if tokens < LEAST_TOKENS {
            tools.report.approximate("max_tokens");
        }
        put("max_output_tokens", json!(tokens.max(LEAST_TOKENS)));
    }
    let fixed = samples_alone(around.model);
    for (key, number) in [("temperature", settings.temperature), ("top_p", settings.top_p)] {
        match number {
            Some(number) if fixed && !is_one(&number) => tools.report.drop(key),
            Some(number) => put(key, Value::Number(number)),
            None => {}
        }
    }
    for (key, said) in [
        ("top_k", settings.top_k.is_some()),
        ("stop", settings.stop.is_some_and(|stop| !stop.texts.is_empty())),
        ("seed", settings.seed.is_some()),
        ("presence_penalty", settings.presence_penalty.is_some_and(|number| !is_zero(&number))),
        ("frequency_penalty", settings.frequency_penalty.is_some_and(|number| !is_zero(&number))),
    ] {
        if said {
            tools.report.drop(key);
        }
    }
    match settings.tool_choice {
        // Without tools these say nothing.
        Some(ToolChoice::Auto | ToolChoice::None) | None if !around.has_tools => {}
        Some(choice) if around.has_tools => match tools.choice(choice) {
            Some(choice) => put("tool_choice", choice),
            None => tools.report.drop("tool_choice"),
        },
        Some(_) => tools.report.drop("tool_choice"),
        None => {}
    }
    if let Some(parallel) = settings.parallel_tools.filter(|_| around.has_tools) {
        put("parallel_tool_calls", json!(parallel));
    }
    if let Some(format) = settings.response_format {
        match shape(format, around.origin, tools.report) {
            Some(format) => put("text", json!({"format": format})),
            None => tools.report.drop("response_format"),
        }
    }
    if let Some(reasoning) = think(&settings.reasoning, around.origin, around.model, tools.report) {
        put("reasoning", Value::Object(reasoning));
    }
    if let Some(user) = settings.user {
        put("user", json!(user));
    }
    if let Some(tier) = settings.service_tier {
        match tier.as_str() {
            "standard_only" => put("service_tier", json!("default")),
            "auto" | "default" | "flex" | "scale" | "priority" | "fast" | "ultrafast" => {
                put("service_tier", json!(tier));
            }
            _ => tools.report.drop("service_tier"),
        }
    }
    if settings.logprobs == Some(true) {
        put("include", json!([LOGPROBS]));
        if let Some(most) = settings.top_logprobs {
            put("top_logprobs", json!(most));
        }
    } else if settings.top_logprobs.is_some() {
        tools.report.drop("top_logprobs");
    }
    out
}

/// Thinking by effort. A summary is all that the vendor shows of it, and its servers demand rights for one, so it is
/// asked for only where the client asks to see the thinking.
fn think(reasoning: &Reasoning, origin: Format, model: &str, report: &mut Report) -> Option<Object> {
    let thinking = reasoning.thinking.as_ref();
    let word = |key: &str| thinking.and_then(|thinking| thinking.get(key)?.as_str());
    let effort = match reasoning.effort.as_deref() {
        Some("none") if cannot_reason(model) => return None,
        // This format has more words than Anthropic's and Chat's older ones; all of them are told as they are.
        Some(effort @ ("none" | "minimal" | "low" | "medium" | "high" | "xhigh" | "max"))
            if word("type") != Some("disabled") && !cannot_reason(model) =>
        {
            Some(effort)
        }
        _ => effort_of(reasoning, origin, model, report),
    };
    let Some(effort) = effort else {
        // Thoughts are shown however much the model thinks by itself.
        let shown = reasoning.show == Some(true) && !cannot_reason(model);
        return shown.then(|| object([("summary", json!("auto"))]));
    };
    let mut out = object([("effort", json!(effort))]);
    let enabled = matches!(word("type"), Some("enabled" | "adaptive")) && word("display") != Some("omitted");
    if effort != "none" && reasoning.show.unwrap_or(enabled) {
        out.insert("summary".to_owned(), json!("auto"));
    }
    Some(out)
}

/// The shape of an answer; `None` is one that cannot be said.
fn shape(format: ResponseFormat, origin: Format, report: &mut Report) -> Option<Value> {
    match format {
        ResponseFormat::Other(_) => None,
        ResponseFormat::Schema { schema, mut about } => {
            about.entry("name").or_insert_with(|| json!("response"));
            // OpenAI Chat's schemas are lax unless they say otherwise, as here; the other vendors' bind.
            let schema = bind_shape(origin, schema, &mut about, report);
            Some(written(ResponseFormat::Schema { schema, about }))
        }
        format => Some(written(format)),
    }
}

fn written(format: ResponseFormat) -> Value {
    match format {
        ResponseFormat::Text => json!({"type": "text"}),
        ResponseFormat::Json => json!({"type": "json_object"}),
        ResponseFormat::Schema { schema, about } => {
            let mut out = object([("type", json!("json_schema"))]);
            out.extend(about);
            out.insert("schema".to_owned(), schema);
            Value::Object(out)
        }
        ResponseFormat::Other(value) => value,
    }
}

fn is_one(number: &Number) -> bool {
    number.as_f64() == Some(1.0)
}

fn is_zero(number: &Number) -> bool {
    number.as_f64() == Some(0.0)
}
