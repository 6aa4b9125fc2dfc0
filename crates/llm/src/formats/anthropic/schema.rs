//! JSON Schemas within the subset that structured outputs and strict tools take: what is beyond it is told in words,
//! which the model may follow. As the vendor's SDKs do it.
//! Source: <https://platform.claude.com/docs/en/build-with-claude/structured-outputs>, "JSON Schema limitations".

use crate::json::Object;
use serde_json::Value;

/// The formats of strings that the API knows.
const FORMATS: &[&str] = &["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"];
/// What says something about the schema, and nothing about an answer.
const ABOUT: &[&str] = &["$schema", "$id", "$comment"];

/// Narrows a schema to the subset. Returns whether that changed what it says. References stay as they are, so that the
/// work and the result are no more than a small multiple of the schema; recursion is as deep as it is, which the parser
/// bounds.
pub(crate) fn narrow(schema: &mut Value) -> bool {
    let Value::Object(schema) = schema else { return false };
    for key in ABOUT {
        schema.shift_remove(*key);
    }
    let mut changed = unwrap_reference(schema);
    changed |= combine(schema);
    name_type(schema);
    changed |= tell_in_words(schema);
    changed |= close(schema);
    for (key, inner) in schema.iter_mut() {
        changed |= match (key.as_str(), inner) {
            ("$defs" | "definitions" | "properties", Value::Object(named)) => narrow_all(named.values_mut()),
            ("anyOf" | "allOf", Value::Array(variants)) => narrow_all(variants),
            ("items", items) => narrow(items),
            _ => false,
        };
    }
    changed
}

fn narrow_all<'a>(schemas: impl IntoIterator<Item = &'a mut Value>) -> bool {
    schemas.into_iter().fold(false, |changed, schema| narrow(schema) | changed)
}

/// A reference stands alone, and `allOf` a single one is that one.
fn unwrap_reference(schema: &mut Object) -> bool {
    let single = match schema.get("allOf").and_then(Value::as_array).map(Vec::as_slice) {
        Some([Value::Object(only)]) => only.get("$ref").cloned(),
        _ => None,
    };
    if let Some(reference) = single {
        schema.shift_remove("allOf");
        schema.entry("$ref").or_insert(reference);
    }
    if !schema.contains_key("$ref") {
        return false;
    }
    let before = schema.len();
    schema.retain(|key, _| matches!(key.as_str(), "$ref" | "$defs" | "definitions"));
    schema.len() < before
}

/// `oneOf` is told as `anyOf`. The variants say what an answer is: no type stands beside them, and nothing is closed.
fn combine(schema: &mut Object) -> bool {
    let mut changed = false;
    if !schema.contains_key("anyOf")
        && let Some(variants) = schema.shift_remove("oneOf")
    {
        schema.insert("anyOf".to_owned(), variants);
        changed = true;
    }
    let combines = ["anyOf", "allOf"].iter().any(|key| schema.get(*key).is_some_and(are_variants));
    if combines && !schema.contains_key("properties") {
        changed |= schema.shift_remove("type").is_some();
        changed |= schema.shift_remove("additionalProperties").is_some();
    }
    changed
}

/// Whether each variant says what it is: the API compiles no other.
fn are_variants(variants: &Value) -> bool {
    const TELLING: &[&str] = &["type", "$ref", "anyOf", "oneOf", "allOf", "enum", "const", "properties", "items"];
    let tells = |variant: &Value| TELLING.iter().any(|key| variant.get(key).is_some());
    variants.as_array().is_some_and(|variants| !variants.is_empty() && variants.iter().all(tells))
}

/// The API wants a type where the members only imply one.
fn name_type(schema: &mut Object) {
    if ["type", "$ref", "anyOf", "allOf", "enum", "const"].iter().any(|key| schema.contains_key(*key)) {
        return;
    }
    let implied = if schema.contains_key("properties") {
        "object"
    } else if schema.contains_key("items") || schema.contains_key("prefixItems") {
        "array"
    } else {
        return;
    };
    schema.insert("type".to_owned(), Value::from(implied));
}

/// Moves what the API does not take into the description.
fn tell_in_words(schema: &mut Object) -> bool {
    let names: Vec<String> = schema.keys().filter(|key| !is_taken(schema, key)).cloned().collect();
    let mut words = Vec::with_capacity(names.len());
    for name in &names {
        match schema.shift_remove(name) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) => words.push(format!("{name}: {text}")),
            Some(value) => words.push(format!("{name}: {value}")),
        }
    }
    if words.is_empty() {
        return false;
    }
    let words = format!("{{{}}}", words.join(", "));
    let description = match schema.get("description").and_then(Value::as_str) {
        Some(text) if !text.is_empty() => format!("{text}\n\n{words}"),
        _ => words,
    };
    schema.insert("description".to_owned(), Value::String(description));
    true
}

fn is_taken(schema: &Object, key: &str) -> bool {
    let Some(value) = schema.get(key) else { return false };
    match key {
        "type" | "$ref" | "$defs" | "definitions" | "title" | "description" | "default" => true,
        "anyOf" => are_variants(value),
        "allOf" => are_variants(value) && !schema.contains_key("anyOf"),
        "enum" => value.as_array().is_some_and(|words| !words.is_empty() && words.iter().all(is_primitive)),
        "const" => is_primitive(value),
        "properties" => value.is_object(),
        "required" | "additionalProperties" => may_be(schema, "object"),
        "items" => value.is_object() && may_be(schema, "array"),
        "minItems" => matches!(value.as_u64(), Some(0 | 1)) && may_be(schema, "array"),
        "format" => value.as_str().is_some_and(|format| FORMATS.contains(&format)) && may_be(schema, "string"),
        "pattern" => value.as_str().is_some_and(is_plain_pattern) && may_be(schema, "string"),
        _ => false,
    }
}

/// Whether the type, or one of several, is this one.
fn may_be(schema: &Object, kind: &str) -> bool {
    match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().any(|one| one == kind),
        Some(one) => one == kind,
        None => kind == "object" && schema.contains_key("properties"),
    }
}

fn is_primitive(value: &Value) -> bool {
    !value.is_array() && !value.is_object()
}

/// The API's regular expressions have no references back, no looking around, no bounds of words and no large counts.
fn is_plain_pattern(pattern: &str) -> bool {
    const AROUND: &[&str] = &["(?=", "(?!", "(?<"];
    const MOST_DIGITS: usize = 2;
    if AROUND.iter().any(|group| pattern.contains(*group)) {
        return false;
    }
    let mut characters = pattern.chars();
    let mut digits = None;
    while let Some(character) = characters.next() {
        match character {
            '\\' if characters.next().is_none_or(|next| matches!(next, '0'..='9' | 'b' | 'B' | 'k')) => return false,
            '{' => digits = Some(0),
            ',' => digits = digits.map(|_| 0),
            '}' => digits = None,
            _ if character.is_ascii_digit() => digits = digits.map(|digits| digits + 1),
            _ => {}
        }
        if digits.is_some_and(|digits| digits > MOST_DIGITS) {
            return false;
        }
    }
    true
}

/// The API demands `additionalProperties: false` on every object.
fn close(schema: &mut Object) -> bool {
    if !may_be(schema, "object") || schema.get("additionalProperties") == Some(&Value::Bool(false)) {
        return false;
    }
    schema.insert("additionalProperties".to_owned(), Value::Bool(false));
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(mut schema: Value, expected: &Value) {
        let changed = schema != *expected;
        assert_eq!(narrow(&mut schema), changed);
        assert_eq!(schema, *expected);
        assert!(!narrow(&mut schema), "what is narrow stays as it is");
        assert_eq!(schema, *expected);
    }

    #[track_caller]
    fn stays(schema: &Value) {
        check(schema.clone(), schema);
    }

    #[test]
    fn what_the_api_takes_stays_as_it_is() {
        let properties = json!({
            "a": {"type": "string", "enum": ["x", "y"], "description": "d"},
            "b": {"type": ["string", "null"], "format": "date-time", "default": null},
            "c": {"type": "array", "items": {"$ref": "#/$defs/c"}, "minItems": 1},
            "d": {"anyOf": [{"type": "integer"}, {"const": 1}]},
            "e": {"type": "string", "pattern": "^(?:[a-z]{1,64})-\\d+$"},
        });
        let defined = json!({"c": {"allOf": [{"type": "number"}, {"enum": [1, 2]}]}});
        stays(&json!({"type": "object", "title": "T", "additionalProperties": false, "required": ["a"],
            "properties": properties, "$defs": defined}));
        stays(&json!({"$ref": "#/$defs/n", "$defs": {"n": {"type": "object", "additionalProperties": false,
            "properties": {"next": {"$ref": "#/$defs/n"}}}}}));
        stays(&json!(true));
        stays(&json!({}));
    }

    #[test]
    fn bounds_are_told_in_the_description() {
        let bounded = json!({"type": "integer", "minimum": 1, "maximum": 10, "description": "A number"});
        check(bounded, &json!({"type": "integer", "description": "A number\n\n{minimum: 1, maximum: 10}"}));
        for (key, value) in [
            ("exclusiveMinimum", json!(0)),
            ("exclusiveMaximum", json!(9)),
            ("multipleOf", json!(0.5)),
            ("minLength", json!(2)),
            ("maxLength", json!(3)),
            ("format", json!("regex")),
            ("pattern", json!("(?=a)b")),
            ("pattern", json!("(a)\\1")),
            ("pattern", json!("\\bword\\b")),
            ("pattern", json!("^a{1,1000}$")),
        ] {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let mut schema = json!({"type": "string"});
            schema[key] = value;
            check(schema, &json!({"type": "string", "description": format!("{{{key}: {text}}}")}));
        }
        let list = json!({"type": "array", "items": {"type": "string", "maxLength": 5}, "minItems": 2, "maxItems": 3,
            "uniqueItems": true});
        let items = json!({"type": "string", "description": "{maxLength: 5}"});
        let words = "{minItems: 2, maxItems: 3, uniqueItems: true}";
        check(list, &json!({"type": "array", "items": items, "description": words}));
        let pair = json!({"prefixItems": [{"type": "string"}], "items": false});
        let words = "{prefixItems: [{\"type\":\"string\"}], items: false}";
        check(pair, &json!({"type": "array", "description": words}));
        check(json!({"enum": [{"a": 1}]}), &json!({"description": "{enum: [{\"a\":1}]}"}));
    }

    #[test]
    fn variants_are_any_of_them() {
        let object = |key: &str| json!({"type": "object", "properties": {key: {"type": "string"}}});
        let closed = |key: &str| {
            let mut object = object(key);
            object["additionalProperties"] = json!(false);
            object
        };
        let one = json!({"type": "object", "oneOf": [object("a"), object("b")], "discriminator": {"by": "k"}});
        let words = "{discriminator: {\"by\":\"k\"}}";
        check(one, &json!({"anyOf": [closed("a"), closed("b")], "description": words}));
        let both = json!({"anyOf": [{"type": "null"}], "oneOf": [{"type": "string"}]});
        check(both, &json!({"anyOf": [{"type": "null"}], "description": "{oneOf: [{\"type\":\"string\"}]}"}));
        // Variants that say only what is required are conditions, for which there is no grammar.
        let conditions = json!({"type": "object", "properties": {}, "anyOf": [{"required": ["a"]}]});
        let words = "{anyOf: [{\"required\":[\"a\"]}]}";
        let expected = json!({"type": "object", "properties": {}, "additionalProperties": false, "description": words});
        check(conditions, &expected);
    }

    #[test]
    fn objects_are_closed_and_references_stand_alone() {
        let open = json!({"properties": {"a": {"type": "object", "additionalProperties": {"type": "string"}}}});
        let inner = json!({"type": "object", "additionalProperties": false});
        check(open, &json!({"type": "object", "properties": {"a": inner}, "additionalProperties": false}));
        check(json!({"$ref": "#/$defs/a", "description": "d"}), &json!({"$ref": "#/$defs/a"}));
        check(json!({"allOf": [{"$ref": "#/$defs/a"}], "title": "A"}), &json!({"$ref": "#/$defs/a"}));
    }

    #[test]
    fn names_of_properties_are_no_keywords() {
        stays(&json!({"type": "object", "additionalProperties": false, "properties": {
            "minimum": {"type": "integer"}, "$ref": {"type": "string"}, "oneOf": {"type": "string"}}}));
    }

    #[test]
    fn where_a_schema_stands_is_of_no_use() {
        let mut schema = json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "i", "type": "null"});
        assert!(!narrow(&mut schema));
        assert_eq!(schema, json!({"type": "null"}));
    }
}
