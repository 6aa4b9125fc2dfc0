//! The list of providers, and what a descriptor says of one. A vendor's own words stand in its folder only.

mod anthropic;
pub mod echo;
mod headers;
mod openai;
mod openai_compatible;
mod url;

use crate::{Dialect, Format, Operation};
use http::HeaderMap;

/// Every provider, in the order in which users read them.
static PROVIDERS: [Descriptor; 4] =
    [openai::DESCRIPTOR, anthropic::DESCRIPTOR, openai_compatible::DESCRIPTOR, echo::DESCRIPTOR];

/// Every provider.
#[must_use]
pub fn providers() -> &'static [Descriptor] {
    &PROVIDERS
}

/// The provider of an id as users write it in `spec.type`.
#[must_use]
pub fn provider(id: &str) -> Option<&'static Descriptor> {
    PROVIDERS.iter().find(|descriptor| descriptor.id == id)
}

/// What there is to know of one kind of provider before a byte is sent.
#[derive(Debug)]
pub struct Descriptor {
    /// Its id, as in `spec.type`.
    pub id: &'static str,
    /// Base URL where the user gives none.
    pub default_endpoint: Option<&'static str>,
    /// Whether it answers inside of the gateway, without an endpoint.
    pub local: bool,
    /// Where an API key goes if the user does not say.
    pub api_key: ApiKeyDefault,
    /// Whose native paths it serves.
    pub dialects: &'static [Dialect],
    /// Its API's documentation.
    pub docs: &'static str,
    /// The formats it speaks, the best first.
    pub(crate) formats: &'static [Format],
    /// Whether streams give their usage when `stream_options.include_usage` asks for it.
    pub(crate) stream_usage: bool,
    /// The name under which it takes the bound of the answer's length, in OpenAI Chat.
    pub(crate) max_tokens: &'static str,
    /// Request headers of its own that a client of its own dialect may send.
    pub(crate) request_headers: &'static [&'static str],
    /// Headers that every request to it must have, with the value if the client sends none.
    pub(crate) required_headers: &'static [(&'static str, &'static str)],
    /// Reply headers of its own that go back: whole names, or prefixes that end in `-`.
    pub(crate) reply_headers: &'static [&'static str],
    /// Query parameters that may go up on native paths.
    pub(crate) query: &'static [&'static str],
}

/// Where an API key goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiKeyDefault {
    /// Lower-case header name; empty where no key is taken.
    pub header: &'static str,
    /// What stands before the key (`"Bearer "`).
    pub prefix: &'static str,
}

impl Descriptor {
    /// The format in which a call of this client format reaches the provider, nearest first: its own if the provider
    /// speaks it, so that nothing is translated. `None` for operations that have no format of their own.
    #[must_use]
    pub fn wire(&self, _model: &str, operation: Operation, client: Format) -> Option<Format> {
        if operation != Operation::Chat {
            return None;
        }
        self.formats.iter().copied().find(|format| *format == client).or(self.formats.first().copied())
    }

    /// The URL for a call in `wire`. `endpoint` has no trailing slash, and may or may not have its version (`/v1`).
    #[must_use]
    pub fn url(&self, endpoint: &str, wire: Format) -> String {
        let path = match wire {
            Format::OpenAIChat => "/v1/chat/completions",
            Format::AnthropicMessages => "/v1/messages",
        };
        url::join(endpoint, path)
    }

    /// The URL for a vendor path that is relayed as it is. Of the query only what the descriptor lists goes along:
    /// a key never does.
    #[must_use]
    pub fn native_url(&self, endpoint: &str, path: &str, query: Option<&str>) -> String {
        let mut url = url::join(endpoint, path);
        if let Some(query) = query.and_then(|query| url::allowed_query(query, self.query)) {
            url.push('?');
            url.push_str(&query);
        }
        url
    }

    /// The request headers that go up, from an allow-list (invariant 5): no credential, no cookie, and vendor headers
    /// only from clients of that vendor's dialect; with those that the vendor requires.
    #[must_use]
    pub fn request_headers(&self, client: Dialect, headers: &HeaderMap) -> HeaderMap {
        headers::request(self, client, headers)
    }

    /// The reply headers that go back, from an allow-list: when to retry, rate limits, request ids; content type and
    /// disposition for clients whose dialect the provider speaks. Never a cookie.
    #[must_use]
    pub fn reply_headers(&self, client: Dialect, headers: &HeaderMap) -> HeaderMap {
        headers::reply(self, client, headers)
    }
}

#[cfg(test)]
mod tests;
