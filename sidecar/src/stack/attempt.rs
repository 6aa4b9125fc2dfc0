//! Step five: attempts at a rule's backends, each from the client's own bytes: prepare → authorise → send.

use super::admit::Permit;
use super::authorised::{self, Body, Until};
use super::kept::Keep;
use super::record::Record;
use super::respond::{Answer, Awaited};
use super::turns::Turns;
use super::{Gateway, echo};
use crate::body::ReplyBody;
use crate::error::{Again, Cause, Failure, RawBody};
use crate::snapshots::{Backend, Rule};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, header};
use pillion_llm::providers::remove_foreign_headers;
use pillion_llm::{Ask, BodyError, Call, Format, Outline, Target, outline as outline_of, prepare};
use pillion_snapshot::{Metering, Translation};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// A call that has found its rule.
pub(crate) struct Routed<'a> {
    pub(crate) gateway: &'a Gateway,
    pub(crate) rule: &'a Rule,
    pub(crate) call: &'a Call,
    pub(crate) format: Format,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) outline: Outline,
    /// When the rule's time for the whole call is over.
    pub(crate) deadline: Instant,
}

/// One attempt that came to nothing.
pub(crate) struct Failed {
    pub(crate) cause: Cause,
    pub(crate) again: Again,
    /// Upstream's headers that may go back with the cause.
    pub(crate) headers: Box<HeaderMap>,
    /// Upstream's own words, where the client speaks its dialect.
    pub(crate) raw: Option<Box<RawBody>>,
}

impl From<Cause> for Failed {
    fn from(cause: Cause) -> Self {
        Self { again: cause.again(), cause, headers: Box::default(), raw: None }
    }
}

/// Attempts until one answers, the causes forbid another, or the rule's attempts are spent.
pub(crate) async fn drive(routed: &Routed<'_>, mut record: Record) -> Result<Response<ReplyBody>, (Failure, Record)> {
    let mut turns = Turns::new(routed.rule, routed.deadline, |_| true);
    while let Some(turn) = turns.next(&record).await {
        let model = turn.backend.model.as_deref().or(routed.outline.model.as_deref());
        record.attempt(turn.backend, model);
        let answered = attempt(routed, turn.backend, model, &mut record.permit, turn.may_fail_over).await;
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
    Err((Cause::NoBackend.into(), record))
}

async fn attempt(
    routed: &Routed<'_>,
    backend: &Backend,
    model: Option<&str>,
    permit: &mut Permit,
    may_fail_over: bool,
) -> Result<Answer, Failed> {
    let Routed { gateway, call, format, headers, body, outline, .. } = routed;
    let provider = backend.provider.as_ref().map_err(|key| Cause::BackendNotFound(key.0.clone()))?;
    if provider.descriptor.local {
        return Ok(echo::answer(*format, body, outline)?);
    }
    let unservable = || Cause::Unservable { provider: provider.name.clone(), operation: call.operation.as_str() };
    let wire = provider.descriptor.wire(model.unwrap_or_default(), call.operation, *format).ok_or_else(unservable)?;
    let resolved = match format {
        Format::OpenAIResponses => gateway.kept.resolved(body, wire.format).map_err(bad_request)?,
        _ => None,
    };
    // An earlier conversation is held like a body of the client's.
    permit.grow_body(resolved.as_ref().map_or(0, |body| body.len() as u64)).map_err(Cause::from)?;
    let again = resolved.as_ref().map(|body| outline_of(*format, body)).transpose().map_err(bad_request)?;
    let again = again.map(|outline| outline.told_by(call));
    let (body, outline) = (resolved.as_ref().unwrap_or(body), again.as_ref().unwrap_or(outline));
    if wire.format != *format {
        permit.grow_parsed(body).map_err(Cause::from)?;
    }
    let (defaults, overrides) = (&backend.params.defaults, &backend.params.overrides);
    let target = Target {
        provider: provider.descriptor,
        wire,
        model: backend.model.as_deref(),
        defaults,
        overrides,
        ask_usage: routed.rule.metering == Metering::Full,
    };
    let prepared = prepare(*format, body, outline, &target).map_err(bad_request)?;
    if routed.rule.translation == Translation::Strict {
        let lost: Vec<String> = prepared.approximated.iter().chain(&prepared.dropped).cloned().collect();
        if !lost.is_empty() {
            return Err(Cause::Untranslatable { provider: provider.name.clone(), lost }.into());
        }
    }
    let framing = prepared.exchange.upstream_framing();
    let asked =
        Ask { wire, model: model.unwrap_or_default(), stream: outline.stream, framing, options: &provider.options };
    let uri = provider.url(&asked).ok_or_else(unservable)?;
    let outgoing = provider.descriptor.served_body(prepared.body, &asked);
    let (mut head, ()) = Request::new(()).into_parts();
    head.method = Method::POST;
    head.uri = uri;
    head.headers = provider.descriptor.request_headers(call.dialect, headers);
    remove_foreign_headers(&mut head.headers, wire.format);
    head.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));

    let timeouts = &routed.rule.timeouts;
    let first_byte_by = match outline.stream {
        true => routed.deadline.min(Instant::now() + timeouts.first_byte),
        false => routed.deadline,
    };
    let until = Until { connect: timeouts.connect, answer_by: first_byte_by };
    let response = authorised::send(gateway, provider, headers, head, Body::Held(outgoing), until).await?;
    let awaited = Awaited {
        provider: provider.clone(),
        exchange: prepared.exchange.at(unix_seconds()),
        dialect: call.dialect,
        streamed: outline.stream,
        keep: (*format == Format::OpenAIResponses && wire.format != *format)
            .then(|| Keep { kept: gateway.kept.clone(), request: body.clone() }),
        approximated: prepared.approximated,
        dropped: prepared.dropped,
        timeouts: *timeouts,
        first_byte_by,
        deadline: routed.deadline,
    };
    awaited.read(response, permit, may_fail_over.then_some(gateway.hold)).await
}

fn bad_request(error: BodyError) -> Cause {
    Cause::BadRequest(Box::new(error.into()))
}

/// For replies that say when they were made, where upstream's do not.
fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}
