//! Streams: decoded from any cuts into what the whole reply says, and encoded as the API writes them.

use super::corpus::cases;
use super::*;
use crate::framing::{self, Framing, Splitter};
use crate::model::{Answer, Arguments, Event, PartKind};
use bytes::Bytes;

/// The events of a stream that comes in pieces.
fn events(pieces: &[&[u8]]) -> Result<Vec<Event>, crate::UpstreamFault> {
    let mut decoder = StreamDecoder::new(Names::default());
    let mut splitter = Splitter::new(Framing::Sse);
    let mut out = Vec::new();
    for piece in pieces {
        let mut frames = Vec::new();
        splitter.push(Bytes::copy_from_slice(piece), |frame| frames.push(frame)).unwrap();
        for frame in frames {
            decoder.push(&framing::read(Framing::Sse, &frame).unwrap(), &mut out)?;
        }
    }
    decoder.finish(&mut out)?;
    Ok(out)
}

/// A stream of these events' data.
fn stream(events: &[Value]) -> Vec<u8> {
    let write = |event: &Value| framing::sse::write(event["type"].as_str(), event.to_string().as_bytes());
    events.iter().flat_map(|event| write(event).to_vec()).collect()
}

/// The response in the event that ends the stream; a case may have the next stream behind it.
fn ending(stream: &[u8]) -> Value {
    let mut splitter = Splitter::new(Framing::Sse);
    let mut ending = None;
    splitter
        .push(Bytes::copy_from_slice(stream), |frame| {
            if ending.is_none() {
                ending = state::last_response(&frame);
            }
        })
        .unwrap();
    ending.unwrap()
}

/// Without what a stream has no events for, with arguments as text, and of signatures the item's id alone: the API
/// encrypts the same thinking anew in each event.
fn comparable(mut answer: Answer) -> Answer {
    answer.parts.retain(|part| !matches!(part.kind, PartKind::Foreign(_)));
    for part in &mut answer.parts {
        match &mut part.kind {
            PartKind::ToolCall { arguments, .. } => *arguments = Arguments::Text(arguments.clone().into_text()),
            PartKind::Thinking { signature: Some(signature), .. } => {
                signature.truncate(signature.rfind(':').unwrap());
            }
            _ => {}
        }
    }
    answer.service_tier = None;
    answer
}

#[test]
fn recorded_streams_say_what_their_whole_replies_say() {
    for case in cases() {
        let Some(bytes) = case.stream else { continue };
        let events = events(&[&bytes]).unwrap_or_else(|error| panic!("{}: {error}", case.id));
        if case.id.ends_with("error-1-vrcl-stream") {
            assert!(
                matches!(events.last(), Some(Event::Error(error)) if error.code.as_deref() == Some("insufficient_quota"))
            );
            continue;
        }
        assert!(matches!(events.first(), Some(Event::Start { .. })), "{}", case.id);
        assert_eq!(events.last(), Some(&Event::End), "{}", case.id);
        // A hand-made stream whose last event has no output.
        if case.id.ends_with("stream-refusal-agw") {
            continue;
        }
        let collected = Answer::collect(events);
        let whole = decode_reply(ending(&bytes), &Names::default(), &mut Report::default()).unwrap();
        assert_eq!(comparable(collected), comparable(whole), "{}", case.id);
    }
}

#[test]
fn cuts_of_recorded_streams_do_not_matter() {
    for case in cases() {
        let Some(bytes) = case.stream else { continue };
        let whole = events(&[&bytes]);
        let each: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(events(&each), whole, "{}", case.id);
        if bytes.len() > 20_000 {
            continue;
        }
        for cut in (0..bytes.len()).step_by(97) {
            let (head, tail) = bytes.split_at(cut);
            assert_eq!(events(&[head, tail]), whole, "{} cut at {cut}", case.id);
        }
    }
}

#[test]
fn a_stream_without_its_last_event_is_truncated() {
    let created = json!({"type": "response.created", "response": {"id": "r", "model": "m"}});
    let delta = json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "a"});
    assert_eq!(events(&[&stream(&[created, delta])]), Err(crate::UpstreamFault::Truncated));
}

/// A stream of one event after the other, where `created` and `completed` go without saying.
fn around(events: Vec<Value>, output: Value) -> Vec<u8> {
    let response =
        |output: Value| json!({"id": "r", "model": "m", "created_at": 7, "status": "completed", "output": output});
    let mut all = vec![json!({"type": "response.created", "response": response(json!([]))})];
    all.extend(events);
    all.push(json!({"type": "response.completed", "response": response(output)}));
    stream(&all)
}

fn parts(stream: &[u8]) -> Vec<PartKind> {
    Answer::collect(events(&[stream]).unwrap()).parts.into_iter().map(|part| part.kind).collect()
}

fn text(text: &str) -> PartKind {
    PartKind::Text(text.to_owned())
}

fn call(id: &str, arguments: &str) -> PartKind {
    PartKind::ToolCall { id: id.to_owned(), name: "f".to_owned(), arguments: Arguments::Text(arguments.to_owned()) }
}

#[test]
fn servers_that_leave_out_events_are_understood() {
    let message = json!({"type": "message", "id": "m1", "content": [{"type": "output_text", "text": "ab"}]});
    let function = json!({"type": "function_call", "id": "f1", "call_id": "c1", "name": "f", "arguments": "{\"a\":1}"});
    let reasoning = json!({"type": "reasoning", "id": "r1", "summary": [{"type": "summary_text", "text": "t"}]});
    let thought = || PartKind::Thinking { text: "t".to_owned(), signature: None };
    let all = || vec![thought(), text("ab"), call("c1", "{\"a\":1}")];
    let output = json!([reasoning, message, function]);
    let done = |at: u64, item: &Value| json!({"type": "response.output_item.done", "output_index": at, "item": item});
    // Only the last event has anything.
    assert_eq!(parts(&around(vec![], output.clone())), all());
    // Only whole items, and then the last event again.
    let items = vec![done(0, &reasoning), done(1, &message), done(2, &function)];
    assert_eq!(parts(&around(items.clone(), output.clone())), all());
    assert_eq!(parts(&around(items, json!([]))), all());
    // Only deltas: no item begins or ends.
    let deltas = vec![
        json!({"type": "response.reasoning_text.delta", "output_index": 0, "delta": "t"}),
        json!({"type": "response.output_text.delta", "output_index": 1, "delta": "a"}),
        json!({"type": "response.output_text.delta", "output_index": 1, "delta": "b"}),
    ];
    assert_eq!(parts(&around(deltas, output)), all());
}

#[test]
fn servers_that_rotate_or_leave_out_ids_and_indexes_are_understood() {
    let added = |id: &str, extra: Value| {
        let mut event = object(json!({"type": "response.output_item.added", "item": {
            "type": "function_call", "id": id, "call_id": id, "name": "f", "arguments": "",
        }}));
        event.extend(object(extra));
        Value::Object(event)
    };
    let delta = |text: &str, extra: Value| {
        let mut event = object(json!({"type": "response.function_call_arguments.delta", "delta": text}));
        event.extend(object(extra));
        Value::Object(event)
    };
    let output = json!([
        {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{1}"},
        {"type": "function_call", "call_id": "b", "name": "f", "arguments": "{2}"},
    ]);
    let both = vec![call("a", "{1}"), call("b", "{2}")];
    // Another id in each event.
    let rotated = vec![
        added("a", json!({"output_index": 0})),
        delta("{1", json!({"output_index": 0, "item_id": "x"})),
        added("b", json!({"output_index": 1})),
        delta("{2}", json!({"output_index": 1, "item_id": "y"})),
        delta("}", json!({"output_index": 0, "item_id": "z"})),
    ];
    assert_eq!(parts(&around(rotated, output.clone())), both);
    // Every index is 0.
    let same = vec![
        added("a", json!({"output_index": 0})),
        delta("{1}", json!({"output_index": 0})),
        added("b", json!({"output_index": 0})),
        delta("{2}", json!({"output_index": 0})),
    ];
    assert_eq!(parts(&around(same, output.clone())), both);
    // Ids alone, then nothing at all.
    let ids = vec![
        added("a", json!({})),
        added("b", json!({})),
        delta("{1}", json!({"item_id": "a"})),
        delta("{2}", json!({"item_id": "b"})),
    ];
    assert_eq!(parts(&around(ids, output.clone())), both);
    let nothing = vec![added("a", json!({})), delta("{1}", json!({})), added("b", json!({})), delta("{2}", json!({}))];
    assert_eq!(parts(&around(nothing, output)), both);
}

#[test]
fn unknown_events_and_keep_alives_say_nothing() {
    let odd = vec![
        json!({"type": "response.tomorrow.delta", "output_index": 0, "delta": "x"}),
        json!({"type": "keepalive"}),
        json!({"type": "response.output_text.delta", "output_index": "0", "content_index": -1, "delta": {"a": 1}}),
        json!({"type": "response.output_item.added", "item": "text"}),
        json!({"type": "response.output_item.done", "item": null}),
        json!({"type": "response.content_part.done", "part": 1}),
        json!({"type": "response.function_call_arguments.delta", "output_index": 18446744073709551615_u64, "delta": "x"}),
        json!({"no": "type"}),
    ];
    assert_eq!(parts(&around(odd, json!([]))), []);
}

#[test]
fn parts_of_a_summary_are_one_text() {
    let delta = |at: u64, text: &str| json!({"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": at, "delta": text});
    let thought = parts(&around(vec![delta(0, "a"), delta(0, "b"), delta(1, "c")], json!([])));
    assert_eq!(thought, [PartKind::Thinking { text: "ab\n\nc".to_owned(), signature: None }]);
}

#[test]
fn errors_in_a_stream_end_it() {
    for (event, kind, message) in [
        (
            json!({"type": "error", "error": {"type": "tokens", "code": "rate_limit_exceeded", "message": "slow"}}),
            crate::ErrorKind::RateLimited,
            "slow",
        ),
        (
            json!({"type": "error", "code": null, "message": "odd", "param": null, "sequence_number": 3}),
            crate::ErrorKind::Server,
            "odd",
        ),
        (
            json!({"type": "response.failed", "response": {"status": "failed", "error": {"code": "server_error", "message": "broke"}}}),
            crate::ErrorKind::Server,
            "broke",
        ),
        (
            json!({"type": "response.failed", "response": {"status": "failed", "error": null}}),
            crate::ErrorKind::Server,
            "the response has failed",
        ),
        (
            json!({"type": "response.completed", "response": {"error": {"message": "late"}, "output": []}}),
            crate::ErrorKind::Server,
            "late",
        ),
        (json!({"error": {"message": "bare"}}), crate::ErrorKind::Server, "bare"),
    ] {
        let mut decoder = StreamDecoder::new(Names::default());
        let mut out = Vec::new();
        let frame =
            |event: &Value| framing::Frame { data: Some(Bytes::from(event.to_string())), ..framing::Frame::default() };
        decoder.push(&frame(&event), &mut out).unwrap();
        decoder.push(&frame(&json!({"type": "response.output_text.delta", "delta": "more"})), &mut out).unwrap();
        assert_eq!(decoder.finish(&mut out), Ok(()));
        let [Event::Error(error)] = out.as_slice() else { panic!("{out:?}") };
        assert_eq!((error.kind, error.message.as_str()), (kind, message));
    }
}
