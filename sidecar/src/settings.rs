//! How a sidecar is run, whoever runs it: the binary, a test, a benchmark.

use crate::snapshots::{FilesSettings, StreamSettings};
use pillion_snapshot::Snapshot;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// All that can be set. [`Settings::new`] gives what a pod uses, on ports that the system chooses.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where snapshots come from.
    pub source: Source,
    /// Where applications call; port 0 lets the system choose, as for the others.
    pub data: SocketAddr,
    /// Where kubelet and Prometheus look.
    pub health: SocketAddr,
    /// Where people look.
    pub admin: SocketAddr,
    /// Folder of mounted keys, one file each.
    pub credentials_dir: Option<PathBuf>,
    /// Folder of the pod's tokens for clouds, one file an audience.
    pub tokens_dir: PathBuf,
    /// Variables that clouds' own webhooks set in pods, such as `AWS_ROLE_ARN`; see [`Settings::cloud_variables`].
    pub environment: BTreeMap<String, String>,
    /// How this workload is called in clouds' audit logs, `<namespace>.<pod>`.
    pub session_name: String,
    /// Addresses of hosts that DNS is not asked for; for tests, of token services too.
    pub hosts: BTreeMap<String, SocketAddr>,
    /// PEM of certificates that providers may have besides those of the web.
    pub ca_file: Option<PathBuf>,
    /// Names that the data listener answers to besides loopback's.
    pub allowed_hosts: Vec<String>,
    /// Bytes that all calls may hold together.
    pub memory_budget: u64,
    /// A stream is held until its first delta for this long at most, while another backend is untried.
    pub hold: Duration,
    /// Calls in flight may take this long to end after a stop.
    pub drain: Duration,
}

/// Where snapshots come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// The operator.
    Stream(StreamSettings),
    /// Files, again when they change.
    Files(FilesSettings),
    /// This one, for good.
    Fixed(Box<Snapshot>),
}

impl Settings {
    /// Loopback, ports chosen by the system, no credentials, the budget of this container.
    #[must_use]
    pub fn new(source: Source) -> Self {
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            source,
            data: loopback,
            health: loopback,
            admin: loopback,
            credentials_dir: None,
            tokens_dir: "/var/run/secrets/pillion.dev/tokens".into(),
            environment: BTreeMap::new(),
            session_name: "pillion".into(),
            hosts: BTreeMap::new(),
            ca_file: None,
            allowed_hosts: Vec::new(),
            memory_budget: crate::machine::memory_budget(),
            hold: Duration::from_secs(10),
            drain: Duration::from_secs(30),
        }
    }

    /// The variables that [`Settings::environment`] is for.
    pub fn cloud_variables() -> impl Iterator<Item = &'static str> {
        crate::identity::variables()
    }
}
