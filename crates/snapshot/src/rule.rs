//! Which calls go where, under which rules.

use crate::{ModelPattern, ProviderKey};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Names a rule: `namespace/route` of its object and the rule's own name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RuleName {
    /// `namespace/name` of the route.
    pub route: String,
    /// Name of the rule in it.
    pub rule: String,
}

/// One rule of one route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// Whose it is.
    pub name: RuleName,
    /// Any of these; empty: every call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub matches: Vec<Match>,
    /// Never empty. Those of the lowest `priority` are tried first.
    pub backends: Vec<Backend>,
    /// All in milliseconds, none left to default.
    pub timeouts: Timeouts,
    /// When another attempt is made.
    pub retry: Retry,
    /// What a translation may lose.
    #[serde(default, skip_serializing_if = "is_default")]
    pub translation: Translation,
    /// How tokens are counted.
    #[serde(default, skip_serializing_if = "is_default")]
    pub metering: Metering,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// What a translation may lose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Translation {
    /// What the target cannot say, named in the reply's headers.
    #[default]
    Lenient,
    /// Nothing: the call is refused.
    Strict,
}

/// How tokens are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Metering {
    /// A stream's usage is asked for where the client did not.
    #[default]
    Full,
    /// As far as upstream tells of itself; the request stays as it is.
    Observe,
}

/// All parts must hold; an empty part holds always.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Match {
    /// Models by name or pattern. A call without a model matches only an empty list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<ModelPattern>,
    /// Operation names as in `pillion-llm` (`Chat`, `Native`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operations: Vec<String>,
    /// The client's dialects, as in `pillion-llm` (`OpenAI`, `Anthropic`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub formats: Vec<String>,
    /// Request headers, all of which must be there with exactly this value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<HeaderMatch>,
}

/// A header that must be there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaderMatch {
    /// Lower-case name.
    pub name: String,
    /// Exact value.
    pub value: String,
}

/// One place where a call may go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Backend {
    /// Key into the snapshot's providers. A key that is not there is a reference that did not resolve: calls that
    /// fall on this backend are answered 503 `backend_not_found`, they do not move to the others in silence.
    pub provider: ProviderKey,
    /// Sent upstream in place of the client's model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Share among the backends of one priority; 0 takes none.
    pub weight: u32,
    /// Lower is tried first.
    pub priority: u32,
    /// What is filled in or forced.
    #[serde(default, skip_serializing_if = "Params::is_empty")]
    pub params: Params,
}

/// Parameters under their OpenAI Chat names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Params {
    /// Fill what the client left out; `0` and `false` count as set.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub defaults: Map<String, Value>,
    /// Win over the client.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub overrides: Map<String, Value>,
}

impl Params {
    /// Whether nothing is filled in or forced.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.defaults.is_empty() && self.overrides.is_empty()
    }
}

/// In milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Timeouts {
    /// To connect, TLS included.
    pub connect: u64,
    /// From the request sent to the first byte of a streamed reply's body.
    pub first_byte: u64,
    /// Between two pieces of a streamed reply.
    pub stream_idle: u64,
    /// The whole call, all attempts.
    pub request: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: 5_000, first_byte: 300_000, stream_idle: 300_000, request: 600_000 }
    }
}

/// When another attempt is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// Attempts in all, the first included; at least 1.
    pub attempts: u32,
    /// Causes that allow another.
    pub on: Vec<RetryOn>,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 3, on: vec![RetryOn::Connect] }
    }
}

/// A cause of failure that allows another attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RetryOn {
    /// The upstream could not be reached; nothing was sent.
    Connect,
}
