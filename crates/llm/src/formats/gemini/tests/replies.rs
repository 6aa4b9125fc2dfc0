//! Rows of the translation table: whole replies.

use super::*;
use crate::model::{Arguments, Citation, Finish, FinishKind, Part, PartKind, Usage};

fn reply(candidate: Value) -> Value {
    json!({"candidates": [candidate], "responseId": "r", "modelVersion": "g"})
}

fn decoded(body: Value) -> Result<Answer, UpstreamFault> {
    super::super::decode_reply(body, &Names::default(), &mut Report::default())
}

/// What a client of `client` gets of a Gemini reply.
fn told(client: Format, body: Value) -> Value {
    let answer = decoded(body).unwrap();
    super::super::super::encode_reply(client, answer, &context(GEMINI), &mut Report::default())
}

#[track_caller]
fn finish(candidate: Value, kind: FinishKind, reason: &str) {
    let answer = decoded(reply(candidate.clone())).unwrap();
    assert_eq!(answer.finish.kind, kind, "{candidate}");
    let openai = told(Format::OpenAIChat, reply(candidate));
    assert_eq!(openai["choices"][0]["finish_reason"], reason);
}

#[test]
fn finishes_are_told_in_every_formats_words() {
    let text = json!({"parts": [{"text": "a"}]});
    let call = json!({"parts": [{"functionCall": {"name": "f", "args": {}}}]});
    finish(json!({"content": text, "finishReason": "STOP"}), FinishKind::Stop, "stop");
    finish(json!({"content": call, "finishReason": "STOP"}), FinishKind::ToolCalls, "tool_calls");
    finish(json!({"content": text, "finishReason": "MAX_TOKENS"}), FinishKind::Length, "length");
    // 120: all thought, nothing said.
    finish(json!({"content": {"role": "model"}, "finishReason": "MAX_TOKENS"}), FinishKind::Length, "length");
    finish(json!({"finishReason": "MAX_TOKENS"}), FinishKind::Length, "length");
    for reason in
        ["SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "MODEL_ARMOR"]
    {
        finish(json!({"content": text, "finishReason": reason}), FinishKind::Refusal, "content_filter");
    }
    finish(json!({"content": text, "finishReason": "OTHER"}), FinishKind::Stop, "stop");
    finish(json!({"content": text, "finishReason": "OF_TOMORROW"}), FinishKind::Stop, "stop");
    finish(json!({"content": text, "finishReason": 2}), FinishKind::Length, "length");
    for reason in ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "OTHER", "NO_IMAGE"] {
        let fault = decoded(reply(json!({"content": {}, "finishReason": reason, "finishMessage": "why"}))).unwrap_err();
        let UpstreamFault::Reported(error) = fault else { panic!("{fault}") };
        assert_eq!((error.status, error.code.as_deref()), (502, Some(reason)));
        assert!(error.message.ends_with(": why"), "{}", error.message);
    }
}

#[test]
fn a_blocked_prompt_is_a_refusal_with_its_usage() {
    // 119
    let body = json!({"promptFeedback": {"blockReason": "SAFETY", "blockReasonMessage": "no"}, "modelVersion": "g",
        "usageMetadata": {"promptTokenCount": 7, "totalTokenCount": 7}});
    let openai = told(Format::OpenAIChat, body.clone());
    let choice = &openai["choices"][0];
    assert_eq!((&choice["finish_reason"], &choice["message"]["content"]), (&json!("content_filter"), &Value::Null));
    assert_eq!((&choice["message"]["refusal"], &openai["usage"]["prompt_tokens"]), (&json!("no"), &json!(7)));
    assert_eq!(told(Format::AnthropicMessages, body)["stop_reason"], "refusal");
    assert!(matches!(decoded(json!({"usageMetadata": {}})), Err(UpstreamFault::Malformed { .. })));
    assert!(matches!(decoded(json!([])), Err(UpstreamFault::Malformed { .. })));
}

#[test]
fn texts_are_joined_and_thoughts_stand_apart() {
    // 118, 104, 110
    let body = reply(json!({"content": {"parts": [
        {"text": "hm ", "thought": true}, {"text": "yes", "thought": true}, {"text": "a"}, {"text": "b", "thoughtSignature": "S"},
        {"text": "c"}, {"text": "", "thoughtSignature": "T"}, {"text": ""},
    ]}, "finishReason": "STOP"}));
    let signed =
        |text: &str, signature: Option<&str>| Part { signature: signature.map(str::to_owned), ..Part::text(text) };
    let thought = |text: &str, signature: Option<&str>| {
        Part::new(PartKind::Thinking { text: text.to_owned(), signature: signature.map(str::to_owned) })
    };
    let parts = decoded(body.clone()).unwrap().parts;
    assert_eq!(parts, [thought("hm yes", None), signed("ab", Some("S")), signed("c", None), thought("", Some("T"))]);
    let openai = told(Format::OpenAIChat, body);
    assert_eq!(openai["choices"][0]["message"]["content"], "abc");
    assert_eq!(openai["choices"][0]["message"]["reasoning_content"], "hm yes");
}

#[test]
fn calls_get_ids_of_their_own_and_keep_theirs() {
    let body = reply(json!({"content": {"parts": [
        {"functionCall": {"name": "f", "args": {"x": 1}}, "thoughtSignature": "S"}, {"functionCall": {"name": "f"}},
        {"functionCall": {"id": "given", "name": "g", "args": {}}},
    ]}, "finishReason": "STOP"}));
    let parts = decoded(body.clone()).unwrap().parts;
    assert_eq!(parts, decoded(body).unwrap().parts, "the same ids every time");
    let ids: Vec<&str> = parts
        .iter()
        .map(|part| match &part.kind {
            PartKind::ToolCall { id, .. } => id.as_str(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(ids[0] != ids[1] && ids[0].len() == 9 && ids[2] == "given", "{ids:?}");
    assert_eq!(parts[0].signature.as_deref(), Some("S"));
    let PartKind::ToolCall { arguments, .. } = &parts[1].kind else { panic!() };
    assert_eq!(arguments, &Arguments::Value(json!({})));
}

#[test]
fn calls_of_two_turns_get_ids_that_differ_though_their_replies_have_none() {
    let turn = |id: Option<&str>, time: Option<&str>, prompt: u64, args: Value| {
        let call = json!([{"functionCall": {"name": "f", "args": args}}]);
        let mut body = json!({"candidates": [{"content": {"parts": call}, "finishReason": "STOP"}],
            "usageMetadata": {"promptTokenCount": prompt, "totalTokenCount": prompt}});
        for (key, value) in [("responseId", id), ("createTime", time)] {
            if let Some(value) = value {
                body[key] = json!(value);
            }
        }
        match decoded(body).unwrap().parts.remove(0).kind {
            PartKind::ToolCall { id, .. } => id,
            other => panic!("{other:?}"),
        }
    };
    let first = turn(None, None, 7, json!({}));
    assert_eq!(first, turn(None, None, 7, json!({})), "the same reply gives the same id");
    let others = [
        turn(None, None, 19, json!({})),
        turn(None, None, 7, json!({"x": 1})),
        turn(None, Some("2026-04-07T16:49:58Z"), 7, json!({})),
        turn(None, Some("2026-04-07T16:49:59Z"), 7, json!({})),
        turn(Some("r"), None, 7, json!({})),
        turn(Some("r"), None, 19, json!({})),
    ];
    let all: std::collections::HashSet<&String> = others.iter().chain([&first]).collect();
    assert_eq!(all.len(), 7, "{first} {others:?}");
}

#[test]
fn tokens_are_counted_inclusively() {
    // 127
    let mut body = reply(json!({"finishReason": "MAX_TOKENS"}));
    body["usageMetadata"] = json!({"promptTokenCount": 10, "toolUsePromptTokenCount": 5, "cachedContentTokenCount": 4,
        "candidatesTokenCount": 560, "thoughtsTokenCount": 3480, "totalTokenCount": 4055});
    let usage = Usage { input: 15, output: 4040, cached_input: 4, cache_creation: 0, reasoning: 3480 };
    assert_eq!(decoded(body).unwrap().usage, Some(usage));
    let mut body = reply(json!({"finishReason": "STOP"}));
    body["usageMetadata"] = json!({"trafficType": "ON_DEMAND"});
    assert_eq!(decoded(body).unwrap().usage, None);
}

#[test]
fn likelihoods_and_sources_are_read() {
    let body = reply(json!({"content": {"parts": [{"text": "Köln"}]}, "finishReason": "STOP",
        "logprobsResult": {"chosenCandidates": [{"token": "Köln", "logProbability": -0.5, "tokenId": 3}, {"token": "!"}],
            "topCandidates": [{"candidates": [{"token": "Köln", "logProbability": -0.5}]}]},
        "groundingMetadata": {"groundingChunks": [{"web": {"uri": "https://a", "title": "A"}}],
            "groundingSupports": [{"segment": {"endIndex": 5, "text": "Köln"}, "groundingChunkIndices": [0]}]}}));
    let answer = decoded(body).unwrap();
    assert_eq!(
        answer.logprobs,
        [
            json!({"token": "Köln", "logprob": -0.5, "bytes": "Köln".as_bytes(),
            "top_logprobs": [{"token": "Köln", "logprob": -0.5, "bytes": "Köln".as_bytes()}]}),
            json!({"token": "!", "logprob": 0, "bytes": [33], "top_logprobs": []}),
        ]
    );
    let [citation] = answer.parts[0].citations.as_slice() else { panic!("{:?}", answer.parts) };
    assert_eq!((citation.url.as_deref(), citation.range), (Some("https://a"), Some((0, 4))));
}

#[test]
fn each_text_gets_the_sources_that_name_its_part() {
    let support = |part: u64, text: &str, chunk: u64| {
        json!({"segment": {"partIndex": part, "startIndex": 0, "endIndex": text.len(), "text": text},
            "groundingChunkIndices": [chunk]})
    };
    let body =
        reply(json!({"content": {"parts": [{"text": "Hello"}, {"executableCode": {"language": "PYTHON", "code": "1"}},
        {"text": "Bye"}]}, "finishReason": "STOP",
        "groundingMetadata": {"groundingChunks": [{"web": {"uri": "https://a"}}, {"web": {"uri": "https://b"}}],
            "groundingSupports": [support(0, "Hello", 0), support(2, "Bye", 1)]}}));
    let parts = decoded(body.clone()).unwrap().parts;
    let told = |part: &Part| -> Vec<_> {
        part.citations.iter().map(|citation| (citation.url.clone().unwrap_or_default(), citation.range)).collect()
    };
    assert_eq!(told(&parts[0]), [("https://a".to_owned(), Some((0, 5)))]);
    assert_eq!(told(&parts[2]), [("https://b".to_owned(), Some((0, 3)))]);
    let annotation = |url: &str, start: u64, end: u64| json!({"type": "url_citation", "url_citation": {"start_index": start, "end_index": end, "url": url, "title": url}});
    assert_eq!(told_annotations(body), json!([annotation("https://a", 0, 5), annotation("https://b", 5, 8)]));
}

fn told_annotations(body: Value) -> Value {
    told(Format::OpenAIChat, body)["choices"][0]["message"]["annotations"].clone()
}

#[test]
fn what_has_no_place_in_an_answer_is_named() {
    let mut report = Report::default();
    let grounded =
        reply(json!({"content": {"parts": [{"functionCall": {"name": "f", "args": {}}}]}, "finishReason": "STOP",
        "finishMessage": "Model generated function call(s).",
        "groundingMetadata": {"groundingChunks": [{"web": {"uri": "https://a"}}], "searchEntryPoint": {}},
        "citationMetadata": {"citations": [{"endIndex": 1, "uri": "https://b"}]}}));
    super::super::decode_reply(grounded, &Names::default(), &mut report).unwrap();
    assert_eq!(
        report.dropped,
        ["candidates[].groundingMetadata", "candidates[].citationMetadata", "candidates[].searchEntryPoint"]
    );
    let mut report = Report::default();
    let broken = reply(json!({"content": {"parts": [{"text": "a"}]}, "finishReason": "MALFORMED_FUNCTION_CALL",
        "finishMessage": "why"}));
    super::super::decode_reply(broken, &Names::default(), &mut report).unwrap();
    assert_eq!(report.dropped, ["candidates[].finishMessage"]);
}

#[test]
fn thoughts_alone_are_no_answer() {
    let thought = json!({"parts": [{"text": "hm", "thought": true}]});
    let fault = decoded(reply(json!({"content": thought, "finishReason": "MALFORMED_FUNCTION_CALL"}))).unwrap_err();
    let UpstreamFault::Reported(error) = fault else { panic!("{fault}") };
    assert_eq!((error.status, error.code.as_deref()), (502, Some("MALFORMED_FUNCTION_CALL")));
    finish(json!({"content": thought, "finishReason": "MAX_TOKENS"}), FinishKind::Length, "length");
}

#[test]
fn an_answer_is_written_as_google_writes_them() {
    let citation = Citation {
        url: Some("https://a".to_owned()),
        title: Some("A".to_owned()),
        range: Some((0, 4)),
        ..Citation::default()
    };
    let answer = Answer {
        id: "id".to_owned(),
        model: String::new(),
        created: None,
        parts: vec![
            Part::new(PartKind::Thinking { text: "hm".to_owned(), signature: Some("sig".to_owned()) }),
            Part::new(PartKind::RedactedThinking("data".to_owned())),
            Part { citations: vec![citation], ..Part::text("Köln") },
            Part::text(""),
            Part::new(PartKind::ToolCall {
                id: "1".to_owned(),
                name: "f".to_owned(),
                arguments: Arguments::Text("{\"x\":1}".to_owned()),
            }),
            Part::new(PartKind::ToolCall {
                id: String::new(),
                name: "g".to_owned(),
                arguments: Arguments::Text("{\"cut".to_owned()),
            }),
        ],
        finish: Finish::new(FinishKind::ToolCalls, "tool_use"),
        usage: Some(Usage { input: 9, output: 5, cached_input: 2, cache_creation: 1, reasoning: 3 }),
        service_tier: None,
        logprobs: vec![
            json!({"token": "K", "logprob": -1.0, "bytes": null, "top_logprobs": []}),
            json!({"token": "ö", "logprob": -2.0}),
        ],
    };
    let mut report = Report::default();
    let body = super::super::encode_reply(answer, &context(Format::AnthropicMessages), &mut report);
    let wrapped = super::super::signature::write(Format::AnthropicMessages, Some("sig")).unwrap();
    let redacted = super::super::signature::write_redacted("data");
    assert_eq!(
        body,
        json!({
            "candidates": [{
                "content": {"role": "model", "parts": [
                    {"text": "hm", "thought": true, "thoughtSignature": wrapped},
                    {"text": "", "thought": true, "thoughtSignature": redacted},
                    {"text": "Köln"},
                    {"functionCall": {"id": "1", "name": "f", "args": {"x": 1}}},
                    {"functionCall": {"name": "g", "args": {}}},
                ]},
                "finishReason": "STOP",
                "index": 0,
                "groundingMetadata": {"groundingChunks": [{"web": {"uri": "https://a", "title": "A"}}],
                    "groundingSupports": [{"segment": {"startIndex": 0, "endIndex": 5, "text": "Köln", "partIndex": 2}, "groundingChunkIndices": [0]}]},
                "avgLogprobs": -1.5,
                "logprobsResult": {"chosenCandidates": [{"token": "K", "logProbability": -1.0}, {"token": "ö", "logProbability": -2.0}],
                    "topCandidates": [{"candidates": []}, {"candidates": []}]},
            }],
            "modelVersion": "asked",
            "responseId": "id",
            "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 2, "totalTokenCount": 14, "cachedContentTokenCount": 2, "thoughtsTokenCount": 3},
        })
    );
    assert_eq!(report.approximated, ["tool_calls[].function.arguments"]);
}

#[test]
fn relayed_replies_that_report_errors_are_errors() {
    let error = json!([{"error": {"code": 503, "message": "m", "status": "UNAVAILABLE"}}]);
    for body in [error.clone(), error[0].clone()] {
        let Err(UpstreamFault::Reported(error)) = super::super::observe_reply(&body.to_string()) else { panic!() };
        assert_eq!((error.status, error.message.as_str()), (503, "m"));
    }
    assert!(super::super::observe_reply("{}").is_err());
    assert!(super::super::observe_reply("{\"candidates\": 1}").is_err());
}
