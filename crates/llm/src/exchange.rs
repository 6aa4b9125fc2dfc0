//! One attempt: the client's body becomes upstream's, and upstream's reply becomes the client's. A retry prepares
//! again from the client's original, so it may cross vendors.

use crate::error::decode_error;
use crate::formats;
use crate::json::Object;
use crate::model::{Names, Report, has_foreign_signature};
use crate::relay::{self, Splices};
use crate::reply_stream::ReplyStream;
use crate::translate::{Translator, parse_reply, translate_request, without_foreign_thinking};
use crate::{BodyError, Descriptor, ErrorInfo, Format, Outline, UpstreamFault, Usage};
use bytes::Bytes;

/// Where one attempt goes.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// Who serves it.
    pub provider: &'static Descriptor,
    /// In which format, as [`Descriptor::wire`] told.
    pub wire: Format,
    /// The model to ask for in place of the client's.
    pub model: Option<&'a str>,
    /// Parameters that fill what the client left out, under their OpenAI Chat names.
    pub defaults: &'a Object,
    /// Parameters that win over the client, under their OpenAI Chat names.
    pub overrides: &'a Object,
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
    /// Parts of the reply that the client's format has no place for.
    pub dropped: Vec<String>,
}

/// Reads upstream's reply to one prepared body.
#[derive(Clone, Debug)]
pub struct Exchange {
    client: Format,
    wire: Format,
    /// Relay: the usage chunk is ours alone. Translation: the client asked for usage.
    hide_usage: bool,
    show_usage: bool,
    names: Names,
    json_tool: bool,
    now: u64,
}

/// Makes upstream's body of the client's.
///
/// Guarantee (invariant 6): where both formats are the same the bytes are equal save for the splices of `model`,
/// `stream_options.include_usage` and params; and save thinking that another vendor signed, which is taken out.
///
/// # Errors
/// A [`BodyError`] that names the field when the client's body is wrong, or asks for what the target's format cannot
/// do at all.
pub fn prepare(client: Format, body: &Bytes, outline: &Outline, target: &Target<'_>) -> Result<Prepared, BodyError> {
    let mut report = Report::default();
    let mut exchange = Exchange {
        client,
        wire: target.wire,
        hide_usage: false,
        show_usage: outline.include_usage,
        names: Names::default(),
        json_tool: false,
        now: 0,
    };
    let body = if client == target.wire {
        let (body, hide_usage) = relayed(client, body, outline, target, &mut report)?;
        exchange.hide_usage = hide_usage;
        body
    } else {
        let translated = translate_request(client, body, outline, target, &mut report)?;
        exchange.names = translated.names;
        exchange.json_tool = translated.json_tool;
        translated.body
    };
    Ok(Prepared { body, approximated: report.approximated, dropped: report.dropped, exchange })
}

/// The client's body with splices, and whether the usage chunk must be hidden.
fn relayed(
    client: Format,
    body: &Bytes,
    outline: &Outline,
    target: &Target<'_>,
    report: &mut Report,
) -> Result<(Bytes, bool), BodyError> {
    if client == Format::AnthropicMessages && has_foreign_signature(body) {
        outline.members.all_once()?;
        let cleaned = without_foreign_thinking(body, report)?;
        if cleaned != *body && !has_foreign_signature(&cleaned) {
            let outline = crate::outline(client, &cleaned)?;
            return spliced(client, &cleaned, &outline, target, report);
        }
    }
    spliced(client, body, outline, target, report)
}

fn spliced(
    client: Format,
    body: &Bytes,
    outline: &Outline,
    target: &Target<'_>,
    report: &mut Report,
) -> Result<(Bytes, bool), BodyError> {
    let mut splices = Splices::default();
    if let Some(model) = target.model {
        relay::splice_model(&mut splices, outline, model)?;
    }
    let mut hide_usage = false;
    if client == Format::OpenAIChat && target.provider.stream_usage {
        hide_usage = relay::splice_usage(&mut splices, outline)?;
    }
    if !target.defaults.is_empty() || !target.overrides.is_empty() {
        let params = |params: &Object| -> Result<Object, BodyError> {
            let mut params = params.clone();
            for key in NEVER_PARAMS {
                params.shift_remove(*key);
            }
            match client {
                Format::OpenAIChat => Ok(params),
                Format::AnthropicMessages => {
                    let model = target.model.or(outline.model.as_deref()).unwrap_or_default();
                    let has_tools = outline.members.get("tools")?.is_some();
                    formats::anthropic::encode_params(params, model, has_tools, &mut *report)
                }
            }
        };
        let mut params = params;
        let (defaults, overrides) = (params(target.defaults)?, params(target.overrides)?);
        relay::splice_params(&mut splices, &outline.members, &defaults, &overrides, same_param, body)?;
    }
    Ok((splices.apply(body), hide_usage))
}

/// What a route says elsewhere, or the client alone.
const NEVER_PARAMS: &[&str] = &["messages", "model", "stream", "stream_options"];

/// Names that mean the same in OpenAI Chat.
fn same_param(key: &str) -> &'static [&'static str] {
    match key {
        "max_tokens" | "max_completion_tokens" => &["max_completion_tokens", "max_tokens"],
        _ => &[],
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
            let observed = relay::observe_reply(self.wire, body)?;
            return Ok(Reply {
                body: body.clone(),
                usage: observed.usage,
                finish: observed.finish,
                model: observed.model,
                dropped: Vec::new(),
            });
        }
        let mut report = Report::default();
        let value = parse_reply(self.wire, body)?;
        let answer = formats::decode_reply(self.wire, value, &self.names, self.json_tool, &mut report)?;
        let (usage, finish, model) = (answer.usage, answer.finish.native.clone(), answer.model.clone());
        let value = formats::encode_reply(self.client, answer, self.wire, self.now, &mut report);
        Ok(Reply {
            body: crate::json::bytes(&value),
            usage,
            finish: Some(finish),
            model: Some(model).filter(|model| !model.is_empty()),
            dropped: report.dropped,
        })
    }

    /// What reads a 2xx event stream.
    #[must_use]
    pub fn stream(&self) -> ReplyStream {
        if self.relays() {
            return ReplyStream::relay(self.client, self.wire, self.hide_usage);
        }
        ReplyStream::translate(
            self.client,
            Translator::new(self.client, self.wire, self.names.clone(), self.json_tool, self.show_usage, self.now),
        )
    }

    /// Reads a reply that is not 2xx, whatever its shape: JSON of the wire, other JSON, HTML, nothing.
    #[must_use]
    pub fn error(&self, status: u16, body: &[u8]) -> ErrorInfo {
        decode_error(self.wire, status, body).for_dialect(self.client.dialect())
    }

    /// Whether both sides speak the same format, so that bodies of errors may go back as they are.
    #[must_use]
    pub fn relays(&self) -> bool {
        self.client == self.wire
    }
}

#[cfg(test)]
mod tests;
