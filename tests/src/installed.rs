//! A cluster with Pillion installed by its chart, a recorded provider, and a team whose application talks through the sidecar.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::build::Optimised;
use crate::cluster::Cluster;
use crate::provider::Received;
use crate::sdk::{self, Exchange};
use crate::{images, wait, workspace};

/// The namespace of the release.
pub const SYSTEM: &str = "pillion-system";
/// The namespace of the team.
pub const TEAM: &str = "team-a";
/// Client SDKs times providers times modes: one round of the application.
pub const ROUND: usize = 16;
const ANSWERED_WITHIN: Duration = Duration::from_secs(90);

/// The cluster and what is installed in it.
pub struct Installed {
    cluster: Cluster,
}

impl Installed {
    /// Starts a cluster and installs the chart with helm, as the README says.
    ///
    /// # Errors
    /// When an image cannot be built, or the release does not become ready.
    pub async fn start() -> Result<Self> {
        Self::start_with(&[]).await
    }

    /// The same with values of the chart, such as `secrets.access=Cluster`.
    ///
    /// # Errors
    /// As [`Installed::start`].
    pub async fn start_with(values: &[&str]) -> Result<Self> {
        let built =
            [images::of_the_product(Optimised::ForTests)?, images::of_the_provider()?, images::of_the_clients()?];
        let this = Self { cluster: Cluster::start().await? };
        built.iter().flatten().try_for_each(|image| this.cluster.import(image))?;
        let chart = workspace::root().join("charts/pillion").display().to_string();
        let registry = format!("global.imageRegistry={}", images::REGISTRY);
        let install = [
            "install",
            "pillion",
            &chart,
            "--namespace",
            SYSTEM,
            "--create-namespace",
            "--wait",
            "--timeout=3m",
            "--set",
            &registry,
        ];
        let values = values.iter().flat_map(|&value| ["--set", value]);
        this.cluster
            .helm(install.into_iter().chain(values))
            .map_err(|error| error.context(this.cluster.pods_of(SYSTEM)))?;
        Ok(this)
    }

    /// Starts the recorded provider, applies the team's objects with kubectl and starts its application.
    ///
    /// # Errors
    /// When something of it does not become ready.
    pub async fn start_team(&self) -> Result<()> {
        self.start_provider()?;
        self.cluster.kubectl(["create", "namespace", TEAM])?;
        self.apply_case("team.yaml")?;
        self.apply_case("assistant.yaml")?;
        self.cluster.rolled_out(TEAM, "deployment/assistant")
    }

    /// Starts the recorded provider.
    ///
    /// # Errors
    /// When it does not become ready.
    pub fn start_provider(&self) -> Result<()> {
        self.apply_case("provider.yaml")?;
        self.cluster.rolled_out("providers", "deployment/recorded-provider")
    }

    /// The cluster.
    #[must_use]
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The cluster, to be changed.
    pub fn cluster_mut(&mut self) -> &mut Cluster {
        &mut self.cluster
    }

    /// Applies a file of `tests/cases/cluster`.
    ///
    /// # Errors
    /// When kubectl fails.
    pub fn apply_case(&self, file: &str) -> Result<String> {
        let path = workspace::root().join("tests/cases/cluster").join(file).display().to_string();
        // The team's namespace gets its default service account a moment after it is made; the API server then takes pods.
        self.cluster.kubectl(["apply", "-f", &path])
    }

    /// What the application's SDKs have said so far.
    ///
    /// # Errors
    /// When its log cannot be read.
    pub fn exchanges(&self) -> Result<Vec<Exchange>> {
        sdk::parse(&self.cluster.kubectl(["logs", "--namespace", TEAM, "deployment/assistant", "--container=app"])?)
    }

    /// Waits for one more round of the application, and checks that it is whole: every SDK got from every provider a chat, a stream
    /// and a tool call.
    ///
    /// # Errors
    /// When an exchange fails, or none comes.
    pub async fn serves(&self, why: &str) -> Result<()> {
        let before = self.exchanges()?.len();
        let round = wait::until(why, ANSWERED_WITHIN, || async {
            let all = self.exchanges()?;
            ensure!(all.len() >= before + ROUND, "{} of {ROUND} exchanges so far", all.len() - before);
            Ok(all[before..before + ROUND].to_vec())
        })
        .await
        .map_err(|error| error.context(self.cluster.pods_of(TEAM)))?;
        for exchange in &round {
            exchange.is_complete().with_context(|| format!("{why}\n{}", self.cluster.pods_of(TEAM)))?;
        }
        let combinations: BTreeSet<_> =
            round.iter().map(|exchange| (&exchange.sdk, &exchange.model, &exchange.mode)).collect();
        ensure!(combinations.len() == ROUND, "a round is not whole: {combinations:?}");
        Ok(())
    }

    /// Waits until the application's exchanges succeed again.
    ///
    /// # Errors
    /// When they do not in time.
    pub async fn serves_again(&self, why: &str) -> Result<()> {
        let before = self.exchanges()?.len();
        wait::until(why, ANSWERED_WITHIN, || async {
            let all = self.exchanges()?;
            ensure!(all.len() >= before + ROUND, "{} exchanges so far", all.len() - before);
            all[all.len() - ROUND..].iter().try_for_each(Exchange::is_complete)
        })
        .await
        .map_err(|error| error.context(self.cluster.pods_of(TEAM)))
    }

    /// What the recorded provider received.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn received(&self) -> Result<Vec<Received>> {
        let path = "/api/v1/namespaces/providers/services/recorded-provider:8080/proxy/_received";
        Ok(serde_json::from_str(&self.cluster.kubectl(["get", "--raw", path])?)?)
    }

    /// Ends every replica of the operator at once, without grace, and keeps it so.
    ///
    /// # Errors
    /// When a replica remains.
    pub async fn kill_operator(&self) -> Result<()> {
        self.scale_operator(0)?;
        self.cluster.kubectl([
            "delete",
            "pods",
            "--namespace",
            SYSTEM,
            "--selector=app.kubernetes.io/name=pillion",
            "--grace-period=0",
            "--force",
            "--ignore-not-found",
        ])?;
        wait::until("the end of the operator", Duration::from_secs(60), || async {
            let pods = self.cluster.kubectl(["get", "pods", "--namespace", SYSTEM, "-o", "name"])?;
            ensure!(pods.is_empty(), "{pods}");
            Ok(())
        })
        .await
    }

    /// Starts the operator again and waits for it.
    ///
    /// # Errors
    /// When it does not become ready.
    pub fn revive_operator(&self) -> Result<()> {
        self.scale_operator(2)?;
        self.cluster.rolled_out(SYSTEM, "deployment/pillion-operator")
    }

    fn scale_operator(&self, replicas: u8) -> Result<()> {
        let replicas = format!("--replicas={replicas}");
        self.cluster.kubectl(["scale", "--namespace", SYSTEM, "deployment/pillion-operator", &replicas]).map(drop)
    }

    /// Kills the sidecar's process on the node, as the kernel does when memory is short; kubelet starts it again.
    ///
    /// # Errors
    /// When it is not started again.
    pub async fn kill_sidecar(&self) -> Result<()> {
        let id = self.sidecar("{.containerID}")?;
        let id = id.trim_start_matches("containerd://");
        self.cluster.on_node("ctr", ["--namespace", "k8s.io", "tasks", "kill", "--signal", "SIGKILL", id])?;
        wait::until("the sidecar's restart", Duration::from_secs(60), || async {
            let state = self.sidecar("{.restartCount} {.started}")?;
            ensure!(state == "1 true", "restarts and started: {state}");
            Ok(())
        })
        .await
        .map_err(|error| error.context(self.cluster.pods_of(TEAM)))
    }

    fn sidecar(&self, fields: &str) -> Result<String> {
        let path = format!(
            r#"jsonpath={{range .items[*].status.initContainerStatuses[?(@.name=="pillion")]}}{fields}{{end}}"#
        );
        self.cluster.kubectl(["get", "pods", "--namespace", TEAM, "--selector=app=assistant", "-o", &path])
    }
}
