//! A provider that answers inside of the gateway, in every format, with usage: to try routes without a vendor.

use super::{ApiKeyDefault, Descriptor};
use crate::{BodyError, Dialect, Format, Usage};
use bytes::Bytes;

pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    id: "Echo",
    default_endpoint: None,
    local: true,
    api_key: ApiKeyDefault { header: "", prefix: "" },
    dialects: Dialect::ALL,
    docs: "https://pillion.dev/docs/providers/echo",
    formats: Format::ALL,
    stream_usage: false,
    max_tokens: "max_tokens",
    request_headers: &[],
    required_headers: &[],
    reply_headers: &[],
    query: &[],
};

/// What the provider answers.
#[derive(Clone, Debug)]
pub struct EchoAnswer {
    /// `application/json` or `text/event-stream`.
    pub content_type: &'static str,
    /// One piece for each event of a stream, or the whole JSON body.
    pub chunks: Vec<Bytes>,
    /// Words in and out, counted as tokens.
    pub usage: Usage,
}

/// Answers a chat call with the text of its last user message.
///
/// # Errors
/// As for any other provider, when the body is not of the client's format.
pub fn echo(_client: Format, _body: &Bytes) -> Result<EchoAnswer, BodyError> {
    Err(BodyError::new("echo is being built"))
}
