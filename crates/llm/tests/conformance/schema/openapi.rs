//! OpenAPI's schemas as closed JSON Schemas: a member that the document does not name is a mistake, wherever the document
//! does not say that any may stand there.

use serde_json::{Map, Value, json};

/// Where a definition stands in what [`closed`] gives.
pub(super) const DEFINITIONS: &str = "#/$defs/";

/// Whether a schema judges a whole value, or is one part of an `allOf` whose sum is judged.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Whole,
    Part,
}

/// Closes every schema of a map: `X` judges a whole value, `X.part` is the same for use in an `allOf`.
pub(super) fn closed(schemas: &Map<String, Value>) -> Map<String, Value> {
    let mut definitions = Map::new();
    for (name, schema) in schemas {
        definitions.insert(name.clone(), close(schema, Place::Whole));
        definitions.insert(format!("{name}.part"), close(schema, Place::Part));
    }
    definitions
}

fn close(schema: &Value, place: Place) -> Value {
    let Value::Object(schema) = schema else { return schema.clone() };
    let mut out = Map::new();
    for (key, value) in schema {
        match key.as_str() {
            "$ref" => {
                out.insert(key.clone(), json!(reference(value, place)));
            }
            "properties" => {
                let members = value.as_object().into_iter().flatten();
                let members = members.map(|(name, member)| (name.clone(), close(member, Place::Whole)));
                out.insert(key.clone(), Value::Object(members.collect()));
            }
            "items" | "additionalProperties" | "not" => {
                out.insert(key.clone(), close(value, Place::Whole));
            }
            "allOf" => {
                out.insert(key.clone(), each(value, Place::Part));
            }
            // The documents say `oneOf` where they mean a choice: branches overlap.
            "oneOf" | "anyOf" => {
                let place = if is_sum(schema) { Place::Part } else { place };
                let branches = tagged(schema, place).unwrap_or_else(|| each(value, place));
                out.insert("anyOf".to_owned(), branches);
            }
            "type" | "enum" | "const" | "required" | "pattern" | "minItems" | "maxItems" | "minLength"
            | "maxLength" | "minProperties" | "maxProperties" => {
                out.insert(key.clone(), value.clone());
            }
            // In older documents these are flags of their neighbours.
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" if value.is_number() => {
                out.insert(key.clone(), value.clone());
            }
            _ => {}
        }
    }
    if place == Place::Whole && !schema.contains_key("additionalProperties") {
        if is_sum(schema) {
            out.insert("unevaluatedProperties".to_owned(), json!(false));
        } else if schema.contains_key("properties") {
            out.insert("additionalProperties".to_owned(), json!(false));
        }
    }
    if schema.get("nullable") == Some(&json!(true)) {
        return json!({"anyOf": [out, {"type": "null"}]});
    }
    Value::Object(out)
}

/// The branches of a choice by its tag, where the document has a table of tags.
fn tagged(schema: &Map<String, Value>, place: Place) -> Option<Value> {
    let discriminator = schema.get("discriminator")?;
    let tag = discriminator["propertyName"].as_str()?;
    let branch = |(value, target): (&String, &Value)| {
        let is_tagged = json!({"properties": {tag: {"const": value}}, "required": [tag]});
        let mut branch = json!({"allOf": [{"$ref": reference(target, Place::Part)}, is_tagged]});
        if place == Place::Whole {
            branch["unevaluatedProperties"] = json!(false);
        }
        branch
    };
    Some(discriminator["mapping"].as_object()?.iter().map(branch).collect())
}

/// Whether members come from more than one place.
fn is_sum(schema: &Map<String, Value>) -> bool {
    let choice = schema.contains_key("anyOf") || schema.contains_key("oneOf");
    let reference = schema.contains_key("$ref");
    schema.contains_key("allOf") || schema.contains_key("properties") && (choice || reference)
}

fn each(schemas: &Value, place: Place) -> Value {
    schemas.as_array().into_iter().flatten().map(|schema| close(schema, place)).collect()
}

fn reference(target: &Value, place: Place) -> String {
    let name = target.as_str().and_then(|target| target.rsplit('/').next()).unwrap_or_default();
    let part = if place == Place::Part { ".part" } else { "" };
    format!("{DEFINITIONS}{name}{part}")
}

#[test]
fn closing_reaches_sums_choices_and_lists() {
    let schemas = json!({
        "Base": {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]},
        "Sum": {"allOf": [{"$ref": "#/x/Base"}, {"properties": {"list": {"type": "array", "items": {"$ref": "#/x/Choice"}}}}]},
        "Choice": {"oneOf": [{"$ref": "#/x/Base"}, {"type": "string"}]},
        "Free": {"type": "object", "properties": {"a": {}}, "additionalProperties": true},
        "Tagged": {"oneOf": [{"$ref": "#/x/Base"}], "discriminator": {"propertyName": "id", "mapping": {"a": "#/x/Base"}}},
        "Older": {"type": "object", "properties": {"a": {"type": "string", "nullable": true}}},
    });
    let definitions = closed(schemas.as_object().unwrap());
    let takes = |name: &str, value: Value| {
        let schema = json!({"$ref": format!("{DEFINITIONS}{name}"), "$defs": definitions});
        jsonschema::validator_for(&schema).unwrap().is_valid(&value)
    };
    assert!(takes("Sum", json!({"id": "x", "list": ["a", {"id": "y"}]})));
    assert!(!takes("Sum", json!({"id": "x", "other": 1})));
    assert!(!takes("Sum", json!({"list": []})), "what a part requires is required");
    assert!(!takes("Sum", json!({"id": "x", "list": [{"id": "y", "other": 1}]})));
    assert!(takes("Tagged", json!({"id": "a"})));
    assert!(!takes("Tagged", json!({"id": "b"})));
    assert!(takes("Free", json!({"a": 1, "other": 1})));
    assert!(takes("Older", json!({"a": null})));
    assert!(!takes("Older", json!({"a": 1})));
    assert!(!takes("Choice", json!({"id": "x", "other": 1})));
}
