//! The table for people and the JSON for scripts.

#![allow(clippy::print_stdout, reason = "the table is what this program is for")]

use crate::cases::Case;
use crate::run::Result;
use std::path::Path;

/// Prints the names of cases.
pub(crate) fn names(cases: &[Case]) {
    for case in cases {
        println!("{}", case.name);
    }
}

/// Prints the table, as Markdown.
pub(crate) fn print(results: &[Result]) {
    println!("| case | proxy | CPU µs | per | × nginx (95 %) | p50 µs | p99 µs | RSS MiB | start ms |");
    println!("|---|---|---:|---|---|---:|---:|---:|---:|");
    for result in results {
        let ratio = result.ratio.map_or_else(
            || "–".to_owned(),
            |ratio| format!("{:.2} ({:.2}–{:.2})", ratio.median, ratio.low, ratio.high),
        );
        println!(
            "| {} | {} | {:.1} | {} | {} | {:.0} | {:.0} | {:.1} | {:.0} |",
            result.case,
            result.proxy,
            result.cpu.median,
            result.unit,
            ratio,
            result.delay[0],
            result.delay[1],
            result.rss,
            result.start
        );
    }
}

/// Writes the figures to `latest.json` in `folder`.
pub(crate) fn write(results: &[Result], folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("latest.json"), serde_json::to_vec_pretty(results)?)?;
    Ok(())
}
