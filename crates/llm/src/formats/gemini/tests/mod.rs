//! Cases of this format: the rows of the translation tables, the recorded traffic, conversations there and back.

mod corpus;
mod relay;
mod replies;
mod requests;
mod round_trip;
mod streams;

use crate::formats::{Framing, ReplyContext, Restore, ServerRules, StreamDecoder, StreamEncoder};
use crate::framing::{self, Splitter};
use crate::json::Object;
use crate::model::{Answer, Event, Names, Report};
use crate::{BodyError, Format, UpstreamFault};
use bytes::Bytes;
use serde_json::{Value, json};

const GEMINI: Format = Format::GeminiGenerateContent;
const RULES: ServerRules = ServerRules { max_tokens: "max_tokens", stream_usage: true, cloud: false };
const CLOUD: ServerRules = ServerRules { cloud: true, ..RULES };

fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        other => panic!("no object: {other}"),
    }
}

/// A request of one format in another's, and what was lost.
fn translate(
    from: Format,
    to: Format,
    model: &str,
    body: Value,
    rules: ServerRules,
) -> Result<(Value, Report), BodyError> {
    let mut request = super::super::decode_request(from, object(body))?;
    request.model = Some(model.to_owned());
    let mut report = Report::default();
    let encoded = super::super::encode_request(to, request, rules, &mut Names::default(), &mut report)?;
    Ok((encoded.body, report))
}

fn context(origin: Format) -> ReplyContext {
    ReplyContext { origin, now: 1, show_usage: true, framing: Framing::Sse, request: None, model: "asked".to_owned() }
}

/// The events of a stream that comes in these pieces.
fn events(wire: Format, framing: Framing, pieces: &[&[u8]]) -> Result<Vec<Event>, UpstreamFault> {
    let mut splitter = Splitter::new(framing);
    let mut decoder = StreamDecoder::new(wire, Restore::default());
    let mut out = Vec::new();
    let mut frames = Vec::new();
    for piece in pieces {
        splitter.push(Bytes::copy_from_slice(piece), |frame| frames.push(frame)).unwrap();
    }
    let rest = splitter.rest();
    if !rest.trim_ascii().is_empty() {
        frames.push(rest);
    }
    for frame in frames {
        decoder.push(&framing::read(framing, &frame).unwrap(), &mut out)?;
    }
    decoder.finish(&mut out)?;
    Ok(out)
}

/// The stream that a client gets of these events.
fn stream(client: Format, context: ReplyContext, events: Vec<Event>) -> String {
    let mut encoder = StreamEncoder::new(client, context);
    let mut out = Vec::new();
    events.into_iter().for_each(|event| encoder.push(event, &mut out));
    String::from_utf8(out.concat()).unwrap()
}

fn sse(chunks: &Value) -> String {
    chunks.as_array().unwrap().iter().map(|chunk| format!("data: {chunk}\r\n\r\n")).collect()
}

/// An answer as the collected stream of it would be: parts that no event says are left out, arguments are text.
fn comparable(answer: Answer) -> Answer {
    Answer::collect(answer.into_events())
}
