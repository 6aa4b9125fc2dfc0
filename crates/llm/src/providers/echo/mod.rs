//! A provider that answers inside of the gateway, in every format, with usage: to try routes without a vendor.

use super::{ApiKeyDefault, Descriptor};
use crate::formats::{self, ReplyContext, ServerRules, StreamEncoder};
use crate::model::{Answer, Content, Event, Finish, FinishKind, Part, PartDelta, PartKind, Report, mint};
use crate::{BodyError, Dialect, Format, Outline, Usage};
use bytes::Bytes;
use std::sync::Arc;

pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    id: "Echo",
    default_endpoint: super::no_endpoint,
    local: true,
    api_key: ApiKeyDefault { header: "", prefix: "" },
    dialects: Dialect::ALL,
    docs: "https://pillion.dev/docs/providers/echo",
    options: &[],
    required_options: &[],
    wire: |_, client| super::nearest(Format::ALL, client),
    url: |endpoint, ask| super::url::join(endpoint, super::url::path(ask.wire.format)),
    native_url: super::versioned,
    rules: ServerRules { max_tokens: "max_tokens", stream_usage: false, cloud: false },
    request_headers: &[],
    required_headers: &[],
    reply_headers: &[],
    query: &[],
};

/// What the provider answers.
#[derive(Clone, Debug)]
pub struct EchoAnswer {
    /// `application/json`, or that of the client's kind of stream.
    pub content_type: &'static str,
    /// One piece for each event of a stream, or the whole JSON body.
    pub chunks: Vec<Bytes>,
    /// Words in and out, counted as tokens.
    pub usage: Usage,
}

/// Answers a chat call with the text of its last message, word by word when a stream is asked for.
///
/// # Errors
/// As for any other provider, when the body is not of the client's format.
pub fn echo(client: Format, body: &Bytes, outline: &Outline) -> Result<EchoAnswer, BodyError> {
    outline.members.all_once()?;
    let request = formats::decode_request(client, crate::translate::parse(body)?)?;
    let said: Vec<String> = request.messages.iter().map(|message| text_of(&message.content)).collect();
    let text = said.last().cloned().unwrap_or_default();
    let system = request.system.as_ref().map(text_of).unwrap_or_default();
    let usage = Usage {
        input: said.iter().map(|text| words(text)).sum::<u64>() + words(&system),
        output: words(&text),
        ..Usage::default()
    };
    let answer = Answer {
        id: format!("echo-{}", mint(&text, usage.input)),
        model: outline.model.clone().unwrap_or_default(),
        created: None,
        parts: vec![Part::text(text)],
        finish: Finish::new(FinishKind::Stop, "stop"),
        usage: Some(usage),
        service_tier: None,
        logprobs: Vec::new(),
    };
    let context = ReplyContext {
        origin: client,
        now: 0,
        show_usage: outline.include_usage,
        framing: outline.framing,
        request: formats::repeated(client, body)?.map(Arc::new),
        model: outline.model.clone().unwrap_or_default(),
    };
    if !outline.stream {
        let value = formats::encode_reply(client, answer, &context, &mut Report::default());
        return Ok(EchoAnswer { content_type: "application/json", chunks: vec![crate::json::bytes(&value)], usage });
    }
    let mut encoder = StreamEncoder::new(client, context);
    let mut chunks = Vec::new();
    for event in answer.into_events().into_iter().flat_map(by_word) {
        encoder.push(event, &mut chunks);
    }
    Ok(EchoAnswer { content_type: outline.framing.content_type(), chunks, usage })
}

fn words(text: &str) -> u64 {
    text.split_whitespace().count() as u64
}

/// The text of a message, of tool results too.
fn text_of(content: &Content) -> String {
    let texts = content.parts.iter().filter_map(|part| match &part.kind {
        PartKind::Text(text) => Some(text.clone()),
        PartKind::ToolResult { content, .. } => Some(text_of(content)),
        _ => None,
    });
    texts.collect::<Vec<_>>().join(" ")
}

/// One delta a word, so that a stream is seen to be one.
fn by_word(event: Event) -> Vec<Event> {
    match event {
        Event::PartDelta { part, delta: PartDelta::Text(text) } => text
            .split_inclusive(' ')
            .map(|word| Event::PartDelta { part, delta: PartDelta::Text(word.to_owned()) })
            .collect(),
        event => vec![event],
    }
}

#[cfg(test)]
mod tests;
