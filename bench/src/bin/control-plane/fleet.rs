//! The simulated sidecars: one TLS connection and one snapshot stream each, as the real ones open them.

use crate::world::{Operator, World};
use anyhow::{Context, ensure};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use pillion_snapshot::{Line, read_line};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Who waits for a namespace's next snapshot.
type Waiting = Arc<Mutex<HashMap<String, Vec<oneshot::Sender<Instant>>>>>;

/// All simulated sidecars.
pub(crate) struct Fleet<'a> {
    world: &'a World,
    port: u16,
    tls: TlsConnector,
    streams: JoinSet<()>,
    bytes: Arc<AtomicUsize>,
    waiting: Waiting,
}

impl<'a> Fleet<'a> {
    pub(crate) fn new(world: &'a World, operator: &Operator) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(operator.authority.as_bytes()) {
            roots.add(certificate?)?;
        }
        let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let tls = TlsConnector::from(Arc::new(config));
        let (bytes, waiting) = (Arc::default(), Arc::default());
        Ok(Self { world, port: operator.port, tls, streams: JoinSet::new(), bytes, waiting })
    }

    /// Bytes of snapshots received so far.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Opens every stream; the time until all have a snapshot.
    pub(crate) async fn connect(&mut self) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        let (first, mut firsts) = mpsc::unbounded_channel();
        // The handshakes are the clients' cost too; on one machine they must not starve the server they measure.
        let handshakes = Arc::new(Semaphore::new(64));
        for sidecar in &self.world.sidecars {
            let stream = Stream {
                namespace: sidecar.namespace.clone(),
                token: sidecar.token.clone(),
                port: self.port,
                tls: self.tls.clone(),
                bytes: self.bytes.clone(),
                waiting: self.waiting.clone(),
            };
            let (first, handshakes) = (first.clone(), handshakes.clone());
            self.streams.spawn(async move {
                if let Err(error) = stream.run(&first, &handshakes).await {
                    let _ = first.send(Err(error));
                }
            });
        }
        drop(first);
        for _ in &self.world.sidecars {
            let next = tokio::time::timeout(Duration::from_secs(120), firsts.recv()).await;
            next.context("the streams were not served in time")?.context("a stream ended")??;
        }
        Ok(begun.elapsed())
    }

    /// Drops every stream at once and opens them again.
    pub(crate) async fn reconnect(&mut self) -> anyhow::Result<Duration> {
        self.streams.shutdown().await;
        self.connect().await
    }

    /// What the next snapshots of a namespace's streams are told to.
    pub(crate) fn expect_change(&self, namespace: &str) -> Vec<oneshot::Receiver<Instant>> {
        let count = self.world.sidecars.iter().filter(|sidecar| sidecar.namespace == namespace).count();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let (senders, receivers) = (0..count).map(|_| oneshot::channel()).unzip();
        waiting.insert(namespace.to_owned(), senders);
        receivers
    }
}

/// When each of the expected snapshots came.
pub(crate) async fn received(
    receivers: Vec<oneshot::Receiver<Instant>>,
    limit: Duration,
) -> anyhow::Result<Vec<Instant>> {
    let all = futures::future::try_join_all(receivers);
    Ok(tokio::time::timeout(limit, all).await.context("a change did not arrive")??)
}

struct Stream {
    namespace: String,
    token: String,
    port: u16,
    tls: TlsConnector,
    bytes: Arc<AtomicUsize>,
    waiting: Waiting,
}

impl Stream {
    async fn run(
        &self,
        first: &mpsc::UnboundedSender<anyhow::Result<()>>,
        handshakes: &Semaphore,
    ) -> anyhow::Result<()> {
        let permit = handshakes.acquire().await?;
        let socket = TcpStream::connect(("127.0.0.1", self.port)).await?;
        let socket = self.tls.connect(ServerName::try_from("localhost")?, socket).await?;
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(socket)).await?;
        let connection = tokio::spawn(connection);
        let request = Request::get("https://localhost/v1/snapshot")
            .header("authorization", format!("Bearer {}", self.token))
            .body(Empty::<Bytes>::new())?;
        let reply = sender.send_request(request).await?;
        drop(permit);
        ensure!(reply.status().is_success(), "{}", reply.status());
        let mut body = reply.into_body();
        let (mut buffer, mut seen) = (vec![], false);
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            buffer.extend_from_slice(&data);
            while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = buffer.drain(..=end).collect();
                if !matches!(read_line(line.trim_ascii_end())?, Line::Snapshot { .. }) {
                    continue;
                }
                self.bytes.fetch_add(line.len(), Ordering::Relaxed);
                if !std::mem::replace(&mut seen, true) {
                    let _ = first.send(Ok(()));
                }
                self.arrived();
            }
        }
        connection.abort();
        Ok(())
    }

    fn arrived(&self) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = waiting.get_mut(&self.namespace).and_then(Vec::pop) {
            let _ = sender.send(Instant::now());
        }
    }
}
