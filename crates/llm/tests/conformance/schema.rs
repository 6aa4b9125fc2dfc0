//! The vendors' published schemas: would the vendor take this request, could the vendor have sent this reply?

use std::sync::LazyLock;

use jsonschema::Validator;
use pillion_llm::Format;
use serde_json::{Map, Value, json};

use crate::corpus::present;

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum What {
    Request,
    Reply,
    /// An event of a stream.
    Event,
    /// A list of models.
    Models,
    /// One model.
    Model,
}

struct Known {
    format: Format,
    what: What,
    validator: Validator,
}

/// Format, file, and the names of the schemas in it.
type Source = (Format, &'static str, &'static [(What, &'static str)]);

const SOURCES: &[Source] = &[
    (
        Format::OpenAIChat,
        "openai/openapi.json",
        &[
            (What::Request, "CreateChatCompletionRequest"),
            (What::Reply, "CreateChatCompletionResponse"),
            (What::Event, "CreateChatCompletionStreamResponse"),
            (What::Models, "ListModelsResponse"),
            (What::Model, "Model"),
        ],
    ),
    (
        Format::AnthropicMessages,
        "anthropic/openapi.yml",
        &[
            (What::Request, "CreateMessageParams"),
            (What::Reply, "Message"),
            (What::Event, "MessageStreamEvent"),
            (What::Models, "ListResponse_ModelInfo_"),
            (What::Model, "ModelInfo"),
        ],
    ),
];

static SCHEMAS: LazyLock<Vec<Known>> = LazyLock::new(|| {
    let Some(folder) = present("the folder of the vendors' schemas", "PILLION_SPECS", "../shared/specs") else {
        return Vec::new();
    };
    let mut known = Vec::new();
    for &(format, file, names) in SOURCES {
        // Anthropic's `.yml` is JSON inside.
        let document: Value = serde_json::from_slice(&std::fs::read(folder.join(file)).unwrap()).unwrap();
        let mut schemas = document["components"]["schemas"].clone();
        loosen(&mut schemas);
        for (what, name) in names {
            known.push(Known { format, what: *what, validator: compile(name, &schemas) });
        }
    }
    known
});

/// Lets pass what the documents say in words or in older keywords, and the vendors send.
fn loosen(schemas: &mut Value) {
    let finish = "/CreateChatCompletionStreamResponse/properties/choices/items/properties/finish_reason";
    if let Some(finish) = schemas.pointer_mut(finish) {
        finish["nullable"] = json!(true);
    }
    nullable(schemas);
}

/// OpenAPI 3.0's `nullable`, which the documents still use and validators do not know.
fn nullable(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            object.values_mut().for_each(nullable);
            if object.shift_remove("nullable") == Some(json!(true)) {
                let inner = std::mem::take(object);
                object.insert("anyOf".to_owned(), json!([inner, {"type": "null"}]));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(nullable),
        _ => {}
    }
}

fn compile(name: &str, schemas: &Value) -> Validator {
    let mut used = Map::new();
    collect(&json!({"$ref": name}), schemas, &mut used);
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$ref": format!("#/components/schemas/{name}"),
        "components": {"schemas": used},
    });
    jsonschema::options().should_validate_formats(false).build(&schema).unwrap()
}

/// Copies the schemas that `value` refers to, and theirs.
fn collect(value: &Value, schemas: &Value, used: &mut Map<String, Value>) {
    match value {
        Value::Object(object) => {
            if let Some(name) = object.get("$ref").and_then(Value::as_str).and_then(|name| name.rsplit('/').next())
                && !used.contains_key(name)
                && let Some(schema) = schemas.get(name)
            {
                used.insert(name.to_owned(), schema.clone());
                collect(schema, schemas, used);
            }
            object.values().for_each(|value| collect(value, schemas, used));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, schemas, used)),
        _ => {}
    }
}

/// What the vendor's schema finds wrong, a few findings at most; nothing where the schemas are absent.
pub(crate) fn check(format: Format, what: What, body: &Value) -> Result<(), String> {
    let Some(known) = SCHEMAS.iter().find(|known| known.format == format && known.what == what) else { return Ok(()) };
    let findings: Vec<String> = known
        .validator
        .iter_errors(body)
        .take(3)
        .map(|error| format!("{}: {error}", error.instance_path()).chars().take(300).collect())
        .collect();
    if findings.is_empty() { Ok(()) } else { Err(format!("the vendor's schema: {}", findings.join("; "))) }
}

#[test]
fn schemas_refuse_what_the_vendors_refuse() {
    if SCHEMAS.is_empty() {
        return;
    }
    let refuses = |format, what, body: Value| assert!(check(format, what, &body).is_err(), "{body}");
    refuses(Format::OpenAIChat, What::Request, json!({"model": "m"}));
    refuses(Format::OpenAIChat, What::Reply, json!({"id": "x", "choices": null}));
    refuses(Format::OpenAIChat, What::Event, json!({"id": "x"}));
    refuses(Format::AnthropicMessages, What::Request, json!({"model": "m", "messages": []}));
    refuses(Format::AnthropicMessages, What::Reply, json!({"id": "x"}));
    refuses(Format::AnthropicMessages, What::Event, json!({"type": "message_start"}));
}

#[test]
fn samples_are_what_the_vendors_document() {
    for case in crate::corpus::CASES.iter().filter(|case| case.ours) {
        let judge = |what, body: &[u8]| {
            let body = serde_json::from_slice(body).unwrap();
            check(case.format, what, &body).unwrap_or_else(|why| panic!("{}: {why}", case.id));
        };
        judge(What::Request, case.request.as_deref().unwrap());
        if case.streaming {
            let events = crate::sse::events(&case.response);
            let events = events.iter().filter(|event| event.data != "[DONE]" && event.name.as_deref() != Some("ping"));
            events.for_each(|event| judge(What::Event, event.data.as_bytes()));
        } else if case.ok() {
            judge(What::Reply, &case.response);
        }
    }
}
