//! The client's side: requests one after the other on each connection, or many open streams.

use crate::cases::Wire;
use crate::due::Due;
use crate::stats::quantile;
use anyhow::{Context, ensure};
use bytes::Bytes;
use futures::future::try_join_all;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// A measurement of requests ends after this time, however few were answered: some proxies take a thousand times as
/// long as others, and a cost of a few seconds is exact enough.
pub(crate) const LONGEST: Duration = Duration::from_secs(3);
/// What hangs ends here.
const LIMIT: Duration = Duration::from_secs(300);

/// What one measurement of the load saw.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    /// Requests answered, or deltas received.
    pub(crate) units: usize,
    /// Of a request, or from a delta's due time to its arrival; µs.
    pub(crate) p50: f64,
    /// As above.
    pub(crate) p99: f64,
    /// Units a second.
    pub(crate) rate: f64,
}

/// Who asks, where and how.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    /// The port on 127.0.0.1.
    pub(crate) port: u16,
    /// What it speaks.
    pub(crate) wire: Wire,
    /// Headers that one proxy wants, beside those of every client.
    pub(crate) headers: HeaderMap,
    /// What the times of deltas count from.
    pub(crate) epoch: Instant,
}

/// Streams that are open until this is dropped.
pub(crate) struct Held {
    _streams: JoinSet<anyhow::Result<()>>,
}

impl Client {
    /// One whole reply to a small request, on a connection of its own.
    pub(crate) async fn ask(&self) -> anyhow::Result<()> {
        let mut sender = self.connect().await?;
        whole(sender.send_request(self.request(self.wire.request(64, false))).await?).await
    }

    /// Requests with a prompt of `prompt` bytes on each of `connections`, `count` in all or as many as [`LONGEST`]
    /// allows.
    pub(crate) async fn requests(&self, prompt: usize, connections: usize, count: usize) -> anyhow::Result<Seen> {
        let body = self.wire.request(prompt, false);
        let left = Arc::new(AtomicUsize::new(count));
        let begun = Instant::now();
        let one = |left: Arc<AtomicUsize>, body: Bytes| async move {
            let mut sender = self.connect().await?;
            let mut times = vec![];
            while begun.elapsed() < LONGEST
                && left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_ok()
            {
                let asked = Instant::now();
                // Some servers close a connection after so many requests.
                if sender.ready().await.is_err() {
                    sender = self.connect().await?;
                }
                whole(sender.send_request(self.request(body.clone())).await?).await?;
                times.push(asked.elapsed().as_micros() as f64);
            }
            anyhow::Ok(times)
        };
        let all = try_join_all((0..connections).map(|_| one(left.clone(), body.clone())));
        let times = tokio::time::timeout(LIMIT, all).await.context("requests were not answered in time")??;
        seen(times.concat(), begun.elapsed())
    }

    /// `streams` at once, each of `deltas` deltas.
    pub(crate) async fn streams(&self, streams: usize, deltas: u32) -> anyhow::Result<Seen> {
        let begun = Instant::now();
        let one = || async {
            let mut body = self.open().await?;
            let (mut due, mut delays) = (Due::default(), vec![]);
            while let Some(times) = next(&mut body, &mut due).await? {
                let now = self.epoch.elapsed().as_micros() as f64;
                delays.extend(times.into_iter().map(|time| now - time as f64));
            }
            ensure!(delays.len() == deltas as usize, "{} deltas of {deltas} arrived", delays.len());
            anyhow::Ok(delays)
        };
        let all = try_join_all((0..streams).map(|_| one()));
        let delays = tokio::time::timeout(LIMIT, all).await.context("streams did not end in time")??;
        seen(delays.concat(), begun.elapsed())
    }

    /// Opens `streams` and comes back once each has had its first delta; they are read on until the answer is dropped.
    pub(crate) async fn hold(&self, streams: usize) -> anyhow::Result<Held> {
        let (begun, mut begins) = mpsc::unbounded_channel();
        let mut all = JoinSet::new();
        for _ in 0..streams {
            let (client, begun) = (self.clone(), begun.clone());
            all.spawn(async move {
                let mut body = client.open().await?;
                let mut due = Due::default();
                let mut begun = Some(begun);
                while let Some(times) = next(&mut body, &mut due).await? {
                    if let Some(begun) = begun.take_if(|_| !times.is_empty()) {
                        let _ = begun.send(());
                    }
                }
                anyhow::bail!("a stream ended that was to be held")
            });
        }
        let wait = async {
            for _ in 0..streams {
                tokio::select! {
                    begin = begins.recv() => begin.context("a stream has no delta")?,
                    Some(ended) = all.join_next() => ended??,
                }
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(LIMIT, wait).await.context("streams did not begin in time")??;
        Ok(Held { _streams: all })
    }

    async fn connect(&self) -> anyhow::Result<SendRequest<Full<Bytes>>> {
        let socket = TcpStream::connect(("127.0.0.1", self.port)).await?;
        socket.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(socket)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }

    fn request(&self, body: Bytes) -> Request<Full<Bytes>> {
        let mut request = Request::post(self.wire.path())
            .header("host", format!("127.0.0.1:{}", self.port))
            .header("content-type", "application/json")
            .header("authorization", "Bearer client-key")
            .header("anthropic-version", "2023-06-01")
            .header("user-agent", "pillion-bench")
            .body(Full::new(body))
            .expect("static headers are valid");
        request.headers_mut().extend(self.headers.clone());
        request
    }

    /// The body of a streamed reply that has begun.
    async fn open(&self) -> anyhow::Result<Incoming> {
        let mut sender = self.connect().await?;
        let reply = sender.send_request(self.request(self.wire.request(256, true))).await?;
        if reply.status().is_success() { Ok(reply.into_body()) } else { Err(refused(reply).await) }
    }
}

/// The times of the deltas that the next bytes complete; none at the end.
async fn next(body: &mut Incoming, due: &mut Due) -> anyhow::Result<Option<Vec<u64>>> {
    let Some(frame) = body.frame().await else { return Ok(None) };
    let frame = frame.context("the stream broke")?;
    Ok(Some(frame.data_ref().map(|data| due.push(data)).unwrap_or_default()))
}

async fn whole(reply: Response<Incoming>) -> anyhow::Result<()> {
    if !reply.status().is_success() {
        return Err(refused(reply).await);
    }
    let mut body = reply.into_body();
    while let Some(frame) = body.frame().await {
        frame.context("the reply broke")?;
    }
    Ok(())
}

async fn refused(reply: Response<Incoming>) -> anyhow::Error {
    let status = reply.status();
    let body = reply.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    anyhow::anyhow!("{status}: {}", String::from_utf8_lossy(&body))
}

fn seen(mut times: Vec<f64>, took: Duration) -> anyhow::Result<Seen> {
    ensure!(!times.is_empty(), "nothing was answered");
    let (p50, p99) = (quantile(&mut times, 0.5), quantile(&mut times, 0.99));
    Ok(Seen { units: times.len(), p50, p99, rate: times.len() as f64 / took.as_secs_f64() })
}
