//! What the sidecar costs, side by side with others in one run. Prints tables, writes the figures as JSON.
//!
//! The figure is **CPU-µs of the proxy's processes per request (or per streamed delta), as a ratio to nginx's plain
//! `proxy_pass` in the same run**: at least 20 interleaved pairs, median ratio with its 95 % interval; a target holds
//! when the upper bound does. Latencies are printed, not judged: on a shared machine they measure the scheduler.

mod cases;
mod due;
mod load;
mod process;
mod profile;
mod proxies;
mod report;
mod run;
mod stats;
mod targets;
mod upstream;

use anyhow::Context;
use clap::Parser;
use report::Report;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;
use tokio::signal::unix::{SignalKind, signal};

/// Benchmarks of the data plane.
#[derive(Parser)]
struct Arguments {
    /// Cases to run, by their name or the beginning of several; none: all.
    cases: Vec<String>,
    /// The sidecar's binary, a release build.
    #[arg(long, required_unless_present_any = ["list", "release_table"])]
    sidecar: Option<PathBuf>,
    /// Others to run beside nginx: `direct` (no proxy), `haproxy`, `litellm`, `portkey`, `smg`.
    #[arg(long, value_delimiter = ',')]
    with: Vec<String>,
    /// Interleaved pairs of each case.
    #[arg(long, default_value_t = 20)]
    pairs: usize,
    /// Keep the figures of the last run for what is not measured again.
    #[arg(long)]
    keep: bool,
    /// Little traffic, one pair: tries everything out and measures nothing.
    #[arg(long)]
    quick: bool,
    /// Where the figures go.
    #[arg(long, default_value = "target/bench")]
    output: PathBuf,
    /// Print the names of the cases.
    #[arg(long)]
    list: bool,
    /// Run one case with the sidecar under a profiler, and print what dominates its cost.
    #[arg(long)]
    profile: bool,
    /// Write the tables of the last run into this document.
    #[arg(long, value_name = "DOCUMENT")]
    release_table: Option<PathBuf>,
}

impl Arguments {
    /// What to type to do it again.
    fn command(&self) -> String {
        let mut words = vec!["cargo xtask bench".to_owned()];
        words.extend(self.cases.iter().cloned());
        words.push(format!("-- --pairs {}", self.pairs));
        if !self.with.is_empty() {
            words.push(format!("--with {}", self.with.join(",")));
        }
        if self.keep {
            words.push("--keep".to_owned());
        }
        words.join(" ")
    }
}

#[allow(clippy::print_stdout, reason = "the tables are what this program is for")]
#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if let Some(document) = &arguments.release_table {
        let written = report::write_table(&arguments.output, document)?;
        println!("wrote {} into {}", written.join(" and "), document.display());
        return Ok(());
    }
    let chosen = cases::choose(&arguments.cases)?;
    let Some(sidecar) = arguments.sidecar.as_ref().filter(|_| !arguments.list) else {
        chosen.iter().for_each(|case| println!("{}", case.name));
        return Ok(());
    };
    let folder = std::env::temp_dir().join(format!("pillion-bench-{}", std::process::id()));
    // Processes that were started end with what was interrupted.
    let mut terminate = signal(SignalKind::terminate())?;
    let done = tokio::select! {
        done = async {
            if arguments.profile {
                let text = profile::run(&chosen, sidecar, &folder).await?;
                println!("{text}");
                return Ok(());
            }
            measure(&arguments, sidecar, &chosen, &folder).await
        } => done,
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("interrupted")),
        _ = terminate.recv() => Err(anyhow::anyhow!("told to stop")),
    };
    done.with_context(|| format!("logs are in {}", folder.display()))?;
    let _ = std::fs::remove_dir_all(folder);
    Ok(())
}

#[allow(clippy::print_stdout, reason = "the tables are what this program is for")]
async fn measure(arguments: &Arguments, sidecar: &Path, chosen: &[cases::Case], folder: &Path) -> anyhow::Result<()> {
    let proxies = proxies::choose(sidecar, &arguments.with)?;
    let mut programs = BTreeMap::new();
    for proxy in &proxies {
        programs.insert(proxy.name().to_owned(), proxy.install()?);
    }
    let mut report = Report::begin(arguments.command(), programs, arguments.quick);
    if arguments.keep
        && let Some(earlier) = Report::find(&arguments.output)?
    {
        report.keep(earlier)?;
    }
    let pairs = if arguments.quick { 1 } else { arguments.pairs.max(1) };
    for case in chosen {
        let case = if arguments.quick { case.quick() } else { *case };
        let begun = Instant::now();
        run::one(&case, &proxies, pairs, folder, &mut report).await.with_context(|| format!("case {}", case.name))?;
        report.write(&arguments.output)?;
        println!("{} took {:.0?}", case.name, begun.elapsed());
    }
    println!("{}", report.tables());
    Ok(())
}
