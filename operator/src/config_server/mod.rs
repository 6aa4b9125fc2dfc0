//! Serves snapshots to sidecars and takes their reports; who a caller is, the API server says, never the caller.
//!
//! ```text
//! GET  /v1/snapshot ─▶ tokens (TokenReview) ─▶ pod of the index ─▶ hub: a stream of its class ◀─ giving: its keys
//! POST /v1/reports  ─▶ tokens ───────────────────────────────────▶ hub: acks ─▶ status
//! GET  /v1/acks     ─▶ tokens (operator only) ───────────────────▶ hub: acks of this replica, for the leader
//! ```

mod acks;
mod admission;
mod class;
mod giving;
mod holders;
mod hub;
mod line;
pub(crate) mod peers;
mod stream;
mod tokens;

pub(crate) use acks::{Acks, PodAck, Serving, newer};
pub(crate) use class::Classes;
pub(crate) use holders::{Holders, LivePods};
pub(crate) use hub::Hub;
pub(crate) use line::Published;
pub(crate) use tokens::Tokens;

use crate::index::Index;
use crate::metrics::Metrics;
use crate::secrets::Secrets;
use crate::serve::{Body, BodyError, json, read_body};
use admission::{Refusal, pod_of};
use giving::Giving;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use kube::Client;
use pillion_snapshot::{Outcome, Report};
use serde_json::json;
use std::sync::Arc;
use tokens::Caller;
use tokio_util::sync::CancellationToken;

/// Acks name a few dozen objects.
const MAX_REPORT: usize = 256 * 1024;

/// What the config server's requests are answered by.
#[derive(Clone)]
pub(crate) struct ConfigServer {
    pub(crate) hub: Hub,
    pub(crate) index: Index,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) secrets: Secrets,
    pub(crate) holders: Arc<dyn Holders>,
    pub(crate) client: Client,
    pub(crate) metrics: Metrics,
    /// `system:serviceaccount:<namespace>:<name>` of the operator's replicas.
    pub(crate) operator: String,
    pub(crate) shutdown: CancellationToken,
}

impl ConfigServer {
    /// Answers one request.
    pub(crate) async fn answer(self, request: Request<Incoming>) -> Response<Body> {
        let result = match (request.method(), request.uri().path()) {
            (&Method::GET, "/v1/snapshot") => self.snapshot(request.headers()).await,
            (&Method::POST, "/v1/reports") => self.report(request).await,
            (&Method::GET, "/v1/acks") => self.acks(request.headers()).await,
            (_, path) => Err(Refusal::not_found(path)),
        };
        result.unwrap_or_else(|refusal| {
            tracing::debug!(reason = refusal.reason, message = refusal.message, "a request was refused");
            refused(&refusal)
        })
    }

    async fn snapshot(&self, headers: &HeaderMap) -> Result<Response<Body>, Refusal> {
        self.ready()?;
        let caller = self.caller(headers).await?;
        let pod = pod_of(&caller, &self.index, &self.client).await?;
        let opened = self.hub.open(&pod);
        if opened.is_waiting() {
            self.index.touch(&pod.namespace);
        }
        tracing::info!(namespace = pod.namespace, pod = pod.name, stream = opened.name(), "a sidecar connected");
        let room = self.secrets.room(&pod.namespace);
        let giving = Giving::new(pod, room, opened.intact.clone(), self.holders.clone());
        let body = stream::start(opened, giving, caller.expires, self.metrics.clone(), self.shutdown.clone());
        let mut reply = Response::new(body);
        let content_type = HeaderValue::from_static("application/jsonl");
        reply.headers_mut().insert(header::CONTENT_TYPE, content_type);
        reply.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(reply)
    }

    async fn report(&self, request: Request<Incoming>) -> Result<Response<Body>, Refusal> {
        let caller = self.caller(request.headers()).await?;
        let body = read_body(request.into_body(), MAX_REPORT).await.map_err(|error| match error {
            BodyError::TooLarge => Refusal::malformed(format!("a report is at most {MAX_REPORT} bytes")),
            BodyError::Cut => Refusal::malformed("the report was cut off".into()),
        })?;
        let report: Report = serde_json::from_slice(&body)
            .map_err(|error| Refusal::malformed(format!("the report does not parse: {error}")))?;
        if let Some(ack) = report.ack {
            if let Outcome::Refused { reason } = &ack.outcome {
                self.metrics.refusals.inc();
                tracing::warn!(
                    namespace = caller.namespace,
                    pod = caller.pod_name,
                    version = ack.version,
                    reason,
                    "a sidecar refused its snapshot"
                );
            }
            if !self.hub.ack(&caller.pod_uid, ack) {
                return Err(Refusal::unknown_stream());
            }
        }
        let unknown = |credentials| !self.hub.credentials(&caller.pod_uid, credentials);
        if report.credentials.is_some_and(unknown) {
            return Err(Refusal::unknown_stream());
        }
        for refused in report.refused_keys.iter().filter(|refused| self.hub.may_use(&caller.pod_uid, &refused.id)) {
            self.secrets.hurry(&refused.id, &refused.generation);
        }
        Ok(json(StatusCode::OK, &json!({})))
    }

    async fn acks(&self, headers: &HeaderMap) -> Result<Response<Body>, Refusal> {
        let caller = self.caller(headers).await?;
        if caller.username != self.operator {
            return Err(Refusal::forbidden("acks are for the operator's own replicas"));
        }
        let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
        let revision = self.hub.revision();
        if known == Some(revision.as_str()) {
            let mut reply = json(StatusCode::NOT_MODIFIED, &json!({}));
            *reply.body_mut() = http_body_util::BodyExt::boxed_unsync(http_body_util::Empty::new());
            return Ok(reply);
        }
        let acks = serde_json::to_value(acks::WireAcks::new(&self.hub.acks())).unwrap_or_default();
        let mut reply = json(StatusCode::OK, &acks);
        if let Ok(revision) = HeaderValue::from_str(&revision) {
            reply.headers_mut().insert(header::ETAG, revision);
        }
        Ok(reply)
    }

    fn ready(&self) -> Result<(), Refusal> {
        let unheard = self.index.unheard();
        if unheard.is_empty() { Ok(()) } else { Err(Refusal::starting(&unheard)) }
    }

    async fn caller(&self, headers: &HeaderMap) -> Result<Caller, Refusal> {
        let token = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "))
            .map(str::trim)
            .filter(|token| !token.is_empty())
            .ok_or_else(|| {
                Refusal::unauthenticated("send 'Authorization: Bearer <the pod's token of audience pillion>'")
            })?;
        self.tokens.review(token).await
    }
}

fn refused(refusal: &Refusal) -> Response<Body> {
    let error = json!({"error": {"reason": refusal.reason, "message": refusal.message}});
    let mut reply = json(refusal.status, &error);
    if refusal.status == StatusCode::SERVICE_UNAVAILABLE {
        reply.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    reply
}
