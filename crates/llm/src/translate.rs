//! Another wire than the client's: requests and streams pass through the neutral model.

use crate::error::BodyError;
use crate::exchange::Target;
use crate::formats::openai::ServerRules;
use crate::formats::{self, StreamDecoder, StreamEncoder};
use crate::framing::sse::{self, Splitter};
use crate::json::Object;
use crate::model::{Event, Names, PartStart, Report};
use crate::relay::Noted;
use crate::{Format, Outline, UpstreamFault};
use bytes::Bytes;
use serde_json::Value;

/// A request in the target's format.
pub(crate) struct Translated {
    pub(crate) body: Bytes,
    pub(crate) names: Names,
    pub(crate) json_tool: bool,
}

/// Translates a request body, with the route's params.
pub(crate) fn translate_request(
    client: Format,
    body: &[u8],
    outline: &Outline,
    target: &Target<'_>,
    report: &mut Report,
) -> Result<Translated, BodyError> {
    outline.members.all_once()?;
    let mut request = formats::decode_request(client, parse(body)?)?;
    if !target.overrides.is_empty() {
        request.force(formats::openai::decode_params(target.overrides.clone())?);
    }
    if !target.defaults.is_empty() {
        request.fill(formats::openai::decode_params(target.defaults.clone())?);
    }
    if let Some(model) = target.model {
        request.model = Some(model.to_owned());
    }
    let mut names = Names::default();
    let (value, json_tool) = match target.wire {
        Format::OpenAIChat => {
            let rules =
                ServerRules { max_tokens: target.provider.max_tokens, stream_usage: target.provider.stream_usage };
            (formats::openai::encode_request(request, rules, &mut names, report)?, false)
        }
        Format::AnthropicMessages => formats::anthropic::encode_request(request, &mut names, report)?,
    };
    Ok(Translated { body: crate::json::bytes(&value), names, json_tool })
}

/// A body without thinking that another vendor signed: a conversation that was held elsewhere would be refused.
pub(crate) fn without_foreign_thinking(body: &[u8], report: &mut Report) -> Result<Bytes, BodyError> {
    let request = formats::anthropic::decode_request(parse(body)?)?;
    let (value, _) = formats::anthropic::encode_request(request, &mut Names::default(), report)?;
    Ok(crate::json::bytes(&value))
}

/// A client's body as an object.
pub(crate) fn parse(body: &[u8]) -> Result<Object, BodyError> {
    serde_json::from_slice::<Object>(body).map_err(|error| {
        BodyError::new(format!("the body is not valid JSON, at line {} column {}", error.line(), error.column()))
    })
}

/// Translates one stream.
#[derive(Debug)]
pub(crate) struct Translator {
    splitter: Splitter,
    decoder: StreamDecoder,
    encoder: StreamEncoder,
    pub(crate) noted: Noted,
    wire: Format,
}

impl Translator {
    pub(crate) fn new(client: Format, wire: Format, names: Names, json_tool: bool, show_usage: bool, now: u64) -> Self {
        Self {
            splitter: Splitter::default(),
            decoder: StreamDecoder::new(wire, names, json_tool),
            encoder: StreamEncoder::new(client, wire, show_usage, now),
            noted: Noted::default(),
            wire,
        }
    }

    pub(crate) fn push(&mut self, bytes: Bytes, out: &mut Vec<Bytes>) -> Result<(), UpstreamFault> {
        let mut events = Vec::new();
        let pushed = self.splitter.push(bytes, |event| events.push(event));
        for event in events {
            self.event(&event, out)?;
        }
        pushed.map_err(|_| UpstreamFault::TooLarge { limit: sse::MAX_EVENT })
    }

    pub(crate) fn finish(&mut self, out: &mut Vec<Bytes>) -> Result<(), UpstreamFault> {
        let rest = self.splitter.rest();
        if !rest.is_empty() {
            // Half an event is the cut itself, not another fault.
            match self.event(&rest, out) {
                Err(UpstreamFault::Malformed { .. }) => return Err(UpstreamFault::Truncated),
                other => other?,
            }
        }
        let mut events = Vec::new();
        self.decoder.finish(&mut events)?;
        self.encode(events, out)
    }

    fn event(&mut self, event: &Bytes, out: &mut Vec<Bytes>) -> Result<(), UpstreamFault> {
        let mut events = Vec::new();
        let result = self.decoder.push(&sse::read(event), &mut events);
        self.noted.usage = self.decoder.usage().or(self.noted.usage);
        self.encode(events, out)?;
        result
    }

    fn encode(&mut self, events: Vec<Event>, out: &mut Vec<Bytes>) -> Result<(), UpstreamFault> {
        for event in events {
            if let Event::Error(error) = event {
                let error = error.for_dialect(self.wire.dialect());
                self.noted.error = Some(error.clone());
                return Err(UpstreamFault::Reported(error));
            }
            self.note(&event);
            self.encoder.push(event, out);
        }
        Ok(())
    }

    fn note(&mut self, event: &Event) {
        match event {
            Event::Start { model, .. } if !model.is_empty() => self.noted.model = Some(model.clone()),
            Event::PartDelta { .. } => self.noted.has_delta = true,
            Event::PartStart { start: PartStart::ToolCall { .. } | PartStart::RedactedThinking(_), .. } => {
                self.noted.has_delta = true;
            }
            Event::Finish(finish) => self.noted.finish = Some(finish.native.clone()),
            Event::End => self.noted.ended = true,
            _ => {}
        }
    }
}

/// The value of a 2xx reply's body.
pub(crate) fn parse_reply(wire: Format, body: &[u8]) -> Result<Value, UpstreamFault> {
    serde_json::from_slice(body).map_err(|error| {
        UpstreamFault::malformed(wire, format!("not JSON, at line {} column {}", error.line(), error.column()))
    })
}
