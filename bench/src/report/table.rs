//! The tables of a terminal: one line for each case and proxy, in Markdown.

use super::{Cost, Report};
use crate::stats::Median;

/// What each proxy cost.
pub(super) fn costs(report: &Report) -> String {
    let header =
        ["case", "proxy", "CPU µs", "per", "× nginx (95 %)", "target", "p50 µs", "p99 µs", "a second", "RSS MiB"];
    let row = |cost: &Cost| {
        vec![
            cost.case.clone(),
            cost.proxy.clone(),
            short(cost.cpu.median),
            cost.unit.clone(),
            cost.ratio.as_ref().map_or_else(none, interval),
            target(cost),
            short(cost.delay[0]),
            short(cost.delay[1]),
            short(cost.rate),
            cost.rss.map_or_else(none, |rss| format!("{rss:.1}")),
        ]
    };
    let cases = Report::cases(report.costs.iter().map(|cost| cost.case.as_str()));
    let of = |case| report.costs.iter().filter(move |cost| cost.case == case);
    table(&header, cases.into_iter().flat_map(of).map(row).collect())
}

/// How much memory each proxy took.
pub(super) fn memory(report: &Report) -> String {
    let Some(first) = report.memory.first() else { return String::new() };
    let mut header = vec!["case".to_owned(), "proxy".to_owned(), "MiB idle".to_owned()];
    header.extend(first.open.iter().map(|(streams, _)| format!("{streams} streams")));
    header.push(format!("{} s after load", first.rest));
    let rows = report.memory.iter().map(|memory| {
        let mut row = vec![memory.case.clone(), memory.proxy.clone(), format!("{:.1}", memory.idle)];
        row.extend(memory.open.iter().map(|(_, mebibytes)| format!("{mebibytes:.1}")));
        row.push(format!("{:.1}", memory.rested));
        row
    });
    table(&header, rows.collect())
}

/// How long each proxy took to start.
pub(super) fn starts(report: &Report) -> String {
    let rows = report
        .starts
        .iter()
        .map(|start| vec![start.proxy.clone(), milliseconds(&start.accepted), milliseconds(&start.answered)]);
    table(&["cold start", "first connection ms (95 %)", "first answer ms (95 %)"], rows.collect())
}

/// Markdown, nothing where there is no row. What follows the columns of names is a number, and on the right.
pub(super) fn table(header: &[impl AsRef<str>], rows: Vec<Vec<String>>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let header: Vec<String> = header.iter().map(|cell| cell.as_ref().to_owned()).collect();
    let is_name = |i: usize| rows.iter().all(|row| row[i].starts_with(|first: char| first.is_ascii_alphabetic()));
    let rule = (0..header.len()).map(|i| if is_name(i) { "---" } else { "---:" }.to_owned()).collect();
    let lines = [header, rule].into_iter().chain(rows.clone()).map(|cells| format!("| {} |\n", cells.join(" | ")));
    lines.collect()
}

/// A ratio and its interval.
pub(super) fn interval(Median { median, low, high, .. }: &Median) -> String {
    let digits = if *median < 10.0 { 2 } else { 0 };
    format!("{median:.digits$} ({low:.digits$}–{high:.digits$})")
}

fn milliseconds(Median { median, low, high, .. }: &Median) -> String {
    format!("{median:.0} ({low:.0}–{high:.0})")
}

/// The target and how the cost stands to it.
pub(super) fn target(cost: &Cost) -> String {
    let known = cost.target.zip(cost.verdict);
    known.map_or_else(none, |(target, verdict)| format!("≤ {target} {}", verdict.word()))
}

/// Three digits that count.
pub(super) fn short(value: f64) -> String {
    if value.abs() < 100.0 { format!("{value:.1}") } else { format!("{value:.0}") }
}

/// What a cell says that has no value.
pub(super) fn none() -> String {
    "–".to_owned()
}
