//! A provider that answers inside of the gateway, in every format, with usage: to try routes without a vendor.

use super::{ApiKeyDefault, Descriptor};
use crate::formats::{self, StreamEncoder};
use crate::model::{Answer, Content, Event, Finish, FinishKind, Part, PartDelta, PartKind, Report, mint};
use crate::{BodyError, Dialect, Format, Usage};
use bytes::Bytes;

pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    id: "Echo",
    default_endpoint: None,
    local: true,
    api_key: ApiKeyDefault { header: "", prefix: "" },
    dialects: Dialect::ALL,
    docs: "https://pillion.dev/docs/providers/echo",
    formats: Format::ALL,
    stream_usage: false,
    max_tokens: "max_tokens",
    request_headers: &[],
    required_headers: &[],
    reply_headers: &[],
    query: &[],
};

/// What the provider answers.
#[derive(Clone, Debug)]
pub struct EchoAnswer {
    /// `application/json` or `text/event-stream`.
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
pub fn echo(client: Format, body: &Bytes) -> Result<EchoAnswer, BodyError> {
    let outline = crate::outline(client, body)?;
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
    };
    if !outline.stream {
        let value = formats::encode_reply(client, answer, client, 0, &mut Report::default());
        return Ok(EchoAnswer { content_type: "application/json", chunks: vec![crate::json::bytes(&value)], usage });
    }
    let mut encoder = StreamEncoder::new(client, client, outline.include_usage, 0);
    let mut chunks = Vec::new();
    for event in answer.into_events().into_iter().flat_map(by_word) {
        encoder.push(event, &mut chunks);
    }
    Ok(EchoAnswer { content_type: "text/event-stream", chunks, usage })
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
