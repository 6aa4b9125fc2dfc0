//! A sidecar from its listeners' first accept to its last: everything is put together here.

use crate::identity::{Clock, CredentialStates, Engine, Exchanger, Identity, Keys, Skews, Transport};
use crate::listeners::{Admin, Connections, Data, Health, Hosts, Shutdown, accept};
use crate::metrics::Metrics;
use crate::settings::{Settings, Source};
use crate::snapshots::{FilesError, Live, Origin, PrepareError, Serving, StreamClient, StreamError, watch_files};
use crate::stack::admit::Budget;
use crate::stack::kept::Kept;
use crate::stack::{Calls, Gateway};
use crate::upstream::{Connector, Guard, TlsError, Upstream, client_config};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Connections whose last reply has been written are given this long to take it.
const LINGER: Duration = Duration::from_secs(1);

/// Conversations that are kept may take one part in so many of what calls may hold, beside it.
const KEPT_SHARE: u64 = 8;

/// Why a sidecar does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address is taken, or not ours.
    #[error("failed to listen on {address}: {source}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// Certificates for providers.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The settings of the operator's stream.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The files of standalone mode.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// The given snapshot.
    #[error("the snapshot is not served: {0}")]
    Snapshot(String),
}

impl From<PrepareError> for StartError {
    fn from(error: PrepareError) -> Self {
        Self::Snapshot(error.to_string())
    }
}

/// The data plane of one pod.
pub struct Sidecar;

/// A sidecar that serves. Dropping it stops everything at once; [`Running::stop`] is kinder.
pub struct Running {
    /// Where applications call.
    pub data: SocketAddr,
    /// Where kubelet and Prometheus look.
    pub health: SocketAddr,
    /// Where people look.
    pub admin: SocketAddr,
    gateway: Arc<Gateway>,
    shutdown: Shutdown,
    drain: Duration,
    tasks: JoinSet<()>,
}

impl Sidecar {
    /// Binds the listeners and begins to serve. Returns before the first snapshot where it comes from a stream; see
    /// [`Running::serving`].
    ///
    /// # Errors
    /// [`StartError`]; nothing is left running.
    pub async fn start(settings: Settings) -> Result<Running, StartError> {
        let data = bind(settings.data).await?;
        let health = bind(settings.health).await?;
        let admin = bind(settings.admin).await?;
        let own_ports = [data.1.port(), health.1.port(), admin.1.port()].into();
        let tls = client_config(settings.ca_file.as_deref())?;

        let live = Arc::new(Live::new());
        let keys = Arc::new(Keys::new(settings.credentials_dir));
        let budget = Budget::new(settings.memory_budget);
        let connector = Connector::new(tls, Guard::new(own_ports), settings.hosts);
        let (clock, skews) = (Clock::system(), Arc::new(Skews::default()));
        let exchanger = Exchanger {
            transport: Transport::new(Arc::new(connector.without_http2()), clock.clone()),
            clock: clock.clone(),
            keys: keys.clone(),
            tokens: settings.tokens_dir,
            environment: settings.environment,
            session_name: session_name(&settings.session_name),
            skews: skews.clone(),
        };
        let engine = Engine::new(Arc::new(exchanger), clock.clone());
        let gateway = Arc::new(Gateway {
            upstream: Upstream::new(connector),
            metrics: Metrics::new(live.clone(), budget.clone(), engine.clone()),
            calls: Calls::new(),
            hold: settings.hold,
            live: live.clone(),
            kept: Kept::new(budget.total() / KEPT_SHARE),
            identity: Identity { keys: keys.clone(), engine: engine.clone(), skews, clock },
            budget,
        });

        let mut tasks = JoinSet::new();
        tasks.spawn(follow(live.clone(), engine.clone()));
        match settings.source {
            Source::Fixed(snapshot) => live.apply(*snapshot, Origin::Local)?,
            Source::Files(files) => drop(tasks.spawn(watch_files(files, live.clone(), keys)?)),
            Source::Stream(stream) => {
                let credentials = CredentialStates { keys, engine: engine.clone() };
                tasks.spawn(StreamClient::new(stream, live.clone(), credentials)?.follow());
            }
        }
        let mut running = Running {
            data: data.1,
            health: health.1,
            admin: admin.1,
            gateway: gateway.clone(),
            shutdown: Shutdown::default(),
            drain: settings.drain,
            tasks,
        };
        let hosts = Hosts::new(&settings.allowed_hosts);
        running.listen(data.0, Data { gateway: gateway.clone(), hosts: hosts.clone() });
        running.listen(health.0, Health { gateway });
        running.listen(admin.0, Admin { live, engine, hosts });
        tracing::info!(data = %running.data, health = %running.health, admin = %running.admin, "listening");
        Ok(running)
    }
}

impl Running {
    fn listen(&mut self, listener: TcpListener, connections: impl Connections) {
        self.tasks.spawn(accept(listener, Arc::new(connections), self.shutdown.clone()));
    }

    /// Follows which snapshot is served.
    #[must_use]
    pub fn serving(&self) -> watch::Receiver<Option<Serving>> {
        self.gateway.live.watch()
    }

    /// Calls that are being served.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.gateway.calls.count()
    }

    /// Returns once no call is being served, when all of them have been recorded.
    pub async fn idle(&self) {
        self.gateway.calls.idle().await;
    }

    /// Ends when no call is in flight, or after the drain time. Until then new calls are served too: in a pod, this
    /// container is stopped last, and whoever still calls has reason to.
    ///
    /// Returns whether every call came to its end.
    pub async fn stop(mut self) -> bool {
        self.shutdown.draining.cancel();
        let drained = tokio::time::timeout(self.drain, self.gateway.calls.idle()).await.is_ok();
        let left = self.gateway.calls.count();
        tracing::info!(drained, left, "stopping");
        self.shutdown.connections.close();
        // Idle connections have ended by now, others write their last bytes.
        let _ = tokio::time::timeout(LINGER, self.shutdown.connections.wait()).await;
        self.shutdown.closed.cancel();
        self.tasks.shutdown().await;
        drained
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.closed.cancel();
    }
}

/// Keeps the credentials that the served snapshot asks for, and no others.
async fn follow(live: Arc<Live>, engine: Arc<Engine>) {
    let mut serving = live.watch();
    loop {
        if let Some(prepared) = live.load() {
            engine.follow(prepared.identities.clone());
        }
        if serving.changed().await.is_err() {
            return;
        }
    }
}

/// What AWS takes as the name of a session: 2 to 64 characters of its own choice.
fn session_name(asked: &str) -> String {
    let taken = |character: &char| character.is_ascii_alphanumeric() || "_+=,.@-".contains(*character);
    let name: String = asked.chars().filter(taken).take(64).collect();
    if name.len() < 2 { "pillion".into() } else { name }
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}
