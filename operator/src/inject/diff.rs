//! JSON patch between two values: small where lists of named things gained or lost a few.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// One operation of a JSON patch (RFC 6902).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum Operation {
    /// Adds a member, or inserts an item.
    Add {
        /// JSON pointer.
        path: String,
        /// What is added.
        value: Value,
    },
    /// Removes what is there.
    Remove {
        /// JSON pointer.
        path: String,
    },
    /// Replaces what is there.
    Replace {
        /// JSON pointer.
        path: String,
        /// What takes its place.
        value: Value,
    },
}

/// Operations that turn `before` into `after`; none where they are equal.
#[must_use]
pub fn diff(before: &Value, after: &Value) -> Vec<Operation> {
    let mut operations = Vec::new();
    walk("", before, after, &mut operations);
    operations
}

fn walk(path: &str, before: &Value, after: &Value, out: &mut Vec<Operation>) {
    match (before, after) {
        _ if before == after => {}
        (Value::Object(before), Value::Object(after)) => objects(path, before, after, out),
        (Value::Array(before), Value::Array(after)) if same_things_in_order(before, after) => {
            named_lists(path, before, after, out);
        }
        (Value::Array(before), Value::Array(after)) => plain_lists(path, before, after, out),
        _ => out.push(Operation::Replace { path: path.into(), value: after.clone() }),
    }
}

fn objects(path: &str, before: &Map<String, Value>, after: &Map<String, Value>, out: &mut Vec<Operation>) {
    for key in before.keys().filter(|key| !after.contains_key(*key)) {
        out.push(Operation::Remove { path: member(path, key) });
    }
    for (key, value) in after {
        match before.get(key) {
            Some(old) => walk(&member(path, key), old, value, out),
            None => out.push(Operation::Add { path: member(path, key), value: value.clone() }),
        }
    }
}

/// Items have unique names on both sides, and those that stay keep their order.
fn same_things_in_order(before: &[Value], after: &[Value]) -> bool {
    let (Some(old), Some(new)) = (unique_names(before), unique_names(after)) else {
        return false;
    };
    let kept_before = old.iter().filter(|name| new.contains(*name));
    let kept_after = new.iter().filter(|name| old.contains(*name));
    kept_before.eq(kept_after)
}

fn unique_names(list: &[Value]) -> Option<Vec<&str>> {
    let names: Vec<&str> = list.iter().map(|item| item.get("name")?.as_str()).collect::<Option<_>>()?;
    let distinct: BTreeSet<&&str> = names.iter().collect();
    (distinct.len() == names.len()).then_some(names)
}

fn named_lists(path: &str, before: &[Value], after: &[Value], out: &mut Vec<Operation>) {
    let find = |list: &[Value], item: &Value| list.iter().position(|other| other["name"] == item["name"]);
    for (index, _) in before.iter().enumerate().rev().filter(|(_, item)| find(after, item).is_none()) {
        out.push(Operation::Remove { path: format!("{path}/{index}") });
    }
    for (index, item) in after.iter().enumerate() {
        let path = format!("{path}/{index}");
        match find(before, item) {
            Some(old) => walk(&path, &before[old], item, out),
            None => out.push(Operation::Add { path, value: item.clone() }),
        }
    }
}

/// Replaces what stands between the common head and the common tail.
fn plain_lists(path: &str, before: &[Value], after: &[Value], out: &mut Vec<Operation>) {
    let head = before.iter().zip(after).take_while(|(old, new)| old == new).count();
    let (old, new) = (&before[head..], &after[head..]);
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
    let (old, new) = (&old[..old.len() - tail], &new[..new.len() - tail]);
    for index in (new.len()..old.len()).rev() {
        out.push(Operation::Remove { path: format!("{path}/{}", head + index) });
    }
    for (index, item) in new.iter().enumerate() {
        let path = format!("{path}/{}", head + index);
        match old.get(index) {
            Some(old) => walk(&path, old, item, out),
            None => out.push(Operation::Add { path, value: item.clone() }),
        }
    }
}

fn member(path: &str, key: &str) -> String {
    format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"))
}
