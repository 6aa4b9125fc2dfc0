//! The operator's configuration file, parsed and checked once; reading it is left to `main`.

use crate::quantity::Quantity;
use pillion_compiler::is_pool_provider;
use pillion_snapshot::{AzureCloud, ExtraHosts, TokenFile};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// Contents of `operator.yaml`. Only `sidecar.image` has no default.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// What is injected.
    pub sidecar: Sidecar,
    /// Where sidecars find their snapshots.
    #[serde(default)]
    pub config_server: ConfigServer,
    /// How long a pod waits for its sidecar.
    #[serde(default)]
    pub startup: Startup,
    /// Which clouds' identities pods may prove.
    #[serde(default)]
    pub identity: Identity,
    /// Which Secrets of AIProviders may be read.
    #[serde(default)]
    pub secrets: Secrets,
}

/// What is injected into every pod, where its annotations say nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sidecar {
    /// Image reference, as in a container spec.
    pub image: String,
    /// As in a container spec; absent: Kubernetes' default for the reference.
    #[serde(default)]
    pub image_pull_policy: Option<String>,
    /// One of `error`, `warn`, `info`, `debug`, `trace`.
    #[serde(default = "info")]
    pub log_level: String,
    /// Requests and limits of the sidecar container.
    #[serde(default)]
    pub resources: Resources,
}

/// Quantities by resource name (`cpu`, `memory`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Resources {
    /// What the scheduler reserves.
    #[serde(default = "default_requests")]
    pub requests: BTreeMap<String, String>,
    /// What the container may not pass.
    #[serde(default = "default_limits")]
    pub limits: BTreeMap<String, String>,
}

impl Default for Resources {
    fn default() -> Self {
        Self { requests: default_requests(), limits: default_limits() }
    }
}

/// Where sidecars find their snapshots.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfigServer {
    /// `https://host:port`, without a path.
    #[serde(default = "default_url")]
    pub url: String,
}

impl Default for ConfigServer {
    fn default() -> Self {
        Self { url: default_url() }
    }
}

/// How long a pod waits for its sidecar.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Startup {
    /// Seconds until kubelet restarts a sidecar that has not started.
    #[serde(default = "default_timeout")]
    pub timeout_seconds: u32,
}

impl Default for Startup {
    fn default() -> Self {
        Self { timeout_seconds: default_timeout() }
    }
}

/// Which clouds' identities pods may prove: a token of the pod for each is mounted into its sidecar.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Identity {
    /// Clouds of Microsoft whose Entra takes the pods' tokens.
    #[serde(default)]
    pub azure: Vec<AzureCloud>,
    /// What of AWS takes them.
    #[serde(default)]
    pub aws: AwsTokens,
    /// What of Google Cloud takes them.
    #[serde(default)]
    pub gcp: GcpTokens,
    /// Hosts besides the clouds' own that clouds' credentials are sent to.
    #[serde(default)]
    pub extra_hosts: ExtraHosts,
}

/// What of AWS takes the pods' tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AwsTokens {
    /// The Security Token Service (IRSA).
    #[serde(default)]
    pub web_identity: bool,
    /// EKS Pod Identity's agent.
    #[serde(default)]
    pub pod_identity: bool,
}

/// What of Google Cloud takes the pods' tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GcpTokens {
    /// Providers of workload identity pools, `projects/…/providers/…`.
    #[serde(default)]
    pub workload_identity_providers: Vec<String>,
}

/// Which Secrets of AIProviders may be read; the operator's roles say the same to the API server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Secrets {
    /// How far the roles go.
    #[serde(default)]
    pub access: SecretAccess,
    /// What becomes of a key whose Secret is deleted.
    #[serde(default)]
    pub on_delete: OnDelete,
}

/// How far the operator's right to get Secrets goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum SecretAccess {
    /// None but its own.
    #[default]
    None,
    /// Those of a list.
    Named,
    /// All of some namespaces.
    Namespaces,
    /// All.
    Cluster,
}

/// What becomes of a key whose Secret is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum OnDelete {
    /// Sidecars that have it go on with it, until they end.
    #[default]
    Retain,
    /// They forget it.
    Revoke,
}

impl Identity {
    /// The tokens that are mounted, each once.
    #[must_use]
    pub fn tokens(&self) -> BTreeSet<TokenFile> {
        let azure = self.azure.iter().copied().map(TokenFile::azure);
        let web = self.aws.web_identity.then(TokenFile::aws);
        let pod = self.aws.pod_identity.then(TokenFile::eks);
        let gcp = self.gcp.workload_identity_providers.iter().map(|provider| TokenFile::gcp(provider));
        azure.chain(web).chain(pod).chain(gcp).collect()
    }
}

/// Why a configuration file is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Not YAML, or not of this shape.
    #[error("failed to parse the operator's configuration: {0}")]
    Parse(#[source] serde_norway::Error),
    /// A value that no pod could be given.
    #[error("{field}: {problem}")]
    Value {
        /// Path of the field.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
}

/// Levels that the sidecar understands.
pub const LOG_LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

impl Config {
    /// Parses and checks a configuration file's text.
    ///
    /// # Errors
    /// [`ConfigError`], naming the field.
    pub fn parse(yaml: &str) -> Result<Self, ConfigError> {
        let config: Self = serde_norway::from_str(yaml).map_err(ConfigError::Parse)?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let refuse = |field: &str, problem: String| Err(ConfigError::Value { field: field.into(), problem });
        if self.sidecar.image.trim().is_empty() {
            return refuse("sidecar.image", "must name an image".into());
        }
        if !LOG_LEVELS.contains(&self.sidecar.log_level.as_str()) {
            return refuse("sidecar.logLevel", format!("must be one of {}", LOG_LEVELS.join(", ")));
        }
        if !self.config_server.url.starts_with("https://") {
            return refuse("configServer.url", "must begin with https://".into());
        }
        if self.startup.timeout_seconds == 0 {
            return refuse("startup.timeoutSeconds", "must be at least 1".into());
        }
        let providers = &self.identity.gcp.workload_identity_providers;
        if let Some(wrong) = providers.iter().find(|provider| !is_pool_provider(provider)) {
            let problem = format!("'{wrong}' is not projects/…/locations/global/workloadIdentityPools/…/providers/…");
            return refuse("identity.gcp.workloadIdentityProviders", problem);
        }
        if let Some(wrong) = self.identity.extra_hosts.patterns().find(|pattern| !is_host_pattern(pattern)) {
            let problem = format!(
                "'{wrong}' is no name of a host such as ai.corp.example, in which all but the last two labels may hold one *"
            );
            return refuse("identity.extraHosts", problem);
        }
        let resources = &self.sidecar.resources;
        for (list, quantities) in [("requests", &resources.requests), ("limits", &resources.limits)] {
            for (name, quantity) in quantities {
                if Quantity::parse(quantity).is_none() {
                    let field = format!("sidecar.resources.{list}.{name}");
                    return refuse(&field, format!("'{quantity}' is not a quantity"));
                }
            }
        }
        Ok(())
    }
}

/// Whether `text` names hosts of one owner: two labels or more, the last two whole.
fn is_host_pattern(text: &str) -> bool {
    let labels: Vec<&str> = text.split('.').collect();
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_label = |(from_the_end, label): (usize, &&str)| {
        let stars = label.matches('*').count();
        !label.is_empty()
            && stars <= usize::from(from_the_end >= 2)
            && label.bytes().all(|byte| plain(byte) || byte == b'*')
    };
    labels.len() >= 2 && labels.iter().rev().enumerate().all(is_label)
}

fn info() -> String {
    "info".into()
}

fn default_requests() -> BTreeMap<String, String> {
    [("cpu", "10m"), ("memory", "32Mi")].map(|(name, quantity)| (name.into(), quantity.into())).into()
}

fn default_limits() -> BTreeMap<String, String> {
    [("memory", "128Mi")].map(|(name, quantity)| (name.into(), quantity.into())).into()
}

fn default_url() -> String {
    "https://pillion-operator.pillion-system.svc:9444".into()
}

fn default_timeout() -> u32 {
    120
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_alone_is_a_whole_configuration() {
        let config = Config::parse("sidecar: {image: registry.example/pillion-sidecar:1}").unwrap();
        assert_eq!(config.sidecar.log_level, "info");
        assert_eq!(config.sidecar.resources.limits["memory"], "128Mi");
        assert_eq!(config.startup.timeout_seconds, 120);
        assert_eq!(config.config_server.url, "https://pillion-operator.pillion-system.svc:9444");
    }

    #[test]
    fn hosts_of_ones_own_may_be_named_for_a_cloud() {
        let hosts = "{azure: [ai.corp.example, '*.ai.corp.example'], aws: [bedrock-*.corp.example]}";
        let config = Config::parse(&format!("{{sidecar: {{image: a}}, identity: {{extraHosts: {hosts}}}}}")).unwrap();
        assert_eq!(config.identity.extra_hosts.azure, ["ai.corp.example", "*.ai.corp.example"]);
    }

    #[track_caller]
    fn refuses(yaml: &str, message: &str) {
        let error = Config::parse(yaml).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }

    #[test]
    fn a_wrong_value_is_refused_by_its_field() {
        refuses("sidecar: {image: ' '}", "sidecar.image");
        refuses("sidecar: {image: a, logLevel: loud}", "sidecar.logLevel: must be one of error, warn");
        refuses("sidecar: {image: a, resources: {limits: {memory: lots}}}", "sidecar.resources.limits.memory: 'lots'");
        refuses("{sidecar: {image: a}, configServer: {url: 'http://x'}}", "configServer.url");
        refuses("{sidecar: {image: a}, startup: {timeoutSeconds: 0}}", "startup.timeoutSeconds");
        refuses("sidecar: {image: a, imagePolicy: Always}", "imagePolicy");
        refuses("{sidecar: {image: a}, identity: {azure: [Germany]}}", "Germany");
        refuses(
            "{sidecar: {image: a}, identity: {gcp: {workloadIdentityProviders: [prod]}}}",
            "'prod' is not projects/",
        );
        for host in ["*.example", "*", "a.*.example", "localhost", "**.corp.example", "a..example", "a.example:443"] {
            refuses(
                &format!("{{sidecar: {{image: a}}, identity: {{extraHosts: {{azure: ['{host}']}}}}}}"),
                &format!("identity.extraHosts: '{host}' is no name of a host"),
            );
        }
        refuses("{}", "sidecar");
    }
}
