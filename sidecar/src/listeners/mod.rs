//! The three listeners: data, health with metrics, admin. They accept, speak HTTP, and drain; what a call means is the
//! stack's.

mod admin;
mod data;
mod health;
mod hosts;

pub(crate) use admin::Admin;
pub(crate) use data::Data;
pub(crate) use health::Health;
pub(crate) use hosts::Hosts;

use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// After a failed accept (no file descriptors left, say) the next one waits, so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How far a shutdown has come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shutdown {
    /// Connections end after the call they carry; new ones are still served.
    pub(crate) draining: CancellationToken,
    /// Nothing more is accepted.
    pub(crate) closed: CancellationToken,
    /// Every connection's task.
    pub(crate) connections: TaskTracker,
}

/// Serves the connections of one listener.
pub(crate) trait Connections: Send + Sync + 'static {
    fn serve(self: Arc<Self>, stream: TcpStream, shutdown: Shutdown) -> impl Future<Output = ()> + Send;
}

/// Accepts until closed.
pub(crate) async fn accept(listener: TcpListener, connections: Arc<impl Connections>, shutdown: Shutdown) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.closed.cancelled() => return,
        };
        match accepted {
            Ok((stream, _)) => {
                // A connection without it still works.
                let _ = stream.set_nodelay(true);
                let serving = connections.clone().serve(stream, shutdown.clone());
                shutdown.connections.spawn(serving);
            }
            Err(error) => {
                tracing::warn!(%error, "failed to accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// One small page per request: for health and admin, which need no more than HTTP/1.1.
async fn serve_pages(
    stream: TcpStream,
    shutdown: Shutdown,
    page: impl Fn(&Request<Incoming>) -> Response<Full<bytes::Bytes>>,
) {
    let service = hyper::service::service_fn(|request: Request<Incoming>| {
        std::future::ready(Ok::<_, Infallible>(page(&request)))
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(hyper_util::rt::TokioTimer::new())
        .header_read_timeout(Duration::from_secs(10))
        .max_buf_size(16 << 10)
        .serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        // A prober that hangs up early is its own affair.
        _ = connection => {}
        () = shutdown.closed.cancelled() => {}
    }
}

fn text(status: StatusCode, content_type: &'static str, body: impl Into<bytes::Bytes>) -> Response<Full<bytes::Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
