//! The keys of one stream: what its sidecar is to be told of them, and what it was.

use super::holders::Holders;
use crate::index::IndexedPod;
use crate::inject::Intact;
use crate::secrets::Room;
use pillion_compiler::SecretKey;
use pillion_snapshot::{Key, Keys};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::watch;

/// Gives keys to one sidecar, for as long as its pod may hold them.
pub(super) struct Giving {
    pod: Arc<IndexedPod>,
    /// The keys of the pod's namespace.
    room: watch::Receiver<Arc<Room>>,
    /// The pod's spec as the index has it.
    intact: watch::Receiver<Intact>,
    holders: Arc<dyn Holders>,
    /// The pod was looked at itself, not at the index's word.
    looked: bool,
    told: BTreeMap<String, Arc<Key>>,
}

impl Giving {
    pub(super) fn new(
        pod: Arc<IndexedPod>,
        room: watch::Receiver<Arc<Room>>,
        intact: watch::Receiver<Intact>,
        holders: Arc<dyn Holders>,
    ) -> Self {
        Self { pod, room, intact, holders, looked: false, told: BTreeMap::new() }
    }

    /// Waits until there may be news. Pends for ever once nobody can bring any.
    pub(super) async fn changed(&mut self) {
        let changed = tokio::select! {
            changed = self.room.changed() => changed,
            changed = self.intact.changed() => changed,
        };
        if changed.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// What is news of the keys that a snapshot names. Where the API server does not say what the pod is now, there is
    /// none, and the next call asks again.
    pub(super) async fn news(&mut self, wanted: &BTreeSet<String>) -> Option<Keys> {
        self.told.retain(|id, _| wanted.contains(id));
        if wanted.is_empty() {
            return None;
        }
        let room = self.room.borrow_and_update().clone();
        let by_index = self.holders.judge(&self.intact.borrow_and_update().clone());
        let verdict = match by_index {
            Ok(()) if !self.looked => self.holders.look(&self.pod).await?,
            verdict => verdict,
        };
        self.looked |= verdict.is_ok();
        let withheld = verdict.err().map(|trouble| Arc::new(Key::Withdrawn(trouble)));
        let mut news = Keys::new();
        for id in wanted {
            let Some(key) = withheld.as_ref().or_else(|| room.get(id)) else { continue };
            if self.told.get(id) != Some(key) {
                self.note(id, key);
                self.told.insert(id.clone(), key.clone());
                news.insert(id.clone(), (**key).clone());
            }
        }
        (!news.is_empty()).then_some(news)
    }

    /// The audit's line: who gets what, never the value.
    fn note(&self, id: &str, key: &Key) {
        let Some(SecretKey { namespace, secret, key: of_secret }) = SecretKey::parse(id) else { return };
        let pod = &self.pod.name;
        match key {
            Key::Given { generation, .. } => {
                tracing::info!(namespace, pod, secret, key = of_secret, generation, "a key is given to a sidecar");
            }
            Key::Withdrawn(trouble) => {
                let reason = &trouble.message;
                tracing::warn!(namespace, pod, secret, key = of_secret, reason, "a key is withheld from a sidecar");
            }
            Key::Missing(_) | Key::Unknown => {}
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::secrets::withheld;
    use futures::future::BoxFuture;
    use pillion_snapshot::Trouble;
    use std::sync::Mutex;

    /// Judges a pod by its fault, and a live one by what is set here.
    #[derive(Default)]
    pub(in super::super) struct Judge(pub(in super::super) Mutex<Option<Intact>>);

    impl Holders for Judge {
        fn judge(&self, intact: &Intact) -> Result<(), Trouble> {
            intact.fault.map_or(Ok(()), |fault| Err(withheld(fault.into())))
        }

        fn look<'a>(&'a self, _: &'a IndexedPod) -> BoxFuture<'a, Option<Result<(), Trouble>>> {
            let live = self.0.lock().unwrap().clone();
            Box::pin(async move { live.map(|intact| self.judge(&intact)) })
        }
    }

    fn intact(fault: Option<&'static str>) -> Intact {
        Intact { fault, image: String::new(), seal: String::new() }
    }

    fn room(value: &str) -> Arc<Room> {
        let key = Key::Given { generation: value.into(), value: value.into() };
        Arc::new([("n/a/k".to_owned(), Arc::new(key.clone())), ("n/b/k".to_owned(), Arc::new(key))].into())
    }

    fn wanted() -> BTreeSet<String> {
        ["n/a/k".to_owned()].into()
    }

    fn shown(news: Option<Keys>) -> Vec<String> {
        let shown = |key: Key| match key {
            Key::Given { value, .. } => value,
            Key::Withdrawn(trouble) | Key::Missing(trouble) => trouble.message,
            Key::Unknown => "unknown".into(),
        };
        news.unwrap_or_default().into_iter().map(|(id, key)| format!("{id} {}", shown(key))).collect()
    }

    #[tokio::test]
    async fn a_sidecar_is_told_what_its_snapshot_names_once_and_again_when_it_changes() {
        let (rooms, room_of) = watch::channel(room("sk-1"));
        let (_pods, pod) = watch::channel(intact(None));
        let judge = Arc::new(Judge::default());
        let mut giving = Giving::new(crate::config_server::stream::tests::pod(), room_of, pod, judge.clone());
        assert_eq!(giving.news(&BTreeSet::new()).await, None, "nothing is asked of the API server for nothing");
        assert_eq!(giving.news(&wanted()).await, None, "the API server does not say what the pod is");
        *judge.0.lock().unwrap() = Some(intact(None));
        assert_eq!(shown(giving.news(&wanted()).await), ["n/a/k sk-1"]);
        assert_eq!(giving.news(&wanted()).await, None);
        rooms.send_replace(room("sk-2"));
        giving.changed().await;
        assert_eq!(shown(giving.news(&wanted()).await), ["n/a/k sk-2"]);
    }

    #[tokio::test]
    async fn a_pod_that_was_changed_gets_nothing_and_is_told_to_forget() {
        let (_rooms, room_of) = watch::channel(room("sk-1"));
        let (pods, pod) = watch::channel(intact(None));
        let judge = Arc::new(Judge(Mutex::new(Some(intact(Some("a debugger"))))));
        let mut giving = Giving::new(crate::config_server::stream::tests::pod(), room_of, pod, judge.clone());
        assert_eq!(shown(giving.news(&wanted()).await), ["n/a/k a debugger"], "the live pod counts, not the index");
        *judge.0.lock().unwrap() = Some(intact(None));
        assert_eq!(shown(giving.news(&wanted()).await), ["n/a/k sk-1"]);
        pods.send_replace(intact(Some("an ephemeral container")));
        giving.changed().await;
        assert_eq!(shown(giving.news(&wanted()).await), ["n/a/k an ephemeral container"]);
    }
}
