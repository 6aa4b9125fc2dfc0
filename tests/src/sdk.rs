//! The vendors' own Go SDKs as clients: runs the program `tests/go/sdkchat` and reads what it says.

use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

use crate::build;

/// One exchange of an SDK with a model; see `Result` in `tests/go/sdkchat/main.go`.
#[derive(Debug, Clone, Deserialize)]
pub struct Exchange {
    /// `openai` or `anthropic`.
    pub sdk: String,
    /// The model that was asked for.
    pub model: String,
    /// `chat`, `stream`, `tools` or `tools-stream`.
    pub mode: String,
    /// The SDK saw no error.
    pub ok: bool,
    /// The answer's text.
    #[serde(default)]
    pub text: String,
    /// Pieces of a streamed answer.
    #[serde(default)]
    pub deltas: u32,
    /// The tools that the model called.
    #[serde(default)]
    pub tools: Vec<ToolCall>,
    /// Why the model stopped, in the SDK's words.
    #[serde(default)]
    pub finish: String,
    /// Tokens.
    pub usage: Usage,
    /// Requests that it took.
    pub turns: u32,
    /// What went wrong.
    pub error: Option<Failure>,
    /// How long it took, in milliseconds.
    pub ms: u64,
}

/// A tool that the model called.
#[derive(Debug, Clone, Deserialize)]
pub struct ToolCall {
    /// The call's id.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// JSON; a string where the model sent none.
    pub arguments: Value,
}

/// Tokens.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub struct Usage {
    /// Of the prompts.
    pub input: u64,
    /// Of the answers.
    pub output: u64,
}

/// An error as the SDK shows it.
#[derive(Debug, Clone, Deserialize)]
pub struct Failure {
    /// The HTTP status; 0 where there was none.
    #[serde(default)]
    pub status: u16,
    /// The vendor's word for it.
    #[serde(default, rename = "type")]
    pub kind: String,
    /// What the SDK says.
    pub message: String,
}

/// Every mode.
pub const MODES: &str = "chat,stream,tools,tools-stream";

/// Runs the modes, separated by commas, with each `SDK:MODEL`. The SDKs read these base URLs from their own environment variables.
///
/// # Errors
/// When the program does not compile, or says something unexpected. Failed exchanges are no error here.
pub async fn chat(openai: &str, anthropic: &str, modes: &str, models: &[&str]) -> Result<Vec<Exchange>> {
    let mut command = Command::new(build::go_program("sdkchat")?);
    command.env_clear().args(["-modes", modes]).args(models).stdin(Stdio::null());
    for (name, value) in [
        ("OPENAI_BASE_URL", openai),
        ("OPENAI_API_KEY", "injected-by-pillion"),
        ("ANTHROPIC_BASE_URL", anthropic),
        ("ANTHROPIC_API_KEY", "injected-by-pillion"),
    ] {
        command.env(name, value);
    }
    let output = tokio::task::spawn_blocking(move || command.output()).await??;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complained = String::from_utf8_lossy(&output.stderr).into_owned();
    parse(&said).with_context(|| format!("sdkchat said:\n{said}{complained}"))
}

/// Reads the lines that the program printed; a line cut off at the end is passed over.
///
/// # Errors
/// When a whole line is no exchange.
pub fn parse(lines: &str) -> Result<Vec<Exchange>> {
    let whole = lines.rfind('\n').map_or("", |end| &lines[..end]);
    whole.lines().map(|line| serde_json::from_str(line).with_context(|| line.to_owned())).collect()
}

impl Exchange {
    /// Checks that the exchange is what its mode promises: an answer with its usage; pieces if it was streamed; if a tool was offered,
    /// one well-formed call of it, and an answer after its result.
    ///
    /// # Errors
    /// What is missing.
    pub fn is_complete(&self) -> Result<()> {
        let tools = self.mode.starts_with("tools");
        let faults = [
            (!self.ok, "it failed"),
            (self.text.is_empty(), "it has no text"),
            (self.usage.input == 0 || self.usage.output == 0, "it has no usage"),
            (self.mode.ends_with("stream") && self.deltas < 2, "it did not come in pieces"),
            (tools && self.turns != 2, "the tool's result was not answered"),
            (tools == self.tools.is_empty(), "tools were called though none was offered, or not called"),
            (self.tools.iter().any(|call| !call.arguments.is_object()), "a tool's arguments are no object"),
            (
                self.tools.iter().any(|call| call.id.is_empty() || call.name.is_empty()),
                "a tool call has no id or no name",
            ),
        ];
        let wrong: Vec<_> = faults.into_iter().filter_map(|(wrong, what)| wrong.then_some(what)).collect();
        anyhow::ensure!(wrong.is_empty(), "{}: {self:#?}", wrong.join("; "));
        Ok(())
    }
}
