//! Parts and tools of a kind that the client's own format knows, and which are not written as it wants: a mistake of the
//! client, told as one, whatever the provider would make of it.

use crate::model::{PartKind, Request, ToolKind};
use crate::{BodyError, Format};
use serde_json::Value;

/// What must stand in a member.
#[derive(Clone, Copy)]
enum Wants {
    Text,
    Object,
    List,
    /// A text or an object: arguments.
    TextOrObject,
    /// A text or a list: a result.
    TextOrList,
    Anything,
}

impl Wants {
    fn holds(self, value: Option<&Value>) -> bool {
        let Some(value) = value else { return false };
        match self {
            Self::Text => value.is_string(),
            Self::Object => value.is_object(),
            Self::List => value.is_array(),
            Self::TextOrObject => value.is_string() || value.is_object(),
            Self::TextOrList => value.is_string() || value.is_array(),
            Self::Anything => true,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Text => "must be a string",
            Self::Object => "must be an object",
            Self::List => "must be a list",
            Self::TextOrObject => "must be a string or an object",
            Self::TextOrList => "must be a string or a list",
            Self::Anything => "is missing",
        }
    }
}

use Wants::{Anything, List, Object, Text, TextOrList, TextOrObject};

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

/// Refuses a request that has such a part or tool.
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
    for (value, place) in parts.chain(tools) {
        // Bedrock's stand within a name for reports.
        let value = value.get("whole").unwrap_or(value);
        if let Some((member, must)) = wrong(request.origin, value) {
            return Err(BodyError::field(format!("{place}.{member}"), must).within(value.clone(), member));
        }
    }
    Ok(())
}
