//! Fuzzing by cargo-fuzz: installed once, seeded from recorded traffic, a minute for each target.

use std::path::PathBuf;

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pillion_tests::workspace;

use crate::shell::{cargo, run};

const CARGO_FUZZ: &str = "0.13.2";
/// What holds the frames of a recorded AWS event stream.
const EVENT_STREAM: &str = "response.eventstream.b64";
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

/// Formats by the folders of recorded cases, in the order in which a fuzz input's byte numbers them.
const FORMATS: [&[&str]; 6] = [
    &["chat-completions"],
    &["responses"],
    &["messages", "raw-predict", "invoke", "invoke-with-response-stream"],
    &["generate-content", "stream-generate-content"],
    &["converse", "converse-stream"],
    &["v2-chat"],
];

/// A folder of seeds outside of the sources: recorded requests and replies, each behind the two bytes that choose formats.
/// One of them is the case's own; the other turns from case to case.
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
                _ => name == "response.sse" || name == EVENT_STREAM,
            };
            let mut data = std::fs::read(&path).unwrap_or_default();
            if name == EVENT_STREAM {
                data.retain(|byte| !byte.is_ascii_whitespace());
                data = STANDARD.decode(data).with_context(|| path.display().to_string())?;
            }
            if fits && data.len() < 32 * 1024 {
                number = number.wrapping_add(1);
                let part =
                    |n| path.components().rev().nth(n).map(|part| part.as_os_str().to_string_lossy().into_owned());
                let (case, endpoint) = (part(1).unwrap_or_default(), part(2).unwrap_or_default());
                let own = FORMATS.iter().position(|folders| folders.contains(&endpoint.as_str()));
                let (own, other) = (own.unwrap_or_default() as u8, number % 6);
                let choice = match target {
                    "frames" => [if name == EVENT_STREAM { 2 } else { 0 }, number],
                    "requests" => [own, other],
                    _ => [other, own],
                };
                std::fs::write(folder.join(format!("{endpoint}-{case}")), [&choice, &data[..]].concat())?;
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
