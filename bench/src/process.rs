//! A proxy as a process: started, asked what it used, stopped.

use anyhow::{Context, ensure};
use pillion_bench::usage::{Usage, tree};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

/// A gateway in Python takes most of a minute.
const LIMIT: Duration = Duration::from_secs(120);

/// A running proxy with all its children; killed when dropped.
pub(crate) struct Process {
    /// What it used so far.
    pub(crate) usage: Usage,
    /// From the start to the first accepted connection.
    pub(crate) accepted: Duration,
    /// When it was started.
    pub(crate) begun: Instant,
    child: Child,
    /// Of it and its children: a master that is killed leaves its workers.
    group: u32,
}

/// Whose cost counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    /// The process and all that it starts.
    All,
    /// Its only child: nginx's master waits, and shares its pages with the worker.
    Worker,
}

impl Process {
    /// Starts `command` and waits until `port` accepts. The output goes to `log`.
    pub(crate) async fn start(mut command: Command, port: u16, counted: Counted, log: &Path) -> anyhow::Result<Self> {
        let program = command.as_std().get_program().to_owned();
        let output = std::fs::File::create(log).with_context(|| format!("failed to create {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).process_group(0).kill_on_drop(true);
        let begun = Instant::now();
        let child = command.spawn().with_context(|| format!("failed to start {}", program.display()))?;
        let group = child.id().context("a process that was just started has an id")?;
        let mut process = Self { usage: Usage::of(group), accepted: LIMIT, begun, child, group };
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            let ended = process.child.try_wait()?;
            let in_time = begun.elapsed() < LIMIT && ended.is_none();
            ensure!(in_time, "{} does not listen on {port}: {}", program.display(), tail(log));
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        process.accepted = begun.elapsed();
        if let (Counted::Worker, [_, worker]) = (counted, &tree(group)[..]) {
            process.usage = Usage::of(*worker);
        }
        Ok(process)
    }

    /// The id of the process that was started.
    pub(crate) fn id(&self) -> u32 {
        self.group
    }

    /// Asks it to end, and waits a little.
    pub(crate) async fn stop(mut self) {
        let _ = Command::new("kill").arg(self.group.to_string()).status().await;
        let _ = tokio::time::timeout(Duration::from_secs(5), self.child.wait()).await;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let group = format!("-{}", self.group);
        let mut kill = std::process::Command::new("kill");
        let _ = kill.args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
    }
}

/// The end of what it wrote, for messages.
fn tail(log: &Path) -> String {
    let text = std::fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}
