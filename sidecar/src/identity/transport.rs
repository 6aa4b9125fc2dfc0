//! One call of a token service: a connection of its own, short times, a small reply, no redirect. Which addresses it may
//! reach is said with each call: the metadata services that providers may never be are open to their own callers only.

use super::error::{ExchangeError, Pace};
use super::lifetime::{Received, date};
use super::secret::percent_encode;
use crate::upstream::{ConnectError, Connector};
use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// No token service has more to say.
const LARGEST_REPLY: usize = 256 << 10;
/// On the node's own network.
const NEAR: Times = Times { connect: Duration::from_secs(1), all: Duration::from_secs(5) };
const FAR: Times = Times { connect: Duration::from_secs(3), all: Duration::from_secs(10) };

#[derive(Clone, Copy)]
struct Times {
    connect: Duration,
    all: Duration,
}

/// What is asked of a token service. `Debug` shows neither headers nor body.
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) url: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Metadata addresses that this call may reach; empty: only what providers may be.
    pub(crate) metadata: &'static [SocketAddr],
}

impl Ask {
    pub(crate) fn get(url: Uri) -> Self {
        Self { method: Method::GET, url, headers: HeaderMap::new(), body: Bytes::new(), metadata: &[] }
    }

    /// A form, `application/x-www-form-urlencoded`.
    pub(crate) fn form<'a>(url: Uri, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut body = String::new();
        for (name, value) in pairs {
            if !body.is_empty() {
                body.push('&');
            }
            percent_encode(name, &mut body);
            body.push('=');
            percent_encode(value, &mut body);
        }
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        Self { method: Method::POST, body: body.into(), ..Self::get(url) }.header(header::CONTENT_TYPE, form)
    }

    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    pub(crate) fn reaching(mut self, metadata: &'static [SocketAddr]) -> Self {
        self.metadata = metadata;
        self
    }
}

impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ask({} {})", self.method, self.url.host().unwrap_or_default())
    }
}

/// What a token service answered. `Debug` shows its status only.
#[derive(Clone)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) received: Received,
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({})", self.status)
    }
}

/// Why no reply came.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AskError {
    #[error("failed to reach {host}: {why}")]
    Connect { host: String, why: String },
    #[error("{host} is at an address that is refused: {why}")]
    Refused { host: String, why: String },
    #[error("{host} did not {what} within {after:?}")]
    Slow { host: String, what: &'static str, after: Duration },
    #[error("the connection to {host} broke: {why}")]
    Broken { host: String, why: String },
    #[error("the reply of {host} is larger than {LARGEST_REPLY} bytes")]
    TooLarge { host: String },
}

impl From<AskError> for ExchangeError {
    fn from(error: AskError) -> Self {
        let (reason, pace) = match &error {
            AskError::Connect { .. } => ("unreachable", Pace::Soon),
            AskError::Refused { .. } => ("address_refused", Pace::Rarely),
            AskError::Slow { .. } => ("timeout", Pace::Soon),
            AskError::Broken { .. } => ("reset", Pace::Soon),
            AskError::TooLarge { .. } => ("too_large", Pace::Soon),
        };
        Self::new(reason, pace, error.to_string())
    }
}

/// A connected byte stream, TLS done.
pub(crate) trait Stream: hyper::rt::Read + hyper::rt::Write + Unpin + Send {}

impl<T: hyper::rt::Read + hyper::rt::Write + Unpin + Send> Stream for T {}

/// Connects to token services.
pub(crate) trait Dial: Send + Sync {
    /// `metadata`: addresses that may be reached though no provider may be there.
    fn dial<'a>(
        &'a self,
        url: &'a Uri,
        metadata: &'a [SocketAddr],
    ) -> BoxFuture<'a, Result<Box<dyn Stream>, ConnectError>>;
}

impl Dial for Connector {
    fn dial<'a>(
        &'a self,
        url: &'a Uri,
        metadata: &'a [SocketAddr],
    ) -> BoxFuture<'a, Result<Box<dyn Stream>, ConnectError>> {
        let connector = self.allowing(metadata);
        Box::pin(async move { Ok(Box::new(connector.connect(url.clone()).await?) as Box<dyn Stream>) })
    }
}

/// Calls token services.
#[derive(Clone)]
pub(crate) struct Transport {
    dial: Arc<dyn Dial>,
    clock: super::Clock,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport")
    }
}

impl Transport {
    pub(crate) fn new(dial: Arc<dyn Dial>, clock: super::Clock) -> Self {
        Self { dial, clock }
    }

    /// Asks once.
    ///
    /// # Errors
    /// [`AskError`] where no whole reply came; a reply of any status is none.
    pub(crate) async fn ask(&self, ask: Ask) -> Result<Reply, AskError> {
        let times = if ask.metadata.is_empty() { FAR } else { NEAR };
        let host = ask.url.host().unwrap_or_default().to_owned();
        let slow = |what, after| AskError::Slow { host: host.clone(), what, after };
        let asked = Instant::now();
        let connecting = timeout(times.connect, self.dial.dial(&ask.url, ask.metadata)).await;
        let stream = match connecting.map_err(|_| slow("accept a connection", times.connect))? {
            Ok(stream) => stream,
            Err(error @ ConnectError::Refused { .. }) => {
                return Err(AskError::Refused { host: host.clone(), why: error.to_string() });
            }
            Err(error) => return Err(AskError::Connect { host: host.clone(), why: error.to_string() }),
        };
        let exchange = timeout(times.all.saturating_sub(asked.elapsed()), exchange(stream, ask, &host)).await;
        let (status, headers, body) = exchange.map_err(|_| slow("answer", times.all))??;
        let received = Received { asked, answered: Instant::now(), wall: self.clock.now(), date: date(&headers) };
        Ok(Reply { status, headers, body, received })
    }
}

async fn exchange(stream: Box<dyn Stream>, ask: Ask, host: &str) -> Result<(StatusCode, HeaderMap, Bytes), AskError> {
    let broken = |error: hyper::Error| AskError::Broken { host: host.to_owned(), why: error.to_string() };
    let builder = {
        let mut builder = http1::Builder::new();
        builder.max_buf_size(64 << 10);
        builder
    };
    let (mut sender, connection) = builder.handshake(stream).await.map_err(broken)?;
    let answer = async {
        let response = sender.send_request(request(ask)).await.map_err(broken)?;
        let (parts, mut body) = response.into_parts();
        let mut bytes = BytesMut::new();
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame.map_err(broken)?.into_data() {
                if bytes.len() + data.len() > LARGEST_REPLY {
                    return Err(AskError::TooLarge { host: host.to_owned() });
                }
                bytes.extend_from_slice(&data);
            }
        }
        Ok((parts.status, parts.headers, bytes.freeze()))
    };
    tokio::pin!(answer, connection);
    // The connection moves the bytes; when it ends first, the answer is in its hands or will not come.
    tokio::select! {
        biased;
        answered = &mut answer => answered,
        _ = &mut connection => answer.await,
    }
}

fn request(ask: Ask) -> Request<Full<Bytes>> {
    let authority = ask.url.authority().map(|authority| HeaderValue::from_str(authority.as_str()));
    let path = ask.url.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let mut request = Request::new(Full::new(ask.body));
    *request.method_mut() = ask.method;
    *request.uri_mut() = path.parse().unwrap_or_default();
    *request.headers_mut() = ask.headers;
    if let Some(Ok(host)) = authority {
        request.headers_mut().entry(header::HOST).or_insert(host);
    }
    let agent = concat!("pillion/", env!("CARGO_PKG_VERSION"));
    request.headers_mut().entry(header::USER_AGENT).or_insert(HeaderValue::from_static(agent));
    request
}
