//! The operator with a real API server: injection, the config server's door, and what users read in status.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use http::{Method, StatusCode};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DeleteParams};
use pillion_tests::apiserver::{ApiServer, free_ports};
use pillion_tests::operator::Operator;
use pillion_tests::{client, wait};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(20);

fn pod(namespace: &str, name: &str, labels: &str, annotations: &str) -> String {
    format!(
        "apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: {namespace}, labels: {labels}, annotations: {annotations}}}
spec:
  containers: [{{name: app, image: registry.test/app:1}}]
"
    )
}

const ASKS: &str = "{pillion.dev/inject: 'true'}";

fn echo(namespace: &str) -> String {
    format!(
        "apiVersion: pillion.dev/v1alpha1
kind: AIProvider
metadata: {{name: echo, namespace: {namespace}}}
spec: {{type: Echo}}
"
    )
}

fn route(namespace: &str, name: &str, spec: &str) -> String {
    format!(
        "apiVersion: pillion.dev/v1alpha1\nkind: AIRoute\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {spec}\n"
    )
}

const TO_ECHO: &str = "{rules: [{name: all, backends: [{provider: {name: echo}}]}]}";

async fn object(server: &ApiServer, kind: &str, namespace: &str, name: &str) -> Result<Value> {
    Ok(serde_json::from_str(&server.kubectl(["get", kind, name, "--namespace", namespace, "-o", "json"])?)?)
}

/// Waits until a condition of an object has this status and reason, and gives its message.
async fn condition(server: &ApiServer, key: [&str; 3], kind: &str, status: &str, reason: &str) -> Result<String> {
    let [resource, namespace, name] = key;
    wait::until(&format!("{resource}/{name}: {kind}={status} {reason}"), SOON, || async {
        let object = object(server, resource, namespace, name).await?;
        let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let found = conditions.iter().find(|condition| condition["type"] == kind).context(object.to_string())?;
        ensure!(found["status"] == status && found["reason"] == reason, "{found}");
        ensure!(found["observedGeneration"] == object["metadata"]["generation"], "{found}");
        Ok(found["message"].as_str().unwrap_or_default().to_owned())
    })
    .await
}

#[tokio::test]
async fn pods_that_ask_are_injected_and_no_other_pod_notices() -> Result<()> {
    let server = ApiServer::start().await?;
    let mut operator = Operator::start(&server).await?;
    let namespace = server.namespace("inject").await?;
    let pods = Api::<Pod>::namespaced(server.client()?, &namespace);

    // The operator writes the authority into the configuration a moment after it is ready.
    wait::until("an injected pod", SOON, || async { server.apply(&pod(&namespace, "asks", "{}", ASKS)) }).await?;
    let injected = pods.get("asks").await?;
    let spec = injected.spec.context("a pod has a spec")?;
    let sidecar = &spec.init_containers.context("an injected pod has an init container")?[0];
    ensure!(sidecar.name == "pillion" && sidecar.restart_policy.as_deref() == Some("Always"), "{sidecar:?}");
    let variables = spec.containers[0].env.clone().unwrap_or_default();
    let base = variables
        .iter()
        .find(|variable| variable.name == "OPENAI_BASE_URL")
        .and_then(|variable| variable.value.clone());
    ensure!(base.as_deref() == Some("http://127.0.0.1:15400/-/openai/v1"), "{base:?}");
    ensure!(injected.metadata.labels.unwrap_or_default().contains_key("pillion.dev/injected"));

    server.apply(&pod(&namespace, "silent", "{}", "{}"))?;
    ensure!(pods.get("silent").await?.spec.context("a pod has a spec")?.init_containers.is_none());

    operator.kill();
    server.apply(&pod(&namespace, "silent-too", "{}", "{}"))?;
    let refusal = server.apply(&pod(&namespace, "asks-too", "{}", ASKS)).expect_err("created without its sidecar");
    ensure!(format!("{refusal:#}").contains("asked.inject.pillion.dev"), "{refusal:#}");

    operator.revive().await?;
    wait::until("injection after the restart", SOON, || async {
        server.apply(&pod(&namespace, "asks-again", "{}", ASKS))
    })
    .await?;
    Ok(())
}

#[tokio::test]
async fn only_a_live_injected_pods_own_token_opens_the_stream() -> Result<()> {
    let server = ApiServer::start().await?;
    let operator = Operator::start(&server).await?;
    let namespace = server.namespace("door").await?;
    let other = server.namespace("door").await?;
    server.apply(&format!("{}---\n{}", echo(&namespace), route(&namespace, "all", TO_ECHO)))?;
    for place in [&namespace, &other] {
        wait::until("an injected pod", SOON, || async { server.apply(&pod(place, "app", "{}", ASKS)) }).await?;
    }
    server.apply(&pod(&namespace, "silent", "{}", "{}"))?;
    let uid = |namespace: &str, name: &str| {
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        let server = &server;
        async move {
            let pods = Api::<Pod>::namespaced(server.client()?, &namespace);
            anyhow::Ok(pods.get(&name).await?.metadata.uid.unwrap_or_default())
        }
    };
    let token = |namespace: &str, name: &str, audience: Option<&'static str>, uid: String| {
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        let server = &server;
        async move { server.token((&namespace, "default"), audience, Some((&name, &uid))).await }
    };
    let own = token(&namespace, "app", Some("pillion"), uid(&namespace, "app").await?).await?;
    let silent = token(&namespace, "silent", Some("pillion"), uid(&namespace, "silent").await?).await?;
    let elsewhere = token(&namespace, "app", None, uid(&namespace, "app").await?).await?;
    let unbound = server.token((&namespace, "default"), Some("pillion"), None).await?;
    for (what, token, status) in [
        ("none", "", StatusCode::UNAUTHORIZED),
        ("garbage", "not.a.token", StatusCode::UNAUTHORIZED),
        ("one for another audience", elsewhere.as_str(), StatusCode::UNAUTHORIZED),
        ("one bound to no pod", unbound.as_str(), StatusCode::FORBIDDEN),
        ("one of a pod without a sidecar", silent.as_str(), StatusCode::FORBIDDEN),
    ] {
        let reply = operator.stream(&server, token).await?;
        let answered = reply.status;
        ensure!(answered == status, "{what}: {answered} {}", reply.text().await?);
    }

    let mut stream = operator.stream(&server, &own).await?;
    ensure!(stream.status == StatusCode::OK);
    let line = stream.line().await?.context("the stream ended")?;
    ensure!(line["kind"] == "snapshot" && line["snapshot"].to_string().contains("echo"), "{line}");

    // Another namespace's pod sees nothing of it.
    let foreign = token(&other, "app", Some("pillion"), uid(&other, "app").await?).await?;
    let mut theirs = operator.stream(&server, &foreign).await?;
    let line = theirs.line().await?.context("the stream ended")?;
    ensure!(!line["snapshot"].to_string().contains("echo"), "{line}");

    // Reports are taken on the streams of the reporting pod only.
    let ack = json!({"sidecarVersion": "0.1.0", "ack": {"stream": line["stream"], "version": line["version"],
        "outcome": {"result": "applied"}, "serving": {}}});
    let reply = operator.ask(&server, Method::POST, "/v1/reports", &own, &ack).await?;
    ensure!(reply.status.is_client_error(), "a foreign stream was acknowledged: {}", reply.status);

    // The pod goes, and with it the stream and what its token is good for.
    Api::<Pod>::namespaced(server.client()?, &namespace)
        .delete("app", &DeleteParams::default().grace_period(0))
        .await?;
    let last = stream.line().await?;
    ensure!(last.is_none_or(|line| line["kind"] == "goodbye"), "the stream of a deleted pod goes on");
    wait::until("the refusal of a stale token", Duration::from_secs(75), || async {
        let reply = operator.stream(&server, &own).await?;
        ensure!(reply.status.is_client_error(), "{}", reply.status);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn status_tells_what_became_of_each_object() -> Result<()> {
    let server = ApiServer::start().await?;
    let operator = Operator::start(&server).await?;
    let namespace = server.namespace("status").await?;

    // A dangling reference is taken, and told.
    server.apply(&route(&namespace, "all", TO_ECHO))?;
    let all = ["airoute", namespace.as_str(), "all"];
    let message = condition(&server, all, "ResolvedRefs", "False", "BackendNotFound").await?;
    ensure!(message.contains("echo"), "{message}");
    server.apply(&echo(&namespace))?;
    condition(&server, all, "ResolvedRefs", "True", "ResolvedRefs").await?;
    condition(&server, all, "Programmed", "True", "NoSidecars").await?;

    // A real sidecar serves it, and its ack is counted.
    wait::until("an injected pod", SOON, || async { server.apply(&pod(&namespace, "app", "{app: a}", ASKS)) }).await?;
    let [data] = free_ports::<1>()?;
    let sidecar = operator.sidecar(&server, &namespace, "app", data).await?;
    condition(&server, all, "Programmed", "True", "Programmed").await?;
    let shown = object(&server, "airoute", &namespace, "all").await?;
    ensure!(shown["status"]["sidecars"]["summary"] == "1/1", "{}", shown["status"]);
    let question = json!({"model": "any", "messages": [{"role": "user", "content": "hello"}]});
    let reply = client::post(&format!("http://127.0.0.1:{data}/-/openai/v1/chat/completions"), &question).await?;
    ensure!(reply.status.is_success(), "{}\n{}", reply.text(), sidecar.output());
    ensure!(reply.header("x-pillion-route").contains("all"), "{:?}", reply.headers);

    // Of two routes in conflict the one of higher priority takes the calls, and the other says so.
    server.apply(&route(
        &namespace,
        "first",
        "{priority: 9, rules: [{name: first, backends: [{provider: {name: echo}}]}]}",
    ))?;
    let message = condition(&server, all, "Overridden", "True", "Overridden").await?;
    ensure!(message.contains("first"), "{message}");
    wait::until("calls by the route of higher priority", SOON, || async {
        let reply = client::post(&format!("http://127.0.0.1:{data}/-/openai/v1/chat/completions"), &question).await?;
        ensure!(reply.header("x-pillion-route").contains("first"), "{:?}", reply.headers);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_bad_object_already_stored_harms_no_other() -> Result<()> {
    let server = ApiServer::start().await?;
    let operator = Operator::start(&server).await?;
    let namespace = server.namespace("stored").await?;
    // As if an older or foreign version of the CRD had let it in.
    let loose = json!([{"op": "replace", "path": "/spec/versions/0/schema/openAPIV3Schema", "value":
        {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}])
    .to_string();
    server.kubectl(["patch", "crd", "airoutes.pillion.dev", "--type=json", "--patch", &loose])?;
    server.kubectl(["delete", "validatingwebhookconfiguration", "pillion-validator"])?;
    wait::until("a bad object in the store", SOON, || async { server.apply(&route(&namespace, "bad", "{rules: 7}")) })
        .await?;
    server.apply(&format!("{}---\n{}", echo(&namespace), route(&namespace, "good", TO_ECHO)))?;
    condition(&server, ["airoute", &namespace, "bad"], "Accepted", "False", "Unparseable").await?;
    condition(&server, ["airoute", &namespace, "good"], "Accepted", "True", "Accepted").await?;
    ensure!(!operator.log().contains("panicked"), "{}", operator.log());
    Ok(())
}

#[tokio::test]
async fn what_one_object_proves_wrong_is_refused_by_the_webhook() -> Result<()> {
    let server = ApiServer::start().await?;
    let _operator = Operator::start(&server).await?;
    let namespace = server.namespace("refused").await?;
    let provider = |endpoint: &str| {
        format!(
            "apiVersion: pillion.dev/v1alpha1
kind: AIProvider
metadata: {{name: p, namespace: {namespace}}}
spec: {{type: OpenAI, endpoint: '{endpoint}'}}
"
        )
    };
    for (endpoint, message) in
        [("https://me:secret@api.example.com", "without user info"), ("http://api.example.com", "allowInsecure")]
    {
        // The policy lets requests pass while the operator's authority is not yet written: asked until it is.
        wait::until(&format!("the refusal of {endpoint}"), SOON, || async {
            let refusal = server.kubectl_input(["apply", "--dry-run=server", "-f", "-"], &provider(endpoint));
            let refusal = refusal.err().context("taken")?;
            ensure!(format!("{refusal:#}").contains(message), "{refusal:#}");
            Ok(())
        })
        .await?;
    }
    Ok(())
}
