//! What a translated stream loses: its headers are gone by the time it is known, so it is told of the whole stream at its
//! end. Of an answer only the kinds of what it said are kept, one sample each: no more memory, however long it is.

use crate::Format;
use crate::formats::{self, ReplyContext};
use crate::model::{
    Answer, Arguments, Citation, Event, Finish, FinishKind, Part, PartDelta, PartKind, PartStart, Report, Usage,
};
use serde_json::Value;
use std::collections::BTreeSet;

/// The kinds of what a stream has said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sketch {
    text: Option<Beside>,
    thinking: Option<Beside>,
    call: Option<Beside>,
    /// The open call has said nothing yet; one has said what is no object.
    fresh: bool,
    odd: bool,
    redacted: bool,
    refusal: bool,
    tier: Option<String>,
    logprobs: Option<Value>,
    finish: Option<Finish>,
    usage: Option<Usage>,
    /// What never became an event.
    lost: BTreeSet<String>,
    /// The kind of the part that began last.
    last: Option<Kind>,
}

/// So many names of what is lost are kept: some of them are upstream's own words.
const MOST_LOST: usize = 32;

/// What stands beside parts of a kind.
#[derive(Clone, Debug, Default)]
struct Beside {
    signature: Option<String>,
    citation: Option<Citation>,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Text,
    Thinking,
    Call,
    Other,
}

impl Sketch {
    pub(crate) fn note(&mut self, event: &Event) {
        match event {
            Event::PartStart { start, .. } => self.begin(start),
            Event::PartDelta { delta, .. } => self.delta(delta),
            Event::ServiceTier(tier) => self.tier = Some(tier.clone()),
            Event::Finish(finish) => self.finish = Some(finish.clone()),
            Event::Start { usage: Some(usage), .. } | Event::Usage(usage) => self.usage = Some(*usage),
            Event::Lost(name) if self.lost.len() < MOST_LOST => {
                self.lost.insert(name.clone());
            }
            _ => {}
        }
    }

    fn begin(&mut self, start: &PartStart) {
        self.last = Some(match start {
            PartStart::Text => Kind::Text,
            PartStart::Thinking => Kind::Thinking,
            PartStart::ToolCall { .. } => Kind::Call,
            PartStart::RedactedThinking(_) | PartStart::Refusal => Kind::Other,
        });
        self.fresh = matches!(start, PartStart::ToolCall { .. });
        self.redacted |= matches!(start, PartStart::RedactedThinking(_));
        self.refusal |= *start == PartStart::Refusal;
        let _ = self.beside();
    }

    fn beside(&mut self) -> Option<&mut Beside> {
        match self.last? {
            Kind::Text => Some(self.text.get_or_insert_default()),
            Kind::Thinking => Some(self.thinking.get_or_insert_default()),
            Kind::Call => Some(self.call.get_or_insert_default()),
            Kind::Other => None,
        }
    }

    fn delta(&mut self, delta: &PartDelta) {
        match delta {
            // Nearly all are of these.
            PartDelta::Text(_) => {}
            PartDelta::Arguments(text) => {
                if self.fresh && !text.trim_start().is_empty() {
                    self.fresh = false;
                    self.odd |= !text.trim_start().starts_with('{');
                }
            }
            PartDelta::Logprobs(tokens) => {
                if self.logprobs.is_none() {
                    self.logprobs = tokens.first().cloned();
                }
            }
            PartDelta::Signature(signature) => {
                if let Some(beside) = self.beside().filter(|beside| beside.signature.is_none()) {
                    beside.signature = Some(signature.clone());
                }
            }
            // Of a text, though a call may have begun since.
            PartDelta::Citation(citation) => {
                self.text.get_or_insert_default().citation.get_or_insert_with(|| citation.clone());
            }
        }
    }

    /// What of it the client's format says only nearly, or has no place for.
    pub(crate) fn lost(self, client: Format, context: &ReplyContext) -> Report {
        let mut parts = Vec::new();
        let mut part = |kind: PartKind, beside: Beside| {
            let mut part = Part::new(kind);
            part.signature = beside.signature;
            part.citations.extend(beside.citation);
            parts.push(part);
        };
        if let Some(beside) = self.thinking {
            let signature = beside.signature.clone();
            part(PartKind::Thinking { text: "-".to_owned(), signature }, Beside::default());
        }
        if self.redacted {
            part(PartKind::RedactedThinking(String::new()), Beside::default());
        }
        if let Some(beside) = self.text {
            part(PartKind::Text("-".to_owned()), beside);
        }
        if self.refusal {
            part(PartKind::Refusal("-".to_owned()), Beside::default());
        }
        if let Some(beside) = self.call {
            let call = PartKind::ToolCall {
                id: "call".to_owned(),
                name: "tool".to_owned(),
                arguments: Arguments::Text(if self.odd { "[]" } else { "{}" }.to_owned()),
            };
            part(call, beside);
        }
        let answer = Answer {
            id: String::new(),
            model: String::new(),
            created: None,
            parts,
            finish: self.finish.unwrap_or_else(|| Finish::new(FinishKind::Stop, "")),
            usage: self.usage,
            service_tier: self.tier,
            logprobs: self.logprobs.into_iter().collect(),
        };
        let mut report = Report::default();
        self.lost.into_iter().for_each(|name| report.drop(name));
        drop(formats::encode_reply(client, answer, context, &mut report));
        report
    }
}
