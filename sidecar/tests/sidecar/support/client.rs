//! The application: one connection a call, so that dropping the call closes it.

use super::soon;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Either, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use tokio::net::TcpStream;
use tokio_util::task::AbortOnDropHandle;

/// A call to be.
pub(crate) struct Asked {
    address: SocketAddr,
    request: Request<Full<Bytes>>,
    chunked: bool,
}

/// Its reply, whose body is still to be read. Dropping it hangs up.
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    body: Incoming,
    _connection: AbortOnDropHandle<()>,
}

pub(crate) fn post(address: SocketAddr, path: &str, body: impl Into<Bytes>) -> Asked {
    request(address, Method::POST, path, body).header("content-type", "application/json")
}

pub(crate) fn get(address: SocketAddr, path: &str) -> Asked {
    request(address, Method::GET, path, Bytes::new())
}

pub(crate) fn request(address: SocketAddr, method: Method, path: &str, body: impl Into<Bytes>) -> Asked {
    let mut request = Request::new(Full::new(body.into()));
    *request.method_mut() = method;
    *request.uri_mut() = path.parse().unwrap();
    request.headers_mut().insert("host", "127.0.0.1".parse().unwrap());
    Asked { address, request, chunked: false }
}

impl Asked {
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.request.headers_mut().insert(name, value.parse().unwrap());
        self
    }

    /// Its body's length is not told beforehand.
    pub(crate) fn chunked(mut self) -> Self {
        self.chunked = true;
        self
    }

    pub(crate) async fn send(self) -> Answered {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        let connection = AbortOnDropHandle::new(tokio::spawn(async move {
            let _ = connection.await;
        }));
        let request = match self.chunked {
            false => self.request.map(Either::Left),
            true => {
                let (parts, body) = self.request.into_parts();
                let bytes = body.collect().await.unwrap().to_bytes();
                let frame = Ok::<_, std::convert::Infallible>(Frame::data(bytes));
                Request::from_parts(parts, Either::Right(StreamBody::new(futures::stream::iter([frame]))))
            }
        };
        let response = soon(sender.send_request(request)).await.expect("the sidecar answers");
        let (parts, body) = response.into_parts();
        Answered { status: parts.status, headers: parts.headers, body, _connection: connection }
    }

    /// Sends it from a task of its own: aborting that hangs up.
    pub(crate) fn spawn(self) -> AbortOnDropHandle<Answered> {
        AbortOnDropHandle::new(tokio::spawn(self.send()))
    }
}

impl Answered {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The next piece of the body; `None` at its clean end, an error when it was cut.
    pub(crate) async fn piece(&mut self) -> Result<Option<Bytes>, hyper::Error> {
        loop {
            match soon(self.body.frame()).await {
                None => return Ok(None),
                Some(frame) => {
                    if let Ok(bytes) = frame?.into_data() {
                        return Ok(Some(bytes));
                    }
                }
            }
        }
    }

    /// Reads until `text` has come.
    pub(crate) async fn until(&mut self, text: &str) -> String {
        let mut seen = String::new();
        while !seen.contains(text) {
            let piece = self.piece().await.unwrap();
            let piece = piece.unwrap_or_else(|| panic!("the body ended before {text:?}: {seen}"));
            seen.push_str(std::str::from_utf8(&piece).unwrap());
        }
        seen
    }

    pub(crate) async fn bytes(mut self) -> Result<Vec<u8>, hyper::Error> {
        let mut all = Vec::new();
        while let Some(piece) = self.piece().await? {
            all.extend_from_slice(&piece);
        }
        Ok(all)
    }

    pub(crate) async fn text(self) -> String {
        String::from_utf8(self.bytes().await.unwrap()).unwrap()
    }

    pub(crate) async fn json(self) -> serde_json::Value {
        let text = self.text().await;
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }
}
