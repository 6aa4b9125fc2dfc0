//! Step six: what a provider answered, on its way back: its events as they come, its whole reply translated, or its
//! error in the client's dialect.

mod events;
mod relay;

pub(crate) use relay::Relay;

use super::admit::Permit;
use super::attempt::Failed;
use super::kept::Keep;
use super::record::Record;
use crate::body::ReplyBody;
use crate::error::{Again, Cause, RawBody};
use crate::snapshots::{Provider, Timeouts};
use crate::upstream::{self, UpstreamBody};
use bytes::{Bytes, BytesMut};
use events::Events;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use hyper::body::Incoming;
use pillion_llm::model::Report;
use pillion_llm::{Dialect, Exchange, Framing, UpstreamFault, Usage};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

const APPROXIMATED: HeaderName = HeaderName::from_static("x-pillion-approximated");
const DROPPED: HeaderName = HeaderName::from_static("x-pillion-dropped");

/// A whole reply that must be translated may be this large.
const LARGEST_TRANSLATED: u64 = 32 << 20;

/// A reply of the client's own format is held whole up to here, so that what is no reply becomes an error and not a
/// broken connection; beyond, it is relayed as it comes.
const LARGEST_HELD: u64 = 1 << 20;

/// Of an error's body.
const LARGEST_ERROR: u64 = 64 << 10;

/// An error is worth waiting this long for its body.
const ERROR_PATIENCE: Duration = Duration::from_secs(10);

/// What the client is answered, before it is known whose record goes with it.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: AnswerBody,
}

pub(crate) enum AnswerBody {
    Ready { chunks: Vec<Bytes>, usage: Option<Usage>, finish: Option<String> },
    Events(Box<Events>),
    Relay(Box<Relay>),
}

impl Answer {
    /// An answer that is all there.
    pub(crate) fn ready(content_type: &'static str, chunks: Vec<Bytes>, usage: Option<Usage>) -> Self {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        Self { status: StatusCode::OK, headers, body: AnswerBody::Ready { chunks, usage, finish: None } }
    }

    /// The reply; `record` goes with its body to the last byte.
    pub(crate) fn into_response(self, mut record: Record) -> Response<ReplyBody> {
        let mut headers = self.headers;
        record.headers(&mut headers);
        record.answered(self.status.as_u16());
        let body = match self.body {
            AnswerBody::Ready { chunks, usage, finish } => {
                record.first_byte();
                record.used(usage, finish);
                record.succeeded();
                ReplyBody::chunks(chunks).keeping(record)
            }
            AnswerBody::Events(events) => {
                if !events.keeps() {
                    record.permit.keep_call_only();
                }
                ReplyBody::live(events.recorded(record))
            }
            AnswerBody::Relay(relay) => ReplyBody::live(relay.recorded(record)),
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = headers;
        response
    }
}

/// A reply that is awaited, and all that reading it needs.
pub(crate) struct Awaited {
    pub(crate) provider: Arc<Provider>,
    pub(crate) exchange: Exchange,
    pub(crate) dialect: Dialect,
    /// The client asked for a stream.
    pub(crate) streamed: bool,
    /// The client may go on with the answer by its id.
    pub(crate) keep: Option<Keep>,
    pub(crate) approximated: Vec<String>,
    pub(crate) dropped: Vec<String>,
    pub(crate) timeouts: Timeouts,
    pub(crate) first_byte_by: Instant,
    pub(crate) deadline: Instant,
}

impl Awaited {
    /// Reads as much of the reply as must be known before the client is answered. `hold`: another backend is untried, so
    /// a stream is held until its first delta, for this long at most.
    pub(crate) async fn read(
        self,
        response: Response<Incoming>,
        permit: &mut Permit,
        hold: Option<Duration>,
    ) -> Result<Answer, Failed> {
        let (parts, body) = response.into_parts();
        let upstream = upstream::decoded(&parts.headers, body).map_err(|error| self.garbage(error.to_string()))?;
        if parts.status.is_redirection() {
            let (provider, status) = (self.provider.name.clone(), parts.status.as_u16());
            return Err(Cause::UpstreamRedirect { provider, status }.into());
        }
        if !parts.status.is_success() {
            return Err(self.read_error(&parts, upstream).await);
        }
        if self.streamed && may_be_events(&parts.headers, self.exchange.upstream_framing()) {
            return self.read_events(&parts, upstream, hold).await;
        }
        Ok(self.read_whole(&parts, upstream, permit).await?)
    }

    async fn read_events(
        self,
        parts: &http::response::Parts,
        upstream: UpstreamBody,
        hold: Option<Duration>,
    ) -> Result<Answer, Failed> {
        let mut headers = self.headers_of(&parts.headers, self.exchange.client_framing().content_type());
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        let mut events = Events::new(self, upstream);
        if let Some(hold) = hold {
            // The client has seen nothing yet, so that another backend may still answer it.
            let elsewhere = |cause| Failed { again: Again::Elsewhere, ..Failed::from(cause) };
            events.hold(Instant::now() + hold).await.map_err(elsewhere)?;
        }
        Ok(Answer { status: parts.status, headers, body: AnswerBody::Events(Box::new(events)) })
    }

    async fn read_whole(
        mut self,
        parts: &http::response::Parts,
        mut upstream: UpstreamBody,
        permit: &mut Permit,
    ) -> Result<Answer, Cause> {
        // Some servers stream though nobody asked for it.
        let streams = !self.streamed && says_events(&parts.headers);
        let relays = self.exchange.relays() && !streams;
        let limit = if relays { LARGEST_HELD } else { LARGEST_TRANSLATED };
        let status = parts.status;
        let whole = match gather(&mut upstream, limit, permit, self.deadline, &self.provider.name).await? {
            Gathered::Whole(whole) => whole,
            Gathered::Beyond(_) if !relays => {
                return Err(Cause::UpstreamTooLarge { provider: self.provider.name.clone(), limit });
            }
            Gathered::Beyond(prefix) => {
                let headers = self.headers_of(&parts.headers, "application/json");
                let relay = Relay::new(self.provider.clone(), prefix, upstream, None, self.deadline);
                return Ok(Answer { status, headers, body: AnswerBody::Relay(Box::new(relay)) });
            }
        };
        if !relays {
            permit.grow_parsed(&whole)?;
        }
        if self.streamed {
            // Some servers answer a call for a stream with the whole reply; the client's SDK waits for events.
            let streamed = self.exchange.reply_as_stream(&whole);
            let streamed = streamed.map_err(|fault| fault_cause(fault, &self.provider.name))?;
            self.lost(streamed.lost);
            let headers = self.headers_of(&parts.headers, self.exchange.client_framing().content_type());
            self.keep.iter().for_each(|keep| keep.events(&streamed.frames));
            let body =
                AnswerBody::Ready { chunks: streamed.frames, usage: streamed.usage, finish: Some(streamed.finish) };
            return Ok(Answer { status, headers, body });
        }
        let reply = if streams { self.exchange.stream_as_reply(&whole) } else { self.exchange.reply(&whole) };
        let reply = reply.map_err(|fault| fault_cause(fault, &self.provider.name))?;
        self.lost(reply.lost);
        let headers = self.headers_of(&parts.headers, "application/json");
        self.keep.iter().for_each(|keep| keep.reply(&reply.body));
        let body = AnswerBody::Ready { chunks: vec![reply.body], usage: reply.usage, finish: reply.finish };
        Ok(Answer { status, headers, body })
    }

    async fn read_error(&self, parts: &http::response::Parts, mut upstream: UpstreamBody) -> Failed {
        let by = self.deadline.min(Instant::now() + ERROR_PATIENCE);
        let body = read_some(&mut upstream, LARGEST_ERROR, by).await;
        let info = self.exchange.error(parts.status.as_u16(), &parts.headers, &body);
        let mut headers = self.reply_headers(&parts.headers);
        if let Some(seconds) = self.exchange.retry_after(&body) {
            // SDKs of other vendors read it there only.
            headers.entry(header::RETRY_AFTER).or_insert_with(|| HeaderValue::from(seconds));
        }
        let content_type = parts.headers.get(header::CONTENT_TYPE).filter(|value| is_json(value));
        let raw = content_type
            .filter(|_| self.exchange.relays_errors())
            .map(|content_type| Box::new(RawBody { status: parts.status, content_type: content_type.clone(), body }));
        let cause = Cause::UpstreamError(Box::new(info));
        Failed { again: cause.again(), cause, headers: Box::new(headers), raw }
    }

    /// Adds what the reply lost to what the request did.
    fn lost(&mut self, reply: Report) {
        let named = |fields: Vec<String>| fields.into_iter().map(|field| format!("reply.{field}"));
        self.approximated.extend(named(reply.approximated));
        self.dropped.extend(named(reply.dropped));
    }

    fn headers_of(&self, upstream: &HeaderMap, content_type: &'static str) -> HeaderMap {
        let mut headers = self.reply_headers(upstream);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers
    }

    fn reply_headers(&self, upstream: &HeaderMap) -> HeaderMap {
        let mut headers = self.provider.descriptor.reply_headers(self.dialect, upstream);
        for (name, fields) in [(APPROXIMATED, &self.approximated), (DROPPED, &self.dropped)] {
            headers.extend(list(fields).map(|value| (name, value)));
        }
        headers
    }

    fn garbage(&self, why: String) -> Cause {
        Cause::UpstreamGarbage { provider: self.provider.name.clone(), why }
    }
}

/// What a broken promise of a provider is called.
fn fault_cause(fault: UpstreamFault, provider: &str) -> Cause {
    let provider = provider.to_owned();
    match fault {
        UpstreamFault::Truncated => Cause::UpstreamTruncated { provider },
        UpstreamFault::TooLarge { limit } => Cause::UpstreamTooLarge { provider, limit: limit as u64 },
        UpstreamFault::Reported(info) => Cause::UpstreamError(Box::new(info)),
        malformed @ UpstreamFault::Malformed { .. } => Cause::UpstreamGarbage { provider, why: malformed.to_string() },
    }
}

/// Field names for a header, cut where a header should end. A client chooses the names, so what is not printable goes.
fn list(fields: &[String]) -> Option<HeaderValue> {
    const LONGEST: usize = 2048;
    let printable = |c: &char| matches!(c, ' '..='~');
    let text: String = fields.join(", ").chars().filter(printable).take(LONGEST).collect();
    (!text.is_empty()).then(|| HeaderValue::from_str(&text).ok()).flatten()
}

/// Some servers name their event streams `text/plain` or nothing at all; none names them HTML, nor JSON save where the
/// stream is a JSON array.
fn may_be_events(headers: &HeaderMap, framing: Framing) -> bool {
    headers.get(header::CONTENT_TYPE).is_none_or(|value| {
        let html = value.as_bytes().len() >= 9 && value.as_bytes()[..9].eq_ignore_ascii_case(b"text/html");
        !html && (framing == Framing::JsonArray || !is_json(value))
    })
}

fn says_events(headers: &HeaderMap) -> bool {
    let essence = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()?.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("text/event-stream"))
}

fn is_json(content_type: &HeaderValue) -> bool {
    let text = content_type.to_str().unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json") || essence.to_ascii_lowercase().ends_with("+json")
}

enum Gathered {
    Whole(Bytes),
    /// More than the limit: what was read, the rest is still to come.
    Beyond(Vec<Bytes>),
}

async fn gather(
    upstream: &mut UpstreamBody,
    limit: u64,
    permit: &mut Permit,
    deadline: Instant,
    provider: &str,
) -> Result<Gathered, Cause> {
    let mut pieces = Vec::new();
    let mut length = 0;
    loop {
        let piece = tokio::time::timeout_at(deadline, upstream.piece()).await;
        let late = |_| Cause::UpstreamTimeout { provider: provider.into(), what: "finish its reply" };
        let Some(piece) = piece.map_err(late)? else { return Ok(Gathered::Whole(join(pieces, length))) };
        let piece = piece.map_err(|_| Cause::UpstreamTruncated { provider: provider.into() })?;
        permit.grow(piece.len() as u64)?;
        length += piece.len();
        pieces.push(piece);
        if length as u64 > limit {
            return Ok(Gathered::Beyond(pieces));
        }
    }
}

/// As much as comes, up to a limit and a time.
async fn read_some(upstream: &mut UpstreamBody, limit: u64, by: Instant) -> Bytes {
    let mut pieces = Vec::new();
    let mut length = 0;
    while let Ok(Some(Ok(mut piece))) = tokio::time::timeout_at(by, upstream.piece()).await {
        piece.truncate(limit as usize - length);
        length += piece.len();
        pieces.push(piece);
        if length as u64 >= limit {
            break;
        }
    }
    join(pieces, length)
}

fn join(mut pieces: Vec<Bytes>, length: usize) -> Bytes {
    if pieces.len() == 1 {
        return pieces.pop().unwrap_or_default();
    }
    let mut whole = BytesMut::with_capacity(length);
    pieces.iter().for_each(|piece| whole.extend_from_slice(piece));
    whole.freeze()
}
