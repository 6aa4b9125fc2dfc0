//! The loop that reads Secrets; it ends with the operator, whatever the API server does.

use super::{Name, Outcome, Secrets};
use crate::kubernetes::{CallError, call, status_code};
use crate::metrics::{Metrics, ResultLabel};
use futures::StreamExt as _;
use k8s_openapi::api::core::v1::Secret;
use kube::Client;
use kube::api::Api;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// Reads under way at once.
const AT_ONCE: usize = 16;
/// Where nothing is due: somebody hurries, or there is nothing to do.
const IDLE: Duration = Duration::from_secs(3600);

/// Reads every wanted Secret when it is due. `is_used` says whether a sidecar of a namespace is connected here; `changed`
/// hears of namespaces whose keys are others now.
pub(crate) async fn keep(
    secrets: Secrets,
    client: Client,
    metrics: Metrics,
    is_used: impl Fn(&str) -> bool + Send + Sync,
    changed: impl Fn(&str) + Send + Sync,
    shutdown: CancellationToken,
) {
    let work = async {
        loop {
            let (due, next) = secrets.due(Instant::now());
            if due.is_empty() {
                tokio::select! {
                    () = sleep_until(next.unwrap_or_else(|| Instant::now() + IDLE)) => {}
                    () = secrets.0.hurried.notified() => {}
                }
                continue;
            }
            let reads = futures::stream::iter(due).for_each_concurrent(AT_ONCE, |name| {
                let (secrets, client, metrics, is_used, changed) = (&secrets, &client, &metrics, &is_used, &changed);
                async move {
                    let outcome = read(client, &name, metrics).await;
                    if secrets.took(&name, &outcome, is_used(&name.0), Instant::now()) {
                        changed(&name.0);
                    }
                }
            });
            reads.await;
        }
    };
    tokio::select! {
        () = work => {}
        () = shutdown.cancelled() => {}
    }
}

async fn read(client: &Client, (namespace, name): &Name, metrics: &Metrics) -> Outcome {
    let api: Api<Secret> = Api::namespaced(client.clone(), namespace);
    let found = call(api.get_opt(name)).await;
    let (result, outcome) = judge(found);
    metrics.secret_reads.get_or_create(&ResultLabel { result }).inc();
    outcome
}

fn judge(found: Result<Option<Secret>, CallError>) -> (&'static str, Outcome) {
    match found {
        Ok(Some(secret)) => ("ok", Outcome::Found(Box::new(secret))),
        Ok(None) => ("absent", Outcome::Absent),
        Err(error) if status_code(&error) == Some(403) => ("forbidden", Outcome::Forbidden),
        Err(error) => {
            tracing::warn!(%error, "failed to read a Secret, it is read again");
            ("error", Outcome::Unknown)
        }
    }
}
