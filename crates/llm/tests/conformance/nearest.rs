//! Which wire a call takes: the client's own format where the provider speaks it for the model, else the provider's first; and
//! what a cloud wants around a body.

use pillion_llm::{Descriptor, Envelope, Format, Operation, Wire, provider};
use serde_json::{Value, json};

use crate::drive::{bytes, prepared};
use crate::made::calling;
use crate::parties::{FORMATS, plain_request};
use crate::schema::{self, Book, What};
use crate::view;

/// A provider, a model, the wires that take a call as it is, and the format of every other call.
type Row = (&'static str, &'static str, &'static [(Format, Envelope)], Format);

const NEAREST: &[Row] = &[
    (
        "OpenAI",
        "gpt-4o",
        &[(Format::OpenAIChat, Envelope::None), (Format::OpenAIResponses, Envelope::None)],
        Format::OpenAIChat,
    ),
    (
        "AzureOpenAI",
        "gpt-4o",
        &[(Format::OpenAIChat, Envelope::None), (Format::OpenAIResponses, Envelope::None)],
        Format::OpenAIChat,
    ),
    ("AzureOpenAI", "claude-sonnet-4-5", &[(Format::AnthropicMessages, Envelope::None)], Format::AnthropicMessages),
    ("Anthropic", "claude-sonnet-4-5", &[(Format::AnthropicMessages, Envelope::None)], Format::AnthropicMessages),
    ("Gemini", "gemini-2.5-flash", &[(Format::GeminiGenerateContent, Envelope::None)], Format::GeminiGenerateContent),
    ("VertexAI", "gemini-2.5-pro", &[(Format::GeminiGenerateContent, Envelope::None)], Format::GeminiGenerateContent),
    (
        "VertexAI",
        "claude-sonnet-4-5@20250929",
        &[(Format::AnthropicMessages, Envelope::VertexRawPredict)],
        Format::AnthropicMessages,
    ),
    (
        "Bedrock",
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        &[(Format::AnthropicMessages, Envelope::BedrockInvoke), (Format::BedrockConverse, Envelope::None)],
        Format::BedrockConverse,
    ),
    ("Bedrock", "amazon.nova-pro-v1:0", &[(Format::BedrockConverse, Envelope::None)], Format::BedrockConverse),
    ("Cohere", "command-a-03-2025", &[(Format::CohereChat, Envelope::None)], Format::CohereChat),
    ("OpenAICompatible", "some-model", &[(Format::OpenAIChat, Envelope::None)], Format::OpenAIChat),
];

#[test]
fn a_call_takes_the_nearest_wire_of_every_provider_and_is_answered() {
    for (id, model, own, other) in NEAREST {
        let provider = provider(id).unwrap();
        for client in FORMATS.iter().copied() {
            let wire = provider.wire(model, Operation::Chat, client).unwrap();
            match own.iter().find(|(format, _)| *format == client) {
                Some((format, envelope)) => {
                    assert_eq!(wire, Wire { format: *format, envelope: *envelope }, "{client} to {id} {model}")
                }
                None => assert_eq!(wire.format, *other, "{client} to {id} {model}"),
            }
            answered(client, provider, wire, model).unwrap_or_else(|why| panic!("{client} to {id} {model}: {why}"));
        }
    }
    assert_eq!(provider("OpenAI").unwrap().wire("gpt-4o", Operation::Models, Format::OpenAIChat), None);
}

/// Sends the plainest request and reads a call in the reply.
fn answered(client: Format, provider: &'static Descriptor, wire: Wire, model: &str) -> Result<(), String> {
    let sent = prepared(client, &bytes(&plain_request(client, false)), provider, wire, Some(model));
    let sent = sent.map_err(|error| format!("{:?} {error}", error.param))?;
    let mut body: Value = serde_json::from_slice(&sent.body).unwrap();
    if let Some(version) = match wire.envelope {
        Envelope::None => None,
        Envelope::BedrockInvoke => Some("bedrock-2023-05-31"),
        Envelope::VertexRawPredict => Some("vertex-2023-10-16"),
    } {
        let members = body.as_object_mut().unwrap();
        if members.shift_remove("anthropic_version") != Some(json!(version)) || members.contains_key("model") {
            return Err(format!("not the cloud's envelope: {}", String::from_utf8_lossy(&sent.body)));
        }
        if wire.envelope == Envelope::BedrockInvoke && members.contains_key("stream") {
            return Err("a stream is asked for in the body".into());
        }
        members.insert("model".to_owned(), json!(model));
    }
    schema::check(Book::of(wire.format), What::Request, &body)?;
    let (reply, _) = calling(wire.format, &json!("f"), &json!({"x": 1}));
    let reply = sent.exchange.reply(&bytes(&reply)).map_err(|fault| fault.to_string())?;
    let view = view::of_reply(client, &serde_json::from_slice(&reply.body).unwrap());
    match &view.calls[..] {
        [(_, name, input)] if name == "f" && *input == json!({"x": 1}) => Ok(()),
        calls => Err(format!("the call is {calls:?}")),
    }
}
