//! Cohere. SKELETON

use super::{ApiKeyDefault, Descriptor};
use crate::formats::ServerRules;
use crate::{Dialect, Format};

pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    id: "Cohere",
    default_endpoint: |_| Some("https://api.cohere.com".to_owned()),
    local: false,
    api_key: ApiKeyDefault { header: "authorization", prefix: "Bearer " },
    dialects: &[Dialect::Cohere],
    docs: "https://",
    options: &[],
    required_options: &[],
    wire: |_, client| super::nearest(&[Format::CohereChat], client),
    url: |endpoint, ask| super::url::join(endpoint, super::url::path(ask.wire.format)),
    native_url: super::versioned,
    rules: ServerRules { max_tokens: "max_tokens", stream_usage: true, cloud: false },
    request_headers: &[],
    required_headers: &[],
    reply_headers: &[],
    query: &[],
};
