//! A sidecar that runs by itself on loopback, configured by files, as a user without a cluster runs it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;

use crate::apiserver::{free_ports, fresh_folder};
use crate::build::{self, SIDECAR};
use crate::process::{Process, Spec};
use crate::{client, wait};

/// A running standalone sidecar; killed on drop.
pub struct Standalone {
    process: Process,
    folder: PathBuf,
    data: u16,
    health: u16,
}

impl Standalone {
    /// Starts a sidecar with these objects, and waits until it has started.
    ///
    /// # Errors
    /// When it does not compile, or does not come up (with the end of its log).
    pub async fn start(objects: &str) -> Result<Self> {
        let folder = fresh_folder("standalone")?;
        std::fs::create_dir_all(folder.join("objects"))?;
        std::fs::write(folder.join("objects/all.yaml"), objects)?;
        Self::start_with(&[&folder.join("objects")], folder.clone()).await
    }

    /// Starts a sidecar with the objects in these files and folders.
    ///
    /// # Errors
    /// As [`Standalone::start`].
    pub async fn start_with(files: &[&Path], folder: PathBuf) -> Result<Self> {
        let [data, admin, health] = free_ports::<3>()?;
        let mut spec = Spec::new("pillion-sidecar", build::debug(SIDECAR)?).arg("run");
        for file in files {
            spec = spec.args(["--file".to_owned(), file.display().to_string()]);
        }
        for (flag, port) in [("--data-address", data), ("--admin-address", admin), ("--health-address", health)] {
            spec = spec.args([flag.to_owned(), format!("127.0.0.1:{port}")]);
        }
        let mut process = Process::start(&spec, &folder)?;
        wait::until("a started sidecar", Duration::from_secs(20), || {
            let alive = process.alive();
            async move {
                alive?;
                let reply = client::get(&format!("http://127.0.0.1:{health}/healthz/started")).await?;
                wait::holds(reply.status.is_success(), reply.text())
            }
        })
        .await?;
        Ok(Self { process, folder, data, health })
    }

    /// The base URL of a vendor's SDKs: what stands after `/-/`, such as `openai/v1`.
    #[must_use]
    pub fn base(&self, vendor: &str) -> String {
        format!("http://127.0.0.1:{}/-/{vendor}", self.data)
    }

    /// The base URL of health and metrics.
    #[must_use]
    pub fn health(&self) -> String {
        format!("http://127.0.0.1:{}", self.health)
    }

    /// Replaces the objects.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn rewrite(&self, objects: &str) -> Result<()> {
        // Renamed into place, as editors and kubelet do: the sidecar never sees half a file.
        let draft = self.folder.join("draft.yaml");
        std::fs::write(&draft, objects)?;
        Ok(std::fs::rename(draft, self.folder.join("objects/all.yaml"))?)
    }

    /// The process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// All that it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.output()
    }
}

impl Drop for Standalone {
    fn drop(&mut self) {
        self.process.kill();
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}
