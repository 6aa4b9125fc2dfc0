//! Fuzzing by cargo-fuzz: installed once, seeded from recorded traffic, a minute for each target.

use std::path::PathBuf;

use anyhow::{Context, Result};
use pillion_tests::workspace;

use crate::shell::{cargo, run};

const CARGO_FUZZ: &str = "0.13.2";
const TARGETS: [&str; 4] = ["frames", "requests", "replies", "streams"];

/// Fuzzes every target; `arguments` go to libFuzzer (default: a minute each). Without a sanitizer, so that the pinned
/// stable compiler will do: nothing here is unsafe, and what is looked for are panics and wrong answers.
pub(crate) fn fuzz(arguments: &[String]) -> Result<()> {
    let program = cargo_fuzz()?;
    for target in TARGETS {
        let corpus = seeds(target)?;
        let mut command = std::process::Command::new(&program);
        command.current_dir(workspace::root()).args(["run", "--fuzz-dir", "fuzz", "--sanitizer", "none"]);
        command.args(["--features", "libfuzzer", target]).arg(corpus).arg("--");
        match arguments {
            [] => command.args(["-max_total_time=60", "-max_len=65536", "-timeout=10"]),
            some => command.args(some),
        };
        run(&mut command).with_context(|| {
            format!("target {target}: keep what it wrote under fuzz/artifacts/{target} in fuzz/regressions/{target}")
        })?;
    }
    Ok(())
}

/// A folder of seeds outside of the sources: recorded requests and replies, each behind the two bytes that choose formats.
fn seeds(target: &str) -> Result<PathBuf> {
    let folder = workspace::root().join("target/fuzz-corpus").join(target);
    std::fs::create_dir_all(&folder)?;
    let mut number = 0_u8;
    for root in [workspace::samples(), workspace::corpus()] {
        for path in below(below(below(below(vec![root])))) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let fits = match target {
                "requests" => name.starts_with("request."),
                "replies" => name == "response.json",
                _ => name == "response.sse",
            };
            let data = std::fs::read(&path).unwrap_or_default();
            if fits && data.len() < 32 * 1024 {
                number = number.wrapping_add(1);
                let case = path.components().rev().nth(1).map(|part| part.as_os_str().to_string_lossy().into_owned());
                let seed = [&[number % 6, number / 6 % 6], &data[..]].concat();
                std::fs::write(folder.join(case.unwrap_or_default()), seed)?;
            }
        }
    }
    Ok(folder)
}

fn below(folders: Vec<PathBuf>) -> Vec<PathBuf> {
    let entries = folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn cargo_fuzz() -> Result<PathBuf> {
    let root = workspace::cache().join(format!("cargo-fuzz-{CARGO_FUZZ}"));
    let program = root.join("bin/cargo-fuzz");
    if !program.is_file() {
        println!("installing cargo-fuzz {CARGO_FUZZ} (once; minutes)");
        run(cargo().args(["install", "cargo-fuzz", "--locked", "--version", CARGO_FUZZ, "--root"]).arg(&root))?;
    }
    Ok(program)
}
