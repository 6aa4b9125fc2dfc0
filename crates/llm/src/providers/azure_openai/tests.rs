//! Azure's URLs, wires and headers.

use crate::framing::Framing;
use crate::providers::{Ask, Options, provider};
use crate::{Dialect, Format, Operation};
use http::{HeaderMap, HeaderValue};
use serde_json::json;

const CHAT: Format = Format::OpenAIChat;
const RESPONSES: Format = Format::OpenAIResponses;
const CLAUDE: Format = Format::AnthropicMessages;

fn options(version: Option<&str>) -> Options {
    let mut options = json!({"deployments": {"gpt-4o": "prod gpt/4o"}});
    if let Some(version) = version {
        options["apiVersion"] = json!(version);
    }
    Options::read(options.as_object().unwrap()).unwrap()
}

#[track_caller]
fn called(endpoint: &str, version: Option<&str>, model: &str, wire: Format, url: &str) {
    let options = options(version);
    let ask = Ask { wire: wire.into(), model, stream: false, framing: Framing::Sse, options: &options };
    assert_eq!(provider("AzureOpenAI").unwrap().url(endpoint, &ask), url);
}

#[test]
fn a_version_tells_the_surface() {
    let r = "https://res.openai.azure.com";
    called(r, None, "gpt-4o", CHAT, "https://res.openai.azure.com/openai/v1/chat/completions");
    called(r, Some("v1"), "gpt-4o", RESPONSES, "https://res.openai.azure.com/openai/v1/responses");
    called(r, Some("preview"), "m", RESPONSES, "https://res.openai.azure.com/openai/v1/responses?api-version=preview");
    let dated = Some("2024-10-21");
    called(
        r,
        dated,
        "gpt-5",
        CHAT,
        "https://res.openai.azure.com/openai/deployments/gpt-5/chat/completions?api-version=2024-10-21",
    );
    called(
        r,
        dated,
        "gpt-4o",
        CHAT,
        "https://res.openai.azure.com/openai/deployments/prod%20gpt%2F4o/chat/completions?api-version=2024-10-21",
    );
    let preview = Some("2025-04-01-preview");
    called(
        r,
        preview,
        "gpt-4o",
        RESPONSES,
        "https://res.openai.azure.com/openai/responses?api-version=2025-04-01-preview",
    );
    called(
        "https://x.services.ai.azure.com",
        dated,
        "claude-sonnet-4-5",
        CLAUDE,
        "https://x.services.ai.azure.com/anthropic/v1/messages",
    );
}

#[test]
fn endpoints_may_have_their_surface() {
    for suffix in
        ["", "/", "/openai", "/openai/", "/openai/v1", "/openai/v1/", "/anthropic", "/anthropic/v1", "/models"]
    {
        let endpoint = format!("https://h{suffix}");
        called(&endpoint, None, "m", CHAT, "https://h/openai/v1/chat/completions");
        called(&endpoint, None, "claude", CLAUDE, "https://h/anthropic/v1/messages");
    }
    called("https://h/api/projects/p", None, "m", CHAT, "https://h/api/projects/p/openai/v1/chat/completions");
}

#[test]
fn claude_is_reached_in_its_own_format_and_the_others_in_openais() {
    let azure = provider("AzureOpenAI").unwrap();
    let wire = |model, client| azure.wire(model, Operation::Chat, client).unwrap().format;
    for client in Format::ALL {
        assert_eq!(wire("claude-opus-4-6", *client), CLAUDE);
        let expected = if *client == RESPONSES { RESPONSES } else { CHAT };
        assert_eq!(wire("gpt-5", *client), expected);
    }
}

#[track_caller]
fn relayed(version: Option<&str>, path: &str, query: Option<&str>, url: &str) {
    let azure = provider("AzureOpenAI").unwrap();
    assert_eq!(azure.native_url("https://h/openai", path, query, &options(version)), url, "{path}");
}

#[test]
fn native_paths_of_three_dialects_find_their_place() {
    let (v1, dated) = (Some("v1"), Some("2024-10-21"));
    relayed(None, "/v1/embeddings", None, "https://h/openai/v1/embeddings");
    relayed(v1, "/files", Some("limit=2"), "https://h/openai/v1/files?limit=2");
    relayed(dated, "/v1/files", None, "https://h/openai/files?api-version=2024-10-21");
    relayed(dated, "/v1/embeddings", None, "https://h/openai/v1/embeddings");
    relayed(Some("preview"), "/v1/evals", Some("limit=2"), "https://h/openai/v1/evals?api-version=preview&limit=2");
    relayed(dated, "/v1/messages/count_tokens", None, "https://h/anthropic/v1/messages/count_tokens");
    relayed(None, "/messages/batches", None, "https://h/anthropic/v1/messages/batches");
    relayed(None, "/anthropic/v1/messages/count_tokens", None, "https://h/anthropic/v1/messages/count_tokens");
    relayed(None, "/openai/v1/videos", None, "https://h/openai/v1/videos");
}

#[test]
fn the_providers_version_beats_the_clients() {
    let path = "/openai/deployments/e/embeddings";
    let client = Some("api-version=2023-05-15&api-key=secret");
    relayed(Some("2024-10-21"), path, client, "https://h/openai/deployments/e/embeddings?api-version=2024-10-21");
    relayed(None, path, client, "https://h/openai/deployments/e/embeddings?api-version=2023-05-15");
    // The newer surface has no such path, so the client's version stands.
    relayed(Some("v1"), path, client, "https://h/openai/deployments/e/embeddings?api-version=2023-05-15");
    relayed(
        Some("preview"),
        "/openai/v1/files",
        Some("api%2Dversion=x&limit=1"),
        "https://h/openai/v1/files?api-version=preview&limit=1",
    );
}

#[test]
fn no_credential_goes_up_and_anthropics_version_always_does() {
    let azure = provider("AzureOpenAI").unwrap();
    let mut sent = HeaderMap::new();
    for name in ["api-key", "authorization", "ocp-apim-subscription-key", "anthropic-beta", "x-ms-client-request-id"] {
        sent.insert(name, HeaderValue::from_static("x"));
    }
    let names = |client| {
        let up = azure.request_headers(client, &sent);
        let mut names: Vec<String> = up.keys().map(|name| name.as_str().to_owned()).collect();
        names.sort();
        names
    };
    for client in [Dialect::AzureOpenAI, Dialect::OpenAI, Dialect::Anthropic] {
        assert_eq!(names(client), ["anthropic-beta", "anthropic-version", "x-ms-client-request-id"]);
    }
    assert_eq!(names(Dialect::Gemini), ["anthropic-version"]);
    assert_eq!(azure.api_key.header, "api-key");
    assert_eq!(azure.endpoint(&Options::default()), None);
}

#[test]
fn a_deployment_stands_in_the_body_where_it_has_another_name() {
    let azure = provider("AzureOpenAI").unwrap();
    let options = options(None);
    let served = |body: &'static str, model, wire: Format| {
        let ask = Ask { wire: wire.into(), model, stream: false, framing: Framing::Sse, options: &options };
        azure.served_body(bytes::Bytes::from_static(body.as_bytes()), &ask)
    };
    assert_eq!(served(r#"{"model":"gpt-4o","n":1}"#, "gpt-4o", CHAT), r#"{"model":"prod gpt/4o","n":1}"#);
    assert_eq!(served(r#"{"n":1}"#, "gpt-4o", RESPONSES), r#"{"model":"prod gpt/4o","n":1}"#);
    assert_eq!(served(r#"{"model":"gpt-5"}"#, "gpt-5", CHAT), r#"{"model":"gpt-5"}"#);
    assert_eq!(served("no body", "gpt-4o", CHAT), "no body");
    assert_eq!(azure.served("gpt-4o", &options), "prod gpt/4o");
}
