//! Another vendor's format inside of a cloud's: what the cloud wants around a body, and how its streams become the
//! vendor's own again.
//!
//! Sources: <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html>,
//! <https://cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude/use-claude>.

use crate::formats::bedrock::{exception, invoke};
use crate::framing::{FrameError, Framing, event_stream, sse};
use crate::model::Report;
use crate::{Envelope, Format, UpstreamFault};
use base64::Engine as _;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use std::borrow::Cow;

/// Betas that Vertex AI has.
const VERTEX: &[&str] = &[
    "compact-2026-01-12",
    "computer-use-2024-10-22",
    "computer-use-2025-01-24",
    "computer-use-2025-11-24",
    "context-1m-2025-08-07",
    "context-management-2025-06-27",
    "dangerous-tool-use-2026-09-03",
    "interleaved-thinking-2025-05-14",
    "mid-conversation-tool-changes-2026-07-01",
    "per-turn-control-2026-07-01",
    "thinking-binding-controls-2026-08-01",
    "thinking-display-updates-2026-08-18",
    "tool-search-tool-2025-10-19",
    "web-search-2025-03-05",
];

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

    /// The client's betas that the cloud has for the model, for the body's `anthropic_beta`: it refuses all others.
    pub(crate) fn betas(self, betas: &[String], model: &str, report: &mut Report) -> Option<Value> {
        let known: Vec<&str> = match self {
            Self::None => return None,
            Self::BedrockInvoke => betas.iter().filter_map(|beta| invoke::beta(beta, model)).collect(),
            Self::VertexRawPredict => betas.iter().map(String::as_str).filter(|beta| VERTEX.contains(beta)).collect(),
        };
        if known.len() < betas.len() {
            report.drop("anthropic-beta");
        }
        (!known.is_empty()).then(|| json!(known))
    }

    /// The body without members that the cloud refuses, where it has any.
    pub(crate) fn stripped(self, body: &Bytes, model: &str, report: &mut Report) -> Option<Bytes> {
        match self {
            Self::BedrockInvoke => invoke::stripped(body, model, report),
            Self::None | Self::VertexRawPredict => None,
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
        if frame.exception {
            let value = serde_json::from_slice(&data).unwrap_or_default();
            return Err(UpstreamFault::Reported(exception(frame.name.as_deref().unwrap_or_default(), &value)));
        }
        if frame.name.as_deref() != Some("chunk") {
            return Ok(None);
        }
        let malformed = |reason| move |_| UpstreamFault::malformed(self.wire, reason);
        let chunk: Chunk<'_> =
            serde_json::from_slice(&data).map_err(malformed("an event's data is not a JSON object"))?;
        let Some(encoded) = chunk.bytes else { return Ok(None) };
        let decoded = base64::engine::general_purpose::STANDARD.decode(&*encoded);
        let decoded = decoded.map_err(|_| UpstreamFault::malformed(self.wire, "an event's bytes are not base64"))?;
        let event: Typed<'_> =
            serde_json::from_slice(&decoded).map_err(malformed("an event's bytes are not a JSON object"))?;
        // A line end would end the event's data; within JSON it is but white space.
        if decoded.contains(&b'\n') || decoded.contains(&b'\r') {
            let value: Value = serde_json::from_slice(&decoded).unwrap_or_default();
            return Ok(Some(sse::write(event.kind.as_deref(), &crate::json::bytes(&value))));
        }
        Ok(Some(sse::write(event.kind.as_deref(), &decoded)))
    }
}

/// The payload of a `chunk`.
#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow, default)]
    bytes: Option<Cow<'a, str>>,
}

/// Of the vendor's event only what names it.
#[derive(Deserialize)]
struct Typed<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Cow<'a, str>>,
}

#[cfg(test)]
mod tests;
