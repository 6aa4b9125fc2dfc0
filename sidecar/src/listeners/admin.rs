//! `/config` and `/credentials` on loopback: what is served now and how the clouds' credentials are, for people.
//! Read-only, and redacted: a snapshot holds no credential, and what an endpoint or a parameter might carry all the same
//! is not shown.

use super::{Connections, Hosts, Shutdown, serve_pages, text};
use crate::identity::{self, Engine};
use crate::snapshots::{Live, redact};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::net::TcpStream;

/// Serves the admin pages.
pub(crate) struct Admin {
    pub(crate) live: Arc<Live>,
    pub(crate) engine: Arc<Engine>,
    pub(crate) hosts: Hosts,
}

impl Connections for Admin {
    async fn serve(self: Arc<Self>, stream: TcpStream, shutdown: Shutdown) {
        serve_pages(stream, shutdown, |request| self.page(request)).await;
    }
}

impl Admin {
    fn page(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        if self.hosts.check(request.uri(), request.headers()).is_err() {
            return text(StatusCode::FORBIDDEN, "text/plain", "this host is not one that the sidecar answers to\n");
        }
        match request.uri().path() {
            "/config" => text(StatusCode::OK, "application/json", format!("{:#}\n", self.config())),
            "/credentials" => {
                let states: Vec<Value> = self.engine.states().iter().map(|state| state.json()).collect();
                text(StatusCode::OK, "application/json", format!("{:#}\n", Value::from(states)))
            }
            _ => text(StatusCode::NOT_FOUND, "text/plain", "try /config or /credentials\n"),
        }
    }

    fn config(&self) -> Value {
        let serving = self.live.watch().borrow().clone();
        let snapshot = self.live.load().map(|prepared| {
            let mut snapshot = serde_json::to_value(&*prepared.snapshot).unwrap_or_default();
            for provider in snapshot["providers"].as_object_mut().into_iter().flat_map(|map| map.values_mut()) {
                provider["endpoint"] = redact(provider["endpoint"].as_str().unwrap_or_default()).into();
                identity::redact(&mut provider["auth"]);
            }
            snapshot
        });
        json!({
            "sidecar": env!("CARGO_PKG_VERSION"),
            "version": serving.as_ref().map(|serving| &serving.version),
            "source": serving.as_ref().map(|serving| serving.origin.as_str()),
            "ageSeconds": serving.as_ref().map(|serving| serving.since.elapsed().as_secs()),
            "snapshot": snapshot,
        })
    }
}
