//! Recorded traffic for the tests of formats, read in place, and what must hold for every case of a format.

use crate::formats::{ReplyContext, Restore, ServerRules, StreamDecoder, StreamEncoder, decode_reply, decode_request};
use crate::framing::{self, Framing, Splitter};
use crate::model::{Answer, Event, FinishKind, Names, PartKind, Report, Request};
use crate::{Format, UpstreamFault, Usage};
use bytes::Bytes;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// One recorded exchange.
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) request: Option<Value>,
    pub(crate) response: Bytes,
    pub(crate) status: u16,
    pub(crate) streaming: bool,
}

impl Case {
    pub(crate) fn ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub(crate) fn reply(&self) -> Value {
        serde_json::from_slice(&self.response).unwrap()
    }
}

/// What servers of OpenAI Chat want.
pub(crate) const RULES: ServerRules =
    ServerRules { max_tokens: "max_completion_tokens", stream_usage: true, cloud: false };

/// Streams that are broken on purpose.
const BROKEN: &[&str] = &["broken-sse-agw"];

/// The cases of some folders of the corpus (`<provider>/<endpoint>`); none, said aloud, where it is absent.
pub(crate) fn cases(groups: &[&str]) -> Vec<Case> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let folder = std::env::var_os("PILLION_CORPUS").map_or_else(|| workspace.join("../shared/fixtures"), PathBuf::from);
    if !folder.is_dir() {
        let needed = std::env::var_os("CI").is_some_and(|value| value == "true");
        assert!(!needed, "the corpus is absent: expected at {} (PILLION_CORPUS)", folder.display());
        println!("the corpus is absent, nothing was checked: expected at {} (PILLION_CORPUS)", folder.display());
        return Vec::new();
    }
    let mut all = Vec::new();
    for group in groups {
        let mut paths: Vec<_> =
            std::fs::read_dir(folder.join(group)).unwrap().flatten().map(|entry| entry.path()).collect();
        paths.sort();
        all.extend(paths.iter().filter(|path| path.is_dir()).map(|path| read(path, group)));
    }
    assert!(!all.is_empty());
    all
}

fn read(path: &Path, group: &str) -> Case {
    let meta: Value = serde_json::from_slice(&std::fs::read(path.join("meta.json")).unwrap()).unwrap();
    let response = ["response.json", "response.sse", "response.txt"]
        .iter()
        .find_map(|file| std::fs::read(path.join(file)).ok())
        .unwrap_or_else(|| panic!("{} has no reply", path.display()));
    Case {
        id: format!("{group}/{}", path.file_name().unwrap().to_string_lossy()),
        request: std::fs::read(path.join("request.json")).ok().and_then(|body| serde_json::from_slice(&body).ok()),
        response: response.into(),
        status: meta["status"].as_u64().and_then(|status| status.try_into().ok()).unwrap_or(200),
        streaming: meta["streaming"].as_bool().unwrap_or_default(),
    }
}

/// A decoded request body.
#[track_caller]
pub(crate) fn decoded(format: Format, body: &Value) -> Request {
    decode_request(format, body.as_object().unwrap().clone()).unwrap()
}

/// A request in another format, and what was said of it.
#[track_caller]
pub(crate) fn translated(from: Format, to: Format, model: &str, body: &Value) -> (Value, Report) {
    let mut report = Report::default();
    let mut request = decoded(from, body);
    request.model = Some(model.to_owned());
    let encoded = crate::formats::encode_request(to, request, RULES, &mut Names::default(), &mut report).unwrap();
    (encoded.body, report)
}

/// Requests come out as they went in, and no member of `known` is left unread at the top.
#[track_caller]
pub(crate) fn requests_survive(format: Format, cases: &[Case], known: &[&str]) {
    for case in cases {
        let Some(body) = case.request.as_ref().filter(|body| body.is_object()) else { continue };
        let Ok(request) = decode_request(format, body.as_object().unwrap().clone()) else {
            assert!(!case.ok(), "{}: refused, though its vendor took it", case.id);
            continue;
        };
        for key in known {
            let unread = request.extras.get(*key).filter(|value| !value.is_null());
            assert!(unread.is_none(), "{}: '{key}' is left unread: {unread:?}", case.id);
        }
        let mut report = Report::default();
        let encoded =
            crate::formats::encode_request(format, request, RULES, &mut Names::default(), &mut report).unwrap();
        assert_eq!(encoded.body, *body, "{}", case.id);
        assert_eq!(report, Report::default(), "{}", case.id);
    }
}

/// The context of a reply that came in `origin`'s format.
pub(crate) fn context(origin: Format) -> ReplyContext {
    ReplyContext { origin, now: 1, show_usage: true, framing: Framing::Sse, request: None, model: "asked".to_owned() }
}

/// The events of a stream that comes in these pieces.
pub(crate) fn events<'a>(
    format: Format,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<Event>, UpstreamFault> {
    let mut splitter = Splitter::new(Framing::Sse);
    let mut decoder = StreamDecoder::new(format, Restore::default());
    let mut out = Vec::new();
    for piece in pieces {
        let mut frames = Vec::new();
        splitter.push(Bytes::copy_from_slice(piece), |frame| frames.push(frame)).unwrap();
        for frame in frames {
            decoder.push(&framing::read(Framing::Sse, &frame).unwrap(), &mut out)?;
        }
    }
    let rest = splitter.rest();
    decoder.push(&framing::read(Framing::Sse, &rest).unwrap(), &mut out)?;
    decoder.finish(&mut out)?;
    Ok(out)
}

/// A client's stream of an answer that came in `origin`'s format.
pub(crate) fn streamed(client: Format, origin: Format, events: Vec<Event>) -> Vec<u8> {
    let mut encoder = StreamEncoder::new(client, context(origin));
    let mut out = Vec::new();
    for event in events {
        encoder.push(event, &mut out);
    }
    out.concat()
}

/// A decoded whole reply.
pub(crate) fn answered(format: Format, body: Value) -> Result<Answer, UpstreamFault> {
    decode_reply(format, body, &Restore::default(), &mut Report::default())
}

/// Whole replies are read, and written for a client of the same format they say the same.
#[track_caller]
pub(crate) fn replies_survive(format: Format, cases: &[Case]) {
    for case in cases.iter().filter(|case| case.ok() && !case.streaming) {
        if serde_json::from_slice::<Value>(&case.response).is_err() {
            println!("{}: its reply is no JSON", case.id);
            continue;
        }
        let answer = answered(format, case.reply()).unwrap_or_else(|fault| panic!("{}: {fault}", case.id));
        let body = crate::formats::encode_reply(format, answer.clone(), &context(format), &mut Report::default());
        let again = answered(format, body).unwrap();
        assert_eq!(said(format, again), said(format, answer), "{}", case.id);
    }
}

/// Streams are read to their end, say the same whatever the cuts, as a whole reply, and written again.
#[track_caller]
pub(crate) fn streams_survive(format: Format, cases: &[Case]) {
    const SMALL: usize = 2 * 1024;
    for case in cases.iter().filter(|case| case.ok() && case.streaming) {
        let body = &case.response[..];
        let read = events(format, [body]);
        if BROKEN.iter().any(|name| case.id.ends_with(name)) {
            let failed = read.as_ref().map_or(true, |events| matches!(events.last(), Some(Event::Error(_))));
            assert!(failed, "{}: broken on purpose, and read", case.id);
            continue;
        }
        let whole = read.unwrap_or_else(|fault| panic!("{}: {fault}", case.id));
        if let Some(Event::Error(error)) = whole.last() {
            println!("{}: ends in an error: {}", case.id, error.message);
            continue;
        }
        grammatical(&whole, &case.id);
        assert_eq!(events(format, body.chunks(1)).unwrap(), whole, "{} byte by byte", case.id);
        if body.len() < SMALL {
            for at in 0..body.len() {
                assert_eq!(events(format, [&body[..at], &body[at..]]).unwrap(), whole, "{} cut at {at}", case.id);
            }
        }
        let answer = Answer::collect(whole.clone());
        let again = events(format, [&streamed(format, format, whole)[..]]).unwrap();
        grammatical(&again, &case.id);
        assert_eq!(said(format, Answer::collect(again)), said(format, answer.clone()), "{} written again", case.id);
        let reply = crate::formats::encode_reply(format, answer.clone(), &context(format), &mut Report::default());
        assert_eq!(said(format, answered(format, reply).unwrap()), said(format, answer), "{} as a whole", case.id);
    }
}

/// One start first, one end last, a finish before it, deltas of open parts alone.
#[track_caller]
pub(crate) fn grammatical(events: &[Event], id: &str) {
    assert!(matches!(events.first(), Some(Event::Start { .. })), "{id}: {:?}", events.first());
    assert_eq!(events.last(), Some(&Event::End), "{id}");
    let count = |fits: fn(&Event) -> bool| events.iter().filter(|event| fits(event)).count();
    assert_eq!(count(|event| matches!(event, Event::Start { .. })), 1, "{id}");
    assert_eq!(count(|event| matches!(event, Event::Finish(_))), 1, "{id}");
    assert_eq!(count(|event| matches!(event, Event::End)), 1, "{id}");
    let mut open = std::collections::HashSet::new();
    let mut known = std::collections::HashSet::new();
    for event in events {
        match event {
            Event::PartStart { part, .. } => {
                assert!(open.insert(*part) && known.insert(*part), "{id}: part {part} begins twice");
            }
            Event::PartDelta { part, .. } => assert!(open.contains(part), "{id}: part {part} is not open"),
            Event::PartEnd { part } => assert!(open.remove(part), "{id}: part {part} is not open"),
            Event::Finish(_) => assert!(open.is_empty(), "{id}: {open:?} are open at the finish"),
            _ => {}
        }
    }
}

/// What an answer says, whatever the order in which a format writes it.
#[derive(Debug, PartialEq)]
pub(crate) struct Said {
    id: String,
    thinking: String,
    /// Refusals behind the text: not every format has a place of its own for them.
    text: String,
    calls: Vec<(String, String, Value)>,
    /// Where, what it is called, and the source's words.
    citations: Vec<[Option<String>; 3]>,
    logprobs: Vec<Value>,
    finish: FinishKind,
    usage: Option<Usage>,
}

/// Reads an answer, as far as `format` can say it.
pub(crate) fn said(format: Format, answer: Answer) -> Said {
    let mut said = Said {
        id: answer.id,
        thinking: String::new(),
        text: String::new(),
        calls: Vec::new(),
        citations: Vec::new(),
        logprobs: answer.logprobs,
        finish: answer.finish.kind,
        usage: answer.usage,
    };
    for part in answer.parts {
        match part.kind {
            PartKind::Text(text) | PartKind::Refusal(text) => said.text.push_str(&text),
            PartKind::Thinking { text, .. } => said.thinking.push_str(&text),
            PartKind::ToolCall { id, name, arguments } => {
                let arguments = arguments.into_object().unwrap_or_else(|empty| empty);
                said.calls.push((id, name, Value::Object(arguments)));
            }
            _ => {}
        }
        said.citations.extend(part.citations.into_iter().map(|citation| match format {
            // It has no place for the source's words, and demands a title.
            Format::OpenAIChat => [citation.url.clone(), citation.title.or(citation.url), None],
            _ => [citation.url, citation.title, citation.cited],
        }));
    }
    match format {
        // Its document has no place for it, though its servers tell it.
        Format::CohereChat => said.usage.iter_mut().for_each(|usage| usage.reasoning = 0),
        // It has two words for both.
        Format::OpenAIChat => {
            said.finish = match said.finish {
                FinishKind::StopSequence | FinishKind::Pause => FinishKind::Stop,
                FinishKind::ContextFull => FinishKind::Length,
                finish => finish,
            };
        }
        _ => {}
    }
    said
}

/// Requests with something wrong in them: no encoder breaks, and what this format decodes comes out as it went in.
#[track_caller]
pub(crate) fn mutated_requests_survive(format: Format, cases: &[Case]) {
    const ROUNDS: usize = 1500;
    let mut random = fastrand::Rng::with_seed(0x0070_696c_6c69_6f6e);
    let bodies: Vec<&Value> =
        cases.iter().filter_map(|case| case.request.as_ref()).filter(|body| body.is_object()).collect();
    for round in 0..if bodies.is_empty() { 0 } else { ROUNDS } {
        let mut body = bodies[round % bodies.len()].clone();
        let mut left = 3;
        body.as_object_mut().unwrap().values_mut().for_each(|value| mutate(value, &mut random, &mut left));
        let Ok(request) = decode_request(format, body.as_object().unwrap().clone()) else { continue };
        for wire in [Format::OpenAIChat, Format::AnthropicMessages, Format::CohereChat] {
            let (mut names, mut report) = (Names::default(), Report::default());
            let encoded = crate::formats::encode_request(wire, request.clone(), RULES, &mut names, &mut report);
            // A call without its name or arguments gets empty ones.
            if wire == format && !body.to_string().contains("\"tool_calls\"") {
                assert_eq!(encoded.unwrap().body, body, "round {round}");
            }
        }
    }
}

fn mutate(value: &mut Value, random: &mut fastrand::Rng, left: &mut usize) {
    use serde_json::json;
    if *left == 0 {
        return;
    }
    let values = [
        json!(null),
        json!(1),
        json!(""),
        json!("x"),
        json!(true),
        json!([]),
        json!({}),
        json!([1, "a"]),
        json!({"type": "text", "text": "t"}),
        json!([{"type": "text", "text": "t", "start": 1}]),
    ];
    let any = |random: &mut fastrand::Rng| values[random.usize(0..values.len())].clone();
    if random.u8(..) < 8 {
        *value = any(random);
        *left -= 1;
        return;
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| mutate(item, random, left)),
        Value::Object(members) => {
            if random.u8(..) < 10 {
                let keys =
                    ["type", "id", "name", "citations", "annotations", "refusal", "thinking", "documents", "strict"];
                members.insert(keys[random.usize(0..keys.len())].to_owned(), any(random));
                *left -= 1;
            }
            members.values_mut().for_each(|member| mutate(member, random, left));
        }
        _ => {}
    }
}
