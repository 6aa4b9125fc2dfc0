//! YAML as `kubectl apply -f` takes it → objects: for `pillion check` and the standalone sidecar. Never reads a file.

use crate::Finding;
use pillion_crds::{AIProvider, AIRoute};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The documents of one or more files.
#[derive(Clone, Debug, Default)]
pub struct Manifest {
    /// In the order of the documents.
    pub providers: Vec<AIProvider>,
    /// In the order of the documents, which is the order in which they are tried.
    pub routes: Vec<AIRoute>,
    /// Documents of other kinds, as they stand; may hold Secrets, so never print them.
    pub others: Vec<Value>,
    /// What is wrong with documents that claim to be ours; such a document is left out.
    pub findings: Vec<Finding>,
}

impl Manifest {
    /// Adds the documents of one text; `source` (a file name) begins each finding's field.
    ///
    /// Lists (`kind: List`) are taken apart, empty documents skipped.
    pub fn read(&mut self, source: &str, text: &str) {
        for (i, document) in serde_norway::Deserializer::from_str(text).enumerate() {
            let place = format!("{source}#{}", i + 1);
            match Value::deserialize(document) {
                Ok(value) => self.add(&place, value),
                Err(error) => {
                    self.findings.push(Finding::new(place, format!("failed to parse as YAML: {error}")));
                    // The parser cannot find the next document after a syntax error.
                    return;
                }
            }
        }
    }

    fn add(&mut self, place: &str, document: Value) {
        let group = document["apiVersion"].as_str().unwrap_or_default();
        match (group, document["kind"].as_str()) {
            (_, Some("List")) => {
                for (i, item) in document["items"].as_array().into_iter().flatten().enumerate() {
                    self.add(&format!("{place}.items[{i}]"), item.clone());
                }
            }
            ("pillion.dev/v1alpha1", Some("AIProvider")) => {
                let object = self.parse(place, &document);
                self.providers.extend(object);
            }
            ("pillion.dev/v1alpha1", Some("AIRoute")) => {
                let object = self.parse(place, &document);
                self.routes.extend(object);
            }
            (group, kind) if group.starts_with("pillion.dev/") => {
                let message = format!(
                    "{group} has no kind '{}': this version knows AIProvider and AIRoute of pillion.dev/v1alpha1",
                    kind.unwrap_or_default()
                );
                self.findings.push(Finding::new(place, message));
            }
            _ if document.is_null() => {}
            _ => self.others.push(document),
        }
    }

    fn parse<T: DeserializeOwned + Serialize>(&mut self, place: &str, document: &Value) -> Option<T> {
        let object: T = match T::deserialize(document) {
            Ok(object) => object,
            Err(error) => {
                self.findings.push(Finding::new(place, format!("failed to parse: {error}")));
                return None;
            }
        };
        let known = serde_json::to_value(&object).expect("objects have only string keys");
        let mut unknown = vec![];
        for part in ["spec", "metadata"] {
            find_unknown(&format!("{place}: {part}"), &document[part], &known[part], &mut unknown);
        }
        let good = unknown.is_empty();
        self.findings.extend(unknown);
        good.then_some(object)
    }
}

/// Fields that the text has and the object, written out again, has not: a typing mistake that a lenient parser hides.
fn find_unknown(path: &str, text: &Value, object: &Value, found: &mut Vec<Finding>) {
    match (text, object) {
        (Value::Object(text), Value::Object(object)) => {
            for (key, value) in text {
                let path = format!("{path}.{key}");
                match object.get(key) {
                    Some(known) => find_unknown(&path, value, known, found),
                    None if is_blank(value) => {}
                    None => found.push(Finding::new(path, "unknown field")),
                }
            }
        }
        (Value::Array(text), Value::Array(object)) => {
            for (i, (text, object)) in text.iter().zip(object).enumerate() {
                find_unknown(&format!("{path}[{i}]"), text, object, found);
            }
        }
        _ => {}
    }
}

/// Whether a value is one that writing out leaves away.
fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}
