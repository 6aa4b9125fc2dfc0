//! Streams, both ways.

use super::*;
use crate::formats::seen::{Noted, Seen};
use crate::formats::{StreamDecoder, StreamEncoder};
use crate::framing::event_stream::{self, Splitter};
use crate::model::{Answer, Event, Finish, FinishKind, PartDelta, PartStart, Usage};
use crate::{ErrorInfo, ErrorKind, UpstreamFault};
use bytes::Bytes;
use serde_json::json;

fn frames(events: &[(&str, Value)]) -> Vec<Bytes> {
    events.iter().map(|(name, value)| event_stream::write_event(name, value.to_string().as_bytes())).collect()
}

fn decode(frames: &[Bytes], restore: Restore) -> Result<Vec<Event>, UpstreamFault> {
    let mut decoder = StreamDecoder::new(BEDROCK, restore);
    let mut events = Vec::new();
    for frame in frames {
        decoder.push(&event_stream::read(frame).unwrap(), &mut events)?;
    }
    decoder.finish(&mut events)?;
    Ok(events)
}

/// Names and payloads of what an encoder wrote.
fn read(frames: &[Bytes]) -> Vec<(String, Value)> {
    let mut out = Vec::new();
    for bytes in frames {
        let mut splitter = Splitter::default();
        let each = |message: Bytes| {
            let frame = event_stream::read(&message).unwrap();
            out.push((frame.name.unwrap(), serde_json::from_slice(&frame.data.unwrap()).unwrap()));
        };
        splitter.push(bytes.clone(), each).unwrap();
        assert!(splitter.rest().is_empty());
    }
    out
}

fn encode(events: Vec<Event>, origin: Format) -> Vec<(String, Value)> {
    let mut encoder = StreamEncoder::new(BEDROCK, context(origin));
    let mut out = Vec::new();
    events.into_iter().for_each(|event| encoder.push(event, &mut out));
    read(&out)
}

fn delta(index: u64, delta: Value) -> (&'static str, Value) {
    ("contentBlockDelta", json!({"contentBlockIndex": index, "delta": delta, "p": "abc"}))
}

fn stop(index: u64) -> (&'static str, Value) {
    ("contentBlockStop", json!({"contentBlockIndex": index}))
}

fn start(index: u64, call: Value) -> (&'static str, Value) {
    ("contentBlockStart", json!({"contentBlockIndex": index, "start": {"toolUse": call}}))
}

fn ending(reason: &str) -> [(&'static str, Value); 2] {
    let usage = json!({"inputTokens": 1, "outputTokens": 2, "totalTokens": 6, "cacheReadInputTokens": 3});
    [
        ("messageStop", json!({"stopReason": reason, "additionalModelResponseFields": {"stop_sequence": null}})),
        ("metadata", json!({"usage": usage, "metrics": {"latencyMs": 1}})),
    ]
}

fn sample() -> Vec<Bytes> {
    let mut events = vec![
        ("messageStart", json!({"role": "assistant"})),
        delta(0, json!({"reasoningContent": {"text": "h"}})),
        delta(0, json!({"reasoningContent": {"text": "m"}})),
        delta(0, json!({"reasoningContent": {"signature": "sig"}})),
        stop(0),
        delta(1, json!({"reasoningContent": {"redactedContent": "RXVRQg=="}})),
        stop(1),
        delta(2, json!({"citation": {"title": "T", "sourceContent": [{"text": "c"}]}})),
        delta(2, json!({"text": "a"})),
        delta(2, json!({"text": "b"})),
        stop(2),
        start(3, json!({"toolUseId": "t1", "name": "f", "type": "tool_use"})),
        delta(3, json!({"toolUse": {"input": "{\"a\""}})),
        delta(3, json!({"toolUse": {"input": ":1}"}})),
        stop(3),
        start(4, json!({"toolUseId": "s", "name": "nova_grounding", "type": "server_tool_use"})),
        delta(4, json!({"toolUse": {"input": "{}"}})),
        stop(4),
        ("contentBlockStart", json!({"contentBlockIndex": 5, "start": {"toolResult": {"toolUseId": "s"}}})),
        delta(5, json!({"toolResult": [{"text": "x"}]})),
        stop(5),
        ("eventOfTomorrow", json!({})),
    ];
    events.extend(ending("tool_use"));
    frames(&events)
}

#[test]
fn a_stream_adds_up_to_the_whole_reply() {
    let events = decode(&sample(), Restore::default()).unwrap();
    assert!(matches!(events.first(), Some(Event::Start { .. })));
    assert!(matches!(events.last(), Some(Event::End)));
    let whole = json!({
        "output": {"message": {"role": "assistant", "content": [
            {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "sig"}}},
            {"reasoningContent": {"redactedContent": "RXVRQg=="}},
            {"citationsContent": {"content": [{"text": "ab"}],
                                  "citations": [{"title": "T", "sourceContent": [{"text": "c"}]}]}},
            {"toolUse": {"toolUseId": "t1", "name": "f", "input": {"a": 1}}},
        ]}},
        "stopReason": "tool_use",
        "usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 6, "cacheReadInputTokens": 3},
    });
    let whole = formats::decode_reply(BEDROCK, whole, &Restore::default(), &mut Report::default()).unwrap();
    let collected = Answer::collect(events);
    let encode = |answer: Answer| formats::encode_reply(BEDROCK, answer, &context(ANTHROPIC), &mut Report::default());
    assert_eq!(encode(collected), encode(whole));
}

#[test]
fn what_is_decoded_is_encoded_again() {
    let mut events = decode(&sample(), Restore::default()).unwrap();
    events.retain(|event| !matches!(event, Event::Lost(_)));
    let written = encode(events.clone(), ANTHROPIC);
    let names: Vec<&str> = written.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names.first(), Some(&"messageStart"));
    assert_eq!(&names[names.len() - 2..], ["messageStop", "metadata"]);
    let indexes: Vec<u64> = written
        .iter()
        .filter(|(name, _)| name == "contentBlockStop")
        .map(|(_, v)| v["contentBlockIndex"].as_u64().unwrap())
        .collect();
    assert_eq!(indexes, [0, 1, 2, 3]);
    let again: Vec<(&str, Value)> = written.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    assert_eq!(decode(&frames(&again), Restore::default()).unwrap(), events);
}

#[test]
fn what_a_stream_says_without_an_event_for_it_is_told_by_name() {
    let lost = |events: &[(&str, Value)]| {
        let events = decode(&frames(events), Restore::default()).unwrap();
        assert!(matches!(events.first(), Some(Event::Start { .. })));
        let lost = events.into_iter().filter_map(|event| match event {
            Event::Lost(name) => Some(name),
            _ => None,
        });
        lost.collect::<Vec<_>>()
    };
    let mut events = vec![
        ("eventOfTomorrow", json!({"a": 1})),
        ("contentBlockStart", json!({"contentBlockIndex": 0, "start": {"image": {"format": "png"}}})),
        delta(0, json!({"image": {"source": {"bytes": "AA=="}}})),
        stop(0),
        delta(1, json!({"hologram": {}})),
        start(2, json!({"toolUseId": "s", "name": "nova_grounding", "type": "server_tool_use"})),
        delta(2, json!({"toolUse": {"input": "{}"}})),
        stop(2),
        ("messageStop", json!({"stopReason": "end_turn", "additionalModelResponseFields": {"a": 1}})),
        ("metadata", json!({"trace": {"guardrail": {}}, "performanceConfig": {"latency": "optimized"}})),
    ];
    let blocks = ["eventOfTomorrow", "message.image", "message.hologram", "message.toolUse"];
    let beside = ["additionalModelResponseFields", "trace", "performanceConfig"];
    assert_eq!(lost(&events), [&blocks[..], &beside[..]].concat());
    events.clear();
    events.extend(ending("end_turn"));
    assert_eq!(lost(&events), [""; 0]);
    // The whole reply reports the same.
    let whole = json!({
        "output": {"message": {"content": []}}, "stopReason": "end_turn",
        "trace": {"guardrail": {}}, "additionalModelResponseFields": {"a": 1, "stop_sequence": null},
        "performanceConfig": {"latency": "optimized"},
    });
    let mut report = Report::default();
    formats::decode_reply(BEDROCK, whole, &Restore::default(), &mut report).unwrap();
    assert_eq!(report.dropped, ["trace", "additionalModelResponseFields", "performanceConfig"]);
}

#[test]
fn the_call_of_our_own_tool_streams_as_text() {
    let mut events = vec![
        start(0, json!({"toolUseId": "t", "name": "json_response"})),
        delta(0, json!({"toolUse": {"input": "{}"}})),
        stop(0),
    ];
    events.extend(ending("tool_use"));
    let answer = Answer::collect(decode(&frames(&events), with_json_tool()).unwrap());
    assert_eq!(answer.finish.kind, FinishKind::Stop);
    assert!(matches!(&answer.parts[0].kind, crate::model::PartKind::Text(text) if text == "{}"));
}

#[test]
fn a_stream_without_its_end_is_truncated_and_one_without_metadata_is_not() {
    let all = sample();
    assert_eq!(decode(&all[..all.len() - 2], Restore::default()), Err(UpstreamFault::Truncated));
    let events = decode(&all[..all.len() - 1], Restore::default()).unwrap();
    assert!(matches!(events.last(), Some(Event::End)));
    assert!(!events.iter().any(|event| matches!(event, Event::Usage(_))));
    assert_eq!(decode(&[], Restore::default()), Err(UpstreamFault::Truncated));
}

#[test]
fn exceptions_are_errors_in_both_directions() {
    for (name, kind, status) in [
        ("throttlingException", ErrorKind::RateLimited, 429),
        ("validationException", ErrorKind::InvalidRequest, 400),
        ("internalServerException", ErrorKind::Server, 500),
        ("serviceUnavailableException", ErrorKind::Overloaded, 503),
        ("modelStreamErrorException", ErrorKind::Server, 500),
    ] {
        let frame = event_stream::write_exception(name, br#"{"message":"why"}"#);
        let events = {
            let mut decoder = StreamDecoder::new(BEDROCK, Restore::default());
            let mut events = Vec::new();
            decoder.push(&event_stream::read(&frame).unwrap(), &mut events).unwrap();
            events
        };
        let [Event::Error(error)] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!((error.kind, error.status, error.message.as_str()), (kind, status, "why"));
        let back = formats::error_frame(BEDROCK, Framing::EventStream, error, 0);
        let frame = event_stream::read(&back).unwrap();
        assert!(frame.exception);
        if name != "modelStreamErrorException" {
            assert_eq!(frame.name.as_deref(), Some(name));
        }
    }
    let frame = event_stream::write_exception(
        "modelStreamErrorException",
        br#"{"originalStatusCode":424,"originalMessage":"o"}"#,
    );
    let mut events = Vec::new();
    StreamDecoder::new(BEDROCK, Restore::default()).push(&event_stream::read(&frame).unwrap(), &mut events).unwrap();
    assert!(matches!(&events[..], [Event::Error(error)] if error.status == 424 && error.message == "o"));
    let error = ErrorInfo::new(ErrorKind::Timeout, "late");
    let frame = event_stream::read(&formats::error_frame(BEDROCK, Framing::EventStream, &error, 0)).unwrap();
    assert_eq!(frame.name.as_deref(), Some("modelStreamErrorException"));
    let body: Value = serde_json::from_slice(&frame.data.unwrap()).unwrap();
    assert_eq!(body, json!({"message": "late", "originalStatusCode": 504, "originalMessage": "late"}));
}

fn text(part: usize, text: &str) -> Event {
    Event::PartDelta { part, delta: PartDelta::Text(text.to_owned()) }
}

fn begin() -> Event {
    Event::Start { id: "i".to_owned(), model: "m".to_owned(), created: None, usage: None }
}

#[test]
fn parts_that_are_open_at_once_are_written_one_after_the_other() {
    let call = |id: &str| PartStart::ToolCall { id: id.to_owned(), name: "f".to_owned() };
    let argue = |part, more: &str| Event::PartDelta { part, delta: PartDelta::Arguments(more.to_owned()) };
    let events = vec![
        begin(),
        Event::PartStart { part: 0, start: PartStart::Text },
        text(0, "a"),
        Event::PartStart { part: 1, start: call("c1") },
        Event::PartStart { part: 2, start: call("c2") },
        argue(2, "{}"),
        argue(1, "{\"x\":1}"),
        Event::Ping,
        Event::PartEnd { part: 0 },
        Event::PartEnd { part: 2 },
        Event::PartEnd { part: 1 },
        Event::Finish(Finish::new(FinishKind::ToolCalls, "tool_calls")),
        Event::Usage(Usage { input: 7, output: 2, cached_input: 4, ..Usage::default() }),
        Event::End,
    ];
    let at = |index: u64, name: &str, mut value: Value| {
        value["contentBlockIndex"] = json!(index);
        (name.to_owned(), value)
    };
    assert_eq!(
        encode(events, OPENAI),
        [
            ("messageStart".to_owned(), json!({"role": "assistant"})),
            at(0, "contentBlockDelta", json!({"delta": {"text": "a"}})),
            at(0, "contentBlockStop", json!({})),
            at(1, "contentBlockStart", json!({"start": {"toolUse": {"toolUseId": "c1", "name": "f"}}})),
            at(1, "contentBlockDelta", json!({"delta": {"toolUse": {"input": "{\"x\":1}"}}})),
            at(1, "contentBlockStop", json!({})),
            at(2, "contentBlockStart", json!({"start": {"toolUse": {"toolUseId": "c2", "name": "f"}}})),
            at(2, "contentBlockDelta", json!({"delta": {"toolUse": {"input": "{}"}}})),
            at(2, "contentBlockStop", json!({})),
            ("messageStop".to_owned(), json!({"stopReason": "tool_use"})),
            (
                "metadata".to_owned(),
                json!({
                    "usage": {"inputTokens": 3, "outputTokens": 2, "totalTokens": 9, "cacheReadInputTokens": 4,
                              "cacheWriteInputTokens": 0},
                    "metrics": {"latencyMs": 0},
                })
            ),
        ]
    );
}

#[test]
fn foreign_signatures_are_wrapped_whole_and_stand_before_their_call() {
    let sign = |part, more: &str| Event::PartDelta { part, delta: PartDelta::Signature(more.to_owned()) };
    let events = vec![
        begin(),
        Event::PartStart { part: 0, start: PartStart::Thinking },
        text(0, "hm"),
        sign(0, "a"),
        sign(0, "b"),
        Event::PartEnd { part: 0 },
        Event::PartStart { part: 1, start: PartStart::ToolCall { id: "c".to_owned(), name: "f".to_owned() } },
        Event::PartDelta { part: 1, delta: PartDelta::Arguments("{}".to_owned()) },
        sign(1, "g"),
        Event::PartEnd { part: 1 },
        Event::Finish(Finish::new(FinishKind::ToolCalls, "STOP")),
        Event::End,
    ];
    let written = encode(events, Format::GeminiGenerateContent);
    let again: Vec<(&str, Value)> = written.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    let answer = Answer::collect(decode(&frames(&again), Restore::default()).unwrap());
    let kinds: Vec<_> = answer.parts.into_iter().map(|part| part.kind).collect();
    use crate::model::{Arguments, PartKind};
    let thinking = |text: &str, signature: &str| PartKind::Thinking {
        text: text.to_owned(),
        signature: Some(format!("pillion:GeminiGenerateContent:{signature}")),
    };
    let call =
        PartKind::ToolCall { id: "c".to_owned(), name: "f".to_owned(), arguments: Arguments::Text("{}".to_owned()) };
    assert_eq!(kinds, [thinking("hm", "ab"), thinking("", "g"), call]);
    let stops: Vec<&Value> = written
        .iter()
        .filter(|(name, _)| name == "contentBlockStop")
        .map(|(_, value)| &value["contentBlockIndex"])
        .collect();
    assert_eq!(stops, [&json!(0), &json!(1), &json!(2)]);
}

#[test]
fn a_relayed_stream_is_watched() {
    let mut noted = Noted::default();
    for frame in sample() {
        assert_eq!(formats::observe(BEDROCK, Framing::EventStream, &frame, &mut noted), Seen::Keep);
    }
    assert!(noted.has_delta && noted.ended);
    assert_eq!((noted.finish.as_deref(), noted.usage.map(|usage| usage.input)), (Some("tool_use"), Some(4)));
    let mut noted = Noted::default();
    let frame = event_stream::write_exception("throttlingException", b"{}");
    let seen = formats::observe(BEDROCK, Framing::EventStream, &frame, &mut noted);
    assert!(matches!(seen, Seen::Error(error) if error.kind == ErrorKind::RateLimited));
    let mut broken = sample()[1].to_vec();
    broken[40] ^= 1;
    assert_eq!(formats::observe(BEDROCK, Framing::EventStream, &broken.into(), &mut noted), Seen::Garbage);
}

#[test]
fn a_part_of_which_nothing_is_said_is_a_whole_block() {
    let parts =
        [PartStart::Text, PartStart::ToolCall { id: "c".to_owned(), name: "f".to_owned() }, PartStart::Thinking];
    let mut events = vec![begin()];
    for (part, start) in parts.into_iter().enumerate() {
        events.extend([Event::PartStart { part, start }, Event::PartEnd { part }]);
    }
    events.extend([Event::Finish(Finish::new(FinishKind::Stop, "x")), Event::End]);
    let deltas: Vec<Value> = encode(events, ANTHROPIC)
        .into_iter()
        .filter(|(name, _)| name == "contentBlockDelta")
        .map(|(_, mut value)| value["delta"].take())
        .collect();
    let expected =
        [json!({"text": ""}), json!({"toolUse": {"input": "{}"}}), json!({"reasoningContent": {"text": ""}})];
    assert_eq!(deltas, expected);
}
