//! The features, as data: what a body of each format says beside the plainest one.

use std::sync::LazyLock;

use pillion_llm::Format;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::parties::plain_request;

/// Features of one kind.
pub(super) struct Group {
    pub(super) name: &'static str,
    /// Whether they are replies' rather than requests'.
    pub(super) replies: bool,
    pub(super) features: Vec<Feature>,
}

pub(super) static GROUPS: LazyLock<Vec<Group>> = LazyLock::new(|| {
    let group = |name, replies, rows| Group { name, replies, features: serde_json::from_str(rows).unwrap() };
    vec![
        group("The conversation", false, include_str!("rows/conversation.json")),
        group("Tools", false, include_str!("rows/tools.json")),
        group("The answer", false, include_str!("rows/answer.json")),
        group("Thinking", false, include_str!("rows/thinking.json")),
        group("Replies", true, include_str!("rows/replies.json")),
    ]
});

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Feature {
    #[serde(rename = "feature")]
    pub(super) name: String,
    /// Features that must be there for this one; their own fate is not this one's.
    #[serde(default)]
    with: Vec<String>,
    /// Whether it is asked of models that think.
    #[serde(default)]
    pub(super) thinks: bool,
    /// Whether a reply must come back in the next request.
    #[serde(default)]
    pub(super) turns: bool,
    /// Whether the bodies are events of a stream.
    #[serde(default)]
    pub(super) stream: bool,
    /// What must stand somewhere in a reply's translation.
    #[serde(default)]
    pub(super) marks: Vec<Value>,
    /// Members by the letter of their format: those of one that has no such feature are missing.
    #[serde(rename = "in")]
    bodies: Map<String, Value>,
    /// How it is approximated: letters of clients and of wires, `*` for all, and words.
    #[serde(default)]
    how: Vec<(String, String, String)>,
}

impl Feature {
    pub(super) fn is_of(&self, format: Format) -> bool {
        self.bodies.contains_key(letter(format))
    }

    /// What the format's body says beside the plainest one.
    pub(super) fn members(&self, format: Format) -> &Value {
        &self.bodies[letter(format)]
    }

    /// The request of a client, and the same without the feature.
    pub(super) fn request(&self, client: Format) -> (Value, Value) {
        let mut without = plain_request(client, false);
        for other in self.with.iter().map(|name| named(name)).filter(|other| other.is_of(client)) {
            merge(&mut without, other.members(client));
        }
        let mut body = without.clone();
        merge(&mut body, self.members(client));
        (body, without)
    }

    pub(super) fn how(&self, client: Format, wire: Format) -> Option<&str> {
        let fits = |letters: &str, format| letters == "*" || letters.contains(letter(format));
        let mut how = self.how.iter();
        how.find(|(clients, wires, _)| fits(clients, client) && fits(wires, wire)).map(|(.., words)| words.as_str())
    }

    pub(super) fn hows(&self) -> impl Iterator<Item = &str> {
        self.how.iter().map(|(.., words)| words.as_str())
    }
}

/// The request feature of this name.
pub(super) fn named(name: &str) -> &'static Feature {
    let mut features = GROUPS.iter().filter(|group| !group.replies).flat_map(|group| &group.features);
    features.find(|feature| feature.name == name).unwrap_or_else(|| panic!("no feature is called '{name}'"))
}

fn letter(format: Format) -> &'static str {
    match format {
        Format::OpenAIChat => "O",
        Format::OpenAIResponses => "R",
        Format::AnthropicMessages => "A",
        Format::GeminiGenerateContent => "G",
        Format::BedrockConverse => "B",
        Format::CohereChat => "C",
    }
}

/// Puts the members of one body into another; lists are put in place of lists.
pub(super) fn merge(body: &mut Value, members: &Value) {
    match (body, members) {
        (Value::Object(body), Value::Object(members)) => {
            members.iter().for_each(|(key, value)| merge(body.entry(key).or_insert(Value::Null), value));
        }
        (body, value) => *body = value.clone(),
    }
}
