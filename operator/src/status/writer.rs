//! Writes statuses: the leader only, only what differs, at most once a second an object.

use super::Board;
use super::conditions::{Word, with_times};
use super::fold::{Wanted, fold};
use crate::config_server::peers::Peers;
use crate::config_server::{Acks, Hub, PodAck, newer};
use crate::events::{Events, Regarding};
use crate::index::{Gathered, Index, IndexedPod, Stored};
use crate::kubernetes::{CallError, call, status_code};
use crate::leader::Leadership;
use crate::metrics::{Metrics, ResultLabel};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::{Client, Resource};
use pillion_compiler::ObjectKey;
use pillion_crds::conditions::{ACCEPTED, CREDENTIALS_READY, PROGRAMMED, RESOLVED_REFS};
use pillion_crds::{AIProvider, AIRoute, GROUP, VERSION};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

const FIELD_MANAGER: &str = "pillion-controller";
/// Between two writes of one object.
const APART: Duration = Duration::from_secs(1);
/// A sidecar that is not heard of for this long counts as lost.
const LOST: Duration = Duration::from_secs(30);
/// How often peers are asked and what waits is tried again.
const TICK: Duration = Duration::from_millis(500);
/// After each look.
const COALESCE: Duration = Duration::from_millis(100);
/// For this long a new leader waits for sidecars to report to it or to its peers.
const SETTLING: Duration = Duration::from_secs(5);
/// How often everything is looked at, whatever has been heard.
const FULL: Duration = Duration::from_secs(60);
/// For this long what was written is believed before what the watch says.
const ECHO: Duration = Duration::from_secs(5);

/// Writes statuses until it is dropped.
pub(crate) struct Writer {
    pub(crate) client: Client,
    pub(crate) index: Index,
    pub(crate) hub: Hub,
    pub(crate) board: Board,
    pub(crate) peers: Peers,
    pub(crate) leadership: Leadership,
    pub(crate) events: Events,
    pub(crate) metrics: Metrics,
    state: State,
}

#[derive(Default)]
struct State {
    /// When each namespace is to be looked at.
    due: BTreeMap<String, Instant>,
    /// Since when a started sidecar is not connected anywhere, by pod uid.
    silent: HashMap<String, Instant>,
    /// What each sidecar said last: it goes on serving that while it is silent.
    said: HashMap<String, PodAck>,
    written: HashMap<ObjectKey, Written>,
    /// When everything was looked at last; never, where this replica has not led before.
    looked: Option<Instant>,
    led_since: Option<Instant>,
}

struct Written {
    at: Instant,
    status: Value,
}

impl Writer {
    #[expect(clippy::too_many_arguments, reason = "each is another part of the operator")]
    pub(crate) fn new(
        client: Client,
        index: Index,
        hub: Hub,
        board: Board,
        peers: Peers,
        leadership: Leadership,
        events: Events,
        metrics: Metrics,
    ) -> Self {
        Self { client, index, hub, board, peers, leadership, events, metrics, state: State::default() }
    }

    /// Runs until `shutdown`.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let (board, hub) = (self.board.clone(), self.hub.clone());
            let is_tick = tokio::select! {
                () = shutdown.cancelled() => return,
                _ = tick.tick() => true,
                () = board.news() => false,
                () = hub.acked() => false,
            };
            let begun = Instant::now();
            self.step(is_tick).await;
            // What comes together is written together, and a large cluster is not looked at all the time.
            tokio::time::sleep(COALESCE.max(begun.elapsed() * 2)).await;
        }
    }

    async fn step(&mut self, is_tick: bool) {
        let news = [self.board.take_news(), self.hub.take_acked()];
        if !self.leadership.may_write() {
            self.state = State::default();
            return;
        }
        let now = Instant::now();
        let is_new = self.state.led_since.get_or_insert(now).elapsed() < SETTLING;
        let mut changed: BTreeSet<String> = news.into_iter().flatten().collect();
        let peers_changed = is_tick && self.peers.ask_all().await;
        let is_full = self.state.looked.is_none_or(|looked| looked.elapsed() > FULL);
        if is_full {
            self.state.looked = Some(now);
            self.state.silent.retain(|uid, _| self.index.pod(uid).is_some());
            self.state.said.retain(|uid, _| self.index.pod(uid).is_some());
        }
        if is_full || peers_changed {
            changed.extend(self.index.namespaces());
        }
        self.state.due.extend(changed.into_iter().map(|namespace| (namespace, now)));
        let due: Vec<String> =
            self.state.due.iter().filter(|(_, due)| **due <= now).map(|(namespace, _)| namespace.clone()).collect();
        for namespace in due {
            self.state.due.remove(&namespace);
            if let Settled::In(wait) = self.settle(&namespace, is_new).await {
                self.state.due.insert(namespace, Instant::now() + wait);
            }
        }
        self.state.written.retain(|_, written| written.at.elapsed() < ECHO);
    }

    /// Brings every status of a namespace to where it should be. A new leader waits for sidecars to report to it, or
    /// every status would flip with every change of leaders.
    async fn settle(&mut self, namespace: &str, is_new: bool) -> Settled {
        let Some(judged) = self.board.get(namespace) else {
            return Settled::Yes;
        };
        let gathered = self.index.gather(namespace);
        let (mut settled, unknown) = self.listen(&gathered, &self.hub.acks_in(namespace));
        if is_new && unknown {
            return Settled::In(APART);
        }
        for wanted in fold(&gathered, &judged, |pod| self.word(pod)) {
            settled = settled.sooner(self.bring(&wanted, &gathered).await);
        }
        settled
    }

    /// Notes what sidecars say and which are silent. Whether some may be lost soon, and whether some never said a word.
    fn listen(&mut self, gathered: &Gathered, acks: &Acks) -> (Settled, bool) {
        let (mut settled, mut unknown) = (Settled::Yes, false);
        for pod in gathered.pods.iter().filter(|pod| pod.counts()) {
            let heard = [acks.get(&pod.uid), self.peers.ack(&pod.uid)].into_iter().flatten().reduce(newer).cloned();
            match heard {
                Some(ack) => {
                    self.state.silent.remove(&pod.uid);
                    let said = self.state.said.entry(pod.uid.clone()).or_default();
                    // A sidecar that has reconnected and not spoken yet serves what it did before.
                    let serving = ack.serving.or_else(|| said.serving.take());
                    let credentials = ack.credentials.or_else(|| said.credentials.take());
                    *said = PodAck { serving, credentials, ..ack };
                }
                None => {
                    let since = *self.state.silent.entry(pod.uid.clone()).or_insert_with(Instant::now);
                    if since.elapsed() <= LOST {
                        settled = Settled::In(LOST / 10);
                    }
                }
            }
            unknown |= self.state.said.get(&pod.uid).is_none_or(|said| said.serving.is_none());
        }
        (settled, unknown)
    }

    fn word(&self, pod: &IndexedPod) -> Word {
        let silence = self.state.silent.get(&pod.uid).map(Instant::elapsed);
        match (self.state.said.get(&pod.uid), silence) {
            (_, Some(silence)) if silence > LOST => Word::Silent { long: true },
            (Some(ack), _) => Word::Said(ack.clone()),
            (None, _) => Word::Silent { long: false },
        }
    }

    async fn bring(&mut self, wanted: &Wanted, gathered: &Gathered) -> Settled {
        let Some((version, mut former)) = stored_status(wanted, gathered) else {
            return Settled::Yes;
        };
        if let Some(written) = self.state.written.get(&wanted.key).filter(|written| written.at.elapsed() < ECHO) {
            former.clone_from(&written.status);
            if written.at.elapsed() < APART {
                let next = status(wanted, &former);
                return if next == former { Settled::Yes } else { Settled::In(APART) };
            }
        } else if wanted.is_broken {
            former = self.live_status(&wanted.key).await.unwrap_or_default();
        }
        let next = status(wanted, &former);
        if next == former {
            return Settled::Yes;
        }
        if !self.leadership.may_write() {
            return Settled::In(APART);
        }
        // With the version that this is based on: what a former leader or another hand wrote meanwhile is seen first.
        let patch = json!({"metadata": {"resourceVersion": version}, "status": patch(&former, &next)});
        match self.patch(&wanted.key, &patch).await {
            Ok(()) => {
                self.metrics.status_writes.get_or_create(&ResultLabel { result: "ok" }).inc();
                self.tell(wanted, gathered, &former, &next);
                self.state.written.insert(wanted.key.clone(), Written { at: Instant::now(), status: next });
                Settled::Yes
            }
            Err(error) => {
                self.metrics.status_writes.get_or_create(&ResultLabel { result: "error" }).inc();
                self.state.written.remove(&wanted.key);
                match status_code(&error) {
                    Some(404) => Settled::Yes,
                    Some(409) => Settled::In(APART / 4),
                    _ => {
                        tracing::warn!(object = %wanted.key, %error, "failed to write a status");
                        // Not again at once: it would fail again, for this object and for the others.
                        let status = former;
                        self.state.written.insert(wanted.key.clone(), Written { at: Instant::now(), status });
                        Settled::In(APART)
                    }
                }
            }
        }
    }

    fn api(&self, key: &ObjectKey) -> Api<DynamicObject> {
        let kind = GroupVersionKind::gvk(GROUP, VERSION, key.kind);
        let plural = if key.kind == "AIRoute" { AIRoute::plural(&()) } else { AIProvider::plural(&()) };
        let resource = ApiResource::from_gvk_with_plural(&kind, &plural);
        Api::namespaced_with(self.client.clone(), &key.namespace, &resource)
    }

    async fn patch(&self, key: &ObjectKey, patch: &Value) -> Result<(), CallError> {
        let params = PatchParams { field_manager: Some(FIELD_MANAGER.into()), ..Default::default() };
        call(self.api(key).patch_status(&key.name, &params, &Patch::Merge(patch))).await.map(drop)
    }

    async fn live_status(&self, key: &ObjectKey) -> Option<Value> {
        call(self.api(key).get_opt(&key.name)).await.ok()??.data.get("status").cloned()
    }

    /// One event for each condition that flipped, and for each that is bad from the start.
    fn tell(&self, wanted: &Wanted, gathered: &Gathered, former: &Value, next: &Value) {
        let (former, next) = (conditions(former), conditions(next));
        const TOLD: [&str; 4] = [ACCEPTED, RESOLVED_REFS, CREDENTIALS_READY, PROGRAMMED];
        for condition in next.iter().filter(|condition| TOLD.contains(&condition.type_.as_str())) {
            let old = former.iter().find(|old| old.type_ == condition.type_);
            let is_progress = condition.reason == "Pending";
            let flipped = old.is_some_and(|old| old.status != condition.status);
            let bad_start = old.is_none() && condition.status == "False";
            if is_progress || !(flipped || bad_start) {
                continue;
            }
            let note = format!("{} is {}: {}", condition.type_, condition.status, condition.message);
            let regarding = regarding(wanted, gathered);
            if condition.status == "True" {
                self.events.tell(&condition.reason, "Reconciling", note, regarding);
            } else {
                self.events.warn(&condition.reason, "Reconciling", note, regarding);
            }
        }
    }
}

/// Whether a namespace's statuses are as they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Settled {
    Yes,
    /// To be looked at again after this long.
    In(Duration),
}

impl Settled {
    fn sooner(self, other: Self) -> Self {
        match (self, other) {
            (Self::In(one), Self::In(other)) => Self::In(one.min(other)),
            (Self::Yes, other) => other,
            (one, Self::Yes) => one,
        }
    }
}

fn conditions(status: &Value) -> Vec<Condition> {
    status.get("conditions").and_then(|list| serde_json::from_value(list.clone()).ok()).unwrap_or_default()
}

/// The whole status as it should be, given the one that is there.
fn status(wanted: &Wanted, former: &Value) -> Value {
    let now = Time(Timestamp::now());
    let conditions = with_times(&wanted.claims, &conditions(former), wanted.generation, &now);
    let mut status = former.as_object().cloned().unwrap_or_default();
    if !wanted.is_broken {
        status.remove("identity");
    }
    status.insert("conditions".into(), serde_json::to_value(conditions).unwrap_or_default());
    status.insert("observedGeneration".into(), wanted.generation.into());
    status.extend(wanted.fields.clone());
    status.into()
}

/// The merge patch that makes `next` of `former`: what is no more is named as null.
fn patch(former: &Value, next: &Value) -> Value {
    let gone = former.as_object().into_iter().flatten().filter(|(field, _)| next.get(field).is_none());
    let mut patch: Map<String, Value> = gone.map(|(field, _)| (field.clone(), Value::Null)).collect();
    patch.extend(next.as_object().cloned().unwrap_or_default());
    patch.into()
}

/// Resource version and status of the stored object.
fn stored_status(wanted: &Wanted, gathered: &Gathered) -> Option<(String, Value)> {
    fn of<T: Resource + serde::Serialize>(list: &[Stored<T>], name: &str) -> Option<(String, Value)> {
        let stored = list.iter().find(|stored| stored.metadata().name.as_deref() == Some(name))?;
        let version = stored.metadata().resource_version.clone()?;
        let object = stored.object.as_deref().and_then(|object| serde_json::to_value(object).ok()).unwrap_or_default();
        Some((version, object.get("status").cloned().unwrap_or_default()))
    }
    match wanted.key.kind {
        "AIRoute" => of(&gathered.routes, &wanted.key.name),
        _ => of(&gathered.providers, &wanted.key.name),
    }
}

fn regarding(wanted: &Wanted, gathered: &Gathered) -> Regarding {
    fn uid<T>(list: &[Stored<T>], name: &str) -> String {
        let stored = list.iter().find(|stored| stored.metadata().name.as_deref() == Some(name));
        stored.and_then(|stored| stored.metadata().uid.clone()).unwrap_or_default()
    }
    let key = &wanted.key;
    let uid =
        if key.kind == "AIRoute" { uid(&gathered.routes, &key.name) } else { uid(&gathered.providers, &key.name) };
    Regarding {
        api_version: format!("{GROUP}/{VERSION}"),
        kind: key.kind.into(),
        namespace: key.namespace.clone(),
        name: key.name.clone(),
        uid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_holds_no_more_is_taken_away_and_one_of_others_stays() {
        let key = ObjectKey { kind: "AIProvider", namespace: "n".into(), name: "p".into() };
        let fields = Map::from_iter([("routes".to_owned(), 1.into())]);
        let wanted = Wanted { key, generation: 2, claims: vec![], fields, is_broken: false };
        let former = json!({"identity": "Static", "routes": 3, "ofOthers": true});
        let next = status(&wanted, &former);
        assert_eq!(next, json!({"conditions": [], "observedGeneration": 2, "routes": 1, "ofOthers": true}));
        assert_eq!(patch(&former, &next)["identity"], Value::Null);
        assert_eq!(patch(&next, &next), next);
    }
}
