//! Which pod a caller is, and why it may get nothing.

use super::tokens::Caller;
use crate::index::{Index, IndexedPod};
use crate::inject::INJECTED;
use crate::kubernetes::call;
use http::StatusCode;
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::api::Api;
use std::sync::Arc;

/// Why a request is refused, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) reason: &'static str,
    pub(crate) message: String,
}

impl Refusal {
    fn new(status: StatusCode, reason: &'static str, message: impl Into<String>) -> Self {
        Self { status, reason, message: message.into() }
    }

    pub(crate) fn unauthenticated(message: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Unauthenticated", message)
    }

    pub(crate) fn forbidden(message: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "Forbidden", message)
    }

    pub(crate) fn unavailable(message: &str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "Unavailable", message)
    }

    pub(crate) fn starting(kinds: &[&str]) -> Self {
        Self::unavailable(&format!("the operator is starting and has not heard of every {} yet", kinds.join(", ")))
    }

    pub(crate) fn malformed(message: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Malformed", message)
    }

    pub(crate) fn unknown_stream() -> Self {
        let message = "this replica holds no such stream of this pod: report on the connection that carries the stream";
        Self::new(StatusCode::CONFLICT, "UnknownStream", message)
    }

    pub(crate) fn not_found(path: &str) -> Self {
        let message = format!("there is no '{path}' here: GET /v1/snapshot, POST /v1/reports");
        Self::new(StatusCode::NOT_FOUND, "NotFound", message)
    }
}

/// The pod that the caller's token is bound to, as the cluster has it: from the index, or asked for where the pod is
/// newer than the index.
pub(super) async fn pod_of(caller: &Caller, index: &Index, client: &Client) -> Result<Arc<IndexedPod>, Refusal> {
    let pod = match index.pod(&caller.pod_uid) {
        Some(pod) => pod,
        None => live(caller, index, client).await?,
    };
    if pod.name != caller.pod_name || pod.namespace != caller.namespace || pod.service_account != caller.service_account
    {
        return Err(Refusal::forbidden("the token does not belong to the pod that it names"));
    }
    if pod.finished {
        return Err(Refusal::forbidden("the pod has ended"));
    }
    Ok(pod)
}

async fn live(caller: &Caller, index: &Index, client: &Client) -> Result<Arc<IndexedPod>, Refusal> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), &caller.namespace);
    let found = call(pods.get_opt(&caller.pod_name)).await.map_err(|error| {
        tracing::warn!(%error, "failed to read a pod");
        Refusal::unavailable("the API server could not be asked for the pod, try again")
    })?;
    let pod = found.filter(|pod| pod.metadata.uid.as_deref() == Some(&caller.pod_uid));
    let pod = pod.ok_or_else(|| Refusal::forbidden("the pod of this token is gone"))?;
    let injected = pod.metadata.labels.iter().flatten().any(|(key, value)| key == INJECTED && value == "true");
    if !injected {
        let message =
            format!("the pod has no label {INJECTED}=true: have the sidecar injected (pillion.dev/inject: \"true\")");
        return Err(Refusal::forbidden(&message));
    }
    let pod = IndexedPod::of(&pod).ok_or_else(|| Refusal::forbidden("the pod has no name or uid"))?;
    // Put into the index, so that the watch's word of its end finds it.
    index.put_pod(pod.clone());
    Ok(Arc::new(pod))
}
