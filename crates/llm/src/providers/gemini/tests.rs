//! URLs of the Gemini API.

use super::*;

fn ask(model: &str, stream: bool, framing: Framing) -> String {
    let options = Options::default();
    let ask = Ask { wire: Format::GeminiGenerateContent.into(), model, stream, framing, options: &options };
    DESCRIPTOR.url("https://g", &ask)
}

#[test]
fn models_stand_in_the_path_however_they_are_named() {
    for (model, path) in [
        ("gemini-2.5-flash", "models/gemini-2.5-flash"),
        ("models/gemini-2.5-flash", "models/gemini-2.5-flash"),
        ("tunedModels/t-1", "tunedModels/t-1"),
        ("publishers/google/models/gemini-2.5-flash", "models/gemini-2.5-flash"),
        ("a b?c", "models/a%20b%3Fc"),
        ("models/../../files", "models/models%2F..%2F..%2Ffiles"),
    ] {
        assert_eq!(ask(model, false, Framing::Sse), format!("https://g/v1beta/{path}:generateContent"));
    }
    let stream = "https://g/v1beta/models/m:streamGenerateContent";
    assert_eq!(ask("m", true, Framing::Sse), format!("{stream}?alt=sse"));
    assert_eq!(ask("m", true, Framing::JsonArray), stream);
}

#[test]
fn native_paths_keep_their_version_unless_the_endpoint_has_one() {
    let check = |endpoint: &str, path: &str, query: Option<&str>, url: &str| {
        assert_eq!(DESCRIPTOR.native_url(endpoint, path, query, &Options::default()), url);
    };
    check("https://g", "/v1beta/models/m:countTokens", None, "https://g/v1beta/models/m:countTokens");
    check("https://g/", "/v1alpha/files", None, "https://g/v1alpha/files");
    check("https://g", "/files", None, "https://g/v1beta/files");
    check("https://g/x/v1", "/v1beta/files/a", None, "https://g/x/v1/files/a");
    check("https://g/v1", "/upload/v1beta/files", None, "https://g/upload/v1/files");
    let query = Some("key=secret&pageSize=2&$alt=x&access_token=t");
    check("https://g", "/v1beta/files", query, "https://g/v1beta/files?pageSize=2");
    check("https://g", "/v1beta/files", Some("key=secret"), "https://g/v1beta/files");
}

#[test]
fn no_other_clients_headers_go_up() {
    let mut headers = http::HeaderMap::new();
    for name in ["x-goog-api-client", "x-goog-api-key", "x-goog-user-project", "x-server-timeout", "authorization"] {
        headers.insert(name, http::HeaderValue::from_static("v"));
    }
    let sent = DESCRIPTOR.request_headers(Dialect::Gemini, &headers);
    assert_eq!(sent.keys().collect::<Vec<_>>(), ["x-goog-api-client", "x-server-timeout"]);
    assert!(DESCRIPTOR.request_headers(Dialect::OpenAI, &headers).is_empty());
}
