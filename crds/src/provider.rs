//! `AIProvider`: where models live and which identity reaches them.

#![allow(unreachable_pub, reason = "KubeSchema copies each struct into a function body, `pub` included")]
#![allow(clippy::duplicated_attributes, reason = "each print column names its type and path anew")]

use crate::identity::{AwsAuth, AzureAuth, GcpAuth};
use crate::route::Sidecars;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube_derive::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where models live and which identity reaches them.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "pillion.dev",
    version = "v1alpha1",
    kind = "AIProvider",
    plural = "aiproviders",
    shortname = "aip",
    category = "ai",
    category = "pillion",
    namespaced,
    status = "AIProviderStatus",
    derive = "PartialEq",
    doc = "An AIProvider says where models live and which identity reaches them. AIRoutes of the same namespace refer to it by name.",
    crates(kube_core = "::kube_core"),
    selectable = ".spec.type",
    printcolumn(name = "Type", type_ = "string", json_path = ".spec.type"),
    printcolumn(name = "Auth", type_ = "string", json_path = ".spec.auth.type"),
    printcolumn(name = "Identity", type_ = "string", json_path = ".status.identity"),
    printcolumn(
        name = "Accepted",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Accepted")].status"#
    ),
    printcolumn(
        name = "Programmed",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Programmed")].status"#
    ),
    printcolumn(name = "Routes", type_ = "integer", json_path = ".status.routes"),
    printcolumn(name = "Endpoint", type_ = "string", json_path = ".spec.endpoint", priority = "1"),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].reason"#,
        priority = "1"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    crates(kube_core = "::kube_core"),
    validation = Rule::new("self.type != 'OpenAICompatible' || has(self.endpoint)")
        .message("type OpenAICompatible has no default endpoint: set spec.endpoint, such as https://llm.example.com/v1"),
    validation = Rule::new("self.type != 'AzureOpenAI' || has(self.endpoint)")
        .message("type AzureOpenAI has no default endpoint: set spec.endpoint, such as https://my-resource.openai.azure.com"),
    validation = Rule::new("self.type != 'Bedrock' || has(self.endpoint) || (has(self.bedrock) && has(self.bedrock.region))")
        .message("type Bedrock needs to know where: set spec.bedrock.region, such as us-east-1"),
    validation = Rule::new("self.type != 'VertexAI' || (has(self.vertexAI) && has(self.vertexAI.location))")
        .message("type VertexAI needs to know where: set spec.vertexAI.location, such as us-central1 or global"),
    validation = Rule::new("!has(self.azureOpenAI) || self.type == 'AzureOpenAI'")
        .message("azureOpenAI holds options of type AzureOpenAI: remove it or change the type"),
    validation = Rule::new("!has(self.vertexAI) || self.type == 'VertexAI'")
        .message("vertexAI holds options of type VertexAI: remove it or change the type"),
    validation = Rule::new("!has(self.bedrock) || self.type == 'Bedrock'")
        .message("bedrock holds options of type Bedrock: remove it or change the type"),
    validation = Rule::new("self.type != 'Echo' || !has(self.endpoint)")
        .message("type Echo answers inside the sidecar: remove spec.endpoint"),
    validation = Rule::new("self.type != 'Echo' || !has(self.auth) || self.auth.type == 'None'")
        .message("type Echo answers inside the sidecar and takes no credential: remove spec.auth or set its type to None")
)]
pub struct AIProviderSpec {
    /// Whose API this provider speaks. `Gemini` is the Gemini API with a key, `VertexAI` Google Cloud's; `Bedrock` is
    /// Amazon Bedrock's runtime. `OpenAICompatible` is any server that serves OpenAI's Chat Completions (vLLM, Ollama,
    /// Groq and many more); `Echo` answers inside the sidecar with what it was asked, without any upstream:
    /// for trying things out. Cannot be changed: another vendor is another provider.
    #[schemars(schema_with = "crate::schema::provider_type")]
    #[x_kube(validation = Rule::new("self == oldSelf").message("spec.type cannot be changed: create another AIProvider"))]
    pub r#type: String,

    /// Base URL of the API, such as `https://api.openai.com`. Default: the vendor's own; required for
    /// `OpenAICompatible`. Must be https, or http to a Service of this cluster (`http://vllm.models.svc:8000`), or
    /// http with `allowInsecure`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    #[x_kube(validation = Rule::new("self.matches('^https?://[^/?#@\\\\s]+(/[^?#\\\\s]*)?$')")
        .message("must be a URL such as https://api.example.com/v1, without user info, query or fragment"))]
    pub endpoint: Option<String>,

    /// Allows plain http to an endpoint outside this cluster. Prompts and credentials then travel in the clear.
    /// Default: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_insecure: Option<bool>,

    /// Options of type AzureOpenAI.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "azureOpenAI")]
    pub azure_openai: Option<AzureOpenAIOptions>,

    /// Options of type VertexAI.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "vertexAI")]
    pub vertex_ai: Option<VertexAIOptions>,

    /// Options of type Bedrock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bedrock: Option<BedrockOptions>,

    /// How calls prove who they are. Default: `type: None`. The client's own credential never goes upstream, save
    /// with `type: Passthrough`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,
}

/// Options of type AzureOpenAI.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(crates(kube_core = "::kube_core"))]
pub struct AzureOpenAIOptions {
    /// Version of the API. Default: `v1`, the surface without dated versions. A dated one, such as `2024-10-21`, takes
    /// the older paths with the deployment in them. It wins over an `api-version` of the client's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(validation = Rule::new("self.matches('^(v1|preview|latest|20[0-9]{2}-[0-9]{2}-[0-9]{2}(-preview)?)$')")
        .message("must be v1, preview, or a date such as 2024-10-21 or 2025-04-01-preview"))]
    pub api_version: Option<String>,

    /// Deployments by the model names that they serve. Default: a deployment has its model's name. Example:
    /// `{gpt-4o: prod-gpt4o}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "crate::schema::names_by_name")]
    pub deployments: BTreeMap<String, String>,
}

/// Options of type VertexAI.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(crates(kube_core = "::kube_core"))]
pub struct VertexAIOptions {
    /// The Google Cloud project that is billed. Default: none, which Vertex AI's express mode with an API key takes.
    /// Example: `my-project`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(validation = Rule::new("self.matches('^[a-z0-9][a-z0-9:.-]*$')").message("must be a project id or number"))]
    pub project: Option<String>,

    /// Where the models run. Example: `us-central1`, or `global`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32))]
    #[x_kube(validation = Rule::new("self.matches('^[a-z0-9-]+$')").message("must be a location such as us-central1 or global"))]
    pub location: Option<String>,
}

/// Options of type Bedrock.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(crates(kube_core = "::kube_core"))]
pub struct BedrockOptions {
    /// The AWS region of the runtime. Example: `us-east-1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32))]
    #[x_kube(validation = Rule::new("self.matches('^[a-z]{2}(-[a-z]+)+-[0-9]+$')").message("must be a region such as us-east-1"))]
    pub region: Option<String>,
}

/// How calls prove who they are.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    crates(kube_core = "::kube_core"),
    validation = Rule::new("(self.type == 'APIKey') == has(self.apiKey)")
        .message("apiKey must be set exactly when type is APIKey"),
    validation = Rule::new("(self.type == 'AWS') == has(self.aws)").message("aws must be set exactly when type is AWS"),
    validation = Rule::new("(self.type == 'Azure') == has(self.azure)")
        .message("azure must be set exactly when type is Azure"),
    validation = Rule::new("(self.type == 'GCP') == has(self.gcp)").message("gcp must be set exactly when type is GCP")
)]
pub struct Auth {
    /// `None` sends no credential. `APIKey` sends a static key, see `apiKey`. `AWS`, `Azure` and `GCP` prove an identity
    /// of that cloud, see `aws`, `azure` and `gcp`; such credentials are sent to the cloud's own hosts only.
    /// `Passthrough` forwards the credential that the application's SDK was given.
    pub r#type: AuthType,

    /// The static key; only with `type: APIKey`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key: Option<ApiKey>,

    /// The identity of AWS; only with `type: AWS`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aws: Option<AwsAuth>,

    /// The identity of Microsoft Entra; only with `type: Azure`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azure: Option<AzureAuth>,

    /// The identity of Google Cloud; only with `type: GCP`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gcp: Option<GcpAuth>,
}

/// Ways to prove who calls.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AuthType {
    #[allow(missing_docs, reason = "a description on one variant would turn the enum into a union of constants")]
    None,
    #[allow(missing_docs, reason = "as above")]
    APIKey,
    #[allow(missing_docs, reason = "as above")]
    AWS,
    #[allow(missing_docs, reason = "as above")]
    Azure,
    #[allow(missing_docs, reason = "as above")]
    GCP,
    #[allow(missing_docs, reason = "as above")]
    Passthrough,
}

/// A static key and where it goes.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    crates(kube_core = "::kube_core"),
    validation = Rule::new("!(has(self.header) && has(self.queryParameter))")
        .message("the key goes into a header or into a query parameter: set one of header and queryParameter"),
    validation = Rule::new("!(has(self.prefix) && has(self.queryParameter))")
        .message("prefix belongs to a header: remove it or queryParameter"),
    validation = Rule::new("has(self.mounted) != has(self.secretRef)").message("set one of mounted and secretRef")
)]
pub struct ApiKey {
    /// The key is mounted into the sidecar by kubelet; the operator never sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mounted: Option<MountedKey>,

    /// The key of a Secret that the operator reads and streams to the sidecars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretKeyRef>,

    /// Header that carries the key. Default: the vendor's own (`Authorization` for OpenAI, `x-api-key` for
    /// Anthropic). Host, connection and content headers are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    #[x_kube(
        validation = Rule::new("self.matches('^[A-Za-z0-9!#$%&*+.^_|~-]+$')").message("must be a header name"),
        validation = Rule::new("!(self.lowerAscii() in ['host', 'connection', 'content-length', 'content-type', 'transfer-encoding', 'te', 'trailer', 'upgrade', 'accept-encoding'])")
            .message("must not be a header that HTTP itself uses")
    )]
    pub header: Option<String>,

    /// Text before the key in the header. Default: the vendor's own (`"Bearer "` for `Authorization`), empty for a
    /// header that you name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    #[x_kube(validation = Rule::new("self.matches('^[ -~]*$')").message("must be printable ASCII"))]
    pub prefix: Option<String>,

    /// Query parameter that carries the key, instead of a header. Example: `key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(validation = Rule::new("self.matches('^[A-Za-z0-9._~-]+$')")
        .message("must be a name of letters, digits, '.', '_', '~' and '-'"))]
    pub query_parameter: Option<String>,
}

/// A key of the Secret `pillion-credentials`.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(crates(kube_core = "::kube_core"))]
pub struct MountedKey {
    /// Key in the Secret `pillion-credentials` of the pod's namespace. Injection mounts that Secret into the sidecar
    /// only; a changed value is picked up without a restart. Example: `openai`.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = Rule::new("self.matches('^[-._a-zA-Z0-9]+$') && self != '.' && !self.startsWith('..')")
        .message("must be a key of a Secret: letters, digits, '-', '_' and '.'"))]
    pub key: String,
}

/// A key of a Secret that the operator reads and streams into the memory of the sidecars that use it. The chart's
/// `secrets.access` must allow the operator that Secret, and who writes the AIProvider must be allowed to get it.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(crates(kube_core = "::kube_core"))]
pub struct SecretKeyRef {
    /// Name of a Secret in the namespace of the AIProvider, of type `Opaque` or `pillion.dev/credential`. Example:
    /// `openai`.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = Rule::new("self.matches('^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$')")
        .message("must be the name of a Secret: lower-case letters, digits, '-' and '.'"))]
    pub name: String,

    /// Key in it. A changed value reaches sidecars within 15 s, and at once where the provider refuses the old one.
    /// Example: `api-key`.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = Rule::new("self.matches('^[-._a-zA-Z0-9]+$') && self != '.' && !self.startsWith('..')")
        .message("must be a key of a Secret: letters, digits, '-', '_' and '.'"))]
    pub key: String,
}

/// What became of it.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(crates(kube_core = "::kube_core"))]
pub struct AIProviderStatus {
    /// `Accepted`: the spec makes sense. `ResolvedRefs`: all it refers to is there. `CredentialsReady`: the sidecars that
    /// may use it have the credential. `Programmed`: they serve this generation. `Ready`: all of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    #[schemars(length(max = 16))]
    pub conditions: Vec<Condition>,
    /// The generation that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Whose identity calls are made with. `Workload`: each pod's own, of its service account. `Provider`: one that this
    /// AIProvider names and that pods take with their own (a role of `assumeRoles`, an impersonated service account).
    /// `Node`: the node's, so of every pod on it. `Static`: whoever has the key. Absent: no credential, or the
    /// application's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<WhoseIdentity>,
    /// How many AIRoutes refer to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routes: Option<i32>,
    /// The sidecars that may use it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sidecars: Option<Sidecars>,
}

/// Whose identity calls are made with.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WhoseIdentity {
    #[allow(missing_docs, reason = "a description on one variant would turn the enum into a union of constants")]
    Workload,
    #[allow(missing_docs, reason = "as above")]
    Provider,
    #[allow(missing_docs, reason = "as above")]
    Node,
    #[allow(missing_docs, reason = "as above")]
    Static,
}
