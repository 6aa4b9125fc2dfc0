//! Portkey's gateway on Node, one process, without its console. Each request says where it goes.

use super::install::{Package, version_of};
use super::{Place, Proxy};
use crate::cases::{Case, Transport, Wire};
use crate::upstream::Upstream;
use http::{HeaderMap, HeaderValue};
use serde_json::json;
use tokio::process::Command;

pub(super) struct Portkey;

const PACKAGE: Package = Package { name: "portkey", package: "@portkey-ai/gateway", version: "1.15.2" };

impl Proxy for Portkey {
    fn name(&self) -> &'static str {
        "portkey"
    }

    fn install(&self) -> anyhow::Result<String> {
        let node = version_of("node", "--version", "npm")?;
        // The newest of its server with which it streams: later ones give it a reply whose headers it may not change.
        let fixed = json!({"@hono/node-server": "1.13.8"});
        Ok(format!("{} on Node {node}", PACKAGE.node(&fixed)?))
    }

    /// It does not translate Messages to Chat Completions.
    fn carries(&self, case: &Case) -> bool {
        case.transport == Transport::Plain && (case.client, case.provider) != (Wire::Anthropic, Wire::OpenAI)
    }

    fn headers(&self, case: &Case, upstream: &Upstream) -> HeaderMap {
        let provider = if case.provider == Wire::OpenAI { "openai" } else { "anthropic" };
        let host = format!("http://127.0.0.1:{}/v1", upstream.port);
        let mut headers = HeaderMap::new();
        headers.insert("x-portkey-provider", HeaderValue::from_static(provider));
        headers.insert("x-portkey-custom-host", host.parse().expect("a URL is a header's value"));
        headers
    }

    fn command(&self, place: &Place<'_>) -> anyhow::Result<Option<Command>> {
        let script = PACKAGE.folder().join("node_modules/@portkey-ai/gateway/build/start-server.js");
        let mut command = Command::new("node");
        command.arg(script).arg(format!("--port={}", place.port)).arg("--headless");
        command.env("NODE_ENV", "production").current_dir(&place.folder);
        Ok(Some(command))
    }
}
