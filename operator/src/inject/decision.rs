//! Whether injection is asked for: the truth table of pod and namespace.

use super::shape::{annotation, label};
use super::warnings::Warnings;
use super::{INJECT, SkipReason};
use serde_json::Value;
use std::collections::BTreeMap;

/// `Ok` where the sidecar is asked for. The pod's word goes before its namespace's, its label before its annotation.
pub(super) fn decide(
    pod: &Value,
    namespace: Option<&BTreeMap<String, String>>,
    warnings: &mut Warnings,
) -> Result<(), SkipReason> {
    match own_word(pod, warnings) {
        Some("true") => Ok(()),
        Some("false") => Err(SkipReason::OptedOut),
        Some(other) => {
            warnings.push(format!("{INJECT}: '{other}' is neither 'true' nor 'false': no sidecar is injected"));
            Err(SkipReason::InvalidValue)
        }
        None => namespace_word(namespace, warnings),
    }
}

fn own_word<'a>(pod: &'a Value, warnings: &mut Warnings) -> Option<&'a str> {
    let (label, annotation) = (label(pod, INJECT), annotation(pod, INJECT));
    if let (Some(label), Some(annotation)) = (label, annotation)
        && label != annotation
    {
        warnings.push(format!("{INJECT}: the label says '{label}', the annotation '{annotation}': the label counts"));
    }
    label.or(annotation)
}

fn namespace_word(labels: Option<&BTreeMap<String, String>>, warnings: &mut Warnings) -> Result<(), SkipReason> {
    let Some(labels) = labels else {
        return Ok(());
    };
    match labels.get(INJECT).map(String::as_str) {
        Some("enabled") => Ok(()),
        None | Some("disabled") => Err(SkipReason::NotAsked),
        Some(other) => {
            warnings.push(format!("{INJECT}: the namespace says '{other}', not 'enabled': no sidecar is injected"));
            Err(SkipReason::InvalidValue)
        }
    }
}
