//! The project's chores: `cargo xtask help`. What a chore needs and does not find, it installs first.

#![allow(clippy::print_stdout, reason = "a command line speaks to a person")]

mod bench;
mod crds;
mod demo;
mod fuzz;
mod images;
mod install;
mod lint;
mod rungs;
mod shell;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Generation, tools, tests, demo")]
struct Line {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Build the Go programs and install the Debian packages that the tests need
    Tools {
        /// Programs (kube-apiserver, helm, …), modules (kubernetes, etcd, …) or `debian`; default: all
        names: Vec<String>,
    },
    /// Write the CRDs' YAML, and the chart's copy
    Crds {
        /// Only say whether the files are up to date
        #[arg(long)]
        check: bool,
    },
    /// Run one or more rungs of the tests
    Test {
        /// Rungs, weakest first; `default` is all but the long suites
        #[arg(value_enum, default_values = ["default"])]
        rungs: Vec<rungs::Rung>,
        /// Passed to the test programs: a filter, `--nocapture`
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Measure what calls, deltas and changes cost, side by side with nginx in one run
    Bench {
        /// Cases, by the beginning of their names, or `control-plane`; default: all of the data plane
        cases: Vec<String>,
        /// Passed on: `--pairs 20`, `--with haproxy`
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Show Pillion working on this machine
    Demo {
        /// On a real one-node cluster instead of standalone
        #[arg(long)]
        cluster: bool,
        /// End after the show instead of waiting for Ctrl-C
        #[arg(long)]
        once: bool,
    },
    /// Format the sources
    Fmt,
    /// Check format, lints, licences and sources of dependencies
    Lint,
    /// Build the container images as OCI archives, without Docker
    Images {
        /// Optimised as released, which takes minutes
        #[arg(long)]
        release: bool,
    },
}

fn main() -> Result<()> {
    match Line::parse().chore {
        Chore::Tools { names } => install::tools(&names),
        Chore::Crds { check: false } => crds::write(),
        Chore::Crds { check: true } => crds::check(),
        Chore::Test { rungs, arguments } => rungs::run(&rungs, &arguments),
        Chore::Bench { cases, arguments } => bench::run(&cases, &arguments),
        Chore::Demo { cluster, once } => demo::run(cluster, once),
        Chore::Fmt => lint::format(),
        Chore::Lint => lint::lint(),
        Chore::Images { release } => images::build(release),
    }
}
