//! The settings of a neutral request under Converse's names, within what the model takes.

use super::models::{Family, Reasons, claude};
use super::spelling::{TOP_K, put};
use super::tool_choice;
use crate::Format;
use crate::formats::anthropic::encode_settings::{self as anthropic, close_objects};
use crate::formats::vendor::shown_name;
use crate::json::Object;
use crate::model::{Names, Reasoning, Report, ResponseFormat, Settings, ToolChoice, mint};
use serde_json::{Number, Value, json};

/// What the settings depend on.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    pub(super) origin: Format,
    pub(super) model: &'a str,
    pub(super) family: Family,
    pub(super) has_tools: bool,
    /// The history calls tools, so that some must be declared.
    pub(super) has_calls: bool,
    /// The conversation ends in tool results whose calls came without the thinking before them.
    pub(super) unsigned: bool,
}

/// Settings for the body, and what they mean for the rest of it.
#[derive(Default)]
pub(super) struct Settled {
    pub(super) body: Object,
    /// Put behind the system prompt.
    pub(super) instruction: Option<String>,
    /// A `toolSpec` added to the tools, whose call is the answer's text.
    pub(super) json_tool: Option<Value>,
    /// For `toolConfig.toolChoice`.
    pub(super) choice: Option<Value>,
    /// The tools must not be called, and the API has no word for that but none at all.
    pub(super) without_tools: bool,
    pub(super) thinks: bool,
    pub(super) keeps_strict: bool,
}

/// The tool that carries a structured answer for models without `outputConfig.textFormat`.
pub(super) const JSON_TOOL: &str = "json_response";

pub(super) fn settle(mut settings: Settings, around: &Around<'_>, names: &mut Names, report: &mut Report) -> Settled {
    let (tier, user) = (settings.service_tier.take(), settings.user.take());
    if let Some(ToolChoice::Tool(name)) = &mut settings.tool_choice {
        *name = super::send_name(name, names, report);
    }
    settings.response_format = settings.response_format.map(|format| shaped(format, report));
    let mut out = match around.family {
        Family::Claude | Family::Opaque => as_claude(settings, around, names, report),
        _ => as_any(settings, around, report),
    };
    if let Some(tier) = tier {
        match tier.as_str() {
            // What the service does unasked.
            "auto" => {}
            "default" | "standard" | "standard_only" => out.put(&["serviceTier"], json!({"type": "default"})),
            "flex" | "priority" | "reserved" => out.put(&["serviceTier"], json!({"type": tier})),
            _ => report.drop("service_tier"),
        }
    }
    if let Some(user) = user {
        out.put(&["requestMetadata", "user_id"], json!(metadata(&user, report)));
    }
    out
}

impl Settled {
    pub(super) fn put(&mut self, path: &[&str], value: Value) {
        put(&mut self.body, path, value);
    }

    fn field(&mut self, name: &str, value: Value) {
        self.put(&["additionalModelRequestFields", name], value);
    }

    /// `outputConfig.textFormat`.
    fn structure(&mut self, schema: &Value, about: &Object) {
        let mut definition = json!({"schema": schema.to_string()});
        for key in ["name", "description"] {
            if let Some(text) = about.get(key).filter(|text| text.is_string()) {
                definition[key] = text.clone();
            }
        }
        let format = json!({"type": "json_schema", "structure": {"jsonSchema": definition}});
        self.put(&["outputConfig", "textFormat"], format);
    }
}

/// Claude takes what it takes on Anthropic's API; it is only said elsewhere.
fn as_claude(mut settings: Settings, around: &Around<'_>, names: &mut Names, report: &mut Report) -> Settled {
    // Whose model an opaque ARN is the client knows who asks in Anthropic's own words.
    let opaque = around.family == Family::Opaque;
    let told = if opaque { settings.reasoning.thinking.take() } else { None };
    let bounded = settings.max_tokens.is_some();
    let about = match &settings.response_format {
        Some(ResponseFormat::Schema { about, .. }) => about.clone(),
        _ => Object::new(),
    };
    let Around { model, has_tools, unsigned, .. } = *around;
    let inner = anthropic::Around { own: false, model, has_tools, unsigned };
    let settled = anthropic::settle_within(settings, &inner, claude(model), names, report);
    let anthropic::Settled { members, instruction, json_tool, thinks, keeps_strict } = settled;
    let mut out = Settled {
        instruction: instruction.map(str::to_owned),
        json_tool: json_tool.map(|tool| {
            let schema = json!({"json": tool.get("input_schema")});
            json!({"name": JSON_TOOL, "description": tool.get("description"), "inputSchema": schema})
        }),
        thinks,
        keeps_strict,
        ..Settled::default()
    };
    if let Some(thinking) = told {
        out.thinks = thinking.get("type").is_none_or(|kind| kind != "disabled");
        out.field("thinking", Value::Object(thinking));
    }
    let budgeted = members.get("thinking").is_some_and(|thinking| thinking.get("budget_tokens").is_some());
    for (key, value) in members {
        match key.as_str() {
            // The bound must be above the budget; without a budget the service knows the model's own.
            "max_tokens" if !bounded && !budgeted => {}
            "max_tokens" => out.put(&["inferenceConfig", "maxTokens"], value),
            "temperature" => out.put(&["inferenceConfig", "temperature"], value),
            "top_p" => out.put(&["inferenceConfig", "topP"], value),
            "stop_sequences" => out.put(&["inferenceConfig", "stopSequences"], value),
            "top_k" => out.field(&key, whole(value, report)),
            "thinking" => out.field(&key, value),
            "output_config" => {
                if let Some(effort) = value.get("effort") {
                    // `outputConfig.effort` is documented, but models refuse it that take this.
                    out.field("output_config", json!({"effort": effort}));
                }
                if let Some(schema) = value.pointer("/format/schema") {
                    out.structure(schema, &about);
                }
            }
            "tool_choice" => tool_choice::of_claude(&mut out, value, around, report),
            _ => {}
        }
    }
    out
}

/// What every model takes, and what its family has a place for.
fn as_any(settings: Settings, around: &Around<'_>, report: &mut Report) -> Settled {
    let Around { model, family, .. } = *around;
    let mut out = Settled { keeps_strict: family.structures(model), ..Settled::default() };
    let alone = think(&mut out, settings.reasoning, around, report);
    let mut top_k = settings.top_k.map(Value::Number);
    if family.top_k().is_some() && !alone {
        top_k = top_k.map(|number| whole(number, report));
    }
    let mut number = |out: &mut Settled, path: &[&str], name: &str, value: Option<Value>| match value {
        // Nova refuses them beside the highest effort.
        Some(_) if alone => report.drop(name),
        Some(value) => out.put(path, value),
        None => {}
    };
    number(&mut out, &["inferenceConfig", "maxTokens"], "max_tokens", settings.max_tokens.map(Value::from));
    let above = settings.temperature.as_ref().and_then(Number::as_f64).is_some_and(|value| value > 1.0);
    let temperature = settings.temperature.map(|number| if above { json!(1) } else { Value::Number(number) });
    number(&mut out, &["inferenceConfig", "temperature"], "temperature", temperature);
    number(&mut out, &["inferenceConfig", "topP"], "top_p", settings.top_p.map(Value::Number));
    match (family.top_k(), top_k) {
        (Some(place), top_k) => number(&mut out, TOP_K[place], "top_k", top_k),
        (None, Some(_)) => report.drop("top_k"),
        (None, None) => {}
    }
    if above && !alone {
        // OpenAI's scale ends at 2, this one at 1.
        report.approximate("temperature");
    }
    if let Some(mut stop) = settings.stop {
        let before = stop.texts.len();
        stop.texts.retain(|text| !text.is_empty());
        if stop.texts.len() < before {
            report.drop("stop");
        }
        if !stop.texts.is_empty() {
            out.put(&["inferenceConfig", "stopSequences"], json!(stop.texts));
        }
    }
    if let Some(format) = settings.response_format {
        shape(&mut out, format, around, report);
    }
    tool_choice::of_any(&mut out, settings.tool_choice, around, report);
    if settings.parallel_tools == Some(false) && around.has_tools {
        report.drop("parallel_tool_calls");
    }
    let unknown = [
        ("seed", settings.seed.is_some()),
        ("presence_penalty", settings.presence_penalty.is_some()),
        ("frequency_penalty", settings.frequency_penalty.is_some()),
        ("logprobs", settings.logprobs == Some(true)),
        ("top_logprobs", settings.top_logprobs.is_some()),
    ];
    unknown.iter().filter(|(_, said)| *said).for_each(|(key, _)| report.drop(key));
    out
}

/// A `top_k`, which no model takes as a fraction.
fn whole(top_k: Value, report: &mut Report) -> Value {
    let Some(number) = top_k.as_f64().filter(|_| top_k.is_f64()) else { return top_k };
    if number.fract() != 0.0 {
        report.approximate("top_k");
    }
    // The cast saturates.
    #[allow(clippy::cast_possible_truncation)]
    let whole = number.round() as i64;
    json!(whole)
}

/// Tells how much to think. Returns whether no other setting of sampling may stand beside it.
fn think(out: &mut Settled, reasoning: Reasoning, around: &Around<'_>, report: &mut Report) -> bool {
    let family = around.family;
    let kind = reasoning.thinking.as_ref().and_then(|thinking| thinking.get("type")?.as_str());
    if kind == Some("disabled") || reasoning.effort.as_deref() == Some("none") {
        if reasoning.effort.as_deref().is_some_and(|word| word != "none") {
            report.drop("reasoning_effort");
        }
        return false;
    }
    let budget = reasoning.thinking.as_ref().and_then(|thinking| thinking.get("budget_tokens")?.as_u64());
    let (name, word) = match (reasoning.effort, kind, budget) {
        (Some(effort), ..) => ("reasoning_effort", effort),
        (None, None, _) => {
            if reasoning.show == Some(true) {
                // What is thought is shown, but nothing asks for any.
                report.drop(shown_name(around.origin));
            }
            return false;
        }
        (None, Some(_), Some(0..=2048)) => ("thinking", "low".to_owned()),
        (None, Some(_), Some(8193..)) => ("thinking", "high".to_owned()),
        (None, Some(_), _) => ("thinking", "medium".to_owned()),
    };
    let reasons = family.reasons();
    if reasons == Reasons::Never {
        report.drop(name);
        return false;
    }
    let told = match word.as_str() {
        "minimal" | "low" => "low",
        "high" | "xhigh" | "max" => "high",
        // Qwen knows two words.
        _ if family == Family::Qwen => "high",
        _ => "medium",
    };
    if told != word || name == "thinking" {
        report.approximate(name);
    }
    out.thinks = true;
    match reasons {
        Reasons::Nova => out.field("reasoningConfig", json!({"type": "enabled", "maxReasoningEffort": told})),
        Reasons::Word(field) => out.field(field, json!(told)),
        Reasons::Never => {}
    }
    reasons == Reasons::Nova && told == "high"
}

/// A shape without a schema, or with none that is an object, is JSON of any shape.
fn shaped(format: ResponseFormat, report: &mut Report) -> ResponseFormat {
    match format {
        ResponseFormat::Schema { schema, about } if !schema.is_object() => {
            report.drop_extras("response_format.json_schema.", &beside_name(about));
            ResponseFormat::Json
        }
        format => format,
    }
}

/// What is said of a schema beside its name and that it must be kept to.
fn beside_name(mut about: Object) -> Object {
    for key in ["name", "strict"] {
        about.shift_remove(key);
    }
    about
}

/// Reports what has no place beside a schema here.
fn report_unknown(about: Object, report: &mut Report) {
    let mut about = beside_name(about);
    about.shift_remove("description");
    report.drop_extras("response_format.json_schema.", &about);
}

/// Structured output: the API's own where the model has it, else a tool whose arguments are the answer, or words.
fn shape(out: &mut Settled, format: ResponseFormat, around: &Around<'_>, report: &mut Report) {
    match format {
        ResponseFormat::Text => {}
        ResponseFormat::Json => {
            report.approximate("response_format");
            out.instruction = Some("Answer with one JSON object and nothing else.".to_owned());
        }
        ResponseFormat::Schema { mut schema, about } if around.family.structures(around.model) => {
            report_unknown(about.clone(), report);
            if close_objects(&mut schema) {
                report.approximate("response_format.json_schema.schema");
            }
            out.structure(&schema, &about);
        }
        ResponseFormat::Schema { schema, about } => {
            report_unknown(about.clone(), report);
            report.approximate("response_format");
            if !around.family.obeys_choice() {
                let words = "Answer with one JSON object that is valid under this JSON Schema, and nothing else:";
                out.instruction = Some(format!("{words}\n{schema}"));
                return;
            }
            let description = about.get("description").and_then(Value::as_str);
            let description = description.unwrap_or("Answer with the arguments of this tool.");
            let schema = super::encode_tools::input_schema(Some(schema));
            out.json_tool =
                Some(json!({"name": JSON_TOOL, "description": description, "inputSchema": {"json": schema}}));
        }
        ResponseFormat::Other(_) => report.drop("response_format"),
    }
}

/// A text as a value of `requestMetadata`.
fn metadata(text: &str, report: &mut Report) -> String {
    const LONGEST: usize = 256;
    let plain: String = text.chars().filter(|c| is_metadata(*c)).collect();
    // Words for the service's log, of which nothing else makes use.
    report.approximate("user");
    if plain == text && plain.len() <= LONGEST {
        return plain;
    }
    let head: String = plain.chars().take(LONGEST - 10).collect();
    format!("{head}_{}", mint(text, 0))
}

/// The API's rule for keys and values of `requestMetadata`.
pub(super) fn is_metadata(c: char) -> bool {
    c.is_ascii_alphanumeric() || c.is_ascii_whitespace() || "_:@$#=/+,-.".contains(c)
}
