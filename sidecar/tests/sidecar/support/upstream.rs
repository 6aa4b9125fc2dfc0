//! A provider whose every byte the test writes: HTTP/1.1 over a real socket, one call at a time in the test's hands.

use super::soon;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Listens; the test takes one call after the other.
pub(crate) struct Upstream {
    listener: TcpListener,
    pub(crate) address: SocketAddr,
}

/// One call that has come in whole, waiting for the test's answer.
pub(crate) struct Call {
    stream: TcpStream,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Upstream {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self { listener, address }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next connection's first call.
    pub(crate) async fn call(&self) -> Call {
        Call::read(self.connection().await).await.expect("a connection brings a call")
    }

    /// The next connection, before anything was read from it.
    pub(crate) async fn connection(&self) -> TcpStream {
        soon(self.listener.accept()).await.unwrap().0
    }

    /// Answers one call with a whole reply.
    pub(crate) async fn answer(&self, status: u16, content_type: &str, body: &[u8]) -> Call {
        let mut call = self.call().await;
        call.reply(status, content_type, body).await;
        call
    }
}

impl Call {
    /// `None` when the connection ends instead.
    async fn read(mut stream: TcpStream) -> Option<Self> {
        let mut bytes = Vec::new();
        let head = loop {
            if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break at;
            }
            if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                return None;
            }
        };
        let text = String::from_utf8(bytes[..head].to_vec()).unwrap();
        let mut lines = text.split("\r\n");
        let mut first = lines.next().unwrap().split(' ');
        let (method, path) = (first.next().unwrap().to_owned(), first.next().unwrap().to_owned());
        let mut headers = HeaderMap::new();
        for line in lines {
            let (name, value) = line.split_once(": ").unwrap();
            headers.append(name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap());
        }
        let mut body = bytes.split_off(head + 4);
        if headers.get("transfer-encoding").is_some() {
            while !body.ends_with(b"0\r\n\r\n") {
                assert_ne!(stream.read_buf(&mut body).await.unwrap(), 0);
            }
        } else {
            let length = headers.get("content-length").map_or(0, |value| value.to_str().unwrap().parse().unwrap());
            while body.len() < length {
                assert_ne!(stream.read_buf(&mut body).await.unwrap(), 0);
            }
        }
        Some(Self { stream, method, path, headers, body })
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) async fn raw(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    pub(crate) async fn reply(&mut self, status: u16, content_type: &str, body: &[u8]) {
        self.reply_with(status, &[("content-type", content_type)], body).await;
    }

    pub(crate) async fn reply_with(&mut self, status: u16, headers: &[(&str, &str)], body: &[u8]) {
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = body.len();
        self.raw(format!("HTTP/1.1 {status} Whatever\r\n{headers}content-length: {length}\r\n\r\n")).await;
        self.raw(body).await;
    }

    /// The head of an event stream.
    pub(crate) async fn begin(&mut self) {
        self.raw("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n").await;
    }

    pub(crate) async fn chunk(&mut self, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        self.raw([format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()).await;
    }

    /// A chunk for a gateway that may have gone. Nothing is no chunk, but the end.
    pub(crate) async fn try_chunk(&mut self, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        if !bytes.is_empty() {
            let chunk = [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
            let _ = self.stream.write_all(&chunk).await;
        }
    }

    pub(crate) async fn end(&mut self) {
        self.raw("0\r\n\r\n").await;
    }

    /// Returns once the gateway has closed or reset this connection.
    pub(crate) async fn closed(&mut self) {
        let mut rest = [0; 1024];
        while let Ok(read) = soon(self.stream.read(&mut rest)).await {
            if read == 0 {
                return;
            }
        }
    }

    /// The next call on the same connection.
    pub(crate) async fn next(self) -> Option<Self> {
        Self::read(self.stream).await
    }
}
