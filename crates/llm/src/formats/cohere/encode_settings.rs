//! The settings of a neutral request under Cohere's names, within what the API takes.

use crate::Format;
use crate::formats::vendor::shown_name;
use crate::json::Object;
use crate::model::{Reasoning, Report, ResponseFormat, Settings, ToolChoice};
use serde_json::{Number, Value, json};

/// What the settings depend on.
pub(super) struct Around<'a> {
    pub(super) own: bool,
    pub(super) origin: Format,
    pub(super) model: &'a str,
    pub(super) has_tools: bool,
}

/// Settings for the body, and what they mean for the rest of it.
#[derive(Default)]
pub(super) struct Settled {
    pub(super) members: Object,
    /// Put behind the system prompts.
    pub(super) instruction: Option<String>,
    /// The only tool that may be called.
    pub(super) only_tool: Option<String>,
    /// Whether the answer's shape is told, beside which no documents are taken.
    pub(super) shaped: bool,
}

/// The API takes no more stop texts.
const MOST_STOPS: usize = 5;

/// The API takes no higher `k`.
const MOST_K: u32 = 500;

pub(super) fn settle(settings: Settings, around: &Around<'_>, report: &mut Report) -> Settled {
    let own = around.own;
    let mut out = Settled::default();
    if let Some(tokens) = settings.max_tokens {
        out.put("max_tokens", json!(tokens));
    }
    let bounded = [
        ("temperature", "temperature", settings.temperature, 0.0, 1.0),
        ("top_p", "p", settings.top_p, 0.01, 0.99),
        ("frequency_penalty", "frequency_penalty", settings.frequency_penalty, 0.0, 1.0),
        ("presence_penalty", "presence_penalty", settings.presence_penalty, 0.0, 1.0),
    ];
    for (theirs, key, number, least, most) in bounded {
        let Some(number) = number else { continue };
        let number = if own { number } else { within(number, least, most, theirs, report) };
        out.put(key, Value::Number(number));
    }
    if let Some(number) = settings.top_k {
        match whole(&number, own, u64::from(MOST_K)) {
            Some(value) => {
                if !own && number.as_f64().is_some_and(|k| k > f64::from(MOST_K)) {
                    report.approximate("top_k");
                }
                out.put("k", value);
            }
            None => report.drop("top_k"),
        }
    }
    if let Some(number) = settings.seed {
        match whole(&number, own, u64::MAX) {
            Some(value) => out.put("seed", value),
            None => report.drop("seed"),
        }
    }
    if let Some(mut stop) = settings.stop {
        if !own && stop.texts.len() > MOST_STOPS {
            report.approximate("stop");
            stop.texts.truncate(MOST_STOPS);
        }
        if own || !stop.texts.is_empty() {
            out.put("stop_sequences", json!(stop.texts));
        }
    }
    if let Some(logprobs) = settings.logprobs {
        out.put("logprobs", json!(logprobs));
    }
    if let Some(choice) = settings.tool_choice {
        choose(&mut out, choice, around, report);
    }
    if let Some(format) = settings.response_format {
        shape(&mut out, format, around, report);
    }
    think(&mut out, settings.reasoning, settings.max_tokens, around, report);
    let unknown = [
        ("parallel_tool_calls", settings.parallel_tools == Some(false)),
        ("user", settings.user.is_some()),
        ("service_tier", settings.service_tier.is_some_and(|tier| !matches!(tier.as_str(), "auto" | "default"))),
        ("top_logprobs", settings.top_logprobs.is_some_and(|most| most > 0)),
        ("n", settings.choices.is_some_and(|choices| choices > 1)),
    ];
    unknown.iter().filter(|(_, said)| *said).for_each(|(key, _)| report.drop(key));
    out
}

impl Settled {
    fn put(&mut self, key: &str, value: Value) {
        self.members.insert(key.to_owned(), value);
    }
}

/// The number within the API's bounds, which are narrower than others'.
fn within(number: Number, least: f64, most: f64, name: &str, report: &mut Report) -> Number {
    let value = number.as_f64().unwrap_or(least);
    let bound = if value < least {
        least
    } else if value > most {
        most
    } else {
        return number;
    };
    report.approximate(name);
    // Whole bounds are written whole.
    match bound {
        0.0 => Number::from(0),
        1.0 => Number::from(1),
        bound => Number::from_f64(bound).unwrap_or(number),
    }
}

/// A number as the integer that the API wants.
fn whole(number: &Number, own: bool, most: u64) -> Option<Value> {
    if own {
        return Some(Value::Number(number.clone()));
    }
    let value = number.as_u64().or_else(|| {
        let float = number.as_f64().filter(|float| *float >= 0.0 && float.fract() == 0.0)?;
        // Checked to be whole and not negative; the cast saturates.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let whole = float as u64;
        Some(whole)
    })?;
    Some(json!(value.min(most)))
}

/// The API forces some tool or none; to force one, no other is declared.
fn choose(out: &mut Settled, choice: ToolChoice, around: &Around<'_>, report: &mut Report) {
    if !around.own && !around.has_tools {
        report.drop("tool_choice");
        return;
    }
    match choice {
        ToolChoice::Auto => {}
        ToolChoice::None => out.put("tool_choice", json!("NONE")),
        ToolChoice::Required => out.put("tool_choice", json!("REQUIRED")),
        ToolChoice::Tool(name) => {
            report.approximate("tool_choice");
            out.only_tool = Some(name);
            out.put("tool_choice", json!("REQUIRED"));
        }
        // Some servers of OpenAI's format know Anthropic's word.
        ToolChoice::Other(value) if value == "any" => out.put("tool_choice", json!("REQUIRED")),
        ToolChoice::Other(_) => report.drop("tool_choice"),
    }
}

/// The shape of the answer. The API takes none beside tools; there the model is told in words.
fn shape(out: &mut Settled, format: ResponseFormat, around: &Around<'_>, report: &mut Report) {
    let told = match format {
        ResponseFormat::Text if around.own => json!({"type": "text"}),
        ResponseFormat::Text => return,
        ResponseFormat::Json => json!({"type": "json_object"}),
        ResponseFormat::Schema { schema, about } => {
            let mut about = about;
            // What is meant by the schema is reported, for the API is told the schema alone.
            for key in ["name", "strict"] {
                about.shift_remove(key);
            }
            report.drop_extras("response_format.json_schema.", &about);
            match schema {
                Value::Object(schema) => json!({"type": "json_object", "json_schema": schema}),
                _ => json!({"type": "json_object"}),
            }
        }
        ResponseFormat::Other(value) if around.own => value,
        ResponseFormat::Other(_) => {
            report.drop("response_format");
            return;
        }
    };
    if around.own || !around.has_tools {
        out.shaped = true;
        out.put("response_format", told);
        return;
    }
    report.approximate("response_format");
    out.instruction = Some(match told.get("json_schema") {
        Some(schema) => format!("Answer with one JSON object that matches this JSON Schema and nothing else: {schema}"),
        None => "Answer with one JSON object and nothing else.".to_owned(),
    });
}

/// `thinking` of a type and a budget; an effort is told as one.
fn think(out: &mut Settled, reasoning: Reasoning, bound: Option<u64>, around: &Around<'_>, report: &mut Report) {
    if around.own {
        if let Some(mut thinking) = reasoning.thinking {
            if let Some(budget) = thinking.shift_remove("budget_tokens") {
                thinking.insert("token_budget".to_owned(), budget);
            }
            out.put("thinking", Value::Object(thinking));
        }
        return;
    }
    let anthropic = around.origin == Format::AnthropicMessages;
    let effort = if anthropic { "output_config.effort" } else { "reasoning_effort" };
    let said = if reasoning.thinking.is_some() { "thinking" } else { effort };
    let kind = reasoning.thinking.as_ref().and_then(|thinking| thinking.get("type")?.as_str());
    let off = kind == Some("disabled") || (kind.is_none() && reasoning.effort.as_deref() == Some("none"));
    if reasoning.thinking.is_none() && reasoning.effort.is_none() {
        if reasoning.show == Some(true) {
            // The API shows whatever is thought; it is not asked to think by that alone.
            report.drop(shown_name(around.origin));
        }
        return;
    }
    if kind == Some("disabled") && reasoning.effort.as_deref().is_some_and(|word| word != "none") {
        report.drop(effort);
    }
    if never_thinks(around.model) {
        if !off {
            report.drop(said);
        }
        return;
    }
    if off {
        out.put("thinking", json!({"type": "disabled"}));
        return;
    }
    let told = |key: &str| reasoning.thinking.as_ref().and_then(|thinking| thinking.get(key)?.as_u64());
    let budget = told("budget_tokens").or_else(|| told("token_budget")).filter(|budget| *budget > 0);
    let budget = match (budget, reasoning.effort.as_deref()) {
        (Some(budget), _) => Some(budget),
        (None, Some(word)) => {
            report.approximate(effort);
            match word {
                "minimal" | "low" => Some(1024),
                "medium" => Some(4096),
                // As much as it finds right.
                _ => None,
            }
        }
        (None, None) => None,
    };
    let budget = budget.map(|budget| match bound {
        // Of an answer that is all thinking nothing is left.
        Some(bound) if told("budget_tokens").is_none() => budget.min(bound / 2).max(1),
        _ => budget,
    });
    let mut thinking = json!({"type": "enabled"});
    if let Some(budget) = budget {
        thinking["token_budget"] = json!(budget);
    }
    out.put("thinking", thinking);
}

/// Cohere's models that refuse `thinking`. A model of another name may well take it.
fn never_thinks(model: &str) -> bool {
    let model = model.rsplit('/').next().unwrap_or(model);
    model == "command"
        || ["command-r", "command-light", "command-nightly", "command-a-03-", "command-a-vision", "command-a-translate"]
            .iter()
            .chain(&["c4ai-", "aya-", "tiny-aya"])
            .any(|family| model.starts_with(family))
}
