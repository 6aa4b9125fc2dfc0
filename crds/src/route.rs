//! `AIRoute`: which calls of which pods go where, under which rules.

#![allow(unreachable_pub, reason = "KubeSchema copies each struct into a function body, `pub` included")]
#![allow(clippy::duplicated_attributes, reason = "each print column names its type and path anew")]

use crate::Duration;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector};
use kube_derive::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Which calls of which pods go where, under which rules.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "pillion.dev",
    version = "v1alpha1",
    kind = "AIRoute",
    plural = "airoutes",
    shortname = "air",
    category = "ai",
    category = "pillion",
    namespaced,
    status = "AIRouteStatus",
    derive = "PartialEq",
    doc = "An AIRoute says which LLM calls of which pods of its namespace go to which AIProviders, under which rules.",
    crates(kube_core = "::kube_core"),
    printcolumn(name = "Models", type_ = "string", json_path = ".status.models"),
    printcolumn(name = "Providers", type_ = "string", json_path = ".status.providers"),
    printcolumn(
        name = "Accepted",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Accepted")].status"#
    ),
    printcolumn(
        name = "Resolved",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="ResolvedRefs")].status"#
    ),
    printcolumn(
        name = "Programmed",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Programmed")].status"#
    ),
    printcolumn(name = "Sidecars", type_ = "string", json_path = ".status.sidecars.summary"),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].reason"#,
        priority = "1"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(crates(kube_core = "::kube_core"))]
pub struct AIRouteSpec {
    /// Routes of a higher priority are tried first. Default: 0. Among equals, a route with a podSelector comes before
    /// one without, an older before a younger one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -1_000_000, max = 1_000_000))]
    pub priority: Option<i32>,

    /// The pods of this namespace that it concerns. Absent or empty: every injected pod of the namespace. Example:
    /// `{matchLabels: {app: assistant}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_selector: Option<LabelSelector>,

    /// Tried in this order; the first that matches a call takes it.
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub rules: Vec<RouteRule>,
}

/// One rule: which calls, and where they go.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(crates(kube_core = "::kube_core"))]
pub struct RouteRule {
    /// Name of the rule, unique in the route; shown in logs, metrics and the reply header `x-pillion-route`.
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = Rule::new("self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')")
        .message("must be a DNS label: lower-case letters, digits and '-'"))]
    pub name: String,

    /// Any of these must hold, and of one all parts. Absent: every call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub matches: Vec<Match>,

    /// Where the calls go.
    #[schemars(length(min = 1, max = 16))]
    pub backends: Vec<Backend>,

    /// How long things may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeouts: Option<Timeouts>,

    /// When another attempt is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,

    /// What a call that goes to a provider of another format may lose. `Lenient` sends what the format can say and names
    /// the rest in the reply's headers `x-pillion-approximated` and `x-pillion-dropped`; `Strict` answers 400 and names
    /// it there. Default: `Lenient`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub translation: Option<Translation>,

    /// How tokens are counted. `Full` asks the provider for a stream's usage where the application did not, and hides it
    /// from the application again; `Observe` changes nothing of what the application sent and counts what the provider
    /// tells of itself. Default: `Full`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metering: Option<Metering>,
}

/// What a translation may lose.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Translation {
    #[allow(missing_docs, reason = "a description on one variant would turn the enum into a union of constants")]
    Lenient,
    #[allow(missing_docs, reason = "as above")]
    Strict,
}

/// How tokens are counted.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Metering {
    #[allow(missing_docs, reason = "a description on one variant would turn the enum into a union of constants")]
    Full,
    #[allow(missing_docs, reason = "as above")]
    Observe,
}

/// Which calls; all parts must hold.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(crates(kube_core = "::kube_core"))]
pub struct Match {
    /// Models as the application names them; `*` stands for any run of characters. Absent: every model, and calls
    /// without one. Example: `["gpt-4o", "claude-*"]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 256)))]
    pub models: Vec<String>,

    /// What is asked for. `Chat` is chat in any format; `Native` is a path of the vendor that is relayed as it is.
    /// Absent: every operation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    pub operations: Vec<Operation>,

    /// The API that the application speaks. Absent: every one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    pub formats: Vec<Format>,

    /// Headers of the application's request. Example: `[{name: x-tier, value: gold}]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub headers: Vec<HeaderMatch>,
}

/// Operations that a match may name.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation {
    #[allow(missing_docs, reason = "a description on one variant would turn the enum into a union of constants")]
    Chat,
    #[allow(missing_docs, reason = "as above")]
    Native,
}

/// Formats that a match may name.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    #[allow(missing_docs, reason = "a description on one variant would turn the enum into a union of constants")]
    OpenAI,
    #[allow(missing_docs, reason = "as above")]
    AzureOpenAI,
    #[allow(missing_docs, reason = "as above")]
    Anthropic,
    #[allow(missing_docs, reason = "as above")]
    Gemini,
    #[allow(missing_docs, reason = "as above")]
    VertexAI,
    #[allow(missing_docs, reason = "as above")]
    Bedrock,
    #[allow(missing_docs, reason = "as above")]
    Cohere,
}

/// A header that must be there.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[x_kube(crates(kube_core = "::kube_core"))]
pub struct HeaderMatch {
    /// Name, in any case.
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(validation = Rule::new("self.matches('^[A-Za-z0-9!#$%&*+.^_|~-]+$')").message("must be a header name"))]
    pub name: String,
    /// Exact value.
    #[schemars(length(max = 1024))]
    pub value: String,
}

/// One place where calls may go.
#[derive(JsonSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Backend {
    /// The AIProvider.
    pub provider: ProviderReference,

    /// Model to ask it for. Default: the one that the application named. Example: `claude-sonnet-4-5`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub model: Option<String>,

    /// Share of the calls among the backends of the same priority. Default: 1; 0 takes none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub weight: Option<i32>,

    /// Backends of a lower number are tried first, those of a higher one when these fail. Default: 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 15))]
    pub priority: Option<i32>,

    /// Parameters under their OpenAI Chat names, translated to the provider's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<Params>,
}

/// Names an AIProvider of the route's namespace.
#[derive(JsonSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProviderReference {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// Parameters that are filled in or forced.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Params {
    /// Fill what the application left out; what it set, `0` and `false` too, stands. Example: `{temperature: 0.2}`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schemars(schema_with = "crate::schema::free_object")]
    pub defaults: Map<String, Value>,
    /// Win over the application. Example: `{max_tokens: 1024}`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schemars(schema_with = "crate::schema::free_object")]
    pub overrides: Map<String, Value>,
}

/// How long things may take, as durations such as `10s` or `1m30s`.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Timeouts {
    /// To connect, TLS included. Default: 5s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect: Option<Duration>,
    /// Until a streamed reply begins. Default: 300s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_byte: Option<Duration>,
    /// Between two pieces of a streamed reply. Default: 300s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_idle: Option<Duration>,
    /// For the whole call with all its attempts. Default: 600s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Duration>,
}

/// When another attempt is made. Every attempt starts from the application's own request, so the next may go to
/// another vendor.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Retry {
    /// Attempts in all, the first included. Default: 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10))]
    pub attempts: Option<i32>,
    /// Causes that allow another attempt. `Connect`: the provider could not be reached, nothing was sent. Default:
    /// `[Connect]`; an empty list never retries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 8))]
    pub retry_on: Option<Vec<RetryCause>>,
}

/// Causes that allow another attempt.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RetryCause {
    #[allow(missing_docs, reason = "a description on one variant would turn the enum into a union of constants")]
    Connect,
}

/// What became of it.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(crates(kube_core = "::kube_core"))]
pub struct AIRouteStatus {
    /// `Accepted`: the spec makes sense. `ResolvedRefs`: every provider it names is there. `Programmed`: the sidecars
    /// of the pods it selects serve this generation. `Ready`: all of these. `Overridden`, only when true: a rule can
    /// never be reached, since an earlier one takes all its calls.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    #[schemars(length(max = 16))]
    pub conditions: Vec<Condition>,
    /// The generation that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The models that its rules name, for the column MODELS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub models: Option<String>,
    /// The providers that its rules name, for the column PROVIDERS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub providers: Option<String>,
    /// The sidecars of the pods that it selects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sidecars: Option<Sidecars>,
}

/// How far it has reached the sidecars.
#[derive(JsonSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sidecars {
    /// Running pods concerned whose sidecar has started.
    #[serde(default)]
    pub selected: i32,
    /// Those of them that serve this generation.
    #[serde(default)]
    pub programmed: i32,
    /// Both, as `1/1`, for the column SIDECARS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
}
