//! The rungs of the tests, weakest first. Each installs what it needs, runs one kind of test, and says how long it took.

use std::time::Instant;

use anyhow::{Context, Result};
use clap::ValueEnum;
use pillion_tests::workspace;

use crate::{bench, fuzz, install, lint, shell};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Rung {
    /// No program but ours: every package's own tests
    Unit,
    /// A real kube-apiserver and etcd
    Apiserver,
    /// The chart, rendered and linted by the real helm
    Chart,
    /// The vendors' SDKs against a standalone sidecar
    Sdk,
    /// A real one-node cluster
    Cluster,
    /// The SDKs that take long to install and to start: Java
    Java,
    /// Format, lints, licences and sources of dependencies
    Lint,
    /// Instructions of each path of the data plane, under callgrind
    Instructions,
    /// Hostile bytes for every decoder, by libFuzzer, a minute each
    Fuzz,
    /// Credentials of half a minute under load for ten minutes, of whose exchanges three of ten fail
    Soak,
    /// All of the above
    Default,
    /// All, with the long suites
    All,
}

const EVERY: [Rung; 5] = [Rung::Unit, Rung::Apiserver, Rung::Chart, Rung::Sdk, Rung::Cluster];

/// Runs the rungs in order and stops at the first that fails.
pub(crate) fn run(rungs: &[Rung], arguments: &[String]) -> Result<()> {
    let mut times = Vec::new();
    for rung in rungs.iter().flat_map(|rung| expand(*rung)) {
        let started = Instant::now();
        let name = format!("{rung:?}").to_lowercase();
        println!("── {name}");
        rung.run(arguments).with_context(|| format!("rung {name}"))?;
        times.push(format!("{name} {:.0?}", started.elapsed()));
    }
    println!("passed: {}", times.join(", "));
    Ok(())
}

fn expand(rung: Rung) -> Vec<Rung> {
    match rung {
        Rung::Default => EVERY.to_vec(),
        Rung::All => {
            EVERY.into_iter().chain([Rung::Java, Rung::Lint, Rung::Instructions, Rung::Fuzz, Rung::Soak]).collect()
        }
        one => vec![one],
    }
}

/// Runs the selected tests.
fn test(selection: &[String], arguments: &[String]) -> Result<()> {
    let mut cargo = shell::cargo();
    // Errors tell where they come from by their context; a backtrace of the async runtime would bury it.
    cargo.env("RUST_LIB_BACKTRACE", "0").args(["test", "--quiet"]).args(selection);
    shell::run(cargo.arg("--").args(arguments))
}

impl Rung {
    fn run(self, arguments: &[String]) -> Result<()> {
        match self {
            Rung::Lint => return lint::lint(),
            Rung::Instructions => return bench::instructions(),
            Rung::Fuzz => return fuzz::fuzz(arguments),
            Rung::Soak => {
                let selection = ["--package", "pillion-sidecar", "--test", "sidecar", "soak::"].map(String::from);
                return test(&selection, &["--ignored".to_owned(), "--nocapture".to_owned()]);
            }
            _ => {}
        }
        let needed = self.tools().iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        if !needed.is_empty() {
            install::tools(&needed)?;
        }
        match self {
            Rung::Sdk => install::packages(&["python3", "node", "npm"])?,
            Rung::Java => install::packages(&["java", "javac", "mvn"])?,
            _ => {}
        }
        if self == Rung::Unit {
            test(&["--workspace".into(), "--exclude".into(), "pillion-tests".into()], arguments)?;
            return test(&["--package", "pillion-tests", "--lib", "--bins"].map(String::from), arguments);
        }
        let mut selection = ["--package", "pillion-tests"].map(String::from).to_vec();
        selection.extend(self.files()?.into_iter().flat_map(|file| ["--test".to_owned(), file]));
        test(&selection, arguments)
    }

    fn tools(self) -> &'static [&'static str] {
        match self {
            Rung::Apiserver => &["etcd", "kube-apiserver", "kubectl", "helm"],
            Rung::Chart => &["helm"],
            Rung::Sdk => &["aws-oracle"],
            Rung::Cluster => &["debian", "etcd", "kubernetes", "helm", "coredns"],
            _ => &[],
        }
    }

    /// How the files of `tests/tests` begin that are the rung's test programs.
    fn prefix(self) -> String {
        match self {
            Rung::Java => "sdk_java".to_owned(),
            other => format!("{other:?}_").to_lowercase(),
        }
    }

    /// The test programs of the rung.
    fn files(self) -> Result<Vec<String>> {
        let prefix = self.prefix();
        let of_java = |name: &str| name.starts_with(&Rung::Java.prefix());
        let mut names = std::fs::read_dir(workspace::root().join("tests/tests"))?
            .map(|entry| Ok(entry?.path().file_stem().unwrap_or_default().to_string_lossy().into_owned()))
            .collect::<Result<Vec<_>>>()?;
        names.retain(|name| name.starts_with(&prefix) && (self == Rung::Java || !of_java(name)));
        names.sort();
        anyhow::ensure!(!names.is_empty(), "no file of tests/tests begins with {prefix}");
        Ok(names)
    }
}
