//! What a translation could not carry over: named, never lost in silence.

use serde_json::Value;

/// Fields by their path, without indexes (`messages[].name`), each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What the target can be told only nearly.
    pub approximated: Vec<String>,
    /// What the target cannot be told.
    pub dropped: Vec<String>,
}

/// Members of extras whose name begins with it are no client's: a decoder notes in them how something was written that
/// the model holds in another form, for the encoder of its own format.
pub(crate) const OWN_NOTE: char = ':';

/// More names than this are of no use to a reader, and travel in a header.
const MOST: usize = 64;
/// A name is a client's own text, so it has a bound too, in characters.
const LONGEST: usize = 80;

impl Report {
    /// Notes a field that is told nearly.
    pub fn approximate(&mut self, field: impl AsRef<str>) {
        note(&mut self.approximated, field.as_ref());
    }

    /// Notes a field that is not told.
    pub fn drop(&mut self, field: impl AsRef<str>) {
        note(&mut self.dropped, field.as_ref());
    }

    /// Notes all members that are not modelled. Members that say nothing (null, false, empty) are not worth a word, nor
    /// are those whose name begins with [`OWN_NOTE`].
    pub(crate) fn drop_extras(&mut self, prefix: &str, extras: &crate::json::Object) {
        for (key, value) in extras {
            // What kind a thing is was understood, or it would not be here.
            if !says_nothing(key, value) && key != "type" && !key.starts_with(OWN_NOTE) {
                self.drop(format!("{prefix}{key}"));
            }
        }
    }
}

/// Whether a member says no more than its absence would.
pub(crate) fn says_nothing(key: &str, value: &Value) -> bool {
    match (key, value) {
        // What is on unless it is said that it is not.
        ("external_web_access" | "enable_thinking", Value::Bool(false)) => false,
        (_, Value::Null | Value::Bool(false)) => true,
        (_, Value::Array(items)) => items.is_empty(),
        // By being there this one asks for a search.
        ("web_search_options", _) => false,
        // The model itself called, and not a program of its own: as in every other format.
        ("caller", Value::Object(caller)) => {
            caller.len() == 1 && caller.get("type").is_some_and(|kind| kind == "direct")
        }
        ("image_url", Value::Object(image)) => image.iter().all(|(key, value)| says_nothing(key, value)),
        ("detail", Value::String(detail)) => detail == "auto",
        (_, Value::Object(map)) => map.is_empty(),
        _ => false,
    }
}

/// Keeps visible ASCII only: the names end up in a header.
fn note(list: &mut Vec<String>, field: &str) {
    let field: String = field.chars().filter(char::is_ascii_graphic).filter(|c| *c != ',').take(LONGEST).collect();
    if list.len() < MOST && !list.contains(&field) {
        list.push(field);
    }
}
