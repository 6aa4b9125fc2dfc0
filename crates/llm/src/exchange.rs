//! One attempt: the client's body becomes upstream's, and upstream's reply becomes the client's. A retry prepares
//! again from the client's original, so it may cross vendors.

use crate::error::decode_error;
use crate::json::Object;
use crate::relay::{self, Splices};
use crate::reply_stream::ReplyStream;
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
    hide_usage: bool,
}

/// Makes upstream's body of the client's.
///
/// Guarantee (invariant 6): where both formats are the same the bytes are equal save for the splices of `model`,
/// `stream_options.include_usage` and params.
///
/// # Errors
/// A [`BodyError`] that names the field when the client's body is wrong, or asks for what the target's format cannot
/// do at all.
pub fn prepare(client: Format, body: &Bytes, outline: &Outline, target: &Target<'_>) -> Result<Prepared, BodyError> {
    if client != target.wire {
        return Err(BodyError::new("translation is being built"));
    }
    let mut splices = Splices::default();
    if let Some(model) = target.model {
        relay::splice_model(&mut splices, outline, model)?;
    }
    let mut hide_usage = false;
    if client == Format::OpenAIChat && target.provider.stream_usage {
        hide_usage = relay::splice_usage(&mut splices, outline)?;
    }
    Ok(Prepared {
        body: splices.apply(body),
        approximated: Vec::new(),
        dropped: Vec::new(),
        exchange: Exchange { client, wire: target.wire, hide_usage },
    })
}

impl Exchange {
    /// Reads a complete 2xx body.
    ///
    /// # Errors
    /// When it is not of the format that was asked for, or reports an error.
    pub fn reply(&self, body: &Bytes) -> Result<Reply, UpstreamFault> {
        let observed = relay::observe_reply(self.wire, body)?;
        Ok(Reply {
            body: body.clone(),
            usage: observed.usage,
            finish: observed.finish,
            model: observed.model,
            dropped: Vec::new(),
        })
    }

    /// What reads a 2xx event stream.
    #[must_use]
    pub fn stream(&self) -> ReplyStream {
        ReplyStream::relay(self.client, self.wire, self.hide_usage)
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
