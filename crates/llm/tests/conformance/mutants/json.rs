//! Where a JSON body can be spoilt, and how.

use std::collections::BTreeSet;

use serde_json::Value;

/// How a place is spoilt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Drop,
    Rename,
    Reorder,
    OffByOne,
}

/// Every place of a body, without indexes (`/messages/[]/content`), with what can be done to it.
pub(super) fn places(body: &Value) -> BTreeSet<(String, Kind)> {
    let mut places = BTreeSet::new();
    walk(body, &mut String::new(), &mut places);
    places
}

fn walk(value: &Value, path: &mut String, places: &mut BTreeSet<(String, Kind)>) {
    let here = path.len();
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                path.push('/');
                path.push_str(key);
                if says(value) {
                    places.extend([Kind::Drop, Kind::Rename].map(|kind| (path.clone(), kind)));
                }
                walk(value, path, places);
                path.truncate(here);
            }
        }
        Value::Array(items) => {
            if items.windows(2).any(|pair| pair[0] != pair[1]) {
                places.insert((path.clone(), Kind::Reorder));
            }
            if !items.is_empty() {
                places.insert((path.clone(), Kind::OffByOne));
            }
            path.push_str("/[]");
            items.iter().for_each(|item| walk(item, path, places));
            path.truncate(here);
        }
        Value::String(text) if !text.is_empty() => drop(places.insert((path.clone(), Kind::OffByOne))),
        Value::Number(number) if number.as_i64().is_some() => drop(places.insert((path.clone(), Kind::OffByOne))),
        _ => {}
    }
}

/// Whether a member says anything: without it, or with nothing in it, it means the same.
fn says(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        _ => true,
    }
}

/// Spoils every place of this path.
pub(super) fn spoil(body: &mut Value, path: &str, kind: Kind) {
    let steps: Vec<&str> = path.split('/').skip(1).collect();
    at(body, &steps, kind);
}

fn at(value: &mut Value, steps: &[&str], kind: Kind) {
    match (value, steps) {
        (Value::Array(items), ["[]", rest @ ..]) => items.iter_mut().for_each(|item| at(item, rest, kind)),
        (Value::Object(members), [key]) if matches!(kind, Kind::Drop | Kind::Rename) => {
            if let Some(value) = members.shift_remove(*key)
                && kind == Kind::Rename
            {
                members.insert(format!("{key}_"), value);
            }
        }
        (Value::Object(members), [key, rest @ ..]) => {
            if let Some(value) = members.get_mut(*key) {
                at(value, rest, kind);
            }
        }
        (Value::Array(items), []) if kind == Kind::Reorder => items.reverse(),
        (Value::Array(items), []) => drop(items.pop()),
        (Value::String(text), []) => drop(text.pop()),
        (Value::Number(number), []) => {
            *number = number.as_i64().map_or_else(|| number.clone(), |count| count.saturating_add(1).into());
        }
        _ => {}
    }
}
