//! A child process that cannot outlive the tests: killed on drop, and by the kernel when the test process dies.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, OnceLock, mpsc};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::wait;

/// How to start a process.
#[derive(Debug)]
pub struct Spec {
    name: String,
    program: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    folder: Option<PathBuf>,
    inside: Option<u32>,
}

impl Spec {
    /// A process named `name` in messages and in the name of its log file.
    #[must_use]
    pub fn new(name: impl Into<String>, program: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            program: program.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            folder: None,
            inside: None,
        }
    }

    /// One more argument.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// More arguments.
    #[must_use]
    pub fn args<T: Into<String>>(mut self, arguments: impl IntoIterator<Item = T>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// An environment variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// The working directory.
    #[must_use]
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Runs in the network, mount and process namespaces of the process with this id. `nsenter` and not `ip netns exec`: the latter
    /// remounts `/sys` and so hides the cgroups from containerd and kubelet.
    #[must_use]
    pub fn inside(mut self, process: u32) -> Self {
        self.inside = Some(process);
        self
    }

    /// The command, with the namespaces entered.
    #[must_use]
    pub fn command(&self, die_with_us: bool) -> Command {
        let mut words: Vec<String> = Vec::new();
        if let Some(process) = self.inside {
            let target = process.to_string();
            words.extend(["nsenter", "--target", &target, "--net", "--mount", "--pid", "--"].map(String::from));
        }
        if die_with_us {
            words.extend(["setpriv", "--pdeathsig", "KILL", "--"].map(String::from));
        }
        words.push(self.program.display().to_string());
        words.extend(self.arguments.iter().cloned());
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).envs(self.environment.iter().map(|(name, value)| (name, value)));
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        command
    }
}

/// A running process. Its output goes to `<logs>/<name>.log`.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts the process.
    ///
    /// # Errors
    /// When its program cannot be started or its log cannot be written.
    pub fn start(spec: &Spec, logs: &Path) -> Result<Self> {
        std::fs::create_dir_all(logs)?;
        let log = logs.join(format!("{}.log", spec.name));
        let output = File::options().create(true).append(true).open(&log)?;
        let mut command = spec.command(true);
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).process_group(0);
        let child = spawn(command).with_context(|| format!("starting {}", spec.name))?;
        Ok(Self { name: spec.name.clone(), child, log })
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The file with its output.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// All that it has written so far.
    #[must_use]
    pub fn output(&self) -> String {
        std::fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// The last bytes that it wrote, for messages.
    #[must_use]
    pub fn tail(&self) -> String {
        tail(&self.log).unwrap_or_default()
    }

    /// An error with the end of the log, once the process has ended.
    ///
    /// # Errors
    /// See above.
    pub fn alive(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => {
                bail!("{} ended with {status}; the end of {}:\n{}", self.name, self.log.display(), self.tail())
            }
        }
    }

    /// Sends a signal, named as `kill` names it: `TERM`, `STOP`, `CONT`.
    ///
    /// # Errors
    /// When `kill` cannot be run or refuses.
    pub fn signal(&self, signal: &str) -> Result<()> {
        let status = Command::new("kill").args([format!("-{signal}"), self.child.id().to_string()]).status()?;
        if !status.success() {
            bail!("sending {signal} to {} failed", self.name);
        }
        Ok(())
    }

    /// Kills the process and waits for its end.
    pub fn kill(&mut self) {
        // The group, for a program that has children of its own.
        let _ =
            Command::new("kill").args(["-KILL", "--", &format!("-{}", self.child.id())]).stderr(Stdio::null()).status();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits for the process to end by itself.
    ///
    /// # Errors
    /// When it has not ended within `limit`.
    pub async fn ended(&mut self, limit: Duration) -> Result<ExitStatus> {
        let name = self.name.clone();
        let child = Mutex::new(&mut self.child);
        wait::until(&format!("the end of {name}"), limit, || async {
            let mut child = child.lock().map_err(|_| anyhow::anyhow!("poisoned"))?;
            child.try_wait()?.context("still running")
        })
        .await
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn tail(path: &Path) -> Result<String> {
    const BYTES: u64 = 4096;
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(BYTES)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

type Order = (Command, mpsc::Sender<std::io::Result<Child>>);

/// Starts a command on a thread that lives as long as the process: the kernel's death signal is sent when the *thread*
/// that started the child ends, and a test's thread ends before a fixture that other tests share.
fn spawn(command: Command) -> Result<Child> {
    static SPAWNER: OnceLock<Mutex<mpsc::Sender<Order>>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (orders, inbox) = mpsc::channel::<Order>();
        std::thread::spawn(move || {
            for (mut command, reply) in inbox {
                let _ = reply.send(command.spawn());
            }
        });
        Mutex::new(orders)
    });
    let (reply, answer) = mpsc::channel();
    spawner
        .lock()
        .map_err(|_| anyhow::anyhow!("the spawner is poisoned"))?
        .send((command, reply))
        .ok()
        .context("the spawner ended")?;
    Ok(answer.recv()??)
}

/// Runs a command to its end and gives its standard output.
///
/// # Errors
/// When it cannot be started or fails: its name, status and both outputs.
pub fn run(command: &mut Command) -> Result<String> {
    let name = format!("{:?}", command.get_program());
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("starting {name}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        bail!("{command:?}: {}\n{text}{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(text)
}
