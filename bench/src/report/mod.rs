//! What was found: the values, the JSON for scripts (`latest.json`), the tables for people.

mod document;
mod table;
#[cfg(test)]
mod tests;

use crate::cases::CASES;
use crate::stats::Median;
use crate::targets::Verdict;
use anyhow::{Context, ensure};
use pillion_bench::machine::{Machine, today};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

pub(crate) use document::write_table;

/// The file of the last run, in the folder of figures.
const FILE: &str = "latest.json";

/// One or more runs on one machine with the same programs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    /// Oldest first.
    pub(crate) runs: Vec<Run>,
    /// Where they ran.
    pub(crate) machine: Machine,
    /// Versions of what was compared, by its name in the tables.
    pub(crate) programs: BTreeMap<String, String>,
    /// Whether the traffic was too little to measure anything.
    pub(crate) quick: bool,
    /// CPU time, of each case and proxy.
    pub(crate) costs: Vec<Cost>,
    /// Memory, of each case and proxy.
    pub(crate) memory: Vec<Memory>,
    /// Cold starts, of each case and proxy.
    pub(crate) starts: Vec<Start>,
}

/// When and how something was measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Run {
    /// The day, in UTC.
    pub(crate) date: String,
    /// What to type to do it again.
    pub(crate) command: String,
}

/// What one proxy cost in one case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cost {
    /// The case's name.
    pub(crate) case: String,
    /// The proxy's name.
    pub(crate) proxy: String,
    /// `request` or `delta`.
    pub(crate) unit: String,
    /// CPU-µs of the proxy's process per unit; without a proxy, of load and upstream together.
    pub(crate) cpu: Median,
    /// The same divided by nginx's in the same pair; none for nginx itself and where there is no proxy.
    pub(crate) ratio: Option<Median>,
    /// The ratio that ours may have.
    pub(crate) target: Option<f64>,
    /// Whether it has.
    pub(crate) verdict: Option<Verdict>,
    /// Median over the pairs of the p50 and the p99 of a request's time, or of a delta's delay; µs.
    pub(crate) delay: [f64; 2],
    /// Median over the pairs of the units a second.
    pub(crate) rate: f64,
    /// Resident memory after the case, MiB.
    pub(crate) rss: Option<f64>,
}

/// How much memory one proxy takes, MiB.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Memory {
    /// The case's name.
    pub(crate) case: String,
    /// The proxy's name.
    pub(crate) proxy: String,
    /// After its first answer.
    pub(crate) idle: f64,
    /// With so many streams open.
    pub(crate) open: Vec<(usize, f64)>,
    /// After load and rest.
    pub(crate) rested: f64,
    /// How long it rested, s.
    pub(crate) rest: u64,
}

/// How long one proxy takes to start, ms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Start {
    /// The case's name.
    pub(crate) case: String,
    /// The proxy's name.
    pub(crate) proxy: String,
    /// Until its first accepted connection.
    pub(crate) accepted: Median,
    /// Until its first whole answer.
    pub(crate) answered: Median,
}

impl Report {
    /// An empty one, of a run by `command` that begins now.
    pub(crate) fn begin(command: String, programs: BTreeMap<String, String>, quick: bool) -> Self {
        let run = Run { date: today(), command };
        Self { runs: vec![run], machine: Machine::this(), programs, quick, ..Self::default() }
    }

    /// Adds what an earlier run on the same machine, with the same programs, found.
    pub(crate) fn keep(&mut self, earlier: Report) -> anyhow::Result<()> {
        ensure!(earlier.machine == self.machine, "the earlier run was on another machine: {}", earlier.machine);
        ensure!(earlier.quick == self.quick, "one of the runs was a quick one");
        for (name, version) in &self.programs {
            let other = earlier.programs.get(name).unwrap_or(version);
            ensure!(other == version, "{name} was {other} in the earlier run and is {version}");
        }
        let Report { mut runs, machine: _, programs, quick: _, costs, memory, starts } = earlier;
        runs.append(&mut self.runs);
        self.runs = runs;
        self.programs.extend(programs);
        self.costs.splice(0..0, costs);
        self.memory.splice(0..0, memory);
        self.starts.splice(0..0, starts);
        Ok(())
    }

    /// Adds costs, in place of older ones of the same case and proxy.
    pub(crate) fn costs(&mut self, found: Vec<Cost>) {
        self.costs.retain(|old| found.iter().all(|new| (&new.case, &new.proxy) != (&old.case, &old.proxy)));
        self.costs.extend(found);
    }

    /// Adds memory, likewise.
    pub(crate) fn memory(&mut self, found: Vec<Memory>) {
        self.memory.retain(|old| found.iter().all(|new| (&new.case, &new.proxy) != (&old.case, &old.proxy)));
        self.memory.extend(found);
    }

    /// Adds starts, likewise.
    pub(crate) fn starts(&mut self, found: Vec<Start>) {
        self.starts.retain(|old| found.iter().all(|new| (&new.case, &new.proxy) != (&old.case, &old.proxy)));
        self.starts.extend(found);
    }

    /// Every table, as a terminal shows it.
    pub(crate) fn tables(&self) -> String {
        let mut tables = vec![table::costs(self), table::memory(self), table::starts(self)];
        tables.retain(|table| !table.is_empty());
        tables.join("\n")
    }

    /// Reads the last run's from `folder`; none where there was no run.
    pub(crate) fn find(folder: &Path) -> anyhow::Result<Option<Self>> {
        let file = folder.join(FILE);
        let failed = || format!("failed to read {}", file.display());
        match std::fs::read(&file) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes).with_context(failed)?)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(failed),
        }
    }

    /// Writes it to `folder`.
    pub(crate) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        std::fs::create_dir_all(folder)?;
        let file = folder.join(FILE);
        // A run that is cut leaves the file whole.
        let draft = folder.join(format!(".{FILE}"));
        std::fs::write(&draft, serde_json::to_vec_pretty(self)?)?;
        std::fs::rename(draft, &file).with_context(|| format!("failed to write {}", file.display()))
    }

    /// The names of the cases that `found` has, in the order of the list.
    fn cases<'a>(found: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
        let mut names: Vec<&str> = found.collect();
        names.sort_by_key(|name| CASES.iter().position(|case| case.name == *name));
        names.dedup();
        names
    }
}
