//! One schema with all that it refers to and combines, as one list of members: `$ref`, `allOf` and single branches are
//! joined. Borrows the client's schema, copies nothing.

use crate::json::Object;
use indexmap::IndexMap;
use serde_json::Value;

/// The joined members.
#[derive(Clone, Default)]
pub(super) struct View<'a> {
    pub(super) members: IndexMap<&'a str, &'a Value>,
    pub(super) properties: IndexMap<&'a str, &'a Value>,
    pub(super) required: Vec<&'a str>,
    /// How many references were being followed before it.
    pub(super) mark: usize,
    /// It refers to one that it stands in.
    pub(super) recurs: bool,
}

impl<'a> View<'a> {
    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        self.members.get(key).copied().filter(|value| !value.is_null())
    }

    pub(super) fn text(&self, key: &str) -> Option<&'a str> {
        self.get(key)?.as_str()
    }

    pub(super) fn has(&self, keys: &[&str]) -> bool {
        keys.iter().any(|key| self.get(key).is_some())
    }

    /// Takes the branches of a choice out.
    pub(super) fn take_branches(&mut self) -> Option<&'a Vec<Value>> {
        ["anyOf", "oneOf"].iter().find_map(|key| self.members.shift_remove(key)?.as_array())
    }

    /// Whether null is one of its values.
    pub(super) fn is_nullable(&self) -> bool {
        let listed = matches!(self.get("enum"), Some(Value::Array(values)) if values.contains(&Value::Null));
        self.types().1 || listed || self.get("nullable") == Some(&Value::Bool(true))
    }

    /// The types it names, in lower case, and whether null is one of them.
    pub(super) fn types(&self) -> (Vec<String>, bool) {
        let named: Vec<&str> = match self.get("type") {
            Some(Value::String(name)) => vec![name],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let mut types: Vec<String> = Vec::new();
        for name in named {
            let name = name.to_ascii_lowercase();
            if KNOWN.contains(&name.as_str()) && !types.contains(&name) {
                types.push(name);
            }
        }
        let null = types.iter().any(|name| name == "null");
        types.retain(|name| name != "null");
        (types, null)
    }
}

const KNOWN: &[&str] = &["string", "number", "integer", "boolean", "array", "object", "null"];

/// Whether a branch is nothing but null.
pub(super) fn is_null(branch: &Value) -> bool {
    let Some(branch) = branch.as_object() else { return false };
    let named = match branch.get("type") {
        Some(Value::String(name)) => name.eq_ignore_ascii_case("null"),
        Some(Value::Array(names)) => !names.is_empty() && names.iter().all(|name| name == "null"),
        _ => false,
    };
    named
        || branch.get("const").is_some_and(Value::is_null)
        || matches!(branch.get("enum"), Some(Value::Array(values)) if !values.is_empty() && values.iter().all(Value::is_null))
}

/// What a local reference points at.
pub(super) fn resolve<'a>(root: &'a Value, reference: &str) -> Option<&'a Object> {
    let pointer = reference.strip_prefix('#')?;
    root.pointer(pointer)?.as_object()
}
