//! The HTTP side of the recorded provider: HTTP/1.1 and HTTP/2, with or without TLS.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::{Result, anyhow};
use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt as _};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use super::behaviour::Behaviour;
use super::call::{Call, Framing, Vendor};
use super::corpus::{Case, Corpus};
use super::received::Received;
use super::schema::Schemas;
use super::wish::Wish;
use super::{choose, conversation, fault, frames, member};

type Chunks = Pin<Box<dyn Stream<Item = Result<Frame<Bytes>, anyhow::Error>> + Send>>;
type Reply = Response<StreamBody<Chunks>>;

/// What all connections share.
pub(super) struct State {
    corpus: Corpus,
    schemas: Option<Schemas>,
    keys: Vec<String>,
    forbidden: Vec<String>,
    behaviours: Mutex<Vec<Behaviour>>,
    received: Mutex<Vec<Received>>,
}

impl State {
    pub(super) fn new(corpus: Corpus, schemas: Option<Schemas>, keys: Vec<String>, forbidden: Vec<String>) -> Self {
        Self { corpus, schemas, keys, forbidden, behaviours: Mutex::default(), received: Mutex::default() }
    }

    pub(super) fn behave(&self, behaviour: Behaviour) {
        lock(&self.behaviours).push(behaviour);
    }

    pub(super) fn reset(&self) {
        lock(&self.behaviours).clear();
        lock(&self.received).clear();
    }

    pub(super) fn received(&self) -> Vec<Received> {
        lock(&self.received).clone()
    }

    /// Keeps a request, and gives its number.
    fn keep(&self, request: Received) -> usize {
        let mut received = lock(&self.received);
        received.push(request);
        received.len() - 1
    }

    fn update(&self, number: usize, change: impl FnOnce(&mut Received)) {
        // It may have been forgotten by a reset.
        if let Some(request) = lock(&self.received).get_mut(number) {
            change(request);
        }
    }

    /// The behaviour for a request of this model, with one of its times used up.
    fn behaviour(&self, model: &str) -> Behaviour {
        let mut behaviours = lock(&self.behaviours);
        let fits = |behaviour: &Behaviour| behaviour.model.as_deref().is_none_or(|only| only == model);
        let Some(at) = behaviours.iter().position(fits) else { return Behaviour::default() };
        let behaviour = behaviours[at].clone();
        if let Some(times) = &mut behaviours[at].times {
            *times = times.saturating_sub(1);
            if *times == 0 {
                behaviours.remove(at);
            }
        }
        behaviour
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Serves connections until told to stop.
pub(super) async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    state: Arc<State>,
    mut stopped: oneshot::Receiver<()>,
) {
    // Dropped with this future, and with it every connection: nothing outlives the server.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = &mut stopped => return,
        };
        let Ok((stream, _)) = accepted else { continue };
        let _ = stream.set_nodelay(true);
        let (state, tls) = (Arc::clone(&state), tls.clone());
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let state = Arc::clone(&state);
                async move { answer(&state, request).await }
            });
            let server = auto::Builder::new(TokioExecutor::new());
            // How a connection ends is the client's affair; what matters of it is kept with the request.
            match tls {
                None => drop(server.serve_connection(TokioIo::new(stream), service).await),
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        drop(server.serve_connection(TokioIo::new(stream), service).await);
                    }
                }
            }
        });
    }
}

/// An error here makes hyper drop the connection without an answer.
async fn answer(state: &Arc<State>, request: Request<Incoming>) -> Result<Reply> {
    let (head, body) = request.into_parts();
    let bytes = body.collect().await?.to_bytes();
    let path = head.uri.path().to_owned();
    if path.starts_with("/_") {
        return Ok(control(state, head.method.as_str(), &path, &bytes));
    }
    let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let call = Call::of(&head.method, &path, head.uri.query());
    let call = call.as_ref();
    let model = call.and_then(|call| call.model.as_deref()).or_else(|| member(&body, "model").as_str());
    let behaviour = head
        .headers
        .get("x-recorded-behave")
        .and_then(|value| serde_json::from_slice(value.as_bytes()).ok())
        .unwrap_or_else(|| state.behaviour(model.unwrap_or_default()));
    let problems = problems(state, call, model, &head.headers, &body);
    let wish = Wish::of(head.headers.get("x-recorded-case").and_then(|value| value.to_str().ok()), call, &body);
    let case = choose::choose(&state.corpus, &path, call, &wish);
    let number = state.keep(Received {
        version: format!("{:?}", head.version),
        method: head.method.to_string(),
        path: head.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        headers: kept_headers(&head.headers),
        body: String::from_utf8_lossy(&bytes).into_owned(),
        case: case.map(Case::id),
        problems: problems.clone(),
        ..Received::default()
    });
    let end = End { state: Arc::clone(state), number, finished: false };

    if behaviour.hang {
        // Waits with the guard, so that a client that gives up is seen.
        let _end = end;
        return std::future::pending().await;
    }
    tokio::time::sleep(behaviour.delay()).await;
    let vendor = call.map_or(Vendor::OpenAI, |call| call.vendor);
    if let Some(status) = authentication_fault(state, vendor, &head) {
        return Ok(refusal(vendor, status, "invalid key", end));
    }
    if let Some(status) = behaviour.refuse {
        return Ok(refusal(vendor, StatusCode::from_u16(status)?, REFUSED, end));
    }
    if behaviour.status.is_none() && !behaviour.garbage && !problems.is_empty() {
        return Ok(refusal(vendor, StatusCode::BAD_REQUEST, &problems.join("; "), end));
    }
    let Some(case) = case else {
        let message = format!("no recorded case answers {path} with {wish:?}");
        return Ok(refusal(vendor, StatusCode::NOT_FOUND, &message, end));
    };
    replay(case, call, &behaviour, end)
}

/// What a refusal says that was asked for.
const REFUSED: &str = "the recorded provider was told to refuse";

fn replay(case: &Case, call: Option<&Call>, behaviour: &Behaviour, end: End) -> Result<Reply> {
    let status = StatusCode::from_u16(behaviour.status.unwrap_or(case.status))?;
    let body = behaviour.replace(case.body()?);
    let (pieces, silent) = if case.streaming { frames::pieces(&body, call, behaviour) } else { (vec![body], false) };
    let mut reply = Response::new(StreamBody::new(chunks(pieces, silent, behaviour, end)));
    *reply.status_mut() = status;
    *reply.headers_mut() = case.headers.clone();
    if let Some(content_type) = call.filter(|_| case.streaming).and_then(|call| content_type(call.framing)) {
        reply.headers_mut().insert(http::header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    for (name, value) in &behaviour.headers {
        reply.headers_mut().insert(HeaderName::try_from(name)?, HeaderValue::try_from(value)?);
    }
    Ok(reply)
}

fn content_type(framing: Framing) -> Option<&'static str> {
    match framing {
        Framing::Recorded => None,
        Framing::JsonArray => Some("application/json; charset=UTF-8"),
        Framing::Chunks => Some("application/vnd.amazon.eventstream"),
    }
}

/// The body, one event of a stream at a time, with the asked faults.
fn chunks(pieces: Vec<Bytes>, silent: bool, behaviour: &Behaviour, end: End) -> Chunks {
    let pace = behaviour.pace();
    let sent = shortened(pieces, behaviour.cut_after.or(behaviour.stall_after));
    let events = stream::iter(sent).then(move |event| async move {
        if pace > Duration::ZERO {
            tokio::time::sleep(pace).await;
        }
        Ok(Frame::data(event))
    });
    if behaviour.cut_after.is_some() {
        return Box::pin(Guarded { inner: Box::pin(events.chain(stream::once(async { Err(anyhow!("cut")) }))), end });
    }
    if silent || behaviour.stall_after.is_some() {
        return Box::pin(Guarded { inner: Box::pin(events.chain(stream::pending())), end });
    }
    Box::pin(Guarded { inner: Box::pin(events), end })
}

/// The first so many bytes.
fn shortened(pieces: Vec<Bytes>, length: Option<usize>) -> Vec<Bytes> {
    let Some(mut left) = length else { return pieces };
    let kept = pieces.into_iter().map(|piece| {
        let piece = piece.slice(..left.min(piece.len()));
        left -= piece.len();
        piece
    });
    kept.take_while(|piece| !piece.is_empty()).collect()
}

/// Notes with the request whether its reply was sent to the end.
struct End {
    state: Arc<State>,
    number: usize,
    finished: bool,
}

impl Drop for End {
    fn drop(&mut self) {
        let finished = self.finished;
        self.state.update(self.number, |request| {
            request.finished = finished;
            request.aborted = !finished;
        });
    }
}

struct Guarded {
    inner: Chunks,
    end: End,
}

impl Stream for Guarded {
    type Item = Result<Frame<Bytes>, anyhow::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.inner.as_mut().poll_next(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.end.finished = true;
        }
        polled
    }
}

fn kept_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect()
}

fn problems(state: &State, call: Option<&Call>, model: Option<&str>, headers: &HeaderMap, body: &Value) -> Vec<String> {
    let leaks = kept_headers(headers).into_iter().filter_map(|(name, value)| {
        let leaked = state.forbidden.iter().any(|text| value.contains(text.as_str()));
        leaked.then(|| format!("header {name} carries what must not leave the pod"))
    });
    let violations = match (call, &state.schemas) {
        (Some(call), Some(schemas)) => schemas.violations(call, body),
        _ => Vec::new(),
    };
    let told = call.map(|call| conversation::faults(call.format, model.unwrap_or_default(), body)).unwrap_or_default();
    leaks.chain(violations).chain(told).collect()
}

/// The status with which the vendor refuses the request's key.
fn authentication_fault(state: &State, vendor: Vendor, head: &http::request::Parts) -> Option<StatusCode> {
    let given = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = given("authorization").and_then(|value| value.strip_prefix("Bearer "));
    let in_query = head.uri.query().and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("key=")));
    let key = match vendor {
        Vendor::OpenAI | Vendor::Cohere => bearer,
        // Of a signature only who signed is looked at.
        Vendor::Bedrock => bearer.or_else(|| {
            let signature = given("authorization")?.strip_prefix("AWS4-HMAC-SHA256 Credential=")?;
            signature.split('/').next()
        }),
        Vendor::Anthropic => given("x-api-key").or(bearer),
        Vendor::AzureOpenAI => given("api-key").or(bearer),
        Vendor::Gemini => given("x-goog-api-key").or(in_query),
        Vendor::VertexAI => bearer.or_else(|| given("x-goog-api-key")).or(in_query),
    };
    let right = state.keys.is_empty() || key.is_some_and(|key| state.keys.iter().any(|known| known == key));
    (!right).then_some(StatusCode::UNAUTHORIZED)
}

/// An error in the vendor's words.
fn refusal(vendor: Vendor, status: StatusCode, message: &str, mut end: End) -> Reply {
    end.finished = true;
    let (body, header) = fault::body(vendor, status, message);
    let mut reply = whole(status, &body);
    if let Some((name, value)) = header {
        reply.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    reply
}

fn control(state: &State, method: &str, path: &str, body: &[u8]) -> Reply {
    match (method, path) {
        ("GET", "/_healthz") => whole(StatusCode::OK, &json!("ok")),
        ("GET", "/_received") => whole(StatusCode::OK, &json!(state.received())),
        ("DELETE", "/_received" | "/_behave") => {
            state.reset();
            whole(StatusCode::OK, &json!("forgotten"))
        }
        ("POST", "/_behave") => match serde_json::from_slice(body) {
            Ok(behaviour) => {
                state.behave(behaviour);
                whole(StatusCode::OK, &json!("so be it"))
            }
            Err(error) => whole(StatusCode::BAD_REQUEST, &json!(error.to_string())),
        },
        _ => whole(StatusCode::NOT_FOUND, &json!("no such control")),
    }
}

fn whole(status: StatusCode, body: &Value) -> Reply {
    let bytes = Bytes::from(body.to_string());
    let chunks: Chunks =
        Box::pin(stream::once(async move { Ok::<_, Infallible>(Frame::data(bytes)) }).map(|frame| Ok(frame?)));
    let mut reply = Response::new(StreamBody::new(chunks));
    *reply.status_mut() = status;
    reply.headers_mut().insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    reply
}
