//! Resident memory: of an idle proxy, of one with streams open, and of one that has rested after load.

use crate::cases::Case;
use crate::process::Process;
use crate::proxies::{self, Proxy};
use crate::report::Memory;
use crate::upstream::Upstream;
use anyhow::Context;
use std::path::Path;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};

/// How long memory is looked at: the most that it was counts.
const LOOK: Duration = Duration::from_secs(2);

/// Looks at each proxy in turn; they rest at the same time.
pub(super) async fn measure(
    case: &Case,
    (streams, load, rest): ([usize; 2], usize, Duration),
    proxies: &[&dyn Proxy],
    upstream: &Upstream,
    folder: &Path,
) -> anyhow::Result<Vec<Memory>> {
    let mut resting = vec![];
    for proxy in proxies {
        let running = proxies::start(*proxy, case, upstream, folder).await?;
        let Some(process) = running.process else { continue };
        let failed = || format!("{} failed", proxy.name());
        running.client.ask().await.with_context(failed)?;
        let idle = most(&process).await;
        // The few stay open beside those that come: some proxies read on a good while when a client has gone.
        let (mut held, mut open) = (vec![], Vec::<(usize, f64)>::new());
        for streams in streams {
            let before = open.last().map_or(0, |(streams, _)| *streams);
            held.push(running.client.hold(streams - before).await.with_context(failed)?);
            open.push((streams, most(&process).await));
        }
        drop(held);
        running.client.requests(50 * 1024, 8, load).await.with_context(failed)?;
        resting.push((proxy.name(), process, Instant::now() + rest, idle, open));
    }
    let mut found = vec![];
    for (proxy, process, until, idle, open) in resting {
        sleep_until(until).await;
        let rested = process.usage.rss();
        found.push(Memory {
            case: case.name.to_owned(),
            proxy: proxy.to_owned(),
            idle,
            open,
            rested,
            rest: rest.as_secs(),
        });
        process.stop().await;
    }
    Ok(found)
}

async fn most(process: &Process) -> f64 {
    let until = Instant::now() + LOOK;
    let mut most = 0.0f64;
    while Instant::now() < until {
        most = most.max(process.usage.rss());
        sleep(LOOK / 20).await;
    }
    most
}
