//! Builds what is measured, optimised, and hands over to the programs of `bench/`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};
use pillion_tests::workspace;

use crate::{install, shell};

/// Where the figures of a release are shown.
const DOCUMENT: &str = "docs/benchmarks.md";

/// The programs that comparators need, with the Debian packages that bring them; their own packages the harness installs.
const COMPARATORS: [(&str, &str, &str); 4] = [
    ("haproxy", "haproxy", "haproxy"),
    ("litellm", "python3", "python3-venv"),
    ("smg", "python3", "python3-venv"),
    ("portkey", "npm", "npm"),
];

/// Runs the data plane's cases; or, by the first name, something else: `control-plane` measures that, `profile CASE` shows
/// what dominates a case, `release-table` writes the last figures into the document.
pub(crate) fn run(cases: &[String], arguments: &[String]) -> Result<()> {
    let words: Vec<&str> = cases.iter().map(String::as_str).collect();
    match words[..] {
        ["control-plane"] => control_plane(arguments),
        ["release-table"] => {
            build(&[("pillion-bench", "pillion-bench")])?;
            measure(Command::new(built("release", "pillion-bench")).args(["--release-table", DOCUMENT]), arguments)
        }
        ["profile", case] => profile(case, arguments),
        ["control-plane" | "release-table" | "profile", ..] => bail!("there are: {}", USAGE.join(", ")),
        _ => data_plane(cases, arguments),
    }
}

const USAGE: [&str; 4] = ["bench [CASE…]", "bench control-plane", "bench profile CASE", "bench release-table"];

fn data_plane(cases: &[String], arguments: &[String]) -> Result<()> {
    install::package("nginx", "nginx-light")?;
    let named = comparators(arguments);
    for (_, program, package) in COMPARATORS.iter().filter(|(name, ..)| named.contains(name)) {
        install::package(program, package)?;
    }
    build(&[("pillion-sidecar", "pillion-sidecar"), ("pillion-bench", "pillion-bench")])?;
    let mut command = Command::new(built("release", "pillion-bench"));
    measure(command.arg("--sidecar").arg(built("release", "pillion-sidecar")).args(cases), arguments)
}

fn control_plane(arguments: &[String]) -> Result<()> {
    install::tools(&["etcd", "kube-apiserver", "kubectl", "debian"].map(str::to_owned))?;
    build(&[
        ("pillion-operator", "pillion"),
        ("pillion-sidecar", "pillion-sidecar"),
        ("pillion-bench", "control-plane"),
    ])?;
    let mut command = Command::new(built("release", "control-plane"));
    command.arg("--operator").arg(built("release", "pillion"));
    measure(command.arg("--sidecar").arg(built("release", "pillion-sidecar")), arguments)
}

/// Builds the sidecar as released, but with its symbols and with frame pointers, in a folder of its own.
fn profile(case: &str, arguments: &[String]) -> Result<()> {
    install::package("valgrind", "valgrind")?;
    build(&[("pillion-bench", "pillion-bench")])?;
    let mut cargo = shell::cargo();
    cargo.env("RUSTFLAGS", "-C force-frame-pointers=yes");
    for setting in ["inherits='release'", "strip='none'", "debug='line-tables-only'"] {
        cargo.arg("--config").arg(format!("profile.profiled.{setting}"));
    }
    cargo.args(["build", "--profile", "profiled", "--package", "pillion-sidecar", "--bin", "pillion-sidecar"]);
    shell::run(&mut cargo)?;
    let mut command = Command::new(built("release", "pillion-bench"));
    measure(command.args(["--profile", case, "--sidecar"]).arg(built("profiled", "pillion-sidecar")), arguments)
}

/// The instructions of each pure path against their budgets.
pub(crate) fn instructions() -> Result<()> {
    install::package("valgrind", "valgrind")?;
    shell::run(shell::cargo().args(["test", "--quiet", "--package", "pillion-bench", "--test", "instructions"]))
}

fn build(binaries: &[(&str, &str)]) -> Result<()> {
    let mut cargo = shell::cargo();
    cargo.args(["build", "--release"]);
    for (package, binary) in binaries {
        cargo.args(["--package", package, "--bin", binary]);
    }
    shell::run(&mut cargo)
}

/// Where cargo puts a binary of a profile.
fn built(profile: &str, binary: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    workspace::root().join(target).join(profile).join(binary)
}

fn measure(command: &mut Command, arguments: &[String]) -> Result<()> {
    shell::run(command.args(arguments).current_dir(workspace::root()))
}

/// What follows `--with`, as `a,b` or again and again.
fn comparators(arguments: &[String]) -> Vec<&str> {
    let mut words = arguments.iter().map(String::as_str);
    let mut named = vec![];
    while let Some(word) = words.next() {
        let list = if word == "--with" { words.next() } else { word.strip_prefix("--with=") };
        named.extend(list.into_iter().flat_map(|list| list.split(',')));
    }
    named
}

#[cfg(test)]
mod tests {
    use super::comparators;

    #[test]
    fn comparators_are_found_however_they_are_named() {
        let arguments = ["--pairs", "20", "--with", "haproxy,litellm", "--with=smg", "--keep"].map(str::to_owned);
        assert_eq!(comparators(&arguments), ["haproxy", "litellm", "smg"]);
        assert!(comparators(&["--with".to_owned()]).is_empty());
    }
}
