//! What a translation could not carry over: named, never lost in silence.

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
        use serde_json::Value;
        for (key, value) in extras {
            let says_nothing = match value {
                Value::Null | Value::Bool(false) => true,
                Value::Array(items) => items.is_empty(),
                // By being there this one asks for a search.
                Value::Object(map) => map.is_empty() && key != "web_search_options",
                _ => false,
            };
            // What kind a thing is was understood, or it would not be here.
            if !says_nothing && key != "type" && !key.starts_with(OWN_NOTE) {
                self.drop(format!("{prefix}{key}"));
            }
        }
    }
}

/// Keeps visible ASCII only: the names end up in a header.
fn note(list: &mut Vec<String>, field: &str) {
    let field: String = field.chars().filter(char::is_ascii_graphic).filter(|c| *c != ',').take(LONGEST).collect();
    if list.len() < MOST && !list.contains(&field) {
        list.push(field);
    }
}
