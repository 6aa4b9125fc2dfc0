//! Cohere's URLs.

use crate::framing::Framing;
use crate::providers::{Ask, Options, provider};
use crate::{Dialect, Format, Operation};
use http::{HeaderMap, HeaderValue};

#[test]
fn every_client_reaches_its_chat() {
    let cohere = provider("Cohere").unwrap();
    for client in Format::ALL {
        assert_eq!(cohere.wire("command-a-03-2025", Operation::Chat, *client), Some(Format::CohereChat.into()));
    }
    let options = Options::default();
    let wire = Format::CohereChat.into();
    let ask = Ask { wire, model: "m", stream: true, framing: Framing::Sse, options: &options };
    for endpoint in ["https://api.cohere.com", "https://api.cohere.com/v1", "https://api.cohere.com/v2/"] {
        assert_eq!(cohere.url(endpoint, &ask), "https://api.cohere.com/v2/chat");
    }
    assert_eq!(cohere.url("https://proxy/cohere", &ask), "https://proxy/cohere/v2/chat");
    assert_eq!(cohere.endpoint(&options).as_deref(), Some("https://api.cohere.com"));
}

#[test]
fn native_paths_keep_their_version() {
    let cohere = provider("Cohere").unwrap();
    let url = |endpoint, path, query| cohere.native_url(endpoint, path, query, &Options::default());
    assert_eq!(url("https://h", "/v1/rerank", None), "https://h/v1/rerank");
    assert_eq!(url("https://h/v1", "/v2/embed", None), "https://h/v2/embed");
    assert_eq!(url("https://h/v1", "/embed", None), "https://h/v1/embed");
    assert_eq!(url("https://h", "/embed", None), "https://h/v2/embed");
    let query = Some("page_size=3&api_key=secret&token=x");
    assert_eq!(url("https://h", "/v1/models", query), "https://h/v1/models?page_size=3");
}

#[test]
fn the_clients_name_goes_up_and_its_key_does_not() {
    let mut sent = HeaderMap::new();
    for name in ["x-client-name", "authorization", "anthropic-beta"] {
        sent.insert(name, HeaderValue::from_static("x"));
    }
    let cohere = provider("Cohere").unwrap();
    let up = cohere.request_headers(Dialect::Cohere, &sent);
    assert_eq!(up.keys().map(http::HeaderName::as_str).collect::<Vec<_>>(), ["x-client-name"]);
    assert!(cohere.request_headers(Dialect::OpenAI, &sent).is_empty());
}
