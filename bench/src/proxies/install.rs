//! Installs what is compared, pinned, into the cache outside the workspace: packages of Python and of Node. What comes
//! from Debian (`nginx`, `haproxy`, `python3-venv`, `npm`) `cargo xtask bench` installs.

use anyhow::{Context, ensure};
use pillion_tests::{tools, workspace};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;

/// Written last: a folder without it was cut while it was made.
const STAMP: &str = ".installed";

/// A package of a registry.
pub(super) struct Package {
    /// Of the folder.
    pub(super) name: &'static str,
    /// What is asked for, without the version.
    pub(super) package: &'static str,
    /// The version, and no other.
    pub(super) version: &'static str,
}

impl Package {
    /// Where it is, or will be.
    pub(super) fn folder(&self) -> PathBuf {
        workspace::cache().join(format!("{}-{}", self.name, self.version))
    }

    /// Installs a Python package with what it needs into an environment of its own.
    pub(super) fn python(&self) -> anyhow::Result<String> {
        self.once(|| {
            let folder = self.folder();
            run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder), "apt-get install python3-venv")?;
            let package = format!("{}=={}", self.package, self.version);
            run(
                Command::new(folder.join("bin/python")).args(["-m", "pip", "install", "--quiet", &package]),
                "look at what pip says",
            )
        })
    }

    /// Installs a Node package with what it needs, of which `fixed` has versions to take, running none of their
    /// scripts.
    pub(super) fn node(&self, fixed: &Value) -> anyhow::Result<String> {
        self.once(|| {
            let wanted = json!({"private": true, "dependencies": {self.package: self.version}, "overrides": fixed});
            std::fs::write(self.folder().join("package.json"), wanted.to_string())?;
            let mut npm = Command::new("npm");
            npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]);
            run(npm.current_dir(self.folder()), "apt-get install npm")
        })
    }

    fn once(&self, install: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<String> {
        let stamp = self.folder().join(STAMP);
        if !stamp.is_file() {
            let _ = std::fs::remove_dir_all(self.folder());
            std::fs::create_dir_all(self.folder())?;
            install().with_context(|| format!("failed to install {} {}", self.package, self.version))?;
            std::fs::write(stamp, "")?;
        }
        Ok(self.version.to_owned())
    }
}

/// The version that a program of the system says it has: the first word of its output that begins like one.
pub(super) fn version_of(program: &str, flag: &str, package: &str) -> anyhow::Result<String> {
    let path =
        tools::find(program).with_context(|| format!("{program} is not installed; run: apt-get install {package}"))?;
    let output = Command::new(path).arg(flag).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    version_in(&text).map(str::to_owned).with_context(|| format!("{program} {flag} says no version: {text}"))
}

fn version_in(text: &str) -> Option<&str> {
    let words = text.split([' ', '/', '\n']).map(|word| word.strip_prefix('v').unwrap_or(word));
    words.into_iter().find(|word| word.starts_with(|first: char| first.is_ascii_digit()))
}

fn run(command: &mut Command, remedy: &str) -> anyhow::Result<()> {
    let program = command.get_program().to_owned();
    let status = command.status().with_context(|| format!("failed to start {}; {remedy}", program.display()))?;
    ensure!(status.success(), "{} ended with {status}; {remedy}", program.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_as_each_program_says_them() {
        assert_eq!(version_in("nginx version: nginx/1.22.1\n"), Some("1.22.1"));
        assert_eq!(
            version_in("HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/"),
            Some("2.6.12-1+deb12u4")
        );
        assert_eq!(version_in("v20.20.2\n"), Some("20.20.2"));
        assert_eq!(version_in("no such flag, very sorry"), None);
    }
}
