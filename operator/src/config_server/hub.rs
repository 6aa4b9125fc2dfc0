//! Which streams there are, what each is to get, and what its sidecar said; does no I/O.

use super::line::Published;
use crate::index::IndexedPod;
use crate::metrics::Metrics;
use pillion_compiler::Workload;
use pillion_snapshot::{Ack, Outcome};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::{Notify, watch};

/// A sidecar that reconnects may hold its former stream for a moment; more than this is a fault of its own.
const MAX_STREAMS_PER_POD: usize = 2;

/// What a connected sidecar last said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PodAck {
    /// Milliseconds since 1970: of two replicas' words the later counts.
    pub(crate) connected_at: u64,
    /// `sources` of the snapshot that it serves; absent before its first ack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) serving: Option<BTreeMap<String, i64>>,
    /// Why it refused the newest one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) refused: Option<String>,
}

/// All streams of this replica. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Hub(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    replica: String,
    metrics: Metrics,
    inner: Mutex<Inner>,
    acked: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    revision: u64,
    last_stream: u64,
    rooms: HashMap<String, Room>,
    streams: HashMap<u64, Stream>,
    by_pod: HashMap<String, BTreeSet<u64>>,
    acked: BTreeSet<String>,
}

/// What is published in one namespace.
#[derive(Debug, Default)]
struct Room {
    keys: BTreeSet<String>,
    snapshots: BTreeMap<Workload, Arc<Published>>,
    streams: BTreeSet<u64>,
}

#[derive(Debug)]
struct Stream {
    pod: Arc<IndexedPod>,
    newest: watch::Sender<Option<Arc<Published>>>,
    ended: watch::Sender<Option<&'static str>>,
    ack: PodAck,
}

/// One stream's end of the hub; dropping it closes the stream.
pub(crate) struct Opened {
    id: u64,
    name: String,
    hub: Hub,
    /// The newest snapshot of the stream's class; earlier ones are never seen.
    pub(crate) newest: watch::Receiver<Option<Arc<Published>>>,
    /// Why the stream is to end.
    pub(crate) ended: watch::Receiver<Option<&'static str>>,
}

impl Opened {
    /// As acks name it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether nothing has been compiled for its class yet.
    pub(crate) fn is_waiting(&self) -> bool {
        self.newest.borrow().is_none()
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.hub.close(self.id);
    }
}

/// The labels that some selector reads: pods that differ in others only are of one class.
pub(crate) fn class(namespace: &str, labels: &BTreeMap<String, String>, keys: &BTreeSet<String>) -> Workload {
    let labels = labels.iter().filter(|(key, _)| keys.contains(*key));
    Workload { namespace: namespace.into(), labels: labels.map(|(key, value)| (key.clone(), value.clone())).collect() }
}

impl Hub {
    /// `replica` stands in stream names and needs no escaping in JSON.
    pub(crate) fn new(replica: &str, metrics: Metrics) -> Self {
        let replica = replica.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_')).collect();
        Self(Arc::new(Shared { replica, metrics, inner: Mutex::default(), acked: Notify::new() }))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A stream for a pod, with its class's snapshot where one is published.
    pub(crate) fn open(&self, pod: &Arc<IndexedPod>) -> Opened {
        let mut inner = self.inner();
        inner.last_stream += 1;
        let id = inner.last_stream;
        let room = inner.rooms.entry(pod.namespace.clone()).or_default();
        let snapshot = room.snapshots.get(&class(&pod.namespace, &pod.labels, &room.keys)).cloned();
        room.streams.insert(id);
        let (newest, newest_receiver) = watch::channel(snapshot);
        let (ended, ended_receiver) = watch::channel(None);
        let ack = PodAck { connected_at: now(), ..PodAck::default() };
        inner.streams.insert(id, Stream { pod: pod.clone(), newest, ended, ack });
        let of_pod = inner.by_pod.entry(pod.uid.clone()).or_default();
        of_pod.insert(id);
        let surplus = of_pod.first().copied().filter(|_| of_pod.len() > MAX_STREAMS_PER_POD);
        if let Some(stream) = surplus.and_then(|id| inner.streams.get(&id)) {
            stream.ended.send_replace(Some("replaced by newer streams of the same pod"));
        }
        inner.note(&pod.namespace);
        drop(inner);
        self.0.metrics.streams.inc();
        self.0.acked.notify_one();
        let name = format!("{}/{id}", self.0.replica);
        Opened { id, name, hub: self.clone(), newest: newest_receiver, ended: ended_receiver }
    }

    fn close(&self, id: u64) {
        let mut inner = self.inner();
        let Some(stream) = inner.streams.remove(&id) else {
            return;
        };
        let (uid, namespace) = (&stream.pod.uid, &stream.pod.namespace);
        if let Some(of_pod) = inner.by_pod.get_mut(uid) {
            of_pod.remove(&id);
            if of_pod.is_empty() {
                inner.by_pod.remove(uid);
            }
        }
        if let Some(room) = inner.rooms.get_mut(namespace) {
            room.streams.remove(&id);
        }
        inner.note(namespace);
        drop(inner);
        self.0.metrics.streams.dec();
        self.0.acked.notify_one();
    }

    /// Ends the streams of a pod that is no more.
    pub(crate) fn end_pod(&self, uid: &str) {
        let inner = self.inner();
        for id in inner.by_pod.get(uid).into_iter().flatten() {
            if let Some(stream) = inner.streams.get(id) {
                stream.ended.send_replace(Some("the pod has ended"));
            }
        }
    }

    /// The pods of a namespace that hold a stream, as they were when they opened it.
    pub(crate) fn pods(&self, namespace: &str) -> Vec<Arc<IndexedPod>> {
        let inner = self.inner();
        let ids = inner.rooms.get(namespace).map(|room| &room.streams).into_iter().flatten();
        ids.filter_map(|id| inner.streams.get(id)).map(|stream| stream.pod.clone()).collect()
    }

    /// What is published in a namespace.
    pub(crate) fn snapshots(&self, namespace: &str) -> BTreeMap<Workload, Arc<Published>> {
        self.inner().rooms.get(namespace).map(|room| room.snapshots.clone()).unwrap_or_default()
    }

    /// Publishes what was compiled for a namespace: each stream gets its class's snapshot, unless it has the same
    /// already. `pods` are the pods as they are now, by uid: labels may have changed since a stream was opened.
    pub(crate) fn publish(
        &self,
        namespace: &str,
        keys: BTreeSet<String>,
        snapshots: BTreeMap<Workload, Arc<Published>>,
        pods: &HashMap<&str, &Arc<IndexedPod>>,
    ) {
        let mut guard = self.inner();
        let inner = &mut *guard;
        if snapshots.is_empty() && inner.rooms.get(namespace).is_none_or(|room| room.streams.is_empty()) {
            inner.rooms.remove(namespace);
            return;
        }
        let room = inner.rooms.entry(namespace.to_owned()).or_default();
        room.keys = keys;
        room.snapshots = snapshots;
        for id in &room.streams {
            let Some(stream) = inner.streams.get_mut(id) else {
                continue;
            };
            if let Some(pod) = pods.get(stream.pod.uid.as_str()) {
                stream.pod = Arc::clone(pod);
            }
            let Some(snapshot) = room.snapshots.get(&class(namespace, &stream.pod.labels, &room.keys)) else {
                continue;
            };
            stream.newest.send_if_modified(|newest| {
                let changes = newest.as_ref().is_none_or(|newest| newest.version != snapshot.version);
                if changes {
                    *newest = Some(snapshot.clone());
                }
                changes
            });
        }
    }

    /// Takes a sidecar's ack; `false` where the stream is not one of this pod's here.
    pub(crate) fn ack(&self, pod_uid: &str, ack: Ack) -> bool {
        let Some(id) = ack.stream.strip_prefix(&format!("{}/", self.0.replica)).and_then(|id| id.parse().ok()) else {
            return false;
        };
        let mut inner = self.inner();
        let Some(stream) = inner.streams.get_mut(&id).filter(|stream| stream.pod.uid == pod_uid) else {
            return false;
        };
        let refused = match ack.outcome {
            Outcome::Applied => None,
            Outcome::Refused { reason } => Some(reason.chars().filter(|c| !c.is_control()).take(256).collect()),
        };
        let said = PodAck { serving: Some(ack.serving), refused, ..stream.ack.clone() };
        if stream.ack != said {
            stream.ack = said;
            let namespace = stream.pod.namespace.clone();
            inner.note(&namespace);
            drop(inner);
            self.0.acked.notify_one();
        }
        true
    }

    /// What the connected sidecars of this replica serve, by pod uid.
    pub(crate) fn acks(&self) -> BTreeMap<String, PodAck> {
        let inner = self.inner();
        let mut acks: BTreeMap<String, PodAck> = BTreeMap::new();
        for stream in inner.streams.values() {
            merge(&mut acks, stream.pod.uid.clone(), stream.ack.clone());
        }
        acks
    }

    /// Changes whenever [`Hub::acks`] does.
    pub(crate) fn revision(&self) -> String {
        format!("\"{}-{}\"", self.0.replica, self.inner().revision)
    }

    /// Waits until acks or streams have changed.
    pub(crate) async fn acked(&self) {
        while self.inner().acked.is_empty() {
            self.0.acked.notified().await;
        }
    }

    /// The namespaces whose acks or streams changed since this was asked last.
    pub(crate) fn take_acked(&self) -> BTreeSet<String> {
        std::mem::take(&mut self.inner().acked)
    }
}

/// Of two words about one pod: the one of the newer stream, unless that one has said nothing yet.
pub(crate) fn merge(acks: &mut BTreeMap<String, PodAck>, uid: String, ack: PodAck) {
    let newer =
        |former: &PodAck| (ack.serving.is_some(), ack.connected_at) > (former.serving.is_some(), former.connected_at);
    if acks.get(&uid).is_none_or(newer) {
        acks.insert(uid, ack);
    }
}

impl Inner {
    fn note(&mut self, namespace: &str) {
        self.revision += 1;
        self.acked.insert(namespace.to_owned());
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pillion_snapshot::Snapshot;

    fn pod(uid: &str, app: &str) -> Arc<IndexedPod> {
        Arc::new(IndexedPod {
            uid: uid.into(),
            namespace: "n".into(),
            name: uid.into(),
            labels: [("app".to_owned(), app.to_owned()), ("other".to_owned(), uid.to_owned())].into(),
            service_account: "default".into(),
            terminating: false,
            finished: false,
            started: true,
        })
    }

    fn published(generation: i64) -> Arc<Published> {
        let sources = [("AIRoute/n/r".to_owned(), generation)].into();
        Arc::new(Published::new(Snapshot { sources, ..Default::default() }.seal()))
    }

    fn publish(hub: &Hub, snapshots: &[(&str, Arc<Published>)]) {
        let keys = BTreeSet::from(["app".to_owned()]);
        let snapshots = snapshots
            .iter()
            .map(|(app, published)| (class("n", &pod("x", app).labels, &keys), published.clone()))
            .collect();
        hub.publish("n", keys, snapshots, &HashMap::new());
    }

    fn version(opened: &mut Opened) -> Option<String> {
        opened.newest.borrow_and_update().as_ref().map(|published| published.version.clone())
    }

    fn ack(opened: &Opened, outcome: Outcome) -> Ack {
        Ack { stream: opened.name().into(), version: "v".into(), outcome, serving: [("AIRoute/n/r".into(), 1)].into() }
    }

    #[test]
    fn pods_of_one_class_share_a_snapshot_and_others_do_not_see_it() {
        let hub = Hub::new("op", Metrics::new());
        let (mut one, mut two, mut other) =
            (hub.open(&pod("1", "a")), hub.open(&pod("2", "a")), hub.open(&pod("3", "b")));
        assert!(one.is_waiting());
        publish(&hub, &[("a", published(1)), ("b", published(2))]);
        assert_eq!(version(&mut one), version(&mut two));
        assert_ne!(version(&mut one), version(&mut other));
        assert!(!hub.open(&pod("4", "b")).is_waiting());
    }

    #[test]
    fn equal_content_is_not_sent_again() {
        let hub = Hub::new("op", Metrics::new());
        let mut opened = hub.open(&pod("1", "a"));
        publish(&hub, &[("a", published(1))]);
        version(&mut opened);
        publish(&hub, &[("a", published(1))]);
        assert!(!opened.newest.has_changed().unwrap());
        publish(&hub, &[("a", published(2))]);
        publish(&hub, &[("a", published(3))]);
        assert_eq!(version(&mut opened), Some(published(3).version.clone()));
    }

    #[test]
    fn an_ack_counts_only_for_the_pods_own_stream() {
        let hub = Hub::new("op", Metrics::new());
        let opened = hub.open(&pod("1", "a"));
        assert!(!hub.ack("2", ack(&opened, Outcome::Applied)));
        assert!(!hub.ack("1", Ack { stream: "op-2/1".into(), ..ack(&opened, Outcome::Applied) }));
        let before = hub.revision();
        assert!(hub.ack("1", ack(&opened, Outcome::Applied)));
        assert_ne!(hub.revision(), before);
        let before = hub.revision();
        assert!(hub.ack("1", ack(&opened, Outcome::Applied)));
        assert_eq!(hub.revision(), before);
        assert!(hub.ack("1", ack(&opened, Outcome::Refused { reason: "no\n".into() })));
        assert_eq!(hub.acks()["1"].refused.as_deref(), Some("no"));
        drop(opened);
        assert!(hub.acks().is_empty());
        assert_eq!(hub.take_acked(), BTreeSet::from(["n".to_owned()]));
    }

    #[test]
    fn a_pod_that_ends_ends_its_streams_and_a_third_stream_ends_the_first() {
        let hub = Hub::new("op", Metrics::new());
        let streams = [hub.open(&pod("1", "a")), hub.open(&pod("1", "a")), hub.open(&pod("1", "a"))];
        let ended: Vec<bool> = streams.iter().map(|stream| stream.ended.borrow().is_some()).collect();
        assert_eq!(ended, [true, false, false]);
        hub.end_pod("1");
        assert!(streams.iter().all(|stream| stream.ended.borrow().is_some()));
    }

    #[test]
    fn labels_that_changed_since_the_stream_opened_count() {
        let hub = Hub::new("op", Metrics::new());
        let mut opened = hub.open(&pod("1", "a"));
        let keys = BTreeSet::from(["app".to_owned()]);
        let moved = pod("1", "b");
        let snapshots = [("a", published(1)), ("b", published(2))]
            .map(|(app, published)| (class("n", &pod("x", app).labels, &keys), published))
            .into();
        hub.publish("n", keys, snapshots, &HashMap::from([("1", &moved)]));
        assert_eq!(version(&mut opened), Some(published(2).version.clone()));
    }
}
