//! From the API's `Schema` to JSON Schema, for other formats.

use crate::json::Object;
use serde_json::{Number, Value, json};

/// The JSON Schema that an API's `Schema` means.
pub(in super::super) fn read(schema: &Value) -> Value {
    let Value::Object(schema) = schema else { return schema.clone() };
    let mut out = Object::new();
    let nullable = schema.get("nullable") == Some(&Value::Bool(true));
    for (key, value) in schema {
        match (key.as_str(), value) {
            ("nullable" | "propertyOrdering", _) => {}
            ("type", Value::String(name)) => {
                let name = name.to_ascii_lowercase();
                if name != "type_unspecified" {
                    let named = if nullable { json!([name, "null"]) } else { json!(name) };
                    out.insert("type".to_owned(), named);
                }
            }
            ("format", Value::String(name)) if name == "enum" => {}
            ("enum", Value::Array(values)) => {
                let numbers = schema.get("type").and_then(Value::as_str).map(str::to_ascii_lowercase);
                let numbers = matches!(numbers.as_deref(), Some("integer" | "number"));
                let mut values: Vec<Value> = values.iter().map(|value| number(value, numbers)).collect();
                if nullable && !values.contains(&Value::Null) {
                    values.push(Value::Null);
                }
                out.insert("enum".to_owned(), Value::Array(values));
            }
            ("properties", Value::Object(properties)) => {
                out.insert("properties".to_owned(), Value::Object(ordered(properties, schema)));
            }
            ("items" | "additionalProperties", Value::Object(_)) => {
                out.insert(key.clone(), read(value));
            }
            ("anyOf", Value::Array(branches)) => {
                let mut branches: Vec<Value> = branches.iter().map(read).collect();
                if nullable && !schema.contains_key("type") {
                    branches.push(json!({"type": "null"}));
                }
                out.insert("anyOf".to_owned(), Value::Array(branches));
            }
            ("defs", Value::Object(definitions)) => {
                let definitions = definitions.iter().map(|(name, schema)| (name.clone(), read(schema)));
                out.insert("$defs".to_owned(), Value::Object(definitions.collect()));
            }
            ("ref", Value::String(reference)) => {
                out.insert("$ref".to_owned(), json!(reference.replace("#/defs/", "#/$defs/")));
            }
            ("example", value) => {
                out.insert("examples".to_owned(), json!([value]));
            }
            ("minItems" | "maxItems" | "minLength" | "maxLength" | "minProperties" | "maxProperties", value) => {
                out.insert(key.clone(), number(value, true));
            }
            (_, value) => {
                out.insert(key.clone(), value.clone());
            }
        }
    }
    Value::Object(out)
}

/// Properties in the order that `propertyOrdering` tells.
fn ordered(properties: &Object, schema: &Object) -> Object {
    let mut out = Object::new();
    let order = schema.get("propertyOrdering").and_then(Value::as_array);
    let first = order.into_iter().flatten().filter_map(|name| properties.get_key_value(name.as_str()?));
    for (name, schema) in first.chain(properties) {
        if !out.contains_key(name) {
            out.insert(name.clone(), read(schema));
        }
    }
    out
}

/// Numbers of 64 bits are texts in Google's JSON.
fn number(value: &Value, wanted: bool) -> Value {
    match value {
        Value::String(text) if wanted => text.parse::<Number>().map_or_else(|_| value.clone(), Value::Number),
        other => other.clone(),
    }
}
