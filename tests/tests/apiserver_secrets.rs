//! Keys of `secretRef` with a real API server and the real operator: whose AIProvider may name a Secret, which Secrets are
//! read, which pods get a key, and how soon.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::api::{Api, Patch, PatchParams};
use pillion_tests::apiserver::ApiServer;
use pillion_tests::operator::{Operator, Streamed};
use pillion_tests::{tools, wait};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(20);
/// The API server takes up admission policies within seconds, not at once.
const IN_FORCE: Duration = Duration::from_secs(60);

fn secret(namespace: &str, name: &str, value: &str) -> String {
    json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace},
        "stringData": {"api-key": value},
    })
    .to_string()
}

fn provider(namespace: &str, name: &str, secret: &str, endpoint: &str) -> String {
    json!({
        "apiVersion": "pillion.dev/v1alpha1", "kind": "AIProvider", "metadata": {"name": name, "namespace": namespace},
        "spec": {"type": "OpenAI", "endpoint": endpoint, "auth": {
            "type": "APIKey", "apiKey": {"secretRef": {"name": secret, "key": "api-key"}},
        }},
    })
    .to_string()
}

fn route(namespace: &str, providers: &[String]) -> String {
    let rules: Vec<Value> = providers
        .chunks(8)
        .enumerate()
        .map(|(i, providers)| {
            let backends: Vec<Value> = providers.iter().map(|name| json!({"provider": {"name": name}})).collect();
            json!({"name": format!("r{i}"), "matches": [{"models": [format!("m{i}")]}], "backends": backends})
        })
        .collect();
    // An AIRoute has at most sixteen rules.
    let routes: Vec<Value> = rules
        .chunks(16)
        .enumerate()
        .map(|(i, rules)| {
            json!({
                "apiVersion": "pillion.dev/v1alpha1", "kind": "AIRoute",
                "metadata": {"name": format!("route-{i}"), "namespace": namespace}, "spec": {"rules": rules},
            })
        })
        .collect();
    json!({"apiVersion": "v1", "kind": "List", "items": routes}).to_string()
}

fn pod(namespace: &str, name: &str) -> String {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "annotations": {"pillion.dev/inject": "true"}},
        "spec": {"containers": [{"name": "app", "image": "registry.test/app:1"}]},
    })
    .to_string()
}

/// Applies as somebody else.
fn apply_as(server: &ApiServer, user: &str, object: &str) -> Result<()> {
    let mut command = Command::new(tools::go_tool("kubectl")?);
    let file = server.folder().join("object.json");
    std::fs::write(&file, object)?;
    command.env("KUBECONFIG", server.kubeconfig()).args(["apply", "--as", user, "-f"]).arg(file);
    pillion_tests::process::run(&mut command).map(drop)
}

/// What `user` may do in a namespace, verb and resource by verb and resource.
fn grant(server: &ApiServer, namespace: &str, user: &str, name: &str, rules: &Value) -> Result<()> {
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
        "metadata": {"name": name, "namespace": namespace}, "rules": rules,
    });
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": {"name": name, "namespace": namespace},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
    });
    server.apply(&format!("---\n{role}\n---\n{binding}\n")).map(drop)
}

async fn injected(server: &ApiServer, namespace: &str, name: &str) -> Result<()> {
    wait::until("an injected pod", SOON, || async { server.apply(&pod(namespace, name)).map(drop) }).await
}

/// A stream as the pod's sidecar opens it.
async fn stream(server: &ApiServer, operator: &Operator, namespace: &str, name: &str) -> Result<Streamed> {
    let pods = Api::<Pod>::namespaced(server.client()?, namespace);
    let uid = pods.get(name).await?.metadata.uid.unwrap_or_default();
    let token = server.token((namespace, "default"), Some("pillion"), Some((name, &uid))).await?;
    let stream = operator.stream(server, &token).await?;
    ensure!(stream.status.is_success(), "{}", stream.status);
    Ok(stream)
}

/// The next line of keys, whatever else comes before.
async fn keys(stream: &mut Streamed) -> Result<BTreeMap<String, Value>> {
    loop {
        let line = stream.line().await?.context("the stream ended")?;
        if line["kind"] == "keys" {
            return Ok(serde_json::from_value(line["keys"].clone())?);
        }
    }
}

async fn condition(server: &ApiServer, namespace: &str, name: &str, status: &str, reason: &str) -> Result<String> {
    wait::until(&format!("{name}: ResolvedRefs={status} {reason}"), SOON, || async {
        let found = server.kubectl(["get", "aiprovider", name, "--namespace", namespace, "-o", "json"])?;
        let object: Value = serde_json::from_str(&found)?;
        let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let found =
            conditions.iter().find(|condition| condition["type"] == "ResolvedRefs").context(object.to_string())?;
        ensure!(found["status"] == status && found["reason"] == reason, "{found}");
        Ok(found["message"].as_str().unwrap_or_default().to_owned())
    })
    .await
}

const ENDPOINT: &str = "https://api.openai.com/v1";

#[tokio::test]
async fn only_who_may_get_a_secret_writes_an_aiprovider_that_names_it() -> Result<()> {
    let server = ApiServer::start().await?;
    let _operator = Operator::start_with(&server, &["secrets.access=Cluster"]).await?;
    let namespace = server.namespace("author").await?;
    server.apply(&secret(&namespace, "openai", "sk-canary"))?;
    let providers = json!([{"apiGroups": ["pillion.dev"], "resources": ["aiproviders"], "verbs": ["*"]}]);
    for user in ["alice", "bob"] {
        grant(&server, &namespace, user, &format!("writes-{user}"), &providers)?;
    }
    let reads = json!([{"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["openai"], "verbs": ["get"]}]);
    grant(&server, &namespace, "alice", "reads", &reads)?;

    let by_bob = |endpoint: &str| apply_as(&server, "bob", &provider(&namespace, "p", "openai", endpoint));
    wait::until("the policy to be in force", IN_FORCE, || async {
        match by_bob(ENDPOINT) {
            Ok(()) => {
                server.kubectl(["delete", "aiprovider", "p", "--namespace", &namespace])?;
                bail!("bob may name a Secret that he may not get")
            }
            Err(_) => Ok(()),
        }
    })
    .await?;
    let refusal = format!("{:#}", by_bob(ENDPOINT).expect_err("bob may name a Secret that he may not get"));
    ensure!(refusal.contains("bob may not get Secret openai"), "{refusal}");
    apply_as(&server, "alice", &provider(&namespace, "p", "openai", ENDPOINT))?;
    let stolen = by_bob("https://evil.example/v1").expect_err("bob may send alice's key to himself");
    ensure!(format!("{stolen:#}").contains("bob may not get Secret openai"), "{stolen:#}");
    apply_as(&server, "bob", &provider(&namespace, "p", "openai", ENDPOINT))?;
    let cloud = |auth: Value, endpoint: &str| {
        json!({
            "apiVersion": "pillion.dev/v1alpha1", "kind": "AIProvider",
            "metadata": {"name": "cloud", "namespace": namespace},
            "spec": {"type": "OpenAICompatible", "endpoint": endpoint, "auth": auth},
        })
        .to_string()
    };
    let named = json!({"name": "openai", "key": "api-key"});
    let guid = "11111111-2222-3333-4444-555555555555";
    for (auth, endpoint) in [
        (
            json!({"type": "AWS", "aws": {"source": "Static", "secretRef": named}}),
            "https://bedrock-runtime.us-east-1.amazonaws.com/openai/v1",
        ),
        (
            json!({"type": "Azure", "azure": {
                "source": "ClientSecret", "tenantId": "t", "clientId": guid, "secretRef": named,
            }}),
            "https://res.openai.azure.com/openai/v1",
        ),
        (
            json!({"type": "GCP", "gcp": {"source": "ServiceAccountKey", "secretRef": named}}),
            "https://aiplatform.googleapis.com/v1",
        ),
    ] {
        let refusal =
            apply_as(&server, "bob", &cloud(auth.clone(), endpoint)).expect_err("bob may name it for a cloud");
        ensure!(format!("{refusal:#}").contains("bob may not get Secret openai"), "{refusal:#}");
        apply_as(&server, "alice", &cloud(auth, endpoint))?;
        server.kubectl(["delete", "aiprovider", "cloud", "--namespace", &namespace])?;
    }
    let other = apply_as(&server, "alice", &provider(&namespace, "q", "another", ENDPOINT));
    ensure!(other.is_err(), "alice may name a Secret that she may not get");
    Ok(())
}

#[tokio::test]
async fn without_access_no_aiprovider_may_name_a_secret() -> Result<()> {
    let server = ApiServer::start().await?;
    let operator = Operator::start(&server).await?;
    let namespace = server.namespace("none").await?;
    server.apply(&secret(&namespace, "openai", "sk-canary"))?;
    wait::until("the policy to be in force", IN_FORCE, || async {
        match server.apply(&provider(&namespace, "p", "openai", ENDPOINT)) {
            Ok(_) => {
                // Stored before the policy was there: nothing is read for it.
                let message = condition(&server, &namespace, "p", "False", "RefNotPermitted").await?;
                ensure!(message.contains("secrets.access"), "{message}");
                server.kubectl(["delete", "aiprovider", "p", "--namespace", &namespace])?;
                bail!("taken")
            }
            Err(refusal) => {
                ensure!(format!("{refusal:#}").contains("secrets.access"), "{refusal:#}");
                Ok(())
            }
        }
    })
    .await?;
    ensure!(!operator.log().contains("canary"));
    Ok(())
}

#[tokio::test]
async fn a_key_reaches_sidecars_whose_routes_use_it_and_follows_its_secret() -> Result<()> {
    let server = ApiServer::start().await?;
    let namespace = server.namespace_named("keys", &[]).await.map(|()| "keys".to_owned())?;
    let other = server.namespace("other").await?;
    let mut operator =
        Operator::start_with(&server, &["secrets.access=Named", "secrets.named.keys={openai,absent,empty}"]).await?;
    for place in [&namespace, &other] {
        injected(&server, place, "app").await?;
    }
    server.apply(&secret(&namespace, "openai", "sk-canary-1"))?;
    server.apply(&secret(&namespace, "unlisted", "sk-canary-2"))?;
    server.apply(&secret(&namespace, "empty", "\n"))?;
    for (name, of) in [("p", "openai"), ("unlisted", "unlisted"), ("absent", "absent"), ("empty", "empty")] {
        server.apply(&provider(&namespace, name, of, ENDPOINT))?;
    }
    server.apply(&route(&namespace, &["p".into(), "unlisted".into(), "absent".into()]))?;

    condition(&server, &namespace, "p", "True", "ResolvedRefs").await?;
    let message = condition(&server, &namespace, "unlisted", "False", "RefNotPermitted").await?;
    ensure!(message.contains("secrets.named, 'keys: [unlisted]'"), "{message}");
    let message = condition(&server, &namespace, "absent", "False", "SecretNotFound").await?;
    ensure!(message.contains("there is no Secret 'absent'"), "{message}");
    let message = condition(&server, &namespace, "empty", "False", "InvalidSecretValue").await?;
    ensure!(message.contains("key 'api-key' of Secret 'empty' is empty"), "{message}");

    let mut opened = stream(&server, &operator, &namespace, "app").await?;
    let first = keys(&mut opened).await?;
    ensure!(first["keys/openai/api-key"]["value"] == "sk-canary-1", "{first:?}");
    ensure!(first["keys/unlisted/api-key"]["state"] == "missing", "{first:?}");

    server.apply(&secret(&namespace, "openai", "sk-canary-2"))?;
    let changed = Instant::now();
    let second = keys(&mut opened).await?;
    ensure!(second["keys/openai/api-key"]["value"] == "sk-canary-2", "{second:?}");
    ensure!(second.len() == 1 && changed.elapsed() < Duration::from_secs(15), "{second:?} {:?}", changed.elapsed());

    // A key that a provider refuses is looked at now.
    tokio::time::sleep(Duration::from_secs(2)).await;
    server.apply(&secret(&namespace, "openai", "sk-canary-3"))?;
    let refused = json!({"sidecarVersion": "t", "refusedKeys": [
        {"id": "keys/openai/api-key", "generation": second["keys/openai/api-key"]["generation"]},
    ]});
    let pods = Api::<Pod>::namespaced(server.client()?, &namespace);
    let uid = pods.get("app").await?.metadata.uid.unwrap_or_default();
    let token = server.token((&namespace, "default"), Some("pillion"), Some(("app", &uid))).await?;
    let asked = Instant::now();
    let reply = operator.ask(&server, http::Method::POST, "/v1/reports", &token, &refused).await?;
    ensure!(reply.status.is_success(), "{}", reply.text().await?);
    let third = keys(&mut opened).await?;
    ensure!(third["keys/openai/api-key"]["value"] == "sk-canary-3", "{third:?}");
    ensure!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());

    server.kubectl(["delete", "secret", "openai", "--namespace", &namespace])?;
    let gone = keys(&mut opened).await?;
    ensure!(gone["keys/openai/api-key"]["state"] == "missing", "retained: {gone:?}");
    condition(&server, &namespace, "p", "False", "SecretNotFound").await?;
    wait::until("an event of it", SOON, || async {
        let events = server.kubectl(["get", "events.events.k8s.io", "--namespace", &namespace, "-o", "json"])?;
        ensure!(events.contains("SecretNotFound") && events.contains("there is no Secret 'openai'"), "{events}");
        Ok(())
    })
    .await?;
    server.apply(&secret(&namespace, "openai", "sk-canary-4"))?;
    let back = keys(&mut opened).await?;
    ensure!(back["keys/openai/api-key"]["value"] == "sk-canary-4", "{back:?}");

    // Of another namespace nothing is heard, and what holds a key holds it in memory only.
    let mut elsewhere = stream(&server, &operator, &other, "app").await?;
    let line = elsewhere.line().await?.context("a snapshot")?;
    ensure!(line["kind"] == "snapshot" && !line.to_string().contains("openai"), "{line}");
    ensure!(operator.log().contains("a key is given to a sidecar"), "{}", operator.log());
    for text in
        [operator.log(), server.kubectl(["get", "aiproviders,airoutes,events", "--all-namespaces", "-o", "json"])?]
    {
        ensure!(!text.contains("canary"), "{text}");
    }
    operator.kill();
    Ok(())
}

#[tokio::test]
async fn a_pod_whose_sidecar_was_changed_gets_no_key_and_forgets_the_one_it_has() -> Result<()> {
    let server = ApiServer::start().await?;
    let operator = Operator::start_with(&server, &["secrets.access=Cluster"]).await?;
    let namespace = server.namespace("attacks").await?;
    server.apply(&secret(&namespace, "openai", "sk-canary"))?;
    server.apply(&provider(&namespace, "p", "openai", ENDPOINT))?;
    server.apply(&route(&namespace, &["p".into()]))?;
    condition(&server, &namespace, "p", "True", "ResolvedRefs").await?;
    let id = format!("{namespace}/openai/api-key");
    for name in ["image", "debugged"] {
        injected(&server, &namespace, name).await?;
    }
    // A pod of somebody's own making, which says that it was injected.
    let sidecar =
        json!({"name": "pillion", "image": "registry.test/mine:1", "restartPolicy": "Always", "args": ["serve"]});
    let liar = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "liar", "namespace": namespace, "labels": {"pillion.dev/injected": "true"}},
        "spec": {"initContainers": [sidecar], "containers": [{"name": "app", "image": "registry.test/app:1"}]},
    });
    server.apply(&liar.to_string())?;
    let mut lied = stream(&server, &operator, &namespace, "liar").await?;
    let told = keys(&mut lied).await?;
    ensure!(told[&id]["state"] == "withdrawn", "{told:?}");
    ensure!(told[&id]["message"].as_str().unwrap_or_default().contains("registry.test/mine:1"), "{told:?}");

    let mut image = stream(&server, &operator, &namespace, "image").await?;
    let mut debugged = stream(&server, &operator, &namespace, "debugged").await?;
    for opened in [&mut image, &mut debugged] {
        let given = keys(opened).await?;
        ensure!(given[&id]["value"] == "sk-canary", "{given:?}");
    }
    let evil = json!([{"op": "replace", "path": "/spec/initContainers/0/image", "value": "registry.test/evil:1"}]);
    server.kubectl(["patch", "pod", "image", "--namespace", &namespace, "--type=json", "-p", &evil.to_string()])?;
    let withdrawn = keys(&mut image).await?;
    ensure!(withdrawn[&id]["state"] == "withdrawn", "{withdrawn:?}");
    let debugger = json!({"spec": {"ephemeralContainers": [
        {"name": "debugger", "image": "busybox", "targetContainerName": "pillion"},
    ]}});
    let patch = debugger.to_string();
    let patch =
        ["patch", "pod", "debugged", "--namespace", &namespace, "--subresource=ephemeralcontainers", "-p", &patch];
    server.kubectl(patch)?;
    let withdrawn = keys(&mut debugged).await?;
    ensure!(withdrawn[&id]["state"] == "withdrawn", "{withdrawn:?}");
    ensure!(withdrawn[&id]["message"].as_str().unwrap_or_default().contains("ephemeral"), "{withdrawn:?}");

    // Nor on a new stream.
    for name in ["image", "debugged"] {
        let mut again = stream(&server, &operator, &namespace, name).await?;
        let told = keys(&mut again).await?;
        ensure!(told[&id]["state"] == "withdrawn", "{name}: {told:?}");
    }
    ensure!(!operator.log().contains("canary"));
    Ok(())
}

#[tokio::test]
async fn of_five_hundred_secrets_a_changed_one_reaches_sidecars_within_fifteen_seconds() -> Result<()> {
    const SECRETS: usize = 500;
    let server = ApiServer::start().await?;
    let operator = Operator::start_with(&server, &["secrets.access=Cluster"]).await?;
    let namespace = server.namespace("many").await?;
    let names: Vec<String> = (0..SECRETS).map(|i| format!("s{i}")).collect();
    let list = |items: Vec<Value>| json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
    let secrets = |value: &str| -> Result<String> {
        let items = names.iter().map(|name| Ok(serde_json::from_str(&secret(&namespace, name, value))?));
        Ok(list(items.collect::<Result<_>>()?))
    };
    let providers = names.iter().map(|name| Ok(serde_json::from_str(&provider(&namespace, name, name, ENDPOINT))?));
    server.apply(&secrets("sk-1")?)?;
    server.apply(&list(providers.collect::<Result<_>>()?))?;
    server.apply(&route(&namespace, &names))?;
    injected(&server, &namespace, "app").await?;
    let mut opened = stream(&server, &operator, &namespace, "app").await?;
    let mut given = 0;
    while given < SECRETS {
        given += keys(&mut opened).await?.values().filter(|key| key["value"] == "sk-1").count();
    }
    let api = Api::<Secret>::namespaced(server.client()?, &namespace);
    let patch = json!({"stringData": {"api-key": "sk-2"}});
    let change = |name: &String| {
        let (api, patch, name) = (api.clone(), patch.clone(), name.clone());
        async move {
            api.patch(&name, &PatchParams::default(), &Patch::Merge(&patch)).await?;
            anyhow::Ok((format!("{}/{name}/api-key", api.namespace().unwrap_or_default()), Instant::now()))
        }
    };
    let changes = futures::stream::iter(&names).map(change).buffer_unordered(4).try_collect::<BTreeMap<_, _>>();
    let heard = async {
        let mut heard = BTreeMap::new();
        while heard.len() < SECRETS {
            let new = keys(&mut opened).await?.into_iter().filter(|(_, key)| key["value"] == "sk-2");
            heard.extend(new.map(|(id, _)| (id, Instant::now())));
        }
        anyhow::Ok(heard)
    };
    let (changed, heard) = tokio::join!(changes, heard);
    let (changed, heard) = (changed?, heard?);
    let mut delays: Vec<Duration> = changed.iter().map(|(id, at)| heard[id].saturating_duration_since(*at)).collect();
    delays.sort();
    let (p50, p99) = (delays[SECRETS / 2], delays[SECRETS * 99 / 100 - 1]);
    eprintln!("{SECRETS} Secrets: changed, to received by a sidecar: p50 {p50:?}, p99 {p99:?}");
    ensure!(p99 < Duration::from_secs(15), "{p99:?}");
    Ok(())
}
