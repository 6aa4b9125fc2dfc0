//! What a reply says, whatever its format and whether it was streamed: read from JSON by the vendors' documents,
//! independently of the crate's own readers.

mod anthropic;
mod bedrock;
mod beside;
mod cohere;
mod gemini;
mod openai;
mod responses;

pub(crate) use beside::beside;

use pillion_llm::{Format, Usage};
use serde_json::{Value, json};

use crate::frames::Event;

/// A reply under OpenAI's words and OpenAI's inclusive counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct View {
    /// Text, and refusals behind it: a format without a place for refusals says them as text.
    pub(crate) text: String,
    pub(crate) thinking: String,
    /// Id, name, arguments. Arguments that are no JSON object, which only text can carry, count as none.
    pub(crate) calls: Vec<(String, String, Value)>,
    pub(crate) finish: Option<String>,
    pub(crate) usage: Option<Counts>,
    /// How many sources the text refers to.
    pub(crate) citations: usize,
    /// Of how many tokens the likelihood is told.
    pub(crate) logprobs: usize,
    /// Parts of other kinds, by the names of their kinds.
    pub(crate) others: Vec<String>,
}

/// Tokens, the cache's in the input and those of the thinking in the output.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Counts {
    pub(crate) input: u64,
    pub(crate) output: u64,
    pub(crate) cached: u64,
}

/// Reads a whole reply.
pub(crate) fn of_reply(format: Format, reply: &Value) -> View {
    match format {
        Format::OpenAIChat => openai::of_reply(reply),
        Format::OpenAIResponses => responses::of_reply(reply),
        Format::AnthropicMessages => anthropic::of_reply(reply),
        Format::GeminiGenerateContent => gemini::of_reply(reply),
        Format::BedrockConverse => bedrock::of_reply(reply),
        Format::CohereChat => cohere::of_reply(reply),
    }
}

/// Puts the events of a stream together as a client does.
pub(crate) fn of_stream(format: Format, events: &[Event]) -> Result<View, String> {
    Ok(of_reply(format, &aggregate(format, events)?))
}

/// The whole reply that a stream adds up to.
pub(crate) fn aggregate(format: Format, events: &[Event]) -> Result<Value, String> {
    match format {
        Format::OpenAIChat => openai::aggregate(events),
        Format::OpenAIResponses => responses::aggregate(events),
        Format::AnthropicMessages => anthropic::aggregate(events),
        Format::GeminiGenerateContent => gemini::aggregate(events),
        Format::BedrockConverse => bedrock::aggregate(events),
        Format::CohereChat => cohere::aggregate(events),
    }
}

/// Whether a body is a reply of this format at all: some recorded ones are not.
pub(crate) fn is_reply(format: Format, body: &[u8]) -> Option<Value> {
    let reply: Value = serde_json::from_slice(body).ok()?;
    let is = match format {
        Format::OpenAIChat => reply["choices"].is_array(),
        Format::OpenAIResponses => reply["output"].is_array() && reply["error"].is_null(),
        Format::AnthropicMessages => reply["content"].is_array(),
        Format::GeminiGenerateContent => reply["candidates"].is_array() || reply["promptFeedback"].is_object(),
        Format::BedrockConverse => reply["output"]["message"].is_object(),
        Format::CohereChat => reply["message"].is_object(),
    };
    is.then_some(reply)
}

/// The counts of a whole reply.
pub(crate) fn counts(format: Format, reply: &Value) -> Option<Counts> {
    of_reply(format, reply).usage
}

/// The counts that the gateway tells.
pub(crate) fn counted(usage: Option<Usage>) -> Option<Counts> {
    usage.map(|usage| Counts { input: usage.input, output: usage.output, cached: usage.cached_input })
}

/// The reason of the end and the model in the vendor's own words.
pub(crate) fn native(format: Format, reply: &Value) -> (Option<String>, Option<String>) {
    let (finish, model) = match format {
        Format::OpenAIChat => (&reply["choices"][0]["finish_reason"], &reply["model"]),
        Format::OpenAIResponses => match &reply["incomplete_details"]["reason"] {
            Value::Null => (&reply["status"], &reply["model"]),
            reason => (reason, &reply["model"]),
        },
        Format::AnthropicMessages => (&reply["stop_reason"], &reply["model"]),
        Format::GeminiGenerateContent => return gemini::native(reply),
        Format::BedrockConverse => (&reply["stopReason"], &Value::Null),
        Format::CohereChat => (&reply["finish_reason"], &Value::Null),
    };
    (owned(finish), owned(model))
}

fn owned(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn count(value: &Value) -> u64 {
    // Some vendors count in floats.
    value.as_u64().or_else(|| value.as_f64().map(|count| count as u64)).unwrap_or_default()
}

fn object(value: &Value) -> Value {
    Some(value.clone()).filter(Value::is_object).unwrap_or(json!({}))
}

fn parsed(arguments: &Value) -> Value {
    let text = arguments.as_str().unwrap_or_default();
    serde_json::from_str(text).ok().filter(Value::is_object).unwrap_or(json!({}))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Adds a piece of text to a member.
fn extend(object: &mut Value, member: &str, piece: &Value) {
    if let Some(piece) = piece.as_str() {
        object[member] = json!(string(&object[member]) + piece);
    }
}
