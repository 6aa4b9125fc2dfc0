//! A request: messages of parts, tools, settings.

use super::settings::{Reasoning, Settings};
use crate::Format;
use serde_json::{Map, Value};

/// A chat request.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The format it was decoded from, to which `extras` on all levels belong.
    pub origin: Format,
    /// The model asked for.
    pub model: Option<String>,
    /// Whether a stream is asked for, where it is said.
    pub stream: Option<bool>,
    /// The system prompt that stands beside the messages; formats that put it among the messages leave this `None`.
    pub system: Option<Content>,
    /// The conversation, oldest first.
    pub messages: Vec<Message>,
    /// The tools; `None` where the member is missing.
    pub tools: Option<Vec<Tool>>,
    /// How to answer.
    pub settings: Settings,
    /// Members that are not modelled, of `origin`'s format.
    pub extras: Map<String, Value>,
    /// Members that are not modelled and came as params of a route, under OpenAI Chat names.
    pub openai_params: Map<String, Value>,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The operator of the application.
    System,
    /// The same, in OpenAI's newer word.
    Developer,
    /// The user.
    User,
    /// The model.
    Assistant,
    /// A tool: one [`PartKind::ToolResult`]; formats without this role put results into the user's turn.
    Tool,
}

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: Content,
    /// A prompt-cache mark on the whole message.
    pub cache: Option<Value>,
    /// Members that are not modelled.
    pub extras: Map<String, Value>,
}

/// Parts, and how they were written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Content {
    /// The parts, in order.
    pub parts: Vec<Part>,
    /// How the origin wrote them.
    pub form: Form,
}

/// How content was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// A list of parts.
    #[default]
    List,
    /// A bare string.
    Bare,
    /// `null`.
    Null,
    /// Not at all.
    Absent,
}

/// One part of a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// What it is.
    pub kind: PartKind,
    /// A prompt-cache mark, as Anthropic writes it.
    pub cache: Option<Value>,
    /// The vendor's signature over the thinking that led to this part, for formats that sign any part (Gemini). Of a
    /// part that came back from a client of another format it is bare again: see [`super::unwrap_signature`].
    pub signature: Option<String>,
    /// What the text of this part refers to.
    pub citations: Vec<Citation>,
    /// Members that are not modelled.
    pub extras: Map<String, Value>,
}

/// A source that a text refers to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Citation {
    /// Where it is.
    pub url: Option<String>,
    /// What it is called.
    pub title: Option<String>,
    /// The source's own words.
    pub cited: Option<String>,
    /// The characters of this part's text that rest on it, from and to.
    pub range: Option<(u64, u64)>,
    /// As the origin wrote it; null where it was not written by a vendor.
    pub native: Value,
}

/// What a part is.
#[derive(Clone, Debug, PartialEq)]
pub enum PartKind {
    /// Text.
    Text(String),
    /// An image.
    Image(Source),
    /// Sound.
    Audio(Source),
    /// Moving pictures.
    Video(Source),
    /// A document.
    Document {
        /// Where it is.
        source: Source,
        /// Its file name or title.
        name: Option<String>,
    },
    /// The model calls a tool.
    ToolCall {
        /// Id of the call.
        id: String,
        /// Name of the tool.
        name: String,
        /// Its arguments.
        arguments: Arguments,
    },
    /// What a tool returned.
    ToolResult {
        /// Id of the call.
        id: String,
        /// What it returned.
        content: Content,
        /// Whether it failed, where it is said.
        is_error: Option<bool>,
    },
    /// The model's thinking.
    Thinking {
        /// The text; may be empty where only the signature travels.
        text: String,
        /// The vendor's signature over it.
        signature: Option<String>,
    },
    /// Thinking that the vendor encrypted.
    RedactedThinking(String),
    /// The model declines.
    Refusal(String),
    /// A part only the origin's format knows, whole.
    Foreign(Value),
}

/// Arguments of a call, as the origin wrote them.
#[derive(Clone, Debug, PartialEq)]
pub enum Arguments {
    /// Text that should be a JSON object, and may be cut.
    Text(String),
    /// A JSON value.
    Value(Value),
}

impl Arguments {
    /// As text.
    #[must_use]
    pub fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Value(value) => value.to_string(),
        }
    }

    /// As an object; `Err` gives an empty one for text that is none (a cut call, `"null"`). Empty text is an empty
    /// object.
    ///
    /// # Errors
    /// When the arguments are no JSON object.
    pub fn into_object(self) -> Result<Map<String, Value>, Map<String, Value>> {
        let value = match self {
            Self::Text(text) if text.trim().is_empty() => return Ok(Map::new()),
            Self::Text(text) => serde_json::from_str(&text).unwrap_or(Value::Null),
            Self::Value(value) => value,
        };
        match value {
            Value::Object(map) => Ok(map),
            _ => Err(Map::new()),
        }
    }
}

/// Where an image or document is.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// At a URL.
    Url(String),
    /// Here.
    Base64 {
        /// Such as `image/png`.
        media_type: String,
        /// Base64, not decoded.
        data: String,
    },
    /// At the vendor, under this id.
    File(String),
    /// Here, as plain text.
    Text(String),
    /// A source only the origin's format knows.
    Other(Value),
}

impl Source {
    /// Reads a `data:` URL of the plain form `data:<type>;base64,<data>`; any other URL stays one.
    #[must_use]
    pub fn from_url(url: String) -> Self {
        let Some(rest) = url.strip_prefix("data:") else { return Self::Url(url) };
        match rest.split_once(";base64,") {
            Some((media_type, data)) if !media_type.is_empty() && !media_type.contains(';') => {
                Self::Base64 { media_type: media_type.to_owned(), data: data.to_owned() }
            }
            _ => Self::Url(url),
        }
    }

    /// The `data:` URL of bytes that are here.
    #[must_use]
    pub fn data_url(media_type: &str, data: &str) -> String {
        ["data:", media_type, ";base64,", data].concat()
    }
}

/// One tool.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    /// What it is.
    pub kind: ToolKind,
    /// A prompt-cache mark.
    pub cache: Option<Value>,
    /// Members that are not modelled.
    pub extras: Map<String, Value>,
}

/// What a tool is.
#[derive(Clone, Debug, PartialEq)]
pub enum ToolKind {
    /// A function of the client's.
    Function {
        /// Its name.
        name: String,
        /// What it is for.
        description: Option<String>,
        /// JSON Schema of its arguments, where there is one.
        schema: Option<Value>,
        /// Whether arguments must match the schema.
        strict: Option<bool>,
        /// Members beside these that are not modelled (OpenAI nests functions).
        inner: Map<String, Value>,
    },
    /// A tool of the vendor's, whole.
    Foreign(Value),
}

impl Part {
    /// A part without mark or extras.
    #[must_use]
    pub fn new(kind: PartKind) -> Self {
        Self { kind, cache: None, signature: None, citations: Vec::new(), extras: Map::new() }
    }

    /// A text part.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(PartKind::Text(text.into()))
    }
}

impl Content {
    /// One bare text.
    #[must_use]
    pub fn bare(text: impl Into<String>) -> Self {
        Self { parts: vec![Part::text(text)], form: Form::Bare }
    }
}

impl Request {
    /// Fills what is left out from `other`.
    pub(crate) fn fill(&mut self, other: Self) {
        let Settings {
            max_tokens,
            older_max_tokens,
            temperature,
            top_p,
            top_k,
            stop,
            tool_choice,
            parallel_tools,
            response_format,
            reasoning,
            user,
            service_tier,
            seed,
            presence_penalty,
            frequency_penalty,
            choices,
            logprobs,
            top_logprobs,
        } = other.settings;
        let own = &mut self.settings;
        if own.max_tokens.is_none() {
            own.max_tokens = max_tokens;
            own.older_max_tokens = older_max_tokens;
        }
        keep(&mut own.temperature, temperature);
        keep(&mut own.top_p, top_p);
        keep(&mut own.top_k, top_k);
        keep(&mut own.stop, stop);
        keep(&mut own.tool_choice, tool_choice);
        keep(&mut own.parallel_tools, parallel_tools);
        keep(&mut own.response_format, response_format);
        if own.reasoning == Reasoning::default() {
            own.reasoning = reasoning;
        }
        keep(&mut own.user, user);
        keep(&mut own.service_tier, service_tier);
        keep(&mut own.seed, seed);
        keep(&mut own.presence_penalty, presence_penalty);
        keep(&mut own.frequency_penalty, frequency_penalty);
        keep(&mut own.choices, choices);
        keep(&mut own.logprobs, logprobs);
        keep(&mut own.top_logprobs, top_logprobs);
        keep(&mut self.tools, other.tools);
        for (key, value) in other.extras {
            self.openai_params.entry(key).or_insert(value);
        }
    }

    /// Puts what `other` has in place of what is here.
    pub(crate) fn force(&mut self, mut other: Self) {
        let extras = std::mem::take(&mut other.extras);
        // Of a member that both have, such as a guardrail, the route's stands.
        for key in extras.keys() {
            self.extras.shift_remove(key);
        }
        let own = std::mem::take(&mut self.settings);
        let tools = self.tools.take();
        let params = std::mem::take(&mut self.openai_params);
        let empty = Self { settings: own, tools, ..other.clone() };
        self.fill(other);
        self.fill(empty);
        self.openai_params = params;
        self.openai_params.extend(extras);
    }
}

fn keep<T>(own: &mut Option<T>, other: Option<T>) {
    if own.is_none() {
        *own = other;
    }
}
