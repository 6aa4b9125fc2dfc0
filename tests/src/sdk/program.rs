//! The programs that hold the SDKs: how each is started, and where it finds the servers.

use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::exchange::{Exchange, parse};
use super::install;
use crate::provider::{KEY, RecordedProvider};
use crate::standalone::Standalone;
use crate::{build, workspace};

/// A program with the SDKs of one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// `tests/go/sdkchat`.
    Go,
    /// `tests/sdk/python`.
    Python,
    /// `tests/sdk/node`.
    Node,
    /// `tests/sdk/java`.
    Java,
}

/// Where the SDKs find the servers, and with which key.
#[derive(Debug, Clone)]
pub struct Bases {
    openai: String,
    anthropic: String,
    gemini: String,
    bedrock: String,
    key: &'static str,
}

impl Bases {
    /// A sidecar's prefixes, with the placeholder that injected pods have for a key.
    #[must_use]
    pub fn of_sidecar(sidecar: &Standalone) -> Self {
        Self {
            openai: sidecar.base("openai/v1"),
            anthropic: sidecar.base("anthropic"),
            gemini: sidecar.base("gemini"),
            bedrock: sidecar.base("bedrock"),
            key: "injected-by-pillion",
        }
    }

    /// The recorded provider itself, as if it were each vendor.
    #[must_use]
    pub fn of_provider(provider: &RecordedProvider) -> Self {
        let url = provider.url();
        Self { openai: format!("{url}/v1"), anthropic: url.clone(), gemini: url.clone(), bedrock: url, key: KEY }
    }

    /// The SDKs' own variables, where they have some.
    fn variables(&self) -> [(&'static str, &str); 11] {
        [
            ("OPENAI_BASE_URL", &self.openai),
            ("OPENAI_API_KEY", self.key),
            ("ANTHROPIC_BASE_URL", &self.anthropic),
            ("ANTHROPIC_API_KEY", self.key),
            ("GOOGLE_GEMINI_BASE_URL", &self.gemini),
            ("GEMINI_API_KEY", self.key),
            ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", &self.bedrock),
            // Over plain HTTP the AWS SDKs send no bearer token: they sign, with whatever they are given.
            ("AWS_ACCESS_KEY_ID", self.key),
            ("AWS_SECRET_ACCESS_KEY", self.key),
            ("AWS_REGION", "us-east-1"),
            ("AWS_DEFAULT_REGION", "us-east-1"),
        ]
    }
}

impl Program {
    /// Does the exchanges: `modes`, separated by commas, with each of `[MODES/]SDK:MODEL`; the latter's own modes win.
    ///
    /// # Errors
    /// When the program cannot be installed, or says something unexpected. Failed exchanges are no error here.
    pub async fn chat<S: AsRef<str>>(self, bases: &Bases, modes: &str, models: &[S]) -> Result<Vec<Exchange>> {
        let models: Vec<String> = models.iter().map(|model| model.as_ref().to_owned()).collect();
        let (bases, modes) = (bases.clone(), modes.to_owned());
        tokio::task::spawn_blocking(move || self.run(&bases, &modes, &models)).await?
    }

    fn run(self, bases: &Bases, modes: &str, models: &[String]) -> Result<Vec<Exchange>> {
        let mut command = self.command().with_context(|| format!("the SDKs of {self:?}"))?;
        let flag = if self == Self::Go { "-modes" } else { "--modes" };
        command.args([flag, modes]).args(models).envs(bases.variables()).stdin(Stdio::null());
        let output = command.output().with_context(|| format!("starting {:?}", command.get_program()))?;
        let said = String::from_utf8_lossy(&output.stdout);
        parse(&said).with_context(|| format!("{self:?} said:\n{said}{}", String::from_utf8_lossy(&output.stderr)))
    }

    /// The installed program, with an environment of its own: no proxy, no key and no configuration of who runs the tests.
    fn command(self) -> Result<Command> {
        let mut command = match self {
            Self::Go => Command::new(build::go_program("sdkchat")?),
            Self::Python => return python("sdkchat"),
            Self::Node => Command::new(install::node_program()?),
            Self::Java => Command::new(install::java_program()?),
        };
        command.env_clear();
        match self {
            Self::Go | Self::Python => {}
            Self::Node => {
                command.arg(install::node()?.join("main.mjs"));
            }
            Self::Java => {
                command.arg("-cp").arg(install::java()?).arg("dev.pillion.sdkchat.Main");
            }
        }
        Ok(command)
    }
}

/// A package of `tests/sdk/python` with the SDKs, and with an environment of its own.
pub(super) fn python(package: &str) -> Result<Command> {
    let mut command = Command::new(install::python()?);
    command.args(["-B", "-m", package]).env_clear().env("PYTHONPATH", workspace::root().join("tests/sdk/python"));
    // Neither traces nor the metadata of a machine in a cloud.
    command.env("LANGSMITH_TRACING", "false").env("AWS_EC2_METADATA_DISABLED", "true");
    Ok(command)
}
