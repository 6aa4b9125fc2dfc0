//! Keys that the operator streams: held in memory only. One that a provider refuses is asked about at once.

use super::KeyError;
use crate::identity::secret::{Document, Secret};
use pillion_snapshot::{Key, Keys, RefusedKey, Trouble};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout_at};

/// A request waits so long for another key in the place of one that was refused.
const LONGEST_WAIT: Duration = Duration::from_secs(3);
/// The operator is asked about the same key once in this time, whoever is refused.
const ASK_AGAIN: Duration = Duration::from_secs(10);

/// Keys by id. Has no `Debug`: they are bytes.
pub(crate) struct Streamed {
    held: Mutex<BTreeMap<String, Held>>,
    /// Counts changes: two keys never have the same number.
    numbers: AtomicU64,
    changed: watch::Sender<()>,
    /// When the operator was last asked about a key, and about which.
    asked: Mutex<BTreeMap<String, (u64, Instant)>>,
    questions: Mutex<BTreeMap<String, RefusedKey>>,
    to_ask: Notify,
    has_operator: AtomicBool,
}

/// What was said of one id.
#[derive(Clone, Default)]
struct Held {
    given: Option<Given>,
    /// Why there is no key, or no newer one.
    trouble: Option<Trouble>,
}

#[derive(Clone)]
struct Given {
    number: u64,
    generation: String,
    content: Document,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Default for Streamed {
    fn default() -> Self {
        Self {
            held: Mutex::default(),
            numbers: AtomicU64::new(1),
            changed: watch::Sender::new(()),
            asked: Mutex::default(),
            questions: Mutex::default(),
            to_ask: Notify::new(),
            has_operator: AtomicBool::new(false),
        }
    }
}

impl Streamed {
    /// Takes what the operator says; what it says nothing of stays.
    pub(crate) fn take(&self, keys: Keys) {
        let mut held = locked(&self.held);
        for (id, key) in keys {
            let entry = held.entry(id).or_default();
            match key {
                Key::Given { generation, value } => {
                    if entry.given.as_ref().is_none_or(|given| given.content.as_bytes() != value.as_bytes()) {
                        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
                        entry.given = Some(Given { number, generation, content: Document::new(value.into_bytes()) });
                    }
                    entry.trouble = None;
                }
                Key::Missing(trouble) => entry.trouble = Some(trouble),
                Key::Withdrawn(trouble) => *entry = Held { given: None, trouble: Some(trouble) },
                Key::Unknown => {}
            }
        }
        drop(held);
        self.changed.send_replace(());
    }

    /// Forgets every key that is not one of these.
    pub(crate) fn keep_only(&self, ids: &BTreeSet<&str>) {
        locked(&self.held).retain(|id, _| ids.contains(id.as_str()));
        locked(&self.asked).retain(|id, _| ids.contains(id.as_str()));
    }

    /// The key, to be sent in a header or a query.
    pub(crate) fn get(&self, id: &str) -> Result<Secret, KeyError> {
        let content = self.document(id)?;
        Secret::parse(content.as_bytes()).map_err(|why| KeyError::Unusable { key: id.into(), why })
    }

    /// What the key holds.
    pub(crate) fn document(&self, id: &str) -> Result<Document, KeyError> {
        match locked(&self.held).get(id) {
            Some(Held { given: Some(given), .. }) => Ok(given.content.clone()),
            Some(Held { trouble: Some(trouble), .. }) => {
                Err(KeyError::Withheld { key: id.into(), trouble: Box::new(trouble.clone()) })
            }
            _ => Err(KeyError::NotSent(id.into())),
        }
    }

    /// Tells a key from what the same id held before and later.
    pub(crate) fn number(&self, id: &str) -> Option<u64> {
        locked(&self.held).get(id)?.given.as_ref().map(|given| given.number)
    }

    /// Why there is no newer one.
    pub(crate) fn trouble(&self, id: &str) -> Option<Trouble> {
        locked(&self.held).get(id)?.trouble.clone()
    }

    /// A provider has refused the key of this number. Returns whether there is another by now; the operator is asked and
    /// waited for, once in a while.
    pub(crate) async fn refused(&self, id: &str, number: u64, by: Instant) -> bool {
        let mut changed = self.changed.subscribe();
        let until = match self.ask(id, number) {
            Asked::Newer => return true,
            Asked::Stands => return false,
            Asked::Until(until) => until.min(by),
        };
        while timeout_at(until, changed.changed()).await.is_ok_and(|changed| changed.is_ok()) {
            if self.number(id) != Some(number) {
                return self.number(id).is_some();
            }
        }
        false
    }

    fn ask(&self, id: &str, number: u64) -> Asked {
        let generation = match locked(&self.held).get(id).and_then(|held| held.given.as_ref()) {
            None => return Asked::Stands,
            Some(given) if given.number != number => return Asked::Newer,
            Some(given) => given.generation.clone(),
        };
        if !self.has_operator.load(Ordering::Relaxed) {
            return Asked::Stands;
        }
        let now = Instant::now();
        let mut asked = locked(&self.asked);
        match asked.get(id) {
            Some((about, at)) if *about == number && now < *at + LONGEST_WAIT => {
                return Asked::Until(*at + LONGEST_WAIT);
            }
            Some((about, at)) if *about == number && now < *at + ASK_AGAIN => return Asked::Stands,
            _ => drop(asked.insert(id.to_owned(), (number, now))),
        }
        locked(&self.questions).insert(id.to_owned(), RefusedKey { id: id.to_owned(), generation });
        self.to_ask.notify_one();
        Asked::Until(now + LONGEST_WAIT)
    }

    /// There is an operator that can be asked.
    pub(crate) fn has_operator(&self) {
        self.has_operator.store(true, Ordering::Relaxed);
    }

    /// Waits until there is something to ask the operator.
    pub(crate) async fn to_ask(&self) {
        self.to_ask.notified().await;
    }

    /// What is to be asked.
    pub(crate) fn questions(&self) -> Vec<RefusedKey> {
        std::mem::take(&mut *locked(&self.questions)).into_values().collect()
    }
}

enum Asked {
    /// There is another already.
    Newer,
    /// The operator has nothing else.
    Stands,
    /// It is asked and may answer until then.
    Until(Instant),
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    const ID: &str = "n/openai/api-key";

    fn given(generation: &str, value: &str) -> Keys {
        [(ID.to_owned(), Key::Given { generation: generation.into(), value: value.into() })].into()
    }

    fn trouble() -> Trouble {
        Trouble { reason: "SecretNotFound".into(), message: "there is no Secret 'openai'".into() }
    }

    fn value(streamed: &Streamed) -> Result<String, KeyError> {
        streamed.get(ID).map(|secret| secret.header("").unwrap().to_str().unwrap().to_owned())
    }

    #[test]
    fn a_key_that_is_missing_is_kept_and_one_that_is_withdrawn_is_forgotten() {
        let streamed = Streamed::default();
        assert_eq!(value(&streamed), Err(KeyError::NotSent(ID.into())));
        streamed.take([(ID.to_owned(), Key::Missing(trouble()))].into());
        assert_eq!(value(&streamed), Err(KeyError::Withheld { key: ID.into(), trouble: Box::new(trouble()) }));
        streamed.take(given("1", "sk-1\n"));
        assert_eq!(value(&streamed), Ok("sk-1".into()));
        assert_eq!(streamed.trouble(ID), None);
        streamed.take([(ID.to_owned(), Key::Missing(trouble()))].into());
        assert_eq!(value(&streamed), Ok("sk-1".into()));
        assert_eq!(streamed.trouble(ID), Some(trouble()));
        streamed.take([(ID.to_owned(), Key::Unknown)].into());
        assert_eq!(value(&streamed), Ok("sk-1".into()));
        streamed.take([(ID.to_owned(), Key::Withdrawn(trouble()))].into());
        assert_eq!(value(&streamed), Err(KeyError::Withheld { key: ID.into(), trouble: Box::new(trouble()) }));
    }

    #[test]
    fn what_no_snapshot_names_is_forgotten() {
        let streamed = Streamed::default();
        streamed.take(given("1", "sk-1"));
        streamed.keep_only(&BTreeSet::from([ID]));
        assert_eq!(value(&streamed), Ok("sk-1".into()));
        streamed.keep_only(&BTreeSet::new());
        assert_eq!(value(&streamed), Err(KeyError::NotSent(ID.into())));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_key_is_asked_about_once_and_the_next_is_waited_for() {
        let streamed = Arc::new(Streamed::default());
        streamed.take(given("1", "sk-1"));
        let number = streamed.number(ID).unwrap();
        let by = Instant::now() + Duration::from_secs(60);
        assert!(!streamed.refused(ID, number, by).await, "nobody to ask");
        streamed.has_operator();
        let answer = async {
            streamed.to_ask().await;
            assert_eq!(streamed.questions(), [RefusedKey { id: ID.into(), generation: "1".into() }]);
            tokio::time::sleep(Duration::from_secs(1)).await;
            streamed.take(given("2", "sk-2"));
        };
        let (one, other, ()) = tokio::join!(streamed.refused(ID, number, by), streamed.refused(ID, number, by), answer);
        assert!(one && other);
        assert_eq!(streamed.questions(), []);
        assert!(streamed.refused(ID, number, by).await, "there is another by now");
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_that_the_operator_has_no_other_for_costs_one_request_in_ten_seconds_its_wait() {
        let streamed = Streamed::default();
        streamed.has_operator();
        streamed.take(given("1", "sk-1"));
        let number = streamed.number(ID).unwrap();
        let by = Instant::now() + Duration::from_secs(60);
        let waited = |began: Instant| began.elapsed().as_secs();
        let began = Instant::now();
        assert!(!streamed.refused(ID, number, by).await);
        assert_eq!(waited(began), 3);
        streamed.take(given("9", "sk-1"));
        assert!(!streamed.refused(ID, number, by).await, "the same key in a newer Secret is no other");
        assert_eq!(waited(began), 3);
        tokio::time::sleep(ASK_AGAIN).await;
        assert!(!streamed.refused(ID, number, by).await);
        assert_eq!(streamed.questions().len(), 1);
    }
}
