//! The settings of a neutral request under OpenAI Chat's names.

use super::encode_tools::{encode_response_format, encode_tool_choice};
use crate::Format;
use crate::formats::ServerRules;
use crate::formats::vendor::shown_name;
use crate::json::Object;
use crate::model::{Reasoning, Report, Settings, ToolChoice};
use serde_json::{Number, Value, json};

/// What the settings depend on.
pub(super) struct Around<'a> {
    pub(super) origin: Format,
    pub(super) has_tools: bool,
    pub(super) model: &'a str,
    pub(super) rules: ServerRules,
    pub(super) most_stops: usize,
}

pub(super) fn encode(
    body: &mut Object,
    settings: Settings,
    around: &Around<'_>,
    mut send_name: impl FnMut(&str, &mut Report) -> String,
    report: &mut Report,
) {
    let own = around.origin == Format::OpenAIChat;
    let anthropic = around.origin == Format::AnthropicMessages;
    let mut put = |key: &str, value: Value| {
        body.insert(key.to_owned(), value);
    };
    if let Some(tokens) = settings.max_tokens {
        let name = match (own, settings.older_max_tokens) {
            (true, true) => "max_tokens",
            (true, false) => "max_completion_tokens",
            // Models that think refuse the older name, wherever they are served.
            (false, _) if samples_alone(around.model) => "max_completion_tokens",
            (false, _) => around.rules.max_tokens,
        };
        put(name, json!(tokens));
    }
    let fixed = !own && samples_alone(around.model);
    for (key, number) in [("temperature", settings.temperature), ("top_p", settings.top_p)] {
        match number {
            Some(number) if fixed && !is_one(&number) => report.drop(key),
            Some(number) => put(key, Value::Number(number)),
            None => {}
        }
    }
    match settings.top_k {
        Some(number) if own => put("top_k", Value::Number(number)),
        Some(_) => report.drop("top_k"),
        None => {}
    }
    if let Some(mut stop) = settings.stop {
        if !own && stop.texts.len() > around.most_stops {
            report.approximate(if anthropic { "stop_sequences" } else { "stop" });
            stop.texts.truncate(around.most_stops);
        }
        match stop.texts.as_slice() {
            [text] if stop.bare => put("stop", json!(text)),
            texts if own || !texts.is_empty() => put("stop", json!(texts)),
            _ => {}
        }
    }
    if let Some(choice) = settings.tool_choice {
        if !own && (!around.has_tools || matches!(choice, ToolChoice::Other(_))) {
            report.drop("tool_choice");
        } else if let Some(choice) = encode_tool_choice(choice, own, |name| send_name(name, report)) {
            put("tool_choice", choice);
        }
    }
    if let Some(parallel) = settings.parallel_tools
        && (own || around.has_tools)
    {
        put("parallel_tool_calls", json!(parallel));
    }
    if let Some(format) = settings.response_format {
        match encode_response_format(format, around.origin, report) {
            Some(format) => put("response_format", format),
            None => report.drop(if anthropic { "output_config.format" } else { "response_format" }),
        }
    }
    if own {
        if let Some(effort) = settings.reasoning.effort {
            put("reasoning_effort", json!(effort));
        }
        if let Some(thinking) = settings.reasoning.thinking {
            put("thinking", Value::Object(thinking));
        }
    } else {
        if let Some(effort) = effort_of(&settings.reasoning, around.origin, around.model, report) {
            put("reasoning_effort", json!(effort));
        }
        if settings.reasoning.show == Some(true) {
            // The API never shows it; servers that do need not be asked.
            report.drop(shown_name(around.origin));
        }
    }
    let numbers = [
        ("seed", settings.seed),
        ("presence_penalty", settings.presence_penalty),
        ("frequency_penalty", settings.frequency_penalty),
    ];
    for (key, number) in numbers {
        if let Some(number) = number {
            put(key, Value::Number(number));
        }
    }
    if let Some(choices) = settings.choices.filter(|_| own) {
        put("n", json!(choices));
    }
    if let Some(logprobs) = settings.logprobs {
        put("logprobs", json!(logprobs));
    }
    if let Some(most) = settings.top_logprobs {
        put("top_logprobs", json!(most));
    }
    if let Some(user) = settings.user {
        put("user", json!(user));
    }
    if let Some(tier) = settings.service_tier {
        match tier.as_str() {
            _ if own => put("service_tier", json!(tier)),
            "standard_only" => put("service_tier", json!("default")),
            "auto" | "default" | "flex" | "priority" | "scale" => put("service_tier", json!(tier)),
            _ => report.drop("service_tier"),
        }
    }
}

/// The effort for Anthropic's thinking. A budget is told nearly; disabled thinking is left out, since not every model takes
/// the word `none`, and reported where the model thinks all the same.
pub(crate) fn effort_of(
    reasoning: &Reasoning,
    origin: Format,
    model: &str,
    report: &mut Report,
) -> Option<&'static str> {
    let theirs = match origin {
        Format::AnthropicMessages => "output_config.effort",
        _ => "reasoning_effort",
    };
    let thinking = reasoning.thinking.as_ref();
    let word = |key: &str| thinking.and_then(|thinking| thinking.get(key));
    let kind = word("type").and_then(Value::as_str);
    if kind == Some("disabled") {
        if thinks_unasked(model) {
            report.drop("thinking");
        }
        return None;
    }
    let effort = match (reasoning.effort.as_deref(), kind) {
        (Some("low"), _) => "low",
        (Some("medium"), _) => "medium",
        (Some("high"), _) => "high",
        (Some("minimal"), _) => "minimal",
        (Some("xhigh"), _) => "xhigh",
        (Some("none"), _) => return (origin == Format::OpenAIResponses).then_some("none"),
        (Some(other), _) => {
            report.approximate(theirs);
            if other == "max" { "xhigh" } else { "medium" }
        }
        (None, Some("enabled")) => {
            report.approximate("thinking.budget_tokens");
            match word("budget_tokens").and_then(Value::as_u64).unwrap_or_default() {
                0..=2048 => "low",
                2049..=8192 => "medium",
                _ => "high",
            }
        }
        (None, Some(_)) => {
            report.approximate("thinking");
            "medium"
        }
        (None, None) => return None,
    };
    if cannot_reason(model) {
        report.drop(if kind.is_some() { "thinking" } else { theirs });
        return None;
    }
    Some(effort)
}

/// OpenAI's models that refuse `reasoning_effort`. A model of another name may well take it.
pub(crate) fn cannot_reason(model: &str) -> bool {
    let model = model.rsplit('/').next().unwrap_or(model);
    ["gpt-3", "gpt-4", "chatgpt-4"].iter().any(|family| model.starts_with(family))
}

/// OpenAI's models that think where nothing is said of it. From GPT-5.1 on they do so only when asked, save the largest.
/// Source: <https://platform.openai.com/docs/guides/latest-model>, "Lower verbosity and `none` reasoning".
fn thinks_unasked(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model);
    samples_alone(model) && (!name.starts_with("gpt-5.") || name.contains("pro") || name.contains("codex"))
}

/// OpenAI's models that refuse any temperature but 1.
pub(crate) fn samples_alone(model: &str) -> bool {
    let model = model.rsplit('/').next().unwrap_or(model);
    ["o1", "o3", "o4", "gpt-5"].iter().any(|family| model.starts_with(family)) && !model.contains("chat")
}

fn is_one(number: &Number) -> bool {
    number.as_f64() == Some(1.0)
}
