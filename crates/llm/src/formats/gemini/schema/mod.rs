//! JSON Schemas for an API that takes a subset of OpenAPI's: references are inlined, what the subset lacks is said in
//! other words or left out. Work and result are bounded by the schema's own size, whatever it refers to.
//!
//! Source: `Schema` of <https://generativelanguage.googleapis.com/$discovery/rest?version=v1beta> and of Vertex AI's.

mod clean;
mod read;
#[cfg(test)]
mod tests;
mod typed;
mod view;

pub(super) use read::read;

use crate::json::Object;
use crate::model::Report;
use clean::Cleaner;
use serde_json::Value;

/// A schema as the API takes it.
pub(super) enum Written {
    /// None: it says nothing that could be said.
    Nothing,
    /// The API's own `Schema`.
    Schema(Value),
    /// JSON Schema, for what the other cannot say.
    JsonSchema(Value),
}

/// What a schema is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// The arguments of a function: an object.
    Arguments,
    /// An answer.
    Answer,
}

/// Writes a client's JSON Schema. `json_schema` tells whether the model takes JSON Schema too; it is used for what the
/// API's own schemas cannot say: recursion, maps, tuples, values of any type. `field` is reported where the schema is
/// told only nearly.
pub(super) fn write(
    schema: &Value,
    usage: Use,
    cloud: bool,
    json_schema: bool,
    field: &str,
    report: &mut Report,
) -> Written {
    let mut cleaner = Cleaner::new(schema, cloud);
    let cleaned = cleaner.root(usage);
    let lost = cleaner.lost();
    if json_schema && lost.needs_json_schema {
        if lost.in_both {
            report.approximate(field);
        }
        return Written::JsonSchema(plain(schema));
    }
    if lost.needs_json_schema || lost.in_both || lost.nearly {
        report.approximate(field);
    }
    match cleaned {
        Some(cleaned) => Written::Schema(Value::Object(cleaned)),
        None => Written::Nothing,
    }
}

/// JSON Schema as the API takes it: no word for the dialect, and nothing beside a reference but other `$` members.
fn plain(schema: &Value) -> Value {
    match schema {
        Value::Array(items) => Value::Array(items.iter().map(plain).collect()),
        Value::Object(object) => {
            let refers = object.get("$ref").is_some_and(Value::is_string);
            let kept = |key: &str| key != "$schema" && key != "$comment" && (!refers || key.starts_with('$'));
            let members = object.iter().filter(|(key, _)| kept(key));
            Value::Object(members.map(|(key, value)| (key.clone(), plain(value))).collect::<Object>())
        }
        other => other.clone(),
    }
}
