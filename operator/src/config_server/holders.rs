//! Which pods may hold streamed keys: those whose sidecar, as the API server has it now, is what injection made of it.

use crate::certs::ServingIdentity;
use crate::index::IndexedPod;
use crate::inject::Intact;
use crate::kubernetes::call;
use crate::secrets::withheld;
use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::api::Api;
use pillion_snapshot::Trouble;
use std::sync::Arc;
use tokio::sync::watch;

/// Judges pods.
pub(crate) trait Holders: Send + Sync {
    /// By what is known of a pod's spec.
    fn judge(&self, intact: &Intact) -> Result<(), Trouble>;

    /// By its spec as it is now; `None` where the API server does not say.
    fn look<'a>(&'a self, pod: &'a IndexedPod) -> BoxFuture<'a, Option<Result<(), Trouble>>>;
}

/// Judges by the cluster.
pub(crate) struct LivePods {
    pub(crate) client: Client,
    /// Image that is injected.
    pub(crate) image: String,
    pub(crate) identity: watch::Receiver<Option<Arc<ServingIdentity>>>,
}

impl Holders for LivePods {
    fn judge(&self, intact: &Intact) -> Result<(), Trouble> {
        if let Some(fault) = intact.fault {
            return Err(withheld(format!("keys are sent to no pod like this one: {fault}. Start the pod anew")));
        }
        let is_ours = intact.image == self.image
            || self.identity.borrow().as_ref().is_some_and(|all| all.sealer.knows(&intact.image, &intact.seal));
        if is_ours {
            return Ok(());
        }
        Err(withheld(format!(
            "keys are sent to no pod like this one: its sidecar's image '{}' is not one that was injected. Start the pod anew",
            intact.image
        )))
    }

    fn look<'a>(&'a self, pod: &'a IndexedPod) -> BoxFuture<'a, Option<Result<(), Trouble>>> {
        Box::pin(async move {
            let pods: Api<Pod> = Api::namespaced(self.client.clone(), &pod.namespace);
            let found = call(pods.get_opt(&pod.name)).await;
            let found = found.inspect_err(|error| tracing::warn!(%error, "failed to read a pod")).ok()?;
            let same = found.filter(|found| found.metadata.uid.as_deref() == Some(&pod.uid));
            Some(same.map_or_else(|| Err(withheld("the pod is gone".into())), |found| self.judge(&Intact::of(&found))))
        })
    }
}
