//! Azure's URLs: the newer surface under `/openai/v1`, the older ones with deployments in the path and a dated
//! `api-version` in the query, Claude's under `/anthropic`.

use crate::Format;
use crate::providers::{Ask, Options, segment};

/// What an `apiVersion` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version<'a> {
    /// None is set.
    Unset,
    /// The newer surface, which needs no version.
    Newer,
    /// The newer surface's previews.
    Preview,
    /// An older surface of this date.
    Dated(&'a str),
}

fn version(options: &Options) -> Version<'_> {
    match options.api_version.as_deref().map(str::trim) {
        None | Some("") => Version::Unset,
        Some("v1" | "latest") => Version::Newer,
        Some("preview" | "v1-preview") => Version::Preview,
        Some(date) => Version::Dated(date),
    }
}

/// The URL of a chat call.
pub(super) fn call(endpoint: &str, ask: &Ask<'_>) -> String {
    let root = root(endpoint);
    let path = match ask.wire.format {
        Format::AnthropicMessages => return format!("{root}/anthropic/v1/messages"),
        Format::OpenAIResponses => "/responses",
        _ => "/chat/completions",
    };
    match version(ask.options) {
        Version::Unset | Version::Newer => format!("{root}/openai/v1{path}"),
        Version::Preview => format!("{root}/openai/v1{path}?api-version=preview"),
        // Responses name the deployment in the body.
        Version::Dated(date) if path == "/responses" => {
            format!("{root}/openai{path}?api-version={}", segment(date))
        }
        Version::Dated(date) => {
            let deployment = ask.options.deployments.get(ask.model).map_or(ask.model, String::as_str);
            format!("{root}/openai/deployments/{}{path}?api-version={}", segment(deployment), segment(date))
        }
    }
}

/// The URL of a relayed path: Azure's own (`/openai/…`, `/anthropic/…`) as it is, OpenAI's and Anthropic's at their
/// place on Azure. The version that the provider sets beats the client's.
pub(super) fn native(endpoint: &str, path: &str, options: &Options) -> String {
    let root = root(endpoint);
    if path.starts_with("/anthropic/") {
        return format!("{root}{path}");
    }
    let plain = path.strip_prefix("/v1").filter(|rest| rest.starts_with('/'));
    let plain = plain.unwrap_or(path);
    if plain == "/messages" || plain.starts_with("/messages/") {
        return format!("{root}/anthropic/v1{plain}");
    }
    let dated = match version(options) {
        Version::Dated(date) => Some(date),
        _ => None,
    };
    let path = match (path.strip_prefix("/openai/"), dated) {
        (Some(_), _) => path.to_owned(),
        (None, Some(_)) if !by_deployment(plain) => format!("/openai{plain}"),
        // The deployment stands in the body, which only the newer surface reads.
        (None, _) => format!("/openai/v1{plain}"),
    };
    let newer = path == "/openai/v1" || path.starts_with("/openai/v1/");
    let version = match version(options) {
        Version::Preview if newer => Some("preview".to_owned()),
        Version::Dated(date) if !newer => Some(segment(date)),
        _ => None,
    };
    match version {
        Some(version) => format!("{root}{path}?api-version={version}"),
        None => format!("{root}{path}"),
    }
}

/// Whether the older surfaces want a deployment in this path.
fn by_deployment(path: &str) -> bool {
    ["/audio/", "/chat/", "/completions", "/embeddings", "/images/"].iter().any(|prefix| path.starts_with(prefix))
}

/// The endpoint without the surface that users may have copied with it.
fn root(endpoint: &str) -> &str {
    let mut root = endpoint.trim_end_matches('/');
    for suffix in ["/v1", "/openai", "/anthropic", "/models"] {
        root = root.strip_suffix(suffix).unwrap_or(root);
    }
    root
}
