//! Builds what is measured, optimised, and hands over to the programs of `bench/`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;
use pillion_tests::workspace;

use crate::{install, shell};

/// Runs the data plane's cases, or, by the name `control-plane` alone, that of the control plane.
pub(crate) fn run(cases: &[String], arguments: &[String]) -> Result<()> {
    if cases == ["control-plane"] {
        install::tools(&["etcd", "kube-apiserver", "kubectl", "debian"].map(str::to_owned))?;
        build(&[("pillion-operator", "pillion"), ("pillion-bench", "control-plane")])?;
        return measure(Command::new(release("control-plane")).arg("--operator").arg(release("pillion")), arguments);
    }
    install::package("nginx", "nginx-light")?;
    build(&[("pillion-sidecar", "pillion-sidecar"), ("pillion-bench", "pillion-bench")])?;
    let mut command = Command::new(release("pillion-bench"));
    measure(command.arg("--sidecar").arg(release("pillion-sidecar")).args(cases), arguments)
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

fn release(binary: &str) -> PathBuf {
    workspace::root().join("target/release").join(binary)
}

fn measure(command: &mut Command, arguments: &[String]) -> Result<()> {
    shell::run(command.args(arguments).current_dir(workspace::root()))
}
