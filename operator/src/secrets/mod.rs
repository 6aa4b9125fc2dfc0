//! Keys of Secrets that AIProviders name, read as far as the chart allows it and held in memory. Who gets one, the config
//! server decides.
//!
//! ```text
//! controller ─ want ─▶ Secrets ◀─ took ─ keep: a GET of each, again and again
//!                        ├─ room  ─▶ config server ─▶ sidecars ─ refused ─▶ hurry
//!                        └─ fault ─▶ status
//! ```
//!
//! Secrets are got one by one: to list or watch them would take the right to read all of a namespace.

mod keep;
mod value;

pub(crate) use keep::keep;

use crate::config::{OnDelete, SecretAccess};
use k8s_openapi::api::core::v1::Secret;
use pillion_compiler::SecretKey;
use pillion_crds::conditions::reason;
use pillion_snapshot::{Key, Trouble};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use value::trouble;

/// How often a Secret is read whose key some connected sidecar may use.
const USED: Duration = Duration::from_secs(10);
/// How often one is read that only a status speaks of, or that may not be read.
const UNUSED: Duration = Duration::from_secs(60);
/// After an API server that did not answer.
const AGAIN: Duration = Duration::from_secs(5);
/// Between two reads of one Secret, however much they are hurried.
const APART: Duration = Duration::from_secs(1);

/// The keys of one namespace by id, as far as anything is known of them.
pub(crate) type Room = BTreeMap<String, Arc<Key>>;

/// Namespace and name of a Secret.
type Name = (String, String);

/// All keys. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Secrets(Arc<Shared>);

struct Shared {
    access: SecretAccess,
    on_delete: OnDelete,
    /// The operator's, whose Secrets are sent to nobody.
    own_namespace: String,
    inner: Mutex<Inner>,
    hurried: Notify,
}

#[derive(Default)]
struct Inner {
    secrets: BTreeMap<Name, Entry>,
    rooms: HashMap<String, watch::Sender<Arc<Room>>>,
}

/// One Secret.
struct Entry {
    /// Keys that are wanted of it, and what is known of each.
    keys: BTreeMap<String, Option<Arc<Key>>>,
    read: Option<Instant>,
    due: Instant,
}

/// What came of reading a Secret.
enum Outcome {
    Found(Box<Secret>),
    Absent,
    Forbidden,
    /// The API server did not say: what was known stays.
    Unknown,
}

impl Secrets {
    pub(crate) fn new(access: SecretAccess, on_delete: OnDelete, own_namespace: &str) -> Self {
        let (own_namespace, hurried) = (own_namespace.to_owned(), Notify::new());
        Self(Arc::new(Shared { access, on_delete, own_namespace, inner: Mutex::default(), hurried }))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The keys that AIProviders of a namespace name from now on.
    pub(crate) fn want(&self, namespace: &str, wanted: &BTreeSet<SecretKey>) {
        let now = Instant::now();
        let mut inner = self.inner();
        let is_wanted = |secret: &str, key: &str| {
            let key = SecretKey { namespace: namespace.into(), secret: secret.into(), key: key.into() };
            wanted.contains(&key)
        };
        let known: Vec<Name> = inner.of(namespace).map(|(name, _)| name.clone()).collect();
        for name in known {
            let Some(entry) = inner.secrets.get_mut(&name) else { continue };
            entry.keys.retain(|key, _| is_wanted(&name.1, key));
            if entry.keys.is_empty() {
                inner.secrets.remove(&name);
            }
        }
        let refused = self.refused(namespace).map(Arc::new);
        for SecretKey { namespace, secret, key } in wanted {
            let entry = inner.secrets.entry((namespace.clone(), secret.clone()));
            let entry = entry.or_insert_with(|| Entry { keys: BTreeMap::new(), read: None, due: now });
            if !entry.keys.contains_key(key) {
                entry.keys.insert(key.clone(), refused.clone());
                entry.due = now;
            }
        }
        inner.publish(namespace);
        drop(inner);
        self.0.hurried.notify_one();
    }

    /// Why no Secret of a namespace is read at all, where that is so.
    fn refused(&self, namespace: &str) -> Option<Key> {
        let refused = |message: &str| Some(Key::Withdrawn(trouble(reason::REF_NOT_PERMITTED, message.to_owned())));
        if self.0.access == SecretAccess::None {
            return refused(
                "the operator may read no Secret: set the chart's secrets.access, or put the key into the Secret \
                 pillion-credentials and name it with mounted",
            );
        }
        if namespace == self.0.own_namespace {
            return refused("Secrets of the operator's own namespace are sent to nobody: use another namespace");
        }
        None
    }

    /// Follows the keys of a namespace.
    pub(crate) fn room(&self, namespace: &str) -> watch::Receiver<Arc<Room>> {
        let mut inner = self.inner();
        // Somebody uses them now, so they are read more often.
        for (_, entry) in inner.secrets.iter_mut().filter(|((room, _), _)| room == namespace) {
            entry.due = entry.due.min(entry.read.map_or(entry.due, |read| read + USED));
        }
        let room = inner.rooms.entry(namespace.to_owned()).or_default().subscribe();
        drop(inner);
        self.0.hurried.notify_one();
        room
    }

    /// A provider has refused a key: its Secret is read now, unless there is another key already.
    pub(crate) fn hurry(&self, id: &str, generation: &str) {
        let Some(SecretKey { namespace, secret, key }) = SecretKey::parse(id) else { return };
        let mut inner = self.inner();
        let Some(entry) = inner.secrets.get_mut(&(namespace, secret)) else { return };
        let known = entry.keys.get(&key).and_then(Option::as_deref);
        let is_newer = matches!(known, Some(Key::Given { generation: newer, .. }) if newer != generation);
        if !is_newer {
            entry.due = entry.due.min(entry.read.map_or_else(Instant::now, |read| read + APART));
            drop(inner);
            self.0.hurried.notify_one();
        }
    }

    /// Why a key is not there, in a condition's words.
    pub(crate) fn fault(&self, key: &SecretKey) -> Option<(&'static str, String)> {
        let inner = self.inner();
        let entry = inner.secrets.get(&(key.namespace.clone(), key.secret.clone()))?;
        match entry.keys.get(&key.key)?.as_deref()? {
            Key::Missing(trouble) | Key::Withdrawn(trouble) => {
                Some((static_reason(&trouble.reason), trouble.message.clone()))
            }
            Key::Given { .. } | Key::Unknown => None,
        }
    }

    /// The Secrets that are to be read now, and when the next is.
    fn due(&self, now: Instant) -> (Vec<Name>, Option<Instant>) {
        let inner = self.inner();
        let readable = inner.secrets.iter().filter(|((namespace, _), _)| self.refused(namespace).is_none());
        let due = readable.clone().filter(|(_, entry)| entry.due <= now).map(|(name, _)| name.clone()).collect();
        (due, readable.map(|(_, entry)| entry.due).min())
    }

    /// Takes what came of reading a Secret. Whether its namespace is to be judged again.
    fn took(&self, name: &Name, outcome: &Outcome, is_used: bool, now: Instant) -> bool {
        let mut inner = self.inner();
        let Some(entry) = inner.secrets.get_mut(name) else { return false };
        let every = match outcome {
            Outcome::Unknown => AGAIN,
            Outcome::Forbidden => UNUSED,
            Outcome::Found(_) | Outcome::Absent if is_used => USED,
            Outcome::Found(_) | Outcome::Absent => UNUSED,
        };
        entry.read = Some(now);
        entry.due = now + every.mul_f64(0.9 + 0.1 * fastrand::f64());
        let mut changed = false;
        for (key, known) in &mut entry.keys {
            let Some(word) = self.word(name, key, outcome) else { continue };
            if !known.as_deref().is_some_and(|known| is_same(known, &word)) {
                *known = Some(Arc::new(word));
                changed = true;
            }
        }
        if changed {
            inner.publish(&name.0);
        }
        changed
    }

    fn word(&self, (namespace, secret): &Name, key: &str, outcome: &Outcome) -> Option<Key> {
        match outcome {
            Outcome::Unknown => None,
            Outcome::Found(found) => Some(match (value::read(found, key), self.0.on_delete) {
                (Key::Missing(trouble), OnDelete::Revoke) if trouble.reason == reason::SECRET_NOT_FOUND => {
                    Key::Withdrawn(trouble)
                }
                (key, _) => key,
            }),
            Outcome::Absent => {
                let absent = trouble(
                    reason::SECRET_NOT_FOUND,
                    format!("there is no Secret '{secret}' in namespace '{namespace}': create it with key '{key}'"),
                );
                Some(match self.0.on_delete {
                    OnDelete::Retain => Key::Missing(absent),
                    OnDelete::Revoke => Key::Withdrawn(absent),
                })
            }
            Outcome::Forbidden => {
                let wanting = match self.0.access {
                    SecretAccess::None | SecretAccess::Cluster => "see its ClusterRole pillion-keys".to_owned(),
                    SecretAccess::Named => format!("add it to the chart's secrets.named, '{namespace}: [{secret}]'"),
                    SecretAccess::Namespaces => format!("add '{namespace}' to the chart's secrets.namespaces"),
                };
                let message =
                    format!("the operator may not get Secret '{secret}' in namespace '{namespace}': {wanting}");
                Some(Key::Missing(trouble(reason::REF_NOT_PERMITTED, message)))
            }
        }
    }
}

impl Inner {
    /// The Secrets of a namespace.
    fn of(&self, namespace: &str) -> impl Iterator<Item = (&Name, &Entry)> {
        let from = self.secrets.range((namespace.to_owned(), String::new())..);
        from.take_while(move |((room, _), _)| room == namespace)
    }

    /// Brings a room to what is known.
    fn publish(&mut self, namespace: &str) {
        let mut room = Room::new();
        for ((namespace, secret), entry) in self.of(namespace) {
            for (key, known) in &entry.keys {
                let id = SecretKey { namespace: namespace.clone(), secret: secret.clone(), key: key.clone() };
                room.extend(known.clone().map(|known| (id.to_string(), known)));
            }
        }
        let sender = self.rooms.entry(namespace.to_owned()).or_default();
        sender.send_if_modified(|former| {
            let changes = **former != room;
            if changes {
                *former = Arc::new(room);
            }
            changes
        });
        if sender.receiver_count() == 0 && sender.borrow().is_empty() {
            self.rooms.remove(namespace);
        }
    }
}

/// A Secret may change without the key in it.
fn is_same(one: &Key, other: &Key) -> bool {
    match (one, other) {
        (Key::Given { value: one, .. }, Key::Given { value: other, .. }) => one == other,
        _ => one == other,
    }
}

fn static_reason(text: &str) -> &'static str {
    let known = [reason::SECRET_NOT_FOUND, reason::INVALID_SECRET_VALUE];
    known.into_iter().find(|known| *known == text).unwrap_or(reason::REF_NOT_PERMITTED)
}

/// Said to a pod that may hold no key.
pub(crate) fn withheld(message: String) -> Trouble {
    trouble("pod_not_intact", message)
}

#[cfg(test)]
mod tests;
