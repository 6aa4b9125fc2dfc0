//! OpenAI's own API.

use super::{ApiKeyDefault, Descriptor};
use crate::formats::ServerRules;
use crate::{Dialect, Format};

pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    id: "OpenAI",
    default_endpoint: |_| Some("https://api.openai.com/v1".to_owned()),
    local: false,
    api_key: ApiKeyDefault { header: "authorization", prefix: "Bearer " },
    dialects: &[Dialect::OpenAI],
    docs: "https://platform.openai.com/docs/api-reference",
    options: &[],
    required_options: &[],
    wire: |_, client| super::nearest(&[Format::OpenAIChat, Format::OpenAIResponses], client),
    url: |endpoint, ask| super::url::join(endpoint, super::url::path(ask.wire.format)),
    native_url: super::versioned,
    rules: ServerRules { max_tokens: "max_completion_tokens", stream_usage: true, cloud: false },
    request_headers: REQUEST_HEADERS,
    required_headers: &[],
    reply_headers: REPLY_HEADERS,
    query: QUERY,
};

/// What OpenAI's SDKs send beside the common headers. Organization and project select a bill, not a right: a key that
/// may not use them is refused.
pub(super) const REQUEST_HEADERS: &[&str] =
    &["openai-beta", "openai-organization", "openai-project", "x-client-request-id"];

pub(super) const REPLY_HEADERS: &[&str] = &["openai-processing-ms", "openai-version", "x-ratelimit-", "x-request-id"];

pub(super) const QUERY: &[&str] = &[
    "after",
    "before",
    "filter",
    "include",
    "include_obfuscation",
    "limit",
    "metadata",
    "model",
    "order",
    "purpose",
    "run_id",
    "starting_after",
    "stream",
    "variant",
];
