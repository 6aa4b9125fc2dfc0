//! The operator as a process of this machine, against the fixture `apiserver`: with the chart's own webhooks, policies and permissions.
//!
//! The API server reaches a webhook's Service by name; here the Service is an `ExternalName` for localhost, so that names and
//! certificates are those of a cluster.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::api::{Api, Patch, PatchParams};
use serde::Deserialize as _;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::apiserver::{ApiServer, free_ports};
use crate::build::{self, OPERATOR};
use crate::process::{self, Process, Spec};
use crate::{client, tools, wait, workspace};

/// The namespace of the release.
pub const SYSTEM: &str = "pillion-system";
const HOST: &str = "pillion-operator.pillion-system.svc";

/// A running operator; killed on drop.
pub struct Operator {
    process: Option<Process>,
    spec: Spec,
    folder: PathBuf,
    health: u16,
    config: u16,
}

/// What the config server answered.
pub struct Streamed {
    /// The status.
    pub status: StatusCode,
    body: Incoming,
    rest: Vec<u8>,
}

impl Operator {
    /// Installs the chart's objects, all but those that only a cluster runs, and starts the operator with its own service account.
    ///
    /// # Errors
    /// When the chart does not render, an object is refused, or the operator does not become ready (with the end of its log).
    pub async fn start(server: &ApiServer) -> Result<Self> {
        Self::start_with(server, &[]).await
    }

    /// The same with values of the chart, such as `secrets.access=Cluster`.
    ///
    /// # Errors
    /// As [`Operator::start`].
    pub async fn start_with(server: &ApiServer, values: &[&str]) -> Result<Self> {
        let [webhook, config, metrics, health] = free_ports::<4>()?;
        server.namespace_named(SYSTEM, &[]).await?;
        let rendered = render(values)?;
        server.apply(&for_this_machine(&rendered, webhook)?)?;
        let folder = server.folder().join("operator");
        std::fs::create_dir_all(&folder)?;
        let settings = settings(&rendered).context("the chart's ConfigMap")?;
        let settings = settings.replace(&format!("https://{HOST}:9444"), &format!("https://{HOST}:{config}"));
        std::fs::write(folder.join("operator.yaml"), settings)?;
        let token = server.token((SYSTEM, "pillion-operator"), Some("pillion"), None).await?;
        std::fs::write(folder.join("token"), token)?;
        let kubeconfig = server.kubeconfig_of(SYSTEM, "pillion-operator").await?;
        let mut spec = Spec::new("operator", build::debug(OPERATOR)?)
            .arg("operator")
            .args(["--config".to_owned(), folder.join("operator.yaml").display().to_string()])
            .args(["--token-file".to_owned(), folder.join("token").display().to_string()])
            .args([
                "--pod-name",
                "operator-0",
                "--pod-namespace",
                SYSTEM,
                "--pod-ip",
                "127.0.0.1",
                "--bind-address",
                "127.0.0.1",
            ])
            .args(["--extra-name", "localhost"])
            .env("KUBECONFIG", kubeconfig.display().to_string());
        for (flag, port) in [
            ("--webhook-port", webhook),
            ("--config-port", config),
            ("--metrics-port", metrics),
            ("--health-port", health),
        ] {
            spec = spec.args([flag.to_owned(), port.to_string()]);
        }
        let mut this = Self { process: None, spec, folder, health, config };
        this.revive().await?;
        Ok(this)
    }

    /// Ends the operator at once.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Starts it, again or for the first time, and waits until it is ready.
    ///
    /// # Errors
    /// When it does not become ready.
    pub async fn revive(&mut self) -> Result<()> {
        let mut process = Process::start(&self.spec, &self.folder)?;
        let url = format!("http://127.0.0.1:{}/readyz", self.health);
        wait::until("a ready operator", Duration::from_secs(60), || {
            let alive = process.alive();
            let tail = process.tail();
            let url = url.clone();
            async move {
                alive?;
                let reply = client::get(&url).await?;
                ensure!(reply.status.is_success(), "{}\n{tail}", reply.text());
                Ok(())
            }
        })
        .await?;
        self.process = Some(process);
        Ok(())
    }

    /// What it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.as_ref().map(Process::output).unwrap_or_default()
    }

    /// Asks the config server for something, as a sidecar does; `token` is the bearer token.
    ///
    /// # Errors
    /// When there is no HTTP reply.
    pub async fn ask(
        &self,
        server: &ApiServer,
        method: Method,
        path: &str,
        token: &str,
        body: &Value,
    ) -> Result<Streamed> {
        let connector = TlsConnector::from(Arc::new(trusting(server).await?));
        let stream = TcpStream::connect(("127.0.0.1", self.config)).await?;
        let stream = connector.connect(ServerName::try_from(HOST)?, stream).await?;
        let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(format!("https://{HOST}{path}"));
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        let (head, body) = sender.send_request(request.body(Full::new(body))?).await?.into_parts();
        Ok(Streamed { status: head.status, body, rest: Vec::new() })
    }

    /// The snapshot stream of the bearer of `token`.
    ///
    /// # Errors
    /// When there is no HTTP reply.
    pub async fn stream(&self, server: &ApiServer, token: &str) -> Result<Streamed> {
        self.ask(server, Method::GET, "/v1/snapshot", token, &Value::Null).await
    }

    /// Starts a real sidecar for an injected pod, with the pod's own token, and marks it as started in the pod's status, as kubelet would.
    ///
    /// # Errors
    /// When the sidecar does not start.
    pub async fn sidecar(&self, server: &ApiServer, namespace: &str, pod: &str, data: u16) -> Result<Process> {
        let pods = Api::<Pod>::namespaced(server.client()?, namespace);
        let found = pods.get(pod).await?;
        let uid = found.metadata.uid.unwrap_or_default();
        let folder = self.folder.join(format!("{namespace}-{pod}"));
        std::fs::create_dir_all(folder.join("state"))?;
        std::fs::create_dir_all(folder.join("credentials"))?;
        let token = server.token((namespace, "default"), Some("pillion"), Some((pod, &uid))).await?;
        std::fs::write(folder.join("token"), token)?;
        let [admin, health] = free_ports::<2>()?;
        let file = |name: &str| folder.join(name).display().to_string();
        let spec = Spec::new("pillion-sidecar", build::debug(build::SIDECAR)?)
            .args(["serve".to_owned(), "--config-url".into(), format!("https://localhost:{}", self.config)])
            .args(["--token-file".to_owned(), file("token"), "--state-dir".into(), file("state")])
            .args(["--credentials-dir".to_owned(), file("credentials")])
            .args(["--data-address".to_owned(), format!("127.0.0.1:{data}")])
            .args(["--admin-address".to_owned(), format!("127.0.0.1:{admin}")])
            .args(["--health-address".to_owned(), format!("127.0.0.1:{health}")])
            .env("PILLION_CA", authority(server).await?);
        let mut process = Process::start(&spec, &folder)?;
        wait::until("a started sidecar", Duration::from_secs(30), || {
            let (alive, tail) = (process.alive(), process.tail());
            async move {
                alive?;
                let reply = client::get(&format!("http://127.0.0.1:{health}/healthz/started")).await?;
                ensure!(reply.status.is_success(), "{}\n{tail}", reply.text());
                Ok(())
            }
        })
        .await?;
        let started = json!({"status": {"phase": "Running", "initContainerStatuses": [{
            "name": "pillion", "started": true, "ready": true, "restartCount": 0, "image": "i", "imageID": "i",
            "state": {"running": {}},
        }]}});
        pods.patch_status(pod, &PatchParams::default(), &Patch::Merge(&started)).await?;
        Ok(process)
    }
}

impl Streamed {
    /// The next line that is not a keep-alive, or `None` at the end.
    ///
    /// # Errors
    /// When the stream breaks, or no line comes for 30 s.
    pub async fn line(&mut self) -> Result<Option<Value>> {
        tokio::time::timeout(Duration::from_secs(30), self.next()).await.context("no line within 30 s")?
    }

    async fn next(&mut self) -> Result<Option<Value>> {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line: Value = serde_json::from_slice(&self.rest[..end])?;
                self.rest.drain(..=end);
                if line["kind"] != "keepAlive" {
                    return Ok(Some(line));
                }
                continue;
            }
            match self.body.frame().await {
                None => return Ok(None),
                Some(frame) => self.rest.extend(frame?.into_data().unwrap_or_default()),
            }
        }
    }

    /// The whole body, of a reply that is no stream.
    ///
    /// # Errors
    /// When it breaks.
    pub async fn text(self) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.body.collect().await?.to_bytes()).into_owned())
    }
}

/// The PEM of the authority that the operator made.
///
/// # Errors
/// When there is none.
pub async fn authority(server: &ApiServer) -> Result<String> {
    let secret = Api::<Secret>::namespaced(server.client()?, SYSTEM).get("pillion-ca").await?;
    let data: BTreeMap<_, _> = secret.data.unwrap_or_default();
    let pem = data.get("ca.crt").context("the Secret pillion-ca has no ca.crt")?;
    Ok(String::from_utf8(pem.0.clone())?)
}

async fn trusting(server: &ApiServer) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(authority(server).await?.as_bytes()) {
        roots.add(certificate?)?;
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(config)
}

fn render(values: &[&str]) -> Result<Vec<Value>> {
    let chart = workspace::root().join("charts/pillion");
    let mut helm = Command::new(tools::go_tool("helm")?);
    helm.args(["template", "pillion"]).arg(chart).args(["--namespace", SYSTEM, "--no-hooks"]);
    helm.args(["--api-versions", "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy"]);
    helm.args(values.iter().flat_map(|value| ["--set", value]));
    let text = process::run(&mut helm)?;
    serde_norway::Deserializer::from_str(&text)
        .map(|document| Ok(Value::deserialize(document)?))
        .filter(|document| !matches!(document, Ok(Value::Null)))
        .collect()
}

fn settings(rendered: &[Value]) -> Option<String> {
    let map = rendered.iter().find(|object| object["kind"] == "ConfigMap")?;
    map["data"]["operator.yaml"].as_str().map(str::to_owned)
}

fn for_this_machine(rendered: &[Value], webhook: u16) -> Result<String> {
    let mut text = String::new();
    for object in rendered {
        let mut object = object.clone();
        match object["kind"].as_str().unwrap_or_default() {
            "Deployment" | "PodDisruptionBudget" => continue,
            "Service" => object["spec"] = json!({"type": "ExternalName", "externalName": "localhost"}),
            "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration" => {
                let entries = object["webhooks"].as_array_mut().context("a webhook configuration has entries")?;
                entries.iter_mut().for_each(|entry| entry["clientConfig"]["service"]["port"] = webhook.into());
            }
            _ => {}
        }
        // JSON is YAML.
        text += &format!("---\n{object}\n");
    }
    Ok(text)
}
