//! What a request says that must not be lost, whatever its format: who says what, which tools there are, how to answer.
//! Read from JSON by the vendors' documents, independently of the crate's own readers.

mod anthropic;
mod bedrock;
mod cohere;
mod gemini;
mod held;
mod openai;
mod responses;

pub(crate) use gemini::spelled;
pub(crate) use held::lost;

use pillion_llm::Format;
use serde_json::{Value, json};

/// One thing that a request says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fact {
    /// Where it stands, in words that a report would use.
    pub(crate) path: String,
    pub(crate) who: Who,
    pub(crate) says: Says,
}

/// Who says it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Who {
    System,
    User,
    Assistant,
    /// What came back from a tool.
    Tool,
    /// What tools there are.
    Declared,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Says {
    Text(String),
    Thinking(String),
    /// Base64, or where it is.
    Media(String),
    Call {
        id: String,
        name: String,
        arguments: Value,
    },
    /// The call that a result answers: its id, or the tool's name in formats without ids.
    Result {
        id: String,
        name: String,
    },
    /// That the call failed.
    Failed {
        id: String,
    },
    /// A tool, and the words in its schema: names with their types, descriptions, choices, what is required.
    Function {
        name: String,
        description: String,
        words: Vec<String>,
    },
    /// A tool of the vendor's own.
    Vendor(String),
}

/// How a request wants to be answered, under OpenAI Chat's names where it has them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ask {
    /// The name of what is asked, `None` for what no other format knows.
    pub(crate) concept: Option<&'static str>,
    pub(crate) path: String,
    pub(crate) value: Value,
}

/// The conversation and the tools.
pub(crate) fn facts(format: Format, request: &Value) -> Vec<Fact> {
    let mut facts = Facts::default();
    match format {
        Format::OpenAIChat => openai::facts(request, &mut facts),
        Format::OpenAIResponses => responses::facts(request, &mut facts),
        Format::AnthropicMessages => anthropic::facts(request, &mut facts),
        Format::GeminiGenerateContent => gemini::facts(request, &mut facts),
        Format::BedrockConverse => bedrock::facts(request, &mut facts),
        Format::CohereChat => cohere::facts(request, &mut facts),
    }
    facts.list
}

/// How often a request marks what the vendor is to keep in its prompt cache, wherever it does.
fn marks(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(marks).sum(),
        Value::Object(members) => {
            let is_mark = |name: &str, value: &Value| {
                ["cache_control", "cachePoint", "prompt_cache_breakpoint"].contains(&name) && value.is_object()
            };
            members.iter().map(|(name, inner)| if is_mark(name, inner) { 1 } else { marks(inner) }).sum()
        }
        _ => 0,
    }
}

/// The settings that say something.
pub(crate) fn asks(format: Format, request: &Value) -> Vec<Ask> {
    let mut asks = every_ask(format, request);
    asks.retain(|ask| !says_nothing(ask));
    asks
}

/// The settings.
fn every_ask(format: Format, request: &Value) -> Vec<Ask> {
    let mut asks = Vec::new();
    match format {
        Format::OpenAIChat => openai::asks(request, &mut asks),
        Format::OpenAIResponses => responses::asks(request, &mut asks),
        Format::AnthropicMessages => anthropic::asks(request, &mut asks),
        Format::GeminiGenerateContent => gemini::asks(request, &mut asks),
        Format::BedrockConverse => bedrock::asks(request, &mut asks),
        Format::CohereChat => cohere::asks(request, &mut asks),
    }
    asks
}

/// What is left out means the same.
fn says_nothing(ask: &Ask) -> bool {
    let one = ask.value.as_f64() == Some(1.0);
    match (ask.concept, &ask.value) {
        (Some("parallel_tool_calls"), value) => *value != json!(false),
        (_, Value::Null | Value::Bool(false)) => true,
        (None, Value::Array(items)) if ask.path.to_ascii_lowercase().ends_with("modalities") => {
            matches!(&items[..], [Value::String(only)] if only.eq_ignore_ascii_case("text"))
        }
        (_, Value::Array(items)) => items.is_empty(),
        (_, Value::Object(object)) if object.is_empty() => true,
        (Some("presence_penalty" | "frequency_penalty"), value) => value.as_f64() == Some(0.0),
        // Anthropic's word for its usual tier.
        (Some("service_tier"), Value::String(word)) if word == "standard_only" => true,
        (Some("n" | "temperature" | "top_p"), _) => one,
        (Some("reasoning_effort" | "response_format" | "tool_choice" | "service_tier"), Value::String(word)) => {
            ["none", "text", "auto", "default"].contains(&word.as_str()) && ask.value != json!("none")
                || ask.concept == Some("reasoning_effort") && word == "none"
        }
        _ => false,
    }
}

/// Facts while they are read.
#[derive(Default)]
struct Facts {
    list: Vec<Fact>,
}

impl Facts {
    fn note(&mut self, path: &str, who: Who, says: Says) {
        self.list.push(Fact { path: path.to_owned(), who, says });
    }

    fn text(&mut self, path: &str, who: Who, value: &Value) {
        if let Some(text) = value.as_str().filter(|text| !text.trim().is_empty()) {
            self.note(path, who, Says::Text(text.trim().to_owned()));
        }
    }

    fn thinking(&mut self, path: &str, value: &Value) {
        if let Some(text) = value.as_str().filter(|text| !text.trim().is_empty()) {
            self.note(path, Who::Assistant, Says::Thinking(text.trim().to_owned()));
        }
    }

    /// A URL, or the base64 within a data URL, or base64.
    fn media(&mut self, path: &str, who: Who, value: &Value) {
        if let Some(url) = value.as_str() {
            let data = url.split_once(";base64,").map_or(url, |(_, data)| data);
            // Google takes base64 in the alphabet for URLs, which others are told in the usual one.
            let here = !data.contains("://");
            let data = if here { data.replace('-', "+").replace('_', "/") } else { data.to_owned() };
            self.note(path, who, Says::Media(data));
        }
    }

    fn call(&mut self, path: &str, id: &Value, name: &Value, arguments: Value) {
        let arguments = if arguments.is_object() { arguments } else { json!({}) };
        self.note(path, Who::Assistant, Says::Call { id: string(id), name: string(name), arguments });
    }

    fn result(&mut self, path: &str, id: &Value, name: &Value) {
        self.note(path, Who::Tool, Says::Result { id: string(id), name: string(name) });
    }

    fn failed(&mut self, path: &str, id: &Value) {
        self.note(path, Who::Tool, Says::Failed { id: string(id) });
    }

    fn function(&mut self, path: &str, name: &Value, description: &Value, schema: &Value) {
        let mut words = Vec::new();
        schema_words("", schema, &mut words);
        let says = Says::Function { name: string(name), description: string(description).trim().to_owned(), words };
        self.note(path, Who::Declared, says);
    }
}

/// The words that a model reads in a JSON Schema: names of properties and their types, descriptions, choices, what is
/// required.
fn schema_words(of: &str, schema: &Value, words: &mut Vec<String>) {
    match schema {
        Value::Array(items) => items.iter().for_each(|item| schema_words(of, item, words)),
        Value::Object(object) => {
            for (key, value) in object {
                match (key.as_str(), value) {
                    ("properties", Value::Object(properties)) => {
                        for (name, inner) in properties {
                            words.push(name.clone());
                            schema_words(name, inner, words);
                        }
                    }
                    ("description", Value::String(text)) => words.push(text.clone()),
                    ("enum", Value::Array(choices)) => {
                        words.extend(
                            choices.iter().filter_map(Value::as_str).filter(|word| !word.is_empty()).map(str::to_owned),
                        );
                    }
                    // A tool's own arguments are an object everywhere.
                    ("type", _) if of.is_empty() => {}
                    ("type", Value::String(kind)) => words.push(format!("{of}: {}", kind.to_ascii_lowercase())),
                    // Whether it may be null is told in other ways too.
                    ("type", Value::Array(kinds)) => {
                        let kinds = kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null");
                        words.extend(kinds.map(|kind| format!("{of}: {kind}")));
                    }
                    ("required", Value::Array(names)) => {
                        words.extend(names.iter().filter_map(Value::as_str).map(|name| format!("{name} required")));
                    }
                    // These hold values, not schemas.
                    ("default" | "example" | "examples" | "const", _) => {}
                    _ => schema_words(of, value, words),
                }
            }
        }
        _ => {}
    }
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn parsed(arguments: &Value) -> Value {
    serde_json::from_str(arguments.as_str().unwrap_or_default()).unwrap_or_default()
}

/// The members of an object that are not `known`, as asks that only this format knows.
fn rest(object: &Value, prefix: &str, known: &[&str], asks: &mut Vec<Ask>) {
    for (key, value) in object.as_object().into_iter().flatten() {
        if !known.contains(&key.as_str()) {
            asks.push(Ask { concept: None, path: format!("{prefix}{key}"), value: value.clone() });
        }
    }
}

/// The members of an object under OpenAI Chat's names.
fn named(object: &Value, prefix: &str, members: &[(&str, &'static str)], asks: &mut Vec<Ask>) {
    for (key, concept) in members {
        if let Some(value) = object.get(*key) {
            asks.push(Ask { concept: Some(concept), path: format!("{prefix}{key}"), value: value.clone() });
        }
    }
}

fn ask(concept: &'static str, path: &str, value: Value, asks: &mut Vec<Ask>) {
    asks.push(Ask { concept: Some(concept), path: path.to_owned(), value });
}
