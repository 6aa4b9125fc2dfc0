//! What may be refused because the target's format cannot do it at all: `refused.tsv`.

use std::collections::BTreeSet;
use std::sync::Mutex;

use pillion_llm::{BodyError, Format};

use crate::corpus::has_corpus;

/// `client TAB wire TAB param TAB reason`; `*` is every format.
const TABLE: &str = include_str!("../refused.tsv");

static USED: Mutex<BTreeSet<&str>> = Mutex::new(BTreeSet::new());

fn lines() -> impl Iterator<Item = (&'static str, [&'static str; 3])> {
    TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| {
        match line.split('\t').collect::<Vec<_>>()[..] {
            [client, wire, param, reason] if !reason.trim().is_empty() => (line, [client, wire, param]),
            _ => panic!("refused.tsv: a line is client, wire, param and reason: {line}"),
        }
    })
}

/// Whether a refusal is one of the table's. It names the field, and says that it is not a mistake of the client's.
pub(crate) fn is_known(client: Format, wire: Format, error: &BodyError) -> Result<(), String> {
    let param = error.param.as_deref().unwrap_or_default();
    let told = || format!("refused: {param:?} {error} ({:?})", error.code);
    if error.code.as_deref() != Some("unsupported_parameter") {
        return Err(told());
    }
    let plain = without_numbers(param);
    let fits = |pattern: &str, name: &str| pattern == "*" || pattern == name;
    let mut known = lines();
    let line =
        known.find(|(_, [of, to, field])| fits(of, client.as_str()) && fits(to, wire.as_str()) && *field == plain);
    let (line, _) = line.ok_or_else(told)?;
    USED.lock().unwrap().insert(line);
    Ok(())
}

/// A path without its indexes.
fn without_numbers(param: &str) -> String {
    param.chars().filter(|letter| !letter.is_ascii_digit()).collect()
}

pub(crate) fn each_was_needed() {
    let used = USED.lock().unwrap();
    let needless: Vec<_> = lines().map(|(line, _)| line).filter(|line| !used.contains(line)).collect();
    assert!(needless.is_empty() || !has_corpus(), "refused.tsv has in vain:\n{}", needless.join("\n"));
}
