//! CPU time a request or a delta: nginx and the others in interleaved rounds, so that what changes on the machine
//! changes all of them.

use super::order;
use crate::cases::{Case, Traffic};
use crate::load::Seen;
use crate::proxies::{self, OURS, Proxy, REFERENCE, Running};
use crate::report::Cost;
use crate::stats::median;
use crate::targets;
use crate::upstream::Upstream;
use anyhow::Context;
use pillion_bench::usage::Usage;
use std::path::Path;

struct Runner {
    name: &'static str,
    running: Running,
    /// Of this program, where no proxy stands between.
    own: Usage,
    cpu: Vec<f64>,
    seen: Vec<Seen>,
}

impl Runner {
    fn usage(&mut self) -> &mut Usage {
        self.running.process.as_mut().map_or(&mut self.own, |process| &mut process.usage)
    }

    async fn measure(&mut self, traffic: Traffic) -> anyhow::Result<()> {
        let before = self.usage().cpu();
        let client = &self.running.client;
        let seen = match traffic {
            Traffic::Requests { prompt, connections, count } => client.requests(prompt, connections, count).await,
            Traffic::Streams { streams, deltas, .. } => client.streams(streams, deltas).await,
            Traffic::Memory { .. } | Traffic::Start { .. } => anyhow::bail!("no traffic whose cost is asked"),
        };
        let seen = seen.with_context(|| format!("{} failed", self.name))?;
        let used = self.usage().cpu() - before;
        self.cpu.push(used / seen.units as f64);
        self.seen.push(seen);
        Ok(())
    }
}

/// Runs `pairs` rounds after one that warms connections and caches up.
pub(super) async fn measure(
    case: &Case,
    proxies: &[&dyn Proxy],
    pairs: usize,
    upstream: &Upstream,
    folder: &Path,
) -> anyhow::Result<Vec<Cost>> {
    let mut runners = vec![];
    for proxy in proxies {
        let running = proxies::start(*proxy, case, upstream, folder).await?;
        let own = Usage::of(std::process::id());
        runners.push(Runner { name: proxy.name(), running, own, cpu: vec![], seen: vec![] });
    }
    for round in 0..=pairs {
        for i in order(round, runners.len()) {
            runners[i].measure(case.traffic).await?;
        }
        if round == 0 {
            runners.iter_mut().for_each(|runner| {
                runner.cpu.clear();
                runner.seen.clear();
            });
        }
    }
    let reference = runners.iter().find(|runner| runner.name == REFERENCE).map(|runner| runner.cpu.clone());
    let mut costs = vec![];
    for runner in runners {
        let compared = runner.running.process.is_some() && runner.name != REFERENCE;
        let ratio = reference.as_ref().filter(|_| compared).and_then(|reference| {
            median(&runner.cpu.iter().zip(reference).map(|(cpu, other)| cpu / other).collect::<Vec<_>>())
        });
        let target = targets::of(case).filter(|_| runner.name == OURS);
        let over = |part: fn(&Seen) -> f64| {
            let all: Vec<f64> = runner.seen.iter().map(part).collect();
            median(&all).map_or(f64::NAN, |median| median.median)
        };
        costs.push(Cost {
            case: case.name.to_owned(),
            proxy: runner.name.to_owned(),
            unit: if matches!(case.traffic, Traffic::Requests { .. }) { "request" } else { "delta" }.to_owned(),
            cpu: median(&runner.cpu).context("there was no pair")?,
            ratio,
            target,
            verdict: ratio.zip(target).map(|(ratio, target)| targets::verdict(&ratio, target)),
            delay: [over(|seen| seen.p50), over(|seen| seen.p99)],
            rate: over(|seen| seen.rate),
            rss: runner.running.process.as_ref().map(|process| process.usage.rss()),
        });
        if let Some(process) = runner.running.process {
            process.stop().await;
        }
    }
    Ok(costs)
}
