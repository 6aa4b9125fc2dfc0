//! On a stable compiler: everything that fuzzing ever found, recorded traffic as it came, and the same traffic damaged.

#![allow(clippy::unwrap_used, reason = "the whole file is a test, its helpers too")]

use base64::Engine as _;
use pillion_llm::Format;
use pillion_tests::workspace;
use std::path::{Path, PathBuf};

type Target = fn(&[u8]);

const TARGETS: [(&str, Target); 4] = [
    ("frames", pillion_fuzz::frames),
    ("requests", pillion_fuzz::requests),
    ("replies", pillion_fuzz::replies),
    ("streams", pillion_fuzz::streams),
];

#[test]
fn what_was_found_once_is_not_found_again() {
    for (name, target) in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions").join(name);
        for file in files(&folder) {
            target(&std::fs::read(file).unwrap());
        }
    }
}

#[test]
fn recorded_traffic_of_one_format_read_as_any_other_is_no_danger() {
    let mut seen = 0;
    for folder in [workspace::samples(), workspace::corpus()] {
        for file in cases(&folder) {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            let mut data = std::fs::read(&file).unwrap();
            if name.ends_with(".b64") {
                data.retain(|byte| !byte.is_ascii_whitespace());
                data = base64::engine::general_purpose::STANDARD.decode(data).unwrap();
            }
            // What is longer says nothing new here, and takes long.
            if data.len() > 64 * 1024 {
                continue;
            }
            seen += 1;
            for damaged in damage(&data) {
                for format in Format::ALL {
                    // The client's format turns with the file, so that every pair is seen.
                    let other = Format::ALL[seen % Format::ALL.len()];
                    if name.starts_with("request") {
                        pillion_fuzz::requests(&pillion_fuzz::input(other, *format, &damaged));
                        pillion_fuzz::requests(&pillion_fuzz::input(*format, other, &damaged));
                    } else if name.ends_with(".json") {
                        pillion_fuzz::replies(&pillion_fuzz::input(other, *format, &damaged));
                    } else {
                        pillion_fuzz::streams(&pillion_fuzz::input(other, *format, &damaged));
                    }
                }
                for choice in 0..3 {
                    pillion_fuzz::frames(&[&[choice, 77], &damaged[..]].concat());
                }
            }
        }
    }
    println!("{seen} recorded files replayed");
    assert!(seen > 20, "only {seen} files were found");
}

/// As it is, cut, with a byte flipped, with a piece twice: chosen by the data itself, the same every time.
fn damage(data: &[u8]) -> Vec<Vec<u8>> {
    let at = data.iter().fold(17_usize, |sum, byte| sum.wrapping_mul(131).wrapping_add(usize::from(*byte)));
    let at = at % data.len().max(1);
    let mut flipped = data.to_vec();
    if let Some(byte) = flipped.get_mut(at) {
        *byte ^= 0x21;
    }
    let twice = [&data[..at], &data[at / 2..]].concat();
    vec![data.to_vec(), data[..at].to_vec(), flipped, twice]
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    files
}

/// Requests and replies under `<provider>/<endpoint>/<case>`.
fn cases(root: &Path) -> Vec<PathBuf> {
    let below = |folders: Vec<PathBuf>| folders.iter().flat_map(|folder| files(folder)).collect::<Vec<_>>();
    let all = below(below(below(files(root))));
    let wanted = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("request.") || name.starts_with("response.")
    };
    all.into_iter().filter(wanted).collect()
}
