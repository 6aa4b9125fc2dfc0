//! `/healthz/{started,ready,live}` and `/metrics`, for kubelet and Prometheus: the only listener off loopback.

use super::{Connections, Shutdown, serve_pages, text};
use crate::stack::Gateway;
use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;
use std::sync::Arc;
use tokio::net::TcpStream;

const METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Serves probes and scrapes.
pub(crate) struct Health {
    pub(crate) gateway: Arc<Gateway>,
}

impl Connections for Health {
    async fn serve(self: Arc<Self>, stream: TcpStream, shutdown: Shutdown) {
        let draining = shutdown.draining.clone();
        serve_pages(stream, shutdown, |request| self.page(request.uri().path(), draining.is_cancelled())).await;
    }
}

impl Health {
    fn page(&self, path: &str, draining: bool) -> Response<Full<Bytes>> {
        let serving = self.gateway.live.load().is_some();
        match path {
            "/healthz/live" => verdict(true, "alive"),
            "/healthz/started" => verdict(serving, if serving { "started" } else { "no snapshot yet" }),
            "/healthz/ready" if draining => verdict(false, "draining"),
            "/healthz/ready" => verdict(serving, if serving { "ready" } else { "no snapshot yet" }),
            "/metrics" => text(StatusCode::OK, METRICS, self.gateway.metrics.text()),
            _ => text(StatusCode::NOT_FOUND, "text/plain", "not found\n"),
        }
    }
}

fn verdict(good: bool, word: &'static str) -> Response<Full<Bytes>> {
    let status = if good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    text(status, "text/plain", format!("{word}\n"))
}
