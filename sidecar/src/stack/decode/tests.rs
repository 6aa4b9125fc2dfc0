//! Bodies as clients send them: plain, compressed, too large, garbage.

use super::super::admit::Budget;
use super::*;
use async_compression::tokio::bufread::{BrotliEncoder, DeflateEncoder, GzipEncoder, ZlibEncoder, ZstdEncoder};
use http::HeaderValue;
use http_body_util::{Full, StreamBody};

async fn decode(encoding: &str, sent: Vec<u8>, limit: u64) -> Result<Bytes, Cause> {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_str(encoding).unwrap());
    let mut permit = Budget::new(1 << 30).admit().unwrap();
    body(&headers, &mut Full::new(Bytes::from(sent)), &mut permit, limit).await
}

async fn pack(encoding: &str, bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    match encoding {
        "gzip" => GzipEncoder::new(bytes).read_to_end(&mut packed).await,
        "br" => BrotliEncoder::new(bytes).read_to_end(&mut packed).await,
        "zstd" => ZstdEncoder::new(bytes).read_to_end(&mut packed).await,
        "deflate" => ZlibEncoder::new(bytes).read_to_end(&mut packed).await,
        "raw deflate" => DeflateEncoder::new(bytes).read_to_end(&mut packed).await,
        _ => panic!("{encoding}"),
    }
    .unwrap();
    packed
}

#[tokio::test]
async fn compressed_bodies_come_out_as_they_were() {
    let text = r#"{"model":"gpt-4o","messages":[]}"#.repeat(10_000);
    for encoding in ["gzip", "br", "zstd", "deflate", "raw deflate"] {
        // Half of it is noise, so that the ratio is one that an honest body has.
        let noise: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..)).take(text.len() / 50).collect();
        let body = [text.as_bytes(), &noise].concat();
        let packed = pack(encoding, &body).await;
        let name = encoding.trim_start_matches("raw ");
        assert_eq!(decode(name, packed, 64 << 20).await.unwrap(), body, "{encoding}");
    }
    let twice = pack("gzip", &pack("br", b"{}").await).await;
    assert_eq!(decode("br, gzip", twice, 100).await.unwrap(), "{}");
    assert_eq!(decode("Identity", b"{}".to_vec(), 100).await.unwrap(), "{}");
}

#[tokio::test]
async fn a_bomb_is_refused_by_its_ratio_long_before_the_limit() {
    for encoding in ["gzip", "br", "zstd", "deflate"] {
        let bomb = pack(encoding, &vec![b' '; 4 << 20]).await;
        let refused = decode(encoding, bomb, 1 << 30).await.unwrap_err();
        assert_eq!(refused.name(), "body_too_large", "{encoding}");
    }
}

#[tokio::test]
async fn garbage_and_unknown_encodings_are_refused_by_name() {
    for (encoding, sent, expected) in [
        ("gzip", "not gzip", "body_unreadable"),
        ("zstd", "not zstd", "body_unreadable"),
        ("br", "\u{7f}not brotli at all", "body_unreadable"),
        ("compress", "x", "unsupported_encoding"),
        ("gzip, gzip, gzip", "x", "unsupported_encoding"),
    ] {
        let refused = decode(encoding, sent.into(), 1 << 20).await.unwrap_err();
        assert_eq!(refused.name(), expected, "{encoding}");
    }
    let mut cut = pack("gzip", &[b'x'; 1000]).await;
    cut.truncate(cut.len() - 10);
    assert_eq!(decode("gzip", cut, 1 << 20).await.unwrap_err().name(), "body_unreadable");
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused_with_and_without_a_declared_length() {
    let mut permit = Budget::new(1 << 30).admit().unwrap();
    let declared = body(&HeaderMap::new(), &mut Full::new(Bytes::from(vec![b'x'; 11])), &mut permit, 10).await;
    assert_eq!(declared.unwrap_err().name(), "body_too_large");
    let frames = (0..3).map(|_| Ok::<_, std::io::Error>(http_body::Frame::data(Bytes::from_static(b"xxxx"))));
    let mut chunked = StreamBody::new(futures::stream::iter(frames));
    let chunked = body(&HeaderMap::new(), &mut chunked, &mut permit, 10).await;
    assert_eq!(chunked.unwrap_err().name(), "body_too_large");
}

#[tokio::test]
async fn a_body_that_the_budget_cannot_hold_now_is_overload_not_the_clients_fault() {
    let budget = Budget::new(1 << 20);
    let mut other = budget.admit().unwrap();
    other.grow(800 << 10).unwrap();
    let mut permit = budget.admit().unwrap();
    let sent = Bytes::from(vec![b'x'; 200 << 10]);
    let refused = body(&HeaderMap::new(), &mut Full::new(sent), &mut permit, budget.largest_body()).await;
    assert_eq!(refused.unwrap_err().name(), "overloaded");
}
