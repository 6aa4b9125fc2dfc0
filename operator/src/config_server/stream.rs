//! The body of one snapshot stream: newest snapshot, keep-alives, a goodbye.

use super::giving::Giving;
use super::hub::Opened;
use super::line::Published;
use crate::metrics::Metrics;
use crate::serve::Body;
use bytes::Bytes;
use futures::stream::poll_fn;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use pillion_snapshot::{Line, write_line};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};
use tokio_util::sync::CancellationToken;

const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// Streams end by themselves, so that a new replica gets its share.
const MAX_AGE: Duration = Duration::from_secs(30 * 60);
/// A reader that takes nothing for this long is cut off.
const SLOW: Duration = Duration::from_secs(30);

/// Starts the task that feeds the stream; it ends with the body, or with a goodbye.
pub(super) fn start(
    opened: Opened,
    giving: Giving,
    expires: Option<SystemTime>,
    metrics: Metrics,
    shutdown: CancellationToken,
) -> Body {
    // One message waits at most: what is not read yet is replaced in the hub, not queued here.
    let (sender, mut receiver) = mpsc::channel::<Bytes>(2);
    let age = MAX_AGE.mul_f64(0.8 + 0.4 * fastrand::f64());
    tokio::spawn(feed(opened, giving, sender, deadline(age, expires), metrics, shutdown));
    let frames = poll_fn(move |context| {
        receiver.poll_recv(context).map(|bytes| bytes.map(|bytes| Ok::<_, Infallible>(Frame::data(bytes))))
    });
    StreamBody::new(frames).boxed_unsync()
}

/// The age at which a stream ends: never past its token's expiry.
fn deadline(age: Duration, expires: Option<SystemTime>) -> Instant {
    let left = expires.map(|expires| expires.duration_since(SystemTime::now()).unwrap_or_default());
    Instant::now() + left.map_or(age, |left| left.min(age))
}

async fn feed(
    mut opened: Opened,
    mut giving: Giving,
    sender: mpsc::Sender<Bytes>,
    deadline: Instant,
    metrics: Metrics,
    shutdown: CancellationToken,
) {
    let mut keep_alive = interval_at(Instant::now() + KEEP_ALIVE, KEEP_ALIVE);
    keep_alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
    opened.newest.mark_changed();
    let mut served: Option<Arc<Published>> = None;
    let reason = loop {
        let lines = tokio::select! {
            biased;
            () = shutdown.cancelled() => break "the operator drains",
            () = sleep_until(deadline) => break "the stream has reached its age",
            () = sender.closed() => return,
            changed = opened.ended.changed() => match (changed, *opened.ended.borrow()) {
                (Ok(()), Some(reason)) => break reason,
                (Ok(()), None) => continue,
                (Err(_), _) => return,
            },
            changed = opened.newest.changed() => {
                if changed.is_err() {
                    return;
                }
                let newest = opened.newest.borrow_and_update().clone();
                let Some(published) = newest else { continue };
                metrics.pushes.inc();
                keep_alive.reset();
                // The keys go first: a call that the snapshot routes finds them there.
                let mut lines = keys(&mut giving, &published).await;
                lines.extend(published.line(opened.name()));
                served = Some(published);
                lines
            },
            () = giving.changed() => match &served {
                Some(published) => keys(&mut giving, published).await,
                None => continue,
            },
            _ = keep_alive.tick() => {
                let mut lines = vec![Bytes::from(write_line(&Line::KeepAlive))];
                if let Some(published) = &served {
                    lines.extend(keys(&mut giving, published).await);
                }
                lines
            }
        };
        if !send(&sender, lines).await {
            tracing::info!(stream = opened.name(), "a sidecar does not read its stream, it is cut off");
            return;
        }
    };
    let goodbye = write_line(&Line::Goodbye { reason: reason.to_owned() });
    send(&sender, vec![Bytes::from(goodbye)]).await;
}

/// The line of the keys that are news to a sidecar which serves this snapshot, if any are.
async fn keys(giving: &mut Giving, published: &Published) -> Vec<Bytes> {
    let news = giving.news(&published.keys).await;
    news.map(|keys| Bytes::from(write_line(&Line::Keys(keys)))).into_iter().collect()
}

async fn send(sender: &mpsc::Sender<Bytes>, lines: Vec<Bytes>) -> bool {
    for line in lines {
        if !matches!(tokio::time::timeout(SLOW, sender.send(line)).await, Ok(Ok(()))) {
            return false;
        }
    }
    true
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::class::Classes;
    use super::super::giving::tests::Judge;
    use super::super::hub::Hub;
    use super::super::line::Published;
    use super::*;
    use crate::index::IndexedPod;
    use crate::inject::Intact;
    use pillion_snapshot::{Snapshot, read_line};
    use std::collections::{BTreeMap, HashMap};
    use tokio::sync::watch;

    pub(in super::super) fn pod() -> Arc<IndexedPod> {
        Arc::new(IndexedPod {
            uid: "u".into(),
            namespace: "n".into(),
            name: "p".into(),
            labels: BTreeMap::new(),
            service_account: "default".into(),
            terminating: false,
            finished: false,
            started: true,
            intact: Intact::untouched(),
        })
    }

    fn begin(opened: Opened, expires: Option<SystemTime>, shutdown: CancellationToken) -> Body {
        let (_, room) = watch::channel(Arc::default());
        let giving = Giving::new(pod(), room, opened.intact.clone(), Arc::new(Judge::default()));
        start(opened, giving, expires, Metrics::new(), shutdown)
    }

    fn publish(hub: &Hub, generation: i64) {
        let snapshot = Snapshot { sources: [("AIRoute/n/r".into(), generation)].into(), ..Default::default() }.seal();
        let class = Classes::default().of(&pod());
        hub.publish("n", Classes::default(), [(class, Arc::new(Published::new(snapshot)))].into(), &HashMap::new());
    }

    /// Reads to the end of the next line.
    async fn line(body: &mut Body) -> Option<Line> {
        let mut bytes = Vec::new();
        while bytes.last() != Some(&b'\n') {
            bytes.extend_from_slice(&body.frame().await?.unwrap().into_data().unwrap());
        }
        Some(read_line(bytes.strip_suffix(b"\n").unwrap()).unwrap())
    }

    fn generation(line: Option<Line>) -> Option<i64> {
        match line? {
            Line::Snapshot { snapshot, .. } => snapshot.sources.get("AIRoute/n/r").copied(),
            _ => None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_carries_snapshots_keep_alives_and_at_last_a_goodbye() {
        let hub = Hub::new("op", Metrics::new());
        let expires = Some(SystemTime::now() + Duration::from_secs(25));
        let mut body = begin(hub.open(&pod()), expires, CancellationToken::new());
        publish(&hub, 1);
        assert_eq!(generation(line(&mut body).await), Some(1));
        assert_eq!(line(&mut body).await, Some(Line::KeepAlive));
        publish(&hub, 2);
        assert_eq!(generation(line(&mut body).await), Some(2));
        assert_eq!(line(&mut body).await, Some(Line::KeepAlive));
        assert!(matches!(line(&mut body).await, Some(Line::Goodbye { .. })));
        assert_eq!(line(&mut body).await, None);
        assert!(hub.acks().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_pauses_gets_the_newest_and_not_all() {
        let hub = Hub::new("op", Metrics::new());
        let mut body = begin(hub.open(&pod()), None, CancellationToken::new());
        for generation in 1..100 {
            publish(&hub, generation);
            tokio::task::yield_now().await;
        }
        let mut read = 0;
        while generation(line(&mut body).await) != Some(99) {
            read += 1;
        }
        assert!(read < 10, "{read} stale snapshots");
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_reads_nothing_is_cut_off() {
        let hub = Hub::new("op", Metrics::new());
        let _body = begin(hub.open(&pod()), None, CancellationToken::new());
        tokio::time::sleep(Duration::from_secs(120)).await;
        assert!(hub.acks().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_says_why_it_ends() {
        let hub = Hub::new("op", Metrics::new());
        let shutdown = CancellationToken::new();
        let mut ended = begin(hub.open(&pod()), None, shutdown.clone());
        hub.end_pod("u");
        assert_eq!(line(&mut ended).await, Some(Line::Goodbye { reason: "the pod has ended".into() }));
        let mut drained = begin(hub.open(&pod()), None, shutdown.clone());
        shutdown.cancel();
        assert_eq!(line(&mut drained).await, Some(Line::Goodbye { reason: "the operator drains".into() }));
    }
}
