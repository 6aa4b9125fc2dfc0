//! Clouds on loopback: one TLS server for all their public names, one plain server for metadata addresses, both
//! answering as a test says.

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;

/// One request, as a cloud saw it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) host: String,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// Of how many to this host and path it is.
    pub(crate) number: usize,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// What a cloud answers.
pub(crate) struct Said {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl Said {
    pub(crate) fn json(status: u16, body: impl ToString) -> Self {
        Self { status, headers: vec![("content-type", "application/json".into())], body: body.to_string() }
    }
}

type Script = dyn Fn(&Seen) -> Said + Send + Sync;

pub(crate) struct Cloud {
    public: SocketAddr,
    metadata: SocketAddr,
    names: Vec<String>,
    folder: TempDir,
    state: Arc<State>,
}

struct State {
    script: Box<Script>,
    seen: Mutex<Vec<Seen>>,
}

/// Where metadata services and agents are.
const METADATA: [&str; 3] = ["169.254.169.254", "169.254.170.23", "metadata.google.internal"];

impl Cloud {
    /// `names`: the public hosts.
    pub(crate) async fn start(names: &[&str], script: impl Fn(&Seen) -> Said + Send + Sync + 'static) -> Self {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let certified = rcgen::generate_simple_self_signed(names.clone()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), certified.cert.pem()).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certified.cert.der().clone()], key)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));

        let state = Arc::new(State { script: Box::new(script), seen: Mutex::default() });
        let (public, metadata) =
            (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let addresses = (public.local_addr().unwrap(), metadata.local_addr().unwrap());
        let shared = state.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = public.accept().await {
                let (acceptor, state) = (acceptor.clone(), shared.clone());
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        state.serve(stream).await;
                    }
                });
            }
        });
        let shared = state.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = metadata.accept().await {
                let state = shared.clone();
                tokio::spawn(async move { state.serve(stream).await });
            }
        });
        Self { public: addresses.0, metadata: addresses.1, names, folder, state }
    }

    /// What DNS would say.
    pub(crate) fn hosts(&self) -> BTreeMap<String, SocketAddr> {
        let public = self.names.iter().map(|name| (name.clone(), self.public));
        public.chain(METADATA.map(|host| (host.to_owned(), self.metadata))).collect()
    }

    /// Who signed the public names' certificate.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// The requests to a host so far.
    pub(crate) fn seen(&self, host: &str) -> Vec<Seen> {
        self.state.seen.lock().unwrap().iter().filter(|seen| seen.host == host).cloned().collect()
    }
}

impl State {
    async fn serve(self: Arc<Self>, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let service = service_fn(|request: Request<Incoming>| {
            let state = self.clone();
            async move { Ok::<_, Infallible>(state.answer(request).await) }
        });
        let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        let named = parts.headers.get("host").map(|host| host.to_str().unwrap().to_owned());
        let host = parts.uri.host().map(str::to_owned).or(named).unwrap();
        let path = parts.uri.path_and_query().unwrap().to_string();
        let mut seen = Seen { host, path, headers: parts.headers, body, number: 1 };
        {
            let mut all = self.seen.lock().unwrap();
            seen.number += all.iter().filter(|one| (&one.host, &one.path) == (&seen.host, &seen.path)).count();
            all.push(seen.clone());
        }
        let Said { status, headers, body } = (self.script)(&seen);
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(name, value);
        }
        response.body(Full::new(body.into())).unwrap()
    }
}
