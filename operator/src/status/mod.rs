//! Status of AIRoutes and AIProviders: the compiler's findings and the sidecars' acks, folded and written by the leader.

mod conditions;
mod credentials;
mod fold;
mod writer;

pub(crate) use writer::Writer;

use crate::config_server::{Classes, Serving};
use pillion_compiler::{Findings, ObjectKey, Workload};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// What was compiled for one namespace.
#[derive(Clone, Debug, Default)]
pub(crate) struct Judged {
    /// The compiler's word on each object.
    pub(crate) objects: BTreeMap<ObjectKey, Findings>,
    /// The objects that each class's snapshot is made of.
    pub(crate) sources: BTreeMap<Workload, Serving>,
    /// What tells the pods apart.
    pub(crate) classes: Classes,
}

/// Where the controller leaves what it compiled and the writer finds it. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Board(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    inner: Mutex<Inner>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    judged: HashMap<String, Arc<Judged>>,
    news: BTreeSet<String>,
}

impl Board {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces what was compiled for a namespace before.
    pub(crate) fn put(&self, namespace: &str, judged: Judged) {
        let mut inner = self.inner();
        if judged.objects.is_empty() && judged.sources.is_empty() {
            inner.judged.remove(namespace);
        } else {
            inner.judged.insert(namespace.to_owned(), Arc::new(judged));
        }
        inner.news.insert(namespace.to_owned());
        drop(inner);
        self.0.news.notify_one();
    }

    fn get(&self, namespace: &str) -> Option<Arc<Judged>> {
        self.inner().judged.get(namespace).cloned()
    }

    fn take_news(&self) -> BTreeSet<String> {
        std::mem::take(&mut self.inner().news)
    }

    async fn news(&self) {
        self.0.news.notified().await;
    }
}
