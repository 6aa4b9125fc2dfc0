//! Headers of a vendor's API stay behind where a call goes on in another vendor's format. A provider's list of headers
//! does not say so by itself where the provider is a cloud that serves several vendors' formats side by side.

use crate::{Dialect, Format};
use http::{HeaderMap, HeaderName};

/// How headers begin of APIs that others than their vendor serve too. A cloud's own headers are on its own list alone.
const SERVED_BY_OTHERS: &[(&str, Dialect)] = &[("anthropic-", Dialect::Anthropic), ("openai-", Dialect::OpenAI)];

/// Takes out the headers of other vendors' APIs than the one that made `wire`.
pub fn remove_foreign_headers(headers: &mut HeaderMap, wire: Format) {
    let vendor = wire.dialect();
    let foreign = |name: &&HeaderName| {
        SERVED_BY_OTHERS.iter().any(|(prefix, owner)| *owner != vendor && name.as_str().starts_with(prefix))
    };
    let names: Vec<HeaderName> = headers.keys().filter(foreign).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[track_caller]
    fn check(wire: Format, expected: &[&str]) {
        let mut headers = HeaderMap::new();
        for name in ["anthropic-beta", "anthropic-version", "openai-beta", "x-goog-api-client", "accept"] {
            headers.append(name, HeaderValue::from_static("a"));
            headers.append(name, HeaderValue::from_static("b"));
        }
        remove_foreign_headers(&mut headers, wire);
        let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, expected, "{wire:?}");
    }

    #[test]
    fn of_the_vendors_headers_a_call_takes_along_those_of_its_formats_own() {
        check(Format::AnthropicMessages, &["accept", "anthropic-beta", "anthropic-version", "x-goog-api-client"]);
        check(Format::OpenAIChat, &["accept", "openai-beta", "x-goog-api-client"]);
        check(Format::OpenAIResponses, &["accept", "openai-beta", "x-goog-api-client"]);
        check(Format::GeminiGenerateContent, &["accept", "x-goog-api-client"]);
    }
}
