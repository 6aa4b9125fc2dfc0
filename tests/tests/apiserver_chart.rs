//! The chart on a real API server with no operator behind it, so that every webhook is dead: what
//! `charts/pillion/ci/README.md` says of that, row by row.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use pillion_tests::apiserver::ApiServer;
use pillion_tests::{process, tools, wait, workspace};
use serde_json::{Value, json};

const SYSTEM: &str = "pillion-system";

/// A server with the chart installed by helm. Its webhooks name a Service: nothing that they would be asked about may be
/// created, for a ClusterIP leads out of this machine.
async fn installed_as_it_is(values: &[&str]) -> Result<ApiServer> {
    let server = ApiServer::start().await?;
    let mut helm = Command::new(tools::go_tool("helm")?);
    helm.env("KUBECONFIG", server.kubeconfig()).current_dir(workspace::root());
    helm.args(["install", "pillion", "charts/pillion", "--namespace", SYSTEM, "--create-namespace", "--no-hooks"]);
    helm.args(values.iter().flat_map(|value| ["--set", value]));
    process::run(&mut helm)?;
    Ok(server)
}

/// The same with a loopback address where nobody listens in place of the webhooks' Services.
async fn installed(values: &[&str]) -> Result<ApiServer> {
    let server = installed_as_it_is(values).await?;
    for (kind, name) in [
        ("mutatingwebhookconfigurations", "pillion-injector"),
        ("validatingwebhookconfigurations", "pillion-validator"),
    ] {
        let mut configuration: Value = serde_json::from_str(&server.kubectl(["get", kind, name, "-o", "json"])?)?;
        for webhook in configuration["webhooks"].as_array_mut().context("a configuration has webhooks")? {
            webhook["clientConfig"] = json!({"url": "https://127.0.0.1:1/"});
            webhook["timeoutSeconds"] = json!(2);
        }
        server.kubectl_input(["replace", "-f", "-"], &configuration.to_string())?;
    }
    // The API server takes up admission policies within seconds, not at once.
    server.namespace_named("probe", &[]).await?;
    let asks_wrongly = pod("probe", "probe", &json!({"pillion.dev/inject": "ture"}), &json!({}));
    wait::until("the admission policies to be in force", Duration::from_secs(60), || async {
        let said = created_by(&server, &["create", "--dry-run=server", "-f"], &asks_wrongly)?;
        wait::holds(said.contains("Warning:"), said)
    })
    .await?;
    Ok(server)
}

fn pod(namespace: &str, name: &str, labels: &Value, annotations: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels, "annotations": annotations},
        "spec": {"containers": [{"name": "app", "image": "registry.test/app:1"}]},
    })
}

/// What kubectl says of one pod, created or not.
fn created(server: &ApiServer, pod: &Value) -> Result<String> {
    created_by(server, &["create", "-f"], pod)
}

fn created_by(server: &ApiServer, arguments: &[&str], pod: &Value) -> Result<String> {
    let mut command = Command::new(tools::go_tool("kubectl")?);
    let file = server.folder().join("pod.json");
    std::fs::write(&file, pod.to_string())?;
    let output = command.env("KUBECONFIG", server.kubeconfig()).args(arguments).arg(file).output()?;
    Ok(format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
}

#[tokio::test]
async fn every_object_of_every_golden_is_accepted() -> Result<()> {
    let server = installed_as_it_is(&[]).await?;
    // Nothing here may ask a webhook: a ClusterIP leads out of this machine.
    server.kubectl(["delete", "mutatingwebhookconfigurations,validatingwebhookconfigurations", "--all"])?;
    // Where the goldens were rendered, and what `helm test` makes for itself.
    for namespace in ["ai-gateway", "pillion-self-test", "pillion-check", "team-a", "team-b"] {
        server.namespace_named(namespace, &[]).await?;
        server.service_account(namespace, "pillion-self-test").await?;
    }
    for case in std::fs::read_dir(workspace::root().join("charts/pillion/golden"))? {
        let path = case?.path();
        let yaml = std::fs::read_to_string(&path)?;
        // As text: kubectl reads YAML 1.1, in which 0444 is a number.
        for document in yaml.split("\n---\n").filter(|document| document.contains("kind:")) {
            // Kinds of the Prometheus operator are known only where it is installed.
            if document.contains("\nkind: PodMonitor") {
                continue;
            }
            let arguments = ["apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-"];
            server.kubectl_input(arguments, document).with_context(|| format!("{}: {document}", path.display()))?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn with_every_webhook_dead_only_pods_that_ask_notice() -> Result<()> {
    const NO: &str = "";
    const ASKED: &str = "asked.inject.pillion.dev";
    const ENABLED: &str = "enabled.inject.pillion.dev";
    // What the pod says, and in a namespace without the label, with it enabled: who refuses it, and whether it is warned.
    let table = [
        (None, (NO, false), (ENABLED, false)),
        (Some(""), (NO, true), (ENABLED, true)),
        (Some("true"), (ASKED, false), (ENABLED, false)),
        (Some("false"), (NO, false), (NO, false)),
        (Some("ture"), (NO, true), (ENABLED, true)),
    ];
    let server = installed(&[]).await?;
    let namespaces = [("plain", None, false), ("off", Some("disabled"), false), ("on", Some("enabled"), true)];
    for (namespace, label, _) in namespaces {
        let labels: Vec<(&str, &str)> = label.map(|value| ("pillion.dev/inject", value)).into_iter().collect();
        server.namespace_named(namespace, &labels).await?;
    }
    let mut number = 0;
    let mut check = |namespace: &str, labels: Value, annotations: Value, refuses: &str, warns: bool| -> Result<()> {
        number += 1;
        let pod = pod(namespace, &format!("p{number}"), &labels, &annotations);
        let said = created(&server, &pod)?;
        let here = || format!("{namespace} labels {labels} annotations {annotations}: {said}");
        match refuses {
            NO => ensure!(said.contains(" created"), "refused: {}", here()),
            entry => ensure!(said.contains(entry) && !said.contains(" created"), "not by {entry}: {}", here()),
        }
        // Where it is refused nothing is warned of.
        ensure!(!refuses.is_empty() || said.contains("Warning:") == warns, "warning: {}", here());
        Ok(())
    };
    for (namespace, _, enabled) in namespaces {
        for (says, plain, in_enabled) in table {
            let (refuses, warns) = if enabled { in_enabled } else { plain };
            let word = says.map_or(json!({}), |value| json!({"pillion.dev/inject": value}));
            check(namespace, word.clone(), json!({}), refuses, warns)?;
            check(namespace, json!({}), word, refuses, warns)?;
        }
        // Where both are there the label counts.
        let (yes, no) = (json!({"pillion.dev/inject": "true"}), json!({"pillion.dev/inject": "false"}));
        check(namespace, no, yes, NO, false)?;
    }
    server.service_account("kube-system", "default").await?;
    server.service_account(SYSTEM, "default").await?;
    for namespace in ["kube-system", SYSTEM] {
        check(namespace, json!({"pillion.dev/inject": "true"}), json!({}), NO, false)?;
    }
    Ok(())
}

#[tokio::test]
async fn an_injected_pod_that_lost_its_native_sidecar_is_refused() -> Result<()> {
    let server = installed(&[]).await?;
    server.kubectl(["delete", "mutatingwebhookconfigurations", "pillion-injector"])?;
    server.namespace_named("team", &[]).await?;
    let sidecar = |restart: Value| json!([{"name": "pillion", "image": "registry.test/p:1", "restartPolicy": restart}]);
    let whole = sidecar(json!("Always"));
    let cut = json!([{"name": "pillion", "image": "registry.test/p:1"}]);
    let injected = json!({"pillion.dev/injected": "true", "pillion.dev/inject": "true"});
    for (name, labels, containers, refused) in [
        ("whole", injected.clone(), whole, false),
        ("cut", injected.clone(), cut.clone(), true),
        ("gone", injected, json!([]), true),
        ("passed-over", json!({"pillion.dev/inject": "true"}), cut.clone(), false),
        ("did-not-ask", json!({"pillion.dev/injected": "true"}), cut, false),
    ] {
        let mut pod = pod("team", name, &labels, &json!({}));
        pod["spec"]["initContainers"] = containers;
        let said = created(&server, &pod)?;
        let blames = said.contains("an admission webhook that runs after Pillion's");
        ensure!(blames == refused && said.contains(" created") != refused, "{name}: {said}");
    }
    Ok(())
}

#[tokio::test]
async fn validation_that_fails_closed_still_lets_labels_change_and_objects_go() -> Result<()> {
    let server = installed(&["validation.failurePolicy=Fail"]).await?;
    server.namespace_named("team", &[]).await?;
    let route = |weight: u32| {
        json!({
            "apiVersion": "pillion.dev/v1alpha1", "kind": "AIRoute", "metadata": {"name": "r", "namespace": "team"},
            "spec": {"rules": [{"name": "all", "backends": [{"provider": {"name": "p"}, "weight": weight}]}]},
        })
        .to_string()
    };
    let refusal = server.apply(&route(1)).expect_err("an AIRoute is created though nobody validates it");
    ensure!(format!("{refusal:#}").contains("failed calling webhook"), "{refusal:#}");
    // Created while the webhook does not stand in the way.
    let configuration =
        server.kubectl(["get", "validatingwebhookconfigurations", "pillion-validator", "-o", "json"])?;
    server.kubectl(["delete", "validatingwebhookconfigurations", "pillion-validator"])?;
    pillion_tests::wait::until("the webhook to be gone", std::time::Duration::from_secs(20), || async {
        server.apply(&route(1))
    })
    .await?;
    let mut configuration: Value = serde_json::from_str(&configuration)?;
    configuration["metadata"] = json!({"name": "pillion-validator"});
    server.kubectl_input(["create", "-f", "-"], &configuration.to_string())?;
    pillion_tests::wait::until("the webhook to be back", std::time::Duration::from_secs(20), || async {
        let refusal = server.kubectl_input(["apply", "--dry-run=server", "-f", "-"], &route(2));
        ensure!(refusal.is_err(), "a changed spec is taken though nobody validates it");
        Ok(())
    })
    .await?;
    server.kubectl(["label", "airoutes", "r", "--namespace", "team", "tier=gold"])?;
    server.kubectl(["delete", "airoutes", "r", "--namespace", "team"])?;
    Ok(())
}

#[tokio::test]
async fn the_operator_may_do_what_its_code_does_and_no_more() -> Result<()> {
    const OPERATOR: &str = "--as=system:serviceaccount:pillion-system:pillion-operator";
    let server = installed(&[]).await?;
    let can = |question: &[&str]| -> Result<bool> {
        let mut command = Command::new(tools::go_tool("kubectl")?);
        command.env("KUBECONFIG", server.kubeconfig()).args(["auth", "can-i", OPERATOR]).args(question);
        let answer = String::from_utf8(command.output()?.stdout)?;
        Ok(answer.trim() == "yes")
    };
    let yes: &[&[&str]] = &[
        &["watch", "aiproviders.pillion.dev", "-A"],
        &["list", "airoutes.pillion.dev", "-A"],
        &["patch", "airoutes.pillion.dev", "--subresource=status", "-n", "team"],
        &["get", "pods", "-A"],
        &["watch", "namespaces"],
        &["watch", "serviceaccounts", "-A"],
        &["create", "tokenreviews.authentication.k8s.io"],
        &["patch", "mutatingwebhookconfigurations.admissionregistration.k8s.io/pillion-injector"],
        &["patch", "validatingwebhookconfigurations.admissionregistration.k8s.io/pillion-validator"],
        &["create", "events.events.k8s.io", "-n", "team"],
        &["get", "secrets/pillion-ca", "-n", SYSTEM],
        &["update", "secrets/pillion-ca", "-n", SYSTEM],
        &["create", "secrets", "-n", SYSTEM],
        &["update", "leases.coordination.k8s.io/pillion-operator", "-n", SYSTEM],
        &["list", "endpointslices.discovery.k8s.io", "-n", SYSTEM],
    ];
    let no: &[&[&str]] = &[
        &["get", "secrets", "-n", SYSTEM],
        &["list", "secrets", "-n", SYSTEM],
        &["delete", "secrets/pillion-ca", "-n", SYSTEM],
        &["get", "secrets", "-n", "team"],
        &["list", "secrets", "-A"],
        &["create", "secrets", "-n", "team"],
        &["update", "airoutes.pillion.dev", "-n", "team"],
        &["create", "aiproviders.pillion.dev", "-n", "team"],
        &["create", "pods", "-n", "team"],
        &["create", "pods", "--subresource=exec", "-n", "team"],
        &["patch", "mutatingwebhookconfigurations.admissionregistration.k8s.io/another"],
        &["create", "serviceaccounts", "--subresource=token", "-n", "team"],
        &["impersonate", "users"],
    ];
    for (questions, expected) in [(yes, true), (no, false)] {
        for question in questions {
            ensure!(can(question)? == expected, "kubectl auth can-i {}: not {expected}", question.join(" "));
        }
    }
    Ok(())
}
