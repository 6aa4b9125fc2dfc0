//! What dominates the sidecar's cost in one case: the sidecar under `perf`, or under callgrind where perf may not look.
//!
//! `perf` samples a sidecar that has warmed up while the case's traffic runs: the kernel's work is seen too, and it is
//! the larger part. callgrind counts instructions of a few requests, and sees nothing of the kernel.

mod callgrind;
mod perf;
mod summary;

use crate::cases::{Case, Traffic};
use crate::load::Client;
use crate::proxies;
use crate::upstream::{Pace, Upstream};
use anyhow::Context;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long samples are taken.
const LENGTH: Duration = Duration::from_secs(5);
/// Requests under callgrind, which takes fifty times as long.
const FEW: usize = 100;

/// Profiles the sidecar at `binary` in the first of `cases`, and says what was found.
pub(crate) async fn run(cases: &[Case], binary: &Path, folder: &Path) -> anyhow::Result<String> {
    let costs = |case: &&Case| matches!(case.traffic, Traffic::Requests { .. } | Traffic::Streams { .. });
    let case = cases.iter().find(costs).context("no such case has requests or streams")?;
    std::fs::create_dir_all(folder)?;
    let upstream = Upstream::start(case.provider, case.transport, Pace::of(case.traffic)).await?;
    let chosen = proxies::choose(binary, &[])?;
    let sidecar = chosen.iter().find(|proxy| proxy.name() == proxies::OURS).context("ours is always chosen")?;
    let found = if perf::works(folder).await {
        let running = proxies::start(sidecar.as_ref(), case, &upstream, folder).await?;
        perf::profile(&running, case, folder).await?
    } else {
        callgrind::profile(sidecar.as_ref(), case, &upstream, folder).await?
    };
    Ok(format!("{}, {found}", case.name))
}

/// The case's traffic, once and again until `length` is over; how many units that were.
async fn traffic(client: &Client, traffic: Traffic, length: Duration) -> anyhow::Result<usize> {
    let until = Instant::now() + length;
    let mut units = 0;
    loop {
        units += match traffic {
            Traffic::Requests { prompt, connections, count } => client.requests(prompt, connections, count).await?,
            Traffic::Streams { streams, deltas, .. } => client.streams(streams, deltas).await?,
            Traffic::Memory { .. } | Traffic::Start { .. } => anyhow::bail!("no traffic whose cost is asked"),
        }
        .units;
        if Instant::now() >= until {
            return Ok(units);
        }
    }
}
