//! Rows of the translation table: streams.

use super::*;
use crate::formats::seen::{Noted, Seen};
use crate::model::{FinishKind, PartDelta, PartKind, PartStart};
use crate::{ErrorInfo, ErrorKind};

fn chunk(parts: Value) -> Value {
    json!({"candidates": [{"content": {"role": "model", "parts": parts}, "index": 0}], "modelVersion": "g", "responseId": "r",
        "createTime": "2026-04-07T16:49:58.3Z", "usageMetadata": {"trafficType": "ON_DEMAND"}})
}

fn last(parts: Value) -> Value {
    let mut chunk = chunk(parts);
    chunk["candidates"][0]["finishReason"] = json!("STOP");
    chunk["usageMetadata"] = json!({"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5});
    chunk
}

fn read(chunks: Value) -> Vec<Event> {
    events(GEMINI, Framing::Sse, &[sse(&chunks).as_bytes()]).unwrap()
}

#[test]
fn a_call_in_one_chunk_finishes_in_a_later_one() {
    // 151, 152
    let call = json!([{"functionCall": {"name": "f", "args": {"x": "ä"}}, "thoughtSignature": "S"}]);
    let events = read(json!([chunk(json!([{"text": "a"}])), chunk(call), last(json!([{"text": ""}]))]));
    let finish = events.iter().find_map(|event| match event {
        Event::Finish(finish) => Some(finish.kind),
        _ => None,
    });
    assert_eq!(finish, Some(FinishKind::ToolCalls));
    assert_eq!(events.last(), Some(&Event::End));
    let openai = stream(Format::OpenAIChat, context(GEMINI), events.clone());
    assert!(openai.contains(r#""finish_reason":"tool_calls""#) && openai.contains(r#"{\"x\":\"ä\"}"#), "{openai}");
    let anthropic = stream(Format::AnthropicMessages, context(GEMINI), events);
    assert!(anthropic.contains(r#""partial_json":"{\"x\":\"ä\"}""#) && anthropic.contains("tool_use"), "{anthropic}");
}

#[test]
fn arguments_in_pieces_are_whole_json() {
    // 153
    let call = |call: Value| chunk(json!([{ "functionCall": call }]));
    let piece = |path: &str, text: &str, more: bool| {
        let mut piece = json!({"jsonPath": path, "stringValue": text});
        if more {
            piece["willContinue"] = json!(true);
        }
        call(json!({"partialArgs": [piece], "willContinue": true}))
    };
    let whole = |chunks: Value| -> Vec<(String, String)> {
        let parts = Answer::collect(read(chunks)).parts;
        parts
            .into_iter()
            .filter_map(|part| match part.kind {
                PartKind::ToolCall { name, arguments, .. } => Some((name, arguments.into_text())),
                _ => None,
            })
            .collect()
    };
    let named = |name: &str| call(json!({"name": name, "willContinue": true}));
    let got = whole(json!([
        named("f"),
        piece("$.a[0].b", "x", true),
        piece("$.a[0].b", "y", false),
        piece("$.a[1]", "z", false),
        call(json!({})),
        call(json!({"name": "none"})),
        named("cut"),
        piece("$.q", "1", true),
        last(json!([{"text": ""}])),
    ]));
    let expected = [("f", r#"{"a":[{"b":"xy"},"z"]}"#), ("none", "{}"), ("cut", r#"{"q":"1"}"#)];
    assert_eq!(got, expected.map(|(name, arguments)| (name.to_owned(), arguments.to_owned())));
}

#[test]
fn signatures_and_sources_come_behind_the_text() {
    // 106, 110, 111
    let mut end = last(json!([{"text": "", "thoughtSignature": "S"}]));
    end["candidates"][0]["groundingMetadata"] = json!({"groundingChunks": [{"web": {"uri": "https://a"}}],
        "groundingSupports": [{"segment": {"endIndex": 2, "text": "ab"}, "groundingChunkIndices": [0]}]});
    let events = read(json!([
        chunk(json!([{"text": "hm", "thought": true}])),
        chunk(json!([{"text": "a"}])),
        chunk(json!([{"text": "b"}])),
        end
    ]));
    let answer = Answer::collect(events.clone());
    assert_eq!(answer.parts.len(), 3, "{:?}", answer.parts);
    assert_eq!(answer.parts[1].citations[0].range, Some((0, 2)));
    assert_eq!(answer.parts[2].kind, PartKind::Thinking { text: String::new(), signature: Some("S".to_owned()) });
    assert_eq!(answer.created, Some(1_775_580_598));
    let anthropic = stream(Format::AnthropicMessages, context(GEMINI), events);
    assert!(anthropic.contains(r#""signature":"pillion:GeminiGenerateContent:S""#), "{anthropic}");
}

/// A last chunk whose answer rests on a source.
fn cited() -> Value {
    let mut end = last(json!([{"text": ""}]));
    end["candidates"][0]["groundingMetadata"] = json!({"groundingChunks": [{"web": {"uri": "https://a", "title": "A"}}],
        "groundingSupports": [{"segment": {"endIndex": 5, "text": "Hello"}, "groundingChunkIndices": [0]}]});
    end["candidates"][0]["citationMetadata"] =
        json!({"citations": [{"startIndex": 1, "endIndex": 3, "uri": "https://b"}]});
    end
}

/// What of a stream has no place among events.
fn lost(events: &[Event]) -> Vec<&str> {
    let mut names = Vec::new();
    for event in events {
        if let Event::Lost(name) = event {
            names.push(name.as_str());
        }
    }
    names
}

#[test]
fn sources_that_come_behind_code_are_those_of_the_text() {
    let code = chunk(json!([{"executableCode": {"language": "PYTHON", "code": "1"}}]));
    let events = read(json!([chunk(json!([{"text": "Hello"}])), code, cited()]));
    assert_eq!(lost(&events), ["content[].executableCode"]);
    let answer = Answer::collect(events.clone());
    let told: Vec<_> =
        answer.parts[0].citations.iter().map(|citation| (citation.url.as_deref(), citation.range)).collect();
    assert_eq!(told, [(Some("https://a"), Some((0, 5))), (Some("https://b"), Some((1, 3)))]);
    let openai = stream(Format::OpenAIChat, context(GEMINI), events.clone());
    assert!(openai.contains(r#""start_index":0,"end_index":5,"url":"https://a""#), "{openai}");
    let anthropic = stream(Format::AnthropicMessages, context(GEMINI), events);
    assert_eq!(anthropic.matches("citations_delta").count(), 2, "{anthropic}");
}

#[test]
fn a_call_does_not_wait_for_the_sources_of_the_text_before_it() {
    let call = chunk(json!([{"functionCall": {"id": "1", "name": "f", "args": {}}}]));
    let events = read(json!([chunk(json!([{"text": "Hello"}])), call, cited()]));
    let at = |fits: fn(&Event) -> bool| events.iter().position(fits).unwrap();
    let ended = at(|event| matches!(event, Event::PartEnd { part: 0 }));
    assert!(ended < at(|event| matches!(event, Event::PartStart { start: PartStart::ToolCall { .. }, .. })));
    assert_eq!(lost(&events), ["candidates[].groundingMetadata", "candidates[].citationMetadata"]);
}

#[test]
fn sources_of_a_text_that_has_ended_are_named_as_lost() {
    let [hello, bye] = ["Hello", "Bye"].map(|text| chunk(json!([{ "text": text }])));
    let code = chunk(json!([{"executableCode": {"language": "PYTHON", "code": "1"}}]));
    let events = read(json!([hello, code, bye, cited()]));
    assert_eq!(
        lost(&events),
        ["content[].executableCode", "candidates[].groundingMetadata", "candidates[].citationMetadata"]
    );
    assert!(Answer::collect(events).parts.iter().all(|part| part.citations.is_empty()));
    // Without any text there is none that they could be of.
    let call = chunk(json!([{"functionCall": {"name": "f"}}]));
    assert_eq!(
        lost(&read(json!([call, cited()]))),
        ["candidates[].groundingMetadata", "candidates[].citationMetadata"]
    );
}

#[test]
fn each_text_of_a_stream_gets_its_own_sources() {
    let mut end = cited();
    end["candidates"][0]["groundingMetadata"]["groundingSupports"] = json!([
        {"segment": {"partIndex": 2, "endIndex": 3, "text": "Bye"}, "groundingChunkIndices": [0]}]);
    end["candidates"][0]["citationMetadata"] = Value::Null;
    let [hello, bye] = ["Hello", "Bye"].map(|text| chunk(json!([{ "text": text }])));
    let code = chunk(json!([{"executableCode": {"language": "PYTHON", "code": "1"}}]));
    let answer = Answer::collect(read(json!([hello, code, bye, end])));
    let ranges = |part: usize| answer.parts[part].citations.iter().map(|citation| citation.range).collect::<Vec<_>>();
    assert_eq!((ranges(0), ranges(1)), (vec![], vec![Some((0, 3))]));
}

#[test]
fn what_no_event_tells_is_named_as_in_whole_replies() {
    let parts = json!([{"text": "a"}, {"codeExecutionResult": {"outcome": "OUTCOME_OK"}}, {"inlineData": {"mimeType": "image/png",
        "data": "AAAA"}}, {"of_tomorrow": {"x": 1}}]);
    let mut end = last(json!([]));
    let candidate = &mut end["candidates"][0];
    candidate["groundingMetadata"] = json!({"searchEntryPoint": {"renderedContent": "<p>"}});
    candidate["urlContextMetadata"] = json!({"urlMetadata": []});
    candidate["finishReason"] = json!("MALFORMED_FUNCTION_CALL");
    candidate["finishMessage"] = json!("why");
    let second = json!({"content": {"parts": [{"text": "b"}]}, "index": 1});
    end["candidates"].as_array_mut().unwrap().push(second);
    let events = read(json!([chunk(parts), end]));
    assert_eq!(
        lost(&events),
        [
            "content[].codeExecutionResult",
            "content[]",
            "content[].of_tomorrow",
            "candidates",
            "candidates[].urlContextMetadata",
            "candidates[].searchEntryPoint",
            "candidates[].finishMessage",
        ]
    );
}

#[test]
fn thoughts_before_a_fault_are_no_answer() {
    let mut fault = last(json!([]));
    fault["candidates"][0]["finishReason"] = json!("MALFORMED_FUNCTION_CALL");
    let events = read(json!([chunk(json!([{"text": "hm", "thought": true}])), fault]));
    let Some(Event::Error(error)) = events.last() else { panic!("{events:?}") };
    assert_eq!((error.status, error.code.as_deref()), (502, Some("MALFORMED_FUNCTION_CALL")));
}

#[test]
fn a_blocked_prompt_ends_the_stream() {
    let blocked = json!({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 2, "totalTokenCount": 2}});
    let events = read(json!([blocked]));
    let answer = Answer::collect(events);
    assert_eq!((answer.finish.kind, answer.finish.native.as_str()), (FinishKind::Refusal, "PROHIBITED_CONTENT"));
    assert_eq!(answer.usage.unwrap().input, 2);
    // Ratings of a prompt that passed block nothing.
    let mut first = chunk(json!([{"text": "a"}]));
    first["promptFeedback"] = json!({"safetyRatings": []});
    assert_eq!(Answer::collect(read(json!([first, last(json!([]))]))).finish.kind, FinishKind::Stop);
}

#[test]
fn a_fault_of_the_model_without_an_answer_is_an_error() {
    let mut fault = last(json!([]));
    fault["candidates"][0]["finishReason"] = json!("MALFORMED_FUNCTION_CALL");
    let events = read(json!([fault.clone()]));
    assert!(matches!(events.last(), Some(Event::Error(error)) if error.status == 502), "{events:?}");
    let events = read(json!([chunk(json!([{"text": "a"}])), fault]));
    assert_eq!(events.last(), Some(&Event::End));
}

#[test]
fn a_stream_without_a_finish_is_cut() {
    // 166
    let cut = sse(&json!([chunk(json!([{"text": "a"}]))]));
    assert_eq!(events(GEMINI, Framing::Sse, &[cut.as_bytes()]), Err(UpstreamFault::Truncated));
    assert_eq!(events(GEMINI, Framing::JsonArray, &[b"[]"]), Err(UpstreamFault::Truncated));
    assert!(matches!(events(GEMINI, Framing::Sse, &[b"data: {\n\n"]), Err(UpstreamFault::Malformed { .. })));
}

#[test]
fn errors_within_a_stream_are_read_in_any_clothes() {
    // 167, 168, 172
    let error = json!({"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}});
    let begin = sse(&json!([chunk(json!([{"text": "a"}]))]));
    let pretty = serde_json::to_string_pretty(&error).unwrap();
    for end in
        [format!("data: {error}\n\n"), format!("{pretty}\n"), format!("[{error}]"), format!("data: [{error}]\n\n")]
    {
        let events = events(GEMINI, Framing::Sse, &[begin.as_bytes(), end.as_bytes()]).unwrap();
        let Some(Event::Error(error)) = events.last() else { panic!("{events:?}") };
        assert_eq!((error.status, error.kind, error.message.as_str()), (503, ErrorKind::Overloaded, "overloaded"));
    }
    let array = format!("[{}\n,\r\n{error}\n]", chunk(json!([{"text": "a"}])));
    assert!(matches!(events(GEMINI, Framing::JsonArray, &[array.as_bytes()]).unwrap().last(), Some(Event::Error(_))));
}

/// An answer as a client's stream, and as the client reads it.
fn there_and_back(framing: Framing, events: Vec<Event>) -> (String, Vec<Event>) {
    let text = stream(GEMINI, ReplyContext { framing, ..context(Format::AnthropicMessages) }, events);
    let read = super::events(GEMINI, framing, &[text.as_bytes()]).unwrap();
    (text, read)
}

#[test]
fn events_become_chunks_in_both_framings() {
    let start = Event::Start { id: "i".to_owned(), model: "m".to_owned(), created: None, usage: None };
    let delta = |part: usize, delta: PartDelta| Event::PartDelta { part, delta };
    let begin = |part: usize, start: PartStart| Event::PartStart { part, start };
    let end = |part: usize| Event::PartEnd { part };
    let events = vec![
        start,
        begin(0, PartStart::Thinking),
        delta(0, PartDelta::Text("hm".to_owned())),
        delta(0, PartDelta::Signature("sig".to_owned())),
        end(0),
        Event::Ping,
        begin(1, PartStart::Text),
        delta(1, PartDelta::Text("ä\n\"".to_owned())),
        begin(2, PartStart::ToolCall { id: "1".to_owned(), name: "f".to_owned() }),
        delta(2, PartDelta::Arguments("{\"x\":".to_owned())),
        delta(1, PartDelta::Text("b".to_owned())),
        end(1),
        delta(2, PartDelta::Arguments("1}".to_owned())),
        end(2),
        Event::Finish(crate::model::Finish::new(FinishKind::ToolCalls, "tool_use")),
        Event::Usage(crate::Usage { input: 3, output: 2, ..crate::Usage::default() }),
        Event::End,
    ];
    let (text, sse) = there_and_back(Framing::Sse, events.clone());
    assert_eq!(text.matches("data: ").count(), 6, "{text}");
    let (text, array) = there_and_back(Framing::JsonArray, events);
    let chunks: Vec<Value> = serde_json::from_str(&text).expect("a stream is one array");
    assert_eq!(chunks.len(), 6);
    assert_eq!(chunks[5]["usageMetadata"]["totalTokenCount"], 5);
    assert!(chunks.iter().all(|chunk| chunk["responseId"] == "i" && chunk["modelVersion"] == "m"));
    assert_eq!(sse, array);
    let answer = Answer::collect(sse);
    let texts: Vec<&PartKind> = answer.parts.iter().map(|part| &part.kind).collect();
    let [PartKind::Thinking { text, signature }, PartKind::Text(said), PartKind::ToolCall { id, .. }] =
        texts.as_slice()
    else {
        panic!("{texts:?}")
    };
    assert_eq!((text.as_str(), said.as_str(), id.as_str()), ("hm", "ä\n\"b", "1"));
    let signature = super::super::signature::read(signature.clone().unwrap());
    assert_eq!(signature, super::super::signature::Told::Foreign("pillion:AnthropicMessages:sig".to_owned()));
}

/// The parts of a stream of thinking that comes in these pieces.
fn thought(origin: Format, pieces: &[&str], signature: Option<&str>) -> Vec<Value> {
    let mut events = vec![
        Event::Start { id: "i".to_owned(), model: "m".to_owned(), created: None, usage: None },
        Event::PartStart { part: 0, start: PartStart::Thinking },
    ];
    let text = |text: &&str| Event::PartDelta { part: 0, delta: PartDelta::Text((*text).to_owned()) };
    events.extend(pieces.iter().map(text));
    let signature = signature.map(|signature| PartDelta::Signature(signature.to_owned()));
    events.extend(signature.map(|delta| Event::PartDelta { part: 0, delta }));
    events.push(Event::PartEnd { part: 0 });
    let array = ReplyContext { framing: Framing::JsonArray, ..context(origin) };
    let text = format!("{}]", stream(GEMINI, array, events));
    let chunks: Vec<Value> = serde_json::from_str(&text).unwrap();
    chunks.iter().map(|chunk| chunk["candidates"][0]["content"]["parts"][0].clone()).collect()
}

/// The AI SDK's client passes over a signature on an empty text.
#[test]
fn the_signature_of_thinking_stands_on_its_last_character() {
    let signed = super::super::signature::write(Format::AnthropicMessages, Some("sig"));
    assert_eq!(
        thought(Format::AnthropicMessages, &["Think o", "n", "é"], Some("sig")),
        [
            json!({"text": "Think ", "thought": true}),
            json!({"text": "o", "thought": true}),
            json!({"text": "n", "thought": true}),
            json!({"text": "é", "thought": true, "thoughtSignature": signed}),
        ]
    );
    assert_eq!(
        thought(GEMINI, &["hm"], None),
        [json!({"text": "h", "thought": true}), json!({"text": "m", "thought": true})]
    );
    // Without a text the signature stands alone.
    assert_eq!(
        thought(Format::AnthropicMessages, &[], Some("sig")),
        [json!({"text": "", "thought": true, "thoughtSignature": signed})]
    );
}

#[test]
fn a_call_without_an_id_gets_the_same_one_whole_and_as_a_stream() {
    let call = json!([{"functionCall": {"name": "f", "args": {"x": 1}}}]);
    let pieces = [
        json!([{"functionCall": {"name": "f", "willContinue": true}}]),
        json!([{"functionCall": {"partialArgs": [{"jsonPath": "$.x", "numberValue": 1}]}}]),
    ];
    let id = |answer: Answer| match answer.parts.into_iter().next_back().map(|part| part.kind) {
        Some(PartKind::ToolCall { id, .. }) => id,
        other => panic!("{other:?}"),
    };
    let whole =
        |reply: Value| id(super::super::decode_reply(reply, &Names::default(), &mut Report::default()).unwrap());
    // Vertex AI tells the time, and counts the prompt at the end.
    let [begun, ended] = pieces.map(chunk);
    let chunks = json!([chunk(json!([{"text": "a"}])), begun, ended, last(json!([{"text": ""}]))]);
    assert_eq!(id(Answer::collect(read(chunks))), whole(last(call.clone())));
    // The Gemini API counts it in every chunk, and tells no time.
    let untimed = |mut reply: Value| {
        reply["usageMetadata"] = json!({"promptTokenCount": 3, "totalTokenCount": 5});
        reply["createTime"] = Value::Null;
        reply
    };
    let chunks = json!([untimed(chunk(json!([{"text": "a"}]))), untimed(last(call.clone()))]);
    assert_eq!(id(Answer::collect(read(chunks))), whole(untimed(last(call))));
}

#[test]
fn a_stream_that_breaks_ends_as_googles_do() {
    let error = ErrorInfo::new(ErrorKind::Overloaded, "m");
    let begun = stream(
        GEMINI,
        ReplyContext { framing: Framing::JsonArray, ..context(GEMINI) },
        vec![
            Event::Start { id: String::new(), model: String::new(), created: None, usage: None },
            Event::PartStart { part: 0, start: PartStart::Text },
            Event::PartDelta { part: 0, delta: PartDelta::Text("a".to_owned()) },
        ],
    );
    let frame = super::super::error_frame(Framing::JsonArray, &error);
    let whole: Value = serde_json::from_str(&format!("{begun}{}", std::str::from_utf8(&frame).unwrap())).unwrap();
    assert_eq!(whole[1]["error"]["status"], "UNAVAILABLE");
    // Google's SDKs raise bare JSON, and take an event for an answer without anything in it.
    let frame = super::super::error_frame(Framing::Sse, &error);
    let read: Value = serde_json::from_slice(&frame).unwrap();
    assert_eq!(read["error"]["code"], 503);
    assert!(frame.ends_with(b"\n\n"));
}

#[test]
fn a_relayed_array_ends_at_its_bracket() {
    let observe = |frames: &[&str]| {
        let mut noted = Noted::default();
        for frame in frames {
            let seen = super::super::observe(Framing::JsonArray, &Bytes::copy_from_slice(frame.as_bytes()), &mut noted);
            assert_eq!(seen, Seen::Keep);
        }
        noted
    };
    let first = format!("[{}", chunk(json!([{"text": "finishReason"}])));
    let more = format!(",\r\n{}", chunk(json!([{"text": "\"usageMetadata\": 1"}])));
    let end = format!(",{}", last(json!([{"text": "b"}])));
    let noted = observe(&[&first, &more, &end]);
    assert!(noted.has_delta && !noted.ended && noted.usage.is_some());
    assert!(observe(&[&first, &end, "\r\n]"]).ended);
    assert!(!observe(&[&first, "]"]).ended, "a finish is missing");
    let mut noted = Noted::default();
    let garbage = super::super::observe(Framing::Sse, &Bytes::from_static(b"data: nothing\n\n"), &mut noted);
    assert_eq!(garbage, Seen::Garbage);
}

#[test]
fn hostile_chunks_are_survived() {
    for data in [
        "{}",
        "[]",
        "1",
        "null",
        "{\"candidates\": 1}",
        "{\"candidates\": [1, null, {}]}",
        "{\"candidates\": [{\"content\": 1}]}",
        "{\"candidates\": [{\"content\": {\"parts\": [1, null, {}, {\"text\": 1}, {\"functionCall\": 1}, {\"functionCall\": {}}, {\"functionCall\": {\"partialArgs\": 1}}]}}]}",
        "{\"usageMetadata\": [], \"promptFeedback\": 1}",
        "{\"candidates\": [{\"groundingMetadata\": {\"groundingSupports\": [{\"groundingChunkIndices\": [9, -1, 1e99]}]}}]}",
        "{\"candidates\": [{\"logprobsResult\": {\"chosenCandidates\": [1, {}]}, \"citationMetadata\": {\"citations\": [1]}}]}",
    ] {
        let text = format!("data: {data}\n\n{}", sse(&json!([last(json!([{"text": "a"}]))])));
        let read = events(GEMINI, Framing::Sse, &[text.as_bytes()]).unwrap();
        assert_eq!(read.last(), Some(&Event::End), "{data}");
        let mut noted = Noted::default();
        super::super::observe(Framing::Sse, &Bytes::from(format!("data: {data}\n\n")), &mut noted);
        if let Ok(value) = serde_json::from_str::<Value>(data) {
            let _ = super::super::decode_reply(value, &Names::default(), &mut Report::default());
        }
        let _ = super::super::observe_reply(data);
    }
}
