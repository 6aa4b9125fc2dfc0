//! An answer from its events, and events from an answer.

use super::{Answer, Arguments, Event, Finish, FinishKind, Part, PartDelta, PartKind, PartStart};
use std::collections::HashMap;

impl Answer {
    /// Puts the events of a stream together. An error in it is not part of an answer and is left out.
    #[must_use]
    pub fn collect(events: impl IntoIterator<Item = Event>) -> Self {
        let mut answer = Self {
            id: String::new(),
            model: String::new(),
            created: None,
            parts: Vec::new(),
            finish: Finish::new(FinishKind::Stop, ""),
            usage: None,
            service_tier: None,
            logprobs: Vec::new(),
        };
        let mut places = HashMap::new();
        for event in events {
            match event {
                Event::Start { id, model, created, usage } => {
                    answer.id = id;
                    answer.model = model;
                    answer.created = created;
                    answer.usage = usage.or(answer.usage);
                }
                Event::PartStart { part, start } => {
                    places.insert(part, answer.parts.len());
                    answer.parts.push(Part::new(begin(start)));
                }
                Event::PartDelta { delta: PartDelta::Logprobs(more), .. } => answer.logprobs.extend(more),
                Event::PartDelta { part, delta } => {
                    if let Some(part) = places.get(&part).and_then(|at| answer.parts.get_mut(*at)) {
                        append(part, delta);
                    }
                }
                Event::ServiceTier(tier) => answer.service_tier = Some(tier),
                Event::Finish(finish) => answer.finish = finish,
                Event::Usage(usage) => answer.usage = Some(usage),
                Event::PartEnd { .. } | Event::Lost(_) | Event::Ping | Event::Error(_) | Event::End => {}
            }
        }
        answer
    }

    /// The answer as a stream of one delta a part.
    #[must_use]
    pub fn into_events(self) -> Vec<Event> {
        let mut events =
            vec![Event::Start { id: self.id, model: self.model, created: self.created, usage: self.usage }];
        let mut logprobs = self.logprobs;
        for (number, part) in self.parts.into_iter().enumerate() {
            let is_text = matches!(part.kind, PartKind::Text(_));
            let (start, deltas) = match part.kind {
                PartKind::Text(text) => (PartStart::Text, vec![PartDelta::Text(text)]),
                PartKind::Refusal(text) => (PartStart::Refusal, vec![PartDelta::Text(text)]),
                PartKind::Thinking { text, signature } => {
                    let signature = signature.map(PartDelta::Signature);
                    (PartStart::Thinking, std::iter::once(PartDelta::Text(text)).chain(signature).collect())
                }
                PartKind::RedactedThinking(data) => (PartStart::RedactedThinking(data), Vec::new()),
                PartKind::ToolCall { id, name, arguments } => {
                    (PartStart::ToolCall { id, name }, vec![PartDelta::Arguments(arguments.into_text())])
                }
                _ => continue,
            };
            events.push(Event::PartStart { part: number, start });
            let signature = part.signature.map(PartDelta::Signature);
            let deltas = deltas.into_iter().chain(part.citations.into_iter().map(PartDelta::Citation)).chain(signature);
            events.extend(deltas.map(|delta| Event::PartDelta { part: number, delta }));
            if is_text && !logprobs.is_empty() {
                let delta = PartDelta::Logprobs(std::mem::take(&mut logprobs));
                events.push(Event::PartDelta { part: number, delta });
            }
            events.push(Event::PartEnd { part: number });
        }
        events.extend(self.service_tier.map(Event::ServiceTier));
        events.push(Event::Finish(self.finish));
        events.extend(self.usage.map(Event::Usage));
        events.push(Event::End);
        events
    }
}

fn begin(start: PartStart) -> PartKind {
    match start {
        PartStart::Text => PartKind::Text(String::new()),
        PartStart::Refusal => PartKind::Refusal(String::new()),
        PartStart::Thinking => PartKind::Thinking { text: String::new(), signature: None },
        PartStart::RedactedThinking(data) => PartKind::RedactedThinking(data),
        PartStart::ToolCall { id, name } => PartKind::ToolCall { id, name, arguments: Arguments::Text(String::new()) },
    }
}

fn append(part: &mut Part, delta: PartDelta) {
    match (&mut part.kind, delta) {
        (PartKind::Text(text) | PartKind::Refusal(text), PartDelta::Text(more)) => text.push_str(&more),
        (PartKind::Thinking { text, .. }, PartDelta::Text(more)) => text.push_str(&more),
        (PartKind::Thinking { signature, .. }, PartDelta::Signature(more)) => {
            signature.get_or_insert_default().push_str(&more);
        }
        (_, PartDelta::Signature(more)) => part.signature.get_or_insert_default().push_str(&more),
        (PartKind::ToolCall { arguments: Arguments::Text(text), .. }, PartDelta::Arguments(more)) => {
            text.push_str(&more);
        }
        (_, PartDelta::Citation(citation)) => part.citations.push(citation),
        _ => {}
    }
}
