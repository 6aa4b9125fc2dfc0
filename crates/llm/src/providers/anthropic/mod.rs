//! Anthropic's own API.

use super::{ApiKeyDefault, Descriptor};
use crate::formats::ServerRules;
use crate::{Dialect, Format};

pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    id: "Anthropic",
    default_endpoint: |_| Some("https://api.anthropic.com".to_owned()),
    local: false,
    api_key: ApiKeyDefault { header: "x-api-key", prefix: "" },
    dialects: &[Dialect::Anthropic],
    docs: "https://docs.anthropic.com/en/api/messages",
    options: &[],
    required_options: &[],
    wire: |_, client| super::nearest(&[Format::AnthropicMessages], client),
    url: |endpoint, ask| super::url::join(endpoint, super::url::path(ask.wire.format)),
    native_url: super::versioned,
    // Its streams tell their usage unasked.
    rules: ServerRules { max_tokens: "max_tokens", stream_usage: false, cloud: false },
    request_headers: &["anthropic-beta", "anthropic-version"],
    required_headers: &[("anthropic-version", "2023-06-01")],
    reply_headers: &["anthropic-ratelimit-", "request-id"],
    query: &["after_id", "before_id", "beta", "limit", "scope_id"],
};
