//! Builds our own programs for the tests: with cargo for this machine, statically for images, and with Go for the vendors' SDKs.
//! Runs tests of other packages where what they have at hand is wanted.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use anyhow::{Context, Result};

use crate::{process, tools, workspace};

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The profile of the images that tests run: optimised a little, without link-time optimisation, since it is built often and only
/// has to be right. `Release` is what users get.
const IMAGE_PROFILE: &[&str] = &[
    "profile.image.inherits=\"release\"",
    "profile.image.opt-level=1",
    "profile.image.lto=false",
    "profile.image.codegen-units=16",
];

/// How images are optimised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Optimised {
    /// Quick to build.
    ForTests,
    /// As released.
    Release,
}

/// A binary of ours: its package and its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Binary {
    /// The cargo package.
    pub package: &'static str,
    /// The binary.
    pub name: &'static str,
}

/// The operator, and the user's command line.
pub const OPERATOR: Binary = Binary { package: "pillion-operator", name: "pillion" };
/// The sidecar.
pub const SIDECAR: Binary = Binary { package: "pillion-sidecar", name: "pillion-sidecar" };
/// The server that replays recorded provider replies.
pub const RECORDED_PROVIDER: Binary = Binary { package: "pillion-tests", name: "recorded-provider" };

/// Builds a binary as `cargo build` does, so that a test never runs a stale one. Cheap when nothing changed, and done once a process.
///
/// # Errors
/// When it does not compile.
pub fn debug(binary: Binary) -> Result<PathBuf> {
    static BUILT: Mutex<BTreeSet<Binary>> = Mutex::new(BTreeSet::new());
    let mut built = BUILT.lock().map_err(|_| anyhow::anyhow!("the list of built binaries is poisoned"))?;
    if !built.contains(&binary) {
        let mut command = cargo();
        command.args(["build", "--quiet", "--package", binary.package, "--bin", binary.name]);
        process::run(&mut command).with_context(|| format!("building {}", binary.name))?;
        built.insert(binary);
    }
    Ok(workspace::root().join("target/debug").join(binary.name))
}

/// Builds the sidecar and a recorded provider that checks no schemas, in one invocation and with as little as they take.
///
/// # Errors
/// When one does not compile.
pub fn for_the_demo() -> Result<[PathBuf; 2]> {
    let mut command = cargo();
    command.args(["build", "--no-default-features"]);
    for binary in [SIDECAR, RECORDED_PROVIDER] {
        command.args(["--package", binary.package, "--bin", binary.name]);
    }
    // With cargo's own progress, for the person who waits.
    let status = command.status().context("starting cargo")?;
    anyhow::ensure!(status.success(), "{command:?}: {status}");
    Ok([SIDECAR, RECORDED_PROVIDER].map(|binary| workspace::root().join("target/debug").join(binary.name)))
}

/// Builds the operator, the sidecar and, for tests, the recorded provider without any shared library, for images that hold nothing
/// else, and gives their paths in this order. glibc 2.34 and newer resolves names from `files` and `dns` without plug-ins.
///
/// # Errors
/// When one does not compile.
pub fn statically(optimised: Optimised) -> Result<Vec<PathBuf>> {
    let target_folder = workspace::root().join("target/static");
    let mut command = cargo();
    command.env("RUSTFLAGS", "-C target-feature=+crt-static");
    command.args(["build", "--quiet", "--target", TARGET, "--target-dir"]).arg(&target_folder);
    // In one invocation: cargo unites the features of what it builds together, so each on its own would build most dependencies anew.
    let (profile, binaries) = match optimised {
        Optimised::ForTests => {
            for setting in IMAGE_PROFILE {
                command.args(["--config", setting]);
            }
            ("image", &[OPERATOR, SIDECAR, RECORDED_PROVIDER][..])
        }
        Optimised::Release => ("release", &[OPERATOR, SIDECAR][..]),
    };
    command.args(["--profile", profile]);
    for binary in binaries {
        command.args(["--package", binary.package, "--bin", binary.name]);
    }
    process::run(&mut command)?;
    Ok(binaries.iter().map(|binary| target_folder.join(TARGET).join(profile).join(binary.name)).collect())
}

/// Runs those tests of a package's test program that have `name` in their names, with one more environment variable.
///
/// # Errors
/// When the program does not compile, or one of the tests fails.
pub fn run_tests(package: &str, program: &str, name: &str, (variable, value): (&str, &Path)) -> Result<()> {
    let mut command = cargo();
    command.args(["test", "--quiet", "--package", package, "--test", program, name]).env(variable, value);
    process::run(&mut command).with_context(|| format!("running the tests {name} of {package}"))?;
    Ok(())
}

/// Builds a program of the Go module `tests/go`, statically, and gives its path. Done once a process.
///
/// # Errors
/// When Go is missing or the program does not compile.
pub fn go_program(name: &str) -> Result<PathBuf> {
    static BUILT: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let mut built = BUILT.lock().map_err(|_| anyhow::anyhow!("the list of built programs is poisoned"))?;
    let output = workspace::scratch().join("go").join(name);
    if !built.contains(name) {
        let mut command = Command::new(tools::go()?);
        command.current_dir(workspace::root().join("tests/go")).env("CGO_ENABLED", "0").env("GOFLAGS", "-mod=readonly");
        command.args(["build", "-trimpath", "-ldflags", "-s -w", "-o"]).arg(&output).arg(format!("./{name}"));
        process::run(&mut command).with_context(|| format!("building the Go program {name}"))?;
        built.insert(name.to_owned());
    }
    Ok(output)
}

fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace::root());
    // Set by `cargo run` and `cargo test` for their own package; a nested cargo would take them for its own.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST")) {
            command.env_remove(&name);
        }
    }
    command
}
