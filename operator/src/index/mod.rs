//! What the watches have told of the cluster, by namespace; knows which namespaces changed, does no I/O.
//!
//! ```text
//! AIProviders ─┐                      ┌─ providers, routes (the last good one of each, and what is wrong with it)
//! AIRoutes ────┼─▶ State ─ namespace ─┤
//! Pods ────────┘     │                └─ injected pods
//! ServiceAccounts ───┤                      └─ what its service accounts claim
//! Namespaces ────────┴─ labels               └──▶ changed namespaces ──▶ controllers
//! ```

mod pod;
mod stored;
pub(crate) mod watch;

pub(crate) use pod::IndexedPod;
pub(crate) use stored::Stored;

use pillion_compiler::AccountIdentity;
use pillion_crds::{AIProvider, AIRoute};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// The kinds that are watched; ready is who has heard of all.
pub(crate) const KINDS: [&str; 5] = ["AIProvider", "AIRoute", "Namespace", "Pod", "ServiceAccount"];

/// Names an object within its kind.
pub(crate) type Name = (String, String);

/// Everything known of the cluster. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    namespaces: HashMap<String, Namespace>,
    labels: HashMap<String, BTreeMap<String, String>>,
    pods: HashMap<String, Name>,
    changed: BTreeSet<String>,
    heard: BTreeSet<&'static str>,
}

#[derive(Debug, Default)]
struct Namespace {
    providers: BTreeMap<String, Stored<AIProvider>>,
    routes: BTreeMap<String, Stored<AIRoute>>,
    pods: BTreeMap<String, Arc<IndexedPod>>,
    /// Those that claim anything.
    accounts: BTreeMap<String, AccountIdentity>,
}

/// All that concerns one namespace.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gathered {
    /// As stored.
    pub(crate) providers: Vec<Stored<AIProvider>>,
    /// As stored.
    pub(crate) routes: Vec<Stored<AIRoute>>,
    /// Injected pods, the finished ones included.
    pub(crate) pods: Vec<Arc<IndexedPod>>,
    /// What service accounts claim, by name; those that claim nothing are not here.
    pub(crate) accounts: BTreeMap<String, AccountIdentity>,
}

impl Namespace {
    fn is_empty(&self) -> bool {
        self.providers.is_empty() && self.routes.is_empty() && self.pods.is_empty() && self.accounts.is_empty()
    }
}

impl Index {
    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is one map operation: a panic in between leaves nothing half done.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a namespace is to be compiled again.
    pub(crate) fn touch(&self, namespace: &str) {
        self.state().changed.insert(namespace.to_owned());
        self.0.changed.notify_one();
    }

    /// Waits until a namespace has changed.
    pub(crate) async fn changed(&self) {
        while self.state().changed.is_empty() {
            self.0.changed.notified().await;
        }
    }

    /// The namespaces that changed since this was asked last.
    pub(crate) fn take_changed(&self) -> BTreeSet<String> {
        std::mem::take(&mut self.state().changed)
    }

    /// Notes that all objects of a kind have been heard of.
    pub(crate) fn note_heard(&self, kind: &'static str) {
        self.state().heard.insert(kind);
        self.0.changed.notify_one();
    }

    /// The kinds that have not been heard of in whole yet.
    pub(crate) fn unheard(&self) -> Vec<&'static str> {
        let state = self.state();
        KINDS.into_iter().filter(|kind| !state.heard.contains(kind)).collect()
    }

    /// Labels of a namespace, where it is known.
    pub(crate) fn namespace_labels(&self, namespace: &str) -> Option<BTreeMap<String, String>> {
        self.state().labels.get(namespace).cloned()
    }

    /// A pod by its uid.
    pub(crate) fn pod(&self, uid: &str) -> Option<Arc<IndexedPod>> {
        let state = self.state();
        let (namespace, name) = state.pods.get(uid)?;
        state.namespaces.get(namespace)?.pods.get(name).cloned()
    }

    /// Everything of one namespace.
    pub(crate) fn gather(&self, namespace: &str) -> Gathered {
        let state = self.state();
        state.namespaces.get(namespace).map_or_else(Gathered::default, |namespace| Gathered {
            providers: namespace.providers.values().cloned().collect(),
            routes: namespace.routes.values().cloned().collect(),
            pods: namespace.pods.values().cloned().collect(),
            accounts: namespace.accounts.clone(),
        })
    }

    /// Every namespace that holds anything.
    pub(crate) fn namespaces(&self) -> Vec<String> {
        self.state().namespaces.keys().cloned().collect()
    }

    /// Takes a provider as it is stored now.
    pub(crate) fn put_provider(&self, (namespace, name): Name, stored: Stored<AIProvider>) {
        self.put(namespace, name, stored, |namespace| &mut namespace.providers);
    }

    /// Takes a route as it is stored now.
    pub(crate) fn put_route(&self, (namespace, name): Name, stored: Stored<AIRoute>) {
        self.put(namespace, name, stored, |namespace| &mut namespace.routes);
    }

    fn put<T>(
        &self,
        namespace: String,
        name: String,
        stored: Stored<T>,
        map: impl Fn(&mut Namespace) -> &mut BTreeMap<String, Stored<T>>,
    ) {
        let mut state = self.state();
        let objects = map(state.namespaces.entry(namespace.clone()).or_default());
        let former = objects.remove(&name);
        // A status that was written changes nothing that is compiled.
        let same = former.as_ref().is_some_and(|former| former.is_same_spec(&stored));
        objects.insert(name, stored.after(former));
        if !same {
            state.changed.insert(namespace);
            drop(state);
            self.0.changed.notify_one();
        }
    }

    /// Forgets an object of `kind`; its namespace is compiled again. Gives the pod that it was.
    pub(crate) fn remove(&self, kind: &str, (namespace, name): &Name) -> Option<Arc<IndexedPod>> {
        let mut state = self.state();
        if kind == "Namespace" {
            state.labels.remove(name);
            return None;
        }
        if kind == "ServiceAccount" {
            drop(state);
            self.put_account((namespace.clone(), name.clone()), AccountIdentity::default());
            return None;
        }
        let objects = state.namespaces.get_mut(namespace)?;
        let mut gone = None;
        match kind {
            "AIProvider" => drop(objects.providers.remove(name)),
            "AIRoute" => drop(objects.routes.remove(name)),
            _ => gone = objects.pods.remove(name),
        }
        if objects.is_empty() {
            state.namespaces.remove(namespace);
        }
        if let Some(pod) = &gone {
            state.pods.remove(&pod.uid);
        }
        state.changed.insert(namespace.clone());
        drop(state);
        self.0.changed.notify_one();
        gone
    }

    /// Takes a pod as it is now. Nothing is compiled for what no snapshot and no count depends on. Gives the pod that
    /// had the same name before, where it was another.
    pub(crate) fn put_pod(&self, pod: IndexedPod) -> Option<Arc<IndexedPod>> {
        let mut state = self.state();
        let pod = Arc::new(pod);
        let pods = &mut state.namespaces.entry(pod.namespace.clone()).or_default().pods;
        let former = pods.insert(pod.name.clone(), pod.clone());
        let replaced = former.clone().filter(|former| former.uid != pod.uid);
        if let Some(replaced) = &replaced {
            state.pods.remove(&replaced.uid);
        }
        state.pods.insert(pod.uid.clone(), (pod.namespace.clone(), pod.name.clone()));
        if former.is_none_or(|former| *former != *pod) {
            state.changed.insert(pod.namespace.clone());
            drop(state);
            self.0.changed.notify_one();
        }
        replaced
    }

    /// Takes what a service account claims now.
    pub(crate) fn put_account(&self, (namespace, name): Name, claims: AccountIdentity) {
        let mut state = self.state();
        let known = state.namespaces.get(&namespace).and_then(|namespace| namespace.accounts.get(&name));
        if known.map_or(claims.is_empty(), |known| *known == claims) {
            return;
        }
        let objects = state.namespaces.entry(namespace.clone()).or_default();
        if claims.is_empty() {
            objects.accounts.remove(&name);
        } else {
            objects.accounts.insert(name, claims);
        }
        if objects.is_empty() {
            state.namespaces.remove(&namespace);
        }
        state.changed.insert(namespace);
        drop(state);
        self.0.changed.notify_one();
    }

    /// Takes a namespace's labels.
    pub(crate) fn put_namespace(&self, name: String, labels: BTreeMap<String, String>) {
        self.state().labels.insert(name, labels);
    }

    /// The names of all objects of a kind.
    pub(crate) fn names(&self, kind: &str) -> Vec<Name> {
        let state = self.state();
        if kind == "Namespace" {
            return state.labels.keys().map(|name| (String::new(), name.clone())).collect();
        }
        let of = |namespace: &String, names: Vec<&String>| -> Vec<Name> {
            names.into_iter().map(|name| (namespace.clone(), name.clone())).collect()
        };
        state
            .namespaces
            .iter()
            .flat_map(|(namespace, objects)| match kind {
                "AIProvider" => of(namespace, objects.providers.keys().collect()),
                "AIRoute" => of(namespace, objects.routes.keys().collect()),
                "ServiceAccount" => of(namespace, objects.accounts.keys().collect()),
                _ => of(namespace, objects.pods.keys().collect()),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn route(generation: i64) -> Stored<AIRoute> {
        let route = json!({
            "apiVersion": "pillion.dev/v1alpha1", "kind": "AIRoute",
            "metadata": {"name": "r", "namespace": "n", "generation": generation},
            "spec": {"rules": [{"name": "a", "backends": [{"provider": {"name": "p"}}]}]},
        });
        Stored::sound(serde_json::from_value(route).unwrap())
    }

    fn pod(uid: &str, started: bool) -> IndexedPod {
        let pod = json!({
            "metadata": {"name": "p", "namespace": "n", "uid": uid, "labels": {"app": "a"}},
            "status": {"initContainerStatuses": [{"name": "pillion", "started": started}]},
        });
        IndexedPod::of(&serde_json::from_value(pod).unwrap()).unwrap()
    }

    fn name() -> Name {
        ("n".into(), "r".into())
    }

    #[test]
    fn a_broken_object_keeps_what_was_good_before() {
        let index = Index::default();
        index.put_route(name(), route(1));
        let broken = Stored::broken(kube::api::ObjectMeta { generation: Some(2), ..Default::default() }, "why".into());
        index.put_route(name(), broken);
        let gathered = index.gather("n");
        assert_eq!(gathered.routes[0].object.as_ref().unwrap().metadata.generation, Some(1));
        assert_eq!(gathered.routes[0].metadata().generation, Some(2));
        assert_eq!(gathered.routes[0].problem.as_deref(), Some("why"));
    }

    #[test]
    fn only_the_namespace_of_a_change_is_compiled_again() {
        let index = Index::default();
        index.put_route(name(), route(1));
        index.put_route(("other".into(), "r".into()), route(1));
        assert_eq!(index.take_changed().len(), 2);
        index.put_pod(pod("1", false));
        assert_eq!(index.take_changed(), BTreeSet::from(["n".to_owned()]));
        index.put_pod(pod("1", false));
        assert!(index.take_changed().is_empty());
        index.put_pod(pod("1", true));
        assert_eq!(index.take_changed().len(), 1);
        index.remove("AIRoute", &name());
        assert_eq!(index.take_changed(), BTreeSet::from(["n".to_owned()]));
    }

    #[test]
    fn only_a_claim_that_changed_is_compiled_again() {
        let index = Index::default();
        let account = || ("n".to_owned(), "default".to_owned());
        let role = [("eks.amazonaws.com/role-arn".to_owned(), "arn:aws:iam::123456789012:role/a".to_owned())];
        index.put_account(account(), AccountIdentity::default());
        assert!(index.take_changed().is_empty());
        let claims = AccountIdentity::read(&role.into()).0;
        index.put_account(account(), claims.clone());
        assert_eq!(index.take_changed().len(), 1);
        assert_eq!(index.gather("n").accounts["default"], claims);
        index.put_account(account(), claims);
        assert!(index.take_changed().is_empty());
        index.remove("ServiceAccount", &account());
        assert_eq!(index.take_changed().len(), 1);
        assert!(index.namespaces().is_empty());
    }

    #[test]
    fn a_pod_of_the_same_name_is_another_pod() {
        let index = Index::default();
        assert_eq!(index.put_pod(pod("1", true)), None);
        assert_eq!(index.put_pod(pod("2", false)).unwrap().uid, "1");
        assert_eq!(index.pod("1"), None);
        assert_eq!(index.pod("2").unwrap().name, "p");
        index.remove("Pod", &("n".into(), "p".into()));
        assert_eq!(index.pod("2"), None);
        assert!(index.namespaces().is_empty());
    }
}
