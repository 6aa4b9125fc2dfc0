//! Format, lints, and the rules for dependencies in `deny.toml`.

use std::path::PathBuf;

use anyhow::Result;
use pillion_tests::workspace;

use crate::shell::{cargo, run};

const CARGO_DENY: &str = "0.18.9";

/// Formats every package.
pub(crate) fn format() -> Result<()> {
    run(cargo().args(["fmt", "--all"]))
}

/// Fails on unformatted sources, on any lint, and on a dependency that `deny.toml` does not allow.
pub(crate) fn lint() -> Result<()> {
    run(cargo().args(["fmt", "--all", "--check"]))?;
    run(cargo().args(["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]))?;
    crate::crds::check()?;
    // Advisories need a database from the network and change by the day: not a property of the sources.
    run(std::process::Command::new(deny()?).current_dir(workspace::root()).args([
        "--log-level",
        "error",
        "check",
        "bans",
        "licenses",
        "sources",
    ]))
}

fn deny() -> Result<PathBuf> {
    let root = workspace::cache().join(format!("cargo-deny-{CARGO_DENY}"));
    let program = root.join("bin/cargo-deny");
    if !program.is_file() {
        println!("installing cargo-deny {CARGO_DENY} (once; minutes)");
        run(cargo().args(["install", "cargo-deny", "--locked", "--version", CARGO_DENY, "--root"]).arg(&root))?;
    }
    Ok(program)
}
