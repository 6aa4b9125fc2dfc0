//! Installs the SDKs, each set once per lock file, in the cache outside of the workspace.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use anyhow::{Context, Result};

use crate::{process, tools, workspace};

/// The interpreter of an environment that holds `tests/sdk/python/requirements.txt`.
pub(super) fn python() -> Result<PathBuf> {
    let base = tools::sdk_tool("python3")?;
    let requirements = workspace::root().join("tests/sdk/python/requirements.txt");
    let version = process::run(Command::new(&base).arg("--version"))?;
    let folder = once("python", &[&requirements], &version, |folder| {
        process::run(Command::new(&base).args(["-m", "venv"]).arg(folder))?;
        let mut pip = Command::new(folder.join("bin/python"));
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--require-hashes",
            "--requirement",
        ]);
        process::run(pip.arg(&requirements))
    })?;
    Ok(folder.join("bin/python"))
}

pub(super) fn node_program() -> Result<PathBuf> {
    tools::sdk_tool("node")
}

/// A folder that holds the sources of `tests/sdk/node` beside what its lock file names: modules are looked for from where a source is.
pub(super) fn node() -> Result<PathBuf> {
    static COPIED: Mutex<bool> = Mutex::new(false);
    let sources = workspace::root().join("tests/sdk/node");
    let [package, lock, settings] = ["package.json", "package-lock.json", ".npmrc"].map(|name| sources.join(name));
    let installed = once("node", &[&package, &lock], "", |folder| {
        for file in [&package, &lock, &settings] {
            std::fs::copy(file, folder.join(file.file_name().context("a file has a name")?))?;
        }
        let mut npm = Command::new(tools::sdk_tool("npm")?);
        // What packages would run at their installation has no business here.
        process::run(npm.current_dir(folder).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]))
    })?;
    let folder = workspace::scratch().join("sdk-node");
    let mut copied = COPIED.lock().map_err(|_| anyhow::anyhow!("the list of copied programs is poisoned"))?;
    if !*copied {
        std::fs::create_dir_all(folder.join("sdks"))?;
        for (from, to) in [(sources.clone(), folder.clone()), (sources.join("sdks"), folder.join("sdks"))] {
            for file in files(&from, "mjs")? {
                std::fs::copy(&file, to.join(file.file_name().context("a file has a name")?))?;
            }
        }
        let link = folder.join("node_modules");
        let target = installed.join("node_modules");
        if std::fs::read_link(&link).ok().as_ref() != Some(&target) {
            let _ = std::fs::remove_file(&link);
            std::os::unix::fs::symlink(&target, &link)?;
        }
        *copied = true;
    }
    Ok(folder)
}

pub(super) fn java_program() -> Result<PathBuf> {
    tools::sdk_tool("java")
}

/// The class path of `tests/sdk/java`: what its `pom.xml` names, and its compiled sources.
pub(super) fn java() -> Result<OsString> {
    let sources = workspace::root().join("tests/sdk/java");
    let pom = sources.join("pom.xml");
    let libraries = once("java", &[&pom], "", |folder| {
        let mut maven = Command::new(tools::sdk_tool("mvn")?);
        maven.args(["--batch-mode", "--quiet", "--file"]).arg(&pom).arg("dependency:copy-dependencies");
        process::run(maven.arg(format!("-DoutputDirectory={}", folder.join("lib").display())))
    })?;
    let classes = workspace::scratch().join("sdk-java");
    std::fs::create_dir_all(&classes)?;
    let class_path = format!("{}/*:{}", libraries.join("lib").display(), classes.display());
    let mut javac = Command::new(tools::sdk_tool("javac")?);
    javac.args(["-nowarn", "-cp", &class_path, "-d"]).arg(&classes);
    process::run(javac.args(files(&sources.join("src/main/java/dev/pillion/sdkchat"), "java")?))?;
    Ok(class_path.into())
}

fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let files = entries.flatten().map(|entry| entry.path());
    Ok(files.filter(|path| path.extension().is_some_and(|found| found == extension)).collect())
}

/// The folder of what these files name, filled by `install` unless it is. One at a time, also of several processes.
fn once(name: &str, files: &[&Path], salt: &str, install: impl FnOnce(&Path) -> Result<String>) -> Result<PathBuf> {
    let mut digest = ring::digest::Context::new(&ring::digest::SHA256);
    digest.update(salt.as_bytes());
    for file in files {
        digest.update(&std::fs::read(file).with_context(|| format!("reading {}", file.display()))?);
    }
    let hash: String = digest.finish().as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    let folder = workspace::cache().join(format!("sdk-{name}-{hash}"));
    let complete = folder.join(".complete");
    if complete.is_file() {
        return Ok(folder);
    }
    std::fs::create_dir_all(workspace::cache())?;
    let lock = File::create(workspace::cache().join(format!(".sdk-{name}.lock")))?;
    lock.lock()?;
    if !complete.is_file() {
        // What was left by an installation that was cut.
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder)?;
        install(&folder).with_context(|| format!("installing the SDKs of {name} in {}", folder.display()))?;
        std::fs::write(&complete, "")?;
    }
    Ok(folder)
}
