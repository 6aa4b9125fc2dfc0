//! The names that the data listener answers to. A page in some browser of the pod can make a name of its own point to
//! 127.0.0.1 (DNS rebinding); it cannot make the browser say `localhost`.

use http::uri::Authority;
use http::{HeaderMap, Uri, header};

/// Loopback's names, and what the settings add; lower case, no port.
#[derive(Clone, Debug)]
pub(crate) struct Hosts(Vec<String>);

impl Hosts {
    pub(crate) fn new(more: &[String]) -> Self {
        let ours = ["localhost", "127.0.0.1", "[::1]"].map(String::from);
        Self(ours.into_iter().chain(more.iter().map(|name| name.to_ascii_lowercase())).collect())
    }

    /// Whether a request may be served; `Err` holds the name it asked for, cut to a decent length.
    pub(crate) fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), String> {
        let from_header = || headers.get(header::HOST)?.to_str().ok()?.parse::<Authority>().ok();
        let authority = uri.authority().cloned().or_else(from_header);
        let host = authority.as_ref().map(Authority::host).unwrap_or_default();
        let known = self.0.iter().any(|name| name.eq_ignore_ascii_case(host));
        if known && headers.get_all(header::HOST).iter().count() <= 1 {
            return Ok(());
        }
        Err(host.chars().take(100).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn only_loopbacks_names_and_configured_ones_are_answered() {
        let hosts = Hosts::new(&["Gateway.local".into()]);
        for (host, expected) in [
            (Some("localhost"), true),
            (Some("LOCALHOST:15400"), true),
            (Some("127.0.0.1:15400"), true),
            (Some("[::1]:15400"), true),
            (Some("gateway.local"), true),
            (Some("evil.example"), false),
            (Some("localhost.evil.example"), false),
            (Some("127.0.0.1.evil.example:15400"), false),
            (Some("user@localhost"), true),
            (Some(""), false),
            (None, false),
        ] {
            let mut headers = HeaderMap::new();
            headers.extend(host.map(|host| (header::HOST, HeaderValue::from_static(host))));
            let checked = hosts.check(&Uri::from_static("/v1/models"), &headers);
            assert_eq!(checked.is_ok(), expected, "{host:?}");
        }
    }

    #[test]
    fn the_request_line_speaks_before_the_header() {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("localhost"));
        let hosts = Hosts::new(&[]);
        assert!(hosts.check(&Uri::from_static("http://evil.example/"), &headers).is_err());
        headers.append(header::HOST, HeaderValue::from_static("evil.example"));
        assert!(hosts.check(&Uri::from_static("/"), &headers).is_err());
    }
}
