//! Step two: the client's body, whole and uncompressed, within the budget. Looks at no field of it.

use super::admit::{Exhausted, Permit};
use crate::error::Cause;
use async_compression::tokio::bufread::{BrotliDecoder, DeflateDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header};
use http_body::Body;
use http_body_util::BodyExt;
use std::error::Error;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};

/// A client that sends nothing more for this long has gone, or does not mean well.
const IDLE: Duration = Duration::from_secs(60);

/// A body may unfold to this many times its compressed length. JSON full of white space comes near; bombs go beyond.
const RATIO: u64 = 200;

/// Small bodies may unfold to this much whatever the ratio.
const UNFOLD_AT_LEAST: u64 = 1 << 20;

/// Between two decoded pieces of this size other calls get their turn.
const PIECE: usize = 256 << 10;

impl From<Exhausted> for Cause {
    fn from(_: Exhausted) -> Self {
        Self::Overloaded
    }
}

/// Reads the whole body and undoes its content encoding.
pub(crate) async fn body<B>(headers: &HeaderMap, body: &mut B, permit: &mut Permit, limit: u64) -> Result<Bytes, Cause>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Error,
{
    let encodings = encodings(headers)?;
    let mut bytes = read(body, permit, limit).await?;
    for encoding in encodings.into_iter().rev() {
        bytes = unfold(encoding, &bytes, permit, limit).await?;
    }
    Ok(bytes)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

/// In the order they were applied. More than two were never meant well.
fn encodings(headers: &HeaderMap) -> Result<Vec<Encoding>, Cause> {
    let mut found = Vec::new();
    for value in headers.get_all(header::CONTENT_ENCODING) {
        let text = value.to_str().unwrap_or("not text");
        for name in text.split(',').map(str::trim) {
            found.push(match name.to_ascii_lowercase().as_str() {
                "" | "identity" => continue,
                "gzip" | "x-gzip" => Encoding::Gzip,
                "deflate" => Encoding::Deflate,
                "br" => Encoding::Brotli,
                "zstd" => Encoding::Zstd,
                _ => return Err(Cause::UnsupportedEncoding(name.chars().take(32).collect())),
            });
        }
    }
    if found.len() > 2 { Err(Cause::UnsupportedEncoding("more than two".into())) } else { Ok(found) }
}

async fn read<B>(body: &mut B, permit: &mut Permit, limit: u64) -> Result<Bytes, Cause>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Error,
{
    let declared = body.size_hint().exact();
    if let Some(length) = declared {
        if length > limit {
            return Err(Cause::BodyTooLarge { limit });
        }
        permit.grow_body(length)?;
    }
    let mut whole = BytesMut::new();
    loop {
        let frame = tokio::time::timeout(IDLE, body.frame()).await.map_err(|_| Cause::BodyTimeout(IDLE))?;
        let Some(frame) = frame else { return Ok(whole.freeze()) };
        let frame = frame.map_err(|error| Cause::BodyUnreadable(error.to_string()))?;
        let Ok(bytes) = frame.into_data() else { continue };
        if declared == Some(bytes.len() as u64) {
            return Ok(bytes);
        }
        if whole.is_empty() {
            whole.reserve(declared.unwrap_or(0) as usize);
        }
        if (whole.len() + bytes.len()) as u64 > limit {
            return Err(Cause::BodyTooLarge { limit });
        }
        if declared.is_none() {
            permit.grow_body(bytes.len() as u64)?;
        }
        whole.extend_from_slice(&bytes);
    }
}

async fn unfold(encoding: Encoding, bytes: &[u8], permit: &mut Permit, limit: u64) -> Result<Bytes, Cause> {
    let limit = limit.min((bytes.len() as u64 * RATIO).max(UNFOLD_AT_LEAST));
    match encoding {
        Encoding::Gzip => pull(GzipDecoder::new(bytes), permit, limit).await,
        Encoding::Brotli => pull(BrotliDecoder::new(bytes), permit, limit).await,
        Encoding::Zstd => pull(ZstdDecoder::new(bytes), permit, limit).await,
        // RFC 9110 says zlib; some send what is inside of it.
        Encoding::Deflate if is_zlib(bytes) => pull(ZlibDecoder::new(bytes), permit, limit).await,
        Encoding::Deflate => pull(DeflateDecoder::new(bytes), permit, limit).await,
    }
}

/// RFC 1950, 2.2: method 8, and a header that is a multiple of 31.
fn is_zlib(bytes: &[u8]) -> bool {
    matches!(bytes, [first, second, ..] if first & 15 == 8 && u16::from_be_bytes([*first, *second]) % 31 == 0)
}

async fn pull(mut decoder: impl AsyncRead + Unpin, permit: &mut Permit, limit: u64) -> Result<Bytes, Cause> {
    let mut whole = BytesMut::new();
    loop {
        permit.grow_body(PIECE as u64)?;
        let mut piece = (&mut decoder).take(PIECE as u64);
        let before = whole.len();
        while piece.read_buf(&mut whole).await.map_err(|error| Cause::BodyUnreadable(error.to_string()))? > 0 {}
        if whole.len() as u64 > limit {
            return Err(Cause::BodyTooLarge { limit });
        }
        if whole.len() - before < PIECE {
            return Ok(whole.freeze());
        }
        tokio::task::yield_now().await;
    }
}

/// Takes what is left of a refused body, so that a client that writes before it reads sees the refusal and not a broken
/// pipe. Bounded: the pod's own processes are patient, and so are hostile ones.
pub(crate) async fn discard<B: Body + Unpin>(mut body: B) {
    const MOST: usize = 256 << 20;
    let all = async {
        let mut seen = 0;
        while let Some(Ok(frame)) = body.frame().await {
            seen += frame.data_ref().map_or(0, bytes::Buf::remaining);
            if seen > MOST {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(5), all).await;
}

#[cfg(test)]
mod tests;
