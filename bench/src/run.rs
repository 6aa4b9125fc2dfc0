//! Runs the cases: pairs of nginx and another proxy, interleaved, so that what changes on the machine changes both.

use crate::cases::{Case, Traffic};
use crate::load::{Seen, send};
use crate::process::Process;
use crate::proxies::Proxy;
use crate::stats::{Median, median};
use crate::upstream::{Pace, Upstream};
use serde::Serialize;
use std::path::Path;

/// What one proxy cost in one case.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Result {
    /// The case's name.
    pub(crate) case: &'static str,
    /// The proxy's name.
    pub(crate) proxy: String,
    /// `request` or `delta`.
    pub(crate) unit: &'static str,
    /// CPU-µs of the proxy process per unit.
    pub(crate) cpu: Median,
    /// The same divided by nginx's in the same pair; none for nginx and where nginx cannot carry the case.
    pub(crate) ratio: Option<Median>,
    /// Median over the pairs of the p50 and the p99 of a request's time, or of a delta's delay; µs.
    pub(crate) delay: [f64; 2],
    /// Resident memory after the case, MiB.
    pub(crate) rss: f64,
    /// From start to the first accepted connection, ms.
    pub(crate) start: f64,
}

/// Runs every case.
pub(crate) async fn all(cases: &[Case], sidecar: &Path, with: &[String], pairs: usize) -> anyhow::Result<Vec<Result>> {
    let mut proxies = vec![Proxy::Nginx, Proxy::Sidecar(sidecar.to_owned())];
    for name in with {
        proxies.push(Proxy::named(name)?);
    }
    let folder = std::env::temp_dir().join(format!("pillion-bench-{}", std::process::id()));
    let mut results = vec![];
    for case in cases {
        results.extend(one(case, &proxies, pairs, &folder).await?);
    }
    std::fs::remove_dir_all(folder)?;
    Ok(results)
}

struct Runner {
    proxy: Proxy,
    process: Process,
    cpu: Vec<f64>,
    seen: Vec<Seen>,
}

impl Runner {
    async fn measure(&mut self, case: &Case, upstream: &Upstream) -> anyhow::Result<()> {
        let before = self.process.cpu();
        let seen = send(self.process.port, self.proxy.wire(case), case.traffic, upstream.epoch).await?;
        self.cpu.push((self.process.cpu() - before) / seen.units as f64);
        self.seen.push(seen);
        Ok(())
    }
}

async fn one(case: &Case, proxies: &[Proxy], pairs: usize, folder: &Path) -> anyhow::Result<Vec<Result>> {
    let pace = match case.traffic {
        Traffic::Streams { rate, deltas, .. } => Pace { rate, deltas },
        Traffic::Requests { .. } => Pace { rate: 1, deltas: 1 },
    };
    let upstream = Upstream::start(case.provider, case.transport, pace).await?;
    let mut runners = vec![];
    for proxy in proxies.iter().filter(|proxy| proxy.carries(case)) {
        let process = proxy.start(case, &upstream, folder).await?;
        runners.push(Runner { proxy: proxy.clone(), process, cpu: vec![], seen: vec![] });
    }
    for round in 0..=pairs {
        // Every second round runs backwards: what drifts hits both halves of a pair alike.
        let mut order: Vec<usize> = (0..runners.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for i in order {
            runners[i].measure(case, &upstream).await?;
        }
        if round == 0 {
            // The first round warms connections and caches up.
            runners.iter_mut().for_each(|runner| {
                runner.cpu.clear();
                runner.seen.clear();
            });
        }
    }
    let reference = runners.iter().find(|runner| runner.proxy == Proxy::Nginx).map(|runner| runner.cpu.clone());
    let mut results = vec![];
    for runner in runners {
        let ratio = reference.as_ref().filter(|_| runner.proxy != Proxy::Nginx).map(|reference| {
            median(&runner.cpu.iter().zip(reference).map(|(cpu, other)| cpu / other).collect::<Vec<_>>())
        });
        let over = |part: fn(&Seen) -> f64| median(&runner.seen.iter().map(part).collect::<Vec<_>>()).median;
        results.push(Result {
            case: case.name,
            proxy: runner.process.name.clone(),
            unit: if matches!(case.traffic, Traffic::Requests { .. }) { "request" } else { "delta" },
            cpu: median(&runner.cpu),
            ratio,
            delay: [over(|seen| seen.p50), over(|seen| seen.p99)],
            rss: runner.process.rss(),
            start: runner.process.start.as_secs_f64() * 1000.0,
        });
        runner.process.stop().await;
    }
    Ok(results)
}
