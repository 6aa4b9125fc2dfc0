//! The vendors' published schemas: would the vendor take this request?

mod botocore;
mod discovery;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::call::{Call, Format, Vendor};
use super::member;

/// The schemas of the endpoints that are checked.
pub struct Schemas {
    folder: PathBuf,
}

/// A vendor's document about the requests of one endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Document {
    /// File, and path in it.
    OpenApi(&'static str, &'static str),
    /// File, and name of the message.
    Discovery(&'static str, &'static str),
    /// File, and name of the shape.
    Botocore(&'static str, &'static str),
}

fn document(call: &Call) -> Option<Document> {
    const GEMINI: &str = "google/generativelanguage.v1beta.discovery.json";
    const VERTEX: &str = "google/aiplatform.v1.discovery.json";
    const BEDROCK: &str = "aws/botocore/bedrock-runtime/service-2.json";
    Some(match call.format {
        Format::Chat => Document::OpenApi("openai/openapi.json", "/chat/completions"),
        Format::Responses => Document::OpenApi("openai/openapi.json", "/responses"),
        Format::Messages => Document::OpenApi("anthropic/openapi.yml", "/v1/messages"),
        Format::CohereChat => Document::OpenApi("cohere/cohere-openapi.yaml", "/v2/chat"),
        Format::GenerateContent if call.vendor == Vendor::VertexAI => {
            Document::Discovery(VERTEX, "GoogleCloudAiplatformV1GenerateContentRequest")
        }
        Format::GenerateContent => Document::Discovery(GEMINI, "GenerateContentRequest"),
        Format::Converse => Document::Botocore(BEDROCK, "ConverseRequest"),
        Format::Other => return None,
    })
}

impl Schemas {
    /// Of the files under `folder`, each read when it is first needed; a vendor whose file is missing is not checked.
    ///
    /// # Errors
    /// When there is no such folder.
    pub fn load(folder: &Path) -> Result<Self> {
        anyhow::ensure!(folder.is_dir(), "the vendors' schemas are expected at {}", folder.display());
        Ok(Self { folder: folder.to_path_buf() })
    }

    /// What the vendor would refuse in this body, at most a few findings.
    pub(crate) fn violations(&self, call: &Call, body: &Value) -> Vec<String> {
        let Some(document) = document(call) else { return Vec::new() };
        let validator = match self.validator(document) {
            Ok(Some(validator)) => validator,
            Ok(None) => return Vec::new(),
            Err(error) => return vec![format!("{document:?} is not understood: {error:#}")],
        };
        let body = without_envelope(call, body);
        let findings = validator.iter_errors(&body).take(5);
        findings.map(|error| format!("{}: {error}", error.instance_path()).chars().take(400).collect()).collect()
    }

    /// Compiled once a process: several servers may run in it.
    fn validator(&self, document: Document) -> Result<Option<Arc<Validator>>> {
        type Compiled = BTreeMap<(PathBuf, Document), Arc<Validator>>;
        static COMPILED: Mutex<Compiled> = Mutex::new(BTreeMap::new());
        let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (self.folder.clone(), document);
        if !compiled.contains_key(&key) {
            let (Document::OpenApi(file, _) | Document::Discovery(file, _) | Document::Botocore(file, _)) = document;
            let Ok(text) = std::fs::read_to_string(self.folder.join(file)) else { return Ok(None) };
            compiled.insert(key.clone(), Arc::new(compile(&text, document)?));
        }
        Ok(compiled.get(&key).cloned())
    }
}

/// Anthropic's body as its own API takes it: clouds have the model in the path, and the API's version in the body.
fn without_envelope(call: &Call, body: &Value) -> Value {
    let mut body = body.clone();
    if let (Format::Messages, Some(model), Some(members)) = (call.format, &call.model, body.as_object_mut()) {
        members.remove("anthropic_version");
        members.remove("anthropic_beta");
        members.insert("model".into(), json!(model));
    }
    body
}

fn compile(text: &str, document: Document) -> Result<Validator> {
    // Anthropic's `.yml` is JSON inside; JSON is tried first since it is a hundred times quicker.
    let mut parsed: Value = match serde_json::from_str(text) {
        Ok(parsed) => parsed,
        // A bound of Cohere's beyond 64 bits would otherwise be no JSON number.
        Err(_) => serde_norway::from_str(&text.replace("18446744073709552000", "18446744073709551615"))?,
    };
    any_for_one(&mut parsed);
    // OpenAI's document requires `strict`; its servers, and its guide, do not.
    if let Some(Value::Array(required)) = parsed.pointer_mut("/components/schemas/FunctionTool/required") {
        required.retain(|name| name != "strict");
    }
    let (root, schemas) = match document {
        Document::OpenApi(_, path) => {
            let operation = parsed
                .pointer(&format!("/paths/{}/post", path.replace('/', "~1")))
                .with_context(|| format!("no POST {path}"))?;
            let root = operation.pointer("/requestBody/content/application~1json/schema").context("no JSON body")?;
            let schemas = parsed.pointer("/components/schemas").and_then(Value::as_object).context("no schemas")?;
            (root.clone(), schemas.clone())
        }
        Document::Discovery(_, name) => (discovery::reference(name), discovery::schemas(&parsed)),
        Document::Botocore(_, name) => (botocore::reference(name), botocore::schemas(&parsed)),
    };
    let mut used = Map::new();
    collect(&root, &schemas, &mut used, &mut BTreeSet::new());
    let schema = json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "allOf": [root], "components": {"schemas": used}});
    Ok(jsonschema::options().should_validate_formats(false).build(&schema)?)
}

/// In these documents several of a choice may well fit: OpenAI's messages with and without their type.
fn any_for_one(value: &mut Value) {
    match value {
        Value::Object(object) => {
            if let Some(choice) = object.remove("oneOf") {
                object.insert("anyOf".to_owned(), choice);
            }
            object.values_mut().for_each(any_for_one);
        }
        Value::Array(values) => values.iter_mut().for_each(any_for_one),
        _ => {}
    }
}

/// Copies the schemas that `value` refers to, and theirs.
fn collect(value: &Value, schemas: &Map<String, Value>, used: &mut Map<String, Value>, seen: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            if let Some(name) = member(value, "$ref").as_str().and_then(|name| name.rsplit('/').next())
                && seen.insert(name.to_owned())
            {
                // Google's document refers to a message that it does not have: anything is taken for it.
                let schema = schemas.get(name).cloned().unwrap_or_else(|| json!({}));
                collect(&schema, schemas, used, seen);
                used.insert(name.to_owned(), schema);
            }
            object.values().for_each(|value| collect(value, schemas, used, seen));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, schemas, used, seen)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::workspace;

    #[track_caller]
    fn check(path: &str, body: &Value, fault: Option<&str>) {
        let specs = workspace::specs();
        if !specs.is_dir() {
            assert!(std::env::var_os("CI").is_none(), "the vendors' schemas are expected at {}", specs.display());
            eprintln!("not checked: the vendors' schemas are absent; they are expected at {}", specs.display());
            return;
        }
        let call = Call::of(&Method::POST, path, None).unwrap();
        let violations = Schemas::load(&specs).unwrap().violations(&call, body);
        match fault {
            None => assert_eq!(violations, Vec::<String>::new()),
            Some(fault) => assert!(violations.iter().any(|violation| violation.contains(fault)), "{violations:?}"),
        }
    }

    #[test]
    fn requests_are_judged_as_the_vendor_would() {
        let messages = json!([{"role": "user", "content": "hello"}]);
        let chat = "/v1/chat/completions";
        check(chat, &json!({"model": "gpt-4o", "messages": messages, "stream": true}), None);
        check(chat, &json!({"model": "gpt-4o"}), Some("messages"));
        check(chat, &json!({"model": "gpt-4o", "messages": messages, "temperature": "hot"}), Some("hot"));

        let anthropic = "/v1/messages";
        check(anthropic, &json!({"model": "claude", "max_tokens": 9, "messages": messages}), None);
        check(anthropic, &json!({"model": "claude", "messages": messages}), Some("max_tokens"));
        check(anthropic, &json!({"model": "claude", "max_tokens": 9, "messages": [{"role": 7}]}), Some("role"));
        let enveloped = json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": messages});
        check("/model/anthropic.claude/invoke", &enveloped, None);

        let gemini = "/v1beta/models/gemini-3-flash-preview:generateContent";
        let contents = json!([{"role": "user", "parts": [{"text": "hello"}]}]);
        check(gemini, &json!({"contents": contents, "generationConfig": {"maxOutputTokens": 9}}), None);
        check(gemini, &json!({"contents": contents, "generationConfig": {"maxTokens": 9}}), Some("maxTokens"));
        check(gemini, &json!({"contents": [{"parts": [{"text": 7}]}]}), Some("string"));
        let vertex = "/v1/projects/p/locations/l/publishers/google/models/gemini-3-flash-preview:generateContent";
        check(vertex, &json!({"contents": contents, "labels": {"team": "a"}}), None);

        let converse = "/model/amazon.nova-lite-v1%3A0/converse";
        let messages = json!([{"role": "user", "content": [{"text": "hello"}]}]);
        check(converse, &json!({"messages": messages, "inferenceConfig": {"maxTokens": 9}}), None);
        check(converse, &json!({"messages": messages, "model": "m"}), Some("model"));
        check(
            converse,
            &json!({"messages": [{"role": "user", "content": [{"text": "a", "image": {}}]}]}),
            Some("more than"),
        );

        let messages = json!([{"role": "user", "content": "hello"}]);
        check("/v2/chat", &json!({"model": "command-a-03-2025", "messages": messages, "stream": false}), None);
        check("/v2/chat", &json!({"messages": messages, "stream": false}), Some("model"));
        check("/v1/responses", &json!({"model": "gpt-5-mini", "input": "hello"}), None);
        check("/v1/responses", &json!({"model": "gpt-5-mini", "input": [{"type": "function_call"}]}), Some("input"));
    }
}
