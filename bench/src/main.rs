//! What the sidecar costs, side by side with others in one run. Prints one table, writes the figures as JSON.
//!
//! The figure is **CPU-µs of the proxy process per request (or per streamed delta), as a ratio to nginx's plain
//! `proxy_pass` in the same run**: at least 20 interleaved pairs, median ratio with its 95 % interval. Latencies are
//! printed, not judged: on a shared machine they measure the scheduler.

mod cases;
mod load;
mod process;
mod proxies;
mod report;
mod run;
mod stats;
mod upstream;

use clap::Parser;
use std::path::PathBuf;

/// Benchmarks of the data plane.
#[derive(Parser)]
struct Arguments {
    /// Cases to run, by the beginning of their name; none: all.
    cases: Vec<String>,
    /// The sidecar's binary, a release build.
    #[arg(long)]
    sidecar: PathBuf,
    /// Others to run beside nginx: `haproxy`.
    #[arg(long, value_delimiter = ',')]
    with: Vec<String>,
    /// Interleaved pairs of each case.
    #[arg(long, default_value_t = 20)]
    pairs: usize,
    /// Where the figures go.
    #[arg(long, default_value = "target/bench")]
    output: PathBuf,
    /// Print the names of the cases.
    #[arg(long)]
    list: bool,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let chosen = cases::choose(&arguments.cases)?;
    if arguments.list {
        report::names(&chosen);
        return Ok(());
    }
    let results = run::all(&chosen, &arguments.sidecar, &arguments.with, arguments.pairs).await?;
    report::print(&results);
    report::write(&results, &arguments.output)
}
