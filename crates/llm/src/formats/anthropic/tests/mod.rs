//! Anthropic Messages against recorded traffic, and what it alone has.

mod from_others;
mod own;
mod streams;

use crate::Format;
use crate::formats::tests::recorded::{
    self, RULES, answered, cases, context, decoded, events, grammatical, streamed, translated,
};
use crate::formats::{encode_reply, encode_request};
use crate::model::{
    Answer, Arguments, Citation, Event, Finish, FinishKind, Names, Part, PartDelta, PartKind, PartStart, Report,
};
use serde_json::{Value, json};

const OPENAI: Format = Format::OpenAIChat;
const ANTHROPIC: Format = Format::AnthropicMessages;
const GEMINI: Format = Format::GeminiGenerateContent;
const GROUPS: &[&str] = &["anthropic/messages"];

/// Members of a request that the neutral model has a place for.
const KNOWN: &[&str] = &[
    "max_tokens",
    "messages",
    "model",
    "service_tier",
    "stop_sequences",
    "stream",
    "system",
    "temperature",
    "thinking",
    "tool_choice",
    "tools",
    "top_k",
    "top_p",
];

#[test]
fn recorded_requests_come_out_as_they_went_in() {
    recorded::requests_survive(ANTHROPIC, &cases(GROUPS), KNOWN);
}

#[test]
fn recorded_requests_leave_nothing_unread_within() {
    let known = ["text", "source", "title", "id", "name", "input", "thinking", "signature", "tool_use_id", "is_error"];
    for case in cases(GROUPS) {
        let Some(body) = case.request.as_ref().filter(|body| body["messages"].is_array()) else { continue };
        let request = decoded(ANTHROPIC, body);
        let parts = request.messages.iter().flat_map(|message| &message.content.parts);
        for part in parts.chain(request.system.iter().flat_map(|system| &system.parts)) {
            if matches!(part.kind, PartKind::Foreign(_)) || part.extras.get("type").is_some_and(Value::is_object) {
                continue;
            }
            for key in known.iter().chain(&["cache_control", "type"]) {
                assert!(!part.extras.contains_key(*key), "{}: {key} of {:?}", case.id, part.kind);
            }
            let unread =
                part.extras.get("citations").filter(|list| list.as_array().is_some_and(|list| !list.is_empty()));
            assert_eq!(unread, None, "{}", case.id);
        }
    }
}

#[test]
fn recorded_replies_are_read_and_written_again() {
    recorded::replies_survive(ANTHROPIC, &cases(GROUPS));
}

#[test]
fn recorded_streams_say_the_same_whatever_the_cuts() {
    recorded::streams_survive(ANTHROPIC, &cases(GROUPS));
}

fn user(content: Value) -> Value {
    json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": content}]})
}

#[track_caller]
fn survives(body: &Value) {
    let mut report = Report::default();
    let again = encode_request(ANTHROPIC, decoded(ANTHROPIC, body), RULES, &mut Names::default(), &mut report).unwrap();
    assert_eq!(again.body, *body);
    assert_eq!(report, Report::default());
}

fn web(url: &str) -> Value {
    json!({"type": "web_search_result_location", "url": url, "title": "T", "cited_text": "source", "encrypted_index": "x"})
}

#[test]
fn own_requests_of_any_shape_come_out_as_they_went_in() {
    let search = json!({"type": "search_result", "source": "https://s", "title": "T", "citations": {"enabled": true},
        "content": [{"type": "text", "text": "a"}], "cache_control": {"type": "ephemeral"}});
    let document = json!({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "d"},
        "title": "D", "context": "c", "citations": {"enabled": true}});
    survives(&user(
        json!([search, document, {"type": "text", "text": "x", "citations": [web("https://a"), {"type": "new"}]},
        {"type": "text", "text": "y", "citations": []}, {"type": "text", "text": "z", "citations": null}]),
    ));
    survives(&user(json!([{"type": "tool_result", "tool_use_id": "t", "content": [search]}])));
    survives(
        &json!({"model": "m", "max_tokens": 9, "container": "c", "mcp_servers": [], "context_management": {"edits": []},
        "output_config": {"effort": "low", "task_budget": 1}, "metadata": {"user_id": "u", "more": 1},
        "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
        "messages": [{"role": "assistant", "content": [
            {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
            {"type": "web_search_tool_result", "tool_use_id": "s", "content": []}]}]}),
    );
}

#[test]
fn a_search_result_is_a_document_elsewhere() {
    let search = json!({"type": "search_result", "source": "https://s", "title": "T",
        "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]});
    let (body, report) = translated(ANTHROPIC, OPENAI, "m", &user(json!([search])));
    assert_eq!(body["messages"][0]["content"], json!([{"type": "text", "text": "T\n\nhttps://s\na\nb"}]));
    assert_eq!(report.approximated, ["messages[].content[].document"]);
    let call = json!({"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]});
    let result = json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": [search]}]});
    let body = json!({"max_tokens": 9, "messages": [call, result]});
    let (body, _) = translated(ANTHROPIC, OPENAI, "m", &body);
    assert_eq!(body["messages"][1]["content"], "T\n\nhttps://s\na\nb");
}

fn reply(content: Value) -> Value {
    json!({"id": "i", "type": "message", "role": "assistant", "model": "c", "content": content,
           "stop_reason": "end_turn", "stop_sequence": null, "usage": {"input_tokens": 1, "output_tokens": 1}})
}

#[test]
fn citations_become_annotations_of_the_characters_they_are_about() {
    let page = json!({"type": "page_location", "document_index": 0, "document_title": "D", "cited_text": "p",
        "start_page_number": 1, "end_page_number": 2});
    let content = json!([{"type": "text", "text": "äö "}, {"type": "text", "text": "see", "citations": [web("https://a"), page]}]);
    let answer = answered(ANTHROPIC, reply(content)).unwrap();
    let openai = encode_reply(OPENAI, answer.clone(), &context(ANTHROPIC), &mut Report::default());
    let annotations = &openai["choices"][0]["message"]["annotations"];
    let at = |url: &str, title: &str| json!({"type": "url_citation", "url_citation": {"start_index": 3, "end_index": 6, "url": url, "title": title}});
    assert_eq!(*annotations, json!([at("https://a", "T"), at("document:D", "D")]));
    let cohere = encode_reply(Format::CohereChat, answer, &context(ANTHROPIC), &mut Report::default());
    let citation = &cohere["message"]["citations"][0];
    assert_eq!((&citation["start"], &citation["end"], &citation["content_index"]), (&json!(0), &json!(3), &json!(1)));
    assert_eq!(citation["sources"][0]["document"]["text"], "source");
}

#[test]
fn citations_of_a_stream_come_while_their_block_is_open() {
    let block = json!({"type": "text", "text": ""});
    let delta = |delta: Value| json!({"type": "content_block_delta", "index": 0, "delta": delta});
    let stream: String = [
        json!({"type": "message_start", "message": {"id": "i", "model": "c"}}),
        json!({"type": "content_block_start", "index": 0, "content_block": block}),
        delta(json!({"type": "citations_delta", "citation": web("https://a")})),
        delta(json!({"type": "text_delta", "text": "see"})),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}}),
        json!({"type": "message_stop"}),
    ]
    .iter()
    .map(|event| format!("event: x\ndata: {event}\n\n"))
    .collect();
    let told = events(ANTHROPIC, [stream.as_bytes()]).unwrap();
    grammatical(&told, "citations");
    let answer = Answer::collect(told.clone());
    assert_eq!(answer.parts[0].citations[0].url.as_deref(), Some("https://a"));
    let openai = events(OPENAI, [&streamed(OPENAI, ANTHROPIC, told.clone())[..]]).unwrap();
    assert_eq!(Answer::collect(openai).parts[0].citations[0].range, Some((0, 3)));
    let cohere = events(Format::CohereChat, [&streamed(Format::CohereChat, ANTHROPIC, told)[..]]).unwrap();
    assert_eq!(Answer::collect(cohere).parts[0].citations[0].cited.as_deref(), Some("source"));
}

fn openai_citation() -> Part {
    let citation =
        Citation { url: Some("https://a".into()), title: Some("T".into()), range: Some((1, 3)), ..Citation::default() };
    Part { citations: vec![citation], ..Part::text("äöü") }
}

fn said(parts: Vec<Part>) -> Answer {
    let mut answer = answered(ANTHROPIC, reply(json!([]))).unwrap();
    answer.model = String::new();
    answer.parts = parts;
    answer
}

#[test]
fn citations_of_others_tell_whose_they_are_and_do_not_go_to_anthropic() {
    let answer = said(vec![openai_citation()]);
    let claude = encode_reply(ANTHROPIC, answer.clone(), &context(OPENAI), &mut Report::default());
    assert_eq!(claude["model"], "asked", "what was asked for stands in for a name that was not told");
    let citation = &claude["content"][0]["citations"][0];
    assert_eq!((&citation["url"], &citation["cited_text"]), (&json!("https://a"), &json!("öü")));
    assert_eq!(citation["encrypted_index"], "pillion:OpenAIChat:");
    let again = events(ANTHROPIC, [&streamed(ANTHROPIC, OPENAI, answer.into_events())[..]]).unwrap();
    assert_eq!(&Answer::collect(again).parts[0].citations[0].native, citation);

    let turn = json!({"role": "assistant", "content": [claude["content"][0], {"type": "text", "text": "x", "citations": [web("u")]}]});
    let body = json!({"model": "m", "max_tokens": 9, "messages": [turn]});
    let mut report = Report::default();
    let own = encode_request(ANTHROPIC, decoded(ANTHROPIC, &body), RULES, &mut Names::default(), &mut report).unwrap();
    let content = &own.body["messages"][0]["content"];
    assert!(content[0].get("citations").is_none());
    assert_eq!(content[1]["citations"], json!([web("u")]));
    assert_eq!(report.dropped, ["messages[].content[].citations"]);
    assert!(crate::model::has_foreign_signature(&crate::json::bytes(&body)), "so that a relayed body is looked at");
}

fn signed_call() -> Part {
    let kind = PartKind::ToolCall { id: "c".into(), name: "f".into(), arguments: Arguments::Text("{\"x\":1}".into()) };
    Part { signature: Some("sig".into()), ..Part::new(kind) }
}

#[test]
fn a_signature_over_a_call_is_a_block_of_its_own_before_it() {
    let answer = said(vec![Part::text("a"), signed_call(), Part { signature: None, ..signed_call() }]);
    for origin in [GEMINI, OPENAI] {
        let claude = encode_reply(ANTHROPIC, answer.clone(), &context(origin), &mut Report::default());
        let content = claude["content"].as_array().unwrap();
        let types: Vec<&str> = content.iter().map(|block| block["type"].as_str().unwrap()).collect();
        assert_eq!(types, ["text", "thinking", "tool_use", "tool_use"]);
        assert_eq!(
            content[1],
            json!({"type": "thinking", "thinking": "", "signature": "pillion:GeminiGenerateContent:sig"})
        );
    }
    // Gemini's may come behind the arguments, OpenAI's comes with the name.
    for (origin, last) in [(GEMINI, true), (OPENAI, false)] {
        let delta = |delta| Event::PartDelta { part: 0, delta };
        let mut deltas =
            vec![delta(PartDelta::Signature("sig".into())), delta(PartDelta::Arguments("{\"x\":1}".into()))];
        if last {
            deltas.reverse();
        }
        let mut told = vec![
            Event::Start { id: "i".into(), model: "g".into(), created: None, usage: None },
            Event::PartStart { part: 0, start: PartStart::ToolCall { id: "c".into(), name: "f".into() } },
        ];
        told.extend(deltas);
        told.extend([
            Event::PartEnd { part: 0 },
            Event::Finish(Finish::new(FinishKind::ToolCalls, "STOP")),
            Event::End,
        ]);
        let events = events(ANTHROPIC, [&streamed(ANTHROPIC, origin, told)[..]]).unwrap();
        grammatical(&events, "signature");
        let parts = Answer::collect(events).parts;
        let signature = Some("pillion:GeminiGenerateContent:sig".to_owned());
        assert_eq!(parts[0].kind, PartKind::Thinking { text: String::new(), signature });
        assert_eq!(parts[1].kind, signed_call().kind);
    }
    // It comes back as thinking without a text, and does not go to Claude.
    let claude = encode_reply(ANTHROPIC, answer, &context(GEMINI), &mut Report::default());
    let body =
        json!({"model": "m", "max_tokens": 9, "messages": [{"role": "assistant", "content": claude["content"]}]});
    let request = decoded(ANTHROPIC, &body);
    assert!(matches!(&request.messages[0].content.parts[1].kind, PartKind::Thinking { text, .. } if text.is_empty()));
    let own = encode_request(ANTHROPIC, request, RULES, &mut Names::default(), &mut Report::default()).unwrap();
    assert!(!own.body.to_string().contains("pillion:"));
}

#[test]
fn requests_with_something_wrong_in_them_break_nothing() {
    recorded::mutated_requests_survive(ANTHROPIC, &cases(GROUPS));
}
