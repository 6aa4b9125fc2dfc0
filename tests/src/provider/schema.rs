//! The vendors' published schemas: would the vendor take this request?

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};
use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::member;

/// The schemas of the endpoints that are checked.
pub struct Schemas {
    validators: Vec<(&'static str, &'static str, Validator)>,
}

/// Corpus folder of the endpoint, file under the specs, path in it.
const SOURCES: &[(&str, &str, &str, &str)] = &[
    ("openai", "chat-completions", "openai/openapi.json", "/chat/completions"),
    ("anthropic", "messages", "anthropic/openapi.yml", "/v1/messages"),
];

impl Schemas {
    /// Reads the schemas under `folder`; a vendor whose file is missing is not checked.
    ///
    /// # Errors
    /// When a file is there and not understood.
    pub fn load(folder: &Path) -> Result<Self> {
        let mut validators = Vec::new();
        for &(provider, endpoint, file, path) in SOURCES {
            let file = folder.join(file);
            if let Ok(text) = std::fs::read_to_string(&file) {
                let validator = compile(&text, path).with_context(|| format!("the schema in {}", file.display()))?;
                validators.push((provider, endpoint, validator));
            }
        }
        Ok(Self { validators })
    }

    /// What the vendor would refuse in this body, at most a few findings.
    pub(crate) fn violations(&self, provider: &str, endpoint: &str, body: &Value) -> Vec<String> {
        let validator = self.validators.iter().find(|(of, at, _)| *of == provider && *at == endpoint);
        validator
            .into_iter()
            .flat_map(|(_, _, validator)| validator.iter_errors(body))
            .take(5)
            .map(|error| format!("{}: {error}", error.instance_path()).chars().take(400).collect())
            .collect()
    }
}

fn compile(text: &str, path: &str) -> Result<Validator> {
    // Anthropic's `.yml` is JSON inside; JSON is tried first since it is a hundred times quicker.
    let document: Value = match serde_json::from_str(text) {
        Ok(document) => document,
        Err(_) => serde_norway::from_str(text)?,
    };
    let operation = document
        .pointer(&format!("/paths/{}/post", path.replace('/', "~1")))
        .with_context(|| format!("no POST {path}"))?;
    let root = operation.pointer("/requestBody/content/application~1json/schema").context("no JSON body")?;
    let schemas = document.pointer("/components/schemas").and_then(Value::as_object).context("no schemas")?;
    let mut used = Map::new();
    collect(root, schemas, &mut used, &mut BTreeSet::new());
    let schema = json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "allOf": [root], "components": {"schemas": used}});
    Ok(jsonschema::options().should_validate_formats(false).build(&schema)?)
}

/// Copies the schemas that `value` refers to, and theirs.
fn collect(value: &Value, schemas: &Map<String, Value>, used: &mut Map<String, Value>, seen: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            if let Some(name) = member(value, "$ref").as_str().and_then(|name| name.rsplit('/').next())
                && seen.insert(name.to_owned())
                && let Some(schema) = schemas.get(name)
            {
                used.insert(name.to_owned(), schema.clone());
                collect(schema, schemas, used, seen);
            }
            object.values().for_each(|value| collect(value, schemas, used, seen));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, schemas, used, seen)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace;

    #[track_caller]
    fn check(provider: &str, endpoint: &str, body: &Value, fault: Option<&str>) {
        let specs = workspace::specs();
        if !specs.is_dir() {
            assert!(std::env::var_os("CI").is_none(), "the vendors' schemas are expected at {}", specs.display());
            eprintln!("not checked: the vendors' schemas are absent; they are expected at {}", specs.display());
            return;
        }
        let violations = Schemas::load(&specs).unwrap().violations(provider, endpoint, body);
        match fault {
            None => assert_eq!(violations, Vec::<String>::new()),
            Some(fault) => assert!(violations.iter().any(|violation| violation.contains(fault)), "{violations:?}"),
        }
    }

    #[test]
    fn requests_are_judged_as_the_vendor_would() {
        let messages = json!([{"role": "user", "content": "hello"}]);
        check("openai", "chat-completions", &json!({"model": "gpt-4o", "messages": messages, "stream": true}), None);
        check("openai", "chat-completions", &json!({"model": "gpt-4o"}), Some("messages"));
        check(
            "openai",
            "chat-completions",
            &json!({"model": "gpt-4o", "messages": messages, "temperature": "hot"}),
            Some("hot"),
        );
        check("anthropic", "messages", &json!({"model": "claude", "max_tokens": 9, "messages": messages}), None);
        check("anthropic", "messages", &json!({"model": "claude", "messages": messages}), Some("max_tokens"));
        check(
            "anthropic",
            "messages",
            &json!({"model": "claude", "max_tokens": 9, "messages": [{"role": 7}]}),
            Some("role"),
        );
    }
}
