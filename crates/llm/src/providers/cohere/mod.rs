//! Cohere's own API.

use super::{ApiKeyDefault, Descriptor};
use crate::formats::ServerRules;
use crate::{Dialect, Format};

pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    id: "Cohere",
    default_endpoint: |_| Some("https://api.cohere.com".to_owned()),
    local: false,
    api_key: ApiKeyDefault { header: "authorization", prefix: "Bearer " },
    dialects: &[Dialect::Cohere],
    docs: "https://docs.cohere.com/reference/chat",
    options: &[],
    required_options: &[],
    wire: |_, client| super::nearest(&[Format::CohereChat], client),
    url: |endpoint, ask| format!("{}{}", root(endpoint), super::url::path(ask.wire.format)),
    native_url: |endpoint, path, _| native(endpoint, path),
    rules: ServerRules { max_tokens: "max_tokens", stream_usage: false, cloud: false },
    request_headers: &["x-client-name"],
    required_headers: &[],
    reply_headers: &[
        "num_chars",
        "num_tokens",
        "x-api-warning",
        "x-debug-trace-id",
        "x-endpoint-monthly-call-limit",
        "x-trial-endpoint-call-limit",
        "x-trial-endpoint-call-remaining",
    ],
    query: &[
        "after",
        "before",
        "csv_delimiter",
        "datasetType",
        "default_only",
        "endpoint",
        "keep_fields",
        "keep_original_file",
        "limit",
        "name",
        "offset",
        "optional_fields",
        "order_by",
        "page_size",
        "page_token",
        "skip_malformed_input",
        "text_separator",
        "type",
        "validationStatus",
    ],
};

/// The endpoint without a version: `/v1` and `/v2` of the API are two, and a path says which.
fn root(endpoint: &str) -> &str {
    let endpoint = endpoint.trim_end_matches('/');
    ["/v1", "/v2"].iter().find_map(|version| endpoint.strip_suffix(version)).unwrap_or(endpoint)
}

/// A relayed path. One without a version goes to the one of the endpoint, else to the newer.
fn native(endpoint: &str, path: &str) -> String {
    let root = root(endpoint);
    if ["/v1/", "/v2/"].iter().any(|version| path.starts_with(version)) {
        return format!("{root}{path}");
    }
    let version = endpoint.trim_end_matches('/').strip_prefix(root).filter(|version| !version.is_empty());
    format!("{root}{}{path}", version.unwrap_or("/v2"))
}

#[cfg(test)]
mod tests;
