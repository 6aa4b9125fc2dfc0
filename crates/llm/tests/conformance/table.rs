//! The table of what passed, by provider and operation: printed once every check is through.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::excluded::say;

/// The names of all checks: a line of `excluded.tsv` with another name would exclude nothing, unseen.
pub(crate) const CHECKS: &[&str] = &[
    "vendor-request",
    "vendor-reply",
    "vendor-stream",
    "request-relay",
    "request-model",
    "request-translation",
    "reply-relay",
    "reply-translation",
    "stream-relay",
    "stream-cuts",
    "event-cuts",
    "stream-grammar",
    "stream-equals-whole",
    "error",
    "garbage-request",
    "garbage-reply",
    "garbage-stream",
];

/// Passes and all cases of a check, by group.
type Counts = BTreeMap<String, (u32, u32)>;

static TOLD: Mutex<BTreeMap<&'static str, Counts>> = Mutex::new(BTreeMap::new());

/// Notes what a check has found; prints the table with the last one.
pub(crate) fn tell(check: &str, counts: Counts) {
    let check = CHECKS.iter().find(|known| **known == check).unwrap_or_else(|| panic!("no check is called '{check}'"));
    let (passes, all) = counts.values().fold((0, 0), |sum, (passes, all)| (sum.0 + passes, sum.1 + all));
    say(&format!("{check}: {passes} of {all} cases"));
    let mut told = TOLD.lock().unwrap();
    told.insert(check, counts);
    if told.len() == CHECKS.len() {
        print(&told);
    }
}

fn print(told: &BTreeMap<&str, Counts>) {
    let groups: std::collections::BTreeSet<&String> = told.values().flat_map(BTreeMap::keys).collect();
    let longest = groups.iter().map(|group| group.len()).max().unwrap_or_default();
    let mut lines = vec![" ".repeat(longest)];
    for (number, check) in CHECKS.iter().enumerate() {
        lines[0].push_str(&format!(" {:>6}", format!("({number})")));
        lines.insert(number, format!("({number}) {check}"));
    }
    for group in groups {
        let mut line = format!("{group:longest$}");
        for check in CHECKS {
            let cell = told[check].get(group).map_or_else(|| "-".to_owned(), |(passes, all)| format!("{passes}/{all}"));
            line.push_str(&format!(" {cell:>6}"));
        }
        lines.push(line);
    }
    say(&format!("cases that passed, by provider and operation:\n{}", lines.join("\n")));
}
