//! Vertex AI: Google's models and those of partners in a cloud project. Each publisher is reached in the form that is
//! nearest to it.
//!
//! Sources: <https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference>,
//! <https://cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude/use-claude>,
//! <https://cloud.google.com/vertex-ai/generative-ai/docs/start/express-mode/overview>.

mod model;
#[cfg(test)]
mod tests;

use super::gemini::{Versioned, method};
use super::{ApiKeyDefault, Ask, Descriptor, Options};
use crate::formats::ServerRules;
use crate::{Dialect, Envelope, Format, Wire};
use model::Model;

pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    id: "VertexAI",
    default_endpoint,
    local: false,
    api_key: ApiKeyDefault { header: "x-goog-api-key", prefix: "" },
    dialects: &[Dialect::VertexAI],
    docs: "https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference",
    options: &["project", "location"],
    // Without a project a key is that of express mode.
    required_options: &["location"],
    wire,
    url,
    native_url,
    rules: ServerRules { max_tokens: "max_tokens", stream_usage: true, cloud: true },
    request_headers: &[
        "anthropic-beta",
        "x-goog-api-client",
        "x-server-timeout",
        "x-vertex-ai-llm-request-type",
        "x-vertex-ai-llm-shared-request-type",
    ],
    required_headers: &[],
    reply_headers: &["request-id", "server-timing", "x-vertex-ai-"],
    query: &["alt", "filter", "force", "orderBy", "pageSize", "pageToken", "readMask", "updateMask", "view"],
};

const VERSION: &str = "v1";

fn default_endpoint(options: &Options) -> Option<String> {
    let location = options.location.as_deref()?;
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    match location {
        "" => None,
        "global" => Some("https://aiplatform.googleapis.com".to_owned()),
        // Several regions at once.
        "us" | "eu" => Some(format!("https://aiplatform.{location}.rep.googleapis.com")),
        location if location.bytes().all(plain) => Some(format!("https://{location}-aiplatform.googleapis.com")),
        _ => None,
    }
}

fn wire(model: &str, client: Format) -> Wire {
    match Model::of(model) {
        Model::Claude(_) => Wire { format: Format::AnthropicMessages, envelope: Envelope::VertexRawPredict },
        Model::Partner => Format::OpenAIChat.into(),
        Model::Google(_) => super::nearest(&[Format::GeminiGenerateContent], client),
    }
}

fn url(endpoint: &str, ask: &Ask<'_>) -> String {
    let place = place(ask.options);
    let path = match Model::of(ask.model) {
        Model::Claude(resource) => {
            let method = if ask.stream { "streamRawPredict" } else { "rawPredict" };
            format!("{}:{method}", resource.within(&place))
        }
        Model::Partner => format!("{place}/endpoints/openapi/chat/completions"),
        Model::Google(resource) => format!("{}{}", resource.within(&place), method(ask)),
    };
    Versioned::of(endpoint, &path, VERSION).url()
}

/// `/projects/{p}/locations/{l}`; nothing in express mode.
fn place(options: &Options) -> String {
    let segment = |text: &Option<String>| super::url::segment(text.as_deref().unwrap_or_default());
    match &options.project {
        Some(_) => format!("/projects/{}/locations/{}", segment(&options.project), segment(&options.location)),
        None => String::new(),
    }
}

/// A relayed path, in the project and location of the provider whatever the client wrote.
fn native_url(endpoint: &str, path: &str, options: &Options) -> String {
    let mut versioned = Versioned::of(endpoint, path, VERSION);
    // Segments that would leave the place.
    let stays = |part: &&str| !matches!(part.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    let parts: Vec<&str> = versioned.rest.split('/').skip(1).filter(stays).collect();
    let place = place(options);
    versioned.rest = match parts.as_slice() {
        ["projects", _, "locations", _, rest @ ..] => [&place, "/", &rest.join("/")].concat(),
        ["projects", _, rest @ ..] => match &options.project {
            Some(project) => format!("/projects/{}/{}", super::url::segment(project), rest.join("/")),
            None => format!("/{}", rest.join("/")),
        },
        ["publishers", ..] => [&place, "/", &parts.join("/")].concat(),
        parts => format!("/{}", parts.join("/")),
    };
    versioned.url()
}
