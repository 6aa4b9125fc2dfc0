//! What a request says in the neutral model, line by line, without how it was written.

use base64::Engine as _;
use pillion_llm::Format;
use pillion_llm::formats::decode_request;
use pillion_llm::model::{
    Content, Message, Part, PartKind, Reasoning, Request, ResponseFormat, Role, Source, Tool, ToolChoice, ToolKind,
};
use serde_json::Value;

/// Thoughts are to be shown.
const SHOW: &str = "show thoughts";
/// The vendor shows thoughts unless it is told otherwise.
const SHOWN: &str = "shows thoughts";
/// Nothing is to be thought.
const RESTS: &str = "rests";

/// Whether two requests of two formats are equal in the model.
pub(super) fn same(client: Format, body: &Value, wire: Format, translated: &Value) -> Result<(), String> {
    let (expected, found) = (lines(client, body)?, lines(wire, translated)?);
    // Some vendors want a bound, some show thoughts where nobody asks for it, and not to think is what most do by themselves.
    let says = |lines: &[String], what: &str| lines.iter().any(|line| line.starts_with(what));
    if says(&expected, SHOW) && !says(&found, SHOW) && !says(&found, SHOWN) {
        return Err(format!("thoughts are not shown in {translated}"));
    }
    let beside = |line: &String, other: &[String]| match line.as_str() {
        SHOW | SHOWN => true,
        RESTS => !says(other, "effort") && !says(other, "thinking"),
        line => line.starts_with("max_tokens") && !says(&expected, "max_tokens"),
    };
    let kept = |lines: &[String], other: &[String]| -> Vec<String> {
        lines.iter().filter(|line| !beside(line, other)).cloned().collect()
    };
    let (expected, found) = (kept(&expected, &found), kept(&found, &expected));
    if found == expected {
        return Ok(());
    }
    let only = |of: &[String], other: &[String]| -> Vec<String> {
        of.iter().filter(|line| !other.contains(line)).cloned().collect()
    };
    let (gone, new) = (only(&expected, &found), only(&found, &expected));
    Err(format!("not equal in the model: gone {gone:#?}, new {new:#?} in {translated}"))
}

pub(crate) fn lines(format: Format, body: &Value) -> Result<Vec<String>, String> {
    let body = body.as_object().unwrap().clone();
    let request = decode_request(format, body).map_err(|error| format!("not read: {error}"))?;
    let mut lines = Vec::new();
    if let Some(system) = &request.system {
        content("system", system, &mut lines);
    }
    request.messages.iter().for_each(|message| said(message, &mut lines));
    lines.extend(request.tools.iter().flatten().map(tool));
    settings(format, &request, &mut lines);
    // OpenAI Chat asks for it beside the tools.
    lines.extend(request.extras.contains_key("web_search_options").then(|| SEARCH.to_owned()));
    Ok(lines)
}

fn said(message: &Message, lines: &mut Vec<String>) {
    let who = match message.role {
        Role::System | Role::Developer => "system",
        // Whose turn a result is in is the format's.
        Role::User | Role::Tool => "user",
        Role::Assistant => "assistant",
    };
    content(who, &message.content, lines);
    lines.extend(message.cache.iter().map(|_| format!("{who}: cache")));
}

fn content(who: &str, content: &Content, lines: &mut Vec<String>) {
    content.parts.iter().for_each(|one| part(who, one, lines));
}

fn part(who: &str, part: &Part, lines: &mut Vec<String>) {
    let line = match &part.kind {
        PartKind::Text(text) => format!("text {text}"),
        PartKind::Image(source) => format!("image {}", place(source)),
        PartKind::Audio(source) => format!("audio {}", place(source)),
        PartKind::Video(source) => format!("video {}", place(source)),
        // Some formats want a name for each, some have none.
        PartKind::Document { source, .. } => format!("document {}", place(source)),
        PartKind::ToolCall { id, name, arguments } => {
            format!("call {id} {name} {}", sorted(&Value::Object(arguments.clone().into_object().unwrap_or_default())))
        }
        PartKind::ToolResult { id, content: inner, is_error } => {
            lines.push(format!("{who}: result of {id}, failed {}", is_error.unwrap_or_default()));
            return content(&format!("result of {id}"), inner, lines);
        }
        PartKind::Thinking { text, signature } => {
            format!("thinking {text} {}", signature.as_deref().or(part.signature.as_deref()).unwrap_or_default())
        }
        kind => format!("{kind:?}"),
    };
    lines.push(format!("{who}: {line}"));
    lines.extend(part.cache.iter().map(|_| format!("{who}: cache")));
}

fn place(source: &Source) -> String {
    match source {
        Source::Url(url) => url.clone(),
        Source::Base64 { media_type, data } if media_type == "text/plain" => {
            let text = base64::engine::general_purpose::STANDARD.decode(data).unwrap_or_default();
            format!("text {}", String::from_utf8_lossy(&text))
        }
        Source::Base64 { media_type, data } => format!("{media_type} {data}"),
        Source::Text(text) => format!("text {text}"),
        source => format!("{source:?}"),
    }
}

/// The vendor's own search of the web, whatever its tool is called.
const SEARCH: &str = "tool: web search";

fn tool(tool: &Tool) -> String {
    match &tool.kind {
        ToolKind::Function { name, description, schema, strict, .. } => format!(
            "function {name} {} {} strict {}",
            description.as_deref().unwrap_or_default(),
            schema.as_ref().map(sorted).unwrap_or_default(),
            strict.unwrap_or_default()
        ),
        ToolKind::Foreign(tool) if tool["type"].as_str().is_some_and(|kind| kind.starts_with("web_search")) => {
            SEARCH.to_owned()
        }
        ToolKind::Foreign(tool) => format!("tool {tool}"),
    }
}

fn settings(format: Format, request: &Request, lines: &mut Vec<String>) {
    let settings = &request.settings;
    let mut tell = |name: &str, value: Option<String>| {
        lines.extend(value.map(|value| if value.is_empty() { name.to_owned() } else { format!("{name} {value}") }));
    };
    let number = |number: &Option<serde_json::Number>| {
        number.as_ref().and_then(serde_json::Number::as_f64).map(|number| number.to_string())
    };
    tell("max_tokens", settings.max_tokens.map(|bound| bound.to_string()));
    tell("temperature", number(&settings.temperature));
    tell("top_p", number(&settings.top_p));
    tell("top_k", number(&settings.top_k));
    tell("stop", settings.stop.as_ref().map(|stop| format!("{:?}", stop.texts)));
    let choice = settings.tool_choice.as_ref().filter(|choice| **choice != ToolChoice::Auto);
    tell("tool_choice", choice.map(|choice| format!("{choice:?}")));
    tell("parallel_tools", settings.parallel_tools.filter(|parallel| !parallel).map(|_| "false".to_owned()));
    tell("response_format", settings.response_format.as_ref().and_then(shape));
    thinking(format, &settings.reasoning, &mut tell);
    tell("user", settings.user.clone());
    let tier = settings.service_tier.as_deref().map(|tier| match tier {
        "standard_only" | "default" => "standard",
        tier => tier,
    });
    tell("service_tier", tier.map(str::to_owned));
    tell("seed", number(&settings.seed));
    tell("presence_penalty", number(&settings.presence_penalty));
    tell("frequency_penalty", number(&settings.frequency_penalty));
    tell("n", settings.choices.map(|choices| choices.to_string()));
    tell("logprobs", settings.logprobs.filter(|asked| *asked).map(|_| "true".to_owned()));
    tell("top_logprobs", settings.top_logprobs.map(|count| count.to_string()));
}

fn thinking(format: Format, reasoning: &Reasoning, tell: &mut impl FnMut(&str, Option<String>)) {
    // What Google's own OpenAI endpoint makes of efforts.
    const EFFORTS: [(u64, &str); 2] = [(8192, "medium"), (24_576, "high")];
    let Reasoning { effort, thinking, show } = reasoning;
    let word = |key: &str| thinking.as_ref().and_then(|thinking| thinking.get(key));
    let kind = word("type").and_then(Value::as_str);
    if kind == Some("disabled") || effort.as_deref() == Some("none") {
        return tell(RESTS, Some(String::new()));
    }
    let budget = word("budget_tokens").and_then(Value::as_u64);
    let google = EFFORTS.iter().find(|(tokens, _)| format == Format::GeminiGenerateContent && budget == Some(*tokens));
    let effort = effort.as_deref().or(google.map(|(_, effort)| *effort));
    tell("effort", effort.map(str::to_owned));
    // An effort implies that there is thinking.
    tell("thinking", kind.filter(|_| effort.is_none()).map(|kind| format!("{kind} {budget:?}")));
    let unasked = matches!(format, Format::AnthropicMessages | Format::BedrockConverse | Format::CohereChat);
    let wants = *show == Some(true) || word("display").is_some_and(|display| display == "summarized");
    tell(SHOW, wants.then(String::new));
    tell(SHOWN, (unasked && (kind.is_some() || effort.is_some())).then(String::new));
}

fn shape(format: &ResponseFormat) -> Option<String> {
    match format {
        ResponseFormat::Text => None,
        ResponseFormat::Json => Some("JSON".to_owned()),
        ResponseFormat::Schema { schema, .. } => Some(sorted(schema)),
        ResponseFormat::Other(value) => Some(value.to_string()),
    }
}

/// JSON whose members are in one order. That nothing else may be there is not said: Gemini puts nothing else there anyway.
fn sorted(value: &Value) -> String {
    let mut value = value.clone();
    value.sort_all_objects();
    without_closing(&mut value);
    value.to_string()
}

fn without_closing(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|key, value| key != "additionalProperties" || *value != Value::Bool(false));
            members.values_mut().for_each(without_closing);
        }
        Value::Array(items) => items.iter_mut().for_each(without_closing),
        _ => {}
    }
}
