//! A stream of generateContent replies becomes neutral events. There is no last event: the answer is complete where the
//! stream ends behind a finish.

use super::citations::{Said, Sources};
use super::ids::Seed;
use super::partial::PartialArgs;
use super::{decode_reply, finish, logprobs, time, usage};
use crate::framing::Frame;
use crate::json::text;
use crate::model::{Event, Finish, FinishKind, Names, PartDelta, PartStart, Usage};
use crate::{Format, UpstreamFault};
use serde_json::Value;

/// Decodes one stream.
#[derive(Debug)]
pub struct StreamDecoder {
    names: Names,
    started: bool,
    ended: bool,
    seed: Seed,
    next_part: usize,
    /// The open text or thinking.
    open: Option<Open>,
    /// The call of which more pieces come.
    call: Option<Call>,
    calls: u64,
    /// Whether there was anything of an answer, told here or not: thoughts alone are none.
    produced: bool,
    /// How many parts the whole reply has so far.
    places: usize,
    sources: Sources,
    /// The texts that have ended: which sources are theirs may come later.
    ended_texts: Vec<Said>,
    finish: Option<Finish>,
    tier: Option<String>,
    message: Option<String>,
    usage: Option<Usage>,
}

#[derive(Debug)]
struct Open {
    part: usize,
    start: PartStart,
    /// Its place among the whole reply's parts.
    place: usize,
    /// What it says, for the places of citations.
    said: String,
    /// A signature or another part came: text that follows is another one.
    sealed: bool,
}

#[derive(Debug)]
struct Call {
    part: usize,
    args: PartialArgs,
}

impl StreamDecoder {
    /// A decoder that restores tool names.
    #[must_use]
    pub fn new(names: Names) -> Self {
        Self {
            names,
            started: false,
            ended: false,
            seed: Seed::default(),
            next_part: 0,
            open: None,
            call: None,
            calls: 0,
            produced: false,
            places: 0,
            sources: Sources::default(),
            ended_texts: Vec::new(),
            finish: None,
            tier: None,
            message: None,
            usage: None,
        }
    }

    /// Takes one chunk.
    ///
    /// # Errors
    /// When its data is not JSON.
    pub fn push(&mut self, event: &Frame, out: &mut Vec<Event>) -> Result<(), UpstreamFault> {
        let Some(data) = event.data.as_ref().filter(|data| !data.trim_ascii().is_empty()) else { return Ok(()) };
        // Servers that imitate the API end as OpenAI's do.
        if self.ended || data.trim_ascii() == b"[DONE]" {
            return Ok(());
        }
        let value: Value = serde_json::from_slice(data)
            .map_err(|_| UpstreamFault::malformed(Format::GeminiGenerateContent, "an event's data is not JSON"))?;
        if let Some(error) = super::read_error(&value, 502) {
            self.ended = true;
            out.push(Event::Error(error));
            return Ok(());
        }
        if let Value::Array(chunks) = &value {
            chunks.iter().for_each(|chunk| self.chunk(chunk, out));
        } else {
            self.chunk(&value, out);
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

    /// Takes upstream's end.
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
        if !self.produced
            && let Some(error) = finish::failure(&finish.native, self.message.as_deref())
        {
            out.push(Event::Error(error));
            return Ok(());
        }
        self.close_call(out);
        self.close_open(out);
        self.lose_sources(out);
        if finish.kind == FinishKind::Stop && self.calls > 0 {
            finish.kind = FinishKind::ToolCalls;
        }
        self.tell_message(&finish, out);
        out.extend(self.tier.take().map(Event::ServiceTier));
        out.push(Event::Finish(finish));
        out.extend(self.usage.map(Event::Usage));
        out.push(Event::End);
        Ok(())
    }

    /// The vendor's words about why the answer ended.
    fn tell_message(&mut self, finish: &Finish, out: &mut Vec<Event>) {
        let Some(text) = self.message.take() else { return };
        if finish.kind == FinishKind::Refusal {
            let part = self.begin(PartStart::Refusal, out);
            out.push(Event::PartDelta { part, delta: PartDelta::Text(text) });
            out.push(Event::PartEnd { part });
        } else if finish::is_lost(&finish.native, Some(&text)) {
            out.push(lost(finish::MESSAGE));
        }
    }

    fn chunk(&mut self, chunk: &Value, out: &mut Vec<Event>) {
        self.seed.take(chunk);
        // Each chunk says it.
        if self.tier.is_none() {
            let tier = chunk.get("usageMetadata").and_then(|usage| usage.get("serviceTier")?.as_str());
            self.tier = tier.map(decode_reply::tier);
        }
        if let Some(usage) = chunk.get("usageMetadata").and_then(usage::read) {
            self.usage = Some(usage);
        }
        let candidates = chunk.get("candidates").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let feedback = chunk.get("promptFeedback").filter(|_| candidates.is_empty());
        if !candidates.is_empty() || feedback.is_some() {
            self.start(chunk, out);
        }
        if let Some(feedback) = feedback.filter(|_| !(self.produced || self.next_part > 0) && self.finish.is_none()) {
            let (finish, message) = finish::blocked(feedback);
            self.finish = Some(finish);
            self.message = message;
        }
        let index = |candidate: &&Value| candidate.get("index").and_then(Value::as_u64).unwrap_or(0);
        // Several candidates are never asked for; the first is the answer.
        if candidates.len() > 1 || candidates.iter().any(|candidate| index(&candidate) > 0) {
            out.push(lost("candidates"));
        }
        for candidate in candidates.iter().filter(|candidate| index(candidate) == 0) {
            self.candidate(candidate, out);
        }
    }

    fn start(&mut self, chunk: &Value, out: &mut Vec<Event>) {
        if self.started {
            return;
        }
        self.started = true;
        out.push(Event::Start {
            id: text(chunk, "responseId").to_owned(),
            model: text(chunk, "modelVersion").to_owned(),
            created: time::seconds(text(chunk, "createTime")),
            usage: None,
        });
    }

    fn candidate(&mut self, candidate: &Value, out: &mut Vec<Event>) {
        let parts = candidate.get("content").and_then(|content| content.get("parts")?.as_array());
        for part in parts.into_iter().flatten() {
            self.part(part, out);
        }
        self.sources.take(candidate);
        out.extend(decode_reply::left_out(candidate).map(lost));
        let entries = candidate.get("logprobsResult").map(logprobs::read).unwrap_or_default();
        if !entries.is_empty() {
            let open = self.open.as_ref().filter(|open| open.start == PartStart::Text);
            out.push(match open {
                Some(open) => Event::PartDelta { part: open.part, delta: PartDelta::Logprobs(entries) },
                None => lost("logprobs"),
            });
        }
        if let Some(reason) = candidate.get("finishReason").and_then(finish::word) {
            // Older servers say it in every chunk: the last one counts.
            self.finish = Some(finish::read(&reason, false));
            self.message = candidate.get("finishMessage").and_then(Value::as_str).map(str::to_owned);
        }
    }

    fn part(&mut self, part: &Value, out: &mut Vec<Event>) {
        let signature = Some(text(part, "thoughtSignature")).filter(|signature| !signature.is_empty());
        if let Some(call) = part.get("functionCall").filter(|call| call.is_object()) {
            self.function_call(call, signature, out);
            return;
        }
        let thought = part.get("thought") == Some(&Value::Bool(true));
        let known = |key: &str| matches!(key, "text" | "thought" | "thoughtSignature");
        if part.get("text").is_some() || part.as_object().is_some_and(|part| part.keys().all(|key| known(key))) {
            self.text(text(part, "text"), thought, signature, out);
            return;
        }
        // Code, images and the vendor's own tools have no place in a stream of events.
        self.produced = true;
        self.places += 1;
        self.close_call(out);
        self.end_thinking(out);
        if part.get("inlineData").is_some_and(Value::is_object) {
            out.push(lost("content[]"));
        } else if part.is_object() {
            out.push(lost(format!("content[].{}", crate::json::kind(part))));
        }
    }

    fn text(&mut self, words: &str, thought: bool, signature: Option<&str>, out: &mut Vec<Event>) {
        if words.is_empty() {
            // A signature without text is thinking that is not shown. The text before it stays open, for what cites
            // its sources comes last.
            if let Some(signature) = signature {
                self.close_call(out);
                self.seal();
                let part = self.begin(PartStart::Thinking, out);
                out.push(Event::PartDelta { part, delta: PartDelta::Signature(signature.to_owned()) });
                out.push(Event::PartEnd { part });
            }
            return;
        }
        self.produced |= !thought;
        self.close_call(out);
        let start = if thought { PartStart::Thinking } else { PartStart::Text };
        if self.open.as_ref().is_none_or(|open| open.sealed || open.start != start) {
            self.close_open(out);
            let part = self.begin(start.clone(), out);
            self.open = Some(Open { part, start, place: self.places, said: String::new(), sealed: false });
            self.places += 1;
        }
        let Some(open) = &mut self.open else { return };
        if !thought {
            open.said.push_str(words);
        }
        let part = open.part;
        out.push(Event::PartDelta { part, delta: PartDelta::Text(words.to_owned()) });
        if let Some(signature) = signature {
            open.sealed = true;
            out.push(Event::PartDelta { part, delta: PartDelta::Signature(signature.to_owned()) });
        }
    }

    /// A call comes whole, or begins with its name, goes on in pieces and ends where no more is announced.
    fn function_call(&mut self, call: &Value, signature: Option<&str>, out: &mut Vec<Event>) {
        self.produced = true;
        let name = text(call, "name");
        if !name.is_empty() {
            self.close_call(out);
            // A call does not wait for what the text before it may rest on, which comes with the last chunk.
            self.close_open(out);
            self.places += 1;
            self.calls += 1;
            let id = match text(call, "id") {
                "" => self.seed.call(name, call.get("args"), self.calls),
                id => id.to_owned(),
            };
            let name = self.names.receive(name.to_owned());
            let part = self.begin(PartStart::ToolCall { id, name }, out);
            self.call = Some(Call { part, args: PartialArgs::default() });
        }
        let Some(open) = &mut self.call else { return };
        if let Some(signature) = signature {
            let delta = PartDelta::Signature(signature.to_owned());
            out.push(Event::PartDelta { part: open.part, delta });
        }
        open.args.begin(call.get("args").unwrap_or(&Value::Null));
        open.args.push(call.get("partialArgs").unwrap_or(&Value::Null));
        if call.get("willContinue") != Some(&Value::Bool(true)) {
            self.close_call(out);
        }
    }

    fn begin(&mut self, start: PartStart, out: &mut Vec<Event>) -> usize {
        let part = self.next_part;
        self.next_part += 1;
        out.push(Event::PartStart { part, start });
        part
    }

    fn close_call(&mut self, out: &mut Vec<Event>) {
        if let Some(Call { part, args }) = self.call.take() {
            let arguments = args.finish().to_string();
            out.push(Event::PartDelta { part, delta: PartDelta::Arguments(arguments) });
            out.push(Event::PartEnd { part });
        }
    }

    /// Text that follows is another part than the open one.
    fn seal(&mut self) {
        if let Some(open) = &mut self.open {
            open.sealed = true;
        }
    }

    /// Another part follows. Thinking ends, and text stays open, for what it rests on comes with the last chunk: only an
    /// open part can be given a citation, and of a part of its own it would name other characters. No client waits for
    /// that: of what follows no event tells.
    fn end_thinking(&mut self, out: &mut Vec<Event>) {
        if self.open.as_ref().is_some_and(|open| open.start == PartStart::Thinking) {
            self.close_open(out);
        }
        self.seal();
    }

    fn close_open(&mut self, out: &mut Vec<Event>) {
        let Some(Open { part, start, place, said, .. }) = self.open.take() else { return };
        // Behind the last text nothing is looked for any more.
        if start == PartStart::Text && (!self.ended || self.sources.has_more()) {
            self.ended_texts.push(Said::new(said, vec![(place, 0)]));
            let last = self.ended_texts.len() - 1;
            for given in self.sources.give(&self.ended_texts) {
                out.push(match given.text == last {
                    true => Event::PartDelta { part, delta: PartDelta::Citation(given.citation) },
                    false => lost(given.name),
                });
            }
        }
        out.push(Event::PartEnd { part });
    }

    /// What came when no text was open, or without any.
    fn lose_sources(&mut self, out: &mut Vec<Event>) {
        let given = self.sources.give(&self.ended_texts);
        let mut names: Vec<&str> = given.iter().map(|given| given.name).chain(self.sources.left()).collect();
        names.dedup();
        out.extend(names.into_iter().map(lost));
    }
}

fn lost(name: impl Into<String>) -> Event {
    Event::Lost(name.into())
}
