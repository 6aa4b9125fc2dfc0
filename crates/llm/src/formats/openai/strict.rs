//! What OpenAI wants of a JSON Schema that binds: <https://platform.openai.com/docs/guides/structured-outputs>, "Supported
//! schemas". A schema that does not fit is refused whole with `strict`, and followed as well as the model can without it.

use serde_json::{Map, Value};

/// Keywords that no binding schema may have.
const REFUSED: [&str; 10] = [
    "allOf",
    "not",
    "if",
    "then",
    "else",
    "dependentRequired",
    "dependentSchemas",
    "patternProperties",
    "prefixItems",
    "oneOf",
];

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
    match schema {
        Value::Object(schema) => {
            if REFUSED.iter().any(|word| schema.contains_key(*word)) {
                return false;
            }
            (!is_object(schema) || closes(schema)) && inner(schema)
        }
        // `true` and `false` stand for any value and for none.
        _ => false,
    }
}

fn is_object(schema: &Map<String, Value>) -> bool {
    schema.contains_key("properties")
        || match schema.get("type") {
            Some(Value::String(kind)) => kind == "object",
            Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "object"),
            _ => false,
        }
}

/// Whether an object takes no other properties than its own, and all of them.
fn closes(schema: &mut Map<String, Value>) -> bool {
    let open = schema.entry("additionalProperties").or_insert(Value::Bool(false));
    if *open != Value::Bool(false) {
        return false;
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    let required: Vec<&str> =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    properties.is_none_or(|properties| properties.keys().all(|name| required.contains(&name.as_str())))
}

fn inner(schema: &mut Map<String, Value>) -> bool {
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
    use serde_json::json;

    #[test]
    fn a_schema_whose_properties_are_all_required_binds_once_its_objects_are_closed() {
        let schema = json!({"type": "object", "required": ["a", "b"], "properties": {
            "a": {"type": "string", "enum": ["x"]},
            "b": {"type": "array", "items": {"$ref": "#/$defs/c"}},
        }, "$defs": {"c": {"type": "object", "properties": {"d": {"anyOf": [{"type": "null"}, {"type": "integer"}]}}, "required": ["d"]}}});
        let mut closed = schema.clone();
        closed["additionalProperties"] = json!(false);
        closed["$defs"]["c"]["additionalProperties"] = json!(false);
        assert_eq!(bound(&schema), Some(closed));
    }

    #[test]
    fn a_schema_that_the_api_would_refuse_does_not_bind() {
        for schema in [
            json!({"type": "object", "properties": {"a": {"type": "string"}}}),
            json!({"type": "object", "properties": {}, "additionalProperties": {"type": "string"}}),
            json!({"type": "array", "items": {"type": "string"}}),
            json!({"anyOf": [{"type": "object"}], "type": "object"}),
            json!({"type": "object", "required": ["a"], "properties": {"a": {"oneOf": []}}}),
            json!({"type": "object", "required": ["a"], "properties": {"a": true}}),
            json!(null),
        ] {
            assert_eq!(bound(&schema), None, "{schema}");
        }
    }
}
