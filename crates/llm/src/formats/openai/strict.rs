//! What OpenAI wants of a JSON Schema that binds: <https://platform.openai.com/docs/guides/structured-outputs>, "Supported
//! schemas". A schema that does not fit is refused whole with `strict`, and followed as well as the model can without it.

use serde_json::{Map, Value};

/// Keywords that a binding schema may have.
const TAKEN: [&str; 24] = [
    "type",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "anyOf",
    "enum",
    "const",
    "$ref",
    "$defs",
    "definitions",
    "title",
    "description",
    "pattern",
    "format",
    "multipleOf",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minItems",
    "maxItems",
    "minLength",
    "maxLength",
];
/// Words about the schema itself, and of other vendors', which bind nothing.
const IDLE: [&str; 4] = ["$schema", "$id", "$comment", "propertyOrdering"];
/// Formats of texts.
const FORMATS: [&str; 9] = ["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"];

/// A schema of another vendor's, closed where it is silent, if it fits then.
pub(crate) fn bound(schema: &Value) -> Option<Value> {
    let mut closed = schema.clone();
    let root = closed.as_object()?;
    let is_object = root.get("type").is_some_and(|kind| kind == "object") && !root.contains_key("anyOf");
    (is_object && fits(&mut closed)).then_some(closed)
}

/// Closes the objects of a schema that do not say whether they are, and looks whether all of it fits. Recursion is as deep
/// as the schema, which the parser bounds.
fn fits(schema: &mut Value) -> bool {
    // `true` and `false` stand for any value and for none.
    let Value::Object(schema) = schema else { return false };
    schema.retain(|key, value| {
        let nothing = key == "default" && value.is_null();
        !(nothing || IDLE.contains(&key.as_str()) || key == "format" && is_width(value))
    });
    if schema.contains_key("$ref") {
        return schema.len() == 1 && schema.get("$ref").and_then(Value::as_str).is_some_and(|at| at.starts_with('#'));
    }
    let known = schema.keys().all(|key| TAKEN.contains(&key.as_str()));
    let says = ["type", "anyOf", "enum", "const"].iter().any(|key| schema.contains_key(*key));
    known && says && formatted(schema) && (!is_a(schema, "object") || closes(schema)) && inner(schema)
}

/// How wide a number is, as Google writes it: whatever it says, an `integer` or `number` is one.
fn is_width(format: &Value) -> bool {
    matches!(format.as_str(), Some("int32" | "int64" | "float" | "double"))
}

fn formatted(schema: &Map<String, Value>) -> bool {
    let known = schema.get("format").is_none_or(|format| format.as_str().is_some_and(|name| FORMATS.contains(&name)));
    // Texts are matched by an automaton, which cannot look around.
    let plain = |pattern: &str| !["(?=", "(?!", "(?<"].iter().any(|word| pattern.contains(word));
    known && schema.get("pattern").is_none_or(|pattern| pattern.as_str().is_some_and(plain))
}

fn is_a(schema: &Map<String, Value>, wanted: &str) -> bool {
    match schema.get("type") {
        Some(Value::String(kind)) => kind == wanted,
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == wanted),
        _ => wanted == "object" && schema.contains_key("properties"),
    }
}

/// Whether an object takes no other properties than its own, and all of them.
fn closes(schema: &mut Map<String, Value>) -> bool {
    let open = schema.entry("additionalProperties").or_insert(Value::Bool(false));
    if *open != Value::Bool(false) {
        return false;
    }
    let nothing = Map::new();
    let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&nothing);
    let required: Vec<&str> =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let all = properties.keys().all(|name| required.contains(&name.as_str()));
    all && required.iter().all(|name| properties.contains_key(*name))
}

fn inner(schema: &mut Map<String, Value>) -> bool {
    if is_a(schema, "array") && !schema.get("items").is_some_and(Value::is_object) {
        return false;
    }
    schema.iter_mut().all(|(key, value)| match (key.as_str(), value) {
        ("properties" | "$defs" | "definitions", Value::Object(schemas)) => schemas.values_mut().all(fits),
        ("anyOf", Value::Array(schemas)) => schemas.iter_mut().all(fits),
        ("items", schema) => fits(schema),
        _ => true,
    })
}

#[cfg(test)]
mod tests {
    use super::bound;
    use serde_json::{Value, json};

    #[test]
    fn a_schema_whose_properties_are_all_required_binds_once_its_objects_are_closed() {
        let schema = json!({"type": "object", "required": ["a", "b", "n"], "properties": {
            "a": {"type": "string", "enum": ["x"], "default": null},
            "b": {"type": "array", "items": {"$ref": "#/$defs/c"}},
            "n": {"type": "integer", "format": "int32"},
        }, "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$defs": {"c": {"type": "object", "properties": {"d": {"anyOf": [{"type": "null"}, {"type": "integer"}]}}, "required": ["d"]}}});
        let closed = json!({"type": "object", "required": ["a", "b", "n"], "additionalProperties": false, "properties": {
            "a": {"type": "string", "enum": ["x"]},
            "b": {"type": "array", "items": {"$ref": "#/$defs/c"}},
            "n": {"type": "integer"},
        }, "$defs": {"c": {"type": "object", "properties": {"d": {"anyOf": [{"type": "null"}, {"type": "integer"}]}}, "required": ["d"],
            "additionalProperties": false}}});
        assert_eq!(bound(&schema), Some(closed));
    }

    #[test]
    fn a_schema_that_the_api_would_refuse_does_not_bind() {
        let of = |inner: Value| json!({"type": "object", "required": ["a"], "properties": {"a": inner}});
        for schema in [
            json!({"type": "object", "properties": {"a": {"type": "string"}}}),
            json!({"type": "object", "properties": {}, "required": ["a"]}),
            json!({"type": "object", "properties": {}, "additionalProperties": {"type": "string"}}),
            json!({"type": "array", "items": {"type": "string"}}),
            json!({"anyOf": [{"type": "object"}], "type": "object"}),
            of(json!({"oneOf": []})),
            of(json!(true)),
            of(json!({"description": "of no type"})),
            of(json!({"type": "array"})),
            of(json!({"type": "string", "format": "uri"})),
            of(json!({"type": "string", "pattern": "a(?=b)"})),
            of(json!({"type": "string", "default": "x"})),
            of(json!({"$ref": "#/$defs/c", "description": "d"})),
            of(json!({"$ref": "https://example.com/schema"})),
            of(json!({"type": "array", "items": {"type": "string"}, "uniqueItems": true})),
            json!(null),
        ] {
            assert_eq!(bound(&schema), None, "{schema}");
        }
    }
}
