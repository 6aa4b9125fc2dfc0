//! The chart, linted and rendered by the real helm: what `charts/pillion/ci/README.md` says of rendering, row by row.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use pillion_tests::{tools, workspace};
use serde::Deserialize;
use serde_json::Value;

fn chart() -> PathBuf {
    workspace::root().join("charts/pillion")
}

fn read(path: &str) -> Result<String> {
    std::fs::read_to_string(chart().join(path)).with_context(|| path.to_owned())
}

fn helm(arguments: &[&str]) -> Result<Output> {
    Ok(Command::new(tools::go_tool("helm")?).args(arguments).current_dir(chart()).output()?)
}

fn template(arguments: &[&str]) -> Result<String> {
    let mut all = vec!["template", "pillion", ".", "--kube-version", "v1.36.3"];
    if !arguments.contains(&"--namespace") {
        all.extend(["--namespace", "pillion-system"]);
    }
    all.extend(arguments);
    let output = helm(&all)?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

fn documents(yaml: &str) -> Result<Vec<Value>> {
    let parsed = serde_norway::Deserializer::from_str(yaml).map(Value::deserialize).collect::<Result<Vec<_>, _>>()?;
    Ok(parsed.into_iter().filter(|document| !document.is_null()).collect())
}

/// Names of the cases: a values file in `ci`, a golden in `golden`.
fn cases() -> Result<Vec<String>> {
    let mut names = vec![];
    for entry in std::fs::read_dir(chart().join("ci"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            names.push(path.file_stem().unwrap_or_default().to_string_lossy().into_owned());
        }
    }
    ensure!(names.len() >= 3, "found only {names:?}");
    Ok(names)
}

#[test]
fn helm_lint_finds_nothing() -> Result<()> {
    for case in cases()?.into_iter().map(|case| format!("ci/{case}.yaml")).chain([String::new()]) {
        let mut arguments = vec!["lint", "--strict", "."];
        if !case.is_empty() {
            arguments.extend(["--values", &case]);
        }
        let output = helm(&arguments)?;
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && !text.contains("[WARNING]"), "{case}: {text}");
    }
    Ok(())
}

#[test]
fn every_case_renders_to_its_golden_and_twice_the_same() -> Result<()> {
    for case in cases()? {
        let namespace = if case == "everything" { "ai-gateway" } else { "pillion-system" };
        let values = format!("ci/{case}.yaml");
        let arguments = ["--namespace", namespace, "--values", &values];
        let rendered = template(&arguments)?;
        assert!(
            rendered == read(&format!("golden/{case}.yaml"))?,
            "{case}: charts/pillion/ci/render renews the golden"
        );
        assert!(rendered == template(&arguments)?, "{case} renders differently a second time");
    }
    Ok(())
}

#[test]
fn nothing_rendered_is_a_secret_or_a_ca_bundle() -> Result<()> {
    for case in cases()? {
        let rendered = template(&["--values", &format!("ci/{case}.yaml")])?;
        for document in documents(&rendered)? {
            assert_ne!(document["kind"], "Secret", "{case}");
            let webhooks = document["webhooks"].as_array().cloned().unwrap_or_default();
            assert!(webhooks.iter().all(|webhook| webhook["clientConfig"]["caBundle"].is_null()), "{case}");
        }
    }
    Ok(())
}

/// With whole numbers as integers: `maximum: 10.0` and `maximum: 10` are one schema.
fn whole(value: Value) -> Value {
    match value {
        Value::Number(number) if number.as_f64().is_some_and(|float| float.fract() == 0.0) => {
            Value::from(number.as_f64().unwrap_or_default() as i64)
        }
        Value::Array(items) => items.into_iter().map(whole).collect(),
        Value::Object(fields) => fields.into_iter().map(|(key, value)| (key, whole(value))).collect(),
        other => other,
    }
}

fn crds(rendered: &str) -> Result<Vec<Value>> {
    let all = documents(rendered)?;
    Ok(all.into_iter().filter(|document| document["kind"] == "CustomResourceDefinition").collect())
}

#[test]
fn the_crds_are_those_of_the_types_and_are_kept_as_the_values_say() -> Result<()> {
    const KEEP: &str = "helm.sh/resource-policy";
    let rendered = crds(&template(&[])?)?;
    let mut names = BTreeSet::new();
    for crd in &rendered {
        assert_eq!(crd["metadata"]["annotations"][KEEP], "keep");
        let name = crd["spec"]["names"]["plural"].as_str().unwrap_or_default();
        let file = workspace::root().join(format!("crds/yaml/pillion.dev_{name}.yaml"));
        let committed = documents(&std::fs::read_to_string(&file)?)?;
        let (rendered, committed) = (whole(crd["spec"].clone()), whole(committed[0]["spec"].clone()));
        assert!(rendered == committed, "{name} as rendered is not the committed one: {rendered:#}");
        names.insert(name.to_owned());
    }
    assert_eq!(names, BTreeSet::from(["aiproviders".to_owned(), "airoutes".to_owned()]));
    for crd in crds(&template(&["--set", "crds.keep=false"])?)? {
        assert!(crd["metadata"]["annotations"][KEEP].is_null());
    }
    assert!(crds(&template(&["--set", "crds.enabled=false"])?)?.is_empty());
    Ok(())
}

#[test]
fn values_outside_the_schema_are_refused_by_name() -> Result<()> {
    for (value, key) in [
        ("operator.replica=1", "replica"),
        ("operator.replicas=0", "replicas"),
        ("sidecar.image.pullPolicy=Sometimes", "pullPolicy"),
        ("operator.image.digest=sha256:12", "digest"),
        ("injection.timeoutSeconds=60", "timeoutSeconds"),
        ("injection.failurePolicy=Open", "failurePolicy"),
        ("secrets.access=All", "access"),
        ("secrets.access=Named", "named"),
    ] {
        let output = helm(&["template", "pillion", ".", "--set", value])?;
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && message.contains(key), "{value}: {message}");
    }
    Ok(())
}

#[test]
fn every_rule_of_rbac_says_why_and_none_reads_secrets_but_its_own() -> Result<()> {
    let template_text = read("templates/rbac.yaml")? + &read("templates/secrets.yaml")?;
    let lines: Vec<&str> = template_text.lines().collect();
    for (i, line) in lines.iter().enumerate().filter(|(_, line)| line.trim_start().starts_with("- apiGroups:")) {
        // One reason may stand above neighbours of the same group, such as the two webhook configurations.
        let reason = lines[..i].iter().rev().find(|above| above.trim_start().starts_with(['#', '-']));
        let told = reason.is_some_and(|above| above.trim_start().starts_with('#') || above.trim() == line.trim());
        assert!(told, "no reason above line {}: {line}", i + 1);
    }
    for document in documents(&template(&[])?)? {
        let own_namespace = document["kind"] == "Role" && document["metadata"]["namespace"] == "pillion-system";
        for rule in document["rules"].as_array().into_iter().flatten() {
            assert!(!rule.to_string().contains("\"*\""), "{rule}");
            if !rule["resources"].as_array().is_some_and(|resources| resources.iter().any(|name| name == "secrets")) {
                continue;
            }
            let created = rule["verbs"] == serde_json::json!(["create"]);
            let named = rule["resourceNames"] == serde_json::json!(["pillion-ca"])
                && rule["verbs"]
                    .as_array()
                    .is_some_and(|verbs| verbs.iter().all(|verb| verb == "get" || verb == "update"));
            assert!(own_namespace && (created || named), "{rule}");
        }
    }
    Ok(())
}

/// Rules on Secrets of others: kind, namespace, names and verbs.
fn rules_on_keys(arguments: &[&str]) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for document in documents(&template(arguments)?)? {
        for rule in document["rules"].as_array().into_iter().flatten() {
            let on_secrets = rule["resources"] == serde_json::json!(["secrets"]);
            if on_secrets && document["metadata"]["name"] == "pillion-keys" {
                let (kind, namespace) = (&document["kind"], &document["metadata"]["namespace"]);
                found.insert(format!("{kind} {namespace} {} {}", rule["resourceNames"], rule["verbs"]));
            }
        }
    }
    Ok(found)
}

#[test]
fn the_operator_gets_secrets_as_far_as_the_values_say_and_lists_none() -> Result<()> {
    let rules = |rules: &[&str]| rules.iter().map(|rule| (*rule).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(rules_on_keys(&[])?, rules(&[]));
    let named = ["--set", "secrets.access=Named,secrets.named.team-a={openai,anthropic},secrets.named.team-b={openai}"];
    let expected = [r#""Role" "team-a" ["openai","anthropic"] ["get"]"#, r#""Role" "team-b" ["openai"] ["get"]"#];
    assert_eq!(rules_on_keys(&named)?, rules(&expected));
    let namespaces = ["--set", "secrets.access=Namespaces,secrets.namespaces={team-a}"];
    assert_eq!(rules_on_keys(&namespaces)?, rules(&[r#""Role" "team-a" null ["get"]"#]));
    let cluster = ["--set", "secrets.access=Cluster"];
    assert_eq!(rules_on_keys(&cluster)?, rules(&[r#""ClusterRole" null null ["get"]"#]));
    // What only one mode means is nothing in another.
    let left = ["--set", "secrets.access=Namespaces,secrets.namespaces={team-a},secrets.named.team-b={openai}"];
    assert_eq!(rules_on_keys(&left)?.len(), 1);
    Ok(())
}

#[test]
fn every_value_is_explained_where_it_stands_and_in_the_readme() -> Result<()> {
    let (values, readme) = (read("values.yaml")?, read("README.md")?);
    let tree: Value = serde_norway::from_str(&values)?;
    let (mut leaves, mut missing) = (vec![], vec![]);
    collect_leaves("", &tree, &mut leaves);
    assert!(leaves.len() > 20, "{leaves:?}");
    for leaf in leaves {
        // A row may stand for a whole mapping, such as resources.
        let told = leaf.match_indices('.').map(|(at, _)| &leaf[..at]).chain([leaf.as_str()]);
        if !told.into_iter().any(|name| readme.contains(&format!("`{name}`"))) {
            missing.push(leaf);
        }
    }
    assert_eq!(missing, Vec::<String>::new(), "not in charts/pillion/README.md");
    Ok(())
}

fn collect_leaves(path: &str, value: &Value, leaves: &mut Vec<String>) {
    match value.as_object() {
        Some(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                collect_leaves(&if path.is_empty() { key.clone() } else { format!("{path}.{key}") }, value, leaves);
            }
        }
        _ => leaves.push(path.to_owned()),
    }
}

#[test]
fn names_and_ports_are_those_that_the_operator_spells() -> Result<()> {
    let rendered = template(&[])?;
    for name in
        ["pillion-injector", "pillion-validator", "/mutate-pods", "/validate", "/etc/pillion", "pillion-operator"]
    {
        assert!(rendered.contains(name), "{name}");
    }
    let all = documents(&rendered)?;
    let deployment = all.iter().find(|document| document["kind"] == "Deployment").context("a Deployment")?;
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    let ports: BTreeSet<u64> =
        container["ports"].as_array().into_iter().flatten().filter_map(|port| port["containerPort"].as_u64()).collect();
    assert_eq!(ports, BTreeSet::from([8080, 8081, 9443, 9444]));
    assert_eq!(container["args"][0], "operator");
    let service = all.iter().find(|document| document["kind"] == "Service").context("a Service")?;
    let ports: BTreeSet<u64> =
        service["spec"]["ports"].as_array().into_iter().flatten().filter_map(|port| port["port"].as_u64()).collect();
    assert!(ports.is_superset(&BTreeSet::from([443, 9444])), "{ports:?}");
    Ok(())
}
