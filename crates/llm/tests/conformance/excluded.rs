//! Runs a check over cases. A case that does not pass is a line of `excluded.tsv` with its reason, and a line that is
//! not needed any more fails.

use std::collections::BTreeMap;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::corpus::{CASES, Case, has_corpus};

/// `check TAB case TAB reason`.
const TABLE: &str = include_str!("../excluded.tsv");

/// Runs `check` over the cases that `fits` takes, prints how many passed by provider and operation, and panics with
/// every case that failed without being excluded, or was excluded and passed.
#[track_caller]
pub(crate) fn over_cases(check: &str, fits: impl Fn(&Case) -> bool, run: impl Fn(&Case) -> Result<(), String>) {
    let excluded = excluded(check);
    let (mut problems, mut passed) = (Vec::new(), BTreeMap::<&str, (u32, u32)>::new());
    for case in CASES.iter().filter(|case| fits(case)) {
        let result = catch_unwind(AssertUnwindSafe(|| run(case)))
            .unwrap_or_else(|panic| Err(format!("panicked: {}", text(&*panic))));
        let (passes, all) = passed.entry(&case.group).or_default();
        *all += 1;
        *passes += u32::from(result.is_ok());
        match (result, excluded.get(case.id.as_str())) {
            (Err(why), None) => problems.push(format!("{}: {why}", case.id)),
            (Ok(()), Some(_)) => problems.push(format!("{}: passes, but excluded.tsv has it under '{check}'", case.id)),
            _ => {}
        }
    }
    for id in excluded.keys() {
        let exists = CASES.iter().any(|case| case.id == *id && fits(case));
        if !exists && has_corpus() {
            problems.push(format!("{id}: excluded.tsv has it under '{check}', but there is no such case"));
        }
    }
    let counts: Vec<_> = passed.iter().map(|(group, (passes, all))| format!("{group} {passes}/{all}")).collect();
    say(&format!("{check}: {}", counts.join(", ")));
    assert!(problems.is_empty(), "{check}: {} problems\n{}", problems.len(), problems.join("\n"));
}

/// Says something that is seen even when a test passes.
pub(crate) fn say(line: &str) {
    // `println!` is captured; this is not.
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn excluded(check: &str) -> BTreeMap<&'static str, &'static str> {
    lines().filter(|(of, ..)| *of == check).map(|(_, case, reason)| (case, reason)).collect()
}

fn lines() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| {
        let mut fields = line.split('\t');
        match (fields.next(), fields.next(), fields.next()) {
            (Some(check), Some(case), Some(reason)) if !reason.trim().is_empty() => (check, case, reason),
            _ => panic!("excluded.tsv: a line is check, case and reason: {line}"),
        }
    })
}

fn text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

/// The names of all checks: a line of another name would exclude nothing, unseen.
pub(crate) const CHECKS: &[&str] = &[
    "request-relay",
    "request-translation",
    "reply-relay",
    "reply-translation",
    "stream-relay",
    "stream-cuts",
    "stream-grammar",
    "stream-equals-whole",
    "error",
    "garbage-request",
    "garbage-reply",
    "garbage-stream",
];

#[test]
fn every_excluded_line_names_a_check_once() {
    let mut seen = std::collections::BTreeSet::new();
    for (check, case, _) in lines() {
        assert!(CHECKS.contains(&check), "no check is called '{check}'");
        assert!(seen.insert((check, case)), "{check} {case} is there twice");
    }
}
