//! Installs what the tests run and nobody here wrote: Go programs from their pinned modules, Python packages from their
//! pinned lists, packages from Debian.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use pillion_tests::tools::{self, GO_TOOLS, GoTool, PYTHON_TOOLS, PythonTool, SDK_TOOLS, SYSTEM_TOOLS};

use crate::shell;

/// Installs everything, or the programs, modules and `debian` that are named.
pub(crate) fn tools(names: &[String]) -> Result<()> {
    let is_go = |name: &str| GO_TOOLS.iter().any(|tool| tool.name == name || tool.module == name);
    let is_python = |name: &str| PYTHON_TOOLS.iter().any(|tool| tool.name == name);
    if let Some(unknown) = names.iter().find(|name| *name != "debian" && !is_go(name) && !is_python(name)) {
        let go = GO_TOOLS.iter().map(|tool| tool.name);
        let all: Vec<_> = go.chain(PYTHON_TOOLS.iter().map(|tool| tool.name)).collect();
        bail!("no tool is named {unknown}; there are: {}, debian", all.join(", "));
    }
    let asked = |tool: &GoTool| names.is_empty() || names.iter().any(|name| name == tool.name || name == tool.module);
    if names.is_empty() || names.iter().any(|name| name == "debian") {
        debian()?;
    }
    let environment = |tool: &&PythonTool| names.is_empty() || names.iter().any(|name| name == tool.name);
    PYTHON_TOOLS.iter().filter(environment).try_for_each(install)?;
    GO_TOOLS.iter().filter(|tool| asked(tool)).try_for_each(build)
}

/// Makes a Python environment of its pinned packages, unless that is there.
fn install(tool: &PythonTool) -> Result<()> {
    let folder = tool.folder()?;
    if folder.join("bin/python").is_file() {
        return Ok(());
    }
    println!("installing {} (once; a minute)", tool.name);
    let python =
        tools::find("python3").context("python3 is not installed; run: apt-get install python3 python3-venv")?;
    // An environment knows its own path: it is made in its place, and taken away again where it does not become whole.
    let made = shell::run(Command::new(python).args(["-m", "venv"]).arg(&folder)).and_then(|()| {
        let mut pip = Command::new(folder.join("bin/pip"));
        let list = tool.requirements();
        shell::run(pip.args(["install", "--quiet", "--disable-pip-version-check", "--requirement"]).arg(list))
    });
    if made.is_err() {
        let _ = std::fs::remove_dir_all(&folder);
    }
    made
}

/// Builds a Go program of its pinned version, unless that is there.
fn build(tool: &GoTool) -> Result<()> {
    let path = tool.path()?;
    if path.is_file() {
        return Ok(());
    }
    let folder = path.parent().context("a tool has a folder")?;
    std::fs::create_dir_all(folder)?;
    println!("building {} {} (once; minutes)", tool.name, tool.version()?);
    let started = Instant::now();
    // Built beside its place and renamed, so that a build that was cut leaves no half program.
    let draft = folder.join(format!(".{}", tool.name));
    let mut command = Command::new(tools::go()?);
    command.current_dir(tool.folder()).env("CGO_ENABLED", "0").env("GOFLAGS", "-mod=readonly");
    command.args(["build", "-trimpath", "-ldflags", &tool.linker_flags()?, "-o"]).arg(&draft).arg(tool.package);
    shell::run(&mut command)?;
    std::fs::rename(&draft, &path)?;
    println!("built {} in {:.0?}", path.display(), started.elapsed());
    Ok(())
}

/// Installs the Debian packages whose programs are missing.
fn debian() -> Result<()> {
    let mut packages: Vec<_> = SYSTEM_TOOLS
        .iter()
        .filter(|(program, _)| tools::find(program).is_none())
        .map(|&(_, package)| package)
        .collect();
    packages.sort_unstable();
    packages.dedup();
    if packages.is_empty() { Ok(()) } else { apt(&packages) }
}

/// Installs the Debian packages of what the vendors' SDKs run on, where these programs are missing.
pub(crate) fn packages(programs: &[&str]) -> Result<()> {
    let mut wanted = SDK_TOOLS.iter().filter(|(program, _, _)| programs.contains(program));
    wanted.try_for_each(|(program, debian, _)| package(program, debian))
}

/// Installs the Debian package of one program, where that is missing.
pub(crate) fn package(program: &str, package: &str) -> Result<()> {
    if tools::find(program).is_some() { Ok(()) } else { apt(&[package]) }
}

fn apt(packages: &[&str]) -> Result<()> {
    println!("installing Debian packages: {}", packages.join(" "));
    let apt = tools::find("apt-get").with_context(|| {
        format!("this is no Debian: install the programs of these packages yourself: {}", packages.join(" "))
    })?;
    shell::run(Command::new(&apt).args(["update", "-qq"]))?;
    let mut install = Command::new(&apt);
    // No recommends: containerd's would bring a runtime of its own. No service is started: the tests run their own.
    install.env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1").args([
        "install",
        "-y",
        "-qq",
        "--no-install-recommends",
    ]);
    shell::run(install.args(packages))
}
