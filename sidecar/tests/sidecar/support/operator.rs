//! An operator in the test's hands: its config server, HTTP/2 over TLS, line by line.

use super::soon;
use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use pillion_sidecar::{Running, Settings, Sidecar, Source, StreamSettings};
use pillion_snapshot::{CredentialState, Keys, Line, ProviderKey, RefusedKey, Report, Snapshot, write_line};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::convert::Infallible;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, Infallible>;

/// A config server: each stream that opens, and each report, comes to the test.
pub(crate) struct Operator {
    pub(crate) address: std::net::SocketAddr,
    pub(crate) pem: String,
    pub(crate) streams: mpsc::UnboundedReceiver<Stream>,
    pub(crate) reports: mpsc::UnboundedReceiver<Report>,
    pub(crate) serving: tokio::task::JoinHandle<()>,
}

/// One open stream. Dropping it ends it.
pub(crate) struct Stream {
    pub(crate) token: String,
    lines: mpsc::UnboundedSender<Vec<u8>>,
}

impl Stream {
    pub(crate) fn send(&self, bytes: impl Into<Vec<u8>>) {
        self.lines.send(bytes.into()).unwrap();
    }

    pub(crate) fn keys(&self, keys: &Keys) {
        self.send(write_line(&Line::Keys(keys.clone())));
    }

    pub(crate) fn snapshot(&self, name: &str, snapshot: &Snapshot) {
        self.send(write_line(&Line::Snapshot { stream: name.into(), snapshot: Box::new(snapshot.clone()) }));
    }
}

impl Operator {
    pub(crate) async fn start() -> Self {
        let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certified.cert.der().clone()], key)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (opened, streams) = mpsc::unbounded_channel();
        let (reported, reports) = mpsc::unbounded_channel();
        let serving = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, opened, reported) = (acceptor.clone(), opened.clone(), reported.clone());
                connections.spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let service = service_fn(move |request| answer(request, opened.clone(), reported.clone()));
                    let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { address, pem: certified.cert.pem(), streams, reports, serving }
    }

    /// A sidecar of this operator, with state and token in `folder`.
    pub(crate) async fn sidecar(&self, folder: &std::path::Path) -> Running {
        Sidecar::start(self.settings(folder)).await.unwrap()
    }

    pub(crate) fn settings(&self, folder: &std::path::Path) -> Settings {
        let token_file = folder.join("token");
        if !token_file.exists() {
            std::fs::write(&token_file, "token-1\n").unwrap();
        }
        let stream = StreamSettings {
            url: format!("https://localhost:{}", self.address.port()),
            ca: self.pem.clone(),
            token_file,
            state_dir: folder.into(),
        };
        Settings::new(Source::Stream(stream))
    }

    pub(crate) async fn stream(&mut self) -> Stream {
        soon(self.streams.recv()).await.unwrap()
    }

    /// The next ack; reports of credentials come when they come.
    pub(crate) async fn ack(&mut self) -> pillion_snapshot::Ack {
        soon(async {
            loop {
                if let Some(ack) = self.reports.recv().await.unwrap().ack {
                    return ack;
                }
            }
        })
        .await
    }

    /// The next report of keys that a provider refused.
    pub(crate) async fn refused_keys(&mut self) -> Vec<RefusedKey> {
        soon(async {
            loop {
                let refused = self.reports.recv().await.unwrap().refused_keys;
                if !refused.is_empty() {
                    return refused;
                }
            }
        })
        .await
    }

    /// The first report that says this of a provider's credential.
    pub(crate) async fn credential(
        &mut self,
        provider: &str,
        says: impl Fn(&CredentialState) -> bool,
    ) -> CredentialState {
        let key = ProviderKey(provider.into());
        soon(async {
            loop {
                let credentials = self.reports.recv().await.unwrap().credentials.unwrap_or_default();
                if let Some(state) = credentials.providers.get(&key).filter(|state| says(state)) {
                    return state.clone();
                }
            }
        })
        .await
    }
}

async fn answer(
    request: Request<Incoming>,
    opened: mpsc::UnboundedSender<Stream>,
    reported: mpsc::UnboundedSender<Report>,
) -> Result<Response<Body>, Infallible> {
    let token = request.headers()["authorization"].to_str().unwrap().to_owned();
    if request.uri().path() == "/v1/reports" {
        let body = request.into_body().collect().await.unwrap().to_bytes();
        reported.send(serde_json::from_slice(&body).unwrap()).unwrap();
        return Ok(Response::new(Full::new(Bytes::new()).boxed_unsync()));
    }
    let (lines, mut sent) = mpsc::unbounded_channel::<Vec<u8>>();
    opened.send(Stream { token, lines }).unwrap();
    let frames = futures::stream::poll_fn(move |cx| {
        sent.poll_recv(cx).map(|line| line.map(|line| Ok(Frame::data(Bytes::from(line)))))
    });
    Ok(Response::new(StreamBody::new(frames).boxed_unsync()))
}
