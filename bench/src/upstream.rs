//! The provider that is never the bottleneck: prebuilt bytes, and deltas on an absolute schedule that carry the time
//! they were due.
//!
//! How that is known: the `direct` proxy is the same load without anything between. Its requests a second are the
//! most that load and upstream give, and the delays of its deltas those that they add; the table shows both beside the
//! proxies'. CPU time of a proxy's process does not grow while it waits, so an upstream that lagged could only show by
//! waking the proxy for fewer bytes at a time, which the absolute schedule forbids: a late delta does not delay the next.

use crate::cases::{Traffic, Transport, Wire};
use bytes::Bytes;
use futures::stream;
use http::{Request, Response};
use http_body_util::{BodyExt, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// A running provider on loopback; it accepts nobody any more once dropped.
pub(crate) struct Upstream {
    /// Where it listens.
    pub(crate) port: u16,
    /// When schedules began: deltas carry µs since then.
    pub(crate) epoch: Instant,
    /// PEM of the authority that signed its certificate.
    authority: Option<String>,
    accepting: JoinHandle<()>,
}

/// The schedule of a stream.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    /// Between two deltas.
    step: Duration,
    /// Deltas in all.
    deltas: u32,
}

impl Pace {
    /// That of a case's streams.
    pub(crate) fn of(traffic: Traffic) -> Self {
        match traffic {
            Traffic::Streams { rate, deltas, .. } => Self { step: Duration::from_secs(1) / rate, deltas },
            // The client ends them; those of a proxy that reads on without its client end after a few minutes.
            Traffic::Memory { every, .. } => Self { step: every, deltas: 150 },
            Traffic::Requests { .. } | Traffic::Start { .. } => Self { step: Duration::ZERO, deltas: 1 },
        }
    }
}

impl Upstream {
    /// Starts one that answers in `wire`.
    pub(crate) async fn start(wire: Wire, transport: Transport, pace: Pace) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let epoch = Instant::now();
        let (acceptor, authority) = match transport {
            Transport::Plain => (None, None),
            Transport::Tls | Transport::TlsH2 => {
                let (acceptor, authority) = tls(transport == Transport::TlsH2)?;
                (Some(acceptor), Some(authority))
            }
        };
        let accepting = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let _ = socket.set_nodelay(true);
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let service = service_fn(move |request| answer(request, wire, pace, epoch));
                    let server = auto::Builder::new(TokioExecutor::new());
                    let _ = match acceptor {
                        None => server.serve_connection(TokioIo::new(socket), service).await,
                        Some(acceptor) => match acceptor.accept(socket).await {
                            Ok(socket) => server.serve_connection(TokioIo::new(socket), service).await,
                            Err(_) => Ok(()),
                        },
                    };
                });
            }
        });
        Ok(Self { port, epoch, authority, accepting })
    }

    /// The file in `folder` with the authority that signed its certificate; none where it speaks no TLS.
    pub(crate) fn authority_file(&self, folder: &Path) -> anyhow::Result<Option<PathBuf>> {
        let Some(authority) = &self.authority else { return Ok(None) };
        let file = folder.join("authority.pem");
        std::fs::write(&file, authority)?;
        Ok(Some(file))
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn tls(h2: bool) -> anyhow::Result<(TlsAcceptor, String)> {
    let authority_key = rcgen::KeyPair::generate()?;
    let mut parameters = rcgen::CertificateParams::new(vec![])?;
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    // OpenSSL takes a certificate that names its issuer as it names itself for a self-signed one.
    parameters.distinguished_name.push(rcgen::DnType::CommonName, "authority of the benchmark");
    let authority = parameters.self_signed(&authority_key)?;
    let key = rcgen::KeyPair::generate()?;
    let issuer = rcgen::Issuer::new(parameters, authority_key);
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let certificate = rcgen::CertificateParams::new(names)?.signed_by(&key, &issuer)?;
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let mut config =
        ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate.der().clone()], private)?;
    let protocols: &[&str] = if h2 { &["h2", "http/1.1"] } else { &["http/1.1"] };
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    Ok((TlsAcceptor::from(Arc::new(config)), authority.pem()))
}

async fn answer(
    request: Request<Incoming>,
    wire: Wire,
    pace: Pace,
    epoch: Instant,
) -> Result<Response<Body>, Infallible> {
    let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let response = Response::builder();
    let response = if asks_for_a_stream(&body) {
        response.header("content-type", "text/event-stream").body(paced(wire, pace, epoch))
    } else {
        let full = http_body_util::Full::new(Bytes::from_static(reply(wire)));
        response.header("content-type", "application/json").body(full.boxed_unsync())
    };
    Ok(response.expect("static headers are valid"))
}

/// One pass over a body of up to 1 MB, whoever wrote it anew: with or without a space.
fn asks_for_a_stream(body: &[u8]) -> bool {
    let word = b"\"stream\":";
    memchr::memmem::find_iter(body, word).any(|at| body[at + word.len()..].trim_ascii_start().starts_with(b"true"))
}

const fn reply(wire: Wire) -> &'static [u8] {
    match wire {
        Wire::OpenAI => br#"{"id":"chatcmpl-bench","object":"chat.completion","created":1767225600,"model":"bench","choices":[{"index":0,"message":{"role":"assistant","content":"The quick brown fox jumps over the lazy dog, again and again, until the benchmark is done with it and somebody reads the table.","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":256,"completion_tokens":32,"total_tokens":288}}"#,
        Wire::Anthropic => br#"{"id":"msg_bench","type":"message","role":"assistant","model":"bench","content":[{"type":"text","text":"The quick brown fox jumps over the lazy dog, again and again, until the benchmark is done with it and somebody reads the table."}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":256,"output_tokens":32}}"#,
    }
}

/// A stream whose n-th delta is due n steps after it began and carries that time as `@<µs>@`.
fn paced(wire: Wire, pace: Pace, epoch: Instant) -> Body {
    let begun = Instant::now();
    let frames = stream::unfold(0u32, move |n| async move {
        let last = pace.deltas + 1;
        if n > last {
            return None;
        }
        let due = begun + pace.step * n;
        tokio::time::sleep_until(due.into()).await;
        let text = match n {
            0 => opening(wire).to_owned(),
            n if n == last => closing(wire).to_owned(),
            _ => delta(wire, due.saturating_duration_since(epoch).as_micros()),
        };
        Some((Ok::<_, Infallible>(Frame::data(Bytes::from(text))), n + 1))
    });
    StreamBody::new(frames).boxed_unsync()
}

fn delta(wire: Wire, due: u128) -> String {
    match wire {
        Wire::OpenAI => format!(
            "data: {{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1767225600,\"model\":\"bench\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\" @{due}@\"}},\"logprobs\":null,\"finish_reason\":null}}]}}\n\n"
        ),
        Wire::Anthropic => format!(
            "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\" @{due}@\"}}}}\n\n"
        ),
    }
}

const fn opening(wire: Wire) -> &'static str {
    match wire {
        Wire::OpenAI => {
            "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1767225600,\"model\":\"bench\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n"
        }
        Wire::Anthropic => {
            "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_bench\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"bench\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":256,\"output_tokens\":1}}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n"
        }
    }
}

const fn closing(wire: Wire) -> &'static str {
    match wire {
        Wire::OpenAI => {
            "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1767225600,\"model\":\"bench\",\"choices\":[{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"}]}\n\ndata: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1767225600,\"model\":\"bench\",\"choices\":[],\"usage\":{\"prompt_tokens\":256,\"completion_tokens\":100,\"total_tokens\":356}}\n\ndata: [DONE]\n\n"
        }
        Wire::Anthropic => {
            "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":100}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_asked_for_with_or_without_a_space() {
        assert!(asks_for_a_stream(&Wire::OpenAI.request(64, true)));
        assert!(asks_for_a_stream(b"{\"stream\": true, \"model\": \"bench\"}"));
        assert!(!asks_for_a_stream(&Wire::OpenAI.request(64, false)));
        assert!(!asks_for_a_stream(b"{\"stream\":false,\"x\":true}"));
    }
}
