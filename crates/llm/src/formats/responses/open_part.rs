//! The part of a stream that is being written: what its events say, and what it has said so far.

use super::annotations::{delta_logprobs, encode_annotation, output_text};
use super::encode_reply::custom_input;
use crate::model::{Citation, PartDelta};
use serde_json::{Value, json};

/// An event's type and its members.
pub(super) type Said = (&'static str, Value);

/// Where a part stands.
#[derive(Debug)]
pub(super) struct Place {
    /// Id of its item.
    pub(super) id: String,
    /// Index of its item.
    pub(super) output: usize,
    /// Its index within the item.
    pub(super) content: usize,
}

/// An open part.
#[derive(Debug)]
pub(super) enum Open {
    Text(Box<Text>),
    Thinking(Thinking),
    Call(Call),
    /// One that was written whole when it began.
    Nothing,
}

/// Text, which may be that of several parts, or a refusal.
#[derive(Debug)]
pub(super) struct Text {
    place: Place,
    pub(super) refusal: bool,
    text: String,
    /// Characters of the text: before this part, and in all.
    before: u64,
    characters: u64,
    /// Of this part; where they stand may only be known when it has ended.
    citations: Vec<Citation>,
    annotations: Vec<Value>,
    logprobs: Vec<Value>,
    pub(super) signature: Option<String>,
}

/// Thinking, shown as a summary: what every client reads.
#[derive(Debug)]
pub(super) struct Thinking {
    pub(super) place: Place,
    pub(super) text: String,
    pub(super) signature: Option<String>,
}

/// A call.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) place: Place,
    pub(super) call_id: String,
    pub(super) name: String,
    pub(super) arguments: String,
    pub(super) custom: bool,
    pub(super) signature: Option<String>,
}

impl Open {
    pub(super) fn thinking(place: Place) -> Self {
        Self::Thinking(Thinking { place, text: String::new(), signature: None })
    }

    pub(super) fn call(call_id: String, name: String, custom: bool, place: Place) -> Self {
        Self::Call(Call { place, call_id, name, arguments: String::new(), custom, signature: None })
    }

    /// What a delta says.
    pub(super) fn delta(&mut self, delta: PartDelta) -> Vec<Said> {
        match (self, delta) {
            (Self::Text(text), delta) => text.delta(delta),
            (Self::Thinking(thinking), delta) => thinking.delta(delta),
            (Self::Call(call), PartDelta::Arguments(more)) => call.argue(more),
            (Self::Call(call), PartDelta::Signature(more)) => {
                call.signature.get_or_insert_default().push_str(&more);
                Vec::new()
            }
            (Self::Call(_) | Self::Nothing, _) => Vec::new(),
        }
    }

    /// What is said when it ends.
    pub(super) fn ended(&mut self) -> Vec<Said> {
        match self {
            Self::Text(text) => text.annotated(),
            Self::Thinking(thinking) => thinking.ended(),
            Self::Call(call) => call.ended(),
            Self::Nothing => Vec::new(),
        }
    }
}

impl Text {
    pub(super) fn new(refusal: bool, place: Place) -> Self {
        Self {
            place,
            refusal,
            text: String::new(),
            before: 0,
            characters: 0,
            citations: Vec::new(),
            annotations: Vec::new(),
            logprobs: Vec::new(),
            signature: None,
        }
    }

    fn at(&self, mut members: Value) -> Value {
        members["item_id"] = json!(self.place.id);
        members["output_index"] = json!(self.place.output);
        members["content_index"] = json!(self.place.content);
        members
    }

    /// What is said when it begins.
    pub(super) fn begun(&self) -> Said {
        ("response.content_part.added", self.at(json!({"part": self.content()})))
    }

    /// The content as far as it was said.
    pub(super) fn content(&self) -> Value {
        if self.refusal {
            return json!({"type": "refusal", "refusal": self.text});
        }
        output_text(&self.text, self.annotations.clone(), &self.logprobs)
    }

    fn delta(&mut self, delta: PartDelta) -> Vec<Said> {
        match delta {
            PartDelta::Text(more) if more.is_empty() => Vec::new(),
            PartDelta::Text(more) => {
                self.text.push_str(&more);
                self.characters += more.chars().count() as u64;
                if self.refusal {
                    return vec![("response.refusal.delta", self.at(json!({"delta": more})))];
                }
                vec![("response.output_text.delta", self.at(json!({"delta": more, "logprobs": []})))]
            }
            PartDelta::Logprobs(more) if !self.refusal => {
                let members = json!({"delta": "", "logprobs": delta_logprobs(&more)});
                self.logprobs.extend(more);
                vec![("response.output_text.delta", self.at(members))]
            }
            PartDelta::Citation(citation) => {
                self.citations.push(citation);
                Vec::new()
            }
            PartDelta::Signature(more) => {
                self.signature.get_or_insert_default().push_str(&more);
                Vec::new()
            }
            PartDelta::Arguments(_) | PartDelta::Logprobs(_) => Vec::new(),
        }
    }

    /// What a part's end says: its annotations.
    fn annotated(&mut self) -> Vec<Said> {
        let mut said = Vec::new();
        for citation in std::mem::take(&mut self.citations) {
            if let Some(annotation) = encode_annotation(&citation, self.before, self.characters, false) {
                let members = json!({"annotation_index": self.annotations.len(), "annotation": annotation});
                said.push(("response.output_text.annotation.added", self.at(members)));
                self.annotations.push(annotation);
            }
        }
        self.before = self.characters;
        said
    }

    /// What is said when nothing goes on with it.
    pub(super) fn ended(&self) -> [Said; 2] {
        let whole = match self.refusal {
            true => ("response.refusal.done", self.at(json!({"refusal": self.text}))),
            false => {
                let logprobs = delta_logprobs(&self.logprobs);
                ("response.output_text.done", self.at(json!({"text": self.text, "logprobs": logprobs})))
            }
        };
        [whole, ("response.content_part.done", self.at(json!({"part": self.content()})))]
    }
}

impl Thinking {
    fn at(&self, mut members: Value) -> Value {
        members["item_id"] = json!(self.place.id);
        members["output_index"] = json!(self.place.output);
        members["summary_index"] = json!(0);
        members
    }

    fn part(&self) -> Value {
        json!({"part": {"type": "summary_text", "text": self.text}})
    }

    fn delta(&mut self, delta: PartDelta) -> Vec<Said> {
        match delta {
            PartDelta::Text(more) if !more.is_empty() => {
                let mut said = Vec::new();
                if self.text.is_empty() {
                    said.push(("response.reasoning_summary_part.added", self.at(self.part())));
                }
                self.text.push_str(&more);
                said.push(("response.reasoning_summary_text.delta", self.at(json!({"delta": more}))));
                said
            }
            PartDelta::Signature(more) => {
                self.signature.get_or_insert_default().push_str(&more);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn ended(&self) -> Vec<Said> {
        if self.text.is_empty() {
            return Vec::new();
        }
        vec![
            ("response.reasoning_summary_text.done", self.at(json!({"text": self.text}))),
            ("response.reasoning_summary_part.done", self.at(self.part())),
        ]
    }
}

impl Call {
    fn at(&self, mut members: Value) -> Value {
        members["item_id"] = json!(self.place.id);
        members["output_index"] = json!(self.place.output);
        members
    }

    /// The input of a custom tool is only known when its arguments are whole.
    fn argue(&mut self, more: String) -> Vec<Said> {
        if more.is_empty() {
            return Vec::new();
        }
        self.arguments.push_str(&more);
        if self.custom {
            return Vec::new();
        }
        vec![("response.function_call_arguments.delta", self.at(json!({"delta": more})))]
    }

    fn ended(&mut self) -> Vec<Said> {
        let mut said = Vec::new();
        // The client's parser wants an object.
        if self.arguments.is_empty() {
            said = self.argue("{}".to_owned());
        }
        if self.custom {
            let input = custom_input(&self.arguments);
            said.push(("response.custom_tool_call_input.delta", self.at(json!({"delta": input}))));
            said.push(("response.custom_tool_call_input.done", self.at(json!({"input": input}))));
            return said;
        }
        let members = json!({"name": self.name, "arguments": self.arguments});
        said.push(("response.function_call_arguments.done", self.at(members)));
        said
    }
}
