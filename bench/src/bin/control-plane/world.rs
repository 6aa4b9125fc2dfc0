//! The cluster to measure in: a real kube-apiserver full of objects, and the operator as a process beside it.

use crate::Arguments;
use anyhow::Context;
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams, PostParams};
use pillion_bench::usage::Usage;
use pillion_tests::apiserver::{ApiServer, free_ports};
use pillion_tests::process::{Process, Spec};
use pillion_tests::{wait, workspace};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// Requests to the API server at a time.
const AT_ONCE: usize = 32;
/// The operator's namespace.
const SYSTEM: &str = "pillion-system";

/// A simulated sidecar.
pub(crate) struct Sidecar {
    pub(crate) namespace: String,
    pub(crate) token: String,
}

/// The API server and what was put into it.
pub(crate) struct World {
    server: ApiServer,
    pub(crate) sidecars: Vec<Sidecar>,
}

/// The running operator.
pub(crate) struct Operator {
    /// What it used so far.
    pub(crate) usage: Usage,
    pub(crate) port: u16,
    /// PEM of the authority that its certificate is signed by.
    pub(crate) authority: String,
    _process: Process,
}

impl World {
    pub(crate) async fn build(arguments: &Arguments) -> anyhow::Result<Self> {
        let server = ApiServer::start().await?;
        for entry in std::fs::read_dir(workspace::root().join("crds/yaml"))? {
            server.apply(&std::fs::read_to_string(entry?.path())?)?;
        }
        server.kubectl(["wait", "--for=condition=Established", "crd", "--all", "--timeout=30s"])?;
        server.namespace_named(SYSTEM, &[]).await?;
        server.service_account(SYSTEM, "pillion-operator").await?;

        let names: Vec<String> = (0..arguments.namespaces).map(|i| format!("team-{i}")).collect();
        let each = |count: usize| (0..count).map(|i| names[i % names.len()].clone()).enumerate();
        let server_ref = &server;
        at_once(names.iter().cloned().enumerate(), |(_, name)| async move {
            server_ref.namespace_named(&name, &[]).await?;
            server_ref.service_account(&name, "app").await?;
            create(server_ref, "AIProvider", &name, "main", json!({"type": "OpenAI"})).await
        })
        .await?;
        at_once(each(arguments.routes), |(i, namespace)| async move {
            create(server_ref, "AIRoute", &namespace, &format!("route-{i}"), route(&format!("model-{i}-*"))).await
        })
        .await?;
        let sidecars = stream::iter(each(arguments.sidecars))
            .map(|(i, namespace)| async move { sidecar(server_ref, namespace, &format!("pod-{i}")).await })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(Self { server, sidecars })
    }

    pub(crate) async fn start_operator(&self, binary: &Path) -> anyhow::Result<Operator> {
        let folder = self.server.folder();
        let config = folder.join("operator.yaml");
        std::fs::write(&config, "sidecar: {image: pillion-sidecar}\n")?;
        let token = folder.join("operator-token");
        std::fs::write(&token, self.server.token((SYSTEM, "pillion-operator"), Some("pillion"), None).await?)?;
        let [webhooks, port, metrics, health] = free_ports()?;
        let spec = Spec::new("operator", binary)
            .args(["operator", "--config", &config.display().to_string(), "--token-file", &token.display().to_string()])
            .args(["--pod-name", "operator-0", "--pod-namespace", SYSTEM, "--pod-ip", "127.0.0.1"])
            .args(["--bind-address", "127.0.0.1", "--extra-name", "localhost", "--log", "warn"])
            .args(["--webhook-port", &webhooks.to_string(), "--config-port", &port.to_string()])
            .args(["--metrics-port", &metrics.to_string(), "--health-port", &health.to_string()])
            .env("KUBECONFIG", self.server.kubeconfig().display().to_string());
        let process = Process::start(&spec, folder)?;
        wait::until("the operator to be ready", Duration::from_secs(120), || async move {
            let reply = get(health, "/readyz").await?;
            wait::holds(reply.starts_with("HTTP/1.1 200"), reply)
        })
        .await?;
        let secrets: Api<Secret> = Api::namespaced(self.server.client()?, SYSTEM);
        let authority = secrets.get("pillion-ca").await?.data.unwrap_or_default();
        let authority = authority.get("ca.crt").context("the Secret pillion-ca has no ca.crt")?;
        let authority = String::from_utf8(authority.0.clone())?;
        Ok(Operator { usage: Usage::of(process.id()), port, authority, _process: process })
    }

    /// Gives one route of `namespace` other rules.
    pub(crate) async fn change_route(&self, namespace: &str, i: usize) -> anyhow::Result<()> {
        let api = objects(&self.server, "AIRoute", namespace)?;
        let routes = api.list_metadata(&ListParams::default().limit(1)).await?;
        let name = routes.items.first().and_then(|route| route.metadata.name.clone()).context("no route there")?;
        self.change(namespace, &name, route(&format!("changed-{i}-*"))).await
    }

    /// Gives an AIRoute another spec.
    pub(crate) async fn change(&self, namespace: &str, name: &str, spec: Value) -> anyhow::Result<()> {
        let api = objects(&self.server, "AIRoute", namespace)?;
        api.patch(name, &PatchParams::default(), &Patch::Merge(json!({"spec": spec}))).await?;
        Ok(())
    }

    /// A namespace of its own with one object, and a pod there.
    pub(crate) async fn team(&self, name: &str, kind: &str, object: &str, spec: Value) -> anyhow::Result<Sidecar> {
        self.server.namespace_named(name, &[]).await?;
        self.server.service_account(name, "app").await?;
        self.create(name, kind, object, spec).await?;
        sidecar(&self.server, name.to_owned(), "app").await
    }

    pub(crate) async fn create(&self, namespace: &str, kind: &str, name: &str, spec: Value) -> anyhow::Result<()> {
        create(&self.server, kind, namespace, name, spec).await
    }

    /// Where files of this run go.
    pub(crate) fn folder(&self) -> &Path {
        self.server.folder()
    }
}

/// The spec of a route of every call to one provider, as `model`.
pub(crate) fn route_to(provider: &str, model: &str) -> Value {
    json!({"rules": [{"name": "chat", "backends": [{"provider": {"name": provider}, "model": model}]}]})
}

fn route(model: &str) -> Value {
    json!({"rules": [{"name": "chat", "matches": [{"models": [model]}], "backends": [{"provider": {"name": "main"}}]}]})
}

fn objects(server: &ApiServer, kind: &str, namespace: &str) -> anyhow::Result<Api<DynamicObject>> {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("pillion.dev", "v1alpha1", kind));
    Ok(Api::namespaced_with(server.client()?, namespace, &resource))
}

async fn create(server: &ApiServer, kind: &str, namespace: &str, name: &str, spec: Value) -> anyhow::Result<()> {
    let object = json!({
        "apiVersion": "pillion.dev/v1alpha1", "kind": kind, "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    });
    objects(server, kind, namespace)?.create(&PostParams::default(), &serde_json::from_value(object)?).await?;
    Ok(())
}

/// A pod that nothing runs, as the operator sees one that was injected, and a token bound to it.
async fn sidecar(server: &ApiServer, namespace: String, name: &str) -> anyhow::Result<Sidecar> {
    let client = server.client()?;
    let pod: Pod = serde_json::from_value(json!({
        "metadata": {"name": name, "namespace": namespace, "labels": {"pillion.dev/injected": "true", "app": name}},
        "spec": {
            "serviceAccountName": "app", "automountServiceAccountToken": false,
            "containers": [{"name": "app", "image": "app"}],
        },
    }))?;
    let pods: Api<Pod> = Api::namespaced(client, &namespace);
    let uid = pods.create(&PostParams::default(), &pod).await?.metadata.uid.context("a pod has a uid")?;
    let token = server.token((&namespace, "app"), Some("pillion"), Some((name, &uid))).await?;
    Ok(Sidecar { namespace, token })
}

async fn at_once<T, F, Fut>(items: impl Iterator<Item = T>, each: F) -> anyhow::Result<()>
where
    F: FnMut(T) -> Fut,
    Fut: Future<Output = anyhow::Result<()>>,
{
    stream::iter(items).map(each).buffer_unordered(AT_ONCE).try_collect().await
}

/// The reply to a GET on loopback, as it came.
async fn get(port: u16, path: &str) -> anyhow::Result<String> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut socket = tokio::net::TcpStream::connect(("127.0.0.1", port)).await?;
    socket.write_all(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").as_bytes()).await?;
    let mut reply = String::new();
    socket.read_to_string(&mut reply).await?;
    Ok(reply)
}
