//! The fixture `cluster`: a real Kubernetes of one node, in namespaces of its own, in about fifteen seconds.
//!
//! ```text
//! node: one process that holds the network, mount and process namespaces; when it dies, everything in them is gone
//!  ├─ etcd, kube-apiserver (reachable on the machine's loopback through a relay)
//!  ├─ kube-controller-manager, kube-scheduler, kube-proxy
//!  ├─ containerd, kubelet ─▶ pods
//!  └─ CoreDNS, a pod
//! ```
//! Needs root. The machine's own containerd, mounts and network are not touched.

mod cgroups;
mod dns;
mod node;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use kube::Client;

use crate::apiserver::{ApiServer, Place, fresh_folder};
use crate::images::{self, Written};
use crate::process::{self, Process, Spec};
use crate::{tools, wait};
use node::Node;

/// How long a pod may take from creation to readiness before a test gives up.
pub const POD_READY_WITHIN: Duration = Duration::from_secs(120);

/// A running cluster; dropping it ends and removes everything.
pub struct Cluster {
    // The order of the fields is the order of their drops.
    processes: Vec<Process>,
    api: ApiServer,
    node: Node,
    folder: PathBuf,
}

impl Cluster {
    /// Starts a cluster and waits until its node is ready and its name server answers.
    ///
    /// # Errors
    /// When a program is missing (with the command that installs it), or does not come up (with the end of its log).
    pub async fn start() -> Result<Self> {
        for (program, _) in tools::SYSTEM_TOOLS {
            tools::system_tool(program)?;
        }
        let images = images::of_the_cluster()?;
        cgroups::clear_stale();
        let folder = fresh_folder("cluster")?;
        let node = Node::start(&folder)?;
        let api_folder = folder.join("api");
        std::fs::create_dir_all(&api_folder)?;
        let api = ApiServer::start_at(Place::inside(node.id(), node::ADDRESS), &api_folder).await?;
        let mut this = Self { processes: Vec::new(), api, node, folder };
        this.start_control_plane()?;
        this.start_runtime().await?;
        for image in &images {
            this.import(image)?;
        }
        this.start_kubelet()?;
        this.node_ready().await?;
        dns::install(&this).await?;
        Ok(this)
    }

    fn start_control_plane(&mut self) -> Result<()> {
        let kubeconfig = self.api.kubeconfig_inside()?.display().to_string();
        let file = |name: &str| self.api.folder().join(name).display().to_string();
        let controllers = Spec::new("kube-controller-manager", tools::go_tool("kube-controller-manager")?).args([
            format!("--kubeconfig={kubeconfig}"),
            format!("--service-account-private-key-file={}", file("service-accounts.key")),
            format!("--root-ca-file={}", file("ca.crt")),
            format!("--cluster-cidr={}", node::POD_NETWORK),
            "--use-service-account-credentials=false".into(),
            "--leader-elect=false".into(),
        ]);
        let scheduler = Spec::new("kube-scheduler", tools::go_tool("kube-scheduler")?)
            .args([format!("--kubeconfig={kubeconfig}"), "--leader-elect=false".into()]);
        let proxy = Spec::new("kube-proxy", tools::go_tool("kube-proxy")?).args([
            format!("--kubeconfig={kubeconfig}"),
            format!("--hostname-override={}", node::NAME),
            "--proxy-mode=iptables".into(),
            format!("--cluster-cidr={}", node::POD_NETWORK),
            // The limit is the machine's, not the namespace's.
            "--conntrack-max-per-core=0".into(),
        ]);
        [controllers, scheduler, proxy].into_iter().try_for_each(|spec| self.run(spec))
    }

    async fn start_runtime(&mut self) -> Result<()> {
        let config = self.node.containerd_config(&self.folder)?;
        let containerd = tools::system_tool("containerd")?;
        self.run(Spec::new("containerd", containerd).args(["--config".to_owned(), config.display().to_string()]))?;
        wait::until("containerd", Duration::from_secs(30), || async { self.ctr(["version"]).map(drop) }).await
    }

    fn start_kubelet(&mut self) -> Result<()> {
        let config = self.node.kubelet_config(&self.folder)?;
        let kubeconfig = self.api.kubeconfig_inside()?;
        self.run(Spec::new("kubelet", tools::go_tool("kubelet")?).args([
            format!("--config={}", config.display()),
            format!("--kubeconfig={}", kubeconfig.display()),
            format!("--hostname-override={}", node::NAME),
            format!("--node-ip={}", node::ADDRESS),
            format!("--root-dir={}", self.folder.join("kubelet").display()),
            "--v=2".into(),
        ]))
    }

    fn run(&mut self, spec: Spec) -> Result<()> {
        self.processes.push(Process::start(&spec.inside(self.node.id()), &self.folder)?);
        Ok(())
    }

    async fn node_ready(&mut self) -> Result<()> {
        let processes = std::sync::Mutex::new(&mut self.processes);
        let api = &self.api;
        wait::until("a ready node", Duration::from_secs(90), || async {
            for process in processes.lock().map_err(|_| anyhow::anyhow!("poisoned"))?.iter_mut() {
                process.alive()?;
            }
            let path = r#"jsonpath={.status.conditions[?(@.type=="Ready")].status}"#;
            let ready = api.kubectl(["get", "node", node::NAME, "-o", path])?;
            wait::holds(ready == "True", format!("the node's readiness is {ready:?}"))
        })
        .await
    }

    /// The API server.
    #[must_use]
    pub fn api(&self) -> &ApiServer {
        &self.api
    }

    /// A client of a cluster administrator.
    ///
    /// # Errors
    /// When the client cannot be built.
    pub fn client(&self) -> Result<Client> {
        self.api.client()
    }

    /// Runs kubectl as the administrator.
    ///
    /// # Errors
    /// When kubectl fails: its message is in the error.
    pub fn kubectl<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Result<String> {
        self.api.kubectl(arguments)
    }

    /// Runs helm as the administrator, with no configuration of the machine's user.
    ///
    /// # Errors
    /// When helm fails: its message is in the error.
    pub fn helm<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Result<String> {
        let mut command = Command::new(tools::go_tool("helm")?);
        command.env("KUBECONFIG", self.api.kubeconfig()).args(arguments);
        for name in ["XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"] {
            command.env(name, self.folder.join("helm"));
        }
        process::run(&mut command)
    }

    /// Makes an image known to the node.
    ///
    /// # Errors
    /// When containerd refuses it.
    pub fn import(&self, image: &Written) -> Result<()> {
        let archive = image.archive.display().to_string();
        self.ctr(["images", "import", &archive]).with_context(|| format!("importing {}", image.name))?;
        Ok(())
    }

    /// Runs a command in the node's namespaces and gives what it printed.
    ///
    /// # Errors
    /// When it fails.
    pub fn on_node<'a>(&self, program: &str, arguments: impl IntoIterator<Item = &'a str>) -> Result<String> {
        let spec = Spec::new(program, tools::system_tool(program)?).args(arguments).inside(self.node.id());
        process::run(&mut spec.command(false))
    }

    /// A file of a projected volume of a pod, as kubelet has it on the node.
    ///
    /// # Errors
    /// When it is not there.
    pub fn projected(&self, pod_uid: &str, volume: &str, file: &str) -> Result<String> {
        let volumes = self.folder.join("kubelet/pods").join(pod_uid).join("volumes/kubernetes.io~projected");
        self.on_node("cat", [volumes.join(volume).join(file).display().to_string().as_str()])
    }

    fn ctr<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Result<String> {
        self.on_node("ctr", ["--namespace", "k8s.io"].into_iter().chain(arguments))
    }

    /// Waits for a rollout to finish; on failure tells what the namespace's pods say.
    ///
    /// # Errors
    /// When it has not finished in time.
    pub fn rolled_out(&self, namespace: &str, workload: &str) -> Result<()> {
        let timeout = format!("--timeout={}s", POD_READY_WITHIN.as_secs());
        self.kubectl(["rollout", "status", "--namespace", namespace, workload, &timeout])
            .map(drop)
            .map_err(|error| error.context(self.pods_of(namespace)))
    }

    /// What can be said about the pods of a namespace, for messages.
    #[must_use]
    pub fn pods_of(&self, namespace: &str) -> String {
        let ask = |arguments: &[&str]| {
            let all = arguments.iter().copied().chain(["--namespace", namespace]);
            self.kubectl(all).unwrap_or_else(|error| format!("{error:#}"))
        };
        let pods = ask(&["get", "pods", "-o", "wide"]);
        let described = ask(&["describe", "pods"]);
        let events = ask(&["get", "events", "--sort-by=.lastTimestamp"]);
        let logs: String = ask(&["get", "pods", "-o", "name"])
            .lines()
            .map(|pod| format!("-- {pod}\n{}", ask(&["logs", pod, "--all-containers", "--prefix", "--tail=40"])))
            .collect();
        format!("pods of {namespace}:\n{pods}\n{described}\n{events}\n{logs}")
    }

    /// Makes a port of the node's network reachable on the machine's loopback, for as long as the cluster lives.
    ///
    /// # Errors
    /// When no port is free.
    pub fn relay(&mut self, port: u16) -> Result<u16> {
        let (process, outside) = crate::apiserver::relay(self.node.id(), port, &self.folder)?;
        self.processes.push(process);
        Ok(outside)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Everything inside dies with the node; the rest is to let the cgroups empty before they are removed.
        self.node.kill();
        self.processes.clear();
        cgroups::remove(std::process::id());
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

/// Writes a file and gives its path.
fn written(folder: &Path, name: &str, text: &str) -> Result<PathBuf> {
    let path = folder.join(name);
    std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
    Ok(path)
}
