//! The settings of a neutral request in this format's words, within what the model takes.

use super::capabilities::Capabilities;
use super::schema::{self, Use, Written};
use super::thinking;
use crate::BodyError;
use crate::json::Object;
use crate::model::{Report, ResponseFormat, Settings};
use serde_json::{Number, Value, json};

/// What the settings depend on.
pub(super) struct Around {
    pub(super) can: Capabilities,
    pub(super) cloud: bool,
    /// Whether functions are declared.
    pub(super) has_functions: bool,
}

/// Settings for the body.
#[derive(Default)]
pub(super) struct Settled {
    /// `generationConfig`.
    pub(super) config: Object,
    /// Members beside it.
    pub(super) members: Object,
    /// Put behind the system prompt.
    pub(super) instruction: Option<String>,
}

/// The API takes no more stop texts.
const MOST_STOPS: usize = 5;

/// Settles all but the choice among tools.
pub(super) fn settle(mut settings: Settings, around: &Around, report: &mut Report) -> Result<Settled, BodyError> {
    if settings.choices.is_some_and(|choices| choices > 1) {
        let message = "'n' above 1 is not possible with a Gemini provider: a reply has one choice";
        return Err(BodyError::unsupported("n", message));
    }
    let mut out = Settled::default();
    if let Some(tokens) = settings.max_tokens {
        let most = u64::from(i32::MAX.unsigned_abs());
        if tokens > most {
            report.approximate("max_tokens");
        }
        out.config.insert("maxOutputTokens".to_owned(), json!(tokens.min(most)));
    }
    settings.seed = settings.seed.map(|seed| small(seed, report));
    settings.top_k = settings.top_k.and_then(|number| count(number, "top_k", report));
    sampling(&mut out.config, &mut settings);
    if let Some(stop) = settings.stop {
        let mut texts = stop.texts;
        texts.retain(|text| !text.is_empty());
        if texts.len() > MOST_STOPS {
            report.approximate("stop");
            texts.truncate(MOST_STOPS);
        }
        if !texts.is_empty() {
            out.config.insert("stopSequences".to_owned(), json!(texts));
        }
    }
    if let Some(format) = settings.response_format {
        shape(&mut out, format, around, report);
    }
    if let Some(config) = thinking::config(&settings.reasoning, around.can.thinking, report) {
        out.config.insert("thinkingConfig".to_owned(), config);
    }
    if settings.logprobs == Some(true) {
        out.config.insert("responseLogprobs".to_owned(), json!(true));
        if let Some(most) = settings.top_logprobs.filter(|most| *most > 0) {
            if most > 20 {
                report.approximate("top_logprobs");
            }
            out.config.insert("logprobs".to_owned(), json!(most.min(20)));
        }
    }
    if settings.parallel_tools == Some(false) && around.has_functions {
        report.drop("parallel_tool_calls");
    }
    if settings.user.is_some() {
        report.drop("user");
    }
    tier(&mut out, settings.service_tier.as_deref(), around.cloud, report);
    Ok(out)
}

/// Puts the numbers of sampling in, as they are.
pub(super) fn sampling(config: &mut Object, settings: &mut Settings) {
    let numbers = [
        ("temperature", &mut settings.temperature),
        ("topP", &mut settings.top_p),
        ("topK", &mut settings.top_k),
        ("seed", &mut settings.seed),
        ("presencePenalty", &mut settings.presence_penalty),
        ("frequencyPenalty", &mut settings.frequency_penalty),
    ];
    for (key, number) in numbers {
        if let Some(number) = number.take() {
            config.insert(key.to_owned(), Value::Number(number));
        }
    }
}

/// The API's seed has 32 bits; a larger one becomes another, always the same.
fn small(seed: Number, report: &mut Report) -> Number {
    match seed.as_i64() {
        Some(number) if i32::try_from(number).is_ok() => seed,
        other => {
            report.approximate("seed");
            let mixed = other.map_or_else(|| seed.as_f64().unwrap_or_default().to_bits(), i64::unsigned_abs);
            Number::from((mixed ^ (mixed >> 31)) & 0x7fff_ffff)
        }
    }
}

/// A whole number.
fn count(number: Number, field: &str, report: &mut Report) -> Option<Number> {
    if number.is_u64() {
        return Some(number);
    }
    let whole = super::decode_settings::read_count(&Value::Number(number));
    if whole.is_none() {
        report.drop(field);
    }
    whole.map(Number::from)
}

/// The shape of the answer. Models that take no shape beside functions are told it in words.
fn shape(out: &mut Settled, format: ResponseFormat, around: &Around, report: &mut Report) {
    const FIELD: &str = "response_format";
    let in_words = around.has_functions && !around.can.shapes_with_tools;
    let (mut schema, mut about) = match format {
        ResponseFormat::Text => return,
        ResponseFormat::Json => (None, Object::new()),
        // Without a schema that is an object it is JSON of any shape.
        ResponseFormat::Schema { schema, about } if !schema.is_object() => (None, about),
        ResponseFormat::Schema { schema, about } => (Some(schema), about),
        ResponseFormat::Other(_) => {
            report.drop(FIELD);
            return;
        }
    };
    if in_words {
        report.approximate(FIELD);
        out.instruction = Some(match schema {
            None => "When you answer, answer with one JSON object and nothing else.".to_owned(),
            Some(schema) => {
                format!("When you answer, answer with JSON of this schema and nothing else: {schema}")
            }
        });
        return;
    }
    out.config.insert("responseMimeType".to_owned(), json!("application/json"));
    // The only words about it that reach the model.
    if let Some(Value::Object(schema)) = &mut schema
        && let Some(description) = about.shift_remove("description")
    {
        schema.entry("description").or_insert(description);
    }
    about.retain(|key, _| !matches!(key.as_str(), "name" | "strict"));
    report.drop_extras("response_format.json_schema.", &about);
    let Some(schema) = schema else { return };
    let field = "response_format.json_schema.schema";
    match schema::write(&schema, Use::Answer, around.cloud, around.can.json_schema, field, report) {
        Written::Nothing => {}
        Written::Schema(schema) => drop(out.config.insert("responseSchema".to_owned(), schema)),
        Written::JsonSchema(schema) => drop(out.config.insert("responseJsonSchema".to_owned(), schema)),
    }
}

/// The tier, in the Gemini API's words; Vertex AI has none in the body.
fn tier(out: &mut Settled, tier: Option<&str>, cloud: bool, report: &mut Report) {
    let word = match tier {
        None | Some("auto") => return,
        Some("default" | "standard_only" | "standard") => "standard",
        Some("flex") => "flex",
        Some("priority") => "priority",
        Some(_) => {
            report.drop("service_tier");
            return;
        }
    };
    match cloud {
        true if word == "standard" => {}
        true => report.drop("service_tier"),
        false => drop(out.members.insert("serviceTier".to_owned(), json!(word))),
    }
}
