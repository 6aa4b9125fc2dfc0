//! Runs a check over cases. A case that does not pass is a line of `excluded.tsv` with its reason, and a line that is
//! not needed any more fails.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::corpus::{CASES, Case, has_corpus};
use crate::parties::FORMATS;
use crate::table;

/// `check TAB case TAB peer TAB reason`; `*` is every peer, `-` stands where a check has none.
const TABLE: &str = include_str!("../excluded.tsv");

/// Runs `check` over the cases that `fits` takes, see [`over_pairs`].
#[track_caller]
pub(crate) fn over_cases(check: &str, fits: impl Fn(&Case) -> bool, run: impl Fn(&Case) -> Result<(), String>) {
    over_pairs(check, fits, |_| ["-"], |case, _| run(case));
}

/// Runs `check` over the cases that `fits` takes, each with every one of its peers, tells the table how many passed, and
/// panics with every pair that failed without being excluded, or was excluded and passed.
#[track_caller]
pub(crate) fn over_pairs<P: Display, I: IntoIterator<Item = P>>(
    check: &str,
    fits: impl Fn(&Case) -> bool,
    peers: impl Fn(&Case) -> I,
    run: impl Fn(&Case, &P) -> Result<(), String>,
) {
    let excluded = excluded(check);
    let (mut problems, mut used) = (Vec::new(), BTreeSet::new());
    let mut passed = BTreeMap::<String, (u32, u32)>::new();
    let judged = |case: &&Case| check.starts_with("vendor") || FORMATS.contains(&case.format());
    for case in CASES.iter().filter(judged).filter(|case| fits(case)) {
        let mut all = true;
        for peer in peers(case) {
            let result = catch_unwind(AssertUnwindSafe(|| run(case, &peer)))
                .unwrap_or_else(|panic| Err(format!("panicked: {}", text(&*panic))));
            all &= result.is_ok();
            let name = peer.to_string();
            let fits = |line: &&(&str, &str)| line.0 == case.id && [name.as_str(), "*"].contains(&line.1);
            let line = excluded.iter().find(fits);
            used.extend(line.copied());
            match (result, line) {
                (Err(why), None) => problems.push(format!("{} [{name}]: {why}", case.id)),
                (Ok(()), Some(_)) => {
                    problems.push(format!("{} [{name}]: passes, but excluded.tsv has it under '{check}'", case.id));
                }
                _ => {}
            }
        }
        let (passes, count) = passed.entry(case.group.clone()).or_default();
        *count += 1;
        *passes += u32::from(all);
    }
    if has_corpus() {
        let needless = excluded.difference(&used);
        problems
            .extend(needless.map(|(id, peer)| format!("{id} [{peer}]: excluded.tsv has it under '{check}' in vain")));
    }
    table::tell(check, passed);
    assert!(problems.is_empty(), "{check}: {} problems\n{}", problems.len(), problems.join("\n"));
}

/// Says something that is seen even when a test passes.
pub(crate) fn say(line: &str) {
    // `println!` is captured; this is not.
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn excluded(check: &str) -> BTreeSet<(&'static str, &'static str)> {
    lines().filter(|(of, ..)| *of == check).map(|(_, case, peer)| (case, peer)).collect()
}

fn lines() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| {
        match line.split('\t').collect::<Vec<_>>()[..] {
            [check, case, peer, reason] if !reason.trim().is_empty() => (check, case, peer),
            _ => panic!("excluded.tsv: a line is check, case, peer and reason: {line}"),
        }
    })
}

fn text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

#[test]
fn every_excluded_line_names_a_check_once() {
    let mut seen = BTreeSet::new();
    for (check, case, peer) in lines() {
        assert!(table::CHECKS.contains(&check), "no check is called '{check}'");
        assert!(seen.insert((check, case, peer)), "{check} {case} {peer} is there twice");
    }
}
