//! `/healthz`, `/readyz` and `/metrics`, over plain HTTP.

use crate::certs::ServingIdentity;
use crate::index::Index;
use crate::metrics::Metrics;
use crate::serve::{Body, text};
use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use std::sync::Arc;
use std::time::UNIX_EPOCH;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What health is told by.
#[derive(Clone)]
pub(crate) struct Health {
    pub(crate) index: Index,
    pub(crate) identity: watch::Receiver<Option<Arc<ServingIdentity>>>,
    pub(crate) shutdown: CancellationToken,
}

impl Health {
    /// Answers one request.
    pub(crate) async fn answer(self, request: Request<Incoming>) -> Response<Body> {
        match request.uri().path() {
            // An API server that is away is no fault of this process: a restart would only lose its caches.
            "/healthz" => text(StatusCode::OK, "ok\n"),
            "/readyz" => match self.missing() {
                missing if missing.is_empty() => text(StatusCode::OK, "ok\n"),
                missing => text(StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {}\n", missing.join(", "))),
            },
            _ => text(StatusCode::NOT_FOUND, "paths are /healthz and /readyz\n"),
        }
    }

    fn missing(&self) -> Vec<String> {
        let mut missing = Vec::new();
        if self.shutdown.is_cancelled() {
            missing.push("shutting down".to_owned());
        }
        if self.identity.borrow().is_none() {
            missing.push("no certificate yet".to_owned());
        }
        missing.extend(self.index.unheard().iter().map(|kind| format!("cache of {kind} is not synced")));
        missing
    }
}

/// Answers `/metrics`.
pub(crate) fn metrics(
    metrics: &Metrics,
    identity: &watch::Receiver<Option<Arc<ServingIdentity>>>,
    request: &Request<Incoming>,
) -> Response<Body> {
    if request.uri().path() != "/metrics" {
        return text(StatusCode::NOT_FOUND, "the path is /metrics\n");
    }
    if let Some(identity) = identity.borrow().as_ref() {
        let expiry = identity.not_after().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        metrics.certificate_expiry.set(i64::try_from(expiry).unwrap_or(i64::MAX));
    }
    let mut reply = text(StatusCode::OK, metrics.text());
    let content_type = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    reply.headers_mut().insert(header::CONTENT_TYPE, content_type);
    reply
}
