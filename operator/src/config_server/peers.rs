//! What the sidecars of the other replicas serve, asked of each replica over its config port; only the leader asks.

use super::acks::{Acks, PodAck, WireAcks, newer};
use crate::certs::ServingIdentity;
use crate::kubernetes::call;
use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::Client;
use kube::api::{Api, ListParams};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

const DEADLINE: Duration = Duration::from_secs(2);
const LOOK_FOR_PEERS: Duration = Duration::from_secs(5);
const MAX_ACKS: usize = 64 * 1024 * 1024;

/// Where peers are found and how this replica proves itself to them.
#[derive(Clone, Debug)]
pub(crate) struct PeerSettings {
    pub(crate) namespace: String,
    /// The Service whose EndpointSlices list the replicas.
    pub(crate) service: String,
    /// This replica, which is not its own peer.
    pub(crate) pod_name: String,
    /// What the peers' certificates are for.
    pub(crate) server_name: String,
    /// Holds the replica's own token of audience `pillion`.
    pub(crate) token_file: PathBuf,
    /// Config ports of the other replicas, where no EndpointSlices tell.
    pub(crate) fixed: Vec<SocketAddr>,
}

/// The other replicas, as last heard of.
pub(crate) struct Peers {
    client: Client,
    settings: PeerSettings,
    identity: watch::Receiver<Option<Arc<ServingIdentity>>>,
    peers: HashMap<SocketAddr, Peer>,
    looked: Option<Instant>,
}

#[derive(Default)]
struct Peer {
    connection: Option<SendRequest<Empty<Bytes>>>,
    revision: Option<String>,
    acks: Acks,
}

#[derive(Debug, thiserror::Error)]
enum PeerError {
    #[error("failed to read '{}': {source}", path.display())]
    Token { path: PathBuf, source: std::io::Error },
    #[error("failed to connect: {0}")]
    Connect(#[source] std::io::Error),
    #[error("failed to set up TLS: {0}")]
    Tls(String),
    #[error("failed to ask: {0}")]
    Ask(#[source] hyper::Error),
    #[error("the peer answered {0}")]
    Answer(StatusCode),
    #[error("the peer's answer does not parse: {0}")]
    Parse(String),
    #[error("no answer in time")]
    Timeout,
}

impl Peers {
    pub(crate) fn new(
        client: Client,
        settings: PeerSettings,
        identity: watch::Receiver<Option<Arc<ServingIdentity>>>,
    ) -> Self {
        Self { client, settings, identity, peers: HashMap::new(), looked: None }
    }

    /// Asks every peer once; whether anything changed since the last time. A peer that does not answer counts as one
    /// without sidecars: they connect to another replica.
    pub(crate) async fn ask_all(&mut self) -> bool {
        self.look_for_peers().await;
        let mut changed = false;
        for (address, peer) in &mut self.peers {
            let asked = tokio::time::timeout(DEADLINE, peer.ask(*address, &self.settings, &self.identity)).await;
            match asked.unwrap_or(Err(PeerError::Timeout)) {
                Ok(news) => changed |= news,
                Err(error) => {
                    tracing::debug!(%address, %error, "a peer could not be asked for its acks");
                    changed |= !peer.acks.is_empty();
                    *peer = Peer::default();
                }
            }
        }
        changed
    }

    /// What the peers know of one pod.
    pub(crate) fn ack(&self, uid: &str) -> Option<&PodAck> {
        self.peers.values().filter_map(|peer| peer.acks.get(uid)).reduce(newer)
    }

    async fn look_for_peers(&mut self) {
        if self.looked.is_some_and(|looked| looked.elapsed() < LOOK_FOR_PEERS) {
            return;
        }
        self.looked = Some(Instant::now());
        if !self.settings.fixed.is_empty() {
            self.keep(self.settings.fixed.clone());
            return;
        }
        let slices: Api<EndpointSlice> = Api::namespaced(self.client.clone(), &self.settings.namespace);
        let of_service = ListParams::default().labels(&format!("kubernetes.io/service-name={}", self.settings.service));
        match call(slices.list(&of_service)).await {
            Ok(slices) => {
                let found: Vec<SocketAddr> =
                    slices.items.iter().flat_map(|slice| addresses(slice, &self.settings.pod_name)).collect();
                self.keep(found);
            }
            Err(error) => tracing::debug!(%error, "failed to list the replicas"),
        }
    }

    fn keep(&mut self, found: Vec<SocketAddr>) {
        self.peers.retain(|address, _| found.contains(address));
        for address in found {
            self.peers.entry(address).or_default();
        }
    }
}

/// Config ports of the replicas in one slice, this one left out.
fn addresses(slice: &EndpointSlice, own_name: &str) -> Vec<SocketAddr> {
    let ports = slice.ports.as_deref().unwrap_or_default();
    let port = ports.iter().find(|port| port.name.as_deref() == Some("config")).and_then(|port| port.port);
    let Some(port) = port.and_then(|port| u16::try_from(port).ok()) else {
        return Vec::new();
    };
    let is_own = |name: Option<&str>| name == Some(own_name);
    slice
        .endpoints
        .iter()
        .filter(|endpoint| !is_own(endpoint.target_ref.as_ref().and_then(|target| target.name.as_deref())))
        .filter_map(|endpoint| endpoint.addresses.first()?.parse::<IpAddr>().ok())
        .map(|address| SocketAddr::new(address, port))
        .collect()
}

impl Peer {
    async fn ask(
        &mut self,
        address: SocketAddr,
        settings: &PeerSettings,
        identity: &watch::Receiver<Option<Arc<ServingIdentity>>>,
    ) -> Result<bool, PeerError> {
        let path = &settings.token_file;
        let token =
            tokio::fs::read_to_string(path).await.map_err(|source| PeerError::Token { path: path.clone(), source })?;
        let mut connection = match self.connection.take().filter(SendRequest::is_ready) {
            Some(connection) => connection,
            None => {
                let bundle = identity.borrow().as_ref().map(|identity| identity.bundle.clone()).unwrap_or_default();
                connect(address, &settings.server_name, &bundle).await?
            }
        };
        let mut request = Request::get("/v1/acks")
            .header(header::HOST, settings.server_name.as_str())
            .header(header::AUTHORIZATION, format!("Bearer {}", token.trim()));
        if let Some(revision) = &self.revision {
            request = request.header(header::IF_NONE_MATCH, revision);
        }
        let request = request.body(Empty::new()).map_err(|error| PeerError::Parse(error.to_string()))?;
        let reply = connection.send_request(request).await.map_err(PeerError::Ask)?;
        let status = reply.status();
        let revision = reply.headers().get(header::ETAG).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = Limited::new(reply.into_body(), MAX_ACKS).collect().await;
        let body = body.map_err(|error| PeerError::Parse(error.to_string()))?.to_bytes();
        self.connection = Some(connection);
        match status {
            StatusCode::NOT_MODIFIED => Ok(false),
            StatusCode::OK => {
                let acks: WireAcks =
                    serde_json::from_slice(&body).map_err(|error| PeerError::Parse(error.to_string()))?;
                let acks = acks.unpack();
                let changed = self.acks != acks;
                self.acks = acks;
                self.revision = revision;
                Ok(changed)
            }
            other => Err(PeerError::Answer(other)),
        }
    }
}

async fn connect(address: SocketAddr, name: &str, bundle: &str) -> Result<SendRequest<Empty<Bytes>>, PeerError> {
    let tls = |error: &dyn std::fmt::Display| PeerError::Tls(error.to_string());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(bundle.as_bytes()) {
        roots.add(certificate.map_err(|error| tls(&error))?).map_err(|error| tls(&error))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| tls(&error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).map_err(|error| tls(&error))?;
    let stream = TcpStream::connect(address).await.map_err(PeerError::Connect)?;
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(PeerError::Connect)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(PeerError::Ask)?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "the connection to a peer ended");
        }
    });
    Ok(sender)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn peers_are_the_other_replicas_at_their_config_ports() {
        let slice = json!({
            "addressType": "IPv4",
            "ports": [{"name": "webhook", "port": 9443}, {"name": "config", "port": 9444}],
            "endpoints": [
                {"addresses": ["10.0.0.1"], "targetRef": {"kind": "Pod", "name": "me"}},
                {"addresses": ["10.0.0.2"], "targetRef": {"kind": "Pod", "name": "other"}},
                {"addresses": ["not an address"]},
            ],
        });
        let slice = serde_json::from_value(slice).unwrap();
        assert_eq!(addresses(&slice, "me"), ["10.0.0.2:9444".parse().unwrap()]);
    }
}
