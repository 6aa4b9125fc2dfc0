//! Recorded traffic of Converse and ConverseStream.

use super::*;
use crate::formats::StreamDecoder;
use crate::framing::{self, Splitter};
use crate::model::{Answer, Event, PartKind};
use crate::{ErrorInfo, UpstreamFault};
use base64::Engine as _;
use bytes::Bytes;
use std::path::PathBuf;

struct Case {
    name: String,
    status: u16,
    request: Option<Value>,
    reply: Option<Value>,
    stream: Option<Bytes>,
}

/// Every case of an endpoint; none, said aloud, where the corpus is not at hand.
fn cases(endpoint: &str) -> Vec<Case> {
    let usual = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures");
    let folder = std::env::var_os("PILLION_CORPUS").map_or_else(usual, PathBuf::from);
    if !folder.is_dir() {
        assert!(std::env::var_os("CI").is_none_or(|value| value != "true"), "{} is absent", folder.display());
        #[allow(clippy::print_stderr)]
        {
            eprintln!("recorded traffic is absent, expected at {} (PILLION_CORPUS)", folder.display());
        }
        return Vec::new();
    }
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(folder.join("bedrock").join(endpoint)).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let read = |path: PathBuf| std::fs::read(path).ok();
    let json = |bytes: Vec<u8>| serde_json::from_slice::<Value>(&bytes).unwrap();
    let case = |folder: PathBuf| Case {
        name: folder.file_name().unwrap().to_string_lossy().into_owned(),
        status: read(folder.join("meta.json")).map(json).unwrap()["status"].as_u64().unwrap_or(200).try_into().unwrap(),
        request: read(folder.join("request.json")).map(json),
        reply: read(folder.join("response.json")).map(json),
        stream: read(folder.join("response.eventstream.b64")).map(|text| {
            let text: Vec<u8> = text.into_iter().filter(|byte| !byte.is_ascii_whitespace()).collect();
            base64::engine::general_purpose::STANDARD.decode(text).unwrap().into()
        }),
    };
    folders.into_iter().map(case).collect()
}

fn decode(pieces: &[Bytes]) -> Result<Vec<Event>, UpstreamFault> {
    let fault = |error| UpstreamFault::of_frame(BEDROCK, error);
    let mut splitter = Splitter::new(Framing::EventStream);
    let mut decoder = StreamDecoder::new(BEDROCK, Restore::default());
    let mut events = Vec::new();
    for piece in pieces {
        let mut messages = Vec::new();
        splitter.push(piece.clone(), |message| messages.push(message)).map_err(fault)?;
        for message in messages {
            decoder.push(&framing::read(Framing::EventStream, &message).map_err(fault)?, &mut events)?;
        }
    }
    if !splitter.rest().is_empty() {
        return Err(UpstreamFault::Truncated);
    }
    decoder.finish(&mut events)?;
    Ok(events)
}

#[test]
fn recorded_requests_come_out_as_they_went_in() {
    for case in cases("converse").into_iter().chain(cases("converse-stream")) {
        let Some(body) = case.request else { continue };
        let request = formats::decode_request(BEDROCK, object(body.clone())).unwrap();
        let known = ["messages", "system", "toolConfig", "serviceTier"];
        let left: Vec<&String> = request.extras.keys().filter(|key| known.contains(&key.as_str())).collect();
        assert!(left.is_empty(), "{}: {left:?}", case.name);
        let mut report = Report::default();
        let encoded = formats::encode_request(BEDROCK, request, RULES, &mut Names::default(), &mut report).unwrap();
        assert_eq!(encoded.body, body, "{}", case.name);
        assert!(report.dropped.is_empty() && report.approximated.is_empty(), "{}: {report:?}", case.name);
    }
}

#[test]
fn recorded_replies_are_read_and_those_that_are_errors_too() {
    for case in cases("converse").into_iter().chain(cases("converse-stream")) {
        let Some(body) = case.reply else { continue };
        if case.status != 200 {
            let error: ErrorInfo = formats::read_error(BEDROCK, &body, case.status).unwrap();
            assert!(!error.message.is_empty(), "{}", case.name);
            continue;
        }
        let usage = body["usage"].clone();
        let answer = formats::decode_reply(BEDROCK, body, &Restore::default(), &mut Report::default()).unwrap();
        assert_eq!(answer.usage.unwrap().total(), usage["totalTokens"].as_u64().unwrap(), "{}", case.name);
        assert!(!answer.parts.is_empty(), "{}", case.name);
        let own = formats::encode_reply(BEDROCK, answer.clone(), &context(BEDROCK), &mut Report::default());
        let again = formats::decode_reply(BEDROCK, own, &Restore::default(), &mut Report::default()).unwrap();
        let known = answer.parts.iter().filter(|part| !matches!(part.kind, PartKind::Foreign(_)));
        assert!(again.parts.iter().eq(known), "{}", case.name);
    }
}

#[test]
fn recorded_streams_say_the_same_wherever_they_are_cut() {
    for case in cases("converse-stream") {
        let Some(stream) = case.stream else { continue };
        if case.name.contains("broken") {
            assert!(matches!(decode(&[stream]), Err(UpstreamFault::Malformed { .. })), "{}", case.name);
            continue;
        }
        let events = decode(&[stream.clone()]).unwrap();
        assert!(matches!(events.first(), Some(Event::Start { .. })) && events.last() == Some(&Event::End));
        let step = (stream.len() / 400).max(1);
        for cut in (0..stream.len()).step_by(step) {
            let cut = decode(&[stream.slice(..cut), stream.slice(cut..)]).unwrap();
            assert_eq!(cut, events, "{}", case.name);
        }
        let bytes: Vec<Bytes> = (0..stream.len()).map(|at| stream.slice(at..=at)).collect();
        assert_eq!(decode(&bytes).unwrap(), events, "{}", case.name);
        let answer = Answer::collect(events);
        assert!(answer.usage.is_some() && !answer.finish.native.is_empty(), "{}", case.name);
    }
}
