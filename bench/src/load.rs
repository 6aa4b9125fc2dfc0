//! The client's side: requests one after the other on each connection, or many open streams.

use crate::cases::{Traffic, Wire};
use crate::stats::quantile;
use anyhow::{Context, ensure};
use bytes::Bytes;
use futures::future::try_join_all;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use tokio::net::TcpStream;

/// What one measurement of the load saw.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    /// Requests answered, or deltas received.
    pub(crate) units: usize,
    /// Of a request, or from a delta's due time to its arrival; µs.
    pub(crate) p50: f64,
    /// As above.
    pub(crate) p99: f64,
}

/// Sends one measurement's traffic to `port`.
pub(crate) async fn send(port: u16, wire: Wire, traffic: Traffic, epoch: Instant) -> anyhow::Result<Seen> {
    match traffic {
        Traffic::Requests { prompt, connections, count } => {
            requests(port, wire, wire.request(prompt, false), connections, count).await
        }
        Traffic::Streams { streams, deltas, .. } => {
            self::streams(port, wire, wire.request(256, true), streams, deltas, epoch).await
        }
    }
}

async fn connect(port: u16) -> anyhow::Result<SendRequest<Full<Bytes>>> {
    let socket = TcpStream::connect(("127.0.0.1", port)).await?;
    socket.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(socket)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

fn request(port: u16, wire: Wire, body: Bytes) -> Request<Full<Bytes>> {
    Request::post(wire.path())
        .header("host", format!("127.0.0.1:{port}"))
        .header("content-type", "application/json")
        .header("authorization", "Bearer client-key")
        .header("anthropic-version", "2023-06-01")
        .header("user-agent", "pillion-bench")
        .body(Full::new(body))
        .expect("static headers are valid")
}

async fn requests(port: u16, wire: Wire, body: Bytes, connections: usize, count: usize) -> anyhow::Result<Seen> {
    let left = Arc::new(AtomicUsize::new(count));
    let one = |left: Arc<AtomicUsize>, body: Bytes| async move {
        let mut sender = connect(port).await?;
        let mut times = vec![];
        while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_ok() {
            let begun = Instant::now();
            sender.ready().await?;
            let reply = sender.send_request(request(port, wire, body.clone())).await?;
            let status = reply.status();
            let bytes = reply.into_body().collect().await?.to_bytes();
            ensure!(status.is_success(), "{status}: {}", String::from_utf8_lossy(&bytes));
            times.push(begun.elapsed().as_micros() as f64);
        }
        Ok(times)
    };
    let tasks = (0..connections).map(|_| one(left.clone(), body.clone()));
    let mut times = try_join_all(tasks).await?.concat();
    Ok(Seen { units: times.len(), p50: quantile(&mut times, 0.5), p99: quantile(&mut times, 0.99) })
}

async fn streams(
    port: u16,
    wire: Wire,
    body: Bytes,
    streams: usize,
    deltas: u32,
    epoch: Instant,
) -> anyhow::Result<Seen> {
    let one = |body: Bytes| async move {
        let mut sender = connect(port).await?;
        let reply = sender.send_request(request(port, wire, body)).await?;
        let status = reply.status();
        ensure!(status.is_success(), "{status}");
        let delays = receive(reply.into_body(), epoch).await?;
        ensure!(delays.len() == deltas as usize, "{} deltas of {deltas} arrived", delays.len());
        Ok(delays)
    };
    let mut delays = try_join_all((0..streams).map(|_| one(body.clone()))).await?.concat();
    Ok(Seen { units: delays.len(), p50: quantile(&mut delays, 0.5), p99: quantile(&mut delays, 0.99) })
}

/// Delays of all deltas of a stream, in µs.
async fn receive(mut body: Incoming, epoch: Instant) -> anyhow::Result<Vec<f64>> {
    let mut delays = vec![];
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.context("the stream broke")?.into_data() else { continue };
        let now = epoch.elapsed().as_micros() as f64;
        let mut parts = data.split(|byte| *byte == b'@').skip(1).step_by(2);
        while let Some(due) = parts.next().and_then(|part| std::str::from_utf8(part).ok()) {
            delays.push(now - due.parse::<f64>().with_context(|| format!("no time in '{due}'"))?);
        }
    }
    Ok(delays)
}
