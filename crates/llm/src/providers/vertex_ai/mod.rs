//! VertexAI. SKELETON

use super::{ApiKeyDefault, Descriptor};
use crate::formats::ServerRules;
use crate::{Dialect, Format};

pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    id: "VertexAI",
    default_endpoint: super::no_endpoint,
    local: false,
    api_key: ApiKeyDefault { header: "x-goog-api-key", prefix: "" },
    dialects: &[Dialect::VertexAI],
    docs: "https://",
    options: &[],
    required_options: &[],
    wire: |_, client| super::nearest(&[Format::GeminiGenerateContent], client),
    url: |endpoint, ask| super::url::join(endpoint, super::url::path(ask.wire.format)),
    native_url: super::versioned,
    rules: ServerRules { max_tokens: "max_tokens", stream_usage: true, cloud: false },
    request_headers: &[],
    required_headers: &[],
    reply_headers: &[],
    query: &[],
};
