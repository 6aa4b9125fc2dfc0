//! Small steps over `serde_json` values that every format's decoder needs.

use bytes::Bytes;
use serde_json::{Map, Value};

/// A JSON object.
pub(crate) type Object = Map<String, Value>;

/// The text of a value of ours.
pub(crate) fn bytes(value: &Value) -> Bytes {
    Bytes::from(serde_json::to_vec(value).expect("a JSON value has only string keys"))
}

/// Takes a member out when it is a string; leaves it where it is otherwise.
pub(crate) fn take_string(object: &mut Object, key: &str) -> Option<String> {
    match object.get_mut(key) {
        Some(Value::String(text)) => {
            let text = std::mem::take(text);
            object.shift_remove(key);
            Some(text)
        }
        _ => None,
    }
}

/// Takes a member out when it is a string that says something; an empty one stays.
pub(crate) fn take_filled(object: &mut Object, key: &str) -> Option<String> {
    let filled = object.get(key)?.as_str().is_some_and(|text| !text.is_empty());
    if filled { take_string(object, key) } else { None }
}

/// Takes a member out when it is a list.
pub(crate) fn take_array(object: &mut Object, key: &str) -> Option<Vec<Value>> {
    match object.get_mut(key) {
        Some(Value::Array(items)) => {
            let items = std::mem::take(items);
            object.shift_remove(key);
            Some(items)
        }
        _ => None,
    }
}

/// Takes a member out when it is an object.
pub(crate) fn take_object(object: &mut Object, key: &str) -> Option<Object> {
    match object.get_mut(key) {
        Some(Value::Object(map)) => {
            let map = std::mem::take(map);
            object.shift_remove(key);
            Some(map)
        }
        _ => None,
    }
}

/// Takes a member out when it is a boolean.
pub(crate) fn take_bool(object: &mut Object, key: &str) -> Option<bool> {
    let flag = object.get(key)?.as_bool()?;
    object.shift_remove(key);
    Some(flag)
}

/// Takes a member out when it is an integer that fits.
pub(crate) fn take_u64(object: &mut Object, key: &str) -> Option<u64> {
    let number = object.get(key)?.as_u64()?;
    object.shift_remove(key);
    Some(number)
}

/// Takes a member out when it is a number.
pub(crate) fn take_number(object: &mut Object, key: &str) -> Option<serde_json::Number> {
    match object.get(key)? {
        Value::Number(number) => {
            let number = number.clone();
            object.shift_remove(key);
            Some(number)
        }
        _ => None,
    }
}

/// Takes a member out whatever it is, save null.
pub(crate) fn take_value(object: &mut Object, key: &str) -> Option<Value> {
    if object.get(key)?.is_null() {
        return None;
    }
    object.shift_remove(key)
}

/// A string member, `""` where there is none.
pub(crate) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// What an object of a vendor's own is, in the vendor's words: its `type` or, where formats tell kinds by members
/// (`{"googleSearch": {}}`), the name of its first member that is an object.
pub(crate) fn kind(value: &Value) -> &str {
    let named = || {
        let members = value.as_object().into_iter().flatten();
        members.into_iter().find(|(_, inside)| inside.is_object()).map(|(name, _)| name.as_str())
    };
    value.get("type").and_then(Value::as_str).or_else(named).unwrap_or("unknown")
}

/// A count: a non-negative integer, or a float that is one; 0 otherwise.
pub(crate) fn count(value: &Value, key: &str) -> u64 {
    match value.get(key) {
        Some(Value::Number(number)) => number.as_u64().unwrap_or_else(|| {
            let float = number.as_f64().unwrap_or_default();
            // The cast saturates, and negative or NaN becomes 0.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let whole = float as u64;
            whole
        }),
        _ => 0,
    }
}

/// Whether a text has this quoted member with a value other than null. Inside of strings quotes are escaped, so a
/// quoted name is a name.
pub(crate) fn says(text: &[u8], quoted: &[u8]) -> bool {
    memchr::memmem::find_iter(text, quoted).any(|at| {
        let rest = text[at + quoted.len()..].trim_ascii_start();
        match rest.strip_prefix(b":") {
            Some(value) => !value.trim_ascii_start().starts_with(b"null"),
            None => false,
        }
    })
}
