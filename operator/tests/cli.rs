//! The binary `pillion`, as users call it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use pillion_operator::config::Config;
use pillion_operator::inject::{InjectContext, inject};
use serde_json::Value;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const CONFIG: &str = "sidecar: {image: registry.example/pillion-sidecar:1}\n";

fn pillion(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_pillion"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn injected(folder: &Path, input: &str) -> Output {
    let (config, ca) = (folder.join("operator.yaml"), folder.join("ca.pem"));
    std::fs::write(&config, CONFIG).unwrap();
    std::fs::write(&ca, "CA\n").unwrap();
    let paths = [&config, &ca].map(|path| path.to_str().unwrap());
    pillion(&["inject", "-f", "-", "--config", paths[0], "--ca-file", paths[1]], input)
}

fn pods() -> impl Iterator<Item = String> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inject");
    std::fs::read_dir(cases)
        .unwrap()
        .map(|case| std::fs::read_to_string(case.unwrap().path().join("pod.yaml")).unwrap())
}

/// The API server applies the webhook's patch to the pod; the command writes the pod itself.
#[test]
fn inject_writes_byte_for_byte_what_the_webhooks_patch_makes() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config::parse(CONFIG).unwrap();
    let context = InjectContext { config: &config, ca_bundle: "CA\n", seal: None, namespace_labels: None };
    for pod in pods() {
        let output = injected(folder.path(), &pod);
        assert!(output.status.success(), "{output:?}");
        let written: Value = serde_norway::from_slice(&output.stdout).unwrap();
        let mut patched: Value = serde_norway::from_str(&pod).unwrap();
        let patch = serde_json::to_value(inject(&patched, &context).patch).unwrap();
        let patch: json_patch::Patch = serde_json::from_value(patch).unwrap();
        json_patch::patch(&mut patched, &patch).unwrap();
        assert_eq!(written.to_string(), patched.to_string());
    }
}

#[test]
fn a_pod_that_cannot_be_injected_is_written_as_it_is_and_the_reason_told() {
    let folder = tempfile::tempdir().unwrap();
    let pod = "kind: Pod\nmetadata: {name: a}\nspec: {hostNetwork: true, containers: [{name: app}]}\n";
    let output = injected(folder.path(), pod);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), pod);
    assert!(String::from_utf8(output.stderr).unwrap().contains("not injected (HostNetwork)"));
}

#[test]
fn a_file_that_is_not_there_fails_with_its_name() {
    let output = pillion(&["check", "-f", "/nowhere/routes.yaml"], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("failed to read '/nowhere/routes.yaml'"));
}

#[test]
fn check_fails_where_anything_is_wrong() {
    let provider = "apiVersion: pillion.dev/v1alpha1\nkind: AIProvider\nmetadata: {name: p}\nspec: {type: OpenAI";
    let check = |rest: &str| pillion(&["check", "-f", "-"], &format!("{provider}{rest}}}\n"));
    assert_eq!(check("").status.code(), Some(0));
    let output = check(", endpoint: 'http://api.example.com'");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stdout).unwrap().contains("AIProvider/default/p: Invalid: spec.endpoint"));
}
