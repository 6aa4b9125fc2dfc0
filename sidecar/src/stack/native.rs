//! A path of the vendor's that is not modelled: relayed as it is, its credential replaced. Small bodies are held, so
//! that a failed connection can be tried again; large ones are sent as they come, once.

use super::attempt::Failed;
use super::authorised::{self, Body, Until};
use super::record::Record;
use super::respond::{Answer, AnswerBody, Relay};
use super::turns::Turns;
use super::{Gateway, decode, route};
use crate::body::ReplyBody;
use crate::error::{Cause, ERROR_HEADER, Failure};
use crate::snapshots::{Backend, Provider, Rule};
use crate::upstream;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri, header, request};
use http_body::Body as _;
use hyper::body::Incoming;
use pillion_llm::Call;
use std::sync::Arc;
use tokio::time::Instant;

/// Bodies up to here are held for another attempt; larger ones only where they must be signed.
const LARGEST_HELD: u64 = 1 << 20;

/// What describes the body itself, and goes with it whoever the provider is.
const BODY_HEADERS: [header::HeaderName; 3] = [header::CONTENT_TYPE, header::CONTENT_ENCODING, header::ACCEPT];

/// A native call that has found its rule.
struct Routed<'a> {
    gateway: &'a Gateway,
    rule: &'a Rule,
    call: &'a Call,
    parts: &'a request::Parts,
    deadline: Instant,
}

/// What is sent: bytes at hand for every attempt, or the client's body as it comes for the only one.
enum Outgoing {
    Held(Bytes),
    Coming(Option<Incoming>),
}

/// Relays the call to a backend that serves the client's own dialect.
pub(crate) async fn answer(
    gateway: &Gateway,
    rule: &Rule,
    call: &Call,
    parts: &request::Parts,
    body: Incoming,
    mut record: Record,
) -> Result<Response<ReplyBody>, (Failure, Record)> {
    let deadline = Instant::now() + rule.timeouts.request;
    let routed = Routed { gateway, rule, call, parts, deadline };
    let mut turns = Turns::new(rule, deadline, |backend| serves(backend, call));
    let signs = turns_sign(rule);
    let most = if signs { gateway.budget.largest_body() } else { LARGEST_HELD };
    let mut outgoing = match hold(body, most, signs, &mut record).await {
        Ok(outgoing) => outgoing,
        Err(cause) => return Err((cause.into(), record)),
    };
    if matches!(outgoing, Outgoing::Coming(_)) {
        turns = turns.once();
    }
    while let Some(turn) = turns.next(&record).await {
        record.attempt(turn.backend, None);
        let answered = attempt(&routed, turn.backend, &mut outgoing).await;
        record.attempted(answered.as_ref().map(drop).map_err(|failed| &failed.cause));
        match answered {
            Ok(answer) => return Ok(answer.into_response(record)),
            Err(failed) => {
                if let Err(failure) = turns.failed(turn.backend, failed, &record) {
                    return Err((failure, record));
                }
            }
        }
    }
    Err((route::nobody(call, None).into(), record))
}

/// A dangling reference counts as able, so that it is reported and not passed over.
fn serves(backend: &Backend, call: &Call) -> bool {
    backend
        .provider
        .as_ref()
        .map_or(true, |provider| !provider.descriptor.local && provider.descriptor.dialects.contains(&call.dialect))
}

/// Whether a backend's requests are signed, for which the whole body is needed.
fn turns_sign(rule: &Rule) -> bool {
    let signs = |backend: &Arc<Backend>| backend.provider.as_ref().is_ok_and(|provider| provider.auth.signs());
    rule.groups.iter().flatten().any(signs)
}

/// Holds a body of up to `most` bytes; of unknown length only where `always`.
async fn hold(mut body: Incoming, most: u64, always: bool, record: &mut Record) -> Result<Outgoing, Cause> {
    let fits = body.size_hint().exact().map_or(always, |length| always || length <= most);
    if !fits {
        return Ok(Outgoing::Coming(Some(body)));
    }
    // Its content encoding, if any, is relayed with it.
    Ok(Outgoing::Held(decode::body(&HeaderMap::new(), &mut body, &mut record.permit, most).await?))
}

async fn attempt(routed: &Routed<'_>, backend: &Backend, outgoing: &mut Outgoing) -> Result<Answer, Failed> {
    let Routed { gateway, rule, call, parts, deadline } = routed;
    let provider = backend.provider.as_ref().map_err(|key| Cause::BackendNotFound(key.0.clone()))?;
    let body = match outgoing {
        Outgoing::Held(bytes) => Body::Held(bytes.clone()),
        Outgoing::Coming(body) => match body.take() {
            Some(body) => Body::Coming(body),
            None => return Err(route::nobody(call, None).into()),
        },
    };
    let (mut head, ()) = Request::new(()).into_parts();
    head.method = parts.method.clone();
    head.uri = target(provider, call, &parts.uri)?;
    head.headers = provider.descriptor.request_headers(call.dialect, &parts.headers);
    for name in BODY_HEADERS {
        if let Some(value) = parts.headers.get(&name) {
            head.headers.insert(name, value.clone());
        }
    }
    let until = Until { connect: rule.timeouts.connect, answer_by: *deadline };
    let response = authorised::send(gateway, provider, &parts.headers, head, body, until).await?;
    read(routed, provider, response)
}

/// Where the call goes. Dots that climb out of the endpoint's path are refused, also when they are written `%2e`.
fn target(provider: &Provider, call: &Call, uri: &Uri) -> Result<Uri, Cause> {
    let climbs = |segment: &str| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    if call.path.split(['/', '\\']).any(climbs) {
        return Err(route::nobody(call, None));
    }
    let url = provider.descriptor.native_url(&provider.endpoint, &call.path, uri.query(), &provider.options);
    url.parse().map_err(|_| route::nobody(call, None))
}

fn read(routed: &Routed<'_>, provider: &Arc<Provider>, response: Response<Incoming>) -> Result<Answer, Failed> {
    let (parts, body) = response.into_parts();
    let name = || provider.name.clone();
    if parts.status.is_redirection() {
        return Err(Cause::UpstreamRedirect { provider: name(), status: parts.status.as_u16() }.into());
    }
    let upstream = upstream::decoded(&parts.headers, body)
        .map_err(|error| Cause::UpstreamGarbage { provider: name(), why: error.to_string() })?;
    let mut headers = provider.descriptor.reply_headers(routed.call.dialect, &parts.headers);
    let content_type = parts.headers.get(header::CONTENT_TYPE);
    headers.extend(content_type.map(|value| (header::CONTENT_TYPE, value.clone())));
    if !parts.status.is_success() {
        headers.insert(ERROR_HEADER, HeaderValue::from_static("upstream_error"));
    }
    let streams = content_type.is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"));
    let idle = streams.then_some(routed.rule.timeouts.stream_idle);
    let relay = Relay::new(provider.clone(), Vec::new(), upstream, idle, routed.deadline);
    let body = match routed.parts.method {
        Method::HEAD => AnswerBody::Ready { chunks: Vec::new(), usage: None, finish: None },
        _ => AnswerBody::Relay(Box::new(relay)),
    };
    Ok(Answer { status: parts.status, headers, body })
}
