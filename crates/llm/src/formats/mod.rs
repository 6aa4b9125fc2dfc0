//! One folder a wire format: a decoder and an encoder of its requests, replies, streams and errors. Here they are
//! chosen by format.

pub mod anthropic;
pub mod openai;

use crate::framing::sse;
use crate::json::Object;
use crate::model::{Answer, Event, Names, Report, Request};
use crate::{BodyError, Format, UpstreamFault, Usage};
use bytes::Bytes;
use serde_json::Value;

/// Decodes a request body of this format.
///
/// # Errors
/// A [`BodyError`] naming the field.
pub fn decode_request(format: Format, body: Object) -> Result<Request, BodyError> {
    match format {
        Format::OpenAIChat => openai::decode_request(body),
        Format::AnthropicMessages => anthropic::decode_request(body),
    }
}

/// Encodes an answer that came in `origin`'s format.
#[must_use]
pub fn encode_reply(client: Format, answer: Answer, origin: Format, now: u64, report: &mut Report) -> Value {
    match client {
        Format::OpenAIChat => openai::encode_reply(answer, now, report),
        Format::AnthropicMessages => anthropic::encode_reply(answer, origin, report),
    }
}

/// Decodes a whole 2xx reply of this format.
///
/// # Errors
/// When it is none, or reports an error.
pub fn decode_reply(
    wire: Format,
    body: Value,
    names: &Names,
    json_tool: bool,
    report: &mut Report,
) -> Result<Answer, UpstreamFault> {
    match wire {
        Format::OpenAIChat => openai::decode_reply(body, names, report),
        Format::AnthropicMessages => anthropic::decode_reply(body, names, json_tool, report),
    }
}

/// A decoder of one stream.
#[derive(Debug)]
pub enum StreamDecoder {
    /// Of OpenAI Chat.
    OpenAIChat(openai::StreamDecoder),
    /// Of Anthropic Messages.
    AnthropicMessages(anthropic::StreamDecoder),
}

impl StreamDecoder {
    /// A decoder that restores tool names; see [`anthropic::encode_request`] for `json_tool`.
    #[must_use]
    pub fn new(wire: Format, names: Names, json_tool: bool) -> Self {
        match wire {
            Format::OpenAIChat => Self::OpenAIChat(openai::StreamDecoder::new(names)),
            Format::AnthropicMessages => Self::AnthropicMessages(anthropic::StreamDecoder::new(names, json_tool)),
        }
    }

    /// Takes one event.
    ///
    /// # Errors
    /// When its data is not JSON.
    pub fn push(&mut self, event: &sse::Event, out: &mut Vec<Event>) -> Result<(), UpstreamFault> {
        match self {
            Self::OpenAIChat(decoder) => decoder.push(event, out),
            Self::AnthropicMessages(decoder) => decoder.push(event, out),
        }
    }

    /// Takes upstream's end.
    ///
    /// # Errors
    /// When the answer has not ended.
    pub fn finish(&mut self, out: &mut Vec<Event>) -> Result<(), UpstreamFault> {
        match self {
            Self::OpenAIChat(decoder) => decoder.finish(out),
            Self::AnthropicMessages(decoder) => decoder.finish(out),
        }
    }

    /// Tokens as far as upstream has told.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        match self {
            Self::OpenAIChat(decoder) => decoder.usage(),
            Self::AnthropicMessages(decoder) => decoder.usage(),
        }
    }
}

/// An encoder of one stream.
#[derive(Debug)]
pub enum StreamEncoder {
    /// For OpenAI Chat.
    OpenAIChat(openai::StreamEncoder),
    /// For Anthropic Messages.
    AnthropicMessages(anthropic::StreamEncoder),
}

impl StreamEncoder {
    /// An encoder for `client` of an answer that comes in `origin`'s format.
    #[must_use]
    pub fn new(client: Format, origin: Format, show_usage: bool, now: u64) -> Self {
        match client {
            Format::OpenAIChat => Self::OpenAIChat(openai::StreamEncoder::new(show_usage, now)),
            Format::AnthropicMessages => Self::AnthropicMessages(anthropic::StreamEncoder::new(origin)),
        }
    }

    /// Takes one event.
    pub fn push(&mut self, event: Event, out: &mut Vec<Bytes>) {
        match self {
            Self::OpenAIChat(encoder) => encoder.push(event, out),
            Self::AnthropicMessages(encoder) => encoder.push(event, out),
        }
    }
}
