//! Another wire than the client's: requests and streams pass through the neutral model.

use crate::error::BodyError;
use crate::exchange::Target;
use crate::formats::seen::Noted;
use crate::formats::{self, ReplyContext, Restore, StreamDecoder, StreamEncoder};
use crate::framing::{self, Framing, Splitter};
use crate::json::Object;
use crate::model::{Event, Names, PartStart, Report};
use crate::sketch::Sketch;
use crate::{ErrorInfo, Format, Outline, UpstreamFault};
use bytes::Bytes;
use serde_json::{Value, json};

/// A request in the target's format.
pub(crate) struct Translated {
    pub(crate) body: Value,
    pub(crate) restore: Restore,
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
    request.model = target.model.map(str::to_owned).or_else(|| outline.model.clone()).or(request.model);
    if client.asks_in_path() {
        request.stream = Some(outline.stream);
    }
    if target.wire.format == Format::BedrockConverse && !outline.betas.is_empty() {
        request.extras.entry("anthropic_beta").or_insert_with(|| json!(outline.betas));
    }
    let mut names = Names::default();
    let encoded = formats::encode_request(target.wire.format, request, target.provider.rules, &mut names, report)?;
    Ok(Translated { body: encoded.body, restore: Restore { names, json_tool: encoded.json_tool } })
}

/// A body without thinking that another vendor signed: a conversation that was held elsewhere would be refused.
pub(crate) fn without_foreign_thinking(
    client: Format,
    body: &[u8],
    target: &Target<'_>,
    report: &mut Report,
) -> Result<Bytes, BodyError> {
    let request = formats::decode_request(client, parse(body)?)?;
    let rules = target.provider.rules;
    let encoded = formats::encode_request(client, request, rules, &mut Names::default(), report)?;
    Ok(crate::json::bytes(&encoded.body))
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
    framing: Framing,
    splitter: Splitter,
    decoder: StreamDecoder,
    encoder: StreamEncoder,
    pub(crate) noted: Noted,
    wire: Format,
    /// What the answer is called where upstream does not say.
    called: Called,
    sketch: Sketch,
    client: Format,
    context: ReplyContext,
}

/// Id and model of an answer, for formats that name neither (Converse).
#[derive(Clone, Debug, Default)]
pub(crate) struct Called {
    pub(crate) id: String,
    pub(crate) model: String,
}

impl Called {
    pub(crate) fn fill(&self, id: &mut String, model: &mut String) {
        if id.is_empty() {
            id.clone_from(&self.id);
        }
        if model.is_empty() {
            model.clone_from(&self.model);
        }
    }
}

impl Translator {
    pub(crate) fn new(
        client: Format,
        wire: Format,
        framing: Framing,
        restore: Restore,
        context: ReplyContext,
        called: Called,
    ) -> Self {
        Self {
            framing,
            splitter: Splitter::new(framing),
            decoder: StreamDecoder::new(wire, restore),
            encoder: StreamEncoder::new(client, context.clone()),
            sketch: Sketch::default(),
            client,
            context,
            noted: Noted::default(),
            wire,
            called,
        }
    }

    pub(crate) fn push(&mut self, bytes: Bytes, out: &mut Vec<Bytes>) -> Result<(), UpstreamFault> {
        let mut frames = Vec::new();
        let pushed = self.splitter.push(bytes, |frame| frames.push(frame));
        for frame in frames {
            self.frame(&frame, out)?;
        }
        pushed.map_err(|error| UpstreamFault::of_frame(self.wire, error))
    }

    pub(crate) fn finish(&mut self, out: &mut Vec<Bytes>) -> Result<(), UpstreamFault> {
        let rest = self.splitter.rest();
        if !rest.trim_ascii().is_empty() {
            // Half a frame is the cut itself, not another fault.
            match self.frame(&rest, out) {
                Err(UpstreamFault::Malformed { .. }) => return Err(UpstreamFault::Truncated),
                other => other?,
            }
        }
        let mut events = Vec::new();
        self.decoder.finish(&mut events)?;
        self.encode(events, out)
    }

    /// Whether the answer is whole but for what may come behind its finish.
    pub(crate) fn has_finish(&self) -> bool {
        self.decoder.has_finish()
    }

    /// What of all that came the client's format says only nearly, or has no place for.
    pub(crate) fn lost(&self) -> Report {
        self.sketch.clone().lost(self.client, &self.context)
    }

    /// What ends the client's stream when it failed, in formats where that depends on what came before.
    pub(crate) fn fail(&mut self, error: &ErrorInfo) -> Option<Bytes> {
        self.encoder.fail(error)
    }

    fn frame(&mut self, frame: &Bytes, out: &mut Vec<Bytes>) -> Result<(), UpstreamFault> {
        self.noted.said += u64::from(!framing::is_heartbeat(self.framing, frame));
        let frame = framing::read(self.framing, frame).map_err(|error| UpstreamFault::of_frame(self.wire, error))?;
        let mut events = Vec::new();
        let result = self.decoder.push(&frame, &mut events);
        self.noted.usage = self.decoder.usage().or(self.noted.usage);
        self.encode(events, out)?;
        result
    }

    fn encode(&mut self, events: Vec<Event>, out: &mut Vec<Bytes>) -> Result<(), UpstreamFault> {
        for mut event in events {
            if let Event::Error(error) = event {
                let error = error.for_dialect(self.wire.dialect());
                self.noted.error = Some(error.clone());
                return Err(UpstreamFault::Reported(error));
            }
            self.note(&event);
            self.sketch.note(&event);
            if let Event::Start { id, model, .. } = &mut event {
                self.called.fill(id, model);
            }
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

/// The events of a stream that is all there.
pub(crate) fn read_whole_stream(wire: Format, body: &Bytes, restore: Restore) -> Result<Vec<Event>, UpstreamFault> {
    let framing = wire.framing();
    let mut splitter = Splitter::new(framing);
    let mut frames = Vec::new();
    let pushed = splitter.push(body.clone(), |frame| frames.push(frame));
    pushed.map_err(|error| UpstreamFault::of_frame(wire, error))?;
    let rest = Some(splitter.rest()).filter(|rest| !rest.trim_ascii().is_empty());
    let mut decoder = StreamDecoder::new(wire, restore);
    let mut events = Vec::new();
    let mut take = |frame: &Bytes| -> Result<(), UpstreamFault> {
        let frame = framing::read(framing, frame).map_err(|error| UpstreamFault::of_frame(wire, error))?;
        decoder.push(&frame, &mut events)
    };
    frames.iter().try_for_each(&mut take)?;
    // Half a frame is the cut itself, not another fault.
    rest.iter().try_for_each(take).map_err(|fault| match fault {
        UpstreamFault::Malformed { .. } => UpstreamFault::Truncated,
        other => other,
    })?;
    decoder.finish(&mut events)?;
    match events.iter().find_map(|event| if let Event::Error(error) = event { Some(error.clone()) } else { None }) {
        Some(error) => Err(UpstreamFault::Reported(error.for_dialect(wire.dialect()))),
        None => Ok(events),
    }
}

/// The value of a 2xx reply's body.
pub(crate) fn parse_reply(wire: Format, body: &[u8]) -> Result<Value, UpstreamFault> {
    serde_json::from_slice(body).map_err(|error| {
        UpstreamFault::malformed(wire, format!("not JSON, at line {} column {}", error.line(), error.column()))
    })
}
