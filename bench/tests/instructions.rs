//! Instructions of each pure path of the data plane, counted by callgrind, and how often it asks for memory, against committed
//! budgets: figures that no load of the machine can change. `UPDATE_BUDGETS=1` writes the counts found; read the diff before committing it.

#![allow(clippy::unwrap_used, reason = "helpers of a test are not seen as tests")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A count may grow by this much before the test fails, and shrink by this much before it asks to lower the budget.
const TOLERANCE: f64 = 0.05;
/// Of the smallest paths so many more or less are nothing: seeds of hash maps and the heap's state make them.
const NOISE: u64 = 256;

/// Instructions of one iteration: the difference between two runs, so that start and inputs cancel out.
fn instructions(program: &Path, path: &str) -> u64 {
    let total = |iterations: u32| -> u64 {
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(program)
            .args([path, &iterations.to_string()])
            .output()
            .expect("valgrind is missing: apt-get install valgrind");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{path}: {text}");
        let line = text.lines().find(|line| line.contains("Collected")).expect("callgrind prints a total");
        line.rsplit(' ').next().unwrap().parse().expect("a number")
    };
    (total(12) - total(4)) / 8
}

/// Builds the program that is counted: optimised, whatever this test is.
fn build() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let arguments = ["build", "--release", "--quiet", "--package", "pillion-bench", "--bin", "paths"];
    let status = Command::new(env!("CARGO")).args(arguments).current_dir(&root).status().unwrap();
    assert!(status.success(), "failed to build paths");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    target.join("release/paths")
}

fn paths(program: &Path) -> Vec<String> {
    let output = Command::new(program).output().unwrap();
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// How often one iteration asks for memory.
fn allocations(program: &Path, path: &str) -> u64 {
    let output = Command::new(program).args(["--allocations", path]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().expect("a number")
}

#[test]
fn every_path_stays_within_its_budget_of_instructions() {
    let program = build();
    let paths = paths(&program);
    let count = |count: fn(&Path, &str) -> u64| -> BTreeMap<String, u64> {
        paths.iter().map(|path| (path.clone(), count(&program, path))).collect()
    };
    let mut off = Vec::new();
    for (what, counts, noise) in [("instructions", count(instructions), NOISE), ("allocations", count(allocations), 0)]
    {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("budgets").join(format!("{what}.json"));
        let budgets: BTreeMap<String, u64> =
            std::fs::read(&file).ok().map_or_else(BTreeMap::new, |bytes| serde_json::from_slice(&bytes).unwrap());
        for (path, count) in &counts {
            println!("{path}: {count} {what}, budget {:?}", budgets.get(path));
        }
        if std::env::var_os("UPDATE_BUDGETS").is_some() {
            std::fs::write(&file, serde_json::to_string_pretty(&counts).unwrap() + "\n").unwrap();
            continue;
        }
        assert!(counts.keys().eq(budgets.keys()), "paths and budgets differ: {}", file.display());
        let beyond = |path: &String, count: u64| {
            let (budget, off) = (budgets[path], count.abs_diff(budgets[path]));
            off > noise && off as f64 > TOLERANCE * budget as f64
        };
        off.extend(
            counts
                .iter()
                .filter(|(path, count)| beyond(path, **count))
                .map(|(path, count)| format!("{path}: {count} {what}, budget {}", budgets[path])),
        );
    }
    assert_eq!(off, Vec::<String>::new(), "UPDATE_BUDGETS=1 writes the counts found");
}
