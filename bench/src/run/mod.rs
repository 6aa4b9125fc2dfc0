//! Runs the cases, each kind in its own file, with all proxies in turn.

mod cost;
mod memory;
mod start;

use crate::cases::{Case, Traffic};
use crate::proxies::Proxy;
use crate::report::Report;
use crate::upstream::{Pace, Upstream};
use std::path::Path;

/// Runs `case` with every proxy that carries it, and adds what was found to `report`.
pub(crate) async fn one(
    case: &Case,
    proxies: &[Box<dyn Proxy>],
    pairs: usize,
    folder: &Path,
    report: &mut Report,
) -> anyhow::Result<()> {
    let upstream = Upstream::start(case.provider, case.transport, Pace::of(case.traffic)).await?;
    let proxies: Vec<&dyn Proxy> = proxies.iter().map(AsRef::as_ref).filter(|proxy| proxy.carries(case)).collect();
    match case.traffic {
        Traffic::Requests { .. } | Traffic::Streams { .. } => {
            report.costs(cost::measure(case, &proxies, pairs, &upstream, folder).await?);
        }
        Traffic::Memory { streams, load, rest, .. } => {
            report.memory(memory::measure(case, (streams, load, rest), &proxies, &upstream, folder).await?);
        }
        Traffic::Start { starts } => {
            report.starts(start::measure(case, starts, &proxies, &upstream, folder).await?);
        }
    }
    Ok(())
}

/// The indices of `count` proxies in the order of `round`. Every second round runs backwards: what drifts hits both
/// halves of a pair alike.
fn order(round: usize, count: usize) -> Vec<usize> {
    if round.is_multiple_of(2) { (0..count).collect() } else { (0..count).rev().collect() }
}
