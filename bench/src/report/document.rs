//! Writes the last run's figures into the document of benchmarks, between its markers.

use super::table::{self, interval, none, short, target};
use super::{Cost, Report};
use crate::proxies::{DIRECT, OURS, REFERENCE};
use anyhow::{Context, ensure};
use pillion_bench::control_plane;
use std::path::Path;

/// What is between a pair of markers is written by the program.
pub(super) fn markers(name: &str) -> [String; 2] {
    [
        format!("<!-- {name}: from here written by `cargo xtask bench release-table` -->"),
        format!("<!-- {name}: to here -->"),
    ]
}

/// Writes the figures of the last runs in `folder` into `document`; says what it wrote.
pub(crate) fn write_table(folder: &Path, document: &Path) -> anyhow::Result<Vec<&'static str>> {
    let mut text =
        std::fs::read_to_string(document).with_context(|| format!("failed to read {}", document.display()))?;
    let mut written = vec![];
    if let Some(report) = Report::find(folder)? {
        ensure!(!report.quick, "the last run was a quick one: its figures say nothing");
        text = between(&text, "data plane", &data_plane(&report))?;
        written.push("data plane");
    }
    if let Ok(bytes) = std::fs::read(folder.join(control_plane::FILE)) {
        let figures: control_plane::Figures =
            serde_json::from_slice(&bytes).context("failed to read the control plane's figures")?;
        text = between(&text, "control plane", &figures.paragraph())?;
        written.push("control plane");
    }
    ensure!(!written.is_empty(), "no figures are in {}; run: cargo xtask bench", folder.display());
    std::fs::write(document, text)?;
    Ok(written)
}

/// `document` with `text` between the markers of `name`.
fn between(document: &str, name: &str, text: &str) -> anyhow::Result<String> {
    let [from, to] = markers(name);
    let missing = |marker: &str| format!("the document has no line '{marker}'");
    let (before, rest) = document.split_once(&from).with_context(|| missing(&from))?;
    let (_, after) = rest.split_once(&to).with_context(|| missing(&to))?;
    Ok(format!("{before}{from}\n{}\n{to}{after}", text.trim()))
}

fn data_plane(report: &Report) -> String {
    let parts = [
        ("Delay of a streamed delta from its due time to its arrival, p50 / p99 in ms", delays(report)),
        ("Whole replies a second with the case's connections; load, upstream and proxy share the cores", rates(report)),
        ("Resident memory", table::memory(report)),
        ("From the start of the process", table::starts(report)),
    ];
    let shown = parts.into_iter().filter(|(_, shown)| !shown.is_empty());
    let parts: String = shown.map(|(title, shown)| format!("\n{title}:\n\n{shown}")).collect();
    format!("{}\n\n{}{parts}", provenance(report), costs(report))
}

fn provenance(report: &Report) -> String {
    let last = report.runs.last().map_or("", |run| run.date.as_str());
    let programs = report.programs.iter().filter(|(name, _)| *name != DIRECT);
    let programs: Vec<_> = programs.map(|(name, version)| format!("{name} {version}")).collect();
    let mut commands: Vec<_> = report.runs.iter().map(|run| format!("`{}`", run.command)).collect();
    commands.dedup();
    format!("{last}, {}; {}. {}.", report.machine, programs.join(", "), commands.join(", then "))
}

/// One line a case: nginx and ours with the ratio in full, the others in short.
fn costs(report: &Report) -> String {
    let others = others(report, |cost| cost.proxy != REFERENCE && cost.proxy != OURS && cost.proxy != DIRECT);
    let mut header =
        ["case", "per", "nginx CPU µs", "pillion CPU µs", "× nginx (95 %)", "target"].map(str::to_owned).to_vec();
    header.extend(others.iter().map(|name| format!("{name} CPU µs (× nginx)")));
    let rows = cases(report).into_iter().map(|case| {
        let of = |proxy: &str| report.costs.iter().find(|cost| cost.case == case && cost.proxy == proxy);
        let cpu = |proxy: &str| of(proxy).map_or_else(none, |cost| short(cost.cpu.median));
        let unit = report.costs.iter().find(|cost| cost.case == case).map_or_else(none, |cost| cost.unit.clone());
        let ratio = of(OURS).and_then(|cost| cost.ratio.as_ref()).map_or_else(none, interval);
        let mut row = vec![case.to_owned(), unit, cpu(REFERENCE), cpu(OURS), ratio, of(OURS).map_or_else(none, target)];
        row.extend(others.iter().map(|other| {
            let known = of(other).and_then(|cost| Some((cost.cpu.median, cost.ratio?.median)));
            known.map_or_else(none, |(cpu, ratio)| format!("{} ({})", short(cpu), short(ratio)))
        }));
        row
    });
    table::table(&header, rows.collect())
}

fn delays(report: &Report) -> String {
    let milliseconds = |cost: &Cost| format!("{:.1} / {:.1}", cost.delay[0] / 1000.0, cost.delay[1] / 1000.0);
    wide(report, "delta", milliseconds)
}

fn rates(report: &Report) -> String {
    wide(report, "request", |cost| short(cost.rate))
}

/// One line for each case of a unit, one column for each proxy.
fn wide(report: &Report, unit: &str, cell: impl Fn(&Cost) -> String) -> String {
    let proxies = others(report, |cost| cost.unit == unit);
    let header: Vec<_> = std::iter::once("case").chain(proxies.iter().copied()).collect();
    let of_unit = |case: &&str| report.costs.iter().any(|cost| cost.case == *case && cost.unit == unit);
    let rows = cases(report).into_iter().filter(of_unit).map(|case| {
        let of = |proxy: &&str| report.costs.iter().find(|cost| cost.case == case && cost.proxy == *proxy);
        let cells = proxies.iter().map(|proxy| of(proxy).map_or_else(none, &cell));
        std::iter::once(case.to_owned()).chain(cells).collect()
    });
    table::table(&header, rows.collect())
}

fn cases(report: &Report) -> Vec<&str> {
    Report::cases(report.costs.iter().map(|cost| cost.case.as_str()))
}

/// Names of the proxies that some such cost has: no proxy, nginx and ours first.
fn others(report: &Report, which: impl Fn(&Cost) -> bool) -> Vec<&str> {
    let mut names: Vec<&str> = report.costs.iter().filter(|cost| which(cost)).map(|cost| cost.proxy.as_str()).collect();
    names.sort_by_key(|name| {
        let place = [DIRECT, REFERENCE, OURS].iter().position(|first| first == name);
        (place.unwrap_or(usize::MAX), *name)
    });
    names.dedup();
    names
}
