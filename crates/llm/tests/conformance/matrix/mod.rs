//! What becomes of each feature between each two formats: exact, approximated, dropped and reported, or refused; anything
//! else fails. `UPDATE_DOCS=1 cargo test -p pillion-llm --test conformance matrix` writes `docs/reference/translation.md`;
//! read the diff before committing it.

mod features;
pub(crate) mod model;
mod page;
mod replies;
mod requests;
mod turns;

use std::collections::BTreeSet;

use pillion_llm::{BodyError, Format};

use crate::corpus::workspace;
use crate::parties::{FORMATS, others};
use features::{Feature, Group};

const PAGE: &str = "docs/reference/translation.md";

/// What became of a feature.
#[derive(Clone, Debug, PartialEq)]
enum Fate {
    Exact,
    /// These fields are told nearly.
    Approximated(Vec<String>),
    /// These are not told; others perhaps nearly.
    Dropped(Vec<String>, Vec<String>),
    /// A 400 that names the field.
    Refused(String, String),
}

impl Fate {
    fn of_reports(dropped: Vec<String>, approximated: Vec<String>) -> Self {
        match (dropped.is_empty(), approximated.is_empty()) {
            (true, true) => Self::Exact,
            (true, false) => Self::Approximated(approximated),
            (false, _) => Self::Dropped(dropped, approximated),
        }
    }

    /// A refusal says that the target cannot do it, not that the client is mistaken.
    fn of_refusal(error: BodyError) -> Result<Self, String> {
        match (error.code.as_deref(), error.param) {
            (Some("unsupported_parameter"), Some(param)) => {
                let plain = param.chars().filter(|letter| !letter.is_ascii_digit()).collect();
                Ok(Self::Refused(plain, error.message))
            }
            (code, param) => Err(format!("refused as a mistake: {param:?} {code:?} {}", error.message)),
        }
    }
}

/// One pair and one feature.
struct Cell {
    group: &'static Group,
    feature: &'static Feature,
    client: Format,
    wire: Format,
    fate: Fate,
    /// How it is approximated.
    how: Option<&'static str>,
}

/// The cells of every pair that has the feature, and what is wrong with them.
fn cells() -> (Vec<Cell>, Vec<String>) {
    let (mut cells, mut problems) = (Vec::new(), Vec::new());
    for group in features::GROUPS.iter() {
        for feature in &group.features {
            for (client, wire) in FORMATS.iter().flat_map(|one| others(*one).map(|other| (*one, other))) {
                if !feature.is_of(if group.replies { wire } else { client }) {
                    continue;
                }
                let how = feature.how(client, wire);
                let fate = match (group.replies, feature.turns) {
                    (false, _) => requests::fate(feature, client, wire),
                    (true, true) => turns::fate(feature, client, wire),
                    (true, false) => replies::fate(feature, client, wire, how.is_some()),
                };
                match fate {
                    Ok(fate) => cells.push(Cell { group, feature, client, wire, fate, how }),
                    Err(why) => problems.push(format!("{}, {client} to {wire}: {why}", feature.name)),
                }
            }
        }
    }
    (cells, problems)
}

/// What is approximated says how, and nothing else does.
fn explained(cells: &[Cell]) -> Vec<String> {
    let near = |cell: &&Cell| {
        matches!(&cell.fate, Fate::Approximated(_)) || matches!(&cell.fate, Fate::Dropped(_, near) if !near.is_empty())
    };
    let of = |cell: &Cell| format!("{}, {} to {}", cell.feature.name, cell.client, cell.wire);
    let mute = cells.iter().filter(near).filter(|cell| cell.how.is_none());
    let mute = mute.map(|cell| format!("{}: {:?}, and no row tells how", of(cell), cell.fate));
    let used: BTreeSet<_> =
        cells.iter().filter(near).filter_map(|cell| Some((&*cell.feature.name, cell.how?))).collect();
    let told = features::GROUPS.iter().flat_map(|group| &group.features);
    let told = told.flat_map(|feature| feature.hows().map(move |how| (&*feature.name, how)));
    let vain = told.filter(|how| !used.contains(how)).map(|(name, how)| format!("{name}: told how in vain: {how}"));
    mute.chain(vain).collect()
}

#[test]
fn the_matrix_tells_what_becomes_of_each_feature_and_the_docs_have_it() {
    let (cells, mut problems) = cells();
    problems.extend(explained(&cells));
    assert!(problems.is_empty(), "{} problems\n{}", problems.len(), problems.join("\n"));
    let (page, file) = (page::rendered(&cells), workspace().join(PAGE));
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&file, &page).unwrap();
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    let mut lines = page.lines().zip(committed.lines()).filter(|(found, expected)| found != expected);
    let first = lines.next();
    assert!(committed == page, "{PAGE} is not what the tests find (UPDATE_DOCS=1 writes it): {first:#?}");
}
