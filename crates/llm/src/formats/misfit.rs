//! Parts, tools and settings that the client's own format knows, and which are not written as it wants: a mistake of the
//! client, told as one, whatever the provider would make of it.

use crate::model::{PartKind, Request, ToolKind};
use crate::{BodyError, Format};
use serde_json::Value;

/// What must stand in a member.
#[derive(Clone, Copy)]
enum Wants {
    Text,
    Number,
    Count,
    Bool,
    Object,
    List,
    /// A text or an object: arguments.
    TextOrObject,
    /// A text or a list: a result.
    TextOrList,
    Texts,
    TextOrTexts,
    Anything,
}

impl Wants {
    fn holds(self, value: Option<&Value>) -> bool {
        let Some(value) = value else { return false };
        let texts = || value.as_array().is_some_and(|texts| texts.iter().all(Value::is_string));
        match self {
            Self::Text => value.is_string(),
            Self::Number => value.is_number(),
            Self::Count => value.is_u64(),
            Self::Bool => value.is_boolean(),
            Self::Object => value.is_object(),
            Self::List => value.is_array(),
            Self::TextOrObject => value.is_string() || value.is_object(),
            Self::TextOrList => value.is_string() || value.is_array(),
            Self::Texts => texts(),
            Self::TextOrTexts => value.is_string() || texts(),
            Self::Anything => true,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Text => "must be a string",
            Self::Number => "must be a number",
            Self::Count => "must be a whole number, not below 0",
            Self::Bool => "must be true or false",
            Self::Object => "must be an object",
            Self::List => "must be a list",
            Self::TextOrObject => "must be a string or an object",
            Self::TextOrList => "must be a string or a list",
            Self::Texts => "must be a list of strings",
            Self::TextOrTexts => "must be a string or a list of strings",
            Self::Anything => "is missing",
        }
    }
}

use Wants::{Anything, Bool, Count, List, Number, Object, Text, TextOrList, TextOrObject, TextOrTexts, Texts};

/// A kind, and the members without which it is none.
type Shapes = &'static [(&'static str, &'static [(&'static str, Wants)])];

/// Parts, messages' items and calls by their `type`. A URL or a sound may be written in ways that only some providers read.
fn typed(format: Format) -> Shapes {
    match format {
        Format::OpenAIChat => {
            &[("text", &[("text", Text)]), ("refusal", &[("refusal", Text)]), ("function", &[("function", Object)])]
        }
        Format::OpenAIResponses => &[
            ("input_text", &[("text", Text)]),
            ("output_text", &[("text", Text)]),
            ("refusal", &[("refusal", Text)]),
            ("function_call", &[("call_id", Text), ("name", Text), ("arguments", TextOrObject)]),
            ("custom_tool_call", &[("call_id", Text), ("name", Text), ("input", Text)]),
            ("function_call_output", &[("call_id", Text), ("output", TextOrList)]),
            ("custom_tool_call_output", &[("call_id", Text), ("output", TextOrList)]),
        ],
        Format::AnthropicMessages => &[
            ("text", &[("text", Text)]),
            ("image", &[("source", Object)]),
            ("document", &[("source", Object)]),
            ("tool_use", &[("id", Text), ("name", Text)]),
            ("tool_result", &[("tool_use_id", Text)]),
            ("thinking", &[("thinking", Text)]),
            ("redacted_thinking", &[("data", Text)]),
        ],
        Format::CohereChat => &[
            ("text", &[("text", Text)]),
            ("thinking", &[("thinking", Text)]),
            ("document", &[("document", Object), ("document.data", TextOrObject)]),
            ("function", &[("function", Object)]),
        ],
        Format::GeminiGenerateContent | Format::BedrockConverse => &[],
    }
}

/// Parts and tools by the member that holds what they are; what is wanted is within it, but for texts and lists.
fn membered(format: Format) -> Shapes {
    match format {
        Format::GeminiGenerateContent => &[
            ("text", &[("", Text)]),
            ("inlineData", &[("", Object), ("data", Text)]),
            ("fileData", &[("", Object), ("fileUri", Text)]),
            ("functionCall", &[("", Object), ("name", Text)]),
            ("functionResponse", &[("", Object), ("name", Text)]),
            ("functionDeclarations", &[("", List)]),
        ],
        Format::BedrockConverse => &[
            ("text", &[("", Text)]),
            ("image", &[("", Object), ("source", Object)]),
            ("document", &[("", Object), ("source", Object)]),
            ("video", &[("", Object), ("source", Object)]),
            ("toolUse", &[("", Object), ("toolUseId", Text), ("name", Text), ("input", Anything)]),
            ("toolResult", &[("", Object), ("toolUseId", Text), ("content", List)]),
            ("toolSpec", &[("", Object)]),
        ],
        _ => &[],
    }
}

/// Settings that the model has a place for: what is left of them was not read.
fn settings(format: Format) -> &'static [(&'static str, Wants)] {
    match format {
        Format::OpenAIChat => &[
            ("temperature", Number),
            ("top_p", Number),
            ("max_tokens", Count),
            ("max_completion_tokens", Count),
            ("stop", TextOrTexts),
            ("n", Count),
            ("presence_penalty", Number),
            ("frequency_penalty", Number),
            ("logprobs", Bool),
            ("top_logprobs", Count),
            ("parallel_tool_calls", Bool),
            ("response_format", Object),
            ("reasoning_effort", TextOrObject),
            ("user", Text),
            ("service_tier", Text),
        ],
        Format::OpenAIResponses => &[
            ("instructions", Text),
            ("temperature", Number),
            ("top_p", Number),
            ("max_output_tokens", Count),
            ("top_logprobs", Count),
            ("parallel_tool_calls", Bool),
            ("text", Object),
            ("reasoning", Object),
            ("user", Text),
            ("service_tier", Text),
        ],
        Format::AnthropicMessages => &[
            ("temperature", Number),
            ("top_p", Number),
            ("top_k", Count),
            ("max_tokens", Count),
            ("stop_sequences", Texts),
            ("thinking", Object),
            ("output_config", Object),
            ("metadata", Object),
            ("service_tier", Text),
        ],
        Format::GeminiGenerateContent => &[
            ("generationConfig", Object),
            ("generationConfig.temperature", Number),
            ("generationConfig.topP", Number),
            ("generationConfig.topK", Number),
            ("generationConfig.maxOutputTokens", Count),
            ("generationConfig.stopSequences", Texts),
            ("generationConfig.candidateCount", Count),
            ("generationConfig.thinkingConfig", Object),
            ("toolConfig", Object),
        ],
        Format::BedrockConverse => &[
            ("inferenceConfig", Object),
            ("inferenceConfig.maxTokens", Count),
            ("inferenceConfig.temperature", Number),
            ("inferenceConfig.topP", Number),
            ("inferenceConfig.stopSequences", Texts),
        ],
        Format::CohereChat => &[
            ("temperature", Number),
            ("p", Number),
            ("k", Count),
            ("max_tokens", Count),
            ("stop_sequences", Texts),
            ("presence_penalty", Number),
            ("frequency_penalty", Number),
            ("response_format", Object),
            ("thinking", Object),
        ],
    }
}

/// A setting that is there and is not what it must be.
fn wrong_setting(request: &Request) -> Option<(&'static str, &'static str)> {
    let found = |path: &str| {
        let mut steps = path.split('.');
        let first = request.extras.get(steps.next()?)?;
        steps.try_fold(first, |value, step| value.get(step)).filter(|value| !value.is_null())
    };
    let wrong = |(path, wants): &&(&'static str, Wants)| found(path).is_some_and(|value| !wants.holds(Some(value)));
    settings(request.origin).iter().find(wrong).map(|(path, wants)| (*path, wants.words()))
}

/// The member of a part or tool that is not as its kind wants it, and what it must be.
fn wrong(format: Format, value: &Value) -> Option<(String, &'static str)> {
    let kind = value.get("type").and_then(Value::as_str);
    let typed = typed(format).iter().filter(|(name, _)| Some(*name) == kind);
    let typed = typed.flat_map(|(_, members)| *members).map(|(member, wants)| ((*member).to_owned(), *wants));
    let membered = membered(format).iter().filter(|(name, _)| value.get(name).is_some());
    let membered =
        membered.flat_map(|(name, members)| members.iter().map(move |(member, wants)| (*name, *member, *wants)));
    let membered = membered.map(|(name, member, wants)| match member {
        "" => (name.to_owned(), wants),
        member => (format!("{name}.{member}"), wants),
    });
    let pointer = |path: &str| format!("/{}", path.replace('.', "/"));
    let wrong = typed.chain(membered).find(|(path, wants)| !wants.holds(value.pointer(&pointer(path))));
    wrong.map(|(path, wants)| (path, wants.words()))
}

/// Refuses a request that has such a part, tool or setting.
///
/// # Errors
/// A 400 that names the member.
pub(crate) fn refuse_misfits(request: &Request) -> Result<(), BodyError> {
    let parts = request.messages.iter().flat_map(|message| &message.content.parts);
    let inner = parts.flat_map(|part| match &part.kind {
        PartKind::ToolResult { content, .. } => content.parts.as_slice(),
        _ => std::slice::from_ref(part),
    });
    let parts = inner.filter_map(|part| match &part.kind {
        PartKind::Foreign(value) => Some((value, "messages[].content[]")),
        _ => None,
    });
    let tools = request.tools.iter().flatten().filter_map(|tool| match &tool.kind {
        ToolKind::Foreign(value) => Some((value, "tools[]")),
        ToolKind::Function { .. } => None,
    });
    if let Some((setting, must)) = wrong_setting(request) {
        return Err(BodyError::field(setting, must));
    }
    for (value, place) in parts.chain(tools) {
        // Bedrock's stand within a name for reports.
        let value = value.get("whole").unwrap_or(value);
        if let Some((member, must)) = wrong(request.origin, value) {
            return Err(BodyError::field(format!("{place}.{member}"), must).within(value.clone(), member));
        }
    }
    Ok(())
}
