//! YAML files with many documents, as `pillion inject` and `pillion check` take them; reading them is left to others.

use crate::inject::{InjectContext, Injection, inject};
use serde::Deserialize;
use serde_json::Value;

/// Why a document is refused.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Not YAML.
    #[error("document {number}: failed to parse: {source}")]
    Parse {
        /// Counted from 1, empty documents included.
        number: usize,
        /// What the parser says.
        #[source]
        source: serde_norway::Error,
    },
    /// Cannot be written back.
    #[error("document {number}: failed to write: {source}")]
    Write {
        /// Counted from 1, empty documents included.
        number: usize,
        /// What the writer says.
        #[source]
        source: serde_norway::Error,
    },
}

/// One document and its text.
#[derive(Clone, Debug, PartialEq)]
pub struct Document<'a> {
    /// Counted from 1, empty documents included.
    pub number: usize,
    /// As it stands in the file, without the separator.
    pub text: &'a str,
    /// What it says; null where it says nothing.
    pub value: Value,
}

/// What injection makes of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InjectedManifest {
    /// The whole file again; documents that are not injected keep their text.
    pub yaml: String,
    /// Warnings and reasons, each beginning with the object's kind and name.
    pub notes: Vec<String>,
}

/// Splits a file into its documents.
///
/// # Errors
/// [`ManifestError::Parse`] for the first document that is not YAML.
pub fn documents(text: &str) -> Result<Vec<Document<'_>>, ManifestError> {
    let parse = |(index, text): (usize, &'_ str)| {
        let number = index + 1;
        let value = Value::deserialize(serde_norway::Deserializer::from_str(text))
            .map_err(|source| ManifestError::Parse { number, source })?;
        Ok((number, value))
    };
    split(text)
        .into_iter()
        .enumerate()
        .map(|(index, text)| {
            let (number, value) = parse((index, text))?;
            Ok(Document { number, text, value })
        })
        .collect()
}

/// Cuts at lines that begin with `---`: no YAML scalar can hold such a line.
fn split(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut begin, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        if line.trim_end() == "---" || line.starts_with("--- #") {
            pieces.push(&text[begin..at]);
            begin = at + line.len();
        }
        at += line.len();
    }
    pieces.push(&text[begin..]);
    if pieces.first().is_some_and(|first| first.trim().is_empty()) && pieces.len() > 1 {
        pieces.remove(0);
    }
    pieces
}

/// Injects every pod and every workload's pod template of a file; all else passes through as it stands.
///
/// # Errors
/// [`ManifestError`], naming the document.
pub fn inject_manifest(text: &str, context: &InjectContext<'_>) -> Result<InjectedManifest, ManifestError> {
    let mut result = InjectedManifest::default();
    for (index, document) in documents(text)?.into_iter().enumerate() {
        if index > 0 {
            result.yaml.push_str("---\n");
        }
        let mut object = document.value;
        if inject_object(&mut object, context, &mut result.notes) {
            let number = document.number;
            let yaml = serde_norway::to_string(&object).map_err(|source| ManifestError::Write { number, source })?;
            result.yaml.push_str(&yaml);
        } else {
            result.yaml.push_str(document.text);
            if !document.text.is_empty() && !document.text.ends_with('\n') {
                result.yaml.push('\n');
            }
        }
    }
    Ok(result)
}

/// Injects what `object` holds; `false` where that changes nothing.
fn inject_object(object: &mut Value, context: &InjectContext<'_>, notes: &mut Vec<String>) -> bool {
    let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
    if kind.ends_with("List")
        && let Some(items) = object.get_mut("items").and_then(Value::as_array_mut)
    {
        return items.iter_mut().map(|item| inject_object(item, context, notes)).fold(false, |one, other| one | other);
    }
    let Some(pointer) = template(&kind) else {
        return false;
    };
    let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or("-").to_owned();
    let Some(pod) = object.pointer_mut(pointer) else {
        notes.push(format!("{kind} {name}: there is no pod at {pointer}"));
        return false;
    };
    let Injection { pod: injected, patch, warnings, skipped } = inject(pod, context);
    notes.extend(warnings.iter().map(|warning| format!("{kind} {name}: {warning}")));
    if let Some(reason) = skipped {
        notes.push(format!("{kind} {name}: not injected ({})", reason.as_str()));
    }
    *pod = injected;
    !patch.is_empty()
}

/// Where a kind keeps its pod; `None` for kinds without one.
fn template(kind: &str) -> Option<&'static str> {
    match kind {
        "Pod" => Some(""),
        "PodTemplate" => Some("/template"),
        "CronJob" => Some("/spec/jobTemplate/spec/template"),
        "DaemonSet" | "Deployment" | "Job" | "ReplicaSet" | "ReplicationController" | "StatefulSet" => {
            Some("/spec/template")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn injected(text: &str) -> InjectedManifest {
        let config = Config::parse("sidecar: {image: pillion-sidecar:1}").unwrap();
        let context = InjectContext { config: &config, ca_bundle: "PEM", seal: None, namespace_labels: None };
        inject_manifest(text, &context).unwrap()
    }

    #[test]
    fn workloads_are_injected_and_all_else_keeps_its_text() {
        let service = "# kept as it stands\nkind: Service\nspec: {ports: [ {port: 0x50} ]}\n";
        let deployment =
            "kind: Deployment\nmetadata: {name: a}\nspec: {template: {spec: {containers: [{name: app}]}}}\n";
        let cron = "kind: CronJob\nspec: {jobTemplate: {spec: {template: {spec: {containers: [{name: job}]}}}}}\n";
        let result = injected(&format!("---\n{service}---\n{deployment}---\n{cron}"));
        assert!(result.yaml.starts_with(&format!("{service}---\n")), "{}", result.yaml);
        let documents = documents(&result.yaml).unwrap();
        let first = |document: &Document<'_>, pointer: &str| document.value.pointer(pointer).cloned();
        assert_eq!(first(&documents[1], "/spec/template/spec/initContainers/0/name"), Some("pillion".into()));
        let pointer = "/spec/jobTemplate/spec/template/spec/initContainers/0/name";
        assert_eq!(first(&documents[2], pointer), Some("pillion".into()));
        assert_eq!(result.notes, Vec::<String>::new());
    }

    #[test]
    fn a_pod_that_is_left_alone_says_why_and_keeps_its_text() {
        let text =
            "kind: Pod\nmetadata: {name: a, labels: {pillion.dev/inject: 'false'}}\nspec: {containers: [{name: a}]}\n";
        let result = injected(text);
        assert_eq!(result.yaml, text);
        assert_eq!(result.notes, ["Pod a: not injected (OptedOut)"]);
    }

    #[test]
    fn a_broken_document_is_named_by_its_number() {
        let config = Config::parse("sidecar: {image: pillion-sidecar:1}").unwrap();
        let context = InjectContext { config: &config, ca_bundle: "PEM", seal: None, namespace_labels: None };
        let error = inject_manifest("kind: Pod\n---\na: [\n", &context).unwrap_err();
        assert!(error.to_string().starts_with("document 2: failed to parse"), "{error}");
    }
}
