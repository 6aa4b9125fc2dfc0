//! One attempt: the client's body becomes upstream's, and upstream's reply becomes the client's. A retry prepares
//! again from the client's original, so it may cross vendors.

use crate::envelope::Unwrap;
use crate::error::decode_error;
use crate::formats::{self, ReplyContext, Restore, StreamEncoder};
use crate::framing::Framing;
use crate::json::Object;
use crate::model::{Answer, Event, Report, has_foreign_signature, mint};
use crate::named::{named, named_error};
use crate::relay::{self, Splices};
use crate::reply_stream::ReplyStream;
use crate::translate::{
    Called, Translator, parse_reply, read_whole_stream, translate_request, without_foreign_thinking,
};
use crate::{BodyError, Descriptor, Envelope, ErrorInfo, Format, Outline, UpstreamFault, Usage, Wire};
use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Value, json};
use std::sync::Arc;

/// Where one attempt goes.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// Who serves it.
    pub provider: &'static Descriptor,
    /// In which format, as [`Descriptor::wire`] told.
    pub wire: Wire,
    /// The model to ask for in place of the client's.
    pub model: Option<&'a str>,
    /// Parameters that fill what the client left out, under their OpenAI Chat names.
    pub defaults: &'a Object,
    /// Parameters that win over the client, under their OpenAI Chat names.
    pub overrides: &'a Object,
    /// Whether a stream's usage is asked for where the client did not, in formats that tell it only then.
    pub ask_usage: bool,
}

/// A prepared attempt.
#[derive(Debug)]
pub struct Prepared {
    /// The body to send, `application/json`.
    pub body: Bytes,
    /// Fields of the client's body that upstream can be told only nearly.
    pub approximated: Vec<String>,
    /// Fields of the client's body that upstream cannot be told.
    pub dropped: Vec<String>,
    /// What reads the reply.
    pub exchange: Exchange,
}

/// A complete reply for the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The body, in the client's format.
    pub body: Bytes,
    /// Tokens it took, where upstream told.
    pub usage: Option<Usage>,
    /// Why it ended, in upstream's own word.
    pub finish: Option<String>,
    /// The model that upstream says answered.
    pub model: Option<String>,
    /// Parts of the reply that the client's format says only nearly, or has no place for.
    pub lost: Report,
}

/// A whole reply made a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Streamed {
    /// The client's stream, frame by frame.
    pub frames: Vec<Bytes>,
    /// Tokens it took, where upstream told.
    pub usage: Option<Usage>,
    /// Why it ended, in upstream's own word.
    pub finish: String,
    /// As of a [`Reply`].
    pub lost: Report,
}

/// Reads upstream's reply to one prepared body.
#[derive(Clone, Debug)]
pub struct Exchange {
    client: Format,
    wire: Wire,
    /// Relay: the usage chunk is ours alone. Translation: the client asked for usage.
    hide_usage: bool,
    show_usage: bool,
    /// How the client's stream is framed.
    framing: Framing,
    restore: Restore,
    /// The client's request without its conversation, for formats whose replies repeat it.
    request: Option<Arc<Object>>,
    model: String,
    now: u64,
    /// What the request ends in, for the id of an answer that upstream gives none.
    seed: String,
}

/// Makes upstream's body of the client's.
///
/// Guarantee (invariant 6): where both formats are the same the bytes are equal save for the splices of `model`,
/// `stream_options.include_usage`, params and a cloud's envelope; and save thinking that another vendor signed, which
/// is taken out.
///
/// # Errors
/// A [`BodyError`] that names the field when the client's body is wrong, or asks for what the target's format cannot
/// do at all.
pub fn prepare(client: Format, body: &Bytes, outline: &Outline, target: &Target<'_>) -> Result<Prepared, BodyError> {
    let prepared = prepare_unnamed(client, body, outline, target);
    if client == target.wire.format {
        return prepared;
    }
    let mut prepared = prepared.map_err(|error| named_error(client, body, error))?;
    for field in prepared.approximated.iter_mut().chain(&mut prepared.dropped) {
        *field = named(client, field);
    }
    Ok(prepared)
}

/// The same with fields as the model's encoders name them, whoever asks.
pub(crate) fn prepare_unnamed(
    client: Format,
    body: &Bytes,
    outline: &Outline,
    target: &Target<'_>,
) -> Result<Prepared, BodyError> {
    crate::threads::refuse(client, body, outline, target.wire)?;
    let mut report = Report::default();
    let mut exchange = Exchange {
        client,
        wire: target.wire,
        hide_usage: false,
        show_usage: outline.include_usage,
        framing: outline.framing,
        restore: Restore::default(),
        request: None,
        model: target.model.or(outline.model.as_deref()).unwrap_or_default().to_owned(),
        now: 0,
        seed: String::new(),
    };
    let body = if client == target.wire.format {
        let (body, hide_usage) = relayed(client, body, outline, target, &mut report)?;
        exchange.hide_usage = hide_usage;
        body
    } else {
        let translated = translate_request(client, body, outline, target, &mut report)?;
        exchange.restore = translated.restore;
        exchange.request = formats::repeated(client, body)?.map(Arc::new);
        enveloped(translated.body, target.wire.envelope)
    };
    // A relayed reply keeps the name that it has.
    if !exchange.relays() {
        exchange.seed = seed(&body);
    }
    Ok(Prepared { body, approximated: report.approximated, dropped: report.dropped, exchange })
}

/// A few letters of a body's end, where a conversation differs from its last turn's.
fn seed(body: &[u8]) -> String {
    const ENOUGH: usize = 1024;
    let tail = &body[body.len().saturating_sub(ENOUGH)..];
    mint(&String::from_utf8_lossy(tail), body.len() as u64)
}

/// A body of ours as the cloud wants it.
fn enveloped(mut body: Value, envelope: Envelope) -> Bytes {
    if let Value::Object(members) = &mut body {
        for key in envelope.without() {
            members.shift_remove(*key);
        }
        for (key, value) in envelope.with() {
            members.entry(*key).or_insert_with(|| json!(value));
        }
    }
    crate::json::bytes(&body)
}

/// The client's body with splices, and whether the usage chunk must be hidden.
fn relayed(
    client: Format,
    body: &Bytes,
    outline: &Outline,
    target: &Target<'_>,
    report: &mut Report,
) -> Result<(Bytes, bool), BodyError> {
    let mut cleaned = body.clone();
    if formats::signs_thinking(client) && has_foreign_signature(body) {
        outline.members.all_once()?;
        let without = without_foreign_thinking(client, body, target, report)?;
        if !has_foreign_signature(&without) {
            cleaned = without;
        }
    }
    let model = target.model.or(outline.model.as_deref()).unwrap_or_default();
    if let Some(stripped) = target.wire.envelope.stripped(&cleaned, model, report) {
        outline.members.all_once()?;
        cleaned = stripped;
    }
    if cleaned == *body {
        return spliced(client, body, outline, target, report);
    }
    let cleaned_outline = crate::outline(client, &cleaned)?;
    let members = cleaned_outline.members;
    let outline = Outline { members, stream_options: cleaned_outline.stream_options, ..outline.clone() };
    spliced(client, &cleaned, &outline, target, report)
}

fn spliced(
    client: Format,
    body: &Bytes,
    outline: &Outline,
    target: &Target<'_>,
    report: &mut Report,
) -> Result<(Bytes, bool), BodyError> {
    let mut splices = Splices::default();
    if let Some(model) = target.model.or(outline.model.as_deref())
        && !client.asks_in_path()
        && target.wire.envelope == Envelope::None
    {
        relay::splice_model(&mut splices, outline, model, body)?;
    }
    let mut hide_usage = false;
    if client == Format::OpenAIChat && target.provider.rules.stream_usage && target.ask_usage {
        hide_usage = relay::splice_usage(&mut splices, outline)?;
    }
    if !target.defaults.is_empty() || !target.overrides.is_empty() {
        let mut params = |params: &Object| -> Result<Object, BodyError> {
            let mut params = params.clone();
            for key in NEVER_PARAMS {
                params.shift_remove(*key);
            }
            let model = target.model.or(outline.model.as_deref()).unwrap_or_default();
            let has_tools = outline.members.get("tools")?.is_some();
            formats::encode_params(client, params, model, has_tools, &mut *report)
        };
        let (defaults, overrides) = (params(target.defaults)?, params(target.overrides)?);
        let nested = formats::nested_params(client);
        relay::splice_params(&mut splices, &outline.members, &defaults, &overrides, same_param, nested, body)?;
    }
    let envelope = target.wire.envelope;
    if envelope != Envelope::None {
        let mut with: Vec<(&str, Value)> = envelope.with().iter().map(|(key, value)| (*key, json!(value))).collect();
        let model = target.model.or(outline.model.as_deref()).unwrap_or_default();
        with.extend(envelope.betas(&outline.betas, model, report).map(|betas| ("anthropic_beta", betas)));
        relay::splice_envelope(&mut splices, &outline.members, envelope.without(), &with, body)?;
    }
    Ok((splices.apply(body), hide_usage))
}

/// What a route says elsewhere, or the client alone.
const NEVER_PARAMS: &[&str] = &["messages", "model", "stream", "stream_options"];

/// Names that mean the same: in OpenAI Chat, and in Google's two spellings.
fn same_param(key: &str) -> &'static [&'static str] {
    match key {
        "max_tokens" | "max_completion_tokens" => &["max_completion_tokens", "max_tokens"],
        key => formats::gemini::spellings(key),
    }
}

impl Exchange {
    /// Tells when the attempt is made (seconds since 1970), for formats whose replies say when they were made while
    /// upstream's do not. This crate reads no clock; without it they say 0.
    #[must_use]
    pub fn at(mut self, now: u64) -> Self {
        self.now = now;
        self
    }

    /// Reads a complete 2xx body.
    ///
    /// # Errors
    /// When it is not of the format that was asked for, or reports an error.
    pub fn reply(&self, body: &Bytes) -> Result<Reply, UpstreamFault> {
        if self.relays() {
            let observed = formats::observe_reply(self.wire.format, body)?;
            return Ok(Reply {
                body: body.clone(),
                usage: observed.usage,
                finish: observed.finish,
                model: observed.model,
                lost: Report::default(),
            });
        }
        let mut report = Report::default();
        let value = parse_reply(self.wire.format, body)?;
        let mut answer = formats::decode_reply(self.wire.format, value, &self.restore, &mut report)?;
        let (usage, finish, model) = (answer.usage, answer.finish.native.clone(), answer.model.clone());
        self.called().fill(&mut answer.id, &mut answer.model);
        let value = formats::encode_reply(self.client, answer, &self.context(), &mut report);
        Ok(Reply {
            body: crate::json::bytes(&value),
            usage,
            finish: Some(finish),
            model: Some(model).filter(|model| !model.is_empty()),
            lost: report,
        })
    }

    fn context(&self) -> ReplyContext {
        ReplyContext {
            origin: formats::signer(self.wire.format, &self.model),
            now: self.now,
            show_usage: self.show_usage,
            framing: self.framing,
            request: self.request.clone(),
            model: self.model.clone(),
        }
    }

    /// What the answer is called where upstream does not say.
    fn called(&self) -> Called {
        Called { id: format!("{}{}", self.seed, mint(&self.seed, self.now)), model: self.model.clone() }
    }

    /// What reads a 2xx stream.
    #[must_use]
    pub fn stream(&self) -> ReplyStream {
        let Wire { format, envelope } = self.wire;
        let unwrap = Unwrap::new(envelope, format);
        if self.relays() {
            return ReplyStream::relay(self.client, self.framing, self.hide_usage, unwrap);
        }
        let restore = self.restore.clone();
        let translator = Translator::new(self.client, format, format.framing(), restore, self.context(), self.called());
        ReplyStream::translate(self.client, self.framing, translator, unwrap)
    }

    /// How upstream frames the stream that is asked for: where bodies are relayed, as the client wants it.
    #[must_use]
    pub fn upstream_framing(&self) -> Framing {
        match self.wire.envelope {
            Envelope::None if self.relays() => self.framing,
            envelope => Unwrap::framing(envelope, self.wire.format),
        }
    }

    /// How the client's stream is framed.
    #[must_use]
    pub fn client_framing(&self) -> Framing {
        self.framing
    }

    /// Reads a whole 2xx reply for a client that asked for a stream, as some servers answer all the same.
    ///
    /// # Errors
    /// As [`Exchange::reply`].
    pub fn reply_as_stream(&self, body: &Bytes) -> Result<Streamed, UpstreamFault> {
        let value = parse_reply(self.wire.format, body)?;
        let mut lost = Report::default();
        let answer = formats::decode_reply(self.wire.format, value, &self.restore, &mut lost)?;
        let (usage, finish) = (answer.usage, answer.finish.native.clone());
        // A stream keeps no account; the whole reply, which nobody gets, tells what is lost.
        drop(formats::encode_reply(self.client, answer.clone(), &self.context(), &mut lost));
        let mut encoder = StreamEncoder::new(self.client, self.context());
        let mut frames = Vec::new();
        answer.into_events().into_iter().for_each(|event| encoder.push(event, &mut frames));
        Ok(Streamed { frames, usage, finish, lost })
    }

    /// Reads a stream for a client that asked for a whole reply, as some servers answer all the same. `body` is all of it.
    ///
    /// # Errors
    /// As [`Exchange::reply`]; [`UpstreamFault::Truncated`] where the stream has no end.
    pub fn stream_as_reply(&self, body: &Bytes) -> Result<Reply, UpstreamFault> {
        let events = read_whole_stream(self.wire.format, body, self.restore.clone())?;
        let mut lost = Report::default();
        let unread = events.iter().filter_map(|event| if let Event::Lost(name) = event { Some(name) } else { None });
        unread.for_each(|name| lost.drop(name.clone()));
        let mut answer = Answer::collect(events);
        let (usage, finish, model) = (answer.usage, answer.finish.native.clone(), answer.model.clone());
        self.called().fill(&mut answer.id, &mut answer.model);
        let value = formats::encode_reply(self.client, answer, &self.context(), &mut lost);
        Ok(Reply {
            body: crate::json::bytes(&value),
            usage,
            finish: Some(finish),
            model: Some(model).filter(|model| !model.is_empty()),
            lost,
        })
    }

    /// Reads a reply that is not 2xx, whatever its shape: JSON of the wire or of the cloud around it, other JSON, HTML,
    /// nothing.
    #[must_use]
    pub fn error(&self, status: u16, headers: &HeaderMap, body: &[u8]) -> ErrorInfo {
        decode_error(self.wire, status, headers, body).for_dialect(self.client.dialect())
    }

    /// After how many seconds upstream's error says that the call may be made again, where its body says it: headers may
    /// say it too.
    #[must_use]
    pub fn retry_after(&self, body: &[u8]) -> Option<u64> {
        match self.wire.format {
            Format::GeminiGenerateContent => formats::gemini::retry_after(&serde_json::from_slice(body).ok()?),
            _ => None,
        }
    }

    /// Whether bodies of errors may go back as they are: both sides speak the same format, and no cloud is between.
    #[must_use]
    pub fn relays_errors(&self) -> bool {
        self.relays() && self.wire.envelope == Envelope::None
    }

    /// Whether both sides speak the same format, so that bodies of errors may go back as they are.
    #[must_use]
    pub fn relays(&self) -> bool {
        self.client == self.wire.format
    }
}

#[cfg(test)]
mod tests;
