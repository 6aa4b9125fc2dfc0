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
    wire: |model, client| super::nearest(formats(model), client),
    url: |endpoint, ask| super::url::join(endpoint, super::url::path(ask.wire.format)),
    native_url: super::versioned,
    rules: ServerRules { max_tokens: "max_completion_tokens", stream_usage: true, cloud: false },
    request_headers: REQUEST_HEADERS,
    required_headers: &[],
    reply_headers: REPLY_HEADERS,
    query: QUERY,
};

/// The formats in which a model is served, by the words of its name: some are newer than OpenAI Chat, some were never
/// brought to Responses. Source: the endpoints on each model's page of OpenAI's documentation.
fn formats(model: &str) -> &'static [Format] {
    let has = |words: &[&str]| model.split('-').any(|word| words.contains(&word));
    // The words of a fine-tuned model's name are the user's.
    if model.starts_with("ft:") {
        &[Format::OpenAIChat, Format::OpenAIResponses]
    } else if has(&["codex", "pro", "research"]) || model.starts_with("computer-use") {
        &[Format::OpenAIResponses]
    } else if has(&["search", "audio"]) {
        &[Format::OpenAIChat]
    } else {
        &[Format::OpenAIChat, Format::OpenAIResponses]
    }
}

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
