//! The request path, one file a step: admit → decode → route → candidates → attempt → respond → record.
//!
//! ```text
//! request ─ admit ─ classify ─┬─ Models ── answered from the snapshot
//!                             ├─ Native ── route ── relay
//!                             └─ Chat ──── decode ── route ── [attempt: prepare → authorise → send] ── respond
//!                                                              ▲ next backend ───────────┘
//! ```
//! Nothing here is spawned: a call is one future and then one body, and whoever drops it cancels all of it.

pub(crate) mod admit;
mod attempt;
mod authorised;
mod calls;
mod candidates;
mod decode;
mod echo;
pub(crate) mod kept;
mod models;
mod native;
mod patience;
mod record;
mod respond;
mod route;
mod turns;

pub(crate) use calls::Calls;

use crate::body::ReplyBody;
use crate::error::{Cause, Failure};
use crate::identity::Identity;
use crate::metrics::Metrics;
use crate::snapshots::{Live, Prepared};
use crate::upstream::Upstream;
use admit::Budget;
use attempt::Routed;
use http::{Request, Response, header, request};
use hyper::body::Incoming;
use kept::Kept;
use pillion_llm::{Call, Format, Operation, classify, outline};
use record::Record;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// All that calls share.
pub(crate) struct Gateway {
    pub(crate) live: Arc<Live>,
    pub(crate) upstream: Upstream,
    pub(crate) identity: Identity,
    pub(crate) budget: Arc<Budget>,
    /// Conversations that clients go on with by id.
    pub(crate) kept: Arc<Kept>,
    pub(crate) metrics: Metrics,
    pub(crate) calls: Calls,
    /// A stream is held until its first delta for this long at most, while another backend is untried.
    pub(crate) hold: Duration,
}

/// Answers one call, whatever becomes of it.
pub(crate) async fn serve(gateway: &Arc<Gateway>, request: Request<Incoming>) -> Response<ReplyBody> {
    let call = {
        let uri = request.uri();
        classify(request.method(), uri.path(), uri.query(), request.headers())
    };
    let Ok(permit) = gateway.budget.admit() else {
        return refuse(gateway, &call, Cause::Overloaded);
    };
    let record = Record::new(gateway, &call, permit);
    match answer(gateway, &call, request, record).await {
        Ok(response) => response,
        Err((failure, mut record)) => {
            record.failed(&failure.cause);
            let mut response = failure.into_response(call.dialect);
            record.answered(response.status().as_u16());
            record.headers(response.headers_mut());
            response
        }
    }
}

/// Answers a call that is not even looked at.
pub(crate) fn refuse(gateway: &Gateway, call: &Call, cause: Cause) -> Response<ReplyBody> {
    gateway.metrics.refused(call, &cause);
    Failure::from(cause).into_response(call.dialect)
}

async fn answer(
    gateway: &Gateway,
    call: &Call,
    request: Request<Incoming>,
    mut record: Record,
) -> Result<Response<ReplyBody>, (Failure, Record)> {
    let Some(prepared) = gateway.live.load() else { return Err((Cause::NoSnapshot.into(), record)) };
    let (parts, body) = request.into_parts();
    match (call.operation, call.format) {
        (Operation::Models, _) => match models::answer(&prepared, call, &parts.headers) {
            Ok(answer) => Ok(answer.into_response(record)),
            Err(cause) => Err((cause.into(), record)),
        },
        (Operation::Chat, Some(format)) => chat(gateway, &prepared, call, format, &parts, body, record).await,
        _ => match route::first(&prepared, call, None, &parts.headers) {
            Ok(rule) => {
                record.routed(&rule.name);
                native::answer(gateway, rule, call, &parts, body, record).await
            }
            Err(cause) => Err((cause.into(), record)),
        },
    }
}

async fn chat(
    gateway: &Gateway,
    prepared: &Prepared,
    call: &Call,
    format: Format,
    parts: &request::Parts,
    mut body: Incoming,
    mut record: Record,
) -> Result<Response<ReplyBody>, (Failure, Record)> {
    let limit = gateway.budget.largest_body();
    let bytes = match decode::body(&parts.headers, &mut body, &mut record.permit, limit).await {
        Ok(bytes) => bytes,
        Err(cause) => {
            record.permit.keep_call_only();
            if !parts.headers.contains_key(header::EXPECT) {
                decode::discard(body).await;
            }
            return Err((cause.into(), record));
        }
    };
    let outline = match outline(format, &bytes) {
        Ok(outline) => outline.told_by(call),
        Err(error) => return Err((Cause::BadRequest(Box::new(error.into())).into(), record)),
    };
    record.asked(outline.model.as_deref(), outline.stream);
    let rule = match route::first(prepared, call, outline.model.as_deref(), &parts.headers) {
        Ok(rule) => rule,
        Err(cause) => return Err((cause.into(), record)),
    };
    record.routed(&rule.name);
    let deadline = Instant::now() + rule.timeouts.request;
    let routed = Routed { gateway, rule, call, format, headers: &parts.headers, body: bytes, outline, deadline };
    attempt::drive(&routed, record).await
}
