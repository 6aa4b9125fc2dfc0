//! botocore's service models as OpenAPI schemas, by the rules of its `rest-json` protocol: a union has exactly one member,
//! blobs are base64, timestamps are seconds, members of the URI and of headers are not in the body.

use serde_json::{Map, Value, json};

use super::discovery::BASE64;

/// The service's shapes.
pub(super) fn schemas(service: &Value) -> Map<String, Value> {
    let shapes = service["shapes"].as_object().into_iter().flatten();
    shapes.map(|(name, shape)| (name.clone(), translate(shape))).collect()
}

fn translate(shape: &Value) -> Value {
    let reference =
        |shape: &Value| json!({"$ref": format!("#/shapes/{}", shape["shape"].as_str().unwrap_or_default())});
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| {
        out.insert(key.to_owned(), value);
    };
    match shape["type"].as_str().unwrap_or_default() {
        "structure" if shape["document"] == true => return json!({}),
        "structure" => {
            let elsewhere = |member: &Value| member.get("location").is_some();
            let members = shape["members"].as_object().into_iter().flatten();
            let (beside, inside): (Vec<_>, Vec<_>) = members.partition(|(_, member)| elsewhere(member));
            let named = |(name, member): &(&String, &Value)| {
                let name = member["locationName"].as_str().unwrap_or(name).to_owned();
                (name, reference(member))
            };
            let is_beside = |name: &Value| beside.iter().any(|(member, _)| *name == json!(member));
            let required = shape["required"].as_array().into_iter().flatten();
            put("type", json!("object"));
            put("properties", Value::Object(inside.iter().map(named).collect()));
            put("required", required.filter(|name| !is_beside(name)).cloned().collect());
            // An event stream is a choice too, of one event a frame.
            if shape["union"] == true || shape["eventstream"] == true {
                put("minProperties", json!(1));
                put("maxProperties", json!(1));
            }
        }
        "list" => {
            put("type", json!("array"));
            put("items", reference(&shape["member"]));
            bounds(shape, ["minItems", "maxItems"], &mut put);
        }
        "map" => {
            put("type", json!("object"));
            put("additionalProperties", reference(&shape["value"]));
        }
        "string" => {
            put("type", json!("string"));
            bounds(shape, ["minLength", "maxLength"], &mut put);
            if let Some(values) = shape.get("enum") {
                put("enum", values.clone());
            }
            if let Some(pattern) = shape["pattern"].as_str() {
                put("pattern", json!(format!("^(?:{pattern})$")));
            }
        }
        "integer" | "long" => {
            put("type", json!("integer"));
            bounds(shape, ["minimum", "maximum"], &mut put);
        }
        "float" | "double" => {
            put("type", json!("number"));
            bounds(shape, ["minimum", "maximum"], &mut put);
        }
        "timestamp" => put("type", json!("number")),
        "boolean" => put("type", json!("boolean")),
        // The bounds are those of the bytes, not of their base64.
        "blob" => {
            put("type", json!("string"));
            put("pattern", json!(BASE64));
        }
        other => panic!("a shape of type '{other}'"),
    }
    Value::Object(out)
}

fn bounds(shape: &Value, names: [&str; 2], put: &mut impl FnMut(&str, Value)) {
    for (bound, name) in ["min", "max"].into_iter().zip(names) {
        if let Some(value) = shape.get(bound) {
            put(name, value.clone());
        }
    }
}

#[test]
fn unions_blobs_and_members_beside_the_body_are_read() {
    let service = json!({"shapes": {
        "Ask": {"type": "structure", "required": ["id", "one"], "members": {
            "id": {"shape": "Text", "location": "uri", "locationName": "id"}, "one": {"shape": "One"}}},
        "One": {"type": "structure", "union": true, "members": {"text": {"shape": "Text"}, "bytes": {"shape": "Bytes"}}},
        "Text": {"type": "string", "min": 1, "pattern": "[a-z]+"},
        "Bytes": {"type": "blob"},
    }});
    let definitions = super::openapi::closed(&schemas(&service));
    let takes = |value: Value| {
        let schema = json!({"$ref": format!("{}Ask", super::openapi::DEFINITIONS), "$defs": definitions});
        jsonschema::validator_for(&schema).unwrap().is_valid(&value)
    };
    assert!(takes(json!({"one": {"text": "a"}})));
    assert!(takes(json!({"one": {"bytes": "aGk="}})));
    assert!(!takes(json!({})), "what is required in the body is required");
    assert!(!takes(json!({"id": "a", "one": {"text": "a"}})), "the path's members are not in the body");
    assert!(!takes(json!({"one": {}})));
    assert!(!takes(json!({"one": {"text": "a", "bytes": "aGk="}})));
    assert!(!takes(json!({"one": {"text": "A"}})));
    assert!(!takes(json!({"one": {"bytes": "no base64"}})));
}
