//! Calls to the API server with a deadline each.

use std::future::Future;
use std::time::Duration;

/// An API server that is slower than this is as good as away.
const DEADLINE: Duration = Duration::from_secs(5);

/// Why a call did not succeed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// No answer in time.
    #[error("no answer from the API server in time")]
    Timeout,
    /// The API server's answer, or the way there.
    #[error(transparent)]
    Kube(#[from] kube::Error),
}

/// Awaits one call (never a watch), at most five seconds, retries of the client included.
pub(crate) async fn call<T>(future: impl Future<Output = Result<T, kube::Error>>) -> Result<T, CallError> {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(CallError::Timeout),
    }
}

/// The HTTP status of the API server's answer, where there was one.
pub(crate) fn status_code(error: &CallError) -> Option<u16> {
    match error {
        CallError::Kube(kube::Error::Api(status)) => Some(status.code),
        _ => None,
    }
}
