//! What a change costs the control plane: routes, namespaces and simulated sidecar streams on a real kube-apiserver.
//!
//! Prints change → received (p50, p99), bytes per change, the operator's CPU and memory, and how long it takes until
//! all streams that drop at once have their snapshots again. Streams and operator share the machine.

mod fleet;
mod served;
mod world;

use clap::Parser;
use pillion_bench::control_plane::{FILE, Figures, Quantiles};
use pillion_bench::machine::{Machine, today};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Benchmark of the control plane.
#[derive(Parser)]
struct Arguments {
    /// The operator's binary, a release build.
    #[arg(long)]
    operator: PathBuf,
    /// The sidecar's binary, a release build.
    #[arg(long)]
    sidecar: PathBuf,
    /// Namespaces.
    #[arg(long, default_value_t = 500)]
    namespaces: usize,
    /// AIRoutes in all.
    #[arg(long, default_value_t = 5_000)]
    routes: usize,
    /// Simulated sidecars, each a pod with a token of its own.
    #[arg(long, default_value_t = 1_000)]
    sidecars: usize,
    /// Changes of one route each.
    #[arg(long, default_value_t = 100)]
    changes: usize,
    /// Where the figures go.
    #[arg(long, default_value = "target/bench")]
    output: PathBuf,
}

#[tokio::main]
#[allow(clippy::print_stdout, reason = "the figures are what this program is for")]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let begun = Instant::now();
    let world = world::World::build(&arguments).await?;
    println!("objects written in {:.0?}", begun.elapsed());

    let begun = Instant::now();
    let mut operator = world.start_operator(&arguments.operator).await?;
    let ready = begun.elapsed();
    let rss_ready = operator.usage.rss();
    println!("operator ready after {ready:.1?}, {rss_ready:.0} MiB");

    let mut fleet = fleet::Fleet::new(&world, &operator)?;
    let cpu = operator.usage.cpu();
    let connected = fleet.connect().await?;
    let rss_open = operator.usage.rss();
    println!(
        "{} streams have their first snapshot after {connected:.1?}, {:.0} ms of the operator's CPU, {rss_open:.0} MiB",
        world.sidecars.len(),
        (operator.usage.cpu() - cpu) / 1000.0,
    );

    let cpu = operator.usage.cpu();
    let bytes = fleet.bytes();
    let mut times = vec![];
    for i in 0..arguments.changes {
        let sidecar = &world.sidecars[(i * 7919) % world.sidecars.len()];
        let receivers = fleet.expect_change(&sidecar.namespace);
        let begun = Instant::now();
        world.change_route(&sidecar.namespace, i).await?;
        for time in fleet::received(receivers, Duration::from_secs(30)).await? {
            times.push((time - begun).as_secs_f64() * 1000.0);
        }
    }
    let per_change = |total: f64| total / arguments.changes as f64;
    let change_cpu = per_change((operator.usage.cpu() - cpu) / 1000.0);
    let change_bytes = per_change((fleet.bytes() - bytes) as f64);
    let received = Quantiles::of(times);
    println!("change → received: {received}; {change_bytes:.0} bytes and {change_cpu:.1} ms of CPU a change");

    let served = served::measure(&world, &operator, &arguments.sidecar, arguments.changes).await?;
    let served = Quantiles::of(served);
    println!("change → served by a real sidecar: {served}");

    let cpu = operator.usage.cpu();
    let storm = fleet.reconnect().await?;
    let storm_cpu = (operator.usage.cpu() - cpu) / 1000.0;
    let rss_after = operator.usage.rss();
    println!("reconnect storm: all served after {storm:.1?}, {storm_cpu:.0} ms of CPU, {rss_after:.0} MiB");

    let figures = Figures {
        date: today(),
        machine: Machine::this(),
        namespaces: arguments.namespaces,
        routes: arguments.routes,
        sidecars: arguments.sidecars,
        changes: arguments.changes,
        ready_seconds: ready.as_secs_f64(),
        connect_seconds: connected.as_secs_f64(),
        change_milliseconds: received,
        served_milliseconds: served,
        change_bytes,
        change_cpu_milliseconds: change_cpu,
        storm_seconds: storm.as_secs_f64(),
        storm_cpu_milliseconds: storm_cpu,
        rss_mib: [rss_ready, rss_open, rss_after],
    };
    std::fs::create_dir_all(&arguments.output)?;
    std::fs::write(arguments.output.join(FILE), serde_json::to_vec_pretty(&figures)?)?;
    Ok(())
}
