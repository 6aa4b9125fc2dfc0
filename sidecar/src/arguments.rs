//! Flags and environment of `pillion-sidecar`, and the settings they make.

use clap::{Args, Parser, Subcommand};
use pillion_sidecar::{FilesSettings, Settings, Source, StreamSettings, machine};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// The data plane of Pillion: speaks every vendor's API on loopback and calls providers as this workload.
#[derive(Debug, Parser)]
#[command(version, about)]
pub(crate) struct Arguments {
    /// How much to log: error, warn, info, debug or trace.
    #[arg(long, env = "PILLION_LOG", default_value = "info", global = true)]
    pub(crate) log: String,
    /// Worker threads.
    #[arg(long, global = true, default_value_t = machine::WORKERS)]
    pub(crate) workers: usize,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// In a pod: snapshots come from the operator.
    Serve(Serve),
    /// Standalone: the same YAML from files, again when they change. Needs no cluster.
    Run(Run),
}

#[derive(Debug, Args)]
struct Common {
    /// Where applications call.
    #[arg(long, default_value = "127.0.0.1:15400")]
    data_address: SocketAddr,
    /// Where people look at /config.
    #[arg(long, default_value = "127.0.0.1:15402")]
    admin_address: SocketAddr,
    /// Where /healthz/{started,ready,live} and /metrics are; by default port 15401 of PILLION_POD_IP, else of loopback.
    #[arg(long)]
    health_address: Option<SocketAddr>,
    /// PEM file of certificates that providers may have besides those of the web (so is SSL_CERT_FILE).
    #[arg(long)]
    ca_file: Option<PathBuf>,
    /// A name that the data listener answers to besides localhost, 127.0.0.1 and [::1]; may be repeated.
    #[arg(long = "allowed-host")]
    allowed_hosts: Vec<String>,
    /// Folder of the pod's tokens for clouds, one file an audience.
    #[arg(long, default_value = "/var/run/secrets/pillion.dev/tokens")]
    tokens_dir: PathBuf,
    /// Bytes that all calls may hold together; by default 40 % of the container's memory limit.
    #[arg(long)]
    memory_budget: Option<u64>,
    /// Seconds that calls in flight may take to end after SIGTERM; keep it below the pod's grace period.
    #[arg(long, default_value_t = 25)]
    drain_seconds: u64,
}

#[derive(Debug, Args)]
struct Serve {
    #[command(flatten)]
    common: Common,
    /// The operator's config server, https://host:port.
    #[arg(long, env = "PILLION_CONFIG_URL")]
    config_url: String,
    /// PEM text of the certificates that sign the config server's.
    #[arg(long, env = "PILLION_CA", hide_env_values = true)]
    ca: String,
    /// File with this pod's token of audience pillion.
    #[arg(long, default_value = "/var/run/secrets/pillion.dev/tokens/pillion")]
    token_file: PathBuf,
    /// Folder of the mounted keys, one file each.
    #[arg(long, default_value = "/var/run/secrets/pillion.dev/credentials")]
    credentials_dir: PathBuf,
    /// Folder for the last good snapshot.
    #[arg(long, default_value = "/var/run/pillion")]
    state_dir: PathBuf,
    /// This pod's address.
    #[arg(long, env = "PILLION_POD_IP")]
    pod_ip: Option<IpAddr>,
}

#[derive(Debug, Args)]
struct Run {
    #[command(flatten)]
    common: Common,
    /// Files and folders with AIProviders, AIRoutes and the Secret pillion-credentials; may be repeated.
    #[arg(short = 'f', long = "file", required = true, num_args = 1..)]
    files: Vec<PathBuf>,
    /// Folder of keys, one file each.
    #[arg(long)]
    credentials_dir: Option<PathBuf>,
    /// Whose routes are served; by default those of the first route's namespace.
    #[arg(long, short = 'n')]
    namespace: Option<String>,
    /// What podSelectors look at: key=value; may be repeated.
    #[arg(long = "label", value_parser = label)]
    labels: Vec<(String, String)>,
}

impl Arguments {
    /// What the library needs.
    pub(crate) fn settings(self) -> Settings {
        let health = |ip: Option<IpAddr>| SocketAddr::new(ip.unwrap_or(Ipv4Addr::LOCALHOST.into()), 15401);
        match self.command {
            Command::Serve(serve) => {
                let source = Source::Stream(StreamSettings {
                    url: serve.config_url,
                    ca: serve.ca,
                    token_file: serve.token_file,
                    state_dir: serve.state_dir,
                });
                Settings {
                    credentials_dir: Some(serve.credentials_dir),
                    ..serve.common.settings(source, health(serve.pod_ip))
                }
            }
            Command::Run(run) => {
                let labels = run.labels.into_iter().collect();
                let source = Source::Files(FilesSettings { paths: run.files, namespace: run.namespace, labels });
                Settings { credentials_dir: run.credentials_dir, ..run.common.settings(source, health(None)) }
            }
        }
    }
}

impl Common {
    fn settings(self, source: Source, health: SocketAddr) -> Settings {
        let settings = Settings::new(source);
        Settings {
            data: self.data_address,
            admin: self.admin_address,
            health: self.health_address.unwrap_or(health),
            ca_file: self.ca_file,
            allowed_hosts: self.allowed_hosts,
            tokens_dir: self.tokens_dir,
            environment: Settings::cloud_variables().filter_map(variable).collect(),
            session_name: session_name(),
            memory_budget: self.memory_budget.unwrap_or(settings.memory_budget),
            drain: Duration::from_secs(self.drain_seconds),
            ..settings
        }
    }
}

fn variable(name: &str) -> Option<(String, String)> {
    Some((name.to_owned(), std::env::var(name).ok()?))
}

/// Who this is in clouds' audit logs: namespace and pod, as injection says them.
fn session_name() -> String {
    let said = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let parts: Vec<String> = ["PILLION_POD_NAMESPACE", "PILLION_POD_NAME"].into_iter().filter_map(said).collect();
    if parts.is_empty() { "pillion".into() } else { parts.join(".") }
}

fn label(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected key=value")?;
    Ok((key.to_owned(), value.to_owned()))
}
