//! The commands of `pillion`, one file each.

mod check;
mod doctor;
mod inject;
mod operator;

use clap::{Parser, Subcommand};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Pillion: an AI gateway that rides in the pod.
#[derive(Debug, Parser)]
#[command(name = "pillion", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the operator
    Operator(operator::Arguments),
    /// Check AIProviders and AIRoutes in files, without a cluster
    Check(check::Arguments),
    /// Write pods and workloads with the sidecar injected, as the webhook would
    Inject(inject::Arguments),
    /// Find out what a cluster and the clouds lack for each other
    Doctor(doctor::Arguments),
}

/// What ends a command with exit code 1.
#[derive(Debug, thiserror::Error)]
enum CommandError {
    #[error("failed to read '{}': {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("failed to write: {0}")]
    Write(#[source] std::io::Error),
    #[error("'{}': {problem}", path.display())]
    Content { path: PathBuf, problem: String },
    #[error("failed to {action}: {problem}")]
    Run { action: &'static str, problem: String },
}

/// Runs what the command line asks for.
pub(crate) fn run() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Operator(arguments) => operator::run(arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Inject(arguments) => inject::run(&arguments),
        Command::Doctor(arguments) => doctor::run(arguments),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            note(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Reads a file, or standard input for `-`.
fn read(path: &Path) -> Result<String, CommandError> {
    let failed = |source| CommandError::Read { path: path.to_owned(), source };
    if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(failed)?;
        return Ok(text);
    }
    std::fs::read_to_string(path).map_err(failed)
}

/// Writes a command's result.
fn put(text: &str) -> Result<(), CommandError> {
    std::io::stdout().lock().write_all(text.as_bytes()).map_err(CommandError::Write)
}

/// Tells the user something beside the result. Nobody can be told where standard error is closed.
fn note(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
