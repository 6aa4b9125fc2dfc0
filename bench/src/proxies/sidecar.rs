//! Ours, standalone: the objects that a user would write, with its log line and metrics for each call as it has them.

use super::{OURS, Place, Proxy, free_port};
use crate::cases::{Case, Transport, Wire};
use anyhow::ensure;
use std::path::PathBuf;
use tokio::process::Command;

/// The binary.
pub(super) struct Sidecar(pub(super) PathBuf);

impl Proxy for Sidecar {
    fn name(&self) -> &'static str {
        OURS
    }

    fn install(&self) -> anyhow::Result<String> {
        ensure!(self.0.is_file(), "no binary is at {}", self.0.display());
        Ok(env!("CARGO_PKG_VERSION").to_owned())
    }

    fn carries(&self, _case: &Case) -> bool {
        true
    }

    fn command(&self, place: &Place<'_>) -> anyhow::Result<Option<Command>> {
        let Place { case, upstream, port, folder } = place;
        // A folder of its own: the sidecar watches it, and must not wake up for its own log.
        let watched = folder.join("objects");
        std::fs::create_dir_all(&watched)?;
        let file = watched.join("objects.yaml");
        std::fs::write(&file, objects(case, upstream.port))?;
        let mut command = Command::new(&self.0);
        command.arg("run").arg("-f").arg(file);
        command.arg("--data-address").arg(format!("127.0.0.1:{port}"));
        for flag in ["--health-address", "--admin-address"] {
            command.arg(flag).arg(format!("127.0.0.1:{}", free_port()?));
        }
        if let Some(file) = upstream.authority_file(folder)? {
            command.arg("--ca-file").arg(file);
        }
        Ok(Some(command))
    }
}

fn objects(case: &Case, upstream: u16) -> String {
    let scheme = if case.transport == Transport::Plain { "http" } else { "https" };
    let (kind, version) = match case.provider {
        Wire::OpenAI => ("OpenAI", "/v1"),
        Wire::Anthropic => ("Anthropic", ""),
    };
    let rule = ["name: all", "backends: [{provider: {name: bench}}]", case.rule].join(", ");
    format!(
        "apiVersion: pillion.dev/v1alpha1\nkind: AIProvider\nmetadata: {{name: bench}}\n\
         spec: {{type: {kind}, endpoint: '{scheme}://localhost:{upstream}{version}', allowInsecure: true, auth: {{type: APIKey, apiKey: {{mounted: {{key: bench}}}}}}}}\n\
         ---\n\
         apiVersion: pillion.dev/v1alpha1\nkind: AIRoute\nmetadata: {{name: bench}}\n\
         spec: {{rules: [{{{}}}]}}\n\
         ---\n\
         apiVersion: v1\nkind: Secret\nmetadata: {{name: pillion-credentials}}\nstringData: {{bench: bench-key}}\n",
        rule.trim_end_matches(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::CASES;

    #[test]
    fn a_cases_rule_becomes_part_of_the_routes_rule() {
        let plain = CASES.iter().find(|case| case.name == "openai-1k").unwrap();
        assert!(objects(plain, 1).contains("rules: [{name: all, backends: [{provider: {name: bench}}]}]"));
        let varied = Case { rule: "timeouts: {request: 60s}", ..*plain };
        assert!(objects(&varied, 1).contains("{name: bench}}], timeouts: {request: 60s}}]"), "{}", objects(&varied, 1));
    }
}
