//! Anthropic's own API.

use super::{ApiKeyDefault, Descriptor};
use crate::{Dialect, Format};

pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    id: "Anthropic",
    default_endpoint: Some("https://api.anthropic.com"),
    local: false,
    api_key: ApiKeyDefault { header: "x-api-key", prefix: "" },
    dialects: &[Dialect::Anthropic],
    docs: "https://docs.anthropic.com/en/api/messages",
    formats: &[Format::AnthropicMessages],
    // Its streams tell their usage unasked.
    stream_usage: false,
    max_tokens: "max_tokens",
    request_headers: &["anthropic-beta", "anthropic-version"],
    required_headers: &[("anthropic-version", "2023-06-01")],
    reply_headers: &["anthropic-ratelimit-", "request-id"],
    query: &["after_id", "before_id", "beta", "limit", "scope_id"],
};
