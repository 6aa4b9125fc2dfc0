//! Cases 41 to 48 of the translation table, and what holds for any schema.

use super::{Use, Written, read, write};
use crate::model::Report;
use proptest::prelude::*;
use serde_json::{Value, json};

/// The schema as the API takes it where it takes no JSON Schema; null where nothing is said.
fn cleaned(schema: &Value, usage: Use, cloud: bool) -> (Value, bool) {
    let mut report = Report::default();
    match write(schema, usage, cloud, false, "f", &mut report) {
        Written::Nothing => (Value::Null, !report.approximated.is_empty()),
        Written::Schema(schema) => (schema, !report.approximated.is_empty()),
        Written::JsonSchema(_) => panic!("the model takes no JSON Schema"),
    }
}

/// One property of arguments.
#[track_caller]
fn check(property: Value, expected: Value, nearly: bool) {
    let schema = json!({"type": "object", "properties": {"p": property}});
    let (written, approximated) = cleaned(&schema, Use::Arguments, false);
    assert_eq!(written, json!({"type": "OBJECT", "properties": {"p": expected}}), "{property}");
    assert_eq!(approximated, nearly, "{property}");
}

#[test]
fn words_that_the_api_does_not_know_are_left_out_or_said_otherwise() {
    // 41, 42
    check(
        json!({"$id": "x", "$comment": "c", "type": "string", "title": "T", "default": "d", "examples": ["e"], "x-a": 1}),
        json!({"type": "STRING", "title": "T", "default": "d", "example": "e"}),
        false,
    );
    check(
        json!({"type": "object", "additionalProperties": false, "properties": {"a": {"type": "integer"}}, "required": ["a", "b"]}),
        json!({"type": "OBJECT", "properties": {"a": {"type": "INTEGER"}}, "required": ["a"]}),
        false,
    );
    check(json!({"const": "one"}), json!({"type": "STRING", "enum": ["one"]}), false);
    check(json!({"const": 5}), json!({"type": "INTEGER", "minimum": 5, "maximum": 5}), false);
    check(json!({"type": "integer", "exclusiveMinimum": 0}), json!({"type": "INTEGER", "minimum": 1}), false);
    check(json!({"type": "number", "exclusiveMaximum": 1}), json!({"type": "NUMBER", "maximum": 1}), true);
    check(json!({"type": "string", "not": {"const": "x"}}), json!({"type": "STRING"}), true);
    check(
        json!({"type": "array", "items": {"type": "string", "maxLength": 3}, "minItems": 1, "uniqueItems": true}),
        json!({"type": "ARRAY", "items": {"type": "STRING", "maxLength": "3"}, "minItems": "1"}),
        true,
    );
}

#[test]
fn null_is_a_mark_on_the_type() {
    // 45, 46
    check(json!({"type": ["string", "null"]}), json!({"type": "STRING", "nullable": true}), false);
    check(
        json!({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}], "description": "d", "default": null}),
        json!({"type": "INTEGER", "minimum": 1, "description": "d", "nullable": true}),
        false,
    );
    check(
        json!({"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}], "description": "d"}),
        json!({"anyOf": [{"type": "INTEGER", "description": "d", "nullable": true},
            {"type": "STRING", "description": "d", "nullable": true}]}),
        false,
    );
    check(json!({"type": ["string", "number"]}), json!({"anyOf": [{"type": "STRING"}, {"type": "NUMBER"}]}), false);
    check(json!({"enum": ["a", null]}), json!({"type": "STRING", "enum": ["a"], "nullable": true}), false);
    check(json!({"oneOf": [{"const": "a"}]}), json!({"type": "STRING", "enum": ["a"]}), false);
    check(json!({"type": "null"}), json!({"type": "NULL"}), false);
}

#[test]
fn lists_of_values_are_texts() {
    // 47
    check(json!({"type": "string", "enum": ["", "a"]}), json!({"type": "STRING", "enum": ["a"]}), true);
    check(json!({"type": "string", "enum": [""]}), json!({"type": "STRING"}), true);
    check(json!({"type": "integer", "enum": [1, 2]}), json!({"type": "STRING", "enum": ["1", "2"]}), true);
    check(json!({"enum": [true, false]}), json!({"type": "BOOLEAN"}), false);
    let schema = json!({"properties": {"p": {"type": "integer", "enum": [1, 2]}}});
    let (written, approximated) = cleaned(&schema, Use::Arguments, true);
    assert_eq!(written["properties"]["p"], json!({"type": "INTEGER", "format": "enum", "enum": ["1", "2"]}));
    assert!(!approximated, "Vertex AI has lists of numbers");
}

#[test]
fn nothing_is_without_a_type() {
    // 48
    for nothing in [json!({}), json!({"type": "object"}), json!({"type": "object", "properties": {}, "required": []})] {
        assert_eq!(cleaned(&nothing, Use::Arguments, false), (Value::Null, false), "{nothing}");
    }
    assert_eq!(cleaned(&json!({}), Use::Answer, false), (Value::Null, false));
    check(
        json!({"properties": {"a": {"type": "string"}}}),
        json!({"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}),
        false,
    );
    check(json!({"description": "any"}), json!({"type": "STRING", "description": "any"}), true);
    check(json!({"type": "array"}), json!({"type": "ARRAY", "items": {"type": "STRING"}}), true);
    check(json!(true), json!({"type": "STRING"}), true);
}

#[test]
fn references_are_inlined_and_recursion_ends() {
    // 43, 44
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$defs": {
            "Node": {"type": "object", "properties": {"name": {"type": "string"}, "next": {"$ref": "#/$defs/Node"}}},
            "a/b": {"type": "integer"},
        },
        "type": "object",
        "properties": {"head": {"$ref": "#/$defs/Node", "description": "first"}, "n": {"$ref": "#/$defs/a~1b"}},
    });
    let node = json!({"type": "OBJECT", "description": "first",
        "properties": {"name": {"type": "STRING"}, "next": {"type": "OBJECT"}}});
    let expected = json!({"type": "OBJECT", "properties": {"head": node, "n": {"type": "INTEGER"}}});
    assert_eq!(cleaned(&schema, Use::Arguments, false), (expected, true));
    let mut report = Report::default();
    let Written::JsonSchema(kept) = write(&schema, Use::Arguments, false, true, "f", &mut report) else { panic!() };
    assert_eq!(kept["properties"]["head"], json!({"$ref": "#/$defs/Node"}), "nothing may stand beside a reference");
    assert_eq!((kept.get("$schema"), kept["$defs"] == schema["$defs"]), (None, true));
    assert!(report.approximated.is_empty());
    let lost = json!({"properties": {"p": {"$ref": "#/$defs/none"}}});
    assert!(cleaned(&lost, Use::Arguments, false).1);
}

#[test]
fn parts_are_joined_and_choices_of_arguments_are_one_object() {
    check(
        json!({"allOf": [{"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
            {"properties": {"b": {"type": "number"}}, "required": ["b"]}], "description": "d"}),
        json!({"type": "OBJECT", "description": "d", "required": ["a", "b"],
            "properties": {"a": {"type": "STRING"}, "b": {"type": "NUMBER"}}}),
        false,
    );
    let choice = json!({"anyOf": [{"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
        {"type": "object", "properties": {"b": {"type": "string"}}}]});
    let expected = json!({"type": "OBJECT", "properties": {"a": {"type": "STRING"}, "b": {"type": "STRING"}}});
    assert_eq!(cleaned(&choice, Use::Arguments, false), (expected, true));
}

#[test]
fn maps_are_json_schema_where_the_model_takes_it() {
    let schema =
        json!({"type": "object", "properties": {"m": {"type": "object", "additionalProperties": {"type": "string"}}}});
    let written = |cloud, json_schema| {
        let mut report = Report::default();
        match write(&schema, Use::Arguments, cloud, json_schema, "f", &mut report) {
            Written::Schema(schema) => (schema, !report.approximated.is_empty()),
            Written::JsonSchema(schema) => (json!({ "json": schema }), !report.approximated.is_empty()),
            Written::Nothing => panic!("it says something"),
        }
    };
    assert_eq!(written(false, true), (json!({ "json": schema }), false));
    assert_eq!(written(false, false).0["properties"]["m"], json!({"type": "OBJECT"}));
    assert!(written(false, false).1);
    let map = json!({"type": "OBJECT", "additionalProperties": {"type": "STRING"}});
    assert_eq!((&written(true, true).0["properties"]["m"], written(true, true).1), (&map, false));
}

#[test]
fn the_apis_own_schemas_are_json_schemas_in_other_words() {
    let own = json!({"type": "OBJECT", "propertyOrdering": ["b", "a"], "required": ["a"], "properties": {
        "a": {"type": "STRING", "nullable": true, "enum": ["x"], "format": "enum"},
        "b": {"type": "ARRAY", "minItems": "2", "items": {"anyOf": [{"type": "INTEGER"}, {"type": "NUMBER"}]}},
    }});
    let json_schema = read(&own);
    assert_eq!(
        json_schema,
        json!({"type": "object", "required": ["a"], "properties": {
            "b": {"type": "array", "minItems": 2, "items": {"anyOf": [{"type": "integer"}, {"type": "number"}]}},
            "a": {"type": ["string", "null"], "enum": ["x", null]},
        }})
    );
    assert_eq!(json_schema["properties"].as_object().unwrap().keys().next().unwrap(), "b");
    let again = json!({"type": "OBJECT", "required": ["a"], "properties": {
        "b": {"type": "ARRAY", "minItems": "2", "items": {"anyOf": [{"type": "INTEGER"}, {"type": "NUMBER"}]}},
        "a": {"type": "STRING", "nullable": true, "enum": ["x"]},
    }});
    assert_eq!(cleaned(&json_schema, Use::Arguments, false), (again, false));
}

/// Schemas that double with every definition, that refer in long chains, that choose among many.
fn adversarial(size: usize) -> Vec<Value> {
    let name = |at: usize| format!("d{at}");
    let reference = |at: usize| json!({"$ref": format!("#/$defs/d{at}")});
    let definitions = |build: &dyn Fn(usize) -> Value| -> Value {
        Value::Object((0..size).map(|at| (name(at), build(at))).collect())
    };
    let root = |definitions: Value| json!({"$defs": definitions, "properties": {"p": reference(0)}});
    let long = "x".repeat(200);
    vec![
        root(definitions(
            &|at| json!({"description": long, "properties": {"a": reference(at + 1), "b": reference(at + 1)}}),
        )),
        root(definitions(&|at| json!({"allOf": [reference(at + 1), reference(at + 1), reference(0)]}))),
        root(definitions(&|at| json!({"anyOf": [reference(at + 1), reference(at + 1), {}], "oneOf": [{}, {}]}))),
        root(definitions(&|at| json!({"items": reference(at + 1)}))),
        root(definitions(&|at| reference(at + 1))),
        root(definitions(&|_| json!({"properties": {"all": {"anyOf": (0..size).map(reference).collect::<Vec<_>>()}}}))),
        json!({"properties": {"p": {"anyOf": vec![json!({}); size], "oneOf": vec![json!({"type": "string"}); size]}}}),
        json!({"$ref": "#", "properties": {"p": {"$ref": "#"}, "q": {"$ref": "#/properties/p"}}}),
    ]
}

#[test]
fn work_and_result_are_bounded_by_the_schemas_size() {
    for (nth, schema) in adversarial(60).into_iter().enumerate() {
        let size = schema.to_string().len();
        for cloud in [false, true] {
            let (written, _) = cleaned(&schema, Use::Arguments, cloud);
            let written = written.to_string().len();
            assert!(written < 40 * size + 1_000_000, "{nth}: {size} became {written}");
        }
    }
}

/// What the API's schema may hold, closed.
fn valid(schema: &Value, cloud: bool) -> Result<(), String> {
    let Some(object) = schema.as_object() else { return Err(format!("no object: {schema}")) };
    if !object.contains_key("type") && !object.contains_key("anyOf") {
        return Err(format!("typeless: {schema}"));
    }
    for (key, value) in object {
        let right = match key.as_str() {
            "type" => {
                ["STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"].iter().any(|name| value == name)
            }
            "title" | "description" | "format" | "pattern" => value.is_string(),
            "nullable" => value.is_boolean(),
            "default" | "example" => !value.is_null(),
            "minimum" | "maximum" => value.is_number(),
            "minItems" | "maxItems" | "minLength" | "maxLength" | "minProperties" | "maxProperties" => {
                value.as_str().is_some_and(|text| text.parse::<u64>().is_ok())
            }
            "enum" => value.as_array().is_some_and(|values| {
                !values.is_empty() && values.iter().all(|value| value.is_string() && value != "")
            }),
            "required" | "propertyOrdering" => value.as_array().is_some_and(|names| {
                names.iter().all(|name| object["properties"].get(name.as_str().unwrap()).is_some())
            }),
            "items" => {
                valid(value, cloud)?;
                true
            }
            "additionalProperties" if cloud => value.is_boolean() || valid(value, cloud).is_ok(),
            "anyOf" => {
                value.as_array().unwrap().iter().try_for_each(|branch| valid(branch, cloud))?;
                object.len() == 1
            }
            "properties" => {
                value.as_object().unwrap().values().try_for_each(|property| valid(property, cloud))?;
                true
            }
            _ => false,
        };
        if !right {
            return Err(format!("{key}: {value}"));
        }
    }
    match (object.get("type"), object.get("items")) {
        (Some(kind), None) if kind == "ARRAY" => Err("a list of nothing".to_owned()),
        _ => Ok(()),
    }
}

/// Any schema, right or not, that may refer to definitions `a`, `b` and `c`.
fn schema() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec![
        "string", "number", "integer", "boolean", "array", "object", "null", "STRING", "odd",
    ]);
    let value = prop_oneof![
        Just(json!(null)),
        Just(json!("")),
        Just(json!("x")),
        Just(json!(1)),
        Just(json!(0.5)),
        Just(json!(true)),
        Just(json!({"a": 1}))
    ];
    let leaf = prop_oneof![
        word.clone().prop_map(|word| json!({ "type": word })),
        prop::collection::vec(word, 0..4).prop_map(|words| json!({ "type": words })),
        prop::sample::select(vec!["a", "b", "c", "none"]).prop_map(|name| json!({"$ref": format!("#/$defs/{name}"), "description": "d"})),
        Just(json!({"$ref": "#"})),
        prop::collection::vec(value.clone(), 0..4).prop_map(|values| json!({ "enum": values })),
        value.clone().prop_map(|value| json!({ "const": value })),
        value.prop_map(|value| json!({"default": value, "minLength": value, "minimum": value, "description": value, "required": value})),
        Just(json!(true)),
        Just(json!({})),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let list = prop::collection::vec(inner.clone(), 0..4);
        let map = prop::collection::btree_map("[a-c]", inner.clone(), 0..3);
        let key = prop::sample::select(vec!["anyOf", "oneOf", "allOf", "prefixItems", "items"]);
        prop_oneof![
            (key, list, inner.clone()).prop_map(|(key, list, beside)| {
                let mut out = json!({ key: list });
                if let (Some(out), Value::Object(beside)) = (out.as_object_mut(), beside) {
                    out.extend(beside);
                }
                out
            }),
            (map, inner.clone()).prop_map(|(map, more)| json!({"type": "object", "properties": map, "required": ["a", "z"], "additionalProperties": more})),
            inner.prop_map(|items| json!({"type": "array", "items": items, "minItems": 2})),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_schema_becomes_one_that_the_api_takes_and_that_stays(
        root in schema(),
        definitions in prop::collection::btree_map("[a-c]", schema(), 0..4),
        cloud in any::<bool>(),
        arguments in any::<bool>(),
    ) {
        let mut root = root;
        if let Value::Object(root) = &mut root {
            root.insert("$defs".to_owned(), json!(definitions));
        }
        let usage = if arguments { Use::Arguments } else { Use::Answer };
        let (written, _) = cleaned(&root, usage, cloud);
        if !written.is_null() {
            prop_assert_eq!(valid(&written, cloud), Ok(()), "{}", written);
            prop_assert_eq!(&cleaned(&written, usage, cloud).0, &written, "twice is once");
        }
    }
}
