//! The fixture `apiserver`: a real etcd and a real kube-apiserver, on loopback or in a network namespace, in about five seconds.
//!
//! There is no controller manager: what it would do (the namespaces' default service accounts) [`ApiServer::namespace`] does.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::api::authentication::v1::{BoundObjectReference, TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use kube::api::{Api, ObjectMeta, PostParams};
use kube::{Client, Config};
use serde_json::json;
use tokio::sync::OnceCell;

use crate::pki::{self, Authority};
use crate::process::{self, Process, Spec};
use crate::{tools, wait, workspace};

/// The issuer and default audience of service-account tokens.
pub const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";
const READY_WITHIN: Duration = Duration::from_secs(90);
const PORT_INSIDE: u16 = 6443;
const ADMIN_TOKEN: &str = "admin-of-the-tests";

/// Where the servers listen.
#[derive(Debug, Clone)]
pub struct Place {
    inside: Option<u32>,
    advertise: String,
    port: u16,
    etcd_ports: [u16; 2],
}

impl Place {
    /// Free ports on the machine's loopback.
    ///
    /// # Errors
    /// When no port is free.
    pub fn loopback() -> Result<Self> {
        let ports = free_ports::<3>()?;
        // An address that the API server may call its own: it refuses loopback here, and never binds this one.
        Ok(Self { inside: None, advertise: "192.0.2.1".into(), port: ports[0], etcd_ports: [ports[1], ports[2]] })
    }

    /// The usual ports in the namespaces of a process, advertised under the node's address.
    #[must_use]
    pub fn inside(process: u32, node_address: &str) -> Self {
        Self { inside: Some(process), advertise: node_address.into(), port: PORT_INSIDE, etcd_ports: [2379, 2380] }
    }
}

/// A running etcd and kube-apiserver; both are killed on drop.
#[derive(Debug)]
pub struct ApiServer {
    server: Option<Process>,
    etcd: Process,
    relay: Option<Process>,
    server_spec: Spec,
    folder: PathBuf,
    /// The port on the machine's loopback.
    port: u16,
    authority: Vec<u8>,
}

impl ApiServer {
    /// Starts both on loopback and waits until the API server is ready.
    ///
    /// # Errors
    /// When a program is missing (with the command that builds it) or does not come up (with the end of its log).
    pub async fn start() -> Result<Self> {
        Self::start_at(Place::loopback()?, &fresh_folder("apiserver")?).await
    }

    /// The one that the tests of a process share. Each test works in namespaces of its own.
    ///
    /// # Errors
    /// As [`ApiServer::start`].
    pub async fn shared() -> Result<&'static Self> {
        static SHARED: OnceCell<ApiServer> = OnceCell::const_new();
        SHARED.get_or_try_init(Self::start).await
    }

    /// Starts both at a place of choice, with everything they write under `folder`.
    ///
    /// # Errors
    /// As [`ApiServer::start`].
    pub async fn start_at(place: Place, folder: &Path) -> Result<Self> {
        let folder = folder.to_path_buf();
        let authority = Authority::new("pillion test bed")?;
        let names = ["127.0.0.1", "localhost", "kubernetes.default.svc", "10.96.0.1", place.advertise.as_str()];
        std::fs::write(folder.join("ca.crt"), authority.pem())?;
        authority.server(&names)?.write(&folder, "apiserver")?;
        pki::write_signing_key(&folder, "service-accounts")?;
        std::fs::write(folder.join("tokens.csv"), format!("{ADMIN_TOKEN},admin,admin,system:masters\n"))?;

        let etcd = Process::start(&etcd_spec(&place, &folder)?, &folder)?;
        let server_spec = server_spec(&place, &folder)?;
        let server = Some(Process::start(&server_spec, &folder)?);
        let (relay, port) = match place.inside {
            None => (None, place.port),
            Some(process) => relay(process, place.port, &folder).map(|(relay, port)| (Some(relay), port))?,
        };
        let mut this = Self { server, etcd, relay, server_spec, folder, port, authority: authority.der() };
        std::fs::write(this.kubeconfig(), this.kubeconfig_text(ADMIN_TOKEN, "default"))?;
        this.ready().await?;
        Ok(this)
    }

    async fn ready(&mut self) -> Result<()> {
        let client = self.client()?;
        let (server, etcd) = (std::sync::Mutex::new(&mut self.server), std::sync::Mutex::new(&mut self.etcd));
        wait::until("a ready kube-apiserver", READY_WITHIN, || async {
            etcd.lock().map_err(|_| anyhow::anyhow!("poisoned"))?.alive()?;
            if let Some(server) = server.lock().map_err(|_| anyhow::anyhow!("poisoned"))?.as_mut() {
                server.alive()?;
            }
            client.request_text(http::Request::get("/readyz").body(Vec::new())?).await?;
            // Made by a start-up hook after readiness; without it the first namespaced request may be refused.
            Api::<Namespace>::all(client.clone()).get("default").await?;
            Ok(())
        })
        .await
    }

    /// Kills the API server; etcd keeps what is stored.
    pub fn stop(&mut self) {
        self.server = None;
    }

    /// Starts the API server again on the same port.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn restart(&mut self) -> Result<()> {
        self.server = None;
        self.server = Some(Process::start(&self.server_spec, &self.folder)?);
        self.ready().await
    }

    /// The folder with everything the fixture wrote, logs included.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The port on the machine's loopback.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The kubeconfig of a cluster administrator.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.join("admin.kubeconfig")
    }

    /// A client of a cluster administrator. It belongs to the async runtime that asks for it: do not share it between tests.
    ///
    /// # Errors
    /// When the client cannot be built.
    pub fn client(&self) -> Result<Client> {
        self.client_with(ADMIN_TOKEN)
    }

    /// A client that authenticates with `token`.
    ///
    /// # Errors
    /// When the client cannot be built.
    pub fn client_with(&self, token: &str) -> Result<Client> {
        let mut config = Config::new(format!("https://127.0.0.1:{}", self.port).parse()?);
        config.root_cert = Some(vec![self.authority.clone()]);
        config.auth_info.token = Some(token.to_owned().into());
        Ok(Client::try_from(config)?)
    }

    /// A new namespace with its default service account, named `<stem>-<number>`.
    ///
    /// # Errors
    /// When it cannot be created.
    pub async fn namespace(&self, stem: &str) -> Result<String> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("{stem}-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        self.namespace_named(&name, &[]).await?;
        Ok(name)
    }

    /// A namespace with these labels, and its default service account.
    ///
    /// # Errors
    /// When it cannot be created.
    pub async fn namespace_named(&self, name: &str, labels: &[(&str, &str)]) -> Result<()> {
        let client = self.client()?;
        let labels = labels.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
        let metadata = ObjectMeta { name: Some(name.into()), labels: Some(labels), ..ObjectMeta::default() };
        Api::<Namespace>::all(client)
            .create(&PostParams::default(), &Namespace { metadata, ..Namespace::default() })
            .await?;
        self.service_account(name, "default").await
    }

    /// A service account.
    ///
    /// # Errors
    /// When it cannot be created.
    pub async fn service_account(&self, namespace: &str, name: &str) -> Result<()> {
        let metadata = ObjectMeta { name: Some(name.into()), ..ObjectMeta::default() };
        let account = ServiceAccount { metadata, ..ServiceAccount::default() };
        Api::<ServiceAccount>::namespaced(self.client()?, namespace).create(&PostParams::default(), &account).await?;
        Ok(())
    }

    /// A token of a service account, as the API server itself issues it: for `audience` (default: the API server), bound to a pod
    /// (name and uid) or to nothing.
    ///
    /// # Errors
    /// When the account or the pod does not exist.
    pub async fn token(
        &self,
        account: (&str, &str),
        audience: Option<&str>,
        pod: Option<(&str, &str)>,
    ) -> Result<String> {
        let request = TokenRequest {
            spec: TokenRequestSpec {
                audiences: audience.map(|audience| vec![audience.to_owned()]).unwrap_or_default(),
                bound_object_ref: pod.map(|(name, uid)| BoundObjectReference {
                    api_version: Some("v1".into()),
                    kind: Some("Pod".into()),
                    name: Some(name.into()),
                    uid: Some(uid.into()),
                }),
                expiration_seconds: Some(3600),
            },
            ..TokenRequest::default()
        };
        let accounts = Api::<ServiceAccount>::namespaced(self.client()?, account.0);
        let reply = accounts.create_token_request(account.1, &PostParams::default(), &request).await?;
        Ok(reply.status.context("a token request was answered without a status")?.token)
    }

    /// Writes a kubeconfig for a service account, and gives its path.
    ///
    /// # Errors
    /// When the account does not exist.
    pub async fn kubeconfig_of(&self, namespace: &str, service_account: &str) -> Result<PathBuf> {
        let token = self.token((namespace, service_account), None, None).await?;
        let path = self.folder.join(format!("{namespace}-{service_account}.kubeconfig"));
        std::fs::write(&path, self.kubeconfig_text(&token, namespace))?;
        Ok(path)
    }

    fn kubeconfig_text(&self, token: &str, namespace: &str) -> String {
        kubeconfig(&format!("https://127.0.0.1:{}", self.port), &self.folder.join("ca.crt"), token, namespace)
    }

    /// Writes the administrator's kubeconfig for programs in the namespaces of the servers, and gives its path.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn kubeconfig_inside(&self) -> Result<PathBuf> {
        let path = self.folder.join("inside.kubeconfig");
        let server = format!("https://127.0.0.1:{PORT_INSIDE}");
        std::fs::write(&path, kubeconfig(&server, &self.folder.join("ca.crt"), ADMIN_TOKEN, "default"))?;
        Ok(path)
    }

    /// Runs the real kubectl as the administrator and gives what it printed.
    ///
    /// # Errors
    /// When kubectl fails: its message is in the error.
    pub fn kubectl<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Result<String> {
        let mut command = Command::new(tools::go_tool("kubectl")?);
        command.env("KUBECONFIG", self.kubeconfig()).args(arguments);
        process::run(&mut command)
    }

    /// `kubectl apply -f -` of this YAML.
    ///
    /// # Errors
    /// When kubectl fails: its message is in the error.
    pub fn apply(&self, yaml: &str) -> Result<String> {
        self.kubectl_input(["apply", "-f", "-"], yaml)
    }

    /// Runs kubectl with this YAML as the file `-`.
    ///
    /// # Errors
    /// When kubectl fails: its message is in the error.
    pub fn kubectl_input<'a>(&self, arguments: impl IntoIterator<Item = &'a str>, yaml: &str) -> Result<String> {
        let file = self.folder.join(format!("input-{}.yaml", next_number()));
        std::fs::write(&file, yaml)?;
        let path = file.display().to_string();
        self.kubectl(arguments.into_iter().map(|argument| if argument == "-" { path.as_str() } else { argument }))
    }
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        self.relay = None;
        self.server = None;
        self.etcd.kill();
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

fn next_number() -> u32 {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

fn etcd_spec(place: &Place, folder: &Path) -> Result<Spec> {
    let [client, peer] = place.etcd_ports.map(|port| format!("http://127.0.0.1:{port}"));
    let mut spec = Spec::new("etcd", tools::go_tool("etcd")?)
        .args(["--name", "default", "--unsafe-no-fsync", "--log-level", "warn", "--data-dir"])
        .arg(folder.join("etcd").display().to_string());
    for (flag, value) in [
        ("--listen-client-urls", &client),
        ("--advertise-client-urls", &client),
        ("--listen-peer-urls", &peer),
        ("--initial-advertise-peer-urls", &peer),
    ] {
        spec = spec.args([flag, value.as_str()]);
    }
    spec = spec.args(["--initial-cluster".to_owned(), format!("default={peer}")]);
    Ok(in_place(spec, place))
}

fn server_spec(place: &Place, folder: &Path) -> Result<Spec> {
    let file = |name: &str| folder.join(name).display().to_string();
    let mut flags = vec![
        format!("--etcd-servers=http://127.0.0.1:{}", place.etcd_ports[0]),
        format!("--secure-port={}", place.port),
        format!("--advertise-address={}", place.advertise),
        format!("--tls-cert-file={}", file("apiserver.crt")),
        format!("--tls-private-key-file={}", file("apiserver.key")),
        format!("--cert-dir={}", file("certificates")),
        format!("--service-account-issuer={ISSUER}"),
        format!("--api-audiences={ISSUER}"),
        format!("--service-account-key-file={}", file("service-accounts.pub")),
        format!("--service-account-signing-key-file={}", file("service-accounts.key")),
        format!("--token-auth-file={}", file("tokens.csv")),
        "--authorization-mode=Node,RBAC".into(),
        "--service-cluster-ip-range=10.96.0.0/16".into(),
        "--allow-privileged=true".into(),
        "--kubelet-preferred-address-types=InternalIP".into(),
        "--profiling=false".into(),
    ];
    if place.inside.is_some() {
        flags.push("--bind-address=0.0.0.0".into());
    } else {
        // Nobody reaches the API server through the Service `kubernetes` here.
        flags.extend(["--bind-address=127.0.0.1", "--endpoint-reconciler-type=none"].map(String::from));
    }
    Ok(in_place(Spec::new("kube-apiserver", tools::go_tool("kube-apiserver")?).args(flags), place))
}

fn in_place(spec: Spec, place: &Place) -> Spec {
    match place.inside {
        Some(process) => spec.inside(process),
        None => spec,
    }
}

/// Makes a port of a process's network namespace reachable on the machine's loopback, through a process started in it, so that the
/// machine's own network stays as it is. Gives the loopback port.
///
/// # Errors
/// When socat is missing or no port is free.
pub fn relay(process: u32, port: u16, folder: &Path) -> Result<(Process, u16)> {
    let socat = tools::system_tool("socat")?;
    let [outside] = free_ports::<1>()?;
    // socat splits at colons and commas: those of the inner address are escaped.
    let inside = format!("EXEC:nsenter --target {process} --net -- {} STDIO TCP\\:127.0.0.1\\:{port}", socat.display());
    let spec = Spec::new(format!("relay-{port}"), socat)
        .arg(format!("TCP-LISTEN:{outside},bind=127.0.0.1,reuseaddr,fork,backlog=128"))
        .arg(inside);
    Ok((Process::start(&spec, folder)?, outside))
}

/// Ports of the machine's loopback that nobody listens on.
///
/// # Errors
/// When none is free.
pub fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let mut ports = [0; N];
    // Held until all are chosen, so that they differ.
    let mut held = Vec::with_capacity(N);
    for port in &mut ports {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        *port = listener.local_addr()?.port();
        held.push(listener);
    }
    Ok(ports)
}

/// A new folder for one fixture; those of processes that are gone are removed.
///
/// # Errors
/// When it cannot be made.
pub fn fresh_folder(stem: &str) -> Result<PathBuf> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let runs = workspace::scratch().join("run");
    std::fs::create_dir_all(&runs)?;
    for entry in std::fs::read_dir(&runs)?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let process = name.strip_prefix(stem).and_then(|rest| rest.split('-').nth(1).map(str::to_owned));
        if process.is_some_and(|process| !Path::new("/proc").join(process).exists()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    let folder = runs.join(format!("{stem}-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed)));
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// The text of a kubeconfig: JSON, which is YAML.
#[must_use]
pub fn kubeconfig(server: &str, authority: &Path, token: &str, namespace: &str) -> String {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": {"server": server, "certificate-authority": authority}}],
        "users": [{"name": "user", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "user", "namespace": namespace}}],
        "current-context": "test",
    })
    .to_string()
}
