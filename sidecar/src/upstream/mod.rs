//! Everything towards providers: a pool of connections (HTTP/1.1, and HTTP/2 where ALPN says so) and one way to send.
//! Never follows a redirect, never retries what was sent.

mod connector;
mod decode;
mod guard;
mod tls;

pub(crate) use connector::{ConnectError, Connector};
pub(crate) use decode::{UpstreamBody, decoded};
pub(crate) use guard::Guard;
pub use tls::TlsError;
pub(crate) use tls::{add_pem, client_config, config_with};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::capture_connection;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::error::Error as _;
use std::time::Duration;
use tokio::time::Instant;

/// What is sent: bytes at hand, or the client's own body as it comes.
pub(crate) type RequestBody = Either<Full<Bytes>, Incoming>;

const POOL_IDLE: Duration = Duration::from_secs(90);
const IDLE_PER_HOST: usize = 32;
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// Bounds what one slow reader can make us hold of one HTTP/1.1 reply.
const READ_BUFFER: usize = 64 << 10;

/// Why no reply came.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    /// Nothing was sent.
    #[error("{0}")]
    Connect(String),
    /// Nothing was sent, nor ever will be.
    #[error("{0}")]
    Refused(String),
    /// Nothing was sent within the time to connect.
    #[error("no connection within {0:?}")]
    ConnectTimeout(Duration),
    /// Sent, and no answer in time.
    #[error("no answer in time")]
    Timeout,
    /// Sent, perhaps in part, and then the connection broke.
    #[error("{0}")]
    Broken(String),
}

/// The pool.
#[derive(Clone)]
pub(crate) struct Upstream {
    client: Client<Connector, RequestBody>,
}

impl Upstream {
    pub(crate) fn new(connector: Connector) -> Self {
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            .pool_max_idle_per_host(IDLE_PER_HOST)
            .http1_max_buf_size(READ_BUFFER)
            .http2_keep_alive_interval(PING_EVERY)
            .http2_keep_alive_timeout(PING_TIMEOUT)
            .http2_initial_stream_window_size(1 << 20)
            .http2_initial_connection_window_size(4 << 20)
            .build(connector);
        Self { client }
    }

    /// Sends one request and waits for the head of its reply. Dropping the future cancels the request upstream.
    ///
    /// # Errors
    /// [`SendError`]; `Connect`, `ConnectTimeout` and `Refused` promise that nothing was sent.
    pub(crate) async fn send(
        &self,
        mut request: Request<RequestBody>,
        connect: Duration,
        answer_by: Instant,
    ) -> Result<Response<Incoming>, SendError> {
        let mut connection = capture_connection(&mut request);
        let mut response = self.client.request(request);
        let connected = async {
            let _ = connection.wait_for_connection_metadata().await;
        };
        tokio::select! {
            biased;
            result = &mut response => return result.map_err(classify),
            () = connected => {}
            () = tokio::time::sleep(connect) => return Err(SendError::ConnectTimeout(connect)),
        }
        match tokio::time::timeout_at(answer_by, response).await {
            Ok(result) => result.map_err(classify),
            Err(_) => Err(SendError::Timeout),
        }
    }
}

/// Tells a failure to connect, after which nothing was sent, from a connection that broke.
fn classify(error: hyper_util::client::legacy::Error) -> SendError {
    let mut source = error.source();
    let mut text = error.to_string();
    while let Some(inner) = source {
        if let Some(connect) = inner.downcast_ref::<ConnectError>() {
            let text = connect.to_string();
            return match connect {
                ConnectError::Refused { .. } => SendError::Refused(text),
                _ => SendError::Connect(text),
            };
        }
        text = inner.to_string();
        source = inner.source();
    }
    if error.is_connect() { SendError::Connect(text) } else { SendError::Broken(text) }
}
