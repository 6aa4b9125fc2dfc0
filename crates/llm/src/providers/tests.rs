//! The list of providers, their URLs and the headers they let through.

use super::*;
use http::{HeaderName, HeaderValue};

#[test]
fn every_provider_is_found_by_its_id_and_has_a_folder() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/providers");
    for descriptor in providers() {
        assert!(std::ptr::eq(provider(descriptor.id).unwrap(), descriptor));
        let mut name = String::new();
        for (at, letter) in descriptor.id.replace("OpenAI", "Openai").replace("AI", "Ai").char_indices() {
            if letter.is_uppercase() && at > 0 {
                name.push('_');
            }
            name.push(letter.to_ascii_lowercase());
        }
        assert!(folder.join(&name).join("mod.rs").exists(), "{name}");
        assert_eq!(descriptor.local, descriptor.api_key.header.is_empty());
        assert!(descriptor.docs.starts_with("https://"));
    }
    assert!(provider("openai").is_none());
}

#[test]
fn the_nearest_format_comes_first() {
    use Format::{AnthropicMessages, OpenAIChat};
    for (id, client, wire) in [
        ("OpenAI", OpenAIChat, OpenAIChat),
        ("OpenAI", AnthropicMessages, OpenAIChat),
        ("Anthropic", OpenAIChat, AnthropicMessages),
        ("Anthropic", AnthropicMessages, AnthropicMessages),
        ("Echo", OpenAIChat, OpenAIChat),
        ("Echo", AnthropicMessages, AnthropicMessages),
    ] {
        assert_eq!(provider(id).unwrap().wire("m", Operation::Chat, client), Some(wire.into()), "{id}");
        assert_eq!(provider(id).unwrap().wire("m", Operation::Native, client), None);
    }
}

#[test]
fn models_of_one_format_are_called_in_it() {
    use Format::{AnthropicMessages, OpenAIChat, OpenAIResponses};
    #[track_caller]
    fn check(model: &str, client: Format, wire: Format) {
        assert_eq!(provider("OpenAI").unwrap().wire(model, Operation::Chat, client), Some(wire.into()), "{model}");
    }
    for model in
        ["gpt-5-codex", "gpt-5.1-codex-max", "codex-mini-latest", "o3-pro-2025-06-10", "o3-deep-research", "gpt-5-pro"]
    {
        check(model, OpenAIChat, OpenAIResponses);
        check(model, AnthropicMessages, OpenAIResponses);
    }
    for model in ["gpt-4o-search-preview", "gpt-4o-audio-preview", "gpt-audio"] {
        check(model, OpenAIResponses, OpenAIChat);
    }
    for model in ["gpt-4o", "o3", "gpt-5.2", "ft:gpt-4o:org:my-pro-model:id", "prose"] {
        check(model, OpenAIChat, OpenAIChat);
        check(model, OpenAIResponses, OpenAIResponses);
        check(model, AnthropicMessages, OpenAIChat);
    }
}

fn of(id: &str, endpoint: &str, wire: Format) -> String {
    let options = Options::default();
    let ask = Ask { wire: wire.into(), model: "m", stream: false, framing: Framing::Sse, options: &options };
    provider(id).unwrap().url(endpoint, &ask)
}

#[test]
fn endpoints_may_or_may_not_have_their_version() {
    #[track_caller]
    fn check(endpoint: &str, url: &str) {
        assert_eq!(of("OpenAICompatible", endpoint, Format::OpenAIChat), url);
    }
    check("https://api.openai.com", "https://api.openai.com/v1/chat/completions");
    check("https://api.openai.com/v1", "https://api.openai.com/v1/chat/completions");
    check("http://vllm:8000", "http://vllm:8000/v1/chat/completions");
    check("https://api.groq.com/openai/v1", "https://api.groq.com/openai/v1/chat/completions");
    check("https://h/v1beta/openai", "https://h/v1beta/openai/chat/completions");
    check("https://h/api/paas/v4", "https://h/api/paas/v4/chat/completions");
    check("https://v1.host.example", "https://v1.host.example/v1/chat/completions");
    assert_eq!(of("Anthropic", "https://a", Format::AnthropicMessages), "https://a/v1/messages");
    assert_eq!(of("OpenAI", "https://a/v1", Format::OpenAIResponses), "https://a/v1/responses");
}

#[test]
fn native_paths_keep_listed_query_parameters_only() {
    let openai = provider("OpenAI").unwrap();
    #[track_caller]
    fn check(descriptor: &Descriptor, path: &str, query: Option<&str>, url: &str) {
        assert_eq!(descriptor.native_url("https://h/v1", path, query, &Options::default()), url);
    }
    check(openai, "/v1/embeddings", None, "https://h/v1/embeddings");
    check(openai, "/embeddings", None, "https://h/v1/embeddings");
    check(openai, "/v1/files", Some("limit=2&key=secret&api-key=x"), "https://h/v1/files?limit=2");
    check(openai, "/v1/files", Some("key=secret"), "https://h/v1/files");
    check(openai, "/v1/r", Some("include[]=a&metadata%5Bk%5D=v"), "https://h/v1/r?include[]=a&metadata%5Bk%5D=v");
    assert_eq!(openai.native_url("https://h", "/files", None, &Options::default()), "https://h/v1/files");
}

fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
    list.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
}

const CREDENTIALS: &[(&str, &str)] = &[
    ("authorization", "Bearer sk"),
    ("x-api-key", "sk"),
    ("api-key", "sk"),
    ("x-goog-api-key", "sk"),
    ("cookie", "a=b"),
    ("x-amz-security-token", "t"),
    ("proxy-authorization", "p"),
];

#[test]
fn no_credential_and_no_foreign_vendor_header_goes_up() {
    let mut sent = headers(CREDENTIALS);
    sent.extend(headers(&[
        ("content-type", "application/json"),
        ("anthropic-beta", "x"),
        ("anthropic-version", "2099-01-01"),
        ("openai-organization", "org"),
        ("host", "h"),
        ("connection", "close"),
    ]));
    let names = |map: &HeaderMap| map.keys().map(|name| name.as_str().to_owned()).collect::<Vec<_>>();
    let [openai, anthropic] = ["OpenAI", "Anthropic"].map(|id| provider(id).unwrap());
    assert_eq!(names(&openai.request_headers(Dialect::OpenAI, &sent)), ["content-type", "openai-organization"]);
    assert_eq!(names(&openai.request_headers(Dialect::Anthropic, &sent)), ["content-type"]);
    let own = anthropic.request_headers(Dialect::Anthropic, &sent);
    assert_eq!(own["anthropic-version"], "2099-01-01");
    assert_eq!(own["anthropic-beta"], "x");
    let foreign = anthropic.request_headers(Dialect::OpenAI, &sent);
    assert_eq!(foreign["anthropic-version"], "2023-06-01");
    assert!(!foreign.contains_key("anthropic-beta"));
}

#[test]
fn rate_limits_and_request_ids_go_back_and_cookies_do_not() {
    let got = headers(&[
        ("retry-after", "3"),
        ("x-ratelimit-remaining-tokens", "1"),
        ("x-request-id", "r"),
        ("request-id", "r"),
        ("anthropic-ratelimit-tokens-limit", "9"),
        ("set-cookie", "a=b"),
        ("openai-organization", "org"),
        ("content-type", "application/json"),
        ("server", "s"),
    ]);
    let openai = provider("OpenAI").unwrap().reply_headers(Dialect::OpenAI, &got);
    assert_eq!(openai.len(), 4, "{openai:?}");
    let anthropic = provider("Anthropic").unwrap().reply_headers(Dialect::OpenAI, &got);
    assert_eq!(anthropic.len(), 3, "{anthropic:?}");
}
