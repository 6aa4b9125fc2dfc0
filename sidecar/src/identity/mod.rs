//! Turns a provider's auth into headers or a query parameter of the upstream request. The only place that touches a
//! credential's value.

mod mounted;
mod secret;

pub(crate) use mounted::{KeyError, Keys};

use crate::snapshots::Auth;
use http::{HeaderMap, HeaderName, Uri, header, uri::PathAndQuery};
use std::time::Instant;

/// What injection sets where an SDK refuses to start without a key; no provider knows it.
const PLACEHOLDER: &str = "injected-by-pillion";

/// The client's own credential headers, as they are forwarded by `Passthrough`.
const CLIENT_CREDENTIALS: [HeaderName; 2] = [header::AUTHORIZATION, HeaderName::from_static("x-api-key")];

/// Why a request could not be authorised. Nothing was sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthError {
    #[error("{0}")]
    Key(#[from] KeyError),
    #[error("the key does not make a valid header or URL with what the provider puts around it")]
    Placement,
    #[error("this provider takes the client's own credential, and the client sent none")]
    ClientSentNone,
}

/// Adds what `auth` says to the upstream request.
pub(crate) fn authorise(
    auth: &Auth,
    keys: &Keys,
    client: &HeaderMap,
    headers: &mut HeaderMap,
    uri: &mut Uri,
) -> Result<(), AuthError> {
    match auth {
        Auth::None => Ok(()),
        Auth::Passthrough => forward(client, headers),
        Auth::Header { key, name, prefix } => {
            let value = keys.get(key, Instant::now())?.header(prefix).ok_or(AuthError::Placement)?;
            headers.insert(name.clone(), value);
            Ok(())
        }
        Auth::Query { key, name } => {
            let pair = keys.get(key, Instant::now())?.query(name);
            *uri = with_query(uri, &pair).ok_or(AuthError::Placement)?;
            Ok(())
        }
    }
}

fn forward(client: &HeaderMap, headers: &mut HeaderMap) -> Result<(), AuthError> {
    let mut found = false;
    for name in CLIENT_CREDENTIALS {
        let Some(value) = client.get(&name) else { continue };
        if value.as_bytes().ends_with(PLACEHOLDER.as_bytes()) {
            continue;
        }
        let mut value = value.clone();
        value.set_sensitive(true);
        headers.insert(name, value);
        found = true;
    }
    if found { Ok(()) } else { Err(AuthError::ClientSentNone) }
}

fn with_query(uri: &Uri, pair: &str) -> Option<Uri> {
    let mut parts = uri.clone().into_parts();
    let old = parts.path_and_query.as_ref().map_or("/", PathAndQuery::as_str);
    let separator = if old.contains('?') { '&' } else { '?' };
    parts.path_and_query = Some(format!("{old}{separator}{pair}").parse().ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn keys() -> Keys {
        let keys = Keys::default();
        keys.give([("k".into(), b"sk-1".to_vec())].into());
        keys
    }

    #[test]
    fn a_key_goes_where_its_placement_says_and_replaces_what_was_there() {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer client"));
        let mut uri = Uri::from_static("https://h/v1/x?a=b");
        let auth = Auth::Header { key: "k".into(), name: header::AUTHORIZATION, prefix: "Bearer ".into() };
        authorise(&auth, &keys(), &HeaderMap::new(), &mut headers, &mut uri).unwrap();
        assert_eq!(headers[header::AUTHORIZATION], "Bearer sk-1");
        let auth = Auth::Query { key: "k".into(), name: "key".into() };
        authorise(&auth, &keys(), &HeaderMap::new(), &mut headers, &mut uri).unwrap();
        assert_eq!(uri, "https://h/v1/x?a=b&key=sk-1");
    }

    #[test]
    fn passthrough_forwards_the_clients_credential_but_never_our_placeholder() {
        let mut client = HeaderMap::new();
        client.insert("x-api-key", HeaderValue::from_static("mine"));
        client.insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer injected-by-pillion"));
        let mut headers = HeaderMap::new();
        let mut uri = Uri::from_static("https://h/");
        authorise(&Auth::Passthrough, &keys(), &client, &mut headers, &mut uri).unwrap();
        assert_eq!(headers.len(), 1);
        assert_eq!(headers["x-api-key"], "mine");
        client.remove("x-api-key");
        let error = authorise(&Auth::Passthrough, &keys(), &client, &mut headers, &mut uri).unwrap_err();
        assert!(matches!(error, AuthError::ClientSentNone));
    }
}
