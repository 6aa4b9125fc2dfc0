//! Tidy checks: what ARCHITECTURE.md promises of the tree, held by ordinary tests.

#![allow(clippy::unwrap_used, reason = "the whole file is a test, its helpers too")]

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// What is resolved for the platforms that are shipped; other platforms' packages may never have been downloaded.
fn metadata() -> Metadata {
    let platform = ["--filter-platform", "x86_64-unknown-linux-gnu"].map(String::from);
    MetadataCommand::new().current_dir(root()).other_options(platform.to_vec()).exec().unwrap()
}

/// Names of all packages that `package` reaches over normal dependencies, as resolved for this platform.
fn reached(metadata: &Metadata, package: &str) -> BTreeSet<String> {
    let resolve = metadata.resolve.as_ref().unwrap();
    let name_of = |id| metadata[id].name.to_string();
    let first = metadata.packages.iter().find(|candidate| candidate.name.as_str() == package).unwrap();
    let (mut todo, mut seen) = (vec![first.id.clone()], BTreeSet::new());
    while let Some(id) = todo.pop() {
        let node = resolve.nodes.iter().find(|node| node.id == id).unwrap();
        for dependency in &node.deps {
            let normal = dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal);
            if normal && seen.insert(name_of(&dependency.pkg)) {
                todo.push(dependency.pkg.clone());
            }
        }
    }
    seen
}

/// The table of rooms in ARCHITECTURE.md: who must not reach what.
const MUST_NOT_REACH: [(&str, &[&str]); 6] = [
    ("pillion-crds", &["kube-client", "kube", "tokio", "hyper", "pillion-snapshot"]),
    ("pillion-snapshot", &["kube-core", "k8s-openapi", "tokio", "hyper"]),
    ("pillion-compiler", &["kube-client", "tokio", "hyper"]),
    ("pillion-llm", &["tokio", "hyper", "kube-core", "pillion-snapshot"]),
    ("pillion-operator", &["pillion-sidecar"]),
    ("pillion-sidecar", &["kube-client", "pillion-operator"]),
];

#[test]
fn rooms_reach_only_what_the_table_allows() {
    let metadata = metadata();
    for (package, forbidden) in MUST_NOT_REACH {
        let reached = reached(&metadata, package);
        for name in forbidden {
            assert!(!reached.contains(*name), "{package} must not reach {name}");
        }
    }
}

fn sources(under: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(under).unwrap().map(|entry| entry.unwrap().path()) {
        let name = entry.file_name().unwrap().to_string_lossy().into_owned();
        if entry.is_dir() && name != "target" && !name.starts_with('.') {
            sources(&entry, found);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            found.push(entry);
        }
    }
}

#[test]
fn every_file_begins_with_a_sentence_on_what_it_is() {
    let mut files = vec![];
    sources(&root(), &mut files);
    assert!(files.len() > 50, "found only {} files", files.len());
    let mute: Vec<_> = files
        .into_iter()
        .filter(|file| file.file_name().is_some_and(|name| name != "tests.rs"))
        .filter(|file| !std::fs::read_to_string(file).unwrap().starts_with("//! "))
        .collect();
    assert_eq!(mute, Vec::<PathBuf>::new());
}

#[test]
fn pure_rooms_do_no_io_and_read_no_clock() {
    const FORBIDDEN: [&str; 8] = [
        "std::fs",
        "std::net",
        "std::process",
        "std::thread",
        "std::env::var",
        "SystemTime::now",
        "Instant::now",
        "async fn",
    ];
    let mut files = vec![];
    for room in ["crds/src", "crates/snapshot/src", "crates/compiler/src", "crates/llm/src"] {
        sources(&root().join(room), &mut files);
    }
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        let is_test = file.file_name().is_some_and(|name| name == "tests.rs")
            || file.components().any(|part| part.as_os_str() == "tests");
        for word in FORBIDDEN.iter().filter(|_| !is_test) {
            assert!(!code.contains(word), "{} contains {word}", file.display());
        }
    }
}

/// In a cell, the functions in brackets after a file are tests of that file.
#[test]
fn every_test_that_the_threat_model_names_is_there() {
    let page = std::fs::read_to_string(root().join("docs/security.md")).unwrap();
    let mut seen = 0;
    let mut file = (String::new(), String::new());
    for word in page.split('`').skip(1).step_by(2) {
        let is_file = word.contains('/') && word.ends_with(".rs");
        let is_test = word.contains('_') && word.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        if is_file {
            file = (word.to_owned(), std::fs::read_to_string(root().join(word)).unwrap_or_default());
            assert!(!file.1.is_empty(), "docs/security.md names {word}, which is not there");
        } else if is_test && word.matches('_').count() > 2 && !word.starts_with("cloud_tokens") {
            assert!(file.1.contains(&format!("fn {word}(")), "docs/security.md: {} has no test {word}", file.0);
            seen += 1;
        }
    }
    assert!(seen > 20, "only {seen} tests found in docs/security.md");
}

#[test]
fn the_dockerfile_builds_what_the_workspace_has_with_its_toolchain() {
    let read = |name: &str| std::fs::read_to_string(root().join(name)).unwrap();
    let (dockerfile, toolchain) = (read("Dockerfile"), read("rust-toolchain.toml"));
    let version = toolchain.lines().find_map(|line| line.strip_prefix("channel = ")).unwrap().trim_matches('"');
    assert!(dockerfile.contains(&format!("FROM rust:{version}-")), "the image is not that of Rust {version}");
    let words: Vec<&str> = dockerfile.split_whitespace().collect();
    let named = words.windows(2).filter(|pair| pair[0] == "--package").map(|pair| pair[1]).collect::<Vec<_>>();
    assert_eq!(named, ["pillion-operator", "pillion-sidecar"]);
    let metadata = metadata();
    for copied in words.iter().filter_map(|word| word.strip_prefix("/out/")).filter(|name| !name.is_empty()) {
        let mut built = metadata.packages.iter().filter(|package| named.contains(&package.name.as_str()));
        let is_built =
            built.any(|package| package.targets.iter().any(|target| target.name == copied && target.is_bin()));
        assert!(is_built, "the Dockerfile copies '{copied}', which no package builds that it names");
    }
}
