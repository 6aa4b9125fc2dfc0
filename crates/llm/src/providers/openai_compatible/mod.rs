//! Any server that imitates OpenAI's API: vLLM, Groq, DeepSeek, OpenRouter and others. The endpoint is the user's.

use super::openai::{QUERY, REPLY_HEADERS, REQUEST_HEADERS};
use super::{ApiKeyDefault, Descriptor};
use crate::formats::ServerRules;
use crate::{Dialect, Format};

pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    id: "OpenAICompatible",
    default_endpoint: super::no_endpoint,
    local: false,
    api_key: ApiKeyDefault { header: "authorization", prefix: "Bearer " },
    dialects: &[Dialect::OpenAI],
    docs: "https://platform.openai.com/docs/api-reference/chat",
    options: &[],
    required_options: &[],
    wire: |_, client| super::nearest(&[Format::OpenAIChat], client),
    url: |endpoint, ask| super::url::join(endpoint, super::url::path(ask.wire.format)),
    native_url: super::versioned,
    // Servers that do not know it ignore it, or send usage anyway; those few that refuse it are not this provider.
    // The older name is the one that all of them know.
    rules: ServerRules { max_tokens: "max_tokens", stream_usage: true, cloud: false },
    request_headers: REQUEST_HEADERS,
    required_headers: &[],
    reply_headers: REPLY_HEADERS,
    query: QUERY,
};
