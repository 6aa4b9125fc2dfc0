//! The programs the tests run and nobody here wrote: which they are, which version, where, and what command installs them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::workspace;

/// A program built from a Go module that pins it: `tools/<module>/go.mod`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GoTool {
    /// The program's name.
    pub name: &'static str,
    /// The folder under `tools/` whose `go.mod` holds the version.
    pub module: &'static str,
    /// The package to build.
    pub package: &'static str,
}

/// Every Go program of the test bed.
pub const GO_TOOLS: &[GoTool] = &[
    tool("etcd", "etcd", "go.etcd.io/etcd/server/v3"),
    tool("kube-apiserver", "kubernetes", "k8s.io/kubernetes/cmd/kube-apiserver"),
    tool("kubectl", "kubernetes", "k8s.io/kubernetes/cmd/kubectl"),
    tool("helm", "helm", "helm.sh/helm/v3/cmd/helm"),
    tool("kube-controller-manager", "kubernetes", "k8s.io/kubernetes/cmd/kube-controller-manager"),
    tool("kube-scheduler", "kubernetes", "k8s.io/kubernetes/cmd/kube-scheduler"),
    tool("kubelet", "kubernetes", "k8s.io/kubernetes/cmd/kubelet"),
    tool("kube-proxy", "kubernetes", "k8s.io/kubernetes/cmd/kube-proxy"),
    tool("coredns", "coredns", "github.com/coredns/coredns"),
];

const fn tool(name: &'static str, module: &'static str, package: &'static str) -> GoTool {
    GoTool { name, module, package }
}

/// A Python environment of pinned packages: `tools/<name>/requirements.txt`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PythonTool {
    /// Its name, and that of the folder under `tools/`.
    pub name: &'static str,
}

/// Every Python environment of the test bed.
pub const PYTHON_TOOLS: &[PythonTool] = &[PythonTool { name: "aws-oracle" }];

impl PythonTool {
    /// The file that pins its packages.
    #[must_use]
    pub fn requirements(&self) -> PathBuf {
        workspace::root().join("tools").join(self.name).join("requirements.txt")
    }

    /// The environment's folder, or where it would be: another for each list of packages.
    ///
    /// # Errors
    /// When the list cannot be read.
    pub fn folder(&self) -> Result<PathBuf> {
        let file = self.requirements();
        let text = std::fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
        let digest = ring::digest::digest(&ring::digest::SHA256, &text);
        let version: String = digest.as_ref().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        Ok(workspace::cache().join(format!("{}-{version}", self.name)))
    }
}

/// A program of one of [`PYTHON_TOOLS`], `python` for instance.
///
/// # Errors
/// When the environment is not there: the message is the command that installs it.
pub fn python_tool(name: &str, program: &str) -> Result<PathBuf> {
    let tool = PYTHON_TOOLS.iter().find(|tool| tool.name == name);
    let tool = tool.with_context(|| format!("no Python environment is named {name}"))?;
    let path = tool.folder()?.join("bin").join(program);
    if !path.is_file() {
        bail!("{name} is not installed; run: cargo xtask tools {name}");
    }
    Ok(path)
}

/// Programs of the system that the one-node cluster needs, each with the Debian package that brings it.
pub const SYSTEM_TOOLS: &[(&str, &str)] = &[
    ("containerd", "containerd"),
    ("ctr", "containerd"),
    ("runc", "runc"),
    ("iptables", "iptables"),
    ("ipset", "ipset"),
    ("conntrack", "conntrack"),
    ("socat", "socat"),
    ("ip", "iproute2"),
    ("nsenter", "util-linux"),
    ("setpriv", "util-linux"),
    ("unshare", "util-linux"),
    ("mount", "mount"),
    ("sysctl", "procps"),
    ("/usr/lib/cni/bridge", "containernetworking-plugins"),
];

/// What the vendors' SDKs run on, each with the Debian package that brings it and the version it must have.
pub const SDK_TOOLS: &[(&str, &str, &str)] = &[
    ("python3", "python3-venv", "Python 3.10 or newer, with venv"),
    ("node", "nodejs", "Node.js 20 or newer"),
    ("npm", "npm", "npm 10 or newer"),
    ("java", "default-jdk-headless", "Java 17 or newer"),
    ("javac", "default-jdk-headless", "Java 17 or newer"),
    ("mvn", "maven", "Maven 3.8 or newer"),
];

impl GoTool {
    /// The pinned version, such as `v1.36.3`: the direct requirement in the module's `go.mod`, and nowhere else.
    ///
    /// # Errors
    /// When the file is missing or has no direct requirement.
    pub fn version(&self) -> Result<String> {
        let file = self.folder().join("go.mod");
        let text = std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        text.lines()
            .filter_map(|line| line.strip_prefix("require "))
            .find(|line| !line.starts_with('('))
            .and_then(|line| line.split_whitespace().nth(1))
            .map(str::to_owned)
            .with_context(|| format!("{} has no `require MODULE VERSION` line", file.display()))
    }

    /// The folder of the module that pins the program.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        workspace::root().join("tools").join(self.module)
    }

    /// Where the program is, or would be once built.
    ///
    /// # Errors
    /// When the version cannot be read.
    pub fn path(&self) -> Result<PathBuf> {
        Ok(workspace::cache().join(format!("{}-{}", self.module, self.version()?)).join("bin").join(self.name))
    }

    /// The linker's flags. Kubernetes' programs carry their version, without which clients misbehave; helm carries its own and that
    /// of the Kubernetes it speaks for, without which it claims 1.20 and refuses charts that want more.
    ///
    /// # Errors
    /// When a version cannot be read.
    pub fn linker_flags(&self) -> Result<String> {
        let version = self.version()?;
        let stamps = match self.module {
            "kubernetes" => {
                let package = "k8s.io/component-base/version";
                let (major, minor) = ("1", minor(&version));
                vec![
                    format!("{package}.gitVersion={version}"),
                    format!("{package}.gitMajor={major}"),
                    format!("{package}.gitMinor={minor}"),
                ]
            }
            "helm" => {
                // client-go v0.N is Kubernetes 1.N.
                let client = self.required("k8s.io/client-go")?;
                let mut stamps = vec![format!("helm.sh/helm/v3/internal/version.version={version}")];
                for package in ["helm.sh/helm/v3/pkg/chartutil", "helm.sh/helm/v3/pkg/lint/rules"] {
                    stamps.push(format!("{package}.k8sVersionMajor=1"));
                    stamps.push(format!("{package}.k8sVersionMinor={}", minor(&client)));
                }
                stamps
            }
            _ => Vec::new(),
        };
        Ok(stamps.into_iter().fold("-s -w".to_owned(), |flags, stamp| format!("{flags} -X {stamp}")))
    }

    /// The version of a module that the tool's module requires, directly or not.
    fn required(&self, module: &str) -> Result<String> {
        let file = self.folder().join("go.mod");
        let text = std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        text.lines()
            .map(|line| line.trim().trim_start_matches("require ").split_whitespace())
            .find_map(|mut words| (words.next() == Some(module)).then(|| words.next().map(str::to_owned)).flatten())
            .with_context(|| format!("{} does not require {module}", file.display()))
    }
}

fn minor(version: &str) -> &str {
    version.split('.').nth(1).unwrap_or_default()
}

/// The path of one of [`GO_TOOLS`].
///
/// # Errors
/// When it is not built: the message is the command that builds it.
pub fn go_tool(name: &str) -> Result<PathBuf> {
    let tool = GO_TOOLS.iter().find(|tool| tool.name == name).with_context(|| format!("no Go tool is named {name}"))?;
    let path = tool.path()?;
    if !path.is_file() {
        bail!("{name} {} is not built; run: cargo xtask tools {name}", tool.version()?);
    }
    Ok(path)
}

/// The path of a program of the system, also looked for in the `sbin` folders.
///
/// # Errors
/// When it is not installed: the message is the command that installs it.
pub fn system_tool(name: &str) -> Result<PathBuf> {
    find(name).with_context(|| format!("{name} is not installed; run: cargo xtask tools debian"))
}

/// The path of one of [`SDK_TOOLS`].
///
/// # Errors
/// When it is not installed: the message says what to install.
pub fn sdk_tool(name: &str) -> Result<PathBuf> {
    let (_, package, wanted) =
        SDK_TOOLS.iter().find(|(known, _, _)| *known == name).with_context(|| format!("no SDK runs on {name}"))?;
    find(name)
        .with_context(|| format!("{name} is not installed: {wanted} is needed; on Debian: apt-get install {package}"))
}

/// Looks a program up in `PATH` and the `sbin` folders; an absolute name is looked up as it is.
#[must_use]
pub fn find(name: &str) -> Option<PathBuf> {
    if name.starts_with('/') {
        return Some(PathBuf::from(name)).filter(|path| path.is_file());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

/// The Go compiler.
///
/// # Errors
/// When there is none in `PATH` nor in Go's usual place.
pub fn go() -> Result<PathBuf> {
    find("go")
        .or_else(|| Some(Path::new("/usr/local/go/bin/go").to_path_buf()).filter(|path| path.is_file()))
        .context("the Go compiler is not installed; install Go 1.26 or newer from https://go.dev/dl and put it in PATH")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_go_tool_has_a_pinned_version_and_imports_its_package() {
        for tool in GO_TOOLS {
            let version = tool.version().unwrap();
            assert!(version.starts_with('v'), "{}: {version}", tool.name);
            let imports = std::fs::read_to_string(tool.folder().join("tools.go")).unwrap();
            assert!(imports.contains(&format!("_ \"{}\"", tool.package)), "{} is not in tools.go", tool.package);
        }
    }

    #[test]
    fn kubernetes_programs_carry_their_version() {
        let flags = GO_TOOLS.iter().find(|tool| tool.name == "kubelet").unwrap().linker_flags().unwrap();
        assert!(flags.contains(".gitVersion=v1."), "{flags}");
        assert!(flags.contains(".gitMajor=1 "), "{flags}");
    }
}
