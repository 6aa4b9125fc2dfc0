//! Waiting for a condition, with a limit and the last reason for failing it.

use std::future::Future;
use std::time::Duration;

use anyhow::{Result, anyhow};
use tokio::time::{Instant, sleep};

const PAUSE: Duration = Duration::from_millis(100);

/// Asks `probe` again and again until it answers `Ok`.
///
/// # Errors
/// After `limit`: what was awaited, and the last error of the probe.
pub async fn until<T, F, Fut>(what: &str, limit: Duration, mut probe: F) -> Result<T>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T>>,
{
    let deadline = Instant::now() + limit;
    loop {
        match probe().await {
            Ok(value) => return Ok(value),
            Err(error) if Instant::now() >= deadline => {
                return Err(error.context(format!("{what}: not within {limit:?}")));
            }
            Err(_) => sleep(PAUSE).await,
        }
    }
}

/// Turns a boolean into something `until` can wait for.
///
/// # Errors
/// `reason`, when the condition does not hold.
pub fn holds(condition: bool, reason: impl Into<String>) -> Result<()> {
    if condition { Ok(()) } else { Err(anyhow!(reason.into())) }
}

/// Checks for the whole of `span` that `probe` keeps answering `Ok`.
///
/// # Errors
/// The first error of the probe.
pub async fn stays<F, Fut>(span: Duration, mut probe: F) -> Result<()>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<()>>,
{
    let deadline = Instant::now() + span;
    while Instant::now() < deadline {
        probe().await?;
        sleep(PAUSE).await;
    }
    Ok(())
}
