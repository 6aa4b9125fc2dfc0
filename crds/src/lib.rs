//! The API that users write, as Rust types: `AIProvider` and `AIRoute` of group `pillion.dev`. Never does I/O.
//!
//! ```text
//! AIRoute ── spec.rules[] ─┬─ matches[]            which calls
//!                          └─ backends[] ─provider─▶ AIProvider ── spec {type, endpoint, auth}
//! ```
//!
//! The doc comments of fields are what `kubectl explain` teaches. `crds/yaml/` is generated from [`definitions`].

pub mod conditions;
mod duration;
mod identity;
mod provider;
mod route;
mod schema;

pub use duration::{Duration, ParseDurationError};
pub use identity::{
    AssumeRole, AwsAuth, AwsSource, AzureAuth, AzureCloud, AzureSource, GcpAuth, GcpSource, ManagedIdentity,
};
pub use provider::{
    AIProvider, AIProviderSpec, AIProviderStatus, ApiKey, Auth, AuthType, AzureOpenAIOptions, BedrockOptions,
    MountedKey, SecretKeyRef, VertexAIOptions, WhoseIdentity,
};
pub use route::{
    AIRoute, AIRouteSpec, AIRouteStatus, Backend, Format, HeaderMatch, Match, Metering, Operation, Params,
    ProviderReference, Retry, RetryCause, RouteRule, Sidecars, Timeouts, Translation,
};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube_core::CustomResourceExt;

/// The API group of both kinds.
pub const GROUP: &str = "pillion.dev";
/// The version that is stored and served.
pub const VERSION: &str = "v1alpha1";

/// Both definitions as the API server takes them, each field described.
#[must_use]
pub fn definitions() -> Vec<CustomResourceDefinition> {
    vec![schema::finish(AIProvider::crd()), schema::finish(AIRoute::crd())]
}

#[cfg(test)]
mod tests;
