//! Messages of other formats in the order that the API wants: one message for all that a model says before it is answered,
//! the results of its calls right behind it, what else came between them after these.

use crate::json::Object;
use serde_json::Value;
use std::collections::HashMap;

/// The turns so far.
#[derive(Default)]
pub(super) struct Turns {
    turns: Vec<Turn>,
    /// Where the last call of each id was made.
    calls: HashMap<String, usize>,
    /// What stands between texts that the model said one after the other.
    between: &'static str,
}

/// What a model said, and what follows it.
#[derive(Default)]
struct Turn {
    said: Option<Object>,
    /// Results of its calls, and their places by id.
    results: Vec<Value>,
    places: HashMap<String, usize>,
    others: Vec<Value>,
}

impl Turns {
    pub(super) fn new(between: &'static str) -> Self {
        Self { between, ..Self::default() }
    }

    /// What a model said. Goes on with what it said before, where nobody answered.
    pub(super) fn said(&mut self, message: Object) {
        let joins = self.turns.last().is_some_and(|turn| turn.results.is_empty() && turn.others.is_empty());
        let at = if joins { self.turns.len() - 1 } else { self.turns.len() };
        let calls = message.get("tool_calls").and_then(Value::as_array).into_iter().flatten();
        for id in calls.filter_map(|call| call.get("id")?.as_str()) {
            self.calls.insert(id.to_owned(), at);
        }
        match self.turns.get_mut(at).map(|turn| turn.said.get_or_insert_default()) {
            Some(before) => join(before, message, self.between),
            None => self.turns.push(Turn { said: Some(message), ..Turn::default() }),
        }
    }

    /// Whether the call that a result answers was made.
    pub(super) fn called(&self, id: &str) -> bool {
        self.calls.contains_key(id)
    }

    /// The result of a call that was made. Of two for one call the last counts: whether there was one before.
    pub(super) fn result(&mut self, id: &str, message: Value) -> bool {
        let Some(turn) = self.calls.get(id).and_then(|at| self.turns.get_mut(*at)) else { return false };
        match turn.places.get(id) {
            Some(at) => {
                turn.results[*at] = message;
                true
            }
            None => {
                turn.places.insert(id.to_owned(), turn.results.len());
                turn.results.push(message);
                false
            }
        }
    }

    /// A message of anybody else.
    pub(super) fn other(&mut self, message: Value) {
        match self.turns.last_mut() {
            Some(turn) => turn.others.push(message),
            None => self.turns.push(Turn { others: vec![message], ..Turn::default() }),
        }
    }

    /// All of them.
    pub(super) fn finish(self) -> Vec<Value> {
        let turns = self.turns.into_iter();
        turns.flat_map(|turn| turn.said.map(Value::Object).into_iter().chain(turn.results).chain(turn.others)).collect()
    }
}

/// Adds one message of a model's to the one before: texts one behind the other, lists too.
fn join(before: &mut Object, message: Object, between: &str) {
    for (key, value) in message {
        match (before.get_mut(&key), value) {
            (Some(Value::String(text)), Value::String(more)) if key == "content" => {
                text.push_str(between);
                text.push_str(&more);
            }
            (Some(Value::String(text)), Value::String(more)) if key != "role" => text.push_str(&more),
            (Some(Value::Array(list)), Value::Array(more)) => list.extend(more),
            (Some(_), Value::Null) => {}
            (_, value) => {
                before.insert(key, value);
            }
        }
    }
}
