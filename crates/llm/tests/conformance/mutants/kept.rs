//! How much of each recorded case the translations keep, written down (`tests/kept/<what>.tsv`): what the mutants are held
//! against is the translators' own work, and less of it than was written down is a failure.
//! `UPDATE_KEPT=1 cargo test -p pillion-llm --test conformance mutants` writes it anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

/// Lines kept, by case, over all that it is translated to.
#[derive(Default)]
pub(super) struct Kept(BTreeMap<String, usize>);

impl Kept {
    pub(super) fn add(&mut self, case: &str, lines: &[String]) {
        *self.0.entry(case.to_owned()).or_default() += lines.len();
    }

    /// Cases that are not written down are not judged: there may be more of them than here.
    #[track_caller]
    pub(super) fn judged(self, what: &str) {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/kept/{what}.tsv"));
        if std::env::var_os("UPDATE_KEPT").is_some() {
            let mut text =
                String::from("# Case TAB lines of it that its translations keep; see conformance/mutants/kept.rs.\n");
            for (case, lines) in &self.0 {
                let _ = writeln!(text, "{case}\t{lines}");
            }
            std::fs::write(&path, text).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap();
        let mut problems = String::new();
        for (case, before) in committed.lines().filter_map(|line| line.split_once('\t')) {
            let before: usize = before.parse().unwrap();
            if let Some(now) = self.0.get(case).filter(|now| **now < before) {
                let _ = writeln!(problems, "{case}: {now} lines are kept, {before} were (UPDATE_KEPT=1 writes it)");
            }
        }
        assert!(problems.is_empty(), "translations of {what} keep less than they did:\n{problems}");
    }
}
