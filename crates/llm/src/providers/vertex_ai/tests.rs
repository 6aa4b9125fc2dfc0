//! Endpoints, wires and URLs of Vertex AI.

use super::*;
use crate::framing::Framing;

fn options(project: Option<&str>, location: &str) -> Options {
    Options { project: project.map(str::to_owned), location: Some(location.to_owned()), ..Options::default() }
}

#[test]
fn the_endpoint_is_the_locations() {
    for (location, endpoint) in [
        ("us-central1", Some("https://us-central1-aiplatform.googleapis.com")),
        ("global", Some("https://aiplatform.googleapis.com")),
        ("eu", Some("https://aiplatform.eu.rep.googleapis.com")),
        ("evil.example/", None),
        ("", None),
    ] {
        assert_eq!(DESCRIPTOR.endpoint(&options(None, location)).as_deref(), endpoint);
    }
    assert_eq!(DESCRIPTOR.endpoint(&Options::default()), None);
}

const PLACE: &str = "https://v/v1/projects/p/locations/us-central1";

#[track_caller]
fn check(model: &str, client: Format, format: Format, path: &str) {
    let options = options(Some("p"), "us-central1");
    let wire = (DESCRIPTOR.wire)(model, client);
    assert_eq!(wire.format, format, "{model}");
    let ask = Ask { wire, model, stream: true, framing: Framing::Sse, options: &options };
    let url = DESCRIPTOR.url("https://v", &ask);
    let expected = if path.starts_with("https:") { path.to_owned() } else { format!("{PLACE}{path}") };
    assert_eq!(url, expected, "{model}");
}

#[test]
fn each_publisher_is_reached_in_its_nearest_form() {
    use Format::{AnthropicMessages, GeminiGenerateContent, OpenAIChat};
    let gemini = "/publishers/google/models/gemini-2.5-pro:streamGenerateContent?alt=sse";
    for model in
        ["gemini-2.5-pro", "google/gemini-2.5-pro", "publishers/google/models/gemini-2.5-pro", "models/gemini-2.5-pro"]
    {
        check(model, OpenAIChat, GeminiGenerateContent, gemini);
    }
    let claude = "/publishers/anthropic/models/claude-sonnet-4-5@20250929:streamRawPredict";
    for model in ["claude-sonnet-4-5@20250929", "anthropic/claude-sonnet-4-5@20250929"] {
        check(model, AnthropicMessages, AnthropicMessages, claude);
        check(model, GeminiGenerateContent, AnthropicMessages, claude);
    }
    assert_eq!((DESCRIPTOR.wire)("claude-x", OpenAIChat).envelope, Envelope::VertexRawPredict);
    check("meta/llama-4-maverick", AnthropicMessages, OpenAIChat, "/endpoints/openapi/chat/completions");
    check("1234567890", OpenAIChat, GeminiGenerateContent, "/endpoints/1234567890:streamGenerateContent?alt=sse");
    check("endpoints/7", OpenAIChat, GeminiGenerateContent, "/endpoints/7:streamGenerateContent?alt=sse");
    let full = "projects/q/locations/eu/endpoints/7";
    check(full, OpenAIChat, GeminiGenerateContent, &format!("https://v/v1/{full}:streamGenerateContent?alt=sse"));
    let full = "projects/q/locations/eu/publishers/anthropic/models/claude-x";
    check(full, OpenAIChat, AnthropicMessages, &format!("https://v/v1/{full}:streamRawPredict"));
    let odd = "/publishers/google/models/projects%2F..%2F..%2Fx:streamGenerateContent?alt=sse";
    check("projects/../../x", OpenAIChat, GeminiGenerateContent, odd);
}

#[test]
fn express_mode_has_no_project() {
    let options = options(None, "global");
    let wire = Format::GeminiGenerateContent.into();
    let ask = Ask { wire, model: "gemini-2.5-pro", stream: true, framing: Framing::JsonArray, options: &options };
    let url = DESCRIPTOR.url("https://v", &ask);
    assert_eq!(url, "https://v/v1/publishers/google/models/gemini-2.5-pro:streamGenerateContent");
}

#[test]
fn native_paths_are_held_in_the_providers_project() {
    let project = options(Some("p"), "us-central1");
    let check = |options: &Options, path: &str, url: &str| {
        assert_eq!(
            DESCRIPTOR.native_url("https://v", path, Some("key=secret&alt=sse"), options),
            format!("{url}?alt=sse")
        );
    };
    let count = "publishers/google/models/m:countTokens";
    let held = format!("{PLACE}/{count}");
    check(&project, &format!("/v1/projects/other/locations/eu/{count}"), &held);
    check(&project, &format!("/v1/{count}"), &held);
    check(
        &project,
        "/v1beta1/projects/x/locations/y/cachedContents",
        "https://v/v1beta1/projects/p/locations/us-central1/cachedContents",
    );
    check(&project, "/v1/projects/x/locations/y/../../../projects/z/%2E%2e/a", &format!("{PLACE}/projects/z/a"));
    check(&project, "/v1/projects/x/datasets", "https://v/v1/projects/p/datasets");
    check(&options(None, "global"), &format!("/v1/projects/x/locations/y/{count}"), &format!("https://v/v1/{count}"));
}
