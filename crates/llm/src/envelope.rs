//! Another vendor's format inside of a cloud's: what the cloud wants around a body, and how its streams become the
//! vendor's own again.
//!
//! Sources: <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html>,
//! <https://cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude/use-claude>.

use crate::framing::{FrameError, Framing, event_stream, sse};
use crate::{Envelope, Format, UpstreamFault};
use base64::Engine as _;
use bytes::Bytes;
use serde_json::Value;

impl Envelope {
    /// Members that the path says.
    pub(crate) fn without(self) -> &'static [&'static str] {
        match self {
            Self::None => &[],
            Self::BedrockInvoke => &["model", "stream"],
            Self::VertexRawPredict => &["model"],
        }
    }

    /// Members that the cloud wants where the client sends none.
    pub(crate) fn with(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::None => &[],
            Self::BedrockInvoke => &[("anthropic_version", "bedrock-2023-05-31")],
            Self::VertexRawPredict => &[("anthropic_version", "vertex-2023-10-16")],
        }
    }
}

/// Makes the vendor's server-sent events of a cloud's stream.
#[derive(Debug)]
pub(crate) struct Unwrap {
    splitter: event_stream::Splitter,
    wire: Format,
}

impl Unwrap {
    /// `None` where the stream is the vendor's own already.
    pub(crate) fn new(envelope: Envelope, wire: Format) -> Option<Self> {
        (envelope == Envelope::BedrockInvoke).then(|| Self { splitter: event_stream::Splitter::default(), wire })
    }

    /// How the cloud frames the stream.
    pub(crate) fn framing(envelope: Envelope, wire: Format) -> Framing {
        if envelope == Envelope::BedrockInvoke { Framing::EventStream } else { wire.framing() }
    }

    /// The events of some bytes.
    ///
    /// # Errors
    /// When they are no event stream, or the cloud reports an exception.
    pub(crate) fn push(&mut self, bytes: Bytes, out: &mut Vec<Bytes>) -> Result<(), UpstreamFault> {
        let mut frames = Vec::new();
        let pushed = self.splitter.push(bytes, |frame| frames.push(frame));
        for frame in frames {
            out.extend(self.event(&frame)?);
        }
        pushed.map_err(|error| UpstreamFault::of_frame(self.wire, error))
    }

    /// Whether the cloud's stream ended between two frames.
    ///
    /// # Errors
    /// [`UpstreamFault::Truncated`] when it did not.
    pub(crate) fn finish(&mut self) -> Result<(), UpstreamFault> {
        if self.splitter.rest().is_empty() { Ok(()) } else { Err(UpstreamFault::Truncated) }
    }

    fn event(&self, frame: &Bytes) -> Result<Option<Bytes>, UpstreamFault> {
        let fault = |error: FrameError| UpstreamFault::of_frame(self.wire, error);
        let frame = event_stream::read(frame).map_err(fault)?;
        let data = frame.data.unwrap_or_default();
        let value: Value = serde_json::from_slice(&data)
            .map_err(|_| UpstreamFault::malformed(self.wire, "an event's data is not JSON"))?;
        if frame.exception {
            let error = crate::formats::bedrock::exception(frame.name.as_deref().unwrap_or_default(), &value);
            return Err(UpstreamFault::Reported(error));
        }
        let Some(encoded) = value.get("bytes").and_then(Value::as_str) else { return Ok(None) };
        let decoded = base64::engine::general_purpose::STANDARD.decode(encoded);
        let decoded = decoded.map_err(|_| UpstreamFault::malformed(self.wire, "an event's bytes are not base64"))?;
        let event: Value = serde_json::from_slice(&decoded)
            .map_err(|_| UpstreamFault::malformed(self.wire, "an event's bytes are not JSON"))?;
        Ok(Some(sse::write(event.get("type").and_then(Value::as_str), &crate::json::bytes(&event))))
    }
}
