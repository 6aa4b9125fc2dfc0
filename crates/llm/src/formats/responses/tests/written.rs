//! Streams as this format's clients read them: numbered, consistent, and at the end what a whole reply says.

use super::corpus::others;
use super::*;
use crate::formats::{ReplyContext, Restore};
use crate::framing::{self, Framing, Splitter};
use crate::model::{Answer, Event, Finish, FinishKind, PartDelta, PartStart};
use crate::{ErrorInfo, ErrorKind};
use bytes::Bytes;
use std::sync::Arc;

fn context(origin: Format) -> ReplyContext {
    let request = json!({"tools": [{"type": "custom", "name": "patch"}], "metadata": {"sequence_number": "9"}});
    let request = Some(Arc::new(repeated(object(request)).unwrap()));
    let framing = Framing::Sse;
    ReplyContext { origin, now: 100, show_usage: false, framing, request, model: "asked".to_owned() }
}

/// The data of written frames; each frame's name is its type.
fn data(frames: &[Bytes]) -> Vec<Value> {
    let mut out = Vec::new();
    let mut splitter = Splitter::new(Framing::Sse);
    splitter
        .push(Bytes::from(frames.concat()), |frame| {
            let frame = framing::sse::read(&frame);
            let event: Value = serde_json::from_slice(&frame.data.unwrap()).unwrap();
            assert_eq!(event["type"].as_str(), frame.name.as_deref());
            out.push(event);
        })
        .unwrap();
    out
}

fn written(events: Vec<Event>, origin: Format) -> Vec<Value> {
    let mut encoder = StreamEncoder::new(context(origin));
    let mut frames = Vec::new();
    events.into_iter().for_each(|event| encoder.push(event, &mut frames));
    data(&frames)
}

/// The output as a client puts it together from deltas alone, checking that events belong where they say.
fn replayed(events: &[Value]) -> Vec<Value> {
    let mut output: Vec<Value> = Vec::new();
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], number);
        let kind = event["type"].as_str().unwrap();
        let Some(at) = event["output_index"].as_u64() else { continue };
        let at = usize::try_from(at).unwrap();
        if kind == "response.output_item.added" {
            assert_eq!(at, output.len(), "indexes count up");
            output.push(event["item"].clone());
            continue;
        }
        let item = output.get_mut(at).unwrap();
        if kind == "response.output_item.done" {
            // What it says whole was said before, but for its state and its signature.
            for key in ["content", "summary", "arguments", "input", "id", "call_id", "name"] {
                assert_eq!(event["item"][key], item[key], "{key}");
            }
            *item = event["item"].clone();
            continue;
        }
        assert_eq!(event["item_id"], item["id"], "{kind}");
        let list = if kind.contains("summary") { "summary" } else { "content" };
        let inner = event["content_index"].as_u64().or(event["summary_index"].as_u64()).unwrap_or_default();
        let inner = usize::try_from(inner).unwrap();
        let add = |place: &mut Value| {
            *place = json!(format!("{}{}", place.as_str().unwrap(), event["delta"].as_str().unwrap()));
        };
        match kind.strip_prefix("response.").unwrap() {
            "content_part.added" | "reasoning_summary_part.added" => {
                let parts = item[list].as_array_mut().unwrap();
                assert_eq!(inner, parts.len());
                parts.push(event["part"].clone());
            }
            "content_part.done" | "reasoning_summary_part.done" => assert_eq!(event["part"], item[list][inner]),
            "output_text.delta" => {
                let part = &mut item[list][inner];
                add(&mut part["text"]);
                let logprobs = event["logprobs"].as_array().unwrap().iter();
                // Deltas have no bytes.
                part["logprobs"].as_array_mut().unwrap().extend(logprobs.map(|one| {
                    let token = one["token"].as_str().unwrap();
                    let mut one = one.clone();
                    one["bytes"] = json!(token.as_bytes());
                    one
                }));
            }
            "reasoning_summary_text.delta" => add(&mut item[list][inner]["text"]),
            "refusal.delta" => add(&mut item[list][inner]["refusal"]),
            "output_text.annotation.added" => {
                let notes = item[list][inner]["annotations"].as_array_mut().unwrap();
                assert_eq!(event["annotation_index"], notes.len());
                notes.push(event["annotation"].clone());
            }
            "output_text.done" | "reasoning_summary_text.done" => assert_eq!(event["text"], item[list][inner]["text"]),
            "refusal.done" => assert_eq!(event["refusal"], item[list][inner]["refusal"]),
            "function_call_arguments.delta" => add(&mut item["arguments"]),
            "custom_tool_call_input.delta" => add(&mut item["input"]),
            "function_call_arguments.done" => assert_eq!(event["arguments"], item["arguments"]),
            "custom_tool_call_input.done" => assert_eq!(event["input"], item["input"]),
            other => panic!("{other}"),
        }
    }
    output
}

/// The stream's events agree with each other, and with the whole reply.
#[track_caller]
fn agrees(events: Vec<Event>, origin: Format) -> Value {
    let whole = encode_reply(Answer::collect(events.clone()), &context(origin), &mut Report::default());
    let events = written(events, origin);
    let kinds: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(kinds[..2], ["response.created", "response.in_progress"]);
    let ends = ["response.completed", "response.incomplete"];
    assert_eq!(kinds.iter().filter(|kind| ends.contains(kind)).count(), 1);
    let last = &events[events.len() - 1];
    assert_eq!(last["type"], format!("response.{}", last["response"]["status"].as_str().unwrap()));
    assert_eq!(json!(replayed(&events)), last["response"]["output"]);
    assert_eq!(last["response"], whole);
    whole
}

#[test]
fn recorded_streams_of_others_are_written_as_their_whole_replies() {
    for (format, case) in others() {
        let Some(bytes) = case.stream else { continue };
        let mut decoder = formats::StreamDecoder::new(format, Restore::default());
        let mut splitter = Splitter::new(Framing::Sse);
        let (mut frames, mut events) = (Vec::new(), Vec::new());
        splitter.push(Bytes::from(bytes), |frame| frames.push(frame)).unwrap();
        let pushed = frames
            .iter()
            .try_for_each(|frame| decoder.push(&framing::read(Framing::Sse, frame).unwrap(), &mut events))
            .and_then(|()| decoder.finish(&mut events));
        if pushed.is_err() || events.iter().any(|event| matches!(event, Event::Error(_))) {
            continue;
        }
        agrees(events, format);
    }
}

fn start() -> Event {
    Event::Start { id: "id1".to_owned(), model: "m".to_owned(), created: Some(50), usage: None }
}

fn begin(part: usize, start: PartStart) -> Event {
    Event::PartStart { part, start }
}

fn call(part: usize, name: &str) -> Event {
    begin(part, PartStart::ToolCall { id: format!("c{part}"), name: name.to_owned() })
}

fn delta(part: usize, delta: PartDelta) -> Event {
    Event::PartDelta { part, delta }
}

fn said(part: usize, text: &str) -> Event {
    delta(part, PartDelta::Text(text.to_owned()))
}

fn argued(part: usize, text: &str) -> Event {
    delta(part, PartDelta::Arguments(text.to_owned()))
}

fn end(part: usize) -> Event {
    Event::PartEnd { part }
}

fn finished(kind: FinishKind) -> [Event; 3] {
    let usage = crate::Usage { input: 1, output: 2, ..crate::Usage::default() };
    [Event::Finish(Finish::new(kind, "x")), Event::Usage(usage), Event::End]
}

fn kinds(response: &Value) -> Vec<&str> {
    response["output"].as_array().unwrap().iter().map(|item| item["type"].as_str().unwrap()).collect()
}

#[test]
fn every_kind_of_part_is_written_as_in_a_whole_reply() {
    let citation = crate::model::Citation { url: Some("u".to_owned()), ..crate::model::Citation::default() };
    let logprob = json!({"token": "a", "logprob": -1.0, "bytes": [97], "top_logprobs": []});
    let mut events = vec![
        start(),
        begin(0, PartStart::Thinking),
        said(0, "t"),
        delta(0, PartDelta::Signature("s".to_owned())),
        end(0),
        begin(1, PartStart::RedactedThinking("d".to_owned())),
        end(1),
        begin(2, PartStart::Text),
        said(2, "ä"),
        delta(2, PartDelta::Logprobs(vec![logprob])),
        end(2),
        begin(3, PartStart::Text),
        said(3, "b"),
        delta(3, PartDelta::Citation(citation)),
        said(3, "c"),
        end(3),
        begin(4, PartStart::Refusal),
        said(4, "no"),
        end(4),
        begin(5, PartStart::Text),
        said(5, "d"),
        end(5),
        call(6, "f"),
        argued(6, "{\"a\""),
        argued(6, ":1}"),
        end(6),
        call(7, "f"),
        end(7),
        call(8, "patch"),
        argued(8, "{\"input\":"),
        argued(8, "\"x\"}"),
        end(8),
        begin(9, PartStart::Text),
        end(9),
    ];
    events.extend(finished(FinishKind::ToolCalls));
    let response = agrees(events, Format::AnthropicMessages);
    let expected =
        ["reasoning", "reasoning", "message", "function_call", "function_call", "custom_tool_call", "message"];
    assert_eq!(kinds(&response), expected);
    let message = &response["output"][2]["content"];
    assert_eq!(message[0]["text"], "äbc");
    assert_eq!(
        (&message[0]["annotations"][0]["start_index"], &message[0]["annotations"][0]["end_index"]),
        (&json!(1), &json!(3))
    );
    assert_eq!((&message[1]["refusal"], &message[2]["text"]), (&json!("no"), &json!("d")));
    assert_eq!(response["output"][4]["arguments"], "{}");
    assert_eq!(response["output"][5]["input"], "x");
}

#[test]
fn parts_that_are_open_at_once_are_written_one_after_the_other() {
    let mut events = vec![
        start(),
        begin(0, PartStart::Text),
        call(1, "f"),
        said(0, "a"),
        argued(1, "{"),
        call(2, "f"),
        argued(2, "{}"),
        end(1),
        said(0, "b"),
        argued(1, "never"),
        end(0),
        argued(2, ""),
        end(2),
    ];
    events.extend(finished(FinishKind::ToolCalls));
    let events = written(events, Format::OpenAIChat);
    let output = replayed(&events);
    let text = &output[0]["content"][0]["text"];
    assert_eq!((text, &output[1]["call_id"], &output[2]["call_id"]), (&json!("ab"), &json!("c1"), &json!("c2")));
}

#[test]
fn parts_that_never_end_are_still_written() {
    let mut events =
        vec![start(), begin(0, PartStart::Text), said(0, "a"), call(1, "f"), argued(1, "{}"), call(2, "f")];
    events.extend(finished(FinishKind::ToolCalls));
    for origin in [Format::OpenAIChat, Format::GeminiGenerateContent] {
        let events = written(events.clone(), origin);
        let last = events[events.len() - 1]["response"].clone();
        assert_eq!(kinds(&last), ["message", "function_call", "function_call"]);
        assert_eq!(json!(replayed(&events)), last["output"]);
    }
}

#[test]
fn the_last_item_of_a_cut_answer_is_incomplete() {
    let mut events = vec![start(), call(0, "f"), argued(0, "{}"), end(0), call(1, "f"), argued(1, "{\"a"), end(1)];
    events.extend(finished(FinishKind::Length));
    let response = agrees(events, Format::AnthropicMessages);
    assert_eq!(response["status"], "incomplete");
    let states: Vec<&Value> = response["output"].as_array().unwrap().iter().map(|item| &item["status"]).collect();
    assert_eq!(states, ["completed", "incomplete"]);
}

#[test]
fn a_signature_over_a_call_is_written_before_it() {
    let signed = delta(0, PartDelta::Signature("sig".to_owned()));
    for order in [[signed.clone(), argued(0, "{}")], [argued(0, "{}"), signed]] {
        let mut events = vec![start(), call(0, "f")];
        events.extend(order);
        events.push(end(0));
        events.extend(finished(FinishKind::ToolCalls));
        let response = agrees(events, Format::GeminiGenerateContent);
        assert_eq!(kinds(&response), ["reasoning", "function_call"]);
        assert_eq!(response["output"][0]["encrypted_content"], "pillion:GeminiGenerateContent:sig");
    }
}

#[test]
fn a_stream_that_fails_says_so_in_numbered_events() {
    let mut encoder = StreamEncoder::new(context(Format::AnthropicMessages));
    let mut frames = Vec::new();
    for event in [start(), begin(0, PartStart::Text), said(0, "a")] {
        encoder.push(event, &mut frames);
    }
    frames.push(encoder.fail(&ErrorInfo::new(ErrorKind::RateLimited, "slow").with_code("c")));
    let events = data(&frames);
    let numbers: Vec<u64> = events.iter().map(|event| event["sequence_number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (0..events.len() as u64).collect::<Vec<_>>());
    let [.., error, failed] = events.as_slice() else { panic!() };
    // As the schema has it, and as the API sends it.
    assert_eq!((&error["code"], &error["message"], &error["param"]), (&json!("c"), &json!("slow"), &Value::Null));
    assert_eq!((&error["error"]["code"], &error["error"]["message"]), (&json!("c"), &json!("slow")));
    assert_eq!(failed["type"], "response.failed");
    assert_eq!(failed["response"]["status"], "failed");
    assert_eq!(failed["response"]["error"], json!({"code": "rate_limit_exceeded", "message": "slow"}));
}

#[test]
fn a_relayed_stream_that_breaks_ends_in_the_next_number() {
    let relay = || crate::ReplyStream::relay(Format::OpenAIResponses, Framing::Sse, false, None);
    let event = |number: u64, kind: &str, members: Value| {
        let mut event = object(json!({"type": kind, "sequence_number": number}));
        event.extend(object(members));
        framing::sse::write(Some(kind), Value::Object(event).to_string().as_bytes())
    };
    let mut stream = relay();
    let mut out = Vec::new();
    stream.push(event(0, "response.created", json!({"response": {"model": "m", "error": null}})), &mut out).unwrap();
    stream.push(event(1, "response.output_item.added", json!({"item": {"type": "message"}})), &mut out).unwrap();
    assert!(!stream.has_delta());
    stream.push(event(2, "response.output_text.delta", json!({"delta": "a"})), &mut out).unwrap();
    stream
        .push(event(3, "response.output_text.delta", json!({"delta": "\"error\" response.completed"})), &mut out)
        .unwrap();
    assert!(stream.has_delta());
    let fault = stream.finish(&mut out).unwrap_err();
    stream.fail(&ErrorInfo::from(&fault), &mut out);
    let events = data(&out);
    let error = &events[events.len() - 1];
    assert_eq!((&error["type"], &error["sequence_number"]), (&json!("error"), &json!(4)));
    assert_eq!(stream.model(), Some("m"));
}

#[test]
fn a_relayed_stream_is_observed() {
    for (status, details, finish) in [
        ("completed", Value::Null, "completed"),
        ("incomplete", json!({"reason": "max_output_tokens"}), "max_output_tokens"),
    ] {
        let mut noted = formats::seen::Noted::default();
        let mut see = |event: Value| observe(&framing::sse::write(None, event.to_string().as_bytes()), &mut noted);
        see(json!({"type": "response.created", "response": {"model": "m"}}));
        see(json!({"type": "response.output_text.delta", "delta": "a"}));
        let usage = json!({"input_tokens": 3, "output_tokens": 4});
        let response = json!({"model": "m", "status": status, "incomplete_details": details, "usage": usage, "output": [{"a": "b"}]});
        see(json!({"type": format!("response.{status}"), "response": response}));
        assert!(noted.ended && noted.has_delta);
        assert_eq!((noted.finish.as_deref(), noted.model.as_deref()), (Some(finish), Some("m")));
        assert_eq!(noted.usage.unwrap().total(), 7);
    }
}
