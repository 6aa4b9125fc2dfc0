//! Endpoint and path become one URL, whether or not the endpoint has its version.

use crate::Format;

/// The path of a chat call, in formats whose path is always the same.
pub(super) fn path(wire: Format) -> &'static str {
    match wire {
        Format::OpenAIResponses => "/v1/responses",
        Format::AnthropicMessages => "/v1/messages",
        Format::CohereChat => "/v2/chat",
        // Their own providers say the path of these.
        Format::OpenAIChat | Format::GeminiGenerateContent | Format::BedrockConverse => "/v1/chat/completions",
    }
}

/// A text as one segment of a path, which leads nowhere else.
pub(crate) fn segment(text: &str) -> String {
    if matches!(text, "." | "..") {
        return text.replace('.', "%2E");
    }
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            byte => {
                let digit = |value: u8| char::from(b"0123456789ABCDEF"[usize::from(value)]);
                out.extend(['%', digit(byte >> 4), digit(byte & 15)]);
            }
        }
    }
    out
}

/// Joins an endpoint and a vendor path. The path's `/v1` gives way to a version that the endpoint already has
/// (`https://host/api/v4`, `https://host/v1beta/openai`), and is added where neither has one.
pub(super) fn join(endpoint: &str, path: &str) -> String {
    let endpoint = endpoint.trim_end_matches('/');
    let unversioned = match path.strip_prefix("/v1") {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => rest,
        _ => path,
    };
    if has_version(endpoint) {
        return format!("{endpoint}{unversioned}");
    }
    if has_version(path) { format!("{endpoint}{path}") } else { format!("{endpoint}/v1{path}") }
}

/// Whether a segment of the path is a version.
fn has_version(url: &str) -> bool {
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.split_once('/').map_or("", |(_, path)| path),
        None => url,
    };
    path.split('/').any(is_version)
}

/// Whether a segment of a path is a version: `v1`, `v1beta`, `v4`.
pub(super) fn is_version(segment: &str) -> bool {
    let mut bytes = segment.bytes();
    bytes.next() == Some(b'v')
        && bytes.next().is_some_and(|byte| byte.is_ascii_digit())
        && bytes.all(|byte| byte.is_ascii_alphanumeric())
}

/// The names of a URL's query parameters.
pub(super) fn query_names(url: &str) -> impl Iterator<Item = &str> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    query.split('&').filter_map(|parameter| parameter.split('=').next()).filter(|name| !name.is_empty())
}

/// The parameters of `query` whose name is allowed, `name[…]` included; `None` when none is left.
pub(super) fn allowed_query(query: &str, allowed: &[&str]) -> Option<String> {
    let kept: Vec<&str> = query
        .split('&')
        .filter(|parameter| {
            let name = parameter.split('=').next().unwrap_or_default();
            let name = name.split(['[', '%']).next().unwrap_or_default();
            allowed.contains(&name)
        })
        .collect();
    (!kept.is_empty()).then(|| kept.join("&"))
}
