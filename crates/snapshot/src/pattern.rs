//! Model patterns of a match: exact, or with `*` for any run of characters. Never a regular expression.

use serde::{Deserialize, Serialize};

/// A model name as written in a match: `gpt-4o`, `claude-*`, `*`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ModelPattern(pub String);

impl ModelPattern {
    /// Whether `model` is one that this pattern means. Linear in `model` for each `*`; case matters.
    #[must_use]
    pub fn matches(&self, model: &str) -> bool {
        let Some((head, rest)) = self.0.split_once('*') else {
            return self.0 == model;
        };
        let Some(mut left) = model.strip_prefix(head) else {
            return false;
        };
        let mut pieces: Vec<&str> = rest.split('*').collect();
        let tail = pieces.pop().unwrap_or_default();
        for piece in pieces {
            match left.find(piece) {
                Some(at) => left = &left[at + piece.len()..],
                None => return false,
            }
        }
        left.ends_with(tail)
    }

    /// Whether every model that `other` means is also meant by this one. Errs on the side of `false`.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.0 == "*" || self.0 == other.0 || self.matches(&other.0)
    }

    /// The name itself, where the pattern has no `*`.
    #[must_use]
    pub fn exact(&self) -> Option<&str> {
        (!self.0.contains('*')).then_some(&self.0)
    }
}
