//! One connection to one upstream: resolve, refuse what no provider may be, connect, TLS. Knows nothing of HTTP beyond
//! ALPN.

use super::guard::Guard;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use http::Uri;
use hyper::rt::ReadBufCursor;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The next address is tried when the one before has not answered after this long (RFC 8305).
const STAGGER: Duration = Duration::from_millis(250);

/// No attempt to connect outlives this, whoever waits for it: the pool finishes some in the background.
const LONGEST: Duration = Duration::from_secs(30);

/// Why no connection came about. Nothing of the request was sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    #[error("'{0}' is not an http or https URL with a host")]
    Address(Uri),
    #[error("failed to resolve '{host}': {source}")]
    Resolve { host: String, source: io::Error },
    #[error("'{host}' resolved to no address")]
    NoAddress { host: String },
    #[error("'{host}' leads to {address}, {why}")]
    Refused { host: String, address: IpAddr, why: &'static str },
    #[error("failed to connect to {address}: {source}")]
    Tcp { address: SocketAddr, source: io::Error },
    #[error("failed TLS handshake with '{host}': {source}")]
    Tls { host: String, source: io::Error },
    #[error("no connection after {0:?}")]
    Slow(Duration),
}

/// Addresses of hosts that DNS is not asked for.
pub(crate) type Hosts = BTreeMap<String, SocketAddr>;

/// Makes connections for the pool, and for who asks for tokens.
#[derive(Clone)]
pub(crate) struct Connector {
    tls: TlsConnector,
    guard: Arc<Guard>,
    hosts: Arc<Hosts>,
}

impl Connector {
    pub(crate) fn new(tls: Arc<rustls::ClientConfig>, guard: Guard, hosts: Hosts) -> Self {
        Self { tls: TlsConnector::from(tls), guard: Arc::new(guard), hosts: Arc::new(hosts) }
    }

    /// The same connector, save that these metadata addresses may be reached.
    pub(crate) fn allowing(&self, metadata: &[SocketAddr]) -> Self {
        Self { guard: Arc::new(self.guard.allowing(metadata)), ..self.clone() }
    }

    /// The same connector, save that it offers HTTP/1.1 only.
    pub(crate) fn without_http2(&self) -> Self {
        let mut tls = (**self.tls.config()).clone();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self { tls: TlsConnector::from(Arc::new(tls)), ..self.clone() }
    }

    /// Connects, TLS included where the scheme is https.
    pub(crate) async fn connect(self, uri: Uri) -> Result<Transport, ConnectError> {
        let connecting = self.establish(&uri);
        tokio::time::timeout(LONGEST, connecting).await.map_err(|_| ConnectError::Slow(LONGEST))?
    }

    async fn establish(&self, uri: &Uri) -> Result<Transport, ConnectError> {
        let secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(ConnectError::Address(uri.clone())),
        };
        let host = uri.host().ok_or_else(|| ConnectError::Address(uri.clone()))?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let addresses = self.resolve(host, port).await?;
        let tcp = race(host, addresses).await?;
        if !secure {
            return Ok(Transport::Plain(TokioIo::new(tcp)));
        }
        let name = ServerName::try_from(host.to_owned()).map_err(|_| ConnectError::Address(uri.clone()))?;
        let tls = self.tls.connect(name, tcp).await;
        let tls = tls.map_err(|source| ConnectError::Tls { host: host.into(), source })?;
        Ok(Transport::Tls(Box::new(TokioIo::new(tls))))
    }

    /// The addresses of `host`. One refused address refuses the name: an attacker would not mind being tried second.
    async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, ConnectError> {
        let addresses: Vec<SocketAddr> = match (self.hosts.get(host), host.parse::<IpAddr>()) {
            (Some(address), _) => vec![*address],
            (None, Ok(ip)) => vec![SocketAddr::new(ip, port)],
            (None, Err(_)) => {
                let found = tokio::net::lookup_host((host, port)).await;
                found.map_err(|source| ConnectError::Resolve { host: host.into(), source })?.collect()
            }
        };
        for address in &addresses {
            if let Some(why) = self.guard.refusal(*address) {
                return Err(ConnectError::Refused { host: host.into(), address: address.ip(), why });
            }
        }
        Ok(addresses)
    }
}

/// The first of `addresses` that answers; each later one starts when the one before fails or is slow.
async fn race(host: &str, addresses: Vec<SocketAddr>) -> Result<TcpStream, ConnectError> {
    let mut waiting = addresses.into_iter();
    let mut connecting = FuturesUnordered::new();
    let mut failure = ConnectError::NoAddress { host: host.into() };
    loop {
        if let Some(address) = waiting.next() {
            connecting.push(dial(address));
        }
        let more = waiting.len() > 0;
        tokio::select! {
            biased;
            Some(result) = connecting.next() => match result {
                Ok(stream) => return Ok(stream),
                Err(error) => failure = error,
            },
            () = tokio::time::sleep(STAGGER), if more => {}
            else => return Err(failure),
        }
    }
}

async fn dial(address: SocketAddr) -> Result<TcpStream, ConnectError> {
    let connected = async {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    };
    connected.await.map_err(|source| ConnectError::Tcp { address, source })
}

impl tower_service::Service<Uri> for Connector {
    type Response = Transport;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Transport, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect(uri))
    }
}

/// A connected byte stream.
pub(crate) enum Transport {
    Plain(TokioIo<TcpStream>),
    Tls(Box<TokioIo<TlsStream<TcpStream>>>),
}

impl Connection for Transport {
    fn connected(&self) -> Connected {
        match self {
            Self::Tls(stream) if stream.inner().get_ref().1.alpn_protocol() == Some(b"h2") => {
                Connected::new().negotiated_h2()
            }
            _ => Connected::new(),
        }
    }
}

/// Calls the same method on whichever transport it is.
macro_rules! on_transport {
    ($self:ident, $stream:ident => $call:expr) => {
        match $self.get_mut() {
            Transport::Plain(stream) => {
                let $stream = Pin::new(stream);
                $call
            }
            Transport::Tls(stream) => {
                let $stream = Pin::new(&mut **stream);
                $call
            }
        }
    };
}

impl hyper::rt::Read for Transport {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        on_transport!(self, stream => stream.poll_read(cx, buf))
    }
}

impl hyper::rt::Write for Transport {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        on_transport!(self, stream => stream.poll_write(cx, buf))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_transport!(self, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_transport!(self, stream => stream.poll_shutdown(cx))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        on_transport!(self, stream => stream.poll_write_vectored(cx, bufs))
    }
}
