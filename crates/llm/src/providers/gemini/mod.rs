//! The Gemini API: Google's models by a key.

mod resource;
#[cfg(test)]
mod tests;

use super::{ApiKeyDefault, Ask, Descriptor, Options};
use crate::formats::ServerRules;
use crate::framing::Framing;
use crate::{Dialect, Format};
pub(super) use resource::{Versioned, segments};

pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    id: "Gemini",
    default_endpoint: |_| Some("https://generativelanguage.googleapis.com".to_owned()),
    local: false,
    api_key: ApiKeyDefault { header: "x-goog-api-key", prefix: "" },
    dialects: &[Dialect::Gemini],
    docs: "https://ai.google.dev/api/generate-content",
    options: &[],
    required_options: &[],
    wire: |_, client| super::nearest(&[Format::GeminiGenerateContent], client),
    url,
    native_url,
    rules: ServerRules { max_tokens: "max_tokens", stream_usage: true, cloud: false },
    request_headers: &[
        "x-goog-api-client",
        "x-goog-upload-command",
        "x-goog-upload-file-name",
        "x-goog-upload-header-content-length",
        "x-goog-upload-header-content-type",
        "x-goog-upload-offset",
        "x-goog-upload-protocol",
        "x-server-timeout",
    ],
    required_headers: &[],
    reply_headers: &["server-timing", "x-gemini-service-tier", "x-goog-upload-"],
    query: &[
        "alt",
        "filter",
        "force",
        "orderBy",
        "pageSize",
        "pageToken",
        "updateMask",
        "uploadType",
        "upload_id",
        "upload_protocol",
        "view",
    ],
};

/// The version of the API that has everything.
const VERSION: &str = "v1beta";

fn url(endpoint: &str, ask: &Ask<'_>) -> String {
    let model = ask.model.trim_matches('/');
    // A model as the cloud names it is known here by its last name.
    let model = model.rsplit_once("/models/").map_or(model, |(_, name)| name);
    let resource = match model.split_once('/') {
        Some(("models" | "tunedModels", _)) => segments(model),
        _ => segments(model).map(|name| format!("models/{name}")),
    };
    let resource = resource.unwrap_or_else(|| format!("models/{}", super::url::segment(model)));
    let path = format!("/{resource}{}", method(ask));
    Versioned::of(endpoint, &path, VERSION).url()
}

/// What is asked of a model, with the framing of its stream.
pub(super) fn method(ask: &Ask<'_>) -> &'static str {
    match (ask.stream, ask.framing) {
        (false, _) => ":generateContent",
        (true, Framing::JsonArray) => ":streamGenerateContent",
        (true, _) => ":streamGenerateContent?alt=sse",
    }
}

fn native_url(endpoint: &str, path: &str, _: &Options) -> String {
    Versioned::of(endpoint, path, VERSION).url()
}
