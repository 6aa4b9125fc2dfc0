//! The settings of a neutral request under Anthropic's names, within what the model takes.

use super::capabilities::{Capabilities, capabilities};
use super::encode_request::{JSON_TOOL, send_name};
pub(crate) use super::schema::narrow as close_objects;
use super::think::{think, think_to_show};
use crate::json::Object;
use crate::model::{Names, Reasoning, Report, ResponseFormat, Settings, ToolChoice, mint};
use serde_json::{Number, Value, json};

/// What the settings depend on.
pub(crate) struct Around<'a> {
    pub(crate) own: bool,
    pub(crate) model: &'a str,
    pub(crate) has_tools: bool,
    /// The conversation ends in tool results whose calls came without the thinking before them.
    pub(crate) unsigned: bool,
}

/// Settings for the body, and what they mean for the rest of it.
#[derive(Default)]
pub(crate) struct Settled {
    pub(crate) members: Object,
    /// Put behind the system prompt.
    pub(crate) instruction: Option<&'static str>,
    /// Added to the tools.
    pub(crate) json_tool: Option<Value>,
    /// Whether the model will think.
    pub(crate) thinks: bool,
    /// Whether the model takes strict tools.
    pub(crate) keeps_strict: bool,
}

pub(super) fn settle(mut settings: Settings, around: &Around<'_>, names: &mut Names, report: &mut Report) -> Settled {
    let can = capabilities(around.model);
    if !around.own {
        think_to_show(&mut settings.reasoning, around, can);
    }
    let described = match &settings.response_format {
        Some(ResponseFormat::Schema { schema, about }) => {
            schema.is_object() && about.get("description").is_some_and(|text| !text.is_null())
        }
        _ => false,
    };
    if described && can.output_format && !around.own {
        // The format has no place for it; the tool that stands for it elsewhere has.
        report.drop("response_format.json_schema.description");
    }
    settle_within(settings, around, can, names, report)
}

/// The settings within what a model can do where a cloud serves it.
pub(crate) fn settle_within(
    settings: Settings,
    around: &Around<'_>,
    can: Capabilities,
    names: &mut Names,
    report: &mut Report,
) -> Settled {
    let mut out = Settled { keeps_strict: can.output_format, ..Settled::default() };
    let own = around.own;
    match settings.max_tokens {
        Some(tokens) => out.put("max_tokens", json!(tokens)),
        None if own => {}
        None => out.put("max_tokens", json!(roomy(can, &settings.reasoning))),
    }
    let bound = settings.max_tokens.unwrap_or_else(|| roomy(can, &settings.reasoning));
    if own {
        if let Some(thinking) = settings.reasoning.thinking {
            out.put("thinking", Value::Object(thinking));
        }
        if let Some(effort) = settings.reasoning.effort {
            out.configure("effort", json!(effort));
        }
    } else {
        think(&mut out, settings.reasoning, bound, around, can, report);
    }
    sample(&mut out, [settings.temperature, settings.top_p, settings.top_k], own, can, report);
    if let Some(stop) = settings.stop {
        let before = stop.texts.len();
        let mut texts = stop.texts;
        if !own {
            texts.retain(|text| !text.trim().is_empty());
            if texts.len() < before {
                report.drop("stop");
            }
        }
        if own || !texts.is_empty() {
            out.put("stop_sequences", json!(texts));
        }
    }
    if let Some(format) = settings.response_format {
        shape(&mut out, format, own, can, report);
    }
    choose(&mut out, settings.tool_choice, settings.parallel_tools, around, names, report);
    if let Some(user) = settings.user {
        let user = if own { user } else { short(user, report) };
        out.put("metadata", json!({"user_id": user}));
    }
    match settings.service_tier.as_deref() {
        Some(tier) if own => out.put("service_tier", json!(tier)),
        Some("auto") => out.put("service_tier", json!("auto")),
        Some("default") => out.put("service_tier", json!("standard_only")),
        Some(_) => report.drop("service_tier"),
        None => {}
    }
    let unknown = [
        ("seed", settings.seed.is_some()),
        ("presence_penalty", settings.presence_penalty.is_some()),
        ("frequency_penalty", settings.frequency_penalty.is_some()),
        ("logprobs", settings.logprobs == Some(true)),
        ("top_logprobs", settings.top_logprobs.is_some_and(|most| most > 0)),
        ("n", settings.choices.is_some_and(|choices| choices > 1)),
    ];
    unknown.iter().filter(|(_, said)| *said).for_each(|(key, _)| report.drop(key));
    out
}

impl Settled {
    pub(super) fn put(&mut self, key: &str, value: Value) {
        self.members.insert(key.to_owned(), value);
    }

    pub(super) fn configure(&mut self, key: &str, value: Value) {
        let config = self.members.entry("output_config").or_insert_with(|| json!({}));
        if let Value::Object(config) = config {
            config.insert(key.to_owned(), value);
        }
    }
}

fn sample(
    out: &mut Settled,
    [temperature, top_p, top_k]: [Option<Number>; 3],
    own: bool,
    can: Capabilities,
    report: &mut Report,
) {
    if own {
        for (key, number) in [("temperature", temperature), ("top_p", top_p), ("top_k", top_k)] {
            if let Some(number) = number {
                out.put(key, Value::Number(number));
            }
        }
        return;
    }
    let alone = can.samples_alone || out.thinks;
    let mut sampled = false;
    if let Some(number) = temperature {
        let value = number.as_f64().unwrap_or(1.0);
        if alone {
            if value != 1.0 {
                report.drop("temperature");
            }
        } else if value > 1.0 {
            // OpenAI's scale ends at 2, Anthropic's at 1.
            report.approximate("temperature");
            out.put("temperature", json!(1));
            sampled = true;
        } else {
            out.put("temperature", Value::Number(number));
            sampled = true;
        }
    }
    if let Some(number) = top_p {
        let says_nothing = number.as_f64() == Some(1.0);
        match alone || (sampled && can.one_sampler) {
            true if says_nothing => {}
            true => report.drop("top_p"),
            false => out.put("top_p", Value::Number(number)),
        }
    }
    if let Some(number) = top_k {
        match whole(&number).filter(|_| !alone) {
            Some(whole) => {
                if number.as_f64().is_some_and(|said| said.fract() != 0.0) {
                    report.approximate("top_k");
                }
                out.put("top_k", json!(whole));
            }
            None => report.drop("top_k"),
        }
    }
}

/// The integer next to a number, which the API wants; `None` of what is negative.
fn whole(number: &Number) -> Option<u64> {
    number.as_u64().or_else(|| {
        let float = number.as_f64().filter(|float| *float >= 0.0)?;
        // It is not negative, and the cast saturates.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let whole = float.round() as u64;
        Some(whole)
    })
}

/// A bound for a client that gives none: what the model takes. Of a model that is not known the small bound grows with
/// the budget for thinking, which is part of the answer.
fn roomy(can: Capabilities, reasoning: &Reasoning) -> u64 {
    let thinking = reasoning.thinking.as_ref();
    let budget = thinking.and_then(|thinking| thinking.get("budget_tokens")?.as_u64()).unwrap_or_default();
    let unknown = can == capabilities("");
    if unknown && budget > 0 { budget.saturating_add(can.max_tokens).min(64_000) } else { can.max_tokens }
}

/// Structured output: the API's own where the model has it, else a tool whose arguments are the answer.
fn shape(out: &mut Settled, format: ResponseFormat, own: bool, can: Capabilities, report: &mut Report) {
    match format {
        ResponseFormat::Text => {}
        ResponseFormat::Schema { schema, .. } if own => {
            out.configure("format", json!({"type": "json_schema", "schema": schema}));
        }
        ResponseFormat::Json => any_json(out, report),
        // Without a schema it is any JSON.
        ResponseFormat::Schema { schema, .. } if !schema.is_object() => any_json(out, report),
        ResponseFormat::Schema { mut schema, about } if can.output_format => {
            if close_objects(&mut schema) {
                report.approximate("response_format.json_schema.schema");
            }
            report.drop_extras("response_format.json_schema.", &unknown(about));
            out.configure("format", json!({"type": "json_schema", "schema": schema}));
        }
        ResponseFormat::Schema { schema, about } => {
            report.approximate("response_format");
            let description = about.get("description").and_then(Value::as_str);
            let description = description.unwrap_or("Answer with the arguments of this tool.");
            out.json_tool = Some(json!({"name": JSON_TOOL, "description": description, "input_schema": schema}));
        }
        ResponseFormat::Other(value) if own => out.configure("format", value),
        ResponseFormat::Other(_) => report.drop("response_format"),
    }
}

fn any_json(out: &mut Settled, report: &mut Report) {
    report.approximate("response_format");
    out.instruction = Some("Answer with one JSON object and nothing else.");
}

fn unknown(mut about: Object) -> Object {
    for key in ["name", "strict", "description"] {
        about.shift_remove(key);
    }
    about
}

/// The end user, no longer than the API takes.
fn short(user: String, report: &mut Report) -> String {
    const LONGEST: usize = 512;
    if user.chars().count() <= LONGEST {
        return user;
    }
    report.approximate("user");
    let head: String = user.chars().take(LONGEST - 10).collect();
    format!("{head}_{}", mint(&user, 0))
}

fn choose(
    out: &mut Settled,
    choice: Option<ToolChoice>,
    parallel: Option<bool>,
    around: &Around<'_>,
    names: &mut Names,
    report: &mut Report,
) {
    let own = around.own;
    if own && choice.is_none() {
        return;
    }
    let mut chosen = match choice {
        Some(ToolChoice::Auto) => Some(json!({"type": "auto"})),
        Some(ToolChoice::None) => Some(json!({"type": "none"})),
        Some(ToolChoice::Required) => Some(json!({"type": "any"})),
        Some(ToolChoice::Tool(name)) => {
            let name = if own { name } else { send_name(&name, names, report) };
            Some(json!({"type": "tool", "name": name}))
        }
        Some(ToolChoice::Other(value)) if own => Some(value),
        // Some servers of OpenAI's format know Anthropic's word.
        Some(ToolChoice::Other(value)) if value == "any" => Some(json!({"type": "any"})),
        Some(ToolChoice::Other(_)) => {
            report.drop("tool_choice");
            None
        }
        None => None,
    };
    if !own {
        if !around.has_tools {
            if chosen.take().is_some() {
                report.drop("tool_choice");
            }
            if out.json_tool.is_some() {
                let forced = json!({"type": "tool", "name": JSON_TOOL});
                chosen = Some(if out.thinks { json!({"type": "auto"}) } else { forced });
            }
        } else {
            let kind = chosen.as_ref().and_then(|choice| choice.get("type")).and_then(Value::as_str);
            if out.thinks && matches!(kind, Some("any" | "tool")) {
                report.approximate("tool_choice");
                chosen = Some(json!({"type": "auto"}));
            } else if out.json_tool.is_some() && !out.thinks && matches!(kind, None | Some("auto")) {
                // One of the tools, or the answer.
                chosen = Some(json!({"type": "any"}));
            }
        }
    }
    if let Some(parallel) = parallel {
        let wanted = own || (!parallel && around.has_tools);
        let choice = if wanted { chosen.get_or_insert_with(|| json!({"type": "auto"})) } else { &mut Value::Null };
        match choice {
            Value::Object(choice) if own || choice.get("type").and_then(Value::as_str) != Some("none") => {
                choice.insert("disable_parallel_tool_use".to_owned(), json!(!parallel));
            }
            _ => {}
        }
    }
    if let Some(choice) = chosen {
        out.put("tool_choice", choice);
    }
}
