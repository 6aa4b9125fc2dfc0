//! The items of a stream: which event belongs to which, and what has been said of each.

use super::CUSTOM_INPUT;
use super::annotations::{decode_annotation, decode_logprob};
use super::decode_reply::{arguments, signature};
use super::reasoning::{SEPARATOR, text_of};
use crate::json::{Object, take_array, take_string, text};
use crate::model::{Event, Names, PartDelta, PartStart, mint};
use serde_json::Value;
use std::collections::HashSet;

/// Where an event says that it belongs.
#[derive(Clone, Debug)]
pub(super) struct Where {
    output: Option<u64>,
    item: String,
    /// Index within the item, of its content or its summary.
    inner: u64,
}

impl Where {
    pub(super) fn of(event: &Value) -> Self {
        let number = |key: &str| event.get(key).and_then(Value::as_u64);
        let inner = number("content_index").or_else(|| number("summary_index")).unwrap_or_default();
        Self { output: number("output_index"), item: text(event, "item_id").to_owned(), inner }
    }
}

/// What an item is, or a part of one: a message has texts and refusals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Refusal,
    Thinking,
    Call,
    /// A call whose arguments are one text that comes bare.
    CustomCall,
    /// What has no neutral form.
    Other,
}

impl Kind {
    fn of(item: &Value) -> Self {
        match text(item, "type") {
            "message" => Self::Text,
            "reasoning" => Self::Thinking,
            "function_call" => Self::Call,
            "custom_tool_call" => Self::CustomCall,
            _ => Self::Other,
        }
    }

    /// Of the item that has a part of this kind.
    fn of_item(self) -> Self {
        if self == Self::Refusal { Self::Text } else { self }
    }
}

#[derive(Debug)]
struct Item {
    output: Option<u64>,
    id: String,
    kind: Kind,
    parts: Vec<Part>,
    done: bool,
}

/// A part of which something was said.
#[derive(Debug)]
struct Part {
    inner: u64,
    kind: Kind,
    /// Its neutral number.
    number: usize,
    ended: bool,
    /// Whether any text was said, and of which part of a summary the last.
    said: Option<u64>,
    cited: bool,
    likely: bool,
}

/// The items so far.
#[derive(Debug)]
pub(super) struct Items {
    names: Names,
    /// Id of the response.
    pub(super) reply: String,
    list: Vec<Item>,
    next_part: usize,
    calls: u64,
    /// Ids of calls, as upstream gave them.
    called: HashSet<String>,
}

impl Items {
    pub(super) fn new(names: Names) -> Self {
        Self { names, reply: String::new(), list: Vec::new(), next_part: 0, calls: 0, called: HashSet::new() }
    }

    /// Whether anything of a kind was said.
    pub(super) fn has(&self, kind: Kind) -> bool {
        self.list.iter().flat_map(|item| &item.parts).any(|part| part.kind == kind)
    }

    /// The item of an event: by index, else by id, else the last one. Ids may change from event to event.
    fn find(&self, place: &Where) -> Option<usize> {
        let by_index = |index: u64| self.list.iter().rposition(|item| item.output == Some(index));
        let by_id = || self.list.iter().rposition(|item| !item.id.is_empty() && item.id == place.item);
        let nowhere = place.output.is_none() && place.item.is_empty();
        let last = || self.list.len().checked_sub(1).filter(|_| nowhere);
        place.output.and_then(by_index).or_else(by_id).or_else(last)
    }

    /// The item of an event of a kind, or a new one where its begin was left out.
    fn find_or_add(&mut self, place: &Where, kind: Kind) -> usize {
        let known = self.find(place);
        match known.filter(|at| self.list.get(*at).is_some_and(|item| item.kind == kind.of_item())) {
            Some(at) => at,
            None => self.push(place, place.item.clone(), kind.of_item()),
        }
    }

    fn push(&mut self, place: &Where, id: String, kind: Kind) -> usize {
        self.list.push(Item { output: place.output, id, kind, parts: Vec::new(), done: false });
        self.list.len() - 1
    }

    fn begin(&mut self, at: usize, inner: u64, kind: Kind, start: PartStart, out: &mut Vec<Event>) {
        let Some(item) = self.list.get_mut(at) else { return };
        let number = self.next_part;
        self.next_part += 1;
        item.parts.push(Part { inner, kind, number, ended: false, said: None, cited: false, likely: false });
        out.push(Event::PartStart { part: number, start });
    }

    fn known(&mut self, at: usize, inner: u64, kind: Kind) -> Option<&mut Part> {
        self.list.get_mut(at)?.parts.iter_mut().find(|part| part.inner == inner && part.kind == kind)
    }

    /// An open part of an item, which begins where nothing was said of it yet.
    fn part(&mut self, place: &Where, kind: Kind, out: &mut Vec<Event>) -> Option<&mut Part> {
        let at = self.find_or_add(place, kind);
        // Thinking is one part, however many parts its summary has.
        let inner = if kind == Kind::Thinking { 0 } else { place.inner };
        if self.known(at, inner, kind).is_none() {
            let start = match kind {
                Kind::Refusal => PartStart::Refusal,
                Kind::Thinking => PartStart::Thinking,
                _ => PartStart::Text,
            };
            self.begin(at, inner, kind, start, out);
        }
        self.known(at, inner, kind).filter(|part| !part.ended)
    }

    /// A piece of text, of a refusal or of thinking.
    pub(super) fn say(&mut self, place: &Where, kind: Kind, said: String, out: &mut Vec<Event>) {
        if said.is_empty() {
            return;
        }
        let Some(part) = self.part(place, kind, out) else { return };
        let (number, before) = (part.number, part.said.replace(place.inner));
        if kind == Kind::Thinking && before.is_some_and(|before| before != place.inner) {
            out.push(Event::PartDelta { part: number, delta: PartDelta::Text(SEPARATOR.to_owned()) });
        }
        out.push(Event::PartDelta { part: number, delta: PartDelta::Text(said) });
    }

    /// The whole of it, which counts where no piece was said.
    pub(super) fn say_whole(&mut self, place: &Where, kind: Kind, whole: String, out: &mut Vec<Event>) {
        let at = self.find_or_add(place, kind);
        if self.known(at, place.inner, kind).is_none_or(|part| part.said.is_none()) {
            self.say(place, kind, whole, out);
        }
    }

    pub(super) fn cite(&mut self, place: &Where, annotation: Value, out: &mut Vec<Event>) {
        let Some(part) = self.part(place, Kind::Text, out) else { return };
        part.cited = true;
        let delta = PartDelta::Citation(decode_annotation(annotation));
        out.push(Event::PartDelta { part: part.number, delta });
    }

    pub(super) fn weigh(&mut self, place: &Where, logprobs: &Value, out: &mut Vec<Event>) {
        let Some(logprobs) = logprobs.as_array().filter(|list| !list.is_empty()) else { return };
        let Some(part) = self.part(place, Kind::Text, out) else { return };
        part.likely = true;
        let delta = PartDelta::Logprobs(logprobs.iter().map(decode_logprob).collect());
        out.push(Event::PartDelta { part: part.number, delta });
    }

    /// A content part when it is complete.
    pub(super) fn complete_part(&mut self, place: &Where, content: Value, out: &mut Vec<Event>) {
        let Value::Object(mut content) = content else { return };
        let (kind, key) = match content.get("type").and_then(Value::as_str) {
            Some("output_text") => (Kind::Text, "text"),
            Some("refusal") => (Kind::Refusal, "refusal"),
            kind => return out.push(Event::Lost(format!("output[].content[].{}", kind.unwrap_or("unknown")))),
        };
        self.say_whole(place, kind, take_string(&mut content, key).unwrap_or_default(), out);
        let at = self.find_or_add(place, kind);
        let told = self.known(at, place.inner, kind).map_or((false, false), |part| (part.cited, part.likely));
        if !told.1 {
            self.weigh(place, content.get("logprobs").unwrap_or(&Value::Null), out);
        }
        for annotation in take_array(&mut content, "annotations").filter(|_| !told.0).unwrap_or_default() {
            self.cite(place, annotation, out);
        }
        if let Some(part) = self.known(at, place.inner, kind) {
            part.end(out);
        }
    }

    /// An item begins. One under a known index is another one: some servers count all as 0.
    pub(super) fn add(&mut self, place: &Where, item: Value, out: &mut Vec<Event>) {
        let kind = Kind::of(&item);
        if kind == Kind::Other {
            out.push(Event::Lost(format!("output[].{}", crate::json::kind(&item))));
        }
        let at = self.push(place, text(&item, "id").to_owned(), kind);
        if let (Kind::Call | Kind::CustomCall, Value::Object(mut item)) = (kind, item) {
            self.begin_call(at, &mut item, out);
        }
    }

    fn begin_call(&mut self, at: usize, item: &mut Object, out: &mut Vec<Event>) {
        let Some(name) = take_string(item, "name").filter(|name| !name.is_empty()) else { return };
        self.calls += 1;
        let id = take_string(item, "call_id").filter(|id| !id.is_empty());
        self.called.extend(id.clone());
        let id = id.unwrap_or_else(|| mint(&self.reply, self.calls));
        let name = self.names.receive(name);
        self.begin(at, 0, Kind::Call, PartStart::ToolCall { id, name }, out);
    }

    /// The call of an event, where its begin was told.
    fn call(&mut self, place: &Where) -> Option<&mut Part> {
        let at = self.find(place)?;
        self.known(at, 0, Kind::Call).filter(|part| !part.ended)
    }

    /// A piece of a call's arguments.
    pub(super) fn argue(&mut self, place: &Where, arguments: String, out: &mut Vec<Event>) {
        let Some(part) = self.call(place).filter(|_| !arguments.is_empty()) else { return };
        part.said = Some(0);
        out.push(Event::PartDelta { part: part.number, delta: PartDelta::Arguments(arguments) });
    }

    /// A piece of the input of a custom tool, which is a member of its arguments.
    pub(super) fn input(&mut self, place: &Where, input: &str, out: &mut Vec<Event>) {
        let Some(part) = self.call(place).filter(|_| !input.is_empty()) else { return };
        let quoted = Value::from(input).to_string();
        let inside = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
        let arguments = match part.said.replace(0) {
            None => format!("{{\"{CUSTOM_INPUT}\":\"{inside}"),
            Some(_) => inside.to_owned(),
        };
        out.push(Event::PartDelta { part: part.number, delta: PartDelta::Arguments(arguments) });
    }

    /// An item when it is complete: what was not said of it is said now, and it ends.
    pub(super) fn complete(&mut self, place: &Where, item: Value, out: &mut Vec<Event>) {
        let kind = Kind::of(&item);
        let place = Where { item: text(&item, "id").to_owned(), ..place.clone() };
        let at = self.find_or_add(&place, kind);
        let Value::Object(mut item) = item else { return };
        if self.list.get(at).is_none_or(|item| item.done) {
            return;
        }
        match kind {
            Kind::Text | Kind::Refusal => {
                for (inner, content) in (0..).zip(take_array(&mut item, "content").unwrap_or_default()) {
                    self.complete_part(&Where { inner, ..place.clone() }, content, out);
                }
            }
            Kind::Thinking => {
                self.say_whole(&Where { inner: 0, ..place.clone() }, kind, text_of(&item), out);
                if let Some(signature) = signature(&item)
                    && let Some(part) = self.part(&place, kind, out)
                {
                    out.push(Event::PartDelta { part: part.number, delta: PartDelta::Signature(signature) });
                }
            }
            Kind::Call | Kind::CustomCall => self.complete_call(at, kind, &mut item, out),
            Kind::Other => {}
        }
        self.end_item(at, out);
    }

    fn complete_call(&mut self, at: usize, kind: Kind, item: &mut Object, out: &mut Vec<Event>) {
        if self.known(at, 0, Kind::Call).is_none() {
            self.begin_call(at, item, out);
        }
        let Some(part) = self.known(at, 0, Kind::Call).filter(|part| !part.ended) else { return };
        let rest = match (part.said, kind) {
            (None, _) => arguments(item).into_text(),
            (Some(_), Kind::CustomCall) => "\"}".to_owned(),
            (Some(_), _) => String::new(),
        };
        if !rest.is_empty() {
            out.push(Event::PartDelta { part: part.number, delta: PartDelta::Arguments(rest) });
        }
    }

    fn end_item(&mut self, at: usize, out: &mut Vec<Event>) {
        let Some(item) = self.list.get_mut(at) else { return };
        item.done = true;
        item.parts.iter_mut().for_each(|part| part.end(out));
    }

    /// The whole output at the end: what no event told before is told now.
    pub(super) fn end(&mut self, output: Vec<Value>, out: &mut Vec<Event>) {
        let spoke = self.has(Kind::Text) || self.has(Kind::Refusal);
        let silent = !spoke && !self.has(Kind::Thinking) && !self.has(Kind::Call);
        for at in 0..self.list.len() {
            self.end_item(at, out);
        }
        for (index, item) in (0..).zip(output) {
            let missing = match Kind::of(&item) {
                Kind::Text | Kind::Refusal => !spoke,
                Kind::Thinking => silent,
                Kind::Call | Kind::CustomCall => !self.called.contains(text(&item, "call_id")) && !self.unnamed(&item),
                Kind::Other => false,
            };
            if missing {
                let place = Where { output: Some(index), item: text(&item, "id").to_owned(), inner: 0 };
                self.add(&place, item.clone(), out);
                self.complete(&place, item, out);
            }
        }
    }

    /// Whether a call has no id of upstream's while others have begun: it is one of those.
    fn unnamed(&self, item: &Value) -> bool {
        text(item, "call_id").is_empty() && self.calls > 0
    }
}

impl Part {
    fn end(&mut self, out: &mut Vec<Event>) {
        if !std::mem::replace(&mut self.ended, true) {
            out.push(Event::PartEnd { part: self.number });
        }
    }
}
