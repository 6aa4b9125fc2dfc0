//! The operator as a whole: its parts, wired together and run until they are told to stop.

use crate::certs::{self, CertificateNames, NewestCertificate};
use crate::config::Config;
use crate::config_server::peers::{PeerSettings, Peers};
use crate::config_server::{ConfigServer, Hub, LivePods, Tokens};
use crate::controllers::Controller;
use crate::events;
use crate::health::{self, Health};
use crate::index::{self, Index};
use crate::leader::{self, LeaseNames};
use crate::metrics::Metrics;
use crate::secrets::{self, Secrets};
use crate::serve::serve;
use crate::status::{Board, Writer};
use crate::webhooks::{Injector, Webhooks};
use kube::Client;
use rustls::ServerConfig;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Endpoints learn of a replica's end a moment after it has become unready; until then it still serves.
const ENDPOINTS_LAG: Duration = Duration::from_secs(3);

/// Who this replica is.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The configuration file.
    pub config: Config,
    /// The operator's namespace: of its Secret, Lease and Service.
    pub namespace: String,
    /// This replica's pod; unique among the replicas.
    pub pod_name: String,
    /// This replica's address, put into its certificate where it is known.
    pub pod_ip: Option<IpAddr>,
    /// The Service by which webhooks and config server are reached; names the Lease too.
    pub service_name: String,
    /// The service account of the replicas.
    pub service_account: String,
    /// More names for the server certificate, for callers outside the cluster's network.
    pub extra_names: Vec<String>,
    /// Holds this replica's own token of audience `pillion`, for its peers.
    pub token_file: PathBuf,
    /// Config ports of the other replicas; empty: as the Service's EndpointSlices tell.
    pub peers: Vec<SocketAddr>,
}

/// Addresses to listen on; port 0 lets the system choose.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    /// HTTPS: admission webhooks.
    pub webhooks: SocketAddr,
    /// HTTPS: snapshot streams.
    pub config: SocketAddr,
    /// HTTP: `/metrics`.
    pub metrics: SocketAddr,
    /// HTTP: `/healthz`, `/readyz`.
    pub health: SocketAddr,
}

/// The bound sockets.
#[derive(Debug)]
pub struct Listeners {
    webhooks: TcpListener,
    config: TcpListener,
    metrics: TcpListener,
    health: TcpListener,
}

/// Why the operator could not start.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A port is taken, say.
    #[error("failed to listen on {address} for {purpose}: {source}")]
    Listen {
        /// What was asked for.
        address: SocketAddr,
        /// `webhooks`, `config`, `metrics` or `health`.
        purpose: &'static str,
        /// The system's word.
        #[source]
        source: std::io::Error,
    },
    /// No TLS with this build's cryptography.
    #[error("failed to set up TLS: {0}")]
    Tls(#[source] rustls::Error),
}

impl Listeners {
    /// Binds all four.
    ///
    /// # Errors
    /// [`RunError::Listen`], naming the first that failed.
    pub async fn bind(addresses: &Addresses) -> Result<Self, RunError> {
        Ok(Self {
            webhooks: bind("webhooks", addresses.webhooks).await?,
            config: bind("config", addresses.config).await?,
            metrics: bind("metrics", addresses.metrics).await?,
            health: bind("health", addresses.health).await?,
        })
    }

    /// Where they are.
    ///
    /// # Errors
    /// The system's, where a socket has no address.
    pub fn addresses(&self) -> std::io::Result<Addresses> {
        Ok(Addresses {
            webhooks: self.webhooks.local_addr()?,
            config: self.config.local_addr()?,
            metrics: self.metrics.local_addr()?,
            health: self.health.local_addr()?,
        })
    }
}

async fn bind(purpose: &'static str, address: SocketAddr) -> Result<TcpListener, RunError> {
    TcpListener::bind(address).await.map_err(|source| RunError::Listen { address, purpose, source })
}

/// Runs the operator until `shutdown`, then drains and lets the lease go. An API server that is away ends nothing:
/// every part tries again for ever, and what is known is served meanwhile.
///
/// # Errors
/// [`RunError::Tls`], at the start only.
pub async fn run(
    settings: Settings,
    client: Client,
    listeners: Listeners,
    shutdown: CancellationToken,
) -> Result<(), RunError> {
    // The parts end after the replica has become unready and its endpoints are known to be gone.
    let stop = CancellationToken::new();
    let tasks = TaskTracker::new();
    let metrics = Metrics::new();
    let index = Index::default();
    let board = Board::default();
    let hub = Hub::new(&settings.pod_name, metrics.clone());
    let (identity_sender, identity) = watch::channel(None);
    let tls = tls(NewestCertificate(identity.clone()))?;
    let (events, send_events) = events::queue(client.clone(), settings.pod_name.clone(), stop.clone());
    let (leadership, keep_lease) = leader::elect(client.clone(), lease_names(&settings), metrics.clone(), stop.clone());

    let ended_pods = hub.clone();
    let gone = move |uid: &str| ended_pods.end_pod(uid);
    tasks.spawn(index::watch::run(client.clone(), index.clone(), metrics.clone(), gone, stop.clone()));
    tasks.spawn(send_events);
    tasks.spawn(keep_lease);
    let of_secrets = settings.config.secrets;
    let secrets = Secrets::new(of_secrets.access, of_secrets.on_delete, &settings.namespace);
    tasks.spawn(secrets::keep(
        secrets.clone(),
        client.clone(),
        metrics.clone(),
        {
            let hub = hub.clone();
            move |namespace: &str| hub.has_streams(namespace)
        },
        {
            let index = index.clone();
            move |namespace: &str| index.touch(namespace)
        },
        stop.clone(),
    ));
    tasks.spawn(certs::keep(client.clone(), certificate_names(&settings), identity_sender, stop.clone()));
    let controller = Controller {
        index: index.clone(),
        hub: hub.clone(),
        board: board.clone(),
        metrics: metrics.clone(),
        secrets: secrets.clone(),
        extra_hosts: settings.config.identity.extra_hosts.clone(),
    };
    tasks.spawn(controller.run(stop.clone()));
    let peers = Peers::new(client.clone(), peer_settings(&settings), identity.clone());
    let writer = Writer::new(
        client.clone(),
        index.clone(),
        hub.clone(),
        board,
        peers,
        leadership,
        events.clone(),
        metrics.clone(),
    );
    tasks.spawn(writer.run(stop.clone()));

    let injector = Arc::new(Injector {
        config: settings.config.clone(),
        identity: identity.clone(),
        index: index.clone(),
        client: client.clone(),
        events,
        metrics: metrics.clone(),
    });
    let webhooks = Webhooks { injector, metrics: metrics.clone() };
    let answer = move |request| webhooks.clone().answer(request);
    tasks.spawn(serve(listeners.webhooks, Some(tls.clone()), answer, stop.clone()));
    let config_server = ConfigServer {
        hub,
        index: index.clone(),
        tokens: Arc::new(Tokens::new(client.clone(), metrics.clone())),
        secrets,
        holders: Arc::new(LivePods {
            client: client.clone(),
            image: settings.config.sidecar.image.clone(),
            identity: identity.clone(),
        }),
        client,
        metrics: metrics.clone(),
        operator: format!("system:serviceaccount:{}:{}", settings.namespace, settings.service_account),
        shutdown: stop.clone(),
    };
    let answer = move |request| config_server.clone().answer(request);
    tasks.spawn(serve(listeners.config, Some(tls), answer, stop.clone()));
    let health = Health { index, identity: identity.clone(), shutdown: shutdown.clone() };
    let answer = move |request| health.clone().answer(request);
    tasks.spawn(serve(listeners.health, None, answer, stop.clone()));
    let answer = move |request| {
        let reply = health::metrics(&metrics, &identity, &request);
        async move { reply }
    };
    tasks.spawn(serve(listeners.metrics, None, answer, stop.clone()));
    tasks.close();

    shutdown.cancelled().await;
    tracing::info!("shutting down: unready, then draining");
    tokio::time::sleep(ENDPOINTS_LAG).await;
    stop.cancel();
    tasks.wait().await;
    Ok(())
}

fn tls(certificate: NewestCertificate) -> Result<Arc<ServerConfig>, RunError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(RunError::Tls)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(certificate));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn service_host(settings: &Settings) -> String {
    format!("{}.{}.svc", settings.service_name, settings.namespace)
}

fn certificate_names(settings: &Settings) -> CertificateNames {
    let host = service_host(settings);
    let mut server = vec![host.clone(), format!("{host}.cluster.local")];
    server.extend(settings.pod_ip.map(|address| address.to_string()));
    server.extend(settings.extra_names.iter().cloned());
    CertificateNames {
        namespace: settings.namespace.clone(),
        secret: "pillion-ca".into(),
        injector: "pillion-injector".into(),
        validator: "pillion-validator".into(),
        server,
    }
}

fn lease_names(settings: &Settings) -> LeaseNames {
    LeaseNames {
        namespace: settings.namespace.clone(),
        lease: settings.service_name.clone(),
        identity: settings.pod_name.clone(),
    }
}

fn peer_settings(settings: &Settings) -> PeerSettings {
    PeerSettings {
        namespace: settings.namespace.clone(),
        service: settings.service_name.clone(),
        pod_name: settings.pod_name.clone(),
        server_name: service_host(settings),
        token_file: settings.token_file.clone(),
        fixed: settings.peers.clone(),
    }
}
