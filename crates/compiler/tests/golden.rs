//! Golden cases: `cases/<name>/input.yaml` (objects, and documents of kind Workload) must compile to `expected.yaml`.
//! `UPDATE_GOLDEN=1 cargo test -p pillion-compiler` writes what comes out; read the diff before committing it.

#![allow(clippy::unwrap_used, reason = "a test that cannot read its case has to stop")]

use pillion_compiler::{AccountIdentity, Compiled, Input, Workload, compile, manifest::Manifest};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// Of a workload's service account.
fn annotations(workload: &Value) -> BTreeMap<String, String> {
    serde_json::from_value(workload["annotations"].clone()).unwrap_or_default()
}

fn read(case: &Path) -> Input {
    let mut manifest = Manifest::default();
    manifest.read("input.yaml", &std::fs::read_to_string(case.join("input.yaml")).unwrap());
    assert_eq!(manifest.findings, vec![], "{}", case.display());
    let workload = |document: &Value| Workload {
        namespace: document["namespace"].as_str().unwrap().to_owned(),
        labels: serde_json::from_value(document["labels"].clone()).unwrap_or_default(),
        account: AccountIdentity::read(&annotations(document)).0,
    };
    let workloads = manifest.others.iter().filter(|document| document["kind"] == "Workload").map(workload).collect();
    Input { providers: manifest.providers, routes: manifest.routes, workloads, ..Input::default() }
}

fn render(compiled: &Compiled) -> String {
    let snapshots: Vec<Value> = compiled
        .snapshots
        .iter()
        .map(|(workload, snapshot)| {
            json!({"workload": {"namespace": workload.namespace, "labels": workload.labels}, "snapshot": snapshot})
        })
        .collect();
    let verdict = |verdict: &pillion_compiler::Verdict| json!([verdict.status, verdict.reason, verdict.message]);
    let objects: serde_json::Map<String, Value> = compiled
        .objects
        .iter()
        .map(|(key, findings)| {
            let mut shown = json!({
                "Accepted": verdict(&findings.accepted),
                "ResolvedRefs": verdict(&findings.resolved_refs),
            });
            if let Some(overridden) = &findings.overridden {
                shown["Overridden"] = verdict(overridden);
            }
            (key.to_string(), shown)
        })
        .collect();
    serde_norway::to_string(&json!({"objects": objects, "snapshots": snapshots})).unwrap()
}

#[test]
fn every_case_compiles_to_what_is_written_beside_it() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut seen = 0;
    for case in std::fs::read_dir(&cases).unwrap().map(|entry| entry.unwrap().path()) {
        let actual = render(&compile(&read(&case)));
        let file = case.join("expected.yaml");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&file, &actual).unwrap();
        }
        let expected = std::fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(actual, expected, "{} (UPDATE_GOLDEN=1 writes it)", case.display());
        seen += 1;
    }
    assert!(seen >= 6, "only {seen} cases under {}", cases.display());
}
