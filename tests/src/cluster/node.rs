//! The node: namespaces that everything of the cluster runs in, and the configuration of its container runtime and kubelet.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::{cgroups, written};
use crate::process::{self, Process, Spec};
use crate::{build, images, tools};

/// The node's name.
pub(super) const NAME: &str = "node";
/// The node's address, of a range kept for documentation.
pub(super) const ADDRESS: &str = "192.0.2.1";
/// Where pods get their addresses.
pub(super) const POD_NETWORK: &str = "10.244.0.0/16";
/// The name server's Service.
pub(super) const DNS: &str = "10.96.0.10";

/// The process that holds the namespaces. When it dies, the kernel kills every process in them, and mounts and network go with them:
/// nothing is left to clear after a crash but empty cgroups.
pub(super) struct Node {
    holder: Process,
    id: u32,
}

/// Folders that programs spell in their code, hidden under file systems of our own.
const PRIVATE: &[&str] =
    &["/run/containerd", "/run/netns", "/var/lib/cni", "/var/lib/kubelet", "/var/log/containers", "/var/log/pods"];

impl Node {
    pub(super) fn start(folder: &Path) -> Result<Self> {
        let pause = build::go_program("pause")?;
        let spec = Spec::new("node", tools::system_tool("unshare")?)
            .args(["--mount", "--net", "--pid", "--fork", "--kill-child", "--propagation", "private", "--"])
            .arg(pause.display().to_string());
        let holder = Process::start(&spec, folder)?;
        let id = child_of(holder.id()).context("the node's namespaces; they need root")?;
        let mut setup = Command::new(tools::system_tool("nsenter")?);
        setup.args(["--target", &id.to_string(), "--mount", "--net", "--pid", "--", "sh", "-ec", &setup_script()]);
        process::run(&mut setup).context("setting up the node's namespaces; they need root")?;
        cgroups::create(std::process::id())?;
        Ok(Self { holder, id })
    }

    /// The id, on the machine, of a process in the namespaces.
    pub(super) fn id(&self) -> u32 {
        self.id
    }

    pub(super) fn kill(&mut self) {
        self.holder.kill();
    }

    pub(super) fn containerd_config(&self, folder: &Path) -> Result<PathBuf> {
        std::fs::create_dir_all(folder.join("cni"))?;
        written(folder, "cni/10-pods.conflist", CNI)?;
        // No CAP_SYS_RESOURCE in many containers: without the first setting of the CRI plug-in runc cannot lower the OOM score and fails
        // with "can't get final child's PID from pipe".
        let text = format!(
            r#"version = 2
root = "{root}"
state = "/run/containerd"
[plugins."io.containerd.internal.v1.opt"]
  path = "{root}/opt"
[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  sandbox_image = "{pause}"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{cni}"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
"#,
            root = folder.join("containerd").display(),
            pause = images::PAUSE,
            cni = folder.join("cni").display(),
        );
        written(folder, "containerd.toml", &text)
    }

    pub(super) fn kubelet_config(&self, folder: &Path) -> Result<PathBuf> {
        let text = format!(
            r#"apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {{anonymous: {{enabled: true}}, webhook: {{enabled: false}}}}
authorization: {{mode: AlwaysAllow}}
cgroupDriver: cgroupfs
cgroupRoot: {cgroup}
failCgroupV1: false
failSwapOn: false
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
clusterDNS: ["{DNS}"]
clusterDomain: cluster.local
featureGates: {{KubeletInUserNamespace: true}}
volumePluginDir: {plugins}
resolvConf: ""
evictionHard: {{}}
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
enforceNodeAllocatable: []
syncFrequency: 5s
shutdownGracePeriod: 0s
"#,
            cgroup = cgroups::root(std::process::id()),
            plugins = folder.join("volume-plugins").display(),
        );
        written(folder, "kubelet.yaml", &text)
    }
}

const CNI: &str = r#"{"cniVersion": "0.4.0", "name": "pods", "plugins": [
  {"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": false, "hairpinMode": true,
   "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.244.0.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}
]}
"#;

fn setup_script() -> String {
    let hidden: String =
        PRIVATE.iter().map(|folder| format!("mkdir -p {folder}; mount -t tmpfs tmpfs {folder}\n")).collect();
    // Mounts are shared again, but among ourselves: containerd must see what kubelet mounts. A bridge serves as the node's network
    // card, since not every kernel has the device type `dummy`.
    format!(
        "mount --make-rprivate /
{hidden}mount --make-rshared /
mount -t proc proc /proc
ip link set lo up
ip link add node0 type bridge
ip addr add {ADDRESS}/24 dev node0
ip link set node0 up
ip route add default dev node0
sysctl -qw net.ipv4.ip_forward=1
sysctl -qw net.bridge.bridge-nf-call-iptables=1 || true
"
    )
}

/// The first child of a process, once it has one.
fn child_of(process: u32) -> Result<u32> {
    let file = format!("/proc/{process}/task/{process}/children");
    let deadline = Instant::now() + Duration::from_secs(5);
    while Instant::now() < deadline {
        let children = std::fs::read_to_string(&file).with_context(|| format!("reading {file}"))?;
        if let Some(child) = children.split_whitespace().next() {
            return Ok(child.parse()?);
        }
        std::thread::yield_now();
    }
    bail!("process {process} started nothing")
}
