//! Streams from and to other formats, as events and as bytes.

use super::*;
use crate::formats::tests::recorded::{answered, context, events, grammatical, said, streamed};
use crate::formats::{Noted, Seen, encode_reply, error_frame, observe, observe_reply};
use crate::framing::Framing;
use crate::model::{Answer, Citation, Event, Finish, FinishKind, PartDelta, PartKind, PartStart, Report};
use crate::{ErrorInfo, ErrorKind, UpstreamFault};
use bytes::Bytes;
use serde_json::{Value, json};

fn sse(events: &[Value]) -> Vec<u8> {
    let events =
        events.iter().map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or("x")));
    events.collect::<String>().into_bytes()
}

fn call_start(index: u64, arguments: Value) -> Value {
    let call =
        json!({"id": format!("c{index}"), "type": "function", "function": {"name": "f", "arguments": arguments}});
    json!({"type": "tool-call-start", "index": index, "delta": {"message": {"tool_calls": call}}})
}

fn call_delta(index: u64, arguments: &str) -> Value {
    json!({"type": "tool-call-delta", "index": index, "delta": {"message": {"tool_calls": {"function": {"arguments": arguments}}}}})
}

fn end(reason: &str) -> Value {
    let usage = json!({"billed_units": {"input_tokens": 1, "output_tokens": 2}, "tokens": {"input_tokens": 10, "output_tokens": 20, "reasoning_tokens": 5}, "cached_tokens": 4});
    json!({"type": "message-end", "delta": {"finish_reason": reason, "usage": usage}})
}

#[test]
fn arguments_that_are_null_or_missing_are_an_empty_object() {
    for pieces in [vec![""], vec!["null"], vec!["nu", "ll"], vec!["n", "u", "l", "l"]] {
        let mut stream = vec![json!({"type": "message-start", "id": "i"}), call_start(0, json!(null))];
        stream.extend(pieces.iter().map(|piece| call_delta(0, piece)));
        stream.extend([json!({"type": "tool-call-end", "index": 0}), end("TOOL_CALL")]);
        let events = events(COHERE, [&sse(&stream)[..]]).unwrap();
        grammatical(&events, "null");
        let text = String::from_utf8(streamed(OPENAI, COHERE, events)).unwrap();
        assert!(text.contains(r#""arguments":"{}""#) && !text.contains("null\""), "{pieces:?}: {text}");
    }
    let stream = [call_start(0, json!("{\"a\":")), call_delta(0, "null}"), end("TOOL_CALL")];
    let answer = Answer::collect(events(COHERE, [&sse(&stream)[..]]).unwrap());
    let PartKind::ToolCall { arguments, .. } = answer.parts[0].kind.clone() else { panic!() };
    assert_eq!(arguments.into_text(), "{\"a\":null}");
}

#[test]
fn calls_may_interleave_and_usage_is_what_was_processed() {
    let stream = [
        json!({"type": "message-start", "id": "i", "delta": {"message": {"role": "assistant"}}}),
        json!({"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "plan"}}}),
        call_start(0, json!("{")),
        call_start(1, json!("")),
        call_delta(1, "{\"b\":2}"),
        call_delta(0, "}"),
        json!({"type": "tool-call-end", "index": 1}),
        json!({"type": "tomorrow", "x": 1}),
        end("COMPLETE"),
    ];
    let events = events(COHERE, [&sse(&stream)[..]]).unwrap();
    grammatical(&events, "calls");
    let answer = Answer::collect(events.clone());
    assert_eq!(answer.parts.len(), 3);
    assert_eq!(answer.finish.kind, FinishKind::ToolCalls);
    let usage = answer.usage.unwrap();
    assert_eq!((usage.input, usage.output, usage.cached_input, usage.reasoning), (10, 20, 4, 5));
    // Both sequential formats put one behind the other.
    for client in [COHERE, ANTHROPIC] {
        let again = Answer::collect(recorded::events(client, [&streamed(client, client, events.clone())[..]]).unwrap());
        assert_eq!(said(client, again), said(client, answer.clone()), "{client}");
    }
}

#[test]
fn a_stream_that_fails_or_breaks_says_so() {
    let text = json!({"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "a"}}}});
    let cut = events(COHERE, [&sse(std::slice::from_ref(&text))[..]]);
    assert_eq!(cut, Err(UpstreamFault::Truncated));
    let of = |last: Value| {
        let out = events(COHERE, [&sse(&[text.clone(), last])[..]]).unwrap();
        match out.last() {
            Some(Event::Error(error)) => (error.kind, error.message.clone()),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        of(json!({"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "boom"}})),
        (ErrorKind::Server, "boom".into())
    );
    assert_eq!(of(json!({"type": "message-end", "delta": {"finish_reason": "TIMEOUT"}})).0, ErrorKind::Timeout);
    assert_eq!(of(json!({"message": "too many tokens", "id": "x"})), (ErrorKind::Server, "too many tokens".into()));
    // Our own error is what the API itself would end a stream with.
    let error = ErrorInfo::new(ErrorKind::Server, "gone");
    let frame = error_frame(COHERE, Framing::Sse, &error, 0);
    assert_eq!(events(COHERE, [&frame[..]]).unwrap().len(), 1);
    assert_eq!(
        observe(COHERE, Framing::Sse, &frame, &mut Noted::default()),
        Seen::Error(Box::new(ErrorInfo { status: 502, ..error.with_code("ERROR") }))
    );
    let failed = answered(COHERE, json!({"id": "i", "finish_reason": "ERROR", "message": {"role": "assistant"}}));
    assert!(matches!(failed, Err(UpstreamFault::Reported(_))));
    assert!(matches!(answered(COHERE, json!({"message": "no"})), Err(UpstreamFault::Reported(_))));
    assert!(matches!(answered(COHERE, json!({"text": "v1"})), Err(UpstreamFault::Malformed { .. })));
}

#[test]
fn citations_and_logprobs_arrive_in_a_cohere_stream() {
    let url = Citation {
        url: Some("https://e.x".into()),
        title: Some("E".into()),
        range: Some((3, 5)),
        ..Citation::default()
    };
    let whole = Citation { title: Some("doc".into()), cited: Some("source".into()), ..Citation::default() };
    let token = json!({"token": "äb", "logprob": -0.5, "bytes": null, "top_logprobs": []});
    let delta = |delta| Event::PartDelta { part: 0, delta };
    let told = vec![
        Event::Start { id: "i".into(), model: "m".into(), created: None, usage: None },
        Event::PartStart { part: 0, start: PartStart::Text },
        delta(PartDelta::Text("äb cd".into())),
        delta(PartDelta::Citation(whole)),
        delta(PartDelta::Citation(url)),
        delta(PartDelta::Logprobs(vec![token.clone()])),
        Event::PartEnd { part: 0 },
        Event::Finish(Finish::new(FinishKind::Stop, "stop")),
        Event::End,
    ];
    let bytes = streamed(COHERE, OPENAI, told.clone());
    let text = String::from_utf8(bytes.clone()).unwrap();
    assert!(text.ends_with("data: [DONE]\n\n"), "{text}");
    assert!(
        text.contains(r#""start":3,"end":5,"text":"cd""#) && text.contains(r#""start":0,"end":5,"text":"äb cd""#),
        "{text}"
    );
    let answer = Answer::collect(events(COHERE, [&bytes[..]]).unwrap());
    assert_eq!(answer.parts[0].citations[1].cited.as_deref(), Some("source"));
    assert_eq!(answer.logprobs[0]["token"], "äb");
    assert_eq!(answer.logprobs[0]["bytes"], json!([0xC3, 0xA4, b'b']));
    let whole = encode_reply(COHERE, Answer::collect(told), &context(OPENAI), &mut Report::default());
    assert_eq!(whole["message"]["citations"][1]["sources"][0]["document"]["url"], "https://e.x");
    assert_eq!(whole["logprobs"], json!([{"text": "äb", "token_ids": [], "logprobs": [-0.5]}]));
}

#[test]
fn a_citation_goes_to_its_own_text_or_is_told_as_lost() {
    let block = |index: u64, content: Value| json!({"type": "content-start", "index": index, "delta": {"message": {"content": content}}});
    let text = |index: u64, text: &str| block(index, json!({"type": "text", "text": text}));
    let cite =
        |citation: Value| json!({"type": "citation-start", "index": 0, "delta": {"message": {"citations": citation}}});
    let citation = |index: u64, kind: &str| json!({"content_index": index, "type": kind, "start": 0, "end": 1, "text": "a", "sources": [{"type": "document", "id": "1"}]});
    let of = |last: &[Value]| {
        let mut stream =
            vec![json!({"type": "message-start", "id": "i"}), block(0, json!({"type": "thinking", "thinking": "hm"}))];
        stream.extend(last.iter().cloned().chain([end("COMPLETE")]));
        let events = events(COHERE, [&sse(&stream)[..]]).unwrap();
        grammatical(&events, "citations");
        let lost =
            events.iter().filter(|event| matches!(event, Event::Lost(name) if name == "message.citations")).count();
        let cited: Vec<usize> = Answer::collect(events).parts.iter().map(|part| part.citations.len()).collect();
        (cited, lost)
    };
    let (one, two) = (text(1, "a"), text(2, "b"));
    let all = |index: u64, kind: &str| of(&[one.clone(), two.clone(), cite(citation(index, kind))]);
    assert_eq!(all(2, "TEXT_CONTENT"), (vec![0, 0, 1], 0));
    assert_eq!(all(1, "TEXT_CONTENT"), (vec![0, 0, 0], 1), "its text has ended");
    assert_eq!(all(2, "PLAN"), (vec![0, 0, 0], 1));
    // A place that is no text's means the first one.
    assert_eq!(of(&[one.clone(), cite(citation(0, "TEXT_CONTENT"))]), (vec![0, 1], 0));
    assert_eq!(of(&[cite(citation(0, "THINKING_CONTENT"))]), (vec![0], 1));
}

#[test]
fn what_a_stream_says_without_an_event_for_it_is_told_by_name() {
    let stream = [
        json!({"type": "message-start", "id": "i"}),
        json!({"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "hologram", "hologram": {}}}}}),
        json!({"type": "content-end", "index": 0}),
        json!({"type": "tool-call-start", "index": 0, "delta": {"message": {"tool_calls": {"id": "c", "type": "function"}}}}),
        json!({"type": "mood-delta", "delta": {"message": {"mood": "good"}}}),
        end("COMPLETE"),
    ];
    let events = events(COHERE, [&sse(&stream)[..]]).unwrap();
    grammatical(&events, "lost");
    let lost: Vec<&str> = events
        .iter()
        .filter_map(|event| if let Event::Lost(name) = event { Some(name.as_str()) } else { None })
        .collect();
    assert_eq!(lost, ["message.hologram", "message.tool_calls[]", "message.mood"]);
}

#[test]
fn relayed_frames_are_noted_without_being_read_whole() {
    for case in cases(GROUPS).iter().filter(|case| case.ok() && case.streaming) {
        let mut noted = Noted::default();
        let mut splitter = crate::framing::Splitter::new(Framing::Sse);
        splitter
            .push(case.response.clone(), |frame| {
                assert_eq!(observe(COHERE, Framing::Sse, &frame, &mut noted), Seen::Keep, "{}", case.id);
            })
            .unwrap();
        let answer = Answer::collect(events(COHERE, [&case.response[..]]).unwrap());
        assert_eq!((noted.usage, noted.finish), (answer.usage, Some(answer.finish.native)), "{}", case.id);
        assert!(noted.ended && noted.has_delta && noted.error.is_none(), "{}", case.id);
    }
    for case in cases(GROUPS).iter().filter(|case| case.ok() && !case.streaming) {
        let observed = observe_reply(COHERE, &case.response).unwrap();
        let answer = answered(COHERE, case.reply()).unwrap();
        assert_eq!((observed.usage, observed.finish), (answer.usage, Some(answer.finish.native)), "{}", case.id);
    }
    assert!(matches!(observe_reply(COHERE, br#"{"id":"i","message":"no"}"#), Err(UpstreamFault::Reported(_))));
    assert!(observe_reply(COHERE, b"[]").is_err());
    let frame = Bytes::from_static(b"data: nonsense\n\n");
    assert_eq!(observe(COHERE, Framing::Sse, &frame, &mut Noted::default()), Seen::Garbage);
}
