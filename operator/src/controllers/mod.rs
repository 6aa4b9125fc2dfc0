//! The reconciler: gather → compile → publish, one namespace at a time, and only those that changed.

use crate::config_server::{Classes, Hub, Published};
use crate::index::{Gathered, Index};
use crate::metrics::{Metrics, ResultLabel};
use crate::secrets::Secrets;
use crate::status::{Board, Judged};
use pillion_compiler::{Compiled, Findings, Input, ObjectKey, SecretKey, Verdict, Workload, compile};
use pillion_crds::{AIProvider, AIRoute, AuthType};
use pillion_snapshot::ExtraHosts;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Changes that come together are compiled together.
const COALESCE: Duration = Duration::from_millis(50);

/// What one reconciliation works on and for.
#[derive(Clone)]
pub(crate) struct Controller {
    pub(crate) index: Index,
    pub(crate) hub: Hub,
    pub(crate) board: Board,
    pub(crate) metrics: Metrics,
    /// Keys of Secrets that AIProviders name.
    pub(crate) secrets: Secrets,
    /// Hosts besides the clouds' own that clouds' credentials are sent to.
    pub(crate) extra_hosts: ExtraHosts,
}

impl Controller {
    /// Runs until `shutdown`. Nothing is compiled before every kind has been heard of in whole: half a truth would be
    /// published as the whole.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        let work = async {
            loop {
                self.index.changed().await;
                tokio::time::sleep(COALESCE).await;
                if !self.index.unheard().is_empty() {
                    continue;
                }
                for namespace in self.index.take_changed() {
                    self.reconcile(&namespace);
                    tokio::task::yield_now().await;
                }
            }
        };
        tokio::select! {
            () = work => {}
            () = shutdown.cancelled() => {}
        }
    }

    /// A panic of the compiler leaves what was published before.
    fn reconcile(&self, namespace: &str) {
        let gathered = self.index.gather(namespace);
        let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| self.compile_and_publish(namespace, gathered)));
        let result = if outcome.is_ok() { "ok" } else { "panic" };
        if outcome.is_err() {
            tracing::error!(namespace, "the compiler panicked, the namespace keeps what it had");
        }
        self.metrics.reconciles.get_or_create(&ResultLabel { result }).inc();
    }

    fn compile_and_publish(&self, namespace: &str, gathered: Gathered) {
        let connected = self.hub.pods(namespace);
        let classes = classes(&gathered);
        let pods = connected.iter().chain(&gathered.pods).filter(|pod| !pod.finished);
        let workloads: BTreeSet<Workload> = pods.map(|pod| classes.of(pod)).collect();
        let input = Input {
            providers: gathered.providers.iter().filter_map(|stored| stored.object.as_deref().cloned()).collect(),
            routes: gathered.routes.iter().filter_map(|stored| stored.object.as_deref().cloned()).collect(),
            workloads,
            extra_hosts: self.extra_hosts.clone(),
        };
        let Compiled { snapshots, mut objects } = compile(&input);
        self.resolve_secrets(namespace, &input.providers, &mut objects);
        let former = self.hub.snapshots(namespace);
        let mut sources = BTreeMap::new();
        let mut published = BTreeMap::new();
        for (workload, snapshot) in snapshots {
            let unchanged = former.get(&workload).filter(|former| former.version == snapshot.version).cloned();
            let line = unchanged.unwrap_or_else(|| Arc::new(Published::new(snapshot)));
            sources.insert(workload.clone(), line.sources.clone());
            published.insert(workload, line);
        }
        let by_uid: HashMap<&str, _> = gathered.pods.iter().map(|pod| (pod.uid.as_str(), pod)).collect();
        self.hub.publish(namespace, classes.clone(), published, &by_uid);
        self.board.put(namespace, Judged { objects, sources, classes });
    }
}

impl Controller {
    /// Has the Secrets of what was accepted read, and says which could not be.
    fn resolve_secrets(&self, namespace: &str, providers: &[AIProvider], objects: &mut BTreeMap<ObjectKey, Findings>) {
        let named =
            providers.iter().filter_map(|object| Some((ObjectKey::of_provider(object), SecretKey::of(object)?)));
        let is_accepted = |object: &ObjectKey| objects.get(object).is_some_and(|findings| findings.accepted.status);
        let named: Vec<(ObjectKey, SecretKey)> = named.filter(|(object, _)| is_accepted(object)).collect();
        self.secrets.want(namespace, &named.iter().map(|(_, key)| key.clone()).collect());
        for (object, key) in named {
            if let (Some((reason, message)), Some(findings)) = (self.secrets.fault(&key), objects.get_mut(&object)) {
                findings.resolved_refs = Verdict { status: false, reason, message };
            }
        }
    }
}

/// What tells the pods of a namespace apart. Service accounts do only where a cloud's identity is used.
fn classes(gathered: &Gathered) -> Classes {
    let of_a_cloud = |provider: &AIProvider| {
        let kind = provider.spec.auth.as_ref().map(|auth| auth.r#type);
        matches!(kind, Some(AuthType::AWS | AuthType::Azure | AuthType::GCP))
    };
    let asked = gathered.providers.iter().filter_map(|stored| stored.object.as_deref()).any(of_a_cloud);
    let accounts = if asked { gathered.accounts.clone() } else { BTreeMap::new() };
    let labels = selector_keys(gathered.routes.iter().filter_map(|route| route.object.as_deref()));
    Classes { labels, accounts }
}

/// The labels that the routes of a namespace select by.
fn selector_keys<'a>(routes: impl Iterator<Item = &'a AIRoute>) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for selector in routes.filter_map(|route| route.spec.pod_selector.as_ref()) {
        keys.extend(selector.match_labels.iter().flatten().map(|(key, _)| key.clone()));
        keys.extend(selector.match_expressions.iter().flatten().map(|requirement| requirement.key.clone()));
    }
    keys
}
