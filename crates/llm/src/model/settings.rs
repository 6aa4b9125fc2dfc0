//! How a request wants to be answered.

use serde_json::{Map, Number, Value};

/// How to answer. `None` is what the client left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// The longest answer, in tokens.
    pub max_tokens: Option<u64>,
    /// Whether the bound came under OpenAI's older name.
    pub older_max_tokens: bool,
    /// Sampling temperature.
    pub temperature: Option<Number>,
    /// Nucleus sampling.
    pub top_p: Option<Number>,
    /// Sampling from the k likeliest.
    pub top_k: Option<Number>,
    /// Texts that end the answer.
    pub stop: Option<Stop>,
    /// Which tools must or may be called.
    pub tool_choice: Option<ToolChoice>,
    /// Whether several tools may be called at once.
    pub parallel_tools: Option<bool>,
    /// The shape of the answer.
    pub response_format: Option<ResponseFormat>,
    /// How much to think.
    pub reasoning: Reasoning,
    /// The end user, opaque.
    pub user: Option<String>,
    /// The vendor's tier, in the origin's word.
    pub service_tier: Option<String>,
    /// Makes sampling repeatable, as far as the vendor can.
    pub seed: Option<Number>,
    /// Against what was said at all.
    pub presence_penalty: Option<Number>,
    /// Against what was said often.
    pub frequency_penalty: Option<Number>,
    /// How many answers.
    pub choices: Option<u64>,
    /// Whether the likelihood of each token is told.
    pub logprobs: Option<bool>,
    /// For how many of the likeliest tokens.
    pub top_logprobs: Option<u64>,
}

/// Texts that end the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The texts.
    pub texts: Vec<String>,
    /// Whether it was one bare string.
    pub bare: bool,
}

/// Which tools must or may be called.
#[derive(Clone, Debug, PartialEq)]
pub enum ToolChoice {
    /// The model decides.
    Auto,
    /// No tool.
    None,
    /// At least one, any.
    Required,
    /// This one.
    Tool(String),
    /// A choice only the origin's format knows.
    Other(Value),
}

/// The shape of the answer.
#[derive(Clone, Debug, PartialEq)]
pub enum ResponseFormat {
    /// Plain text.
    Text,
    /// Any JSON object.
    Json,
    /// JSON of this schema.
    Schema {
        /// The JSON Schema.
        schema: Value,
        /// Name, description, strictness and others, under OpenAI's names.
        about: Map<String, Value>,
    },
    /// A shape only the origin's format knows.
    Other(Value),
}

/// How much to think.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reasoning {
    /// A word for the effort (`low`, `high`, …); `none` means no thinking.
    pub effort: Option<String>,
    /// Anthropic's `thinking` object: `type`, `budget_tokens`, `display`. A budget that another format tells is written
    /// into one.
    pub thinking: Option<Map<String, Value>>,
    /// Whether the answer shows the thinking, where the client says so.
    pub show: Option<bool>,
}
