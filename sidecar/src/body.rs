//! The body of every reply: bytes at hand, or a stream that reads its upstream only when the client takes more.

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Ends a reply early, so that the client sees a broken connection and not a clean end.
#[derive(Debug, thiserror::Error)]
#[error("the reply was cut: {0}")]
pub(crate) struct Cut(pub(crate) &'static str);

/// Something that makes a body piece by piece. Dropping it cancels what it reads from.
pub(crate) trait Pieces: Send {
    /// The next piece; `None` at the end.
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Cut>>>;

    /// How much is to come, where that is known.
    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

/// The body of a reply.
pub(crate) enum ReplyBody {
    Ready { chunks: VecDeque<Bytes>, _kept: Option<Box<dyn Send>> },
    Live(Box<dyn Pieces>),
}

impl ReplyBody {
    pub(crate) fn full(bytes: Bytes) -> Self {
        Self::chunks([bytes])
    }

    pub(crate) fn chunks(chunks: impl IntoIterator<Item = Bytes>) -> Self {
        let chunks = chunks.into_iter().filter(|chunk| !chunk.is_empty()).collect();
        Self::Ready { chunks, _kept: None }
    }

    pub(crate) fn live(pieces: impl Pieces + 'static) -> Self {
        Self::Live(Box::new(pieces))
    }

    /// Keeps a value until the body was handed over, or is given up.
    pub(crate) fn keeping(self, value: impl Send + 'static) -> Self {
        match self {
            Self::Ready { chunks, .. } => Self::Ready { chunks, _kept: Some(Box::new(value)) },
            live @ Self::Live(_) => live,
        }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match self.get_mut() {
            Self::Ready { chunks, .. } => Poll::Ready(chunks.pop_front().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Live(pieces) => pieces.poll_piece(cx).map(|piece| piece.map(|piece| piece.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Ready { chunks, .. } if chunks.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Ready { chunks, .. } => SizeHint::with_exact(chunks.iter().map(|bytes| bytes.len() as u64).sum()),
            Self::Live(pieces) => pieces.size_hint(),
        }
    }
}
