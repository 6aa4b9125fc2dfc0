//! `pillion inject`: the webhook's function over files.

use super::{CommandError, note, put, read};
use pillion_operator::config::Config;
use pillion_operator::inject::InjectContext;
use pillion_operator::manifests::inject_manifest;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// YAML with pods and workloads; `-` reads standard input
    #[arg(short, long, value_name = "FILE", required = true)]
    filename: Vec<PathBuf>,
    /// The operator's configuration
    #[arg(long, value_name = "FILE", default_value = "/etc/pillion/operator.yaml")]
    config: PathBuf,
    /// PEM of the authorities that the sidecar trusts the config server by (`ca.crt` of the Secret `pillion-ca`)
    #[arg(long, value_name = "PEM")]
    ca_file: Option<PathBuf>,
}

/// Injects what asks for it; pods that say nothing are taken as asking.
pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, CommandError> {
    let content = |path: &PathBuf, problem: String| CommandError::Content { path: path.clone(), problem };
    let config =
        Config::parse(&read(&arguments.config)?).map_err(|error| content(&arguments.config, error.to_string()))?;
    let ca_bundle = arguments.ca_file.as_deref().map(read).transpose()?.unwrap_or_default();
    let context = InjectContext { config: &config, ca_bundle: &ca_bundle, seal: None, namespace_labels: None };
    for (index, path) in arguments.filename.iter().enumerate() {
        let result = inject_manifest(&read(path)?, &context).map_err(|error| content(path, error.to_string()))?;
        result.notes.iter().for_each(|line| note(line));
        if index > 0 {
            put("---\n")?;
        }
        put(&result.yaml)?;
    }
    Ok(ExitCode::SUCCESS)
}
