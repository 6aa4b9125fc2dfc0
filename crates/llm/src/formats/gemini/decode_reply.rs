//! A whole generateContent reply becomes a neutral answer.

use super::citations::{Said, Sources};
use super::ids::Seed;
use super::partial::PartialArgs;
use super::{finish, logprobs, time, usage};
use crate::json::{Object, take_array, take_object, take_string};
use crate::model::{Answer, Arguments, FinishKind, Names, Part, PartKind, Report, Source};
use crate::{Format, UpstreamFault};
use serde_json::{Value, json};

/// Decodes a 2xx reply. `names` restores tool names; `report` learns what is left out.
///
/// # Errors
/// When the body is no such reply, reports an error, or ended without an answer for a fault of the model's.
pub fn decode_reply(body: Value, names: &Names, report: &mut Report) -> Result<Answer, UpstreamFault> {
    const WIRE: Format = Format::GeminiGenerateContent;
    if let Some(error) = super::read_error(&body, 502) {
        return Err(UpstreamFault::Reported(error));
    }
    let mut seed = Seed::default();
    seed.take(&body);
    let Value::Object(mut body) = body else {
        return Err(UpstreamFault::malformed(WIRE, "not an object"));
    };
    let id = take_string(&mut body, "responseId").unwrap_or_default();
    let candidates = take_array(&mut body, "candidates").unwrap_or_default();
    if candidates.len() > 1 {
        report.drop("candidates");
    }
    let (mut parts, finish, entries);
    if let Some(candidate) = first(candidates) {
        (parts, finish, entries) = decode_candidate(candidate, &seed, names, report)?;
    } else {
        let Some(feedback) = body.get("promptFeedback") else {
            return Err(UpstreamFault::malformed(WIRE, "'candidates' is missing"));
        };
        let (blocked, message) = finish::blocked(feedback);
        parts = Vec::new();
        parts.extend(message.map(|message| Part::new(PartKind::Refusal(message))));
        (finish, entries) = (blocked, Vec::new());
    }
    let model = take_string(&mut body, "modelVersion").unwrap_or_default();
    let usage = body.get("usageMetadata");
    Ok(Answer {
        id,
        model,
        created: body.get("createTime").and_then(Value::as_str).and_then(time::seconds),
        parts,
        finish,
        usage: usage.and_then(usage::read),
        service_tier: usage.and_then(|usage| usage.get("serviceTier")?.as_str().map(tier)),
        logprobs: entries,
    })
}

/// The tier in OpenAI's word.
pub(super) fn tier(word: &str) -> String {
    if word == "standard" { "default" } else { word }.to_owned()
}

/// The candidate that is the answer.
fn first(candidates: Vec<Value>) -> Option<Object> {
    let mut objects = candidates.into_iter().filter_map(|candidate| match candidate {
        Value::Object(candidate) => Some(candidate),
        _ => None,
    });
    objects.find(|candidate| candidate.get("index").and_then(Value::as_u64).unwrap_or(0) == 0)
}

type Decoded = (Vec<Part>, crate::model::Finish, Vec<Value>);

fn decode_candidate(
    mut candidate: Object,
    seed: &Seed,
    names: &Names,
    report: &mut Report,
) -> Result<Decoded, UpstreamFault> {
    let content = take_object(&mut candidate, "content").and_then(|mut content| take_array(&mut content, "parts"));
    let mut reader = Reader { seed, names, calls: 0, parts: Vec::new(), places: Vec::new() };
    for (index, part) in content.unwrap_or_default().into_iter().enumerate() {
        if let Value::Object(part) = part {
            reader.part(index, part);
        }
    }
    let Reader { mut parts, calls, places, .. } = reader;
    let reason = candidate.get("finishReason").and_then(finish::word).unwrap_or_else(|| "STOP".to_owned());
    let message = take_string(&mut candidate, "finishMessage");
    // Thoughts alone are no answer.
    if !parts.iter().any(is_answer)
        && let Some(error) = finish::failure(&reason, message.as_deref())
    {
        return Err(UpstreamFault::Reported(error));
    }
    let finish = finish::read(&reason, calls > 0);
    let candidate = Value::Object(candidate);
    cite(&candidate, &mut parts, &places, report);
    if finish.kind == FinishKind::Refusal {
        parts.extend(message.map(|message| Part::new(PartKind::Refusal(message))));
    } else if finish::is_lost(&reason, message.as_deref()) {
        report.drop(finish::MESSAGE);
    }
    left_out(&candidate).for_each(|name| report.drop(name));
    let entries = candidate.get("logprobsResult").map(logprobs::read).unwrap_or_default();
    Ok((parts, finish, entries))
}

/// Whether a part is more than thinking.
fn is_answer(part: &Part) -> bool {
    !matches!(part.kind, PartKind::Thinking { .. })
}

/// What a candidate says beside its content that has no place in an answer.
pub(super) fn left_out(candidate: &Value) -> impl Iterator<Item = &'static str> + use<> {
    let searches = candidate.get("groundingMetadata").and_then(|grounding| grounding.get("searchEntryPoint")).is_some();
    let fetches = candidate.get("urlContextMetadata").is_some();
    let there = [(fetches, "candidates[].urlContextMetadata"), (searches, "candidates[].searchEntryPoint")];
    there.into_iter().filter(|(there, _)| *there).map(|(_, name)| name)
}

/// Gives each text the sources that it rests on.
fn cite(candidate: &Value, parts: &mut [Part], places: &[Place], report: &mut Report) {
    let mut sources = Sources::default();
    sources.take(candidate);
    if !sources.has_more() {
        return;
    }
    let (mut numbers, mut texts) = (Vec::new(), Vec::new());
    // One group is one text.
    for group in places.chunk_by(|one, next| one.part == next.part) {
        let number = group[0].part;
        let PartKind::Text(text) = &parts[number].kind else { continue };
        numbers.push(number);
        texts.push(Said::new(text.clone(), group.iter().map(|place| (place.index, place.begin)).collect()));
    }
    for given in sources.give(&texts) {
        parts[numbers[given.text]].citations.push(given.citation);
    }
    sources.left().for_each(|name| report.drop(name));
}

struct Reader<'a> {
    seed: &'a Seed,
    names: &'a Names,
    calls: u64,
    parts: Vec<Part>,
    places: Vec<Place>,
}

/// Where a text of the vendor's went.
struct Place {
    /// Its index among the vendor's parts.
    index: usize,
    /// The part that it is of, and the byte of its text at which it begins.
    part: usize,
    begin: usize,
}

impl Reader<'_> {
    fn part(&mut self, index: usize, mut part: Object) {
        let signature = take_string(&mut part, "thoughtSignature").filter(|signature| !signature.is_empty());
        let thought = part.get("thought") == Some(&Value::Bool(true));
        if let Some(text) = take_string(&mut part, "text") {
            self.text(index, text, thought, signature);
            return;
        }
        if let Some(call) = take_object(&mut part, "functionCall") {
            let call = self.call(call);
            self.parts.push(Part { signature, ..Part::new(call) });
            return;
        }
        if let Some(data) = take_object(&mut part, "inlineData") {
            self.parts.push(Part { signature, ..Part::new(media(data)) });
            return;
        }
        if part.is_empty() || (part.len() == 1 && thought) {
            self.text(index, String::new(), thought, signature);
            return;
        }
        if let Some(signature) = signature {
            part.insert("thoughtSignature".to_owned(), json!(signature));
        }
        self.parts.push(Part::new(PartKind::Foreign(Value::Object(part))));
    }

    /// Texts that follow each other are one, until one is signed. A signature without text is thinking that is not
    /// shown.
    fn text(&mut self, index: usize, text: String, thought: bool, signature: Option<String>) {
        if text.is_empty() {
            if signature.is_some() {
                self.parts.push(Part::new(PartKind::Thinking { text, signature }));
            }
            return;
        }
        let last = self.parts.len().saturating_sub(1);
        match (self.parts.last_mut(), thought) {
            (Some(Part { kind: PartKind::Text(said), signature: open @ None, .. }), false) => {
                self.places.push(Place { index, part: last, begin: said.len() });
                said.push_str(&text);
                *open = signature;
            }
            (Some(Part { kind: PartKind::Thinking { text: said, signature: open @ None }, .. }), true) => {
                said.push_str(&text);
                *open = signature;
            }
            (_, true) => self.parts.push(Part::new(PartKind::Thinking { text, signature })),
            (_, false) => {
                self.places.push(Place { index, part: self.parts.len(), begin: 0 });
                self.parts.push(Part { signature, ..Part::text(text) });
            }
        }
    }

    fn call(&mut self, mut call: Object) -> PartKind {
        self.calls += 1;
        let name = take_string(&mut call, "name").unwrap_or_default();
        let id = take_string(&mut call, "id").filter(|id| !id.is_empty());
        let id = id.unwrap_or_else(|| self.seed.call(&name, call.get("args"), self.calls));
        let args = match call.get("partialArgs") {
            Some(pieces) => {
                let mut args = PartialArgs::default();
                args.begin(call.get("args").unwrap_or(&Value::Null));
                args.push(pieces);
                args.finish()
            }
            None => call.shift_remove("args").filter(Value::is_object).unwrap_or_else(|| json!({})),
        };
        PartKind::ToolCall { id, name: self.names.receive(name), arguments: Arguments::Value(args) }
    }
}

fn media(mut data: Object) -> PartKind {
    let media_type = take_string(&mut data, "mimeType").unwrap_or_default();
    let source =
        Source::Base64 { media_type: media_type.clone(), data: take_string(&mut data, "data").unwrap_or_default() };
    super::media::kind(&media_type, source, None)
}
