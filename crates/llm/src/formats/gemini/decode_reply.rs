//! A whole generateContent reply becomes a neutral answer.

use super::citations::Sources;
use super::partial::PartialArgs;
use super::{finish, logprobs, time, usage};
use crate::json::{Object, take_array, take_object, take_string};
use crate::model::{Answer, Arguments, FinishKind, Names, Part, PartKind, Report, Source, mint};
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
        (parts, finish, entries) = decode_candidate(candidate, &id, names, report)?;
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
    id: &str,
    names: &Names,
    report: &mut Report,
) -> Result<Decoded, UpstreamFault> {
    let content = take_object(&mut candidate, "content").and_then(|mut content| take_array(&mut content, "parts"));
    let mut reader = Reader { id, names, calls: 0, parts: Vec::new() };
    for part in content.unwrap_or_default() {
        if let Value::Object(part) = part {
            reader.part(part);
        }
    }
    let Reader { mut parts, calls, .. } = reader;
    let reason = candidate.get("finishReason").and_then(finish::word).unwrap_or_else(|| "STOP".to_owned());
    let message = take_string(&mut candidate, "finishMessage");
    if parts.is_empty()
        && let Some(error) = finish::failure(&reason, message.as_deref())
    {
        return Err(UpstreamFault::Reported(error));
    }
    let finish = finish::read(&reason, calls > 0);
    let candidate = Value::Object(candidate);
    let mut sources = Sources::default();
    sources.take(&candidate);
    if let Some(Part { kind: PartKind::Text(text), citations, .. }) =
        parts.iter_mut().rev().find(|part| matches!(part.kind, PartKind::Text(_)))
    {
        *citations = sources.of(text);
    }
    if finish.kind == FinishKind::Refusal {
        parts.extend(message.map(|message| Part::new(PartKind::Refusal(message))));
    }
    for (key, inner) in [("urlContextMetadata", None), ("groundingMetadata", Some("searchEntryPoint"))] {
        let there = candidate.get(key).and_then(|there| inner.map_or(Some(there), |inner| there.get(inner)));
        if there.is_some() {
            report.drop(format!("candidates[].{}", inner.unwrap_or(key)));
        }
    }
    let entries = candidate.get("logprobsResult").map(logprobs::read).unwrap_or_default();
    Ok((parts, finish, entries))
}

struct Reader<'a> {
    id: &'a str,
    names: &'a Names,
    calls: u64,
    parts: Vec<Part>,
}

impl Reader<'_> {
    fn part(&mut self, mut part: Object) {
        let signature = take_string(&mut part, "thoughtSignature").filter(|signature| !signature.is_empty());
        let thought = part.get("thought") == Some(&Value::Bool(true));
        if let Some(text) = take_string(&mut part, "text") {
            self.text(text, thought, signature);
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
            self.text(String::new(), thought, signature);
            return;
        }
        if let Some(signature) = signature {
            part.insert("thoughtSignature".to_owned(), json!(signature));
        }
        self.parts.push(Part::new(PartKind::Foreign(Value::Object(part))));
    }

    /// Texts that follow each other are one, until one is signed. A signature without text is thinking that is not
    /// shown.
    fn text(&mut self, text: String, thought: bool, signature: Option<String>) {
        if text.is_empty() {
            if signature.is_some() {
                self.parts.push(Part::new(PartKind::Thinking { text, signature }));
            }
            return;
        }
        match (self.parts.last_mut(), thought) {
            (Some(Part { kind: PartKind::Text(said), signature: open @ None, .. }), false) => {
                said.push_str(&text);
                *open = signature;
            }
            (Some(Part { kind: PartKind::Thinking { text: said, signature: open @ None }, .. }), true) => {
                said.push_str(&text);
                *open = signature;
            }
            (_, true) => self.parts.push(Part::new(PartKind::Thinking { text, signature })),
            (_, false) => self.parts.push(Part { signature, ..Part::text(text) }),
        }
    }

    fn call(&mut self, mut call: Object) -> PartKind {
        self.calls += 1;
        let name = take_string(&mut call, "name").unwrap_or_default();
        let id = take_string(&mut call, "id").filter(|id| !id.is_empty());
        let args = match call.get("partialArgs") {
            Some(pieces) => {
                let mut args = PartialArgs::default();
                args.begin(call.get("args").unwrap_or(&Value::Null));
                args.push(pieces);
                args.finish()
            }
            None => call.shift_remove("args").filter(Value::is_object).unwrap_or_else(|| json!({})),
        };
        PartKind::ToolCall {
            id: id.unwrap_or_else(|| call_id(self.id, &name, self.calls)),
            name: self.names.receive(name),
            arguments: Arguments::Value(args),
        }
    }
}

/// The id of a call that came without one.
pub(super) fn call_id(reply: &str, name: &str, nth: u64) -> String {
    mint(&format!("{reply}/{name}"), nth)
}

fn media(mut data: Object) -> PartKind {
    let media_type = take_string(&mut data, "mimeType").unwrap_or_default();
    let source =
        Source::Base64 { media_type: media_type.clone(), data: take_string(&mut data, "data").unwrap_or_default() };
    super::media::kind(&media_type, source, None)
}
