//! What an SDK saw of one exchange with a model, and whether that is what its mode promises.

use anyhow::{Context, Result};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// One exchange of an SDK with a model; see `Result` in `tests/go/sdkchat/main.go`.
#[derive(Debug, Clone, Deserialize)]
pub struct Exchange {
    /// The SDK's name, such as `openai` or `langchain-anthropic`.
    pub sdk: String,
    /// The model that was asked for.
    pub model: String,
    /// `chat`, `stream`, `tools`, `tools-stream`, `structured`, `structured-stream` or `cancel`.
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
    #[serde(default, deserialize_with = "or_none")]
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

/// A list, or null for an empty one.
fn or_none<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
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
    /// Checks that the exchange is what its mode promises: an answer with its usage; pieces if it was streamed; if tools were offered,
    /// one well-formed call of each, one after the other, and an answer after their results; if a shape was asked for, that shape; if
    /// it was cancelled, nothing after the first piece.
    ///
    /// # Errors
    /// What is missing.
    pub fn is_complete(&self) -> Result<()> {
        let tools = self.mode.starts_with("tools");
        let cancelled = self.mode == "cancel";
        let shaped = serde_json::from_str::<Value>(&self.text).unwrap_or_default();
        let faults = [
            (!self.ok, "it failed"),
            (self.text.is_empty() != cancelled, "it has no text, or was not cancelled"),
            (!cancelled && (self.usage.input == 0 || self.usage.output == 0), "it has no usage"),
            (self.mode.ends_with("stream") && self.deltas < 2, "it did not come in pieces"),
            (cancelled && self.deltas != 1, "it was not cancelled at its first piece"),
            (tools && self.turns != 3, "the tools' results were not answered in three turns"),
            (tools != (self.tools.len() == 2), "tools were called though none was offered, or not each once"),
            (self.tools.iter().any(|call| !call.arguments.is_object()), "a tool's arguments are no object"),
            (
                self.tools.iter().any(|call| call.id.is_empty() || call.name.is_empty()),
                "a tool call has no id or no name",
            ),
            (
                tools && self.tools.iter().any(|call| call.arguments["location"].is_null()),
                "a tool call has no location",
            ),
            (self.mode.starts_with("structured") && shaped["celsius"] != 21, "it has not the shape that was asked for"),
        ];
        self.none_of(faults)
    }

    /// Checks that the SDK saw the provider's refusal, with its status and its words.
    ///
    /// # Errors
    /// What is missing.
    pub fn is_refused(&self, status: u16, words: &str) -> Result<()> {
        let error = self.error.as_ref();
        self.none_of([
            (self.ok || error.is_none(), "it did not fail"),
            (error.is_some_and(|error| error.status != status), "it has another status"),
            (error.is_some_and(|error| !error.message.contains(words)), "it has not the provider's words"),
        ])
    }

    /// Checks that the SDK saw pieces of a stream, and then that it broke.
    ///
    /// # Errors
    /// What is missing.
    pub fn is_broken(&self) -> Result<()> {
        self.none_of([
            (self.ok || self.error.is_none(), "it did not fail"),
            (self.deltas == 0, "nothing came before it failed"),
        ])
    }

    fn none_of<const N: usize>(&self, faults: [(bool, &str); N]) -> Result<()> {
        let wrong: Vec<_> = faults.into_iter().filter_map(|(wrong, what)| wrong.then_some(what)).collect();
        anyhow::ensure!(wrong.is_empty(), "{}: {self:?}", wrong.join("; "));
        Ok(())
    }
}
