//! Arguments that come in pieces: `partialArgs` say a path and a value, texts in several pieces. Put together they are one
//! JSON object, whatever the order.

use serde_json::{Map, Value};

/// More elements of lists than these, and deeper values, no model writes.
const MOST_ELEMENTS: usize = 65_536;
const DEEPEST: usize = 64;

/// The arguments so far.
#[derive(Debug, Default)]
pub(super) struct PartialArgs {
    value: Map<String, Value>,
    /// The path of a text of which more comes.
    open: Option<String>,
    /// How many elements lists have.
    elements: usize,
}

/// One step of a path.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Member(String),
    Element(usize),
}

impl PartialArgs {
    /// Arguments that came whole.
    pub(super) fn begin(&mut self, args: &Value) {
        if let Value::Object(args) = args {
            self.value.extend(args.clone());
        }
    }

    /// Takes the pieces of one chunk.
    pub(super) fn push(&mut self, pieces: &Value) {
        for piece in pieces.as_array().into_iter().flatten() {
            self.piece(piece);
        }
    }

    fn piece(&mut self, piece: &Value) {
        let path = crate::json::text(piece, "jsonPath");
        let goes_on = self.open.as_deref() == Some(path);
        let more = piece.get("willContinue") == Some(&Value::Bool(true));
        self.open = more.then(|| path.to_owned());
        let value = ["stringValue", "numberValue", "boolValue"].iter().find_map(|key| piece.get(*key)).cloned();
        let value = match value {
            Some(value) => value,
            None if piece.get("nullValue").is_some() => Value::Null,
            None => return,
        };
        let Some(steps) = steps(path) else { return };
        let Some(place) = self.place(&steps) else { return };
        match (place, value) {
            (Value::String(text), Value::String(more)) if goes_on => text.push_str(&more),
            (place, value) => *place = value,
        }
    }

    /// Where a path leads; what is missing on the way is made.
    fn place(&mut self, steps: &[Step]) -> Option<&mut Value> {
        let (first, rest) = steps.split_first()?;
        let Step::Member(name) = first else { return None };
        let mut at = self.value.entry(name.clone()).or_insert(Value::Null);
        for step in rest {
            at = match step {
                Step::Member(name) => {
                    if !at.is_object() {
                        *at = Value::Object(Map::new());
                    }
                    at.as_object_mut()?.entry(name.clone()).or_insert(Value::Null)
                }
                Step::Element(number) => {
                    if !at.is_array() {
                        *at = Value::Array(Vec::new());
                    }
                    let list = at.as_array_mut()?;
                    let missing = number.saturating_add(1).saturating_sub(list.len());
                    self.elements = self.elements.saturating_add(missing);
                    if self.elements > MOST_ELEMENTS {
                        return None;
                    }
                    if missing > 0 {
                        list.resize(number + 1, Value::Null);
                    }
                    list.get_mut(*number)?
                }
            };
        }
        Some(at)
    }

    /// The whole.
    pub(super) fn finish(self) -> Value {
        Value::Object(self.value)
    }
}

/// The steps of a JSON path (RFC 9535) that names one place: `$.a.b[0]['c d']`.
fn steps(path: &str) -> Option<Vec<Step>> {
    let mut rest = path.strip_prefix('$').unwrap_or(path);
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if steps.len() == DEEPEST {
            return None;
        }
        if let Some(inner) = rest.strip_prefix('[') {
            let (step, after) = match inner.chars().next()? {
                quote @ ('\'' | '"') => quoted(&inner[1..], quote)?,
                _ => {
                    let (number, after) = inner.split_once(']')?;
                    (Step::Element(number.trim().parse().ok()?), after)
                }
            };
            steps.push(step);
            rest = after;
        } else {
            let name = rest.strip_prefix('.').unwrap_or(rest);
            let end = name.find(['.', '[']).unwrap_or(name.len());
            if end == 0 {
                return None;
            }
            steps.push(Step::Member(name[..end].to_owned()));
            rest = &name[end..];
        }
    }
    Some(steps)
}

/// A quoted name, and what follows its bracket.
fn quoted(text: &str, quote: char) -> Option<(Step, &str)> {
    let mut name = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => name.push(letters.next()?.1),
            letter if letter == quote => {
                return Some((Step::Member(name), text[at + letter.len_utf8()..].strip_prefix(']')?));
            }
            letter => name.push(letter),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(pieces: Value, expected: Value) {
        let mut args = PartialArgs::default();
        for piece in pieces.as_array().unwrap() {
            args.push(&json!([piece]));
        }
        assert_eq!(args.finish(), expected);
    }

    #[test]
    fn pieces_become_one_object() {
        check(json!([]), json!({}));
        check(
            json!([
                {"jsonPath": "$.recipe.steps[1]", "stringValue": "b", "willContinue": true},
                {"jsonPath": "$.recipe.steps[1]", "stringValue": "c"},
                {"jsonPath": "$.recipe.steps[0].text", "stringValue": "ä"},
                {"jsonPath": "$['a b']['it\\'s'][\"x\"]", "boolValue": false},
                {"jsonPath": "$.n", "numberValue": 5},
                {"jsonPath": "$.z", "nullValue": "NULL_VALUE"},
                {"jsonPath": "$.n2", "numberValue": 0.5, "willContinue": true},
                {"jsonPath": "$.n2", "stringValue": "x"},
            ]),
            json!({"recipe": {"steps": [{"text": "ä"}, "bc"]}, "a b": {"it's": {"x": false}}, "n": 5, "z": null, "n2": "x"}),
        );
    }

    #[test]
    fn hostile_paths_lead_nowhere() {
        let deep = format!("${}", ".a".repeat(100));
        for path in ["$.a[", "$..", "$[0]", "", "$", "$['a", deep.as_str(), "$.a[99999999999999999999]"] {
            check(json!([{"jsonPath": path, "stringValue": "x"}, {}, 1, {"jsonPath": path}]), json!({}));
        }
        check(json!([{"jsonPath": "$.a[4000000000]", "stringValue": "x"}]), json!({"a": []}));
    }
}
