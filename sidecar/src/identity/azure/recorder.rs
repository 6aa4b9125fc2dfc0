//! The transport that `azure_identity` is given: asks once, over ours, and keeps what it heard for us to read.

use crate::identity::error::ExchangeError;
use crate::identity::transport::{Ask, AskError, Reply, Transport};
use azure_core::credentials::AccessToken;
use azure_core::error::{Error, ErrorKind};
use azure_core::http::{AsyncRawResponse, Body, HttpClient, Method, Request};
use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

#[derive(Debug)]
pub(super) struct Recorder {
    transport: Transport,
    metadata: &'static [SocketAddr],
    heard: Mutex<Option<Result<Reply, AskError>>>,
}

impl Recorder {
    pub(super) fn new(transport: &Transport, metadata: &'static [SocketAddr]) -> Arc<Self> {
        Arc::new(Self { transport: transport.clone(), metadata, heard: Mutex::new(None) })
    }

    /// What was heard when `exchange` was made over this transport. What the exchange makes of it does not matter.
    pub(super) async fn heard(
        &self,
        exchange: impl Future<Output = azure_core::Result<AccessToken>>,
    ) -> Result<Reply, ExchangeError> {
        let _ = exchange.await;
        match self.heard.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(heard) => Ok(heard?),
            None => Err(ExchangeError::misconfigured("no request for a token could be written")),
        }
    }
}

#[async_trait::async_trait]
impl HttpClient for Recorder {
    /// Always ends in an error of a kind that is not retried: when to ask again is the engine's to say, and what was
    /// heard is ours to read.
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let ask = translate(request, self.metadata).ok_or_else(|| ended("the request could not be translated"))?;
        let heard = self.transport.ask(ask).await;
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Some(heard);
        Err(ended("the reply was recorded"))
    }
}

fn ended(why: &'static str) -> Error {
    Error::with_message(ErrorKind::Other, why)
}

fn translate(request: &Request, metadata: &'static [SocketAddr]) -> Option<Ask> {
    let Body::Bytes(body) = request.body() else { return None };
    let method = match request.method() {
        Method::Get => http::Method::GET,
        Method::Post => http::Method::POST,
        _ => return None,
    };
    let url = request.url().as_str().parse().ok()?;
    let mut ask = Ask { method, body: Bytes::copy_from_slice(body), ..Ask::get(url) }.reaching(metadata);
    for (name, value) in request.headers().iter() {
        let name = HeaderName::from_bytes(name.as_str().as_bytes()).ok()?;
        ask = ask.header(name, HeaderValue::from_str(value.as_str()).ok()?);
    }
    Some(ask)
}
