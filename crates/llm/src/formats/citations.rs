//! Which characters of a text a citation is about, for formats that must say it.

use crate::model::Citation;

/// From and to, in characters; a citation that tells none is about the whole text.
pub(crate) fn span(citation: &Citation, text: &str) -> (u64, u64) {
    citation.range.unwrap_or_else(|| (0, text.chars().count() as u64))
}

/// The words of the text that rest on it.
pub(crate) fn words(text: &str, (from, to): (u64, u64)) -> String {
    let at = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    text.chars().skip(at(from)).take(at(to.saturating_sub(from))).collect()
}
