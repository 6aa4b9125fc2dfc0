//! Sends a request as the provider's identity: the credential is added last, over the final request. Where the provider
//! refuses it and there is a newer one, or the clock was wrong, the same request is sent once more: nothing of a reply has
//! gone to the client by then.

use super::Gateway;
use crate::error::Cause;
use crate::identity::{Outgoing, Stamp};
use crate::snapshots::Provider;
use crate::upstream::RequestBody;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, header, request};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use std::time::Duration;
use tokio::time::Instant;

/// What is sent: bytes at hand for as often as needed, or the client's body as it comes, once.
pub(super) enum Body {
    Held(Bytes),
    Coming(Incoming),
}

/// When it must have come to something.
#[derive(Clone, Copy)]
pub(super) struct Until {
    pub(super) connect: Duration,
    pub(super) answer_by: Instant,
}

/// `head` is final save for the credential and what asks for an uncompressed reply.
pub(super) async fn send(
    gateway: &Gateway,
    provider: &Provider,
    client: &HeaderMap,
    mut head: request::Parts,
    body: Body,
    until: Until,
) -> Result<Response<Incoming>, Cause> {
    head.headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let body = match body {
        Body::Held(bytes) if provider.auth.renews() => bytes,
        Body::Held(bytes) => {
            let (head, _) = authorise(gateway, provider, client, head, Some(&bytes), until).await?;
            return transmit(gateway, provider, head, Either::Left(Full::new(bytes)), until).await;
        }
        Body::Coming(body) => {
            let (head, _) = authorise(gateway, provider, client, head, None, until).await?;
            return transmit(gateway, provider, head, Either::Right(body), until).await;
        }
    };
    let (once, stamp) = authorise(gateway, provider, client, head.clone(), Some(&body), until).await?;
    let host = once.uri.host().unwrap_or_default().to_owned();
    let response = transmit(gateway, provider, once, Either::Left(Full::new(body.clone())), until).await?;
    if !response.status().is_client_error() {
        gateway.identity.accepted(stamp, &host, response.headers());
        return Ok(response);
    }
    let refusal = (response.status(), response.headers());
    if !gateway.identity.may_pass_now(&provider.auth, stamp, &host, refusal, until.answer_by).await {
        return Ok(response);
    }
    tracing::debug!(provider = provider.name, "the credential was refused, the request is sent once more with another");
    drop(response);
    let (again, _) = authorise(gateway, provider, client, head, Some(&body), until).await?;
    transmit(gateway, provider, again, Either::Left(Full::new(body)), until).await
}

async fn authorise(
    gateway: &Gateway,
    provider: &Provider,
    client: &HeaderMap,
    mut head: request::Parts,
    body: Option<&[u8]>,
    until: Until,
) -> Result<(request::Parts, Stamp), Cause> {
    let request = Outgoing { method: &head.method, uri: &mut head.uri, headers: &mut head.headers, body };
    let stamp = gateway.identity.authorise(&provider.auth, client, request, until.answer_by).await;
    let stamp = stamp.map_err(|error| Cause::of_auth(error, &provider.name))?;
    Ok((head, stamp))
}

async fn transmit(
    gateway: &Gateway,
    provider: &Provider,
    head: request::Parts,
    body: RequestBody,
    until: Until,
) -> Result<Response<Incoming>, Cause> {
    let response = gateway.upstream.send(Request::from_parts(head, body), until.connect, until.answer_by).await;
    response.map_err(|error| Cause::of_send(error, &provider.name))
}
