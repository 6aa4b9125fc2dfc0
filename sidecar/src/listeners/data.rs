//! The data listener: HTTP/1.1 and HTTP/2 without TLS, on loopback.

use super::{Connections, Hosts, Shutdown};
use crate::body::ReplyBody;
use crate::error::Cause;
use crate::stack::{self, Gateway};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;

/// A connection that has not sent a whole head by then is closed; SDKs keep idle ones for less.
const HEAD_TIMEOUT: Duration = Duration::from_secs(120);
const READ_BUFFER: usize = 64 << 10;
const STREAMS_PER_CONNECTION: u32 = 256;

/// Serves the application's connections.
pub(crate) struct Data {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) hosts: Hosts,
}

impl Data {
    async fn answer(&self, request: Request<Incoming>) -> Response<ReplyBody> {
        if let Err(host) = self.hosts.check(request.uri(), request.headers()) {
            let call =
                pillion_llm::classify(request.method(), request.uri().path(), request.uri().query(), request.headers());
            tracing::warn!(host, "refused a request for a host that is not ours");
            return stack::refuse(&self.gateway, &call, Cause::HostRefused(host));
        }
        stack::serve(&self.gateway, request).await
    }
}

impl Connections for Data {
    async fn serve(self: Arc<Self>, stream: TcpStream, shutdown: Shutdown) {
        let late = shutdown.draining.is_cancelled();
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(READ_BUFFER)
            .keep_alive(!late)
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS_PER_CONNECTION)
            .max_send_buf_size(READ_BUFFER)
            .initial_stream_window_size(1 << 20)
            .initial_connection_window_size(4 << 20);
        let service = service_fn(|request| {
            let data = self.clone();
            async move { Ok::<_, Infallible>(data.answer(request).await) }
        });
        let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
        // Errors here are a client that hung up or does not speak HTTP: nobody is left to be told.
        tokio::select! {
            ended = connection.as_mut() => trace(ended),
            () = shutdown.draining.cancelled(), if !late => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    ended = connection => trace(ended),
                    () = shutdown.closed.cancelled() => {}
                }
            }
            () = shutdown.closed.cancelled() => {}
        }
    }
}

fn trace(ended: Result<(), Box<dyn std::error::Error + Send + Sync>>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
}
