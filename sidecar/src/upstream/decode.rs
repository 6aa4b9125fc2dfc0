//! The body of a reply as it was before an upstream compressed it. We ask for identity; some compress all the same.

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder};
use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt};
use http::{HeaderMap, header};
use http_body::{Body as _, SizeHint};
use http_body_util::BodyDataStream;
use hyper::body::Incoming;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::AsyncRead;
use tokio_util::io::{ReaderStream, StreamReader};

/// The pieces of a reply's body. Dropping it cancels the rest upstream.
pub(crate) enum UpstreamBody {
    Plain(Incoming),
    Decoded(Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>),
}

/// The reply is compressed in a way that we do not know.
#[derive(Debug, thiserror::Error)]
#[error("the reply is encoded as '{0}', which was not asked for")]
pub(crate) struct UnknownEncoding(String);

/// Undoes the content encoding that `headers` name.
pub(crate) fn decoded(headers: &HeaderMap, body: Incoming) -> Result<UpstreamBody, UnknownEncoding> {
    let encoding = headers.get(header::CONTENT_ENCODING).map_or(&b"identity"[..], |value| value.as_bytes());
    let reader = |body| StreamReader::new(BodyDataStream::new(body).map_err(io::Error::other));
    Ok(match encoding.trim_ascii().to_ascii_lowercase().as_slice() {
        b"" | b"identity" => UpstreamBody::Plain(body),
        b"gzip" | b"x-gzip" => from_reader(GzipDecoder::new(reader(body))),
        b"deflate" => from_reader(ZlibDecoder::new(reader(body))),
        b"br" => from_reader(BrotliDecoder::new(reader(body))),
        b"zstd" => from_reader(ZstdDecoder::new(reader(body))),
        other => return Err(UnknownEncoding(String::from_utf8_lossy(&other[..other.len().min(64)]).into_owned())),
    })
}

fn from_reader(reader: impl AsyncRead + Send + 'static) -> UpstreamBody {
    UpstreamBody::Decoded(Box::pin(ReaderStream::new(reader)))
}

impl UpstreamBody {
    /// The next piece; `None` at the end.
    pub(crate) fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, String>>> {
        match self {
            Self::Plain(body) => loop {
                match ready!(Pin::new(&mut *body).poll_frame(cx)) {
                    None => return Poll::Ready(None),
                    Some(Err(error)) => return Poll::Ready(Some(Err(describe(error)))),
                    // Trailers say nothing that a client of ours reads.
                    Some(Ok(frame)) => {
                        if let Ok(bytes) = frame.into_data() {
                            return Poll::Ready(Some(Ok(bytes)));
                        }
                    }
                }
            },
            Self::Decoded(body) => body.poll_next_unpin(cx).map(|piece| piece.map(|piece| piece.map_err(describe))),
        }
    }

    /// The next piece; `None` at the end.
    pub(crate) async fn piece(&mut self) -> Option<Result<Bytes, String>> {
        std::future::poll_fn(|cx| self.poll_piece(cx)).await
    }

    /// How much is to come, where upstream said so and nothing is decoded.
    pub(crate) fn size_hint(&self) -> SizeHint {
        match self {
            Self::Plain(body) => body.size_hint(),
            Self::Decoded(_) => SizeHint::default(),
        }
    }
}

/// The innermost reason, which says more than "error reading a body".
fn describe(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = inner.to_string();
        source = inner.source();
    }
    text
}
