//! A proxy as a process: started, asked what it used, stopped.

use anyhow::Context;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

/// A running proxy; killed when dropped.
pub(crate) struct Process {
    /// What it is called in the table.
    pub(crate) name: String,
    /// The port it serves on 127.0.0.1.
    pub(crate) port: u16,
    child: Child,
    /// Of the process whose cost counts: a master that forks its worker is not it.
    worker: u32,
    /// From the start to the first accepted connection.
    pub(crate) start: Duration,
}

impl Process {
    /// Starts `command` and waits until `port` accepts.
    pub(crate) async fn start(name: &str, mut command: Command, port: u16, log: &Path) -> anyhow::Result<Self> {
        let output = std::fs::File::create(log).with_context(|| format!("failed to create {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).kill_on_drop(true);
        let begun = Instant::now();
        let child = command.spawn().with_context(|| format!("failed to start {name}"))?;
        let deadline = begun + Duration::from_secs(120);
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            anyhow::ensure!(Instant::now() < deadline, "{name} does not listen on {port}: see {}", log.display());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let start = begun.elapsed();
        let id = child.id().context("the process has ended")?;
        Ok(Self { name: name.to_owned(), port, child, worker: worker_of(id), start })
    }

    /// CPU time used so far by the process and its children, in µs.
    pub(crate) fn cpu(&self) -> f64 {
        let mut total = 0.0;
        for id in tree(self.worker) {
            let tasks = std::fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten();
            for task in tasks {
                let text = std::fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
                let nanoseconds: f64 = text.split(' ').next().and_then(|text| text.parse().ok()).unwrap_or(0.0);
                total += nanoseconds / 1000.0;
            }
        }
        total
    }

    /// Resident memory in MiB.
    pub(crate) fn rss(&self) -> f64 {
        let pages = |id: u32| -> f64 {
            let text = std::fs::read_to_string(format!("/proc/{id}/statm")).unwrap_or_default();
            text.split(' ').nth(1).and_then(|text| text.parse().ok()).unwrap_or(0.0)
        };
        tree(self.worker).into_iter().map(pages).sum::<f64>() * 4096.0 / f64::from(1 << 20)
    }

    /// Ends it.
    pub(crate) async fn stop(mut self) {
        // A master that is killed leaves its workers; asked to end, it takes them along.
        let _ = Command::new("kill").arg(self.child.id().unwrap_or_default().to_string()).status().await;
        let _ = tokio::time::timeout(Duration::from_secs(5), self.child.wait()).await;
    }
}

/// The process itself, or its only child where it has one (nginx's and haproxy's master).
fn worker_of(id: u32) -> u32 {
    match children(id).as_slice() {
        [only] => *only,
        _ => id,
    }
}

fn tree(id: u32) -> Vec<u32> {
    let mut all = vec![id];
    let mut at = 0;
    while at < all.len() {
        all.extend(children(all[at]));
        at += 1;
    }
    all
}

fn children(id: u32) -> Vec<u32> {
    let text = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|id| id.parse().ok()).collect()
}
