//! An OpenAI Chat stream becomes neutral events. Servers that imitate it differ in small ways; what they do is
//! straightened here: indexes and ids left out, finishes told twice or too early, usage in any chunk.

use super::citations;
use super::json_end::JsonEnd;
use crate::framing::Frame;
use crate::model::{Citation, Event, Finish, FinishKind, Names, PartDelta, PartStart, Usage, mint, says_nothing};
use crate::{Format, UpstreamFault};
use serde_json::Value;

/// Decodes one stream.
#[derive(Debug)]
pub struct StreamDecoder {
    names: Names,
    started: bool,
    ended: bool,
    id: String,
    next_part: usize,
    /// The open part that is not a call.
    open: Option<(usize, PartStart)>,
    calls: Vec<Call>,
    /// Characters of the content so far, and before the open text.
    said: u64,
    before: u64,
    /// Tokens, citations and a signature of a text that is still to come.
    early: Vec<PartDelta>,
    refused: bool,
    /// Members that are read nowhere, each told once.
    unread: Vec<String>,
    finish: Option<Finish>,
    usage: Option<Usage>,
    tier: Option<String>,
}

/// Members of a delta that are read.
const READ: [&str; 9] = [
    "role",
    "content",
    "reasoning_content",
    "reasoning",
    "annotations",
    "extra_content",
    "refusal",
    "tool_calls",
    "function_call",
];
/// Of so many others is told that they are not.
const MOST_UNREAD: usize = 16;

/// A call of which more pieces may come.
#[derive(Debug)]
struct Call {
    index: Option<u64>,
    id: String,
    name: String,
    /// `None` until its name has come; what comes before waits.
    part: Option<usize>,
    early: String,
    arguments: JsonEnd,
    open: bool,
}

impl Call {
    fn argue(&mut self, text: String, out: &mut Vec<Event>) {
        if !self.open || text.is_empty() {
            return;
        }
        match self.part {
            None => self.early.push_str(&text),
            Some(part) => {
                self.arguments.push(&text);
                out.push(Event::PartDelta { part, delta: PartDelta::Arguments(text) });
            }
        }
    }

    /// Ends the call; one without a name never was one.
    fn end(&mut self, out: &mut Vec<Event>) {
        self.open = false;
        out.extend(self.part.map(|part| Event::PartEnd { part }));
    }
}

impl StreamDecoder {
    /// A decoder that restores tool names.
    #[must_use]
    pub fn new(names: Names) -> Self {
        Self {
            names,
            started: false,
            ended: false,
            id: String::new(),
            next_part: 0,
            open: None,
            calls: Vec::new(),
            said: 0,
            before: 0,
            early: Vec::new(),
            refused: false,
            unread: Vec::new(),
            finish: None,
            usage: None,
            tier: None,
        }
    }

    /// Takes one event.
    ///
    /// # Errors
    /// When its data is not JSON.
    pub fn push(&mut self, event: &Frame, out: &mut Vec<Event>) -> Result<(), UpstreamFault> {
        let Some(data) = event.data.as_ref().filter(|data| !data.trim_ascii().is_empty()) else { return Ok(()) };
        if self.ended {
            return Ok(());
        }
        if data.trim_ascii() == b"[DONE]" {
            return self.finish(out);
        }
        let chunk: Value = serde_json::from_slice(data)
            .map_err(|_| UpstreamFault::malformed(Format::OpenAIChat, "an event's data is not JSON"))?;
        if let Some(error) = super::chunk_error(&chunk) {
            self.ended = true;
            out.push(Event::Error(error));
            return Ok(());
        }
        self.unread("", &chunk, &super::BODY_READ, out);
        let choices = chunk.get("choices").and_then(Value::as_array);
        if let Some(usage) = chunk.get("usage").and_then(super::read_usage) {
            self.usage = Some(usage);
            self.start(&chunk, out);
        }
        // Each chunk says it.
        if self.tier.is_none() {
            self.tier = chunk.get("service_tier").and_then(Value::as_str).map(str::to_owned);
        }
        // Several choices are never asked for; the first is the answer.
        for choice in choices.into_iter().flatten() {
            if choice.get("index").and_then(Value::as_u64).unwrap_or(0) != 0 {
                out.push(Event::Lost("choices".to_owned()));
                continue;
            }
            self.start(&chunk, out);
            self.unread("choices[].", choice, &["index", "delta", "message", "logprobs", "finish_reason"], out);
            self.delta(choice.get("delta").unwrap_or(&Value::Null), out);
            if let Some(tokens) = choice.pointer("/logprobs/content").and_then(Value::as_array)
                && !tokens.is_empty()
            {
                self.beside(PartDelta::Logprobs(tokens.clone()), out);
            }
            let reason = choice.get("finish_reason").and_then(Value::as_str).filter(|reason| !reason.is_empty());
            if let (None, Some(reason)) = (&self.finish, reason) {
                self.finish = Some(super::read_finish(reason));
            }
        }
        Ok(())
    }

    /// Whether the answer is whole but for what may come behind its finish.
    #[must_use]
    pub fn has_finish(&self) -> bool {
        self.ended || self.finish.is_some()
    }

    /// Tokens as far as upstream has told.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// Takes upstream's end, be it `[DONE]` or the last byte.
    ///
    /// # Errors
    /// When the answer has not ended.
    pub fn finish(&mut self, out: &mut Vec<Event>) -> Result<(), UpstreamFault> {
        if self.ended {
            return Ok(());
        }
        let Some(mut finish) = self.finish.take() else {
            return Err(UpstreamFault::Truncated);
        };
        self.ended = true;
        self.close_open(out);
        // Likelihoods of what is no text.
        let likely = self.early.iter().any(|delta| matches!(delta, PartDelta::Logprobs(_)));
        out.extend(likely.then(|| Event::Lost("logprobs".to_owned())));
        for call in self.calls.iter_mut().filter(|call| call.open) {
            call.end(out);
        }
        if finish.kind == FinishKind::Stop {
            if self.calls.iter().any(|call| call.part.is_some()) {
                finish.kind = FinishKind::ToolCalls;
            } else if self.refused {
                finish.kind = FinishKind::Refusal;
            }
        }
        out.extend(self.tier.take().map(Event::ServiceTier));
        out.push(Event::Finish(finish));
        out.extend(self.usage.map(Event::Usage));
        out.push(Event::End);
        Ok(())
    }

    fn start(&mut self, chunk: &Value, out: &mut Vec<Event>) {
        if self.started {
            return;
        }
        self.started = true;
        self.id = crate::json::text(chunk, "id").to_owned();
        out.push(Event::Start {
            id: self.id.clone(),
            model: crate::json::text(chunk, "model").to_owned(),
            created: chunk.get("created").and_then(Value::as_u64),
            usage: None,
        });
        out.extend(self.unread.iter().cloned().map(Event::Lost));
    }

    fn delta(&mut self, delta: &Value, out: &mut Vec<Event>) {
        let text = |key: &str| delta.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        if let Some(thought) = text("reasoning_content").or_else(|| text("reasoning")) {
            self.say(PartStart::Thinking, thought.to_owned(), out);
        }
        match delta.get("content") {
            Some(Value::String(text)) if !text.is_empty() => self.say(PartStart::Text, text.clone(), out),
            Some(Value::Array(items)) => {
                for item in items {
                    match typed_piece(item) {
                        Some((true, text)) => self.say(PartStart::Thinking, text, out),
                        Some((false, text)) => self.say(PartStart::Text, text, out),
                        None => self.lose("choices[].message.content", out),
                    }
                }
            }
            _ => {}
        }
        for annotation in delta.get("annotations").and_then(Value::as_array).into_iter().flatten() {
            if annotation.is_object() {
                let citation = self.placed(citations::read(annotation.clone()));
                self.beside(PartDelta::Citation(citation), out);
            }
        }
        if let Some(signature) = delta.pointer("/extra_content/google/thought_signature").and_then(Value::as_str) {
            self.beside(PartDelta::Signature(signature.to_owned()), out);
        }
        // What is said aloud stands nowhere else.
        if let Some(said) = delta.pointer("/audio/transcript").and_then(Value::as_str) {
            self.say(PartStart::Text, said.to_owned(), out);
        }
        if let Some(refusal) = text("refusal") {
            self.refused = true;
            self.say(PartStart::Refusal, refusal.to_owned(), out);
        }
        for call in delta.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
            self.call(call, out);
        }
        if let Some(function) = delta.get("function_call").filter(|function| function.is_object()) {
            self.call(&serde_json::json!({"index": 0, "function": function}), out);
        }
        self.unread("choices[].message.", delta, &READ, out);
    }

    /// Tells of members that are read nowhere.
    fn unread(&mut self, prefix: &str, of: &Value, read: &[&str], out: &mut Vec<Event>) {
        for (key, value) in of.as_object().into_iter().flatten() {
            if !read.contains(&key.as_str()) && !says_nothing(key, value) {
                self.lose(&format!("{prefix}{key}"), out);
            }
        }
    }

    /// Tells that a member is read nowhere.
    fn lose(&mut self, member: &str, out: &mut Vec<Event>) {
        if self.unread.len() < MOST_UNREAD && !self.unread.iter().any(|told| told == member) {
            self.unread.push(member.to_owned());
            // The answer begins before anything is said of it.
            if self.started {
                out.push(Event::Lost(member.to_owned()));
            }
        }
    }

    fn say(&mut self, start: PartStart, text: String, out: &mut Vec<Event>) {
        if text.is_empty() {
            return;
        }
        let part = match &self.open {
            Some((part, kind)) if *kind == start => *part,
            _ => {
                self.close_open(out);
                self.close_complete_calls(out);
                let part = self.begin(start.clone(), out);
                self.before = self.said;
                self.open = Some((part, start.clone()));
                part
            }
        };
        if start == PartStart::Text {
            self.said += text.chars().count() as u64;
        }
        out.push(Event::PartDelta { part, delta: PartDelta::Text(text) });
        if start == PartStart::Text {
            let early = std::mem::take(&mut self.early);
            out.extend(early.into_iter().map(|delta| Event::PartDelta { part, delta }));
        }
    }

    /// Something about the text: of the open one, or of the next.
    fn beside(&mut self, delta: PartDelta, out: &mut Vec<Event>) {
        match &self.open {
            Some((part, PartStart::Text)) => out.push(Event::PartDelta { part: *part, delta }),
            _ => self.early.push(delta),
        }
    }

    /// A citation whose range counts from the begin of the open text.
    fn placed(&self, mut citation: Citation) -> Citation {
        let from_here = |at: u64| at.checked_sub(self.before);
        citation.range = citation.range.and_then(|(from, to)| from_here(from).zip(from_here(to)));
        citation
    }

    fn begin(&mut self, start: PartStart, out: &mut Vec<Event>) -> usize {
        let part = self.next_part;
        self.next_part += 1;
        out.push(Event::PartStart { part, start });
        part
    }

    fn close_open(&mut self, out: &mut Vec<Event>) {
        if let Some((part, _)) = self.open.take() {
            out.push(Event::PartEnd { part });
        }
    }

    /// Calls whose arguments are whole end when something else begins; the others stay open, for their pieces may be
    /// interleaved.
    fn close_complete_calls(&mut self, out: &mut Vec<Event>) {
        for call in self.calls.iter_mut().filter(|call| call.open && call.arguments.complete()) {
            call.end(out);
        }
    }

    fn call(&mut self, piece: &Value, out: &mut Vec<Event>) {
        let index = piece.get("index").and_then(Value::as_u64);
        let id = crate::json::text(piece, "id");
        let Some(function) = piece.get("function").or_else(|| piece.get("custom").is_none().then_some(&Value::Null))
        else {
            return self.lose("choices[].message.tool_calls[]", out);
        };
        let name = crate::json::text(function, "name");
        let known = self.known_call(index, id, name);
        let at = match known {
            Some(at) => at,
            None if name.is_empty() && id.is_empty() => return,
            None => {
                self.close_open(out);
                self.close_complete_calls(out);
                let nth = self.calls.len() as u64 + 1;
                let id = if id.is_empty() { mint(&self.id, nth) } else { id.to_owned() };
                let arguments = JsonEnd::default();
                let (name, early) = (String::new(), String::new());
                self.calls.push(Call { index, id, name, part: None, early, arguments, open: true });
                self.calls.len() - 1
            }
        };
        if self.calls[at].part.is_none() && !name.is_empty() {
            let start =
                PartStart::ToolCall { id: self.calls[at].id.clone(), name: self.names.receive(name.to_owned()) };
            let part = self.begin(start, out);
            self.calls[at].part = Some(part);
            name.clone_into(&mut self.calls[at].name);
            let early = std::mem::take(&mut self.calls[at].early);
            self.calls[at].argue(early, out);
        }
        let signature = piece.pointer("/extra_content/google/thought_signature").and_then(Value::as_str);
        if let Some((part, signature)) = self.calls[at].part.filter(|_| self.calls[at].open).zip(signature) {
            out.push(Event::PartDelta { part, delta: PartDelta::Signature(signature.to_owned()) });
        }
        let arguments = match function.get("arguments") {
            Some(Value::String(text)) => text.clone(),
            None | Some(Value::Null) => String::new(),
            Some(value) => value.to_string(),
        };
        self.calls[at].argue(arguments, out);
    }

    /// The call that a piece goes on with. A piece with another id and a name begins a new call even under a known
    /// index (some servers give every call index 0), and so does one with a name alone where there is nothing to go on
    /// with; one without index goes on with the last call.
    fn known_call(&self, index: Option<u64>, id: &str, name: &str) -> Option<usize> {
        let goes_on = |call: &Call| match (id.is_empty(), name.is_empty()) {
            (_, true) => true,
            (false, false) => call.id == id,
            (true, false) => call.part.is_none() || call.name == name && !call.arguments.complete(),
        };
        let same = |call: &Call| match index {
            Some(_) => call.index == index && goes_on(call),
            None => call.id == id,
        };
        if index.is_none() && id.is_empty() {
            return if name.is_empty() { self.calls.len().checked_sub(1) } else { None };
        }
        self.calls.iter().rposition(same)
    }
}

/// A piece of content that is written as a typed list (Mistral): whether it is thinking, and its text.
pub(super) fn typed_piece(item: &Value) -> Option<(bool, String)> {
    match item.get("type")?.as_str()? {
        "text" => Some((false, item.get("text")?.as_str()?.to_owned())),
        "thinking" => {
            let inner = item.get("thinking")?;
            let text = match inner {
                Value::String(text) => text.clone(),
                Value::Array(parts) => parts.iter().filter_map(|part| part.get("text")?.as_str()).collect(),
                _ => return None,
            };
            Some((true, text))
        }
        _ => None,
    }
}
