//! Which streams there are, what each is to get, and what its sidecar said; does no I/O.

use crate::config_server::acks::{Acks, PodAck, newer};
use crate::config_server::class::Classes;
use crate::config_server::line::Published;
use crate::index::IndexedPod;
use crate::inject::Intact;
use crate::metrics::Metrics;
use pillion_compiler::Workload;
use pillion_snapshot::{Ack, CredentialState, Credentials, Outcome, ProviderKey, Trouble};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::{Notify, watch};

/// A sidecar that reconnects may hold its former stream for a moment; more than this is a fault of its own.
const MAX_STREAMS_PER_POD: usize = 2;

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
    classes: Classes,
    snapshots: BTreeMap<Workload, Arc<Published>>,
    streams: BTreeSet<u64>,
}

#[derive(Debug)]
struct Stream {
    pod: Arc<IndexedPod>,
    newest: watch::Sender<Option<Arc<Published>>>,
    intact: watch::Sender<Intact>,
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
    /// Whether its sidecar is what injection made of it.
    pub(crate) intact: watch::Receiver<Intact>,
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
        let snapshot = room.snapshots.get(&room.classes.of(pod)).cloned();
        room.streams.insert(id);
        let (newest, newest_receiver) = watch::channel(snapshot);
        let (ended, ended_receiver) = watch::channel(None);
        let (intact, intact_receiver) = watch::channel(pod.intact.clone());
        let ack = PodAck { connected_at: now(), ..PodAck::default() };
        inner.streams.insert(id, Stream { pod: pod.clone(), newest, intact, ended, ack });
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
        Opened { id, name, hub: self.clone(), newest: newest_receiver, intact: intact_receiver, ended: ended_receiver }
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

    /// Whether any pod of a namespace holds a stream.
    pub(crate) fn has_streams(&self, namespace: &str) -> bool {
        self.inner().rooms.get(namespace).is_some_and(|room| !room.streams.is_empty())
    }

    /// Whether what a pod was sent names this key.
    pub(crate) fn may_use(&self, pod_uid: &str, key: &str) -> bool {
        let inner = self.inner();
        let streams = inner.by_pod.get(pod_uid).into_iter().flatten().filter_map(|id| inner.streams.get(id));
        streams
            .into_iter()
            .any(|stream| stream.newest.borrow().as_ref().is_some_and(|newest| newest.keys.contains(key)))
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
        classes: Classes,
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
        room.classes = classes;
        room.snapshots = snapshots;
        for id in &room.streams {
            let Some(stream) = inner.streams.get_mut(id) else {
                continue;
            };
            if let Some(pod) = pods.get(stream.pod.uid.as_str()) {
                stream.pod = Arc::clone(pod);
                stream.intact.send_if_modified(|intact| {
                    let changes = *intact != pod.intact;
                    if changes {
                        intact.clone_from(&pod.intact);
                    }
                    changes
                });
            }
            let Some(snapshot) = room.snapshots.get(&room.classes.of(&stream.pod)) else {
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
        let mut inner = self.inner();
        let Some(stream) = self.stream_of(&mut inner, pod_uid, &ack.stream) else { return false };
        let refused = match ack.outcome {
            Outcome::Applied => None,
            Outcome::Refused { reason } => Some(clean(&reason, 256)),
        };
        let newest = stream.newest.borrow().as_ref().map(|published| published.sources.clone()).unwrap_or_default();
        // A sidecar serves what it was sent, mostly: then one map is held for all of its class. Of another one only
        // what is asked about is kept.
        let serving = if *newest == ack.serving {
            newest
        } else {
            Arc::new(ack.serving.into_iter().filter(|(object, _)| newest.contains_key(object)).collect())
        };
        let said = PodAck { serving: Some(serving), refused, ..stream.ack.clone() };
        self.take(inner, said, pod_uid, &ack.stream);
        true
    }

    /// Takes what a sidecar says of its credentials; `false` where the stream is not one of this pod's here.
    pub(crate) fn credentials(&self, pod_uid: &str, said: Credentials) -> bool {
        let mut inner = self.inner();
        let Some(stream) = self.stream_of(&mut inner, pod_uid, &said.stream) else { return false };
        let newest = stream.newest.borrow().as_ref().map(|published| published.sources.clone()).unwrap_or_default();
        let asked = |key: &ProviderKey| newest.contains_key(&format!("AIProvider/{}", key.0));
        let states = said.providers.into_iter().filter(|(key, _)| asked(key)).map(|(key, state)| (key, cleaned(state)));
        let credentials = Some(Arc::new(states.collect()));
        let ack = PodAck { credentials, ..stream.ack.clone() };
        self.take(inner, ack, pod_uid, &said.stream);
        true
    }

    /// The stream of this name, where it is this pod's.
    fn stream_of<'a>(&self, inner: &'a mut Inner, pod_uid: &str, name: &str) -> Option<&'a mut Stream> {
        let id = name.strip_prefix(&format!("{}/", self.0.replica))?.parse().ok()?;
        inner.streams.get_mut(&id).filter(|stream| stream.pod.uid == pod_uid)
    }

    fn take(&self, mut inner: MutexGuard<'_, Inner>, said: PodAck, pod_uid: &str, name: &str) {
        let Some(stream) = self.stream_of(&mut inner, pod_uid, name).filter(|stream| stream.ack != said) else {
            return;
        };
        stream.ack = said;
        let namespace = stream.pod.namespace.clone();
        inner.note(&namespace);
        drop(inner);
        self.0.acked.notify_one();
    }

    /// What the connected sidecars of this replica serve.
    pub(crate) fn acks(&self) -> Acks {
        gather(self.inner().streams.values())
    }

    /// What those of one namespace serve.
    pub(crate) fn acks_in(&self, namespace: &str) -> Acks {
        let inner = self.inner();
        let ids = inner.rooms.get(namespace).map(|room| &room.streams).into_iter().flatten();
        gather(ids.filter_map(|id| inner.streams.get(id)))
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

fn gather<'a>(streams: impl Iterator<Item = &'a Stream>) -> Acks {
    let mut acks = Acks::new();
    for stream in streams {
        let known = acks.get(&stream.pod.uid).unwrap_or(&stream.ack);
        let ack = newer(known, &stream.ack).clone();
        acks.insert(stream.pod.uid.clone(), ack);
    }
    acks
}

impl Inner {
    fn note(&mut self, namespace: &str) {
        self.revision += 1;
        self.acked.insert(namespace.to_owned());
    }
}

/// A pod's words as others may see them.
fn clean(words: &str, longest: usize) -> String {
    words.chars().filter(|c| !c.is_control()).take(longest).collect()
}

fn cleaned(state: CredentialState) -> CredentialState {
    let clean =
        |trouble: Trouble| Trouble { reason: clean(&trouble.reason, 64), message: clean(&trouble.message, 512) };
    match state {
        CredentialState::Failed(trouble) => CredentialState::Failed(clean(trouble)),
        CredentialState::NotRenewed(trouble) => CredentialState::NotRenewed(clean(trouble)),
        other => other,
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
