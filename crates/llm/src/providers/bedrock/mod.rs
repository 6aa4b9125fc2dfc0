//! Bedrock. SKELETON

use super::{ApiKeyDefault, Descriptor};
use crate::formats::ServerRules;
use crate::{Dialect, Format};

pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    id: "Bedrock",
    default_endpoint: super::no_endpoint,
    local: false,
    api_key: ApiKeyDefault { header: "authorization", prefix: "Bearer " },
    dialects: &[Dialect::Bedrock],
    docs: "https://",
    options: &[],
    required_options: &[],
    wire: |_, client| super::nearest(&[Format::BedrockConverse], client),
    url: |endpoint, ask| super::url::join(endpoint, super::url::path(ask.wire.format)),
    native_url: super::versioned,
    rules: ServerRules { max_tokens: "max_tokens", stream_usage: true, cloud: false },
    request_headers: &[],
    required_headers: &[],
    reply_headers: &[],
    query: &[],
};
