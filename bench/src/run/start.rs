//! Cold start: from the start of the process to its first accepted connection, and to its first whole answer.

use super::order;
use crate::cases::Case;
use crate::proxies::{self, Proxy};
use crate::report::Start;
use crate::stats::median;
use crate::upstream::Upstream;
use anyhow::Context;
use std::path::Path;
use std::time::Duration;

/// A proxy that listens and answers nobody by then never will.
const LIMIT: Duration = Duration::from_secs(60);

/// Starts each proxy `starts` times, in turn.
pub(super) async fn measure(
    case: &Case,
    starts: usize,
    proxies: &[&dyn Proxy],
    upstream: &Upstream,
    folder: &Path,
) -> anyhow::Result<Vec<Start>> {
    let mut times = vec![(vec![], vec![]); proxies.len()];
    for round in 0..starts {
        for i in order(round, proxies.len()) {
            if let Some((accepted, answered)) = once(case, proxies[i], upstream, folder).await? {
                times[i].0.push(accepted.as_secs_f64() * 1000.0);
                times[i].1.push(answered.as_secs_f64() * 1000.0);
            }
        }
    }
    let found = proxies.iter().zip(times).filter_map(|(proxy, (accepted, answered))| {
        let (accepted, answered) = (median(&accepted)?, median(&answered)?);
        Some(Start { case: case.name.to_owned(), proxy: proxy.name().to_owned(), accepted, answered })
    });
    Ok(found.collect())
}

async fn once(
    case: &Case,
    proxy: &dyn Proxy,
    upstream: &Upstream,
    folder: &Path,
) -> anyhow::Result<Option<(Duration, Duration)>> {
    let running = proxies::start(proxy, case, upstream, folder).await?;
    let Some(process) = running.process else { return Ok(None) };
    // Some listen before they are ready, and refuse.
    let answer = async {
        loop {
            match running.client.ask().await {
                Ok(()) => return process.begun.elapsed(),
                Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        }
    };
    let failed = || format!("{} listens but does not answer", proxy.name());
    let answered = tokio::time::timeout(LIMIT, answer).await.with_context(failed)?;
    let accepted = process.accepted;
    process.stop().await;
    Ok(Some((accepted, answered)))
}
