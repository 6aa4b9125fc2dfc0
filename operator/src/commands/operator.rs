//! `pillion operator`: settings from flags and the downward API, signals, logs; the rest is the library's.

use super::{CommandError, read};
use kube::Client;
use pillion_operator::config::Config;
use pillion_operator::{Addresses, Listeners, Settings, run as run_operator};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The operator's configuration
    #[arg(long, value_name = "FILE", default_value = "/etc/pillion/operator.yaml")]
    config: PathBuf,
    /// Name of this replica's pod
    #[arg(long, env = "POD_NAME")]
    pod_name: String,
    /// Namespace of the operator
    #[arg(long, env = "POD_NAMESPACE")]
    pod_namespace: String,
    /// Address of this replica's pod
    #[arg(long, env = "POD_IP")]
    pod_ip: Option<IpAddr>,
    /// The Service in front of the replicas; names the Lease too
    #[arg(long, default_value = "pillion-operator")]
    service_name: String,
    /// The replicas' service account
    #[arg(long, default_value = "pillion-operator")]
    service_account: String,
    /// Another DNS name or address for the server certificate; may be given several times
    #[arg(long, value_name = "NAME")]
    extra_name: Vec<String>,
    /// This replica's own token of audience `pillion`, for its peers
    #[arg(long, value_name = "FILE", default_value = "/var/run/secrets/pillion.dev/tokens/pillion")]
    token_file: PathBuf,
    /// Config port of another replica, where no EndpointSlices tell (outside a cluster); may be given several times
    #[arg(long, value_name = "ADDRESS:PORT")]
    peer: Vec<SocketAddr>,
    /// Address to listen on; by default all, IPv6 where the machine has it
    #[arg(long)]
    bind_address: Option<IpAddr>,
    /// HTTPS: admission webhooks
    #[arg(long, default_value_t = 9443)]
    webhook_port: u16,
    /// HTTPS: snapshot streams
    #[arg(long, default_value_t = 9444)]
    config_port: u16,
    /// HTTP: /metrics
    #[arg(long, default_value_t = 8080)]
    metrics_port: u16,
    /// HTTP: /healthz and /readyz
    #[arg(long, default_value_t = 8081)]
    health_port: u16,
    /// What is logged, as in `info` or `pillion_operator=debug`
    #[arg(long, env = "PILLION_LOG", default_value = "info")]
    log: String,
}

/// Runs until SIGTERM or SIGINT.
pub(super) fn run(arguments: Arguments) -> Result<ExitCode, CommandError> {
    // Their warnings say of each failed attempt what our own say once.
    let directives = format!("kube_runtime=error,kube_client=error,{}", arguments.log);
    let filter = EnvFilter::try_new(directives).map_err(|error| failed("read --log", &error))?;
    tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(std::io::stderr).init();
    let config = Config::parse(&read(&arguments.config)?)
        .map_err(|error| CommandError::Content { path: arguments.config.clone(), problem: error.to_string() })?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| failed("start the runtime", &error))?;
    runtime.block_on(serve(arguments, config))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(arguments: Arguments, config: Config) -> Result<(), CommandError> {
    let client = client().await?;
    let listeners = listen(&arguments).await?;
    let shutdown = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| failed("hear of SIGTERM", &error))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| failed("hear of SIGINT", &error))?;
    let told = shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        told.cancel();
    });
    let settings = Settings {
        config,
        namespace: arguments.pod_namespace,
        pod_name: arguments.pod_name,
        pod_ip: arguments.pod_ip,
        service_name: arguments.service_name,
        service_account: arguments.service_account,
        extra_names: arguments.extra_name,
        token_file: arguments.token_file,
        peers: arguments.peer,
    };
    run_operator(settings, client, listeners, shutdown).await.map_err(|error| failed("run", &error))
}

async fn client() -> Result<Client, CommandError> {
    let mut config = kube::Config::infer().await.map_err(|error| failed("find the API server", &error))?;
    config.connect_timeout = Some(Duration::from_secs(5));
    // Every loop of ours tries again within seconds; the client's own retries would sleep for minutes between two.
    config.default_retry = false;
    let agent = http::HeaderValue::from_static(concat!("pillion-operator/", env!("CARGO_PKG_VERSION")));
    config.headers.push((http::header::USER_AGENT, agent));
    Client::try_from(config).map_err(|error| failed("make a client of the API server", &error))
}

async fn listen(arguments: &Arguments) -> Result<Listeners, CommandError> {
    let addresses = |ip: IpAddr| Addresses {
        webhooks: SocketAddr::new(ip, arguments.webhook_port),
        config: SocketAddr::new(ip, arguments.config_port),
        metrics: SocketAddr::new(ip, arguments.metrics_port),
        health: SocketAddr::new(ip, arguments.health_port),
    };
    if let Some(ip) = arguments.bind_address {
        return Listeners::bind(&addresses(ip)).await.map_err(|error| failed("start", &error));
    }
    if let Ok(listeners) = Listeners::bind(&addresses(Ipv6Addr::UNSPECIFIED.into())).await {
        return Ok(listeners);
    }
    let any = Ipv4Addr::UNSPECIFIED.into();
    Listeners::bind(&addresses(any)).await.map_err(|error| failed("start", &error))
}

fn failed(action: &'static str, problem: &dyn std::fmt::Display) -> CommandError {
    CommandError::Run { action, problem: problem.to_string() }
}
