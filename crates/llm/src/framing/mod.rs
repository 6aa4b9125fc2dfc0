//! Incremental decoders of streams: bytes in with any cuts, whole frames out.

pub mod event_stream;
pub mod json_array;
pub mod sse;

use bytes::Bytes;

/// One frame larger than this is a fault of upstream's, not a reason to hold more memory.
pub const MAX_FRAME: usize = 16 * 1024 * 1024;

/// How a stream is framed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Framing {
    /// Server-sent events.
    #[default]
    Sse,
    /// One JSON array that grows (Google's streams without `alt=sse`).
    JsonArray,
    /// AWS event streams, `application/vnd.amazon.eventstream`.
    EventStream,
}

impl Framing {
    /// The `content-type` of a stream.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Sse => "text/event-stream; charset=utf-8",
            Self::JsonArray => "application/json; charset=utf-8",
            Self::EventStream => "application/vnd.amazon.eventstream",
        }
    }
}

/// Why a stream cannot be cut into frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A frame is larger than [`MAX_FRAME`].
    #[error("a frame is larger than {MAX_FRAME} bytes")]
    TooLarge,
    /// The bytes are no frame: a checksum or a length is wrong.
    #[error("a frame is corrupt: {0}")]
    Corrupt(&'static str),
}

/// What one frame says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// The event's name (`event:` of SSE, `:event-type` or `:exception-type` of an event stream).
    pub name: Option<String>,
    /// Its data; `None` when it has none (a comment, a blank line, the brackets of an array).
    pub data: Option<Bytes>,
    /// Whether the transport itself marks it as an error (`:message-type` `exception` or `error`).
    pub exception: bool,
}

/// Whether a frame says nothing and only keeps the connection open: a comment or a blank line, and `ping` of the events
/// that Anthropic and those who follow it send.
#[must_use]
pub fn is_heartbeat(framing: Framing, frame: &[u8]) -> bool {
    match framing {
        Framing::Sse => match frame.first() {
            Some(b':') => memchr::memmem::find(frame, b"\ndata").is_none(),
            Some(b'e') => [&b"event: ping"[..], b"event:ping"].iter().any(|ping| {
                frame.strip_prefix(*ping).is_some_and(|rest| rest.first().is_some_and(u8::is_ascii_whitespace))
            }),
            Some(_) => frame.trim_ascii().is_empty(),
            None => true,
        },
        Framing::JsonArray => frame.trim_ascii().is_empty(),
        Framing::EventStream => false,
    }
}

/// Cuts a byte stream into pieces, one frame each.
///
/// Guarantees: the pieces of all frames, then those of [`Splitter::rest`], are the input's bytes in order. After an
/// `Err` it is of no more use.
#[derive(Debug)]
pub enum Splitter {
    /// Of server-sent events.
    Sse(sse::Splitter),
    /// Of a JSON array.
    JsonArray(json_array::Splitter),
    /// Of an AWS event stream.
    EventStream(event_stream::Splitter),
}

impl Splitter {
    /// A splitter of this framing.
    #[must_use]
    pub fn new(framing: Framing) -> Self {
        match framing {
            Framing::Sse => Self::Sse(sse::Splitter::default()),
            Framing::JsonArray => Self::JsonArray(json_array::Splitter::default()),
            Framing::EventStream => Self::EventStream(event_stream::Splitter::default()),
        }
    }

    /// Takes bytes, gives the piece of each whole frame.
    ///
    /// # Errors
    /// When a frame is too large, or the bytes cannot be a frame's.
    pub fn push(&mut self, bytes: Bytes, each: impl FnMut(Bytes)) -> Result<(), FrameError> {
        match self {
            Self::Sse(splitter) => splitter.push(bytes, each),
            Self::JsonArray(splitter) => splitter.push(bytes, each),
            Self::EventStream(splitter) => splitter.push(bytes, each),
        }
    }

    /// What has come of a frame that never ended.
    pub fn rest(&mut self) -> Bytes {
        match self {
            Self::Sse(splitter) => splitter.rest(),
            Self::JsonArray(splitter) => splitter.rest(),
            Self::EventStream(splitter) => splitter.rest(),
        }
    }
}

/// Reads a piece as a [`Splitter`] of the same framing gives it.
///
/// # Errors
/// When its checksum or its headers are wrong.
pub fn read(framing: Framing, piece: &Bytes) -> Result<Frame, FrameError> {
    match framing {
        Framing::Sse => Ok(sse::read(piece)),
        Framing::JsonArray => Ok(json_array::read(piece)),
        Framing::EventStream => event_stream::read(piece),
    }
}
