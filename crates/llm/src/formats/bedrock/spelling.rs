//! What has several spellings in this format. Which one the client used is kept in `extras`, as a member of value null
//! under a name that no API has: no report names it, and the request comes out again as it came.

use crate::json::Object;
use serde_json::{Value, json};

/// Members within `additionalModelRequestFields` that say how much to think. Without a note it was
/// `outputConfig.effort`.
pub(super) const EFFORTS: &[&[&str]] = &[
    &["additionalModelRequestFields", "output_config", "effort"],
    &["additionalModelRequestFields", "reasoning_effort"],
    &["additionalModelRequestFields", "reasoningConfig", "maxReasoningEffort"],
    &["additionalModelRequestFields", "reasoning_config"],
];
/// The usual place of `top_k`, then those of Nova and Cohere.
pub(super) const TOP_K: &[&[&str]] = &[
    &["additionalModelRequestFields", "top_k"],
    &["additionalModelRequestFields", "inferenceConfig", "topK"],
    &["additionalModelRequestFields", "k"],
];
/// The usual place of Claude's thinking, then the one of Amazon's own examples.
pub(super) const THINKING: &[&[&str]] =
    &[&["additionalModelRequestFields", "thinking"], &["additionalModelRequestFields", "reasoning_config"]];
/// Notes the latter; its path alone would be that of DeepSeek's word for the effort.
pub(super) const OLDER_THINKING: &str = "additionalModelRequestFields.reasoning_config.type";
/// A schema that was written with spaces behind commas and colons, as Python does.
pub(super) const SPACED: &str = "outputConfig.textFormat.structure.jsonSchema.schema spaced";
/// A document of text that does not say what kind of text.
pub(super) const NO_FORMAT: &str = "document.format";
/// What the `type` of a tool's result says where it is another than `tool_result`: once more, for reports.
pub(super) const RESULT_TYPE: &str = "toolResult.type";
/// A search result within a tool's result, whole, whose text says what is in it.
pub(super) const FOUND: &str = ":searchResult";

/// A thing that only this format knows, under a name of its own for reports.
pub(super) fn whole(thing: Object) -> Value {
    let name = thing.keys().next().cloned().unwrap_or_default();
    json!({"type": name, "whole": thing})
}

/// The thing of [`whole`].
pub(super) fn unwhole(mut named: Value) -> Value {
    named.get_mut("whole").map(Value::take).unwrap_or_default()
}

/// Notes a spelling.
pub(super) fn note(extras: &mut Object, path: &[&str]) {
    extras.insert(path.join("."), Value::Null);
}

/// Takes the note of a spelling out: whether it was there.
pub(super) fn noted(extras: &mut Object, name: &str) -> bool {
    if extras.get(name) == Some(&Value::Null) {
        extras.shift_remove(name);
        return true;
    }
    false
}

/// The noted one of some spellings, else the first.
pub(super) fn chosen<'a>(extras: &mut Object, paths: &[&'a [&'a str]]) -> Option<&'a [&'a str]> {
    paths.iter().find(|path| noted(extras, &path.join("."))).copied()
}

/// Takes the member at a path out when `wanted` takes it, and the objects around it that are left empty.
pub(super) fn take(object: &mut Object, path: &[&str], wanted: fn(&Value) -> bool) -> Option<Value> {
    let (first, rest) = path.split_first()?;
    if rest.is_empty() {
        return object.get(*first).is_some_and(wanted).then(|| object.shift_remove(*first))?;
    }
    let Some(Value::Object(inside)) = object.get_mut(*first) else { return None };
    let taken = take(inside, rest, wanted)?;
    if inside.is_empty() {
        object.shift_remove(*first);
    }
    Some(taken)
}

/// Puts a member at a path, with the objects around it.
pub(super) fn put(object: &mut Object, path: &[&str], value: Value) {
    let Some((first, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        object.insert((*first).to_owned(), value);
        return;
    }
    let inside = object.entry(*first).or_insert_with(|| Value::Object(Object::new()));
    if !inside.is_object() {
        *inside = Value::Object(Object::new());
    }
    if let Value::Object(inside) = inside {
        put(inside, rest, value);
    }
}

/// Merges members into an object, objects member by member; what is merged wins.
pub(super) fn merge(object: &mut Object, more: Object) {
    for (key, value) in more {
        match (object.get_mut(&key), value) {
            (Some(Value::Object(inside)), Value::Object(more)) => merge(inside, more),
            (_, value) => {
                object.insert(key, value);
            }
        }
    }
}

/// JSON with a space behind commas and colons.
pub(super) fn spaced(value: &Value) -> String {
    let mut out = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, Spaced);
    serde::Serialize::serialize(value, &mut serializer).expect("a JSON value has only string keys");
    String::from_utf8(out).expect("JSON is text")
}

struct Spaced;

impl serde_json::ser::Formatter for Spaced {
    fn begin_array_value<W: ?Sized + std::io::Write>(&mut self, writer: &mut W, first: bool) -> std::io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + std::io::Write>(&mut self, writer: &mut W, first: bool) -> std::io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + std::io::Write>(&mut self, writer: &mut W) -> std::io::Result<()> {
        writer.write_all(b": ")
    }
}
