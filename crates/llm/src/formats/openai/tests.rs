//! OpenAI Chat against recorded traffic of its vendor and of those who imitate it, and what it alone has.

mod conversations;
mod streams;

use super::*;
use crate::formats::tests::recorded::{
    self, RULES, answered, cases, context, decoded, events, grammatical, streamed, translated,
};
use crate::formats::{encode_reply, encode_request};
use crate::model::{Answer, Citation, Event, FinishKind, Names, PartDelta, PartKind, PartStart, Report, Source};
use crate::{BodyError, Format};
use serde_json::json;

const OPENAI: Format = Format::OpenAIChat;
const ANTHROPIC: Format = Format::AnthropicMessages;
const GROUPS: &[&str] = &[
    "openai/chat-completions",
    "azure_openai/chat-completions",
    "groq/chat-completions",
    "mistral/chat-completions",
    "deepseek/chat-completions",
    "xai/chat-completions",
    "openrouter/chat-completions",
    "vllm/chat-completions",
    "cerebras/chat-completions",
    "huggingface/chat-completions",
    "huggingface/tgi-chat-completions",
    "ollama/openai-chat-completions",
];

/// Members of a request that the neutral model has a place for.
const KNOWN: &[&str] = &[
    "frequency_penalty",
    "logprobs",
    "max_completion_tokens",
    "messages",
    "model",
    "n",
    "parallel_tool_calls",
    "presence_penalty",
    "reasoning_effort",
    "response_format",
    "seed",
    "service_tier",
    "stop",
    "stream",
    "temperature",
    "tool_choice",
    "tools",
    "top_k",
    "top_logprobs",
    "top_p",
    "user",
];

#[test]
fn recorded_requests_come_out_as_they_went_in() {
    recorded::requests_survive(OPENAI, &cases(GROUPS), KNOWN);
}

#[test]
fn recorded_replies_are_read_and_written_again() {
    recorded::replies_survive(OPENAI, &cases(GROUPS));
}

#[test]
fn recorded_streams_say_the_same_whatever_the_cuts() {
    recorded::streams_survive(OPENAI, &cases(GROUPS));
}

fn one(message: Value) -> Value {
    json!({"model": "m", "messages": [message]})
}

#[track_caller]
fn refused(from: Format, to: Format, body: &Value) -> BodyError {
    let request = decoded(from, body);
    encode_request(to, request, RULES, &mut Names::default(), &mut Report::default()).unwrap_err()
}

#[track_caller]
fn survives(body: &Value) {
    let mut report = Report::default();
    let again = encode_request(OPENAI, decoded(OPENAI, body), RULES, &mut Names::default(), &mut report).unwrap();
    assert_eq!(again.body, *body);
    assert_eq!(report, Report::default());
}

#[test]
fn sound_and_moving_pictures_are_parts_like_others() {
    let sound = json!({"type": "input_audio", "input_audio": {"data": "AA==", "format": "mp3"}});
    let video = json!({"type": "video_url", "video_url": {"url": "https://v"}});
    let pdf = json!({"type": "document_url", "document_url": "https://d/x.pdf", "document_name": "x"});
    let body = one(json!({"role": "user", "content": [sound, video, pdf]}));
    let request = decoded(OPENAI, &body);
    let kinds: Vec<&PartKind> = request.messages[0].content.parts.iter().map(|part| &part.kind).collect();
    let mp3 = Source::Base64 { media_type: "audio/mp3".into(), data: "AA==".into() };
    assert_eq!(kinds[0], &PartKind::Audio(mp3));
    assert_eq!(kinds[1], &PartKind::Video(Source::Url("https://v".into())));
    let url = Source::Url("https://d/x.pdf".into());
    assert_eq!(kinds[2], &PartKind::Document { source: url, name: Some("x".into()) });
    survives(&body);
    survives(&one(json!({"role": "user", "content": [
        {"type": "input_audio", "input_audio": {"data": "AA=="}}, {"type": "video_url", "video_url": "u"},
        {"type": "document_url", "document_url": {"url": "u"}},
        {"type": "file", "file": {"file_id": "f", "more": 1}}
    ]})));
    survives(&one(json!({"role": "assistant", "audio": {"id": "audio_1"}})));
    survives(&one(json!({"role": "assistant", "content": "x", "audio": null})));
    assert_eq!(refused(OPENAI, ANTHROPIC, &body).param.as_deref(), Some("messages[].content[].type"));
    // From elsewhere only the two kinds of sound that the API takes.
    for (media_type, format) in [("audio/x-wav", Some("wav")), ("audio/mpeg", Some("mp3")), ("audio/ogg", None)] {
        let mut request = decoded(OPENAI, &body);
        request.origin = Format::GeminiGenerateContent;
        let source = Source::Base64 { media_type: media_type.into(), data: "AA==".into() };
        request.messages[0].content.parts = vec![crate::model::Part::new(PartKind::Audio(source))];
        let encoded = encode_request(OPENAI, request, RULES, &mut Names::default(), &mut Report::default());
        match format {
            Some(format) => {
                assert_eq!(encoded.unwrap().body["messages"][0]["content"][0]["input_audio"]["format"], format);
            }
            None => assert!(encoded.unwrap_err().message.contains("ogg")),
        }
    }
}

fn annotation(start: u64, end: u64, url: &str) -> Value {
    json!({"type": "url_citation", "url_citation": {"start_index": start, "end_index": end, "url": url, "title": "T"}})
}

#[test]
fn annotations_are_citations_of_the_text_they_are_beside() {
    let message = json!({"role": "assistant", "content": "see here", "annotations": [annotation(4, 8, "https://a")]});
    survives(&one(message.clone()));
    survives(&one(json!({"role": "assistant", "content": null, "annotations": [annotation(0, 1, "https://a")]})));
    survives(&one(json!({"role": "assistant", "content": "x", "annotations": []})));
    let reply =
        json!({"id": "i", "model": "m", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]});
    let answer = answered(OPENAI, reply.clone()).unwrap();
    assert_eq!(answer.parts[0].citations[0].range, Some((4, 8)));
    let again = encode_reply(OPENAI, answer.clone(), &context(OPENAI), &mut Report::default());
    assert_eq!(again["choices"][0]["message"]["annotations"], reply["choices"][0]["message"]["annotations"]);
    let claude = encode_reply(ANTHROPIC, answer, &context(OPENAI), &mut Report::default());
    let citation = &claude["content"][0]["citations"][0];
    assert_eq!((&citation["url"], &citation["cited_text"]), (&json!("https://a"), &json!("here")));
}

#[test]
fn annotations_of_a_stream_count_from_the_begin_of_the_content() {
    let citation = |range| PartDelta::Citation(Citation { title: Some("a b".into()), range, ..Citation::default() });
    let mut told = vec![Event::Start { id: "i".into(), model: String::new(), created: None, usage: None }];
    for (part, range) in [(0, None), (1, Some((0, 2)))] {
        told.push(Event::PartStart { part, start: PartStart::Text });
        told.push(Event::PartDelta { part, delta: citation(range) });
        told.push(Event::PartDelta { part, delta: PartDelta::Text("äöü".into()) });
        told.push(Event::PartEnd { part });
    }
    told.extend([Event::Finish(crate::model::Finish::new(FinishKind::Stop, "x")), Event::End]);
    let text = String::from_utf8(streamed(OPENAI, ANTHROPIC, told)).unwrap();
    assert!(text.contains(r#""model":"asked""#), "what was asked for stands in for a name that was not told: {text}");
    assert!(text.contains(r#""start_index":0,"end_index":3,"url":"document:a%20b""#), "{text}");
    assert!(text.contains(r#""start_index":3,"end_index":5"#), "{text}");
    let answer = Answer::collect(events(OPENAI, [text.as_bytes()]).unwrap());
    assert_eq!(answer.parts[0].citations.len(), 2);
}

fn chunk(delta: Value, finish: Value, logprobs: Value) -> String {
    let choice = json!({"index": 0, "delta": delta, "finish_reason": finish, "logprobs": logprobs});
    format!("data: {}\n\n", json!({"id": "i", "model": "m", "choices": [choice]}))
}

fn token(text: &str) -> Value {
    json!({"token": text, "logprob": -0.25, "bytes": text.as_bytes(), "top_logprobs": []})
}

#[test]
fn likelihoods_survive_replies_and_streams() {
    let told = json!({"content": [token("a"), token("b")], "refusal": null});
    let reply = json!({"id": "i", "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "ab"}, "finish_reason": "stop", "logprobs": told}
    ]});
    let answer = answered(OPENAI, reply).unwrap();
    assert_eq!(answer.logprobs, [token("a"), token("b")]);
    let again = encode_reply(OPENAI, answer.clone(), &context(OPENAI), &mut Report::default());
    assert_eq!(again["choices"][0]["logprobs"], told);
    let of = |text| json!({"content": [token(text)], "refusal": null});
    // The first token comes before its text.
    let stream = [
        chunk(json!({"role": "assistant", "content": ""}), json!(null), of("a")),
        chunk(json!({"content": "ab"}), json!(null), of("b")),
        chunk(json!({}), json!("stop"), json!(null)),
        "data: [DONE]\n\n".to_owned(),
    ];
    let events = events(OPENAI, [stream.concat().as_bytes()]).unwrap();
    grammatical(&events, "logprobs");
    assert_eq!(Answer::collect(events.clone()).logprobs, answer.logprobs);
    let written = recorded::events(OPENAI, [&streamed(OPENAI, OPENAI, events)[..]]).unwrap();
    assert_eq!(Answer::collect(written).logprobs, answer.logprobs);
}

fn signed_call() -> Value {
    json!({"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"},
           "extra_content": {"google": {"thought_signature": "sig"}}})
}

#[test]
fn googles_signatures_stand_where_its_own_endpoint_has_them() {
    let message = json!({"role": "assistant", "content": "x", "tool_calls": [signed_call()],
                         "extra_content": {"google": {"thought_signature": "text", "more": 1}}});
    survives(&one(message.clone()));
    let request = decoded(OPENAI, &one(message));
    let parts = &request.messages[0].content.parts;
    assert_eq!((parts[0].signature.as_deref(), parts[1].signature.as_deref()), (Some("text"), Some("sig")));

    let reply = json!({"id": "i", "choices": [{"index": 0, "finish_reason": "tool_calls", "message":
        {"role": "assistant", "content": null, "tool_calls": [signed_call()]}}]});
    let answer = answered(OPENAI, reply).unwrap();
    assert_eq!(answer.parts[0].signature.as_deref(), Some("sig"));
    let google = context(Format::GeminiGenerateContent);
    let again = encode_reply(OPENAI, answer.clone(), &google, &mut Report::default());
    assert_eq!(again["choices"][0]["message"]["tool_calls"][0], signed_call());

    let mut piece = signed_call();
    piece["index"] = json!(0);
    let stream = [
        chunk(json!({"tool_calls": [piece]}), json!(null), json!(null)),
        chunk(json!({}), json!("tool_calls"), json!(null)),
    ];
    let events = events(OPENAI, [stream.concat().as_bytes()]).unwrap();
    assert_eq!(Answer::collect(events.clone()).parts, answer.parts);
    let written = streamed(OPENAI, Format::GeminiGenerateContent, events);
    assert_eq!(Answer::collect(recorded::events(OPENAI, [&written[..]]).unwrap()).parts, answer.parts);
    let text = String::from_utf8(written.to_vec()).unwrap();
    let signed = text.lines().find(|line| line.contains("thought_signature")).unwrap();
    assert!(signed.contains(r#""function":{"#), "SDKs read a function in every piece of a call: {signed}");
}

#[test]
fn signed_thinking_says_whose_it_is_save_claudes() {
    let thinking = crate::model::Part::new(PartKind::Thinking { text: "t".into(), signature: Some("s".into()) });
    let mut answer = answered(OPENAI, json!({"id": "i", "choices": []})).unwrap();
    answer.parts = vec![thinking];
    let signature = |origin| {
        let reply = encode_reply(OPENAI, answer.clone(), &context(origin), &mut Report::default());
        reply["choices"][0]["message"]["thinking_blocks"][0]["signature"].clone()
    };
    assert_eq!(signature(ANTHROPIC), "s");
    assert_eq!(signature(Format::BedrockConverse), "s");
    assert_eq!(signature(Format::OpenAIResponses), "pillion:OpenAIResponses:s");
}

#[test]
fn what_is_said_aloud_is_text_where_no_sound_goes() {
    let audio = json!({"id": "a", "data": "AA==", "expires_at": 1, "transcript": "spoken"});
    let message = json!({"role": "assistant", "content": null, "audio": audio});
    let reply = json!({"id": "i", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]});
    let mut report = Report::default();
    let answer = decode_reply(reply, &Names::default(), &mut report).unwrap();
    assert_eq!(answer.parts, [crate::model::Part::text("spoken")]);
    assert_eq!(report.dropped, ["choices[].message.audio"]);
}

#[test]
fn several_answers_and_old_functions_go_to_no_other_format() {
    let say = json!([{"role": "user", "content": "x"}]);
    for target in [ANTHROPIC, Format::CohereChat] {
        let refused = |more: Value| {
            let mut body = json!({"model": "m", "messages": say});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            refused(OPENAI, target, &body).param.unwrap()
        };
        assert_eq!(refused(json!({"n": 2})), "n");
        assert_eq!(refused(json!({"extra_body": {"n": 2}})), "n");
        assert_eq!(refused(json!({"functions": [{"name": "f"}]})), "functions");
        assert_eq!(refused(json!({"function_call": "auto"})), "function_call");
        let called = json!([{"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}}]);
        assert_eq!(refused(json!({"messages": called})), "messages[0].function_call");
        let result = json!([{"role": "function", "name": "f", "content": "x"}]);
        assert_eq!(refused(json!({"messages": result})), "messages[0].role");
    }
    survives(&json!({"model": "m", "messages": say, "n": 2, "functions": [{"name": "f"}], "extra_body": {"n": 3}}));
}

#[track_caller]
fn from_anthropic(model: &str, more: Value, openai: Value, reported: &[&str]) {
    let mut body = json!({"max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let (mut body, report) = translated(ANTHROPIC, OPENAI, model, &body);
    for key in ["model", "messages", "max_completion_tokens"] {
        body.as_object_mut().unwrap().shift_remove(key);
    }
    assert_eq!(body, openai);
    assert_eq!([report.dropped, report.approximated].concat(), reported);
}

#[test]
fn settings_and_vendor_members_reach_openai() {
    from_anthropic("gpt-4o", json!({"temperature": 0, "top_p": 0.5}), json!({"temperature": 0, "top_p": 0.5}), &[]);
    from_anthropic(
        "gpt-4o",
        json!({"top_k": 3, "service_tier": "standard_only"}),
        json!({"service_tier": "default"}),
        &["top_k"],
    );
    from_anthropic(
        "gpt-4o",
        json!({"verbosity": "low", "store": true}),
        json!({"verbosity": "low", "store": true}),
        &[],
    );
    from_anthropic(
        "gpt-4o",
        json!({"extra_body": {"seed": 1, "logit_bias": {"1": 1}}}),
        json!({"seed": 1, "logit_bias": {"1": 1}}),
        &[],
    );
    from_anthropic(
        "gpt-4o",
        json!({"container": "c", "mcp_servers": [{"name": "x"}]}),
        json!({}),
        &["container", "mcp_servers"],
    );
    from_anthropic(
        "o3",
        json!({"temperature": 0.5, "thinking": {"type": "enabled", "budget_tokens": 5000}}),
        json!({"reasoning_effort": "medium"}),
        &["temperature", "thinking.budget_tokens"],
    );
    from_anthropic("gpt-5", json!({"thinking": {"type": "disabled"}}), json!({}), &["thinking"]);
    from_anthropic("gpt-5.2", json!({"thinking": {"type": "disabled"}}), json!({}), &[]);
    from_anthropic("gpt-4o", json!({"thinking": {"type": "disabled"}}), json!({}), &[]);
}

#[test]
fn models_that_think_are_bounded_by_the_newer_name_wherever_they_are_served() {
    let rules = crate::formats::ServerRules { max_tokens: "max_tokens", ..RULES };
    for (model, name) in
        [("gpt-4o", "max_tokens"), ("o4-mini", "max_completion_tokens"), ("openai/gpt-5", "max_completion_tokens")]
    {
        let mut request = decoded(ANTHROPIC, &json!({"max_tokens": 5, "messages": []}));
        request.model = Some(model.to_owned());
        let body = encode_request(OPENAI, request, rules, &mut Names::default(), &mut Report::default()).unwrap().body;
        assert_eq!(body[name], 5, "{body}");
    }
}

#[test]
fn an_effort_within_an_object_counts_and_stays() {
    let body = json!({"model": "m", "messages": [], "reasoning_effort": {"effort": "low", "summary": "auto"}});
    assert_eq!(decoded(OPENAI, &body).settings.reasoning.effort.as_deref(), Some("low"));
    survives(&body);
    let body = json!({"messages": [{"role": "user", "content": "x"}], "reasoning_effort": {"effort": "low"}});
    let (_, report) = translated(OPENAI, ANTHROPIC, "claude-opus-4-6", &body);
    assert_eq!(report, Report::default());
}

#[test]
fn an_azure_streams_first_chunk_has_no_choice_and_breaks_nothing() {
    let filter = json!({"id": "", "model": "", "choices": [], "prompt_filter_results": [{"prompt_index": 0}]});
    let stream = [
        format!("data: {filter}\n\n"),
        chunk(json!({"role": "assistant", "content": ""}), json!(null), json!(null)),
        chunk(json!({"content": "hi"}), json!(null), json!(null)),
        chunk(json!({}), json!("content_filter"), json!(null)),
        "data: [DONE]\n\n".to_owned(),
    ]
    .concat();
    let told = events(OPENAI, [stream.as_bytes()]).unwrap();
    grammatical(&told, "azure");
    assert_eq!(told[0], Event::Start { id: "i".into(), model: "m".into(), created: None, usage: None });
    assert_eq!(Answer::collect(told).finish.kind, FinishKind::Refusal);
    let mut noted = crate::formats::seen::Noted::default();
    let first = stream.split_inclusive("\n\n").next().unwrap().to_owned();
    let seen = observe(&first.into(), &mut noted);
    assert_eq!(seen, crate::formats::seen::Seen::Keep, "a chunk without usage is no usage chunk");
    assert!(!noted.has_delta && noted.error.is_none());
}

#[test]
fn requests_with_something_wrong_in_them_break_nothing() {
    recorded::mutated_requests_survive(OPENAI, &cases(GROUPS));
}

#[test]
fn azures_filter_of_a_prompt_is_an_error_with_its_code() {
    let inner = json!({"code": "ResponsibleAIPolicyViolation", "content_filter_result": {"hate": {"filtered": true}}});
    let body = json!({"error": {"message": "filtered", "type": null, "param": "prompt", "code": "content_filter",
        "status": 400, "innererror": inner}});
    let error = read_error(&body, 400).unwrap();
    assert_eq!((error.kind, error.status), (crate::ErrorKind::InvalidRequest, 400));
    assert_eq!((error.code.as_deref(), error.param.as_deref()), (Some("content_filter"), Some("prompt")));
    let denied = json!({"statusCode": 401, "message": "Access denied"});
    assert_eq!(read_error(&denied, 401).unwrap().message, "Access denied");
}
