//! AWS's service models as JSON schemas: members that stand in the path or in headers are not in the body, a union has exactly one
//! member, and what a structure does not name is refused.

use serde_json::{Map, Value, json};

use super::super::member;

pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// The service's shapes.
pub(super) fn schemas(service: &Value) -> Map<String, Value> {
    let shapes = member(service, "shapes").as_object().into_iter().flatten();
    shapes.map(|(name, shape)| (name.clone(), translated(shape))).collect()
}

fn translated(shape: &Value) -> Value {
    let target = |name: &str| reference(member(member(shape, name), "shape").as_str().unwrap_or_default());
    match member(shape, "type").as_str().unwrap_or_default() {
        "structure" if *member(shape, "document") == true => json!({}),
        "structure" => structure(shape),
        "list" => bounded(json!({"type": "array", "items": target("member")}), shape, ["minItems", "maxItems"]),
        "map" => json!({"type": "object", "additionalProperties": target("value")}),
        "string" if shape.get("enum").is_some() => json!({"type": "string", "enum": member(shape, "enum")}),
        "string" => {
            let mut schema = bounded(json!({"type": "string"}), shape, ["minLength", "maxLength"]);
            if let Some(pattern) = member(shape, "pattern").as_str() {
                schema["pattern"] = json!(format!("^(?:{pattern})$"));
            }
            schema
        }
        "integer" | "long" => bounded(json!({"type": "integer"}), shape, ["minimum", "maximum"]),
        "float" | "double" => bounded(json!({"type": "number"}), shape, ["minimum", "maximum"]),
        "boolean" => json!({"type": "boolean"}),
        "blob" => json!({"type": "string", "pattern": "^[A-Za-z0-9+/]*={0,2}$"}),
        _ => json!({}),
    }
}

fn structure(shape: &Value) -> Value {
    let members = member(shape, "members").as_object().into_iter().flatten();
    let in_body: Map<String, Value> = members
        .filter(|(_, member)| member.get("location").is_none())
        .map(|(name, of)| (name.clone(), reference(member(of, "shape").as_str().unwrap_or_default())))
        .collect();
    let required = member(shape, "required").as_array().into_iter().flatten();
    let required: Vec<_> =
        required.filter(|name| name.as_str().is_some_and(|name| in_body.contains_key(name))).collect();
    let mut schema =
        json!({"type": "object", "properties": in_body, "required": required, "additionalProperties": false});
    if *member(shape, "union") == true {
        schema["minProperties"] = json!(1);
        schema["maxProperties"] = json!(1);
    }
    schema
}

fn bounded(mut schema: Value, shape: &Value, names: [&str; 2]) -> Value {
    for (bound, name) in ["min", "max"].into_iter().zip(names) {
        if let Some(value) = shape.get(bound) {
            schema[name] = value.clone();
        }
    }
    schema
}
