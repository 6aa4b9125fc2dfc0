//! Checks of an AIRoute.

use super::is_header_name;
use crate::finding::Finding;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use pillion_crds::{AIRoute, Backend, Match, RouteRule};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Bytes of JSON that `defaults` or `overrides` may have.
const PARAMS_BYTES: usize = 16 * 1024;
/// Levels of JSON that `defaults` or `overrides` may have.
const PARAMS_DEPTH: usize = 16;
/// What no parameter may set, and where it is set instead.
const NOT_PARAMS: [(&str, &str); 4] = [
    ("model", "set the backend's model"),
    ("messages", "the conversation is the application's"),
    ("stream", "whether to stream is the application's choice"),
    ("stream_options", "usage is asked for by the sidecar itself"),
];

/// What an AIRoute proves wrong by itself; empty: it is accepted.
#[must_use]
pub fn check_route(object: &AIRoute) -> Vec<Finding> {
    let mut findings = vec![];
    if let Some(selector) = &object.spec.pod_selector {
        findings.extend(check_selector(selector));
    }
    if object.spec.rules.is_empty() {
        findings.push(Finding::new("spec.rules", "must have at least one rule"));
    }
    let mut names = BTreeSet::new();
    for (i, rule) in object.spec.rules.iter().enumerate() {
        let path = format!("spec.rules[{i}]");
        if !names.insert(&rule.name) {
            findings
                .push(Finding::new(format!("{path}.name"), format!("'{}' names two rules of this route", rule.name)));
        }
        findings.extend(check_rule(&path, rule));
    }
    findings
}

fn check_selector(selector: &LabelSelector) -> Vec<Finding> {
    let mut findings = vec![];
    for (i, requirement) in selector.match_expressions.iter().flatten().enumerate() {
        let path = format!("spec.podSelector.matchExpressions[{i}]");
        let values = requirement.values.as_ref().map_or(0, Vec::len);
        match requirement.operator.as_str() {
            "In" | "NotIn" if values == 0 => {
                let message = format!("operator {} needs at least one value", requirement.operator);
                findings.push(Finding::new(format!("{path}.values"), message));
            }
            "Exists" | "DoesNotExist" if values > 0 => {
                let message = format!("operator {} takes no values", requirement.operator);
                findings.push(Finding::new(format!("{path}.values"), message));
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            other => {
                let message = format!("'{other}' is none of In, NotIn, Exists, DoesNotExist");
                findings.push(Finding::new(format!("{path}.operator"), message));
            }
        }
    }
    findings
}

fn check_rule(path: &str, rule: &RouteRule) -> Vec<Finding> {
    let mut findings = vec![];
    let label = |name: &str| {
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !name.is_empty()
            && name.len() <= 63
            && name.bytes().all(inner)
            && !name.starts_with('-')
            && !name.ends_with('-')
    };
    if !label(&rule.name) {
        findings.push(Finding::new(format!("{path}.name"), "must be a DNS label: lower-case letters, digits and '-'"));
    }
    for (j, part) in rule.matches.iter().enumerate() {
        findings.extend(check_match(&format!("{path}.matches[{j}]"), part));
    }
    findings.extend(check_backends(path, &rule.backends));
    if let Some(timeouts) = &rule.timeouts {
        for (name, duration) in [
            ("connect", &timeouts.connect),
            ("firstByte", &timeouts.first_byte),
            ("streamIdle", &timeouts.stream_idle),
            ("request", &timeouts.request),
        ] {
            let message = match duration.as_ref().map(pillion_crds::Duration::milliseconds) {
                Some(Err(error)) => error.to_string(),
                Some(Ok(0)) => "must be longer than 0s".to_owned(),
                _ => continue,
            };
            findings.push(Finding::new(format!("{path}.timeouts.{name}"), message));
        }
    }
    if rule.retry.as_ref().and_then(|retry| retry.attempts).is_some_and(|attempts| !(1..=10).contains(&attempts)) {
        findings.push(Finding::new(format!("{path}.retry.attempts"), "must be from 1 to 10"));
    }
    findings
}

fn check_match(path: &str, part: &Match) -> Vec<Finding> {
    let mut findings = vec![];
    for (k, model) in part.models.iter().enumerate().filter(|(_, model)| model.is_empty()) {
        findings.push(Finding::new(format!("{path}.models[{k}]"), format!("'{model}' names no model")));
    }
    for (k, header) in part.headers.iter().enumerate().filter(|(_, header)| !is_header_name(&header.name)) {
        let message = format!("'{}' is not a header name", header.name);
        findings.push(Finding::new(format!("{path}.headers[{k}].name"), message));
    }
    findings
}

fn check_backends(path: &str, backends: &[Backend]) -> Vec<Finding> {
    let mut findings = vec![];
    if backends.is_empty() {
        findings.push(Finding::new(format!("{path}.backends"), "must have at least one backend"));
    }
    let mut weights: BTreeMap<i32, i64> = BTreeMap::new();
    for (j, backend) in backends.iter().enumerate() {
        let path = format!("{path}.backends[{j}]");
        *weights.entry(backend.priority.unwrap_or_default()).or_default() += i64::from(backend.weight.unwrap_or(1));
        for (name, value) in [("weight", backend.weight), ("priority", backend.priority)] {
            if value.is_some_and(|value| value < 0) {
                findings.push(Finding::new(format!("{path}.{name}"), "must not be negative"));
            }
        }
        if backend.provider.name.is_empty() {
            findings.push(Finding::new(format!("{path}.provider.name"), "must name an AIProvider"));
        }
        if let Some(params) = &backend.params {
            findings.extend(check_params(&format!("{path}.params.defaults"), &params.defaults));
            findings.extend(check_params(&format!("{path}.params.overrides"), &params.overrides));
        }
    }
    if !backends.is_empty() && weights.values().all(|weight| *weight <= 0) {
        findings.push(Finding::new(format!("{path}.backends"), "no backend takes calls: every weight is 0"));
    }
    findings
}

fn check_params(path: &str, params: &Map<String, Value>) -> Vec<Finding> {
    let mut findings = vec![];
    for (name, instead) in NOT_PARAMS.into_iter().filter(|(name, _)| params.contains_key(*name)) {
        findings.push(Finding::new(format!("{path}.{name}"), format!("cannot be a parameter: {instead}")));
    }
    if params.values().any(|value| depth(value) > PARAMS_DEPTH) {
        findings.push(Finding::new(path, format!("is nested deeper than {PARAMS_DEPTH} levels")));
    } else if serde_json::to_string(params).map_or(true, |json| json.len() > PARAMS_BYTES) {
        findings.push(Finding::new(path, format!("is larger than {PARAMS_BYTES} bytes")));
    }
    findings
}

/// Levels of nesting. Recursion is bounded: whatever parsed the value held it to 128 levels.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}
