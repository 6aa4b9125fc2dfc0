//! The list of providers, and what a descriptor says of one. A vendor's own words stand in its folder only.

mod anthropic;
mod azure_openai;
mod bedrock;
mod cohere;
pub mod echo;
mod foreign;
mod gemini;
mod headers;
mod openai;
mod openai_compatible;
mod options;
mod url;
mod vertex_ai;

pub use foreign::remove_foreign_headers;
pub use options::{Options, OptionsError};
pub(crate) use url::segment;

use crate::formats::ServerRules;
use crate::framing::Framing;
use crate::{Dialect, Envelope, Format, Operation, Wire};
use bytes::Bytes;
use http::HeaderMap;

/// Every provider, in the order in which users read them.
static PROVIDERS: [Descriptor; 9] = [
    openai::DESCRIPTOR,
    azure_openai::DESCRIPTOR,
    anthropic::DESCRIPTOR,
    gemini::DESCRIPTOR,
    vertex_ai::DESCRIPTOR,
    bedrock::DESCRIPTOR,
    cohere::DESCRIPTOR,
    openai_compatible::DESCRIPTOR,
    echo::DESCRIPTOR,
];

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
    /// Base URL where the user gives none; some need an option for it.
    pub(crate) default_endpoint: fn(&Options) -> Option<String>,
    /// Whether it answers inside of the gateway, without an endpoint.
    pub local: bool,
    /// Where an API key goes if the user does not say.
    pub api_key: ApiKeyDefault,
    /// Whose native paths it serves.
    pub dialects: &'static [Dialect],
    /// Its API's documentation.
    pub docs: &'static str,
    /// The options it takes, see [`Options`]; of them, those it cannot do without.
    pub options: &'static [&'static str],
    /// Options it cannot do without.
    pub required_options: &'static [&'static str],
    /// The format in which a call for a model of a client's format reaches it, the nearest first.
    pub(crate) wire: fn(&str, Format) -> Wire,
    /// The URL of a call, see [`Descriptor::url`].
    pub(crate) url: fn(&str, &Ask<'_>) -> String,
    /// The URL of a relayed path, without its query.
    pub(crate) native_url: fn(&str, &str, &Options) -> String,
    /// What its servers want.
    pub(crate) rules: ServerRules,
    /// Request headers of its own that a client of its own dialect may send.
    pub(crate) request_headers: &'static [&'static str],
    /// Headers that every request to it must have, with the value if the client sends none.
    pub(crate) required_headers: &'static [(&'static str, &'static str)],
    /// Reply headers of its own that go back: whole names, or prefixes that end in `-`.
    pub(crate) reply_headers: &'static [&'static str],
    /// Query parameters that may go up on native paths.
    pub(crate) query: &'static [&'static str],
}

/// What the URL of one call depends on.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The format, and what is around it.
    pub wire: Wire,
    /// The model to ask for.
    pub model: &'a str,
    /// Whether a stream is asked for.
    pub stream: bool,
    /// How upstream should frame it, see [`crate::Exchange::upstream_framing`].
    pub framing: Framing,
    /// What the user set.
    pub options: &'a Options,
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
    pub fn wire(&self, model: &str, operation: Operation, client: Format) -> Option<Wire> {
        (operation == Operation::Chat).then(|| (self.wire)(model, client))
    }

    /// Base URL where the user gives none; `None` where there is none, or an option is missing for it.
    #[must_use]
    pub fn endpoint(&self, options: &Options) -> Option<String> {
        (self.default_endpoint)(options)
    }

    /// The URL for a call. `endpoint` has no trailing slash, and may or may not have its version (`/v1`).
    #[must_use]
    pub fn url(&self, endpoint: &str, ask: &Ask<'_>) -> String {
        (self.url)(endpoint, ask)
    }

    /// The URL for a vendor path that is relayed as it is. Of the query only what the descriptor lists goes along:
    /// a key never does.
    #[must_use]
    pub fn native_url(&self, endpoint: &str, path: &str, query: Option<&str>, options: &Options) -> String {
        let mut url = (self.native_url)(endpoint, path, options);
        let set: Vec<String> = url::query_names(&url).map(str::to_owned).collect();
        // What the provider sets itself beats the client's.
        let allowed: Vec<&str> = self.query.iter().copied().filter(|name| !set.iter().any(|set| set == name)).collect();
        if let Some(query) = query.and_then(|query| url::allowed_query(query, &allowed)) {
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str(&query);
        }
        url
    }

    /// The name under which the provider serves a model: Azure's deployment. It is what its URLs and bodies name, see
    /// [`Descriptor::served_body`].
    #[must_use]
    pub fn served<'a>(&self, model: &'a str, options: &'a Options) -> &'a str {
        options.deployments.get(model).map_or(model, String::as_str)
    }

    /// A prepared body that asks for the model under the name which [`Descriptor::served`] gives, where that is another.
    #[must_use]
    pub fn served_body(&self, body: Bytes, ask: &Ask<'_>) -> Bytes {
        let served = self.served(ask.model, ask.options);
        if served == ask.model || ask.wire.format.asks_in_path() || ask.wire.envelope != Envelope::None {
            return body;
        }
        crate::relay::with_model(&body, ask.wire.format, served).unwrap_or(body)
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

/// No endpoint but the user's.
fn no_endpoint(_: &Options) -> Option<String> {
    None
}

/// The first of some formats that is the client's, else the first of all.
fn nearest(formats: &[Format], client: Format) -> Wire {
    let own = formats.iter().copied().find(|format| *format == client);
    own.or(formats.first().copied()).unwrap_or(client).into()
}

/// A relayed path behind an endpoint that may have its version.
fn versioned(endpoint: &str, path: &str, _: &Options) -> String {
    url::join(endpoint, path)
}

#[cfg(test)]
mod tests;
