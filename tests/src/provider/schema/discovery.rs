//! Google's discovery documents as JSON schemas, by the JSON mapping of protocol buffers: a 64-bit integer is a string or a number,
//! and what a message does not name is refused.

use serde_json::{Map, Value, json};

use super::super::member;

pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// The document's messages.
pub(super) fn schemas(document: &Value) -> Map<String, Value> {
    let schemas = member(document, "schemas").as_object().into_iter().flatten();
    schemas.map(|(name, schema)| (name.clone(), translated(schema))).collect()
}

fn translated(schema: &Value) -> Value {
    if let Some(name) = member(schema, "$ref").as_str() {
        return reference(name);
    }
    let additional = schema.get("additionalProperties").map(translated);
    match member(schema, "type").as_str().unwrap_or("any") {
        "any" => json!({}),
        "array" => json!({"type": "array", "items": translated(member(schema, "items"))}),
        "object" => {
            let members = member(schema, "properties").as_object().into_iter().flatten();
            // Both spellings are taken, and Google's own SDKs send both.
            let spelled = |(name, schema): (&String, &Value)| {
                [(name.clone(), translated(schema)), (snake(name), translated(schema))]
            };
            let members: Map<String, Value> = members.flat_map(spelled).collect();
            json!({"type": "object", "properties": members, "additionalProperties": additional.unwrap_or(json!(false))})
        }
        "string" if member(schema, "format").as_str().is_some_and(|format| format.ends_with("int64")) => {
            json!({"type": ["string", "integer"]})
        }
        "string" if schema.get("enum").is_some() => {
            // In lower case too: JSON Schema's types are written so in many clients, and taken.
            let values = member(schema, "enum").as_array().into_iter().flatten().filter_map(Value::as_str);
            let values: Vec<_> = values.flat_map(|value| [value.to_owned(), value.to_lowercase()]).collect();
            json!({"type": "string", "enum": values})
        }
        other => json!({"type": other}),
    }
}

fn snake(name: &str) -> String {
    name.chars().fold(String::new(), |mut snake, letter| {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
        snake
    })
}
