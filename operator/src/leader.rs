//! Which replica writes: a Lease, judged by this replica's own monotonic clock, never by another's.

use crate::kubernetes::{CallError, call, status_code};
use crate::metrics::Metrics;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use kube::api::{Api, ObjectMeta, PostParams};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A holder that is silent for this long has lost the lease.
const DURATION: Duration = Duration::from_secs(15);
const RENEW: Duration = Duration::from_secs(5);
const RETRY: Duration = Duration::from_secs(2);
/// A write may take this long; it is not begun when the lease could end before it does.
const WRITE: Duration = Duration::from_secs(5);

/// Names the lease and this replica.
#[derive(Clone, Debug)]
pub(crate) struct LeaseNames {
    pub(crate) namespace: String,
    pub(crate) lease: String,
    pub(crate) identity: String,
}

/// Whether this replica leads. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Leadership(watch::Receiver<Option<Instant>>);

impl Leadership {
    /// Whether a write that begins now ends within the lease.
    pub(crate) fn may_write(&self) -> bool {
        self.0.borrow().is_some_and(|renewed| renewed.elapsed() + WRITE < DURATION)
    }
}

/// The lease as it was last seen, and since when it has not changed.
struct Seen {
    version: Option<String>,
    since: Instant,
}

/// Gives what tells who leads, and the future that keeps the lease until `shutdown` and then lets it go.
pub(crate) fn elect(
    client: Client,
    names: LeaseNames,
    metrics: Metrics,
    shutdown: CancellationToken,
) -> (Leadership, impl Future<Output = ()>) {
    let (renewed, receiver) = watch::channel(None);
    let leases: Api<Lease> = Api::namespaced(client, &names.namespace);
    let run = async move {
        let mut candidate = Candidate { leases, names, renewed, seen: None };
        loop {
            let begun = Instant::now();
            let held = match candidate.attempt(begun).await {
                Ok(held) => held,
                Err(error) => {
                    tracing::warn!(%error, "failed to hold or read the lease");
                    candidate.holds()
                }
            };
            if !held {
                candidate.give_up();
            }
            metrics.leader.set(i64::from(held));
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = tokio::time::sleep(if held { RENEW } else { RETRY }) => {}
            }
        }
        candidate.release().await;
    };
    (Leadership(receiver), run)
}

struct Candidate {
    leases: Api<Lease>,
    names: LeaseNames,
    renewed: watch::Sender<Option<Instant>>,
    seen: Option<Seen>,
}

impl Candidate {
    fn holds(&self) -> bool {
        self.renewed.borrow().is_some_and(|renewed| renewed.elapsed() < DURATION)
    }

    fn give_up(&self) {
        if self.renewed.send_replace(None).is_some() {
            tracing::info!(identity = self.names.identity, "this replica does not lead any more");
        }
    }

    /// Renews, takes or waits; whether the lease is held. Counted from `begun`, before the request was sent.
    async fn attempt(&mut self, begun: Instant) -> Result<bool, CallError> {
        let found = call(self.leases.get_opt(&self.names.lease)).await?;
        let Some(lease) = found else {
            return self.write(None, begun).await;
        };
        let holder = lease.spec.as_ref().and_then(|spec| spec.holder_identity.clone()).unwrap_or_default();
        if holder == self.names.identity || holder.is_empty() || self.is_silent(&lease, begun) {
            return self.write(Some(lease), begun).await;
        }
        Ok(false)
    }

    /// Whether its holder has not renewed it for a whole duration of this replica's own clock.
    fn is_silent(&mut self, lease: &Lease, now: Instant) -> bool {
        let version = lease.metadata.resource_version.clone();
        match &self.seen {
            Some(seen) if seen.version == version => now.duration_since(seen.since) > DURATION,
            _ => {
                self.seen = Some(Seen { version, since: now });
                false
            }
        }
    }

    async fn write(&mut self, former: Option<Lease>, begun: Instant) -> Result<bool, CallError> {
        let lease = held_by(&self.names, former.as_ref());
        let params = PostParams::default();
        let written = match former {
            None => call(self.leases.create(&params, &lease)).await,
            Some(_) => call(self.leases.replace(&self.names.lease, &params, &lease)).await,
        };
        match written {
            Ok(_) => {
                if self.renewed.send_replace(Some(begun)).is_none() {
                    tracing::info!(identity = self.names.identity, "this replica leads");
                }
                Ok(true)
            }
            // Another replica was faster.
            Err(error) if matches!(status_code(&error), Some(404 | 409)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Lets another replica lead at once.
    async fn release(&mut self) {
        if !self.holds() {
            return;
        }
        self.renewed.send_replace(None);
        let Ok(Some(mut lease)) = call(self.leases.get_opt(&self.names.lease)).await else {
            return;
        };
        if let Some(spec) =
            lease.spec.as_mut().filter(|spec| spec.holder_identity.as_ref() == Some(&self.names.identity))
        {
            spec.holder_identity = Some(String::new());
            let _ = call(self.leases.replace(&self.names.lease, &PostParams::default(), &lease)).await;
        }
    }
}

/// The lease with this replica as its holder.
fn held_by(names: &LeaseNames, former: Option<&Lease>) -> Lease {
    let now = MicroTime(Timestamp::now());
    let former_spec = former.and_then(|lease| lease.spec.clone()).unwrap_or_default();
    let stays = former_spec.holder_identity.as_deref() == Some(&names.identity);
    let transitions = former_spec.lease_transitions.unwrap_or_default();
    let spec = LeaseSpec {
        holder_identity: Some(names.identity.clone()),
        lease_duration_seconds: Some(15),
        renew_time: Some(now.clone()),
        acquire_time: if stays { former_spec.acquire_time } else { Some(now) },
        lease_transitions: Some(if stays || former.is_none() { transitions } else { transitions.saturating_add(1) }),
        ..former_spec
    };
    let metadata = former.map_or_else(
        || ObjectMeta {
            name: Some(names.lease.clone()),
            namespace: Some(names.namespace.clone()),
            ..Default::default()
        },
        |lease| ObjectMeta { managed_fields: None, ..lease.metadata.clone() },
    );
    Lease { metadata, spec: Some(spec) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(identity: &str) -> LeaseNames {
        LeaseNames { namespace: "n".into(), lease: "l".into(), identity: identity.into() }
    }

    #[test]
    fn a_renewal_keeps_the_acquisition_and_a_takeover_counts() {
        let first = held_by(&names("a"), None);
        let renewed = held_by(&names("a"), Some(&first)).spec.unwrap();
        assert_eq!(renewed.acquire_time, first.spec.clone().unwrap().acquire_time);
        assert_eq!(renewed.lease_transitions, Some(0));
        let taken = held_by(&names("b"), Some(&first)).spec.unwrap();
        assert_eq!(taken.holder_identity.as_deref(), Some("b"));
        assert_eq!(taken.lease_transitions, Some(1));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_written_when_the_lease_could_end_meanwhile() {
        let (sender, receiver) = watch::channel(None);
        let leadership = Leadership(receiver);
        assert!(!leadership.may_write());
        sender.send_replace(Some(Instant::now()));
        assert!(leadership.may_write());
        tokio::time::advance(DURATION - WRITE).await;
        assert!(!leadership.may_write());
    }
}
