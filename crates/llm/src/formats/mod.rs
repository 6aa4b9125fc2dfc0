//! One folder a wire format: a decoder and an encoder of its requests, replies, streams and errors. Here they are
//! chosen by format.

mod allowed_tools;
pub mod anthropic;
pub mod bedrock;
pub(crate) mod citations;
pub mod cohere;
pub mod gemini;
mod misfit;
pub mod openai;
pub mod responses;
pub(crate) mod seen;
pub(crate) mod sources;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod vendor;

use crate::framing::{Frame, Framing, sse};
use crate::json::Object;
use crate::model::{Answer, Event, Names, Report, Request};
use crate::{BodyError, ErrorInfo, Format, UpstreamFault, Usage};
use bytes::Bytes;
use seen::{Noted, Observed, Seen};
use serde_json::Value;
use std::sync::Arc;

/// What a particular server of a format wants.
#[derive(Clone, Copy, Debug)]
pub struct ServerRules {
    /// Name of the bound of the answer's length, in OpenAI Chat.
    pub max_tokens: &'static str,
    /// Whether to ask for a stream's usage, in OpenAI Chat.
    pub stream_usage: bool,
    /// Whether it is the cloud's flavour of the format: Vertex AI's of Gemini.
    pub cloud: bool,
}

/// A request in the target's format.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// The body. Formats that name the model in the path leave it out.
    pub body: Value,
    /// Whether a tool of ours was added whose call is the answer's text.
    pub json_tool: bool,
}

/// What was changed in a request and must be undone in its reply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restore {
    /// Tool names that were replaced.
    pub names: Names,
    /// Whether a tool of ours was added whose call is the answer's text.
    pub json_tool: bool,
}

/// What the client's reply depends on beside the answer.
#[derive(Clone, Debug)]
pub struct ReplyContext {
    /// The format in which the answer came; of Claude's answers Anthropic's wherever they came from, for the
    /// signatures over its thinking are the same.
    pub origin: Format,
    /// When, in seconds since 1970, where upstream tells no time.
    pub now: u64,
    /// Whether the client asked for a stream's usage, in OpenAI Chat.
    pub show_usage: bool,
    /// How the client's stream is framed.
    pub framing: Framing,
    /// The client's request without its conversation, for formats whose replies repeat it; `None` for the others.
    pub request: Option<Arc<Object>>,
    /// The model that the client asked for.
    pub model: String,
}

/// Decodes a request body of this format.
///
/// # Errors
/// A [`BodyError`] naming the field.
pub fn decode_request(format: Format, body: Object) -> Result<Request, BodyError> {
    match format {
        Format::OpenAIChat => openai::decode_request(body),
        Format::OpenAIResponses => responses::decode_request(body),
        Format::AnthropicMessages => anthropic::decode_request(body),
        Format::GeminiGenerateContent => gemini::decode_request(body),
        Format::BedrockConverse => bedrock::decode_request(body),
        Format::CohereChat => cohere::decode_request(body),
    }
}

/// What a client's reply repeats of its request; `None` in formats that repeat nothing.
///
/// # Errors
/// As [`decode_request`].
pub(crate) fn repeated(client: Format, body: &[u8]) -> Result<Option<Object>, BodyError> {
    match client {
        Format::OpenAIResponses => responses::repeated(crate::translate::parse(body)?).map(Some),
        _ => Ok(None),
    }
}

/// Whether thinking of another vendor, signed by a wrapped signature, must be taken out of a relayed request.
pub(crate) fn signs_thinking(format: Format) -> bool {
    format != Format::OpenAIChat
}

/// Whose signatures the thinking of a model bears, see [`ReplyContext::origin`].
pub(crate) fn signer(wire: Format, model: &str) -> Format {
    match wire {
        Format::BedrockConverse if bedrock::models::thinks_as_anthropic(model) => Format::AnthropicMessages,
        wire => wire,
    }
}

/// Encodes a request. `names` learns which tool names were replaced.
///
/// # Errors
/// A [`BodyError`] naming the field, when the request asks for what this format cannot do at all.
pub fn encode_request(
    wire: Format,
    mut request: Request,
    rules: ServerRules,
    names: &mut Names,
    report: &mut Report,
) -> Result<Encoded, BodyError> {
    if request.origin != wire {
        sources::spell(&mut request);
        misfit::refuse_misfits(&request)?;
    }
    if request.origin == Format::OpenAIResponses && wire != Format::OpenAIResponses {
        responses::for_other(&mut request, wire, report)?;
    }
    if request.origin == Format::GeminiGenerateContent && wire != Format::GeminiGenerateContent {
        gemini::for_others(&mut request);
    }
    let plain = |body| Encoded { body, json_tool: false };
    allowed_tools::keep_allowed(&mut request, wire, report);
    let request = vendor::leave_home(request, wire)?;
    match wire {
        Format::OpenAIChat => openai::encode_request(request, rules, names, report).map(plain),
        Format::OpenAIResponses => responses::encode_request(request, names, report).map(plain),
        Format::AnthropicMessages => {
            let (body, json_tool) = anthropic::encode_request(request, names, report)?;
            Ok(Encoded { body, json_tool })
        }
        Format::GeminiGenerateContent => gemini::encode_request(request, rules, names, report).map(plain),
        Format::BedrockConverse => bedrock::encode_request(request, names, report),
        Format::CohereChat => cohere::encode_request(request, names, report).map(plain),
    }
}

/// A route's params (OpenAI Chat names) as members of this format's body, for a request that is relayed. Members that
/// stand in an inner object come inside of one, see [`nested_params`].
///
/// # Errors
/// When one of them is not what it must be.
pub(crate) fn encode_params(
    wire: Format,
    params: Object,
    model: &str,
    has_tools: bool,
    report: &mut Report,
) -> Result<Object, BodyError> {
    match wire {
        Format::OpenAIChat => Ok(params),
        Format::OpenAIResponses => responses::encode_params(params, model, has_tools, report),
        Format::AnthropicMessages => anthropic::encode_params(params, model, has_tools, report),
        Format::GeminiGenerateContent => gemini::encode_params(params, model, report),
        Format::BedrockConverse => bedrock::encode_params(params, model, report),
        Format::CohereChat => cohere::encode_params(params, model, report),
    }
}

/// Members of a body that are objects into which params are merged, member by member.
pub(crate) fn nested_params(wire: Format) -> &'static [&'static str] {
    match wire {
        Format::OpenAIChat | Format::AnthropicMessages | Format::CohereChat => &[],
        Format::OpenAIResponses => &["reasoning", "text"],
        Format::GeminiGenerateContent => &["generationConfig"],
        Format::BedrockConverse => &["inferenceConfig", "additionalModelRequestFields"],
    }
}

/// Encodes an answer.
#[must_use]
pub fn encode_reply(client: Format, answer: Answer, context: &ReplyContext, report: &mut Report) -> Value {
    without_place(client, &answer, report);
    match client {
        Format::OpenAIChat => openai::encode_reply(answer, context, report),
        Format::OpenAIResponses => responses::encode_reply(answer, context, report),
        Format::AnthropicMessages => anthropic::encode_reply(answer, context, report),
        Format::GeminiGenerateContent => gemini::encode_reply(answer, context, report),
        Format::BedrockConverse => bedrock::encode_reply(answer, context, report),
        Format::CohereChat => cohere::encode_reply(answer, context, report),
    }
}

/// Reports what stands beside an answer's parts and a format has no member for.
fn without_place(client: Format, answer: &Answer, report: &mut Report) {
    use Format::{AnthropicMessages, BedrockConverse, CohereChat, GeminiGenerateContent};
    let usage = answer.usage.unwrap_or_default();
    let lost = [
        (
            "stop_sequence",
            answer.finish.stop_sequence.is_some(),
            !matches!(client, AnthropicMessages | BedrockConverse),
        ),
        ("usage.cache_creation", usage.cache_creation > 0, matches!(client, GeminiGenerateContent | CohereChat)),
        ("usage.reasoning", usage.reasoning > 0, matches!(client, BedrockConverse | CohereChat)),
    ];
    lost.iter().filter(|(_, said, has_none)| *said && *has_none).for_each(|(name, ..)| report.drop(name));
}

/// Decodes a whole 2xx reply of this format.
///
/// # Errors
/// When it is none, or reports an error.
pub fn decode_reply(
    wire: Format,
    body: Value,
    restore: &Restore,
    report: &mut Report,
) -> Result<Answer, UpstreamFault> {
    let names = &restore.names;
    match wire {
        Format::OpenAIChat => openai::decode_reply(body, names, report),
        Format::OpenAIResponses => responses::decode_reply(body, names, report),
        Format::AnthropicMessages => anthropic::decode_reply(body, names, restore.json_tool, report),
        Format::GeminiGenerateContent => gemini::decode_reply(body, names, report),
        Format::BedrockConverse => bedrock::decode_reply(body, restore, report),
        Format::CohereChat => cohere::decode_reply(body, names, report),
    }
}

/// The error that a body or a frame's data reports, `None` when it reports none. `status` is that of the reply, or 502
/// for an error inside a 200.
#[must_use]
pub fn read_error(wire: Format, value: &Value, status: u16) -> Option<ErrorInfo> {
    match wire {
        Format::OpenAIChat | Format::OpenAIResponses => openai::read_error(value, status),
        Format::AnthropicMessages => anthropic::read_error(value, status),
        Format::GeminiGenerateContent => gemini::read_error(value, status),
        Format::BedrockConverse => bedrock::read_error(value, status),
        Format::CohereChat => cohere::read_error(value, status),
    }
}

/// An error as the last frame of a client's stream. OpenAI's clients get no `[DONE]` after it: the stream did not end
/// well. `sequence` is the number of the next event, in formats that number them.
#[must_use]
pub fn error_frame(client: Format, framing: Framing, error: &ErrorInfo, sequence: u64) -> Bytes {
    let body = crate::error::error_body(client.dialect(), error);
    match client {
        Format::OpenAIChat => sse::write(None, &crate::json::bytes(&body)),
        Format::OpenAIResponses => responses::error_frame(error, sequence),
        Format::AnthropicMessages => sse::write(Some("error"), &crate::json::bytes(&body)),
        Format::GeminiGenerateContent => gemini::error_frame(framing, error),
        Format::BedrockConverse => bedrock::error_frame(error),
        Format::CohereChat => cohere::error_frame(error),
    }
}

/// Notes what one frame of a relayed stream says.
pub(crate) fn observe(wire: Format, framing: Framing, frame: &Bytes, noted: &mut Noted) -> Seen {
    match wire {
        Format::OpenAIChat => openai::observe(frame, noted),
        Format::OpenAIResponses => responses::observe(frame, noted),
        Format::AnthropicMessages => anthropic::observe(frame, noted),
        Format::GeminiGenerateContent => gemini::observe(framing, frame, noted),
        Format::BedrockConverse => bedrock::observe(frame, noted),
        Format::CohereChat => cohere::observe(frame, noted),
    }
}

/// Reads usage, finish and model out of a relayed 2xx reply.
///
/// # Errors
/// When it is not of the format, or reports an error.
pub(crate) fn observe_reply(wire: Format, body: &[u8]) -> Result<Observed, UpstreamFault> {
    // What is skipped is not checked by the parser, and a client must not get bytes that are no text.
    let text = std::str::from_utf8(body).map_err(|_| UpstreamFault::malformed(wire, "not UTF-8"))?;
    match wire {
        Format::OpenAIChat => openai::observe_reply(text),
        Format::OpenAIResponses => responses::observe_reply(text),
        Format::AnthropicMessages => anthropic::observe_reply(text),
        Format::GeminiGenerateContent => gemini::observe_reply(text),
        Format::BedrockConverse => bedrock::observe_reply(text),
        Format::CohereChat => cohere::observe_reply(text),
    }
}

/// A decoder of one stream.
#[derive(Debug)]
pub enum StreamDecoder {
    /// Of OpenAI Chat.
    OpenAIChat(openai::StreamDecoder),
    /// Of OpenAI Responses.
    OpenAIResponses(responses::StreamDecoder),
    /// Of Anthropic Messages.
    AnthropicMessages(anthropic::StreamDecoder),
    /// Of Gemini's `streamGenerateContent`.
    GeminiGenerateContent(Box<gemini::StreamDecoder>),
    /// Of Bedrock's `converse-stream`.
    BedrockConverse(bedrock::StreamDecoder),
    /// Of Cohere's chat.
    CohereChat(cohere::StreamDecoder),
}

impl StreamDecoder {
    /// A decoder that undoes what was changed in the request.
    #[must_use]
    pub fn new(wire: Format, restore: Restore) -> Self {
        let Restore { names, json_tool } = restore;
        match wire {
            Format::OpenAIChat => Self::OpenAIChat(openai::StreamDecoder::new(names)),
            Format::OpenAIResponses => Self::OpenAIResponses(responses::StreamDecoder::new(names)),
            Format::AnthropicMessages => Self::AnthropicMessages(anthropic::StreamDecoder::new(names, json_tool)),
            Format::GeminiGenerateContent => Self::GeminiGenerateContent(Box::new(gemini::StreamDecoder::new(names))),
            Format::BedrockConverse => Self::BedrockConverse(bedrock::StreamDecoder::new(Restore { names, json_tool })),
            Format::CohereChat => Self::CohereChat(cohere::StreamDecoder::new(names)),
        }
    }

    /// Takes one frame.
    ///
    /// # Errors
    /// When its data is not JSON.
    pub fn push(&mut self, frame: &Frame, out: &mut Vec<Event>) -> Result<(), UpstreamFault> {
        match self {
            Self::OpenAIChat(decoder) => decoder.push(frame, out),
            Self::OpenAIResponses(decoder) => decoder.push(frame, out),
            Self::AnthropicMessages(decoder) => decoder.push(frame, out),
            Self::GeminiGenerateContent(decoder) => decoder.push(frame, out),
            Self::BedrockConverse(decoder) => decoder.push(frame, out),
            Self::CohereChat(decoder) => decoder.push(frame, out),
        }
    }

    /// Takes upstream's end.
    ///
    /// # Errors
    /// When the answer has not ended.
    pub fn finish(&mut self, out: &mut Vec<Event>) -> Result<(), UpstreamFault> {
        match self {
            Self::OpenAIChat(decoder) => decoder.finish(out),
            Self::OpenAIResponses(decoder) => decoder.finish(out),
            Self::AnthropicMessages(decoder) => decoder.finish(out),
            Self::GeminiGenerateContent(decoder) => decoder.finish(out),
            Self::BedrockConverse(decoder) => decoder.finish(out),
            Self::CohereChat(decoder) => decoder.finish(out),
        }
    }

    /// Whether the answer is whole but for what may come behind its finish.
    #[must_use]
    pub fn has_finish(&self) -> bool {
        match self {
            Self::OpenAIChat(decoder) => decoder.has_finish(),
            Self::OpenAIResponses(decoder) => decoder.has_finish(),
            Self::AnthropicMessages(decoder) => decoder.has_finish(),
            Self::GeminiGenerateContent(decoder) => decoder.has_finish(),
            Self::BedrockConverse(decoder) => decoder.has_finish(),
            Self::CohereChat(decoder) => decoder.has_finish(),
        }
    }

    /// Tokens as far as upstream has told.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        match self {
            Self::OpenAIChat(decoder) => decoder.usage(),
            Self::OpenAIResponses(decoder) => decoder.usage(),
            Self::AnthropicMessages(decoder) => decoder.usage(),
            Self::GeminiGenerateContent(decoder) => decoder.usage(),
            Self::BedrockConverse(decoder) => decoder.usage(),
            Self::CohereChat(decoder) => decoder.usage(),
        }
    }
}

/// An encoder of one stream.
#[derive(Debug)]
pub enum StreamEncoder {
    /// For OpenAI Chat.
    OpenAIChat(openai::StreamEncoder),
    /// For OpenAI Responses.
    OpenAIResponses(Box<responses::StreamEncoder>),
    /// For Anthropic Messages.
    AnthropicMessages(anthropic::StreamEncoder),
    /// For Gemini's `streamGenerateContent`.
    GeminiGenerateContent(gemini::StreamEncoder),
    /// For Bedrock's `converse-stream`.
    BedrockConverse(bedrock::StreamEncoder),
    /// For Cohere's chat.
    CohereChat(cohere::StreamEncoder),
}

impl StreamEncoder {
    /// An encoder for `client`.
    #[must_use]
    pub fn new(client: Format, context: ReplyContext) -> Self {
        match client {
            Format::OpenAIChat => Self::OpenAIChat(openai::StreamEncoder::new(&context)),
            Format::OpenAIResponses => Self::OpenAIResponses(Box::new(responses::StreamEncoder::new(context))),
            Format::AnthropicMessages => Self::AnthropicMessages(anthropic::StreamEncoder::new(&context)),
            Format::GeminiGenerateContent => Self::GeminiGenerateContent(gemini::StreamEncoder::new(context)),
            Format::BedrockConverse => Self::BedrockConverse(bedrock::StreamEncoder::new(context)),
            Format::CohereChat => Self::CohereChat(cohere::StreamEncoder::new(context)),
        }
    }

    /// Takes one event.
    pub fn push(&mut self, event: Event, out: &mut Vec<Bytes>) {
        match self {
            Self::OpenAIChat(encoder) => encoder.push(event, out),
            Self::OpenAIResponses(encoder) => encoder.push(event, out),
            Self::AnthropicMessages(encoder) => encoder.push(event, out),
            Self::GeminiGenerateContent(encoder) => encoder.push(event, out),
            Self::BedrockConverse(encoder) => encoder.push(event, out),
            Self::CohereChat(encoder) => encoder.push(event, out),
        }
    }

    /// What ends a stream that failed, where it is more than an [`error_frame`].
    pub fn fail(&mut self, error: &ErrorInfo) -> Option<Bytes> {
        match self {
            Self::OpenAIResponses(encoder) => Some(encoder.fail(error)),
            _ => None,
        }
    }
}
