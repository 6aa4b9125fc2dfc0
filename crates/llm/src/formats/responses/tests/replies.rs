//! Whole replies: decoded, and encoded as the API writes them.

use super::corpus::cases;
use super::*;
use crate::formats::ReplyContext;
use crate::model::{Answer, Arguments, Citation, Finish, FinishKind, Part, PartKind};
use crate::{ErrorKind, UpstreamFault};

#[test]
fn recorded_replies_are_decoded_or_report_their_error() {
    for case in cases() {
        let Some(reply) = case.reply else { continue };
        if case.status != 200 {
            let error = formats::read_error(Format::OpenAIResponses, &reply, 400);
            assert!(error.is_some_and(|error| !error.message.is_empty()), "{}", case.id);
            continue;
        }
        let items = reply["output"].as_array().unwrap().len();
        let mut report = Report::default();
        let answer = decode_reply(reply.clone(), &Names::default(), &mut report)
            .unwrap_or_else(|error| panic!("{}: {error}", case.id));
        // What is neither said nor named would be lost.
        assert!(!answer.parts.is_empty() || items == 0 || !report.dropped.is_empty(), "{}", case.id);
        assert_eq!(answer.usage.unwrap().input, reply["usage"]["input_tokens"].as_u64().unwrap(), "{}", case.id);
        let observed = observe_reply(&reply.to_string()).unwrap();
        assert_eq!(observed.usage, answer.usage, "{}", case.id);
        assert_eq!(observed.finish.as_deref(), Some(answer.finish.native.as_str()), "{}", case.id);
    }
}

fn context(origin: Format, request: Value) -> ReplyContext {
    let request = Some(std::sync::Arc::new(repeated(object(request)).unwrap()));
    let framing = crate::framing::Framing::Sse;
    ReplyContext { origin, now: 100, show_usage: false, framing, request, model: "asked".to_owned() }
}

fn answer(parts: Vec<Part>, finish: Finish) -> Answer {
    Answer {
        id: "id1".to_owned(),
        model: "m".to_owned(),
        created: Some(50),
        parts,
        finish,
        usage: None,
        service_tier: None,
        logprobs: Vec::new(),
    }
}

fn call(name: &str, arguments: &str) -> Part {
    let arguments = Arguments::Text(arguments.to_owned());
    Part::new(PartKind::ToolCall { id: "c1".to_owned(), name: name.to_owned(), arguments })
}

fn encoded(answer: Answer, origin: Format, request: Value) -> Value {
    encode_reply(answer, &context(origin, request), &mut Report::default())
}

#[test]
fn a_response_has_every_member_that_the_api_sends_and_repeats_the_request() {
    let request = json!({
        "model": "m", "input": "secret", "stream": true, "instructions": "be", "metadata": {"a": "b"}, "temperature": 0.5,
        "tools": [{"type": "function", "name": "f"}, {"type": "web_search"}], "tool_choice": "required", "user": "u",
        "text": {"verbosity": "low"}, "reasoning": {"effort": "low"}, "max_output_tokens": 9, "store": false,
    });
    let usage = crate::Usage { input: 10, output: 5, cached_input: 4, cache_creation: 1, reasoning: 2 };
    let mut said = answer(vec![Part::text("hi")], Finish::new(FinishKind::Stop, "end_turn"));
    said.usage = Some(usage);
    said.service_tier = Some("standard".to_owned());
    let response = encoded(said, Format::AnthropicMessages, request);
    let id = response["output"][0]["id"].clone();
    assert_eq!(
        response,
        json!({
            "id": "resp_id1", "object": "response", "created_at": 50, "completed_at": 100, "status": "completed",
            "background": false, "error": null, "incomplete_details": null, "instructions": "be", "max_output_tokens": 9,
            "max_tool_calls": null, "metadata": {"a": "b"}, "model": "m", "parallel_tool_calls": true,
            "previous_response_id": null, "reasoning": {"effort": "low"}, "service_tier": "default", "temperature": 0.5,
            "text": {"verbosity": "low", "format": {"type": "text"}}, "tool_choice": "required", "top_logprobs": 0,
            "tools": [{"type": "function", "name": "f", "parameters": null, "strict": null}, {"type": "web_search"}],
            "top_p": null, "truncation": "disabled", "user": "u",
            "usage": {
                "input_tokens": 10, "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 1},
                "output_tokens": 5, "output_tokens_details": {"reasoning_tokens": 2}, "total_tokens": 15,
            },
            "output": [{"id": id, "type": "message", "status": "completed", "role": "assistant", "content": [
                {"type": "output_text", "text": "hi", "annotations": [], "logprobs": []},
            ]}],
        })
    );
}

#[test]
fn every_finish_has_its_status() {
    use FinishKind::{ContextFull, Length, Pause, Refusal, Stop, StopSequence, ToolCalls};
    for (kind, native, status, reason) in [
        (Stop, "stop", "completed", Value::Null),
        (StopSequence, "stop_sequence", "completed", Value::Null),
        (ToolCalls, "tool_calls", "completed", Value::Null),
        (Pause, "pause_turn", "completed", Value::Null),
        (Length, "length", "incomplete", json!({"reason": "max_output_tokens"})),
        (ContextFull, "model_context_window_exceeded", "incomplete", json!({"reason": "max_output_tokens"})),
        (Refusal, "content_filter", "incomplete", json!({"reason": "content_filter"})),
        (Refusal, "SAFETY", "incomplete", json!({"reason": "content_filter"})),
        (Refusal, "stop", "completed", Value::Null),
    ] {
        let response = encoded(answer(vec![Part::text("a")], Finish::new(kind, native)), Format::OpenAIChat, json!({}));
        assert_eq!((&response["status"], &response["incomplete_details"]), (&json!(status), &reason), "{native}");
        assert_eq!(response["output"][0]["status"], status, "{native}");
        assert_eq!(response["completed_at"].is_null(), status == "incomplete");
    }
}

#[test]
fn every_status_has_its_finish() {
    let finish = |status: Value, details: Value, item: Value| {
        let body = json!({"id": "r", "status": status, "incomplete_details": details, "output": [item]});
        let finish = decode_reply(body, &Names::default(), &mut Report::default()).unwrap().finish;
        (finish.kind, finish.native)
    };
    let text = json!({"type": "message", "content": [{"type": "output_text", "text": "a"}]});
    let refusal = json!({"type": "message", "content": [{"type": "refusal", "refusal": "no"}]});
    let call = json!({"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"});
    let reason = |reason: &str| json!({"reason": reason});
    for (status, details, item, kind, native) in [
        (json!("completed"), Value::Null, &text, FinishKind::Stop, "completed"),
        (Value::Null, Value::Null, &text, FinishKind::Stop, "completed"),
        (json!("in_progress"), Value::Null, &text, FinishKind::Stop, "completed"),
        (json!("completed"), Value::Null, &call, FinishKind::ToolCalls, "completed"),
        (json!("completed"), Value::Null, &refusal, FinishKind::Refusal, "completed"),
        (json!("incomplete"), reason("max_output_tokens"), &call, FinishKind::Length, "max_output_tokens"),
        (json!("incomplete"), reason("content_filter"), &text, FinishKind::Refusal, "content_filter"),
        (json!("incomplete"), Value::Null, &text, FinishKind::Length, "incomplete"),
    ] {
        assert_eq!(finish(status, details, item.clone()), (kind, native.to_owned()));
    }
}

#[test]
fn what_is_no_answer_is_a_fault() {
    let decode = |body: Value| decode_reply(body, &Names::default(), &mut Report::default()).unwrap_err();
    let reported = |body: Value| match decode(body) {
        UpstreamFault::Reported(error) => (error.kind, error.message),
        other => panic!("{other}"),
    };
    let failed = json!({"status": "failed", "output": [], "error": {"code": "rate_limit_exceeded", "message": "slow"}});
    assert_eq!(reported(failed.clone()), (ErrorKind::RateLimited, "slow".to_owned()));
    assert!(observe_reply(&failed.to_string()).is_err());
    assert_eq!(reported(json!({"status": "cancelled", "output": []})).1, "the response has cancelled");
    assert_eq!(reported(json!({"error": "just text"})).1, "just text");
    for body in [json!([]), json!({"id": "r"}), json!({"status": "queued", "output": []})] {
        assert!(matches!(decode(body), UpstreamFault::Malformed { .. }));
    }
}

#[test]
fn thinking_is_sealed_with_its_origin() {
    let signed = Part::new(PartKind::Thinking { text: "t".to_owned(), signature: Some("sig".to_owned()) });
    let unsigned = Part::new(PartKind::Thinking { text: "t".to_owned(), signature: None });
    let redacted = Part::new(PartKind::RedactedThinking("data".to_owned()));
    let response = encoded(
        answer(vec![signed, unsigned, redacted, Part::text("a")], Finish::new(FinishKind::Stop, "stop")),
        Format::AnthropicMessages,
        json!({}),
    );
    let output = response["output"].as_array().unwrap();
    let sealed: Vec<&Value> = output.iter().map(|item| &item["encrypted_content"]).collect();
    assert_eq!(
        sealed,
        [
            &json!("pillion:AnthropicMessages:sig"),
            &json!("pillion:AnthropicMessages:"),
            &json!("pillion:AnthropicMessages:redacted:data"),
            &Value::Null,
        ]
    );
    assert_eq!(output[0]["summary"], json!([{"type": "summary_text", "text": "t"}]));
}

#[test]
fn a_signature_over_a_call_goes_before_it_and_comes_back() {
    let signed = Part { signature: Some("sig".to_owned()), ..call("f", "{}") };
    let response = encoded(
        answer(vec![signed], Finish::new(FinishKind::ToolCalls, "STOP")),
        Format::GeminiGenerateContent,
        json!({}),
    );
    let output = response["output"].as_array().unwrap();
    assert_eq!(output[0]["encrypted_content"], "pillion:GeminiGenerateContent:sig");
    assert_eq!(output[1]["type"], "function_call");
    let mut back = decode_request(object(json!({"input": output}))).unwrap();
    for_other(&mut back, Format::GeminiGenerateContent, &mut Report::default()).unwrap();
    let kinds: Vec<&PartKind> = back.messages[0].content.parts.iter().map(|part| &part.kind).collect();
    let wrapped = Some("pillion:GeminiGenerateContent:sig".to_owned());
    assert_eq!(kinds[0], &PartKind::Thinking { text: String::new(), signature: wrapped });
    assert!(matches!(kinds[1], PartKind::ToolCall { .. }));
}

#[test]
fn calls_of_custom_tools_are_custom_again() {
    let request = json!({"tools": [{"type": "custom", "name": "patch"}, {"type": "function", "name": "f"}]});
    let finish = || Finish::new(FinishKind::ToolCalls, "tool_calls");
    let item =
        |part: Part| encoded(answer(vec![part], finish()), Format::OpenAIChat, request.clone())["output"][0].clone();
    let custom = item(call("patch", r#"{"input":"a \"b\""}"#));
    let id = custom["id"].clone();
    assert_eq!(
        custom,
        json!({"id": id, "type": "custom_tool_call", "call_id": "c1", "name": "patch", "input": "a \"b\""})
    );
    assert_eq!(item(call("patch", "not json"))["input"], "not json");
    assert_eq!(item(call("f", ""))["arguments"], "{}");
}

#[test]
fn texts_are_one_text_and_citations_keep_their_place() {
    let cited = |text: &str, range| {
        let citation = Citation { url: Some("https://h".to_owned()), range, ..Citation::default() };
        Part { citations: vec![citation], ..Part::text(text) }
    };
    let parts = vec![Part::text("äb "), cited("cd", Some((1, 2))), cited("ef", None)];
    let response = encoded(answer(parts, Finish::new(FinishKind::Stop, "stop")), Format::AnthropicMessages, json!({}));
    let content = &response["output"][0]["content"];
    assert_eq!(content.as_array().unwrap().len(), 1);
    assert_eq!(content[0]["text"], "äb cdef");
    let places = content[0]["annotations"].as_array().unwrap().iter();
    let places: Vec<_> = places.map(|note| (note["start_index"].as_u64(), note["end_index"].as_u64())).collect();
    assert_eq!(places, [(Some(4), Some(5)), (Some(5), Some(7))]);
}

#[test]
fn citations_and_logprobs_pass_between_openais_formats() {
    let annotation =
        json!({"type": "url_citation", "url": "https://h", "title": "t", "start_index": 0, "end_index": 1});
    let logprob = json!({"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []});
    let text = json!({"type": "output_text", "text": "a", "annotations": [annotation], "logprobs": [logprob]});
    let reply = json!({"id": "resp_1", "model": "m", "status": "completed", "output": [
        {"type": "message", "id": "msg_1", "role": "assistant", "content": [text]},
    ]});
    let mut report = Report::default();
    let decoded = decode_reply(reply, &Names::default(), &mut report).unwrap();
    let context = context(Format::OpenAIResponses, json!({}));
    let chat = formats::encode_reply(Format::OpenAIChat, decoded, &context, &mut report);
    let back = formats::decode_reply(Format::OpenAIChat, chat, &formats::Restore::default(), &mut report).unwrap();
    let again = encode_reply(back, &ReplyContext { origin: Format::OpenAIChat, ..context }, &mut report);
    assert_eq!(again["output"][0]["content"][0], text);
    assert_eq!(report, Report::default());
}
