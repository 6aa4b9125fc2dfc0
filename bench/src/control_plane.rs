//! The control plane's figures: `bin/control-plane` measures them, the document shows them.

use crate::machine::Machine;
use serde::{Deserialize, Serialize};

/// The file of the last run, in the folder of figures.
pub const FILE: &str = "control-plane.json";

/// What one run found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// When it was measured.
    pub date: String,
    /// Where.
    pub machine: Machine,
    /// Namespaces of the cluster.
    pub namespaces: usize,
    /// AIRoutes in all.
    pub routes: usize,
    /// Simulated sidecars, one stream each.
    pub sidecars: usize,
    /// Changes made, of one route each.
    pub changes: usize,
    /// From the operator's start to its readiness.
    pub ready_seconds: f64,
    /// Until every stream had its first snapshot.
    pub connect_seconds: f64,
    /// From before the change's request to the API server until each sidecar concerned had it.
    pub change_milliseconds: Quantiles,
    /// From before the change's request to the API server until a real sidecar's answer follows it.
    pub served_milliseconds: Quantiles,
    /// Bytes sent to all sidecars for one change.
    pub change_bytes: f64,
    /// CPU time of the operator for one change.
    pub change_cpu_milliseconds: f64,
    /// From the moment that all streams drop until all are served again.
    pub storm_seconds: f64,
    /// CPU time of the operator for that.
    pub storm_cpu_milliseconds: f64,
    /// The operator's memory once it is ready, with every stream open, and after the storm.
    pub rss_mib: [f64; 3],
}

/// Where a distribution lies.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quantiles {
    /// Half are below.
    pub p50: f64,
    /// 99 % are below.
    pub p99: f64,
    /// None is above.
    pub max: f64,
}

impl Quantiles {
    /// Those of some times, at least one.
    ///
    /// # Panics
    /// When there are none.
    #[must_use]
    pub fn of(mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
        Self { p50: at(0.5), p99: at(0.99), max: at(1.0) }
    }
}

impl std::fmt::Display for Quantiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { p50, p99, max } = self;
        write!(f, "p50 {p50:.1} ms, p99 {p99:.1} ms, max {max:.1} ms")
    }
}

impl Figures {
    /// A paragraph of Markdown.
    #[must_use]
    pub fn paragraph(&self) -> String {
        let Quantiles { p50, p99, .. } = self.change_milliseconds;
        let Quantiles { p50: served, p99: served_late, .. } = self.served_milliseconds;
        let [ready, open, after] = self.rss_mib;
        format!(
            "{}, {}. `cargo xtask bench control-plane -- --namespaces {} --routes {} --sidecars {} --changes {}`: operator \
             and simulated sidecars share the cores, the API server is a real one. The operator is ready after {:.1} s. A \
             changed AIRoute is with the sidecars after {p50:.0} ms (p50), {p99:.0} ms (p99), and a real sidecar \
             answers by it after {served:.0} ms (p50), {served_late:.0} ms (p99), from before the request to the API server; {:.1} KB and {:.1} ms of the operator's CPU a change. {} streams that drop at once are all \
             served again after {:.1} s, for {:.0} ms of the operator's CPU. Operator: {ready:.0} MiB when ready, \
             {open:.0} MiB with every stream open, {after:.0} MiB after the storm.",
            self.date,
            self.machine,
            self.namespaces,
            self.routes,
            self.sidecars,
            self.changes,
            self.ready_seconds,
            self.change_bytes / 1000.0,
            self.change_cpu_milliseconds,
            self.sidecars,
            self.storm_seconds,
            self.storm_cpu_milliseconds,
        )
    }
}
