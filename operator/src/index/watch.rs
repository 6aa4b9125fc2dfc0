//! The watches that feed the index; every one runs for ever, whatever the API server does.

use super::{Index, IndexedPod, Name, Stored};
use crate::inject::INJECTED;
use crate::metrics::{KindLabel, Metrics};
use futures::{Stream, StreamExt};
use k8s_openapi::api::core::v1::{Namespace, Pod, ServiceAccount};
use kube::api::{Api, PartialObjectMeta};
use kube::core::DeserializeGuard;
use kube::runtime::WatchStreamExt;
use kube::runtime::utils::{Backoff, ResetTimerBackoff};
use kube::runtime::watcher::{self, Event};
use kube::{Client, Resource};
use pillion_compiler::AccountIdentity;
use pillion_crds::{AIProvider, AIRoute};
use std::collections::HashSet;
use std::pin::pin;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Feeds `index` until `shutdown`. `gone` hears the uid of every pod that is no more.
pub(crate) async fn run(
    client: Client,
    index: Index,
    metrics: Metrics,
    gone: impl Fn(&str) + Clone + Send,
    shutdown: CancellationToken,
) {
    let feed = Feed { index: index.clone(), metrics };
    let providers = watcher::watcher(guarded::<AIProvider>(&client), watcher::Config::default());
    let routes = watcher::watcher(guarded::<AIRoute>(&client), watcher::Config::default());
    let pods = watcher::watcher(
        Api::<Pod>::all(client.clone()),
        watcher::Config::default().labels(&format!("{INJECTED}=true")),
    );
    let namespaces =
        watcher::watcher(Api::<PartialObjectMeta<Namespace>>::all(client.clone()), watcher::Config::default());
    let accounts = watcher::watcher(Api::<PartialObjectMeta<ServiceAccount>>::all(client), watcher::Config::default());
    let put_provider = |name, guard: DeserializeGuard<AIProvider>| index.put_provider(name, stored(guard));
    let put_route = |name, guard: DeserializeGuard<AIRoute>| index.put_route(name, stored(guard));
    let put_pod = |_, pod: Pod| {
        if let Some(pod) = IndexedPod::of(&pod) {
            let finished = pod.finished.then(|| pod.uid.clone());
            let replaced = index.put_pod(pod).map(|former| former.uid.clone());
            finished.iter().chain(&replaced).for_each(|uid| gone(uid));
        }
    };
    let put_namespace = |(_, name): Name, namespace: PartialObjectMeta<Namespace>| {
        index.put_namespace(name, namespace.metadata.labels.unwrap_or_default());
    };
    let put_account = |name: Name, account: PartialObjectMeta<ServiceAccount>| {
        let (claims, wrong) = AccountIdentity::read(&account.metadata.annotations.unwrap_or_default());
        for finding in wrong {
            tracing::warn!(namespace = name.0, service_account = name.1, %finding, "an annotation is not used");
        }
        index.put_account(name, claims);
    };
    let drop_pod = |name: &Name| {
        if let Some(pod) = index.remove("Pod", name) {
            gone(&pod.uid);
        }
    };
    let all = futures::future::join5(
        feed.run("AIProvider", providers, put_provider, |name| drop(index.remove("AIProvider", name))),
        feed.run("AIRoute", routes, put_route, |name| drop(index.remove("AIRoute", name))),
        feed.run("Pod", pods, put_pod, drop_pod),
        feed.run("Namespace", namespaces, put_namespace, |name| drop(index.remove("Namespace", name))),
        feed.run("ServiceAccount", accounts, put_account, |name| drop(index.remove("ServiceAccount", name))),
    );
    tokio::select! {
        _ = all => {}
        () = shutdown.cancelled() => {}
    }
}

fn guarded<T>(client: &Client) -> Api<DeserializeGuard<T>>
where
    T: Resource<DynamicType = ()>,
{
    Api::all(client.clone())
}

fn stored<T: Resource>(guard: DeserializeGuard<T>) -> Stored<T> {
    match guard.0 {
        Ok(object) => Stored::sound(object),
        Err(invalid) => Stored::broken(invalid.metadata, invalid.error),
    }
}

/// After this long without a failure the patience begins anew. The first event of a list, which fails later, is no
/// success yet.
const CALM: Duration = Duration::from_secs(30);

/// Between two attempts of a watch: doubled from half a second to eight. The client's default goes to thirty, and an
/// API server that comes back should be heard within ten.
#[derive(Debug, Default)]
struct Patience {
    failures: u32,
}

impl Iterator for Patience {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let wait = Duration::from_millis(500 << self.failures.min(4));
        self.failures += 1;
        Some(wait.mul_f64(0.75 + 0.5 * fastrand::f64()))
    }
}

impl Backoff for Patience {
    fn reset(&mut self) {
        self.failures = 0;
    }
}

struct Feed {
    index: Index,
    metrics: Metrics,
}

impl Feed {
    /// A list that begins anew replaces what was there only once it is whole.
    async fn run<T: Resource>(
        &self,
        kind: &'static str,
        events: impl Stream<Item = Result<Event<T>, watcher::Error>>,
        put: impl Fn(Name, T),
        remove: impl Fn(&Name),
    ) {
        let mut events = pin!(events.backoff(ResetTimerBackoff::new(Patience::default(), CALM)));
        let mut listed = HashSet::new();
        while let Some(event) = events.next().await {
            match event {
                Ok(Event::Init) => listed.clear(),
                Ok(Event::InitApply(object)) => {
                    let name = name(&object);
                    listed.insert(name.clone());
                    put(name, object);
                }
                Ok(Event::InitDone) => {
                    self.index.names(kind).iter().filter(|name| !listed.contains(*name)).for_each(&remove);
                    listed.clear();
                    self.index.note_heard(kind);
                }
                Ok(Event::Apply(object)) => put(name(&object), object),
                Ok(Event::Delete(object)) => remove(&name(&object)),
                Err(error) => {
                    self.metrics.watch_restarts.get_or_create(&KindLabel { kind }).inc();
                    tracing::warn!(kind, %error, "a watch was interrupted and begins again");
                }
            }
        }
    }
}

fn name(object: &impl Resource) -> Name {
    let metadata = object.meta();
    (metadata.namespace.clone().unwrap_or_default(), metadata.name.clone().unwrap_or_default())
}
