//! Whole replies, both ways.

use super::*;
use crate::UpstreamFault;
use crate::model::{Answer, Citation, Finish, FinishKind, Part, PartKind, Usage};
use serde_json::json;

fn reply(content: Value, reason: &str) -> Value {
    json!({
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": reason,
        "usage": {"inputTokens": 3, "outputTokens": 5, "totalTokens": 38, "cacheReadInputTokens": 10,
                  "cacheWriteInputTokens": 20},
        "metrics": {"latencyMs": 7},
    })
}

fn decode(body: Value, restore: &Restore) -> (Answer, Report) {
    let mut report = Report::default();
    (formats::decode_reply(BEDROCK, body, restore, &mut report).unwrap(), report)
}

#[track_caller]
fn to_openai(content: Value, reason: &str, restore: &Restore) -> Value {
    let (answer, mut report) = decode(reply(content, reason), restore);
    let body = formats::encode_reply(OPENAI, answer, &context(BEDROCK), &mut report);
    assert_eq!((report.approximated.len(), report.dropped.len()), (0, 0), "{report:?}");
    body
}

#[test]
fn counts_of_the_cache_are_part_of_the_prompt() {
    let (answer, _) = decode(reply(json!([{"text": "a"}]), "end_turn"), &Restore::default());
    let usage = Usage { input: 33, output: 5, cached_input: 10, cache_creation: 20, reasoning: 0 };
    assert_eq!(answer.usage, Some(usage));
    let body = formats::encode_reply(BEDROCK, answer, &context(ANTHROPIC), &mut Report::default());
    assert_eq!(body["usage"], reply(json!([]), "")["usage"]);
}

#[test]
fn stop_reasons_are_told_in_each_formats_words() {
    for (reason, kind, openai, back) in [
        ("end_turn", FinishKind::Stop, "stop", "end_turn"),
        ("stop_sequence", FinishKind::StopSequence, "stop", "stop_sequence"),
        ("max_tokens", FinishKind::Length, "length", "max_tokens"),
        ("model_context_window_exceeded", FinishKind::ContextFull, "length", "model_context_window_exceeded"),
        ("tool_use", FinishKind::ToolCalls, "tool_calls", "tool_use"),
        ("content_filtered", FinishKind::Refusal, "content_filter", "content_filtered"),
        ("guardrail_intervened", FinishKind::Refusal, "content_filter", "content_filtered"),
        ("malformed_tool_use", FinishKind::Stop, "stop", "end_turn"),
        ("of_tomorrow", FinishKind::Stop, "stop", "end_turn"),
    ] {
        let (answer, _) = decode(reply(json!([{"text": "a"}]), reason), &Restore::default());
        assert_eq!((answer.finish.kind, answer.finish.native.as_str()), (kind, reason));
        let body = formats::encode_reply(OPENAI, answer.clone(), &context(BEDROCK), &mut Report::default());
        assert_eq!(body["choices"][0]["finish_reason"], openai);
        let body = formats::encode_reply(BEDROCK, answer, &context(OPENAI), &mut Report::default());
        assert_eq!(body["stopReason"], back);
    }
}

#[test]
fn an_answer_of_which_nothing_could_be_read_is_a_fault() {
    let body = reply(json!([]), "malformed_model_output");
    let fault = formats::decode_reply(BEDROCK, body, &Restore::default(), &mut Report::default()).unwrap_err();
    let UpstreamFault::Reported(error) = fault else { panic!("{fault:?}") };
    assert_eq!((error.status, error.code.as_deref()), (502, Some("malformed_model_output")));
}

#[test]
fn what_is_no_reply_is_a_fault() {
    let decode = |body| formats::decode_reply(BEDROCK, body, &Restore::default(), &mut Report::default()).unwrap_err();
    assert!(matches!(decode(json!({"message": "slow down"})), UpstreamFault::Reported(error) if error.status == 502));
    for body in [json!([]), json!({}), json!({"output": {}}), json!({"output": {"message": {"content": 1}}})] {
        assert!(matches!(decode(body), UpstreamFault::Malformed { .. }));
    }
}

#[test]
fn blocks_become_openais_message() {
    let body = to_openai(
        json!([
            {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s"}}},
            {"reasoningContent": {"redactedContent": "RXVRQg=="}},
            {"text": "a"},
            {"citationsContent": {"content": [{"text": "b"}], "citations": []}},
            {"guardContent": {"text": {"text": "c"}}},
            {"toolUse": {"toolUseId": "t1", "name": "f", "input": {"x": 1.0}, "type": "tool_use"}},
            {"toolUse": {"toolUseId": "t2", "name": "g", "input": {}}},
        ]),
        "tool_use",
        &Restore::default(),
    );
    let message = &body["choices"][0]["message"];
    assert_eq!((&message["content"], &message["reasoning_content"]), (&json!("abc"), &json!("hm")));
    let blocks = json!([
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "redacted_thinking", "data": "EuQB"},
    ]);
    assert_eq!(message["thinking_blocks"], blocks);
    assert_eq!(message["tool_calls"][0]["function"]["arguments"], "{\"x\":1.0}");
    assert_eq!(message["tool_calls"][1]["function"]["arguments"], "{}");
}

#[test]
fn the_call_of_our_own_tool_is_the_answers_text() {
    let call = json!([{"toolUse": {"toolUseId": "t", "name": "json_response", "input": {"a": 1}}}]);
    let body = to_openai(call, "tool_use", &with_json_tool());
    assert_eq!(body["choices"][0]["message"]["content"], "{\"a\":1}");
    assert_eq!(body["choices"][0]["finish_reason"], "stop");
}

#[test]
fn tools_that_ran_at_the_vendor_are_no_calls_of_the_clients() {
    let content = json!([
        {"toolUse": {"toolUseId": "t", "name": "nova_grounding", "input": {}, "type": "server_tool_use"}},
        {"toolResult": {"toolUseId": "t", "type": "nova_grounding_result", "content": [{"text": "x"}]}},
        {"text": "found"},
    ]);
    let (answer, mut report) = decode(reply(content, "end_turn"), &Restore::default());
    let body = formats::encode_reply(OPENAI, answer, &context(BEDROCK), &mut report);
    assert_eq!(body["choices"][0]["message"].get("tool_calls"), None);
    assert_eq!(body["choices"][0]["message"]["content"], "found");
    assert_eq!(report.dropped, ["content[].toolUse", "content[].toolResult"]);
}

#[test]
fn citations_keep_their_source_and_come_back_as_they_were() {
    let native = json!({
        "title": "Ruby Facts", "source": "https://example.com/ruby",
        "sourceContent": [{"text": "created "}, {"text": "by Matz"}],
        "location": {"searchResultLocation": {"searchResultIndex": 0, "start": 0, "end": 1}},
    });
    let block = json!({"citationsContent": {"content": [{"text": "By Matz."}], "citations": [native]}});
    let (answer, _) = decode(reply(json!([block]), "end_turn"), &Restore::default());
    let expected = Citation {
        url: Some("https://example.com/ruby".to_owned()),
        title: Some("Ruby Facts".to_owned()),
        cited: Some("created by Matz".to_owned()),
        range: None,
        native: native.clone(),
    };
    assert_eq!(answer.parts[0].citations, [expected]);
    let body = formats::encode_reply(BEDROCK, answer, &context(ANTHROPIC), &mut Report::default());
    assert_eq!(body["output"]["message"]["content"][0], block);
}

#[test]
fn citations_of_other_formats_become_converses() {
    let anthropic = json!({"type": "char_location", "cited_text": "c", "document_index": 1, "document_title": "T",
                           "start_char_index": 2, "end_char_index": 9});
    let title = Some("T".to_owned());
    let cited = Some("c".to_owned());
    let citations = vec![
        Citation { title: title.clone(), cited, native: anthropic, ..Citation::default() },
        Citation { title, url: Some("https://u".to_owned()), ..Citation::default() },
    ];
    let parts = vec![Part { citations, ..Part::text("t") }];
    let body = formats::encode_reply(BEDROCK, answer(parts), &context(ANTHROPIC), &mut Report::default());
    assert_eq!(
        body["output"]["message"]["content"][0]["citationsContent"]["citations"],
        json!([
            {"title": "T", "sourceContent": [{"text": "c"}],
             "location": {"documentChar": {"documentIndex": 1, "start": 2, "end": 9}}},
            {"title": "T", "location": {"web": {"url": "https://u"}}},
        ])
    );
}

fn answer(parts: Vec<Part>) -> Answer {
    let mut finish = Finish::new(FinishKind::StopSequence, "stop");
    finish.stop_sequence = Some("END".to_owned());
    Answer {
        id: "i".to_owned(),
        model: "m".to_owned(),
        created: None,
        parts,
        finish,
        usage: None,
        service_tier: Some("flex".to_owned()),
        logprobs: Vec::new(),
    }
}

#[test]
fn an_answer_of_another_format_is_a_whole_converse_reply() {
    let thought = |signature: Option<&str>| {
        Part::new(PartKind::Thinking { text: "hm".to_owned(), signature: signature.map(str::to_owned) })
    };
    let mut call = Part::new(PartKind::ToolCall {
        id: "call:1".to_owned(),
        name: "f".to_owned(),
        arguments: crate::model::Arguments::Text("{\"a\":".to_owned()),
    });
    call.signature = Some("gs".to_owned());
    let mut report = Report::default();
    let parts = vec![thought(None), Part::text("x"), call, Part::new(PartKind::Refusal("no".to_owned()))];
    let body = formats::encode_reply(BEDROCK, answer(parts), &context(Format::GeminiGenerateContent), &mut report);
    let signed = |text: &str, signature: &str| json!({"reasoningContent": {"reasoningText": {"text": text, "signature": signature}}});
    let id = crate::model::plain_id("call:1");
    assert_eq!(
        body,
        json!({
            "output": {"message": {"role": "assistant", "content": [
                signed("hm", "pillion:GeminiGenerateContent:"),
                {"text": "x"},
                signed("", "pillion:GeminiGenerateContent:gs"),
                {"toolUse": {"toolUseId": id, "name": "f", "input": {}}},
                {"text": "no"},
            ]}},
            "stopReason": "stop_sequence",
            "usage": {"inputTokens": 0, "outputTokens": 0, "totalTokens": 0, "cacheReadInputTokens": 0,
                      "cacheWriteInputTokens": 0},
            "metrics": {"latencyMs": 0},
            "additionalModelResponseFields": {"stop_sequence": "END"},
            "serviceTier": {"type": "flex"},
        })
    );
    assert_eq!(report.approximated, ["tool_calls[].function.arguments"]);
    let parts = vec![thought(Some("sig")), thought(None)];
    let body = formats::encode_reply(BEDROCK, answer(parts), &context(ANTHROPIC), &mut report);
    let content = &body["output"]["message"]["content"];
    assert_eq!(content[0], signed("hm", "sig"));
    assert_eq!(content[1], json!({"reasoningContent": {"reasoningText": {"text": "hm"}}}));
}

#[test]
fn a_relayed_reply_is_read_without_its_content() {
    let text = reply(json!([{"text": "a"}]), "max_tokens").to_string();
    let observed = formats::observe_reply(BEDROCK, text.as_bytes()).unwrap();
    assert_eq!((observed.finish.as_deref(), observed.usage.map(|usage| usage.input)), (Some("max_tokens"), Some(33)));
    let fault = formats::observe_reply(BEDROCK, br#"{"message":"no"}"#).unwrap_err();
    assert!(matches!(fault, UpstreamFault::Reported(error) if error.message == "no"));
    assert!(formats::observe_reply(BEDROCK, b"{}").is_err());
}

#[test]
fn citations_of_nova_stand_behind_the_text() {
    let block =
        json!({"citationsContent": {"citations": [{"location": {"web": {"url": "https://u", "domain": "u"}}}]}});
    let (answer, _) = decode(reply(json!([{"text": "a"}, block]), "end_turn"), &Restore::default());
    let cited = &answer.parts[1];
    assert!(matches!(&cited.kind, PartKind::Text(text) if text.is_empty()));
    assert_eq!(cited.citations[0].url.as_deref(), Some("https://u"));
}
