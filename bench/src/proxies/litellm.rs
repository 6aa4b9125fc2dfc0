//! LiteLLM's proxy, one worker: no key of its own, no database, no callback, no access log, nothing fetched at start.

use super::install::Package;
use super::{Place, Proxy};
use crate::cases::{Case, Transport, Wire};
use tokio::process::Command;

pub(super) struct LiteLLM;

const PACKAGE: Package = Package { name: "litellm", package: "litellm[proxy]", version: "1.106.0" };

impl Proxy for LiteLLM {
    fn name(&self) -> &'static str {
        "litellm"
    }

    fn install(&self) -> anyhow::Result<String> {
        PACKAGE.python()
    }

    fn carries(&self, case: &Case) -> bool {
        case.transport == Transport::Plain
    }

    fn command(&self, place: &Place<'_>) -> anyhow::Result<Option<Command>> {
        let Place { case, upstream, port, folder } = place;
        let (model, version) = match case.provider {
            Wire::OpenAI => ("openai/bench", "/v1"),
            Wire::Anthropic => ("anthropic/bench", ""),
        };
        let config = format!(
            "model_list:\n\
             - model_name: bench\n\
             \x20 litellm_params: {{model: {model}, api_base: 'http://127.0.0.1:{}{version}', api_key: os.environ/BENCH_KEY}}\n\
             litellm_settings: {{use_chat_completions_url_for_anthropic_messages: true}}\n",
            upstream.port
        );
        let file = folder.join("litellm.yaml");
        std::fs::write(&file, config)?;
        // uvicorn writes a line for each request, unless its logging says otherwise.
        let logging = folder.join("logging.json");
        let quiet =
            r#"{"version": 1, "disable_existing_loggers": false, "loggers": {"uvicorn.access": {"level": "ERROR"}}}"#;
        std::fs::write(&logging, quiet)?;
        let mut command = Command::new(PACKAGE.folder().join("bin/litellm"));
        command.arg("--config").arg(file).arg("--log_config").arg(logging);
        command.args([
            "--host",
            "127.0.0.1",
            "--port",
            &port.to_string(),
            "--num_workers",
            "1",
            "--telemetry",
            "False",
        ]);
        command.env("BENCH_KEY", "bench-key").env("LITELLM_LOG", "ERROR").env("LITELLM_MODE", "PRODUCTION");
        command.env("LITELLM_LOCAL_MODEL_COST_MAP", "True").current_dir(folder);
        // No limit to its pool, as nobody else here has one: each open stream takes a connection.
        command.env("AIOHTTP_CONNECTOR_LIMIT", "0").env("AIOHTTP_CONNECTOR_LIMIT_PER_HOST", "0");
        // It would check a key of its own with each request, as nobody else here does.
        command.env("LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY", "true");
        Ok(Some(command))
    }
}
