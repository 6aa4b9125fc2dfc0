//! Recorded traffic of the Gemini API and Vertex AI, read in place.

use super::*;
use crate::formats::seen::Noted;
use crate::model::PartStart;
use std::path::{Path, PathBuf};

const FOLDERS: [&str; 4] = [
    "gemini/generate-content",
    "gemini/stream-generate-content",
    "vertex/generate-content",
    "vertex/stream-generate-content",
];

/// The folders of all cases; none where the corpus is absent.
fn cases() -> Vec<PathBuf> {
    let root = match std::env::var_os("PILLION_CORPUS") {
        Some(root) => PathBuf::from(root),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures"),
    };
    let read = |folder: &str| std::fs::read_dir(root.join(folder)).into_iter().flatten();
    let mut cases: Vec<PathBuf> =
        FOLDERS.iter().flat_map(|folder| read(folder)).map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    if cases.is_empty() {
        assert!(std::env::var_os("CI").is_none(), "the corpus is expected in '{}'", root.display());
        println!("the corpus is absent: it is expected in '{}'", root.display());
    }
    cases
}

fn json_of(case: &Path, name: &str) -> Option<Value> {
    let text = std::fs::read(case.join(name)).ok()?;
    Some(serde_json::from_slice(&text).unwrap())
}

fn status(case: &Path) -> u64 {
    json_of(case, "meta.json").unwrap()["status"].as_u64().unwrap()
}

#[test]
fn recorded_requests_come_out_as_they_were() {
    for case in cases() {
        let Some(body) = json_of(&case, "request.json").filter(|body| body.get("contents").is_some()) else { continue };
        let request = super::super::decode_request(object(body.clone())).unwrap();
        let mut report = Report::default();
        let encoded = super::super::encode_request(request, RULES, &mut Names::default(), &mut report).unwrap();
        assert_eq!(encoded, body, "{}", case.display());
        assert_eq!(report, Report::default());
    }
}

#[test]
fn recorded_requests_reach_every_other_format() {
    for case in cases() {
        let Some(body) = json_of(&case, "request.json").filter(|body| body.get("contents").is_some()) else { continue };
        for wire in [Format::OpenAIChat, Format::AnthropicMessages] {
            // Code that Google ran, and files that lie with Google, are refused in plain words.
            match translate(GEMINI, wire, "m", body.clone(), RULES) {
                Ok((body, _)) => assert!(!body["messages"].as_array().unwrap().is_empty()),
                Err(error) => {
                    assert_eq!(error.code.as_deref(), Some("unsupported_parameter"), "{error}: {}", case.display())
                }
            }
        }
    }
}

#[test]
fn recorded_replies_are_read_and_relayed_replies_observed_alike() {
    for case in cases() {
        let Some(body) = json_of(&case, "response.json").filter(|body| body.is_object()) else { continue };
        let text = std::fs::read_to_string(case.join("response.json")).unwrap();
        let observed = super::super::observe_reply(&text);
        let decoded = super::super::decode_reply(body.clone(), &Names::default(), &mut Report::default());
        match (decoded, observed) {
            (Ok(answer), Ok(observed)) => {
                assert_eq!(observed.usage, answer.usage);
                assert_eq!(observed.finish.as_deref().unwrap_or("STOP"), answer.finish.native);
                assert_eq!(observed.model.unwrap_or_default(), answer.model);
            }
            (Err(UpstreamFault::Reported(error)), Err(observed)) if status(&case) >= 400 => {
                assert_eq!(observed, UpstreamFault::Reported(error));
            }
            (Err(fault), Err(_)) => assert!(case.ends_with("unary-failure-invalid-response-fbase"), "{fault}"),
            (decoded, observed) => panic!("{decoded:?} but {observed:?}: {}", case.display()),
        }
    }
}

/// Bytes and framing of the recorded streams.
fn streams() -> impl Iterator<Item = (PathBuf, Framing, Vec<u8>)> {
    cases().into_iter().filter_map(|case| {
        let sse = std::fs::read(case.join("response.sse")).ok().map(|text| (Framing::Sse, text));
        let array = || std::fs::read(case.join("response.json")).ok().filter(|text| text.starts_with(b"["));
        let (framing, text) = sse.or_else(|| array().map(|text| (Framing::JsonArray, text)))?;
        Some((case, framing, text))
    })
}

#[test]
fn recorded_streams_are_read_whatever_the_cuts() {
    let mut seen = 0;
    for (case, framing, text) in streams() {
        let whole = events(GEMINI, framing, &[&text]);
        if case.ends_with("streaming-failure-malformed-content-fbase") {
            assert_eq!(whole, Err(UpstreamFault::Truncated));
            continue;
        }
        let whole = whole.unwrap_or_else(|fault| panic!("{fault}: {}", case.display()));
        seen += 1;
        let broken = case.ends_with("streaming-failure-error-mid-stream-fbase");
        let last = whole.last().unwrap();
        assert!(if broken { matches!(last, Event::Error(_)) } else { *last == Event::End }, "{}", case.display());
        let step = (text.len() / 60).max(1);
        for cut in (0..text.len()).step_by(step) {
            assert_eq!(events(GEMINI, framing, &[&text[..cut], &text[cut..]]).unwrap(), whole, "cut at {cut}");
        }
        let each: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(events(GEMINI, framing, &each).unwrap(), whole, "byte by byte");
    }
    assert!(seen > 10 || cases().is_empty());
}

/// The chunks of a stream as the whole reply that they are pieces of.
fn whole_of(framing: Framing, text: &[u8]) -> Value {
    let mut splitter = Splitter::new(framing);
    let mut frames = Vec::new();
    splitter.push(Bytes::copy_from_slice(text), |frame| frames.push(frame)).unwrap();
    frames.push(splitter.rest());
    let mut whole = json!({});
    let mut parts = Vec::new();
    let mut candidate = json!({});
    for frame in frames {
        let Some(data) = framing::read(framing, &frame).unwrap().data else { continue };
        let chunk: Value = serde_json::from_slice(&data).unwrap();
        for (key, value) in object(chunk) {
            if key == "candidates" {
                parts.extend(value[0]["content"]["parts"].as_array().into_iter().flatten().cloned());
                candidate.as_object_mut().unwrap().extend(object(value[0].clone()));
            } else {
                whole[key] = value;
            }
        }
    }
    if !candidate.as_object().unwrap().is_empty() {
        candidate["content"] = json!({ "parts": parts });
        whole["candidates"] = json!([candidate]);
    }
    whole
}

#[test]
fn recorded_streams_add_up_to_the_whole_reply() {
    for (case, framing, text) in streams() {
        let name = case.file_name().unwrap().to_str().unwrap();
        // Pieces of calls are no whole reply; citations of the middle are those of another text.
        if name.contains("failure-") || name.contains("stream-tool-call-arguments") || name.contains("no-args") {
            continue;
        }
        let mut collected = Answer::collect(events(GEMINI, framing, &[&text]).unwrap());
        let whole =
            super::super::decode_reply(whole_of(framing, &text), &Names::default(), &mut Report::default()).unwrap();
        let mut whole = comparable(whole);
        if name.contains("citations") {
            whole.parts.iter_mut().for_each(|part| part.citations.clear());
        }
        if name.contains("citations") {
            collected.parts.iter_mut().for_each(|part| part.citations.clear());
        }
        assert_eq!(collected, whole, "{}", case.display());
    }
}

#[test]
fn recorded_streams_are_observed_as_they_are_read() {
    for (case, framing, text) in streams() {
        let Ok(read) = events(GEMINI, framing, &[&text]) else { continue };
        let answer = Answer::collect(read.clone());
        let mut splitter = Splitter::new(framing);
        let (mut noted, mut error) = (Noted::default(), None);
        let mut frames = Vec::new();
        splitter.push(Bytes::copy_from_slice(&text), |frame| frames.push(frame)).unwrap();
        frames.push(splitter.rest());
        for frame in frames.iter().filter(|frame| !frame.is_empty()) {
            match super::super::observe(framing, frame, &mut noted) {
                crate::formats::seen::Seen::Error(found) => error = Some(*found),
                seen => assert_eq!(seen, crate::formats::seen::Seen::Keep),
            }
        }
        match read.last().unwrap() {
            Event::Error(expected) => assert_eq!(error.as_ref(), Some(expected)),
            _ => {
                assert_eq!((noted.usage, noted.ended), (answer.usage, true), "{}", case.display());
                assert_eq!(noted.finish, Some(answer.finish.native));
                assert_eq!(noted.model.unwrap_or_default(), answer.model);
            }
        }
        // The words about a blocked prompt are no delta.
        let has_delta =
            read.iter().any(|event| matches!(event, Event::PartStart { start, .. } if *start != PartStart::Refusal));
        assert!(noted.has_delta || !has_delta, "{}", case.display());
    }
}

#[test]
fn recorded_errors_keep_their_kind_and_words() {
    for case in cases() {
        let Some(body) = json_of(&case, "response.json").filter(|_| status(&case) >= 400) else { continue };
        let told = u16::try_from(status(&case)).unwrap();
        let error = super::super::read_error(&body, told).unwrap();
        let inner = body.get("error").unwrap_or(&body[0]["error"]);
        assert_eq!(json!(error.message), inner["message"]);
        assert_eq!(error.status, told);
        let written = super::super::error_body(&error);
        if error.code.as_deref() != Some("API_KEY_INVALID") && inner["status"] != "FAILED_PRECONDITION" {
            assert_eq!(written["error"]["status"], inner["status"], "{}", case.display());
        }
        assert_eq!(written["error"]["code"], inner["code"]);
    }
}
