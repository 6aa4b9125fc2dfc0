//! Shepherd's model gateway as a plain router of one OpenAI or Anthropic backend.

use super::install::Package;
use super::{Place, Proxy, free_port};
use crate::cases::{Case, Transport, Wire};
use tokio::process::Command;

pub(super) struct Smg;

const PACKAGE: Package = Package { name: "smg", package: "smg", version: "1.13.0" };

impl Proxy for Smg {
    fn name(&self) -> &'static str {
        "smg"
    }

    fn install(&self) -> anyhow::Result<String> {
        PACKAGE.python()
    }

    /// It routes each format to backends of the same.
    fn carries(&self, case: &Case) -> bool {
        case.transport == Transport::Plain && case.relays()
    }

    fn command(&self, place: &Place<'_>) -> anyhow::Result<Option<Command>> {
        let backend = if place.case.provider == Wire::OpenAI { "openai" } else { "anthropic" };
        let mut command = Command::new(PACKAGE.folder().join("bin/smg"));
        command.args(["launch", "--backend", backend, "--host", "127.0.0.1", "--port", &place.port.to_string()]);
        command.args(["--worker-urls", &format!("http://127.0.0.1:{}", place.upstream.port)]);
        command.args(["--prometheus-port", &free_port()?.to_string(), "--prometheus-host", "127.0.0.1"]);
        command.args(["--log-level", "error", "--disable-health-check", "--history-backend", "none"]);
        command.args(["--shutdown-grace-period-secs", "1"]);
        command.current_dir(&place.folder);
        Ok(Some(command))
    }
}
