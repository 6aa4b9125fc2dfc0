//! Conversations from and to OpenAI Chat and Anthropic Messages: roles, tools, pictures, documents, thinking.

use super::*;
use crate::formats::tests::recorded::{answered, context, decoded, translated};
use crate::formats::{encode_reply, encode_request};
use crate::model::{Names, PartKind, Report};
use serde_json::{Value, json};

fn sent(from: Format, messages: Value) -> (Value, Report) {
    let mut body = json!({"messages": messages});
    if from == ANTHROPIC {
        body["max_tokens"] = json!(9);
    }
    translated(from, COHERE, "m", &body)
}

#[track_caller]
fn check(from: Format, messages: Value, cohere: Value, reported: &[&str]) {
    let (body, report) = sent(from, messages);
    assert_eq!(body["messages"], cohere);
    assert_eq!([report.dropped, report.approximated].concat(), reported);
}

#[test]
fn a_conversation_with_tools_goes_from_openai_to_cohere_and_back() {
    let openai = json!([
        {"role": "system", "content": "s1"},
        {"role": "developer", "content": [{"type": "text", "text": "s2"}]},
        {"role": "user", "content": [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "low"}}]},
        {"role": "assistant", "content": null, "tool_calls": [
            {"id": "a:1", "type": "function", "function": {"name": "f", "arguments": "{\"x\":1}"}},
            {"id": "b", "type": "function", "function": {"name": "srv.g", "arguments": ""}}
        ]},
        {"role": "tool", "tool_call_id": "a:1", "content": "one"},
        {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "two"}, {"type": "text", "text": "three"}]},
        {"role": "assistant", "content": "done"},
        {"role": "user", "content": "thanks"}
    ]);
    let (body, report) = sent(OPENAI, openai);
    let messages = &body["messages"];
    assert_eq!(messages[0], json!({"role": "system", "content": "s1"}));
    assert_eq!(messages[1], json!({"role": "system", "content": [{"type": "text", "text": "s2"}]}));
    assert_eq!(
        messages[2]["content"][1],
        json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "low"}})
    );
    let calls = &messages[3]["tool_calls"];
    assert!(messages[3].get("content").is_none());
    assert_eq!(calls[1]["function"]["arguments"], "{}");
    assert_eq!(messages[4]["tool_call_id"], calls[0]["id"], "equal ids give equal ids");
    assert_ne!(calls[0]["id"], "a:1");
    assert_ne!(calls[1]["function"]["name"], "srv.g");
    assert_eq!(messages[5]["content"], json!([{"type": "text", "text": "two"}, {"type": "text", "text": "three"}]));
    assert_eq!(messages[6], json!({"role": "assistant", "content": "done"}));
    assert_eq!(report.dropped, [""; 0]);

    let (again, _) = translated(COHERE, OPENAI, "m", &body);
    assert_eq!(again["messages"][3]["tool_calls"], *calls);
    assert_eq!(again["messages"][4], json!({"role": "tool", "tool_call_id": calls[0]["id"], "content": "one"}));
    let (claude, _) = translated(COHERE, ANTHROPIC, "m", &body);
    assert_eq!(claude["messages"][1]["content"][0]["type"], "tool_use");
    let results = claude["messages"][2]["content"].as_array().unwrap();
    assert_eq!(results.len(), 2, "parallel results are one turn");
}

#[test]
fn results_in_a_users_turn_become_messages_of_tools() {
    check(
        ANTHROPIC,
        json!([
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": [{"type": "text", "text": "let me"}, {"type": "tool_use", "id": "t1", "name": "f", "input": {"x": 1}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "t1", "is_error": true, "content": "no such file"},
                {"type": "text", "text": "go on"}
            ]}
        ]),
        json!([
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": "let me", "tool_calls": [
                {"id": "t1", "type": "function", "function": {"name": "f", "arguments": "{\"x\":1}"}}
            ]},
            {"role": "tool", "tool_call_id": "t1", "content": "Error: no such file"},
            {"role": "user", "content": [{"type": "text", "text": "go on"}]}
        ]),
        &["messages[].content[].is_error"],
    );
}

#[test]
fn pictures_of_a_result_follow_it_and_a_result_without_a_call_is_text() {
    let image = json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}});
    let (body, report) = sent(
        ANTHROPIC,
        json!([
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "f", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": [image]}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "gone", "content": "old"}]}
        ]),
    );
    assert_eq!(body["messages"][1], json!({"role": "tool", "tool_call_id": "t1", "content": "{}"}));
    assert_eq!(body["messages"][2]["content"][0]["image_url"]["url"], "data:image/png;base64,AA==");
    assert_eq!(body["messages"][3]["role"], "user");
    assert!(body["messages"][3].to_string().contains("old"));
    assert_eq!(report.approximated, ["messages[].content[].tool_result.content", "messages[].tool_call_id"]);
}

#[test]
fn documents_of_text_stand_beside_the_messages() {
    let document = json!({"type": "document", "title": "T", "source": {"type": "text", "media_type": "text/plain", "data": "long"}});
    let messages = json!([{"role": "user", "content": [document, {"type": "text", "text": "sum up"}]}]);
    let (body, report) = sent(ANTHROPIC, messages.clone());
    assert_eq!(body["documents"], json!([{"id": "doc:0", "data": {"title": "T", "text": "long"}}]));
    assert_eq!(body["messages"], json!([{"role": "user", "content": [{"type": "text", "text": "sum up"}]}]));
    assert_eq!(report.approximated, ["messages[].content[].document"]);
    // Beside a shape of the answer the API takes no documents.
    let format = json!({"type": "json_schema", "schema": {"type": "object"}});
    let body = json!({"max_tokens": 9, "messages": messages, "output_config": {"format": format}});
    let (body, _) = translated(ANTHROPIC, COHERE, "m", &body);
    assert!(body.get("documents").is_none());
    assert_eq!(body["messages"][0]["content"][0]["text"], "T\n\nlong");
}

#[test]
fn documents_beside_the_messages_reach_other_formats() {
    let body = json!({
        "messages": [{"role": "user", "content": "who?"}],
        "documents": ["plain", {"id": "d1", "data": {"title": "T", "text": "long"}}, {"data": {"k": "v"}}]
    });
    let (claude, _) = translated(COHERE, ANTHROPIC, "m", &body);
    let blocks = claude["messages"][0]["content"].as_array().unwrap();
    assert_eq!(blocks[0]["source"]["data"], "plain");
    assert_eq!((&blocks[1]["title"], &blocks[1]["source"]["data"]), (&json!("T"), &json!("long")));
    assert_eq!(blocks[2]["source"]["data"], "{\"k\":\"v\"}");
    assert_eq!(blocks[3], json!({"type": "text", "text": "who?"}));
    let (openai, _) = translated(COHERE, OPENAI, "m", &body);
    assert!(openai.to_string().contains("T\\n\\nlong"));
}

#[track_caller]
fn survives(body: Value) {
    let mut report = Report::default();
    let rules = recorded::RULES;
    let again = encode_request(COHERE, decoded(COHERE, &body), rules, &mut Names::default(), &mut report).unwrap();
    assert_eq!(again.body, body);
    assert_eq!(report, Report::default());
}

#[test]
fn own_requests_of_any_shape_come_out_as_they_went_in() {
    survives(json!({"model": "m", "messages": [], "tool_choice": "SOME", "stop_sequences": [1], "stream": null}));
    survives(
        json!({"model": "m", "messages": [{"role": "user", "content": "x"}], "documents": ["a", {"data": {}}, {"id": "i", "data": {"text": "{\"a\":1}"}}]}),
    );
    survives(json!({"model": "m", "messages": [{"role": "system", "content": "x"}], "documents": ["a"]}));
    survives(
        json!({"model": "m", "messages": [{"role": "user", "content": [{"type": "new", "a": 1}, {"type": "text"}, {"type": "image_url", "image_url": "u"}]}]}),
    );
    survives(json!({"model": "m", "messages": [{"role": "oracle", "content": null, "x": 1}]}));
    survives(json!({"model": "m", "messages": [
        {"role": "assistant", "tool_plan": "", "tool_calls": [], "citations": []},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "abc def"}], "citations": [
            {"start": 0, "end": 3, "text": "abc", "type": "TEXT_CONTENT", "content_index": 1, "sources": [
                {"type": "document", "id": "1", "document": {"title": "t"}}, {"type": "tool", "id": "2", "tool_output": {"a": 1}}
            ]},
            {"start": 4, "end": 7, "text": "def", "sources": []},
        ]},
        {"role": "assistant", "tool_plan": "p", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}],
         "citations": [{"type": "PLAN", "start": 0, "end": 1, "text": "p", "sources": [{"type": "document", "id": "1"}]}]},
        {"role": "tool", "tool_call_id": "c", "content": [
            {"type": "document", "document": {"id": "i", "data": {"text": "t"}}},
            {"type": "document", "document": {"data": {"a": [1]}, "more": 1}},
            {"type": "document", "document": {"data": "text"}},
            {"type": "text", "text": "t"}
        ]}
    ]}));
    survives(json!({"model": "m", "messages": [
        {"role": "assistant", "content": "ab", "citations": [{"content_index": 3, "type": "THINKING_CONTENT"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
         "citations": [{"content_index": 1}, {"content_index": 0}]}
    ]}));
}

#[test]
fn a_plan_before_calls_is_thinking_elsewhere_and_a_plan_again() {
    let reply = json!({
        "id": "i", "finish_reason": "TOOL_CALL",
        "message": {"role": "assistant", "tool_plan": "I will look.", "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "f", "arguments": "null"}}
        ]}
    });
    let answer = answered(COHERE, reply).unwrap();
    let openai = encode_reply(OPENAI, answer.clone(), &context(COHERE), &mut Report::default());
    let message = &openai["choices"][0]["message"];
    assert_eq!(message["reasoning_content"], "I will look.");
    assert_eq!(message["tool_calls"][0]["function"]["arguments"], "{}");
    assert_eq!(openai["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!(openai["model"], "asked", "Cohere does not name the model that answered");
    let result = json!({"role": "tool", "tool_call_id": "c", "content": "r"});
    let (body, report) = sent(OPENAI, json!([{"role": "user", "content": "q"}, message, result]));
    assert_eq!(body["messages"][1]["tool_plan"], "I will look.");
    assert_eq!(report, Report::default());

    let claude = encode_reply(ANTHROPIC, answer, &context(COHERE), &mut Report::default());
    assert_eq!(claude["content"][0]["signature"], "pillion:CohereChat:");
    let turn = json!({"role": "assistant", "content": claude["content"]});
    let (body, _) = sent(ANTHROPIC, json!([{"role": "user", "content": "q"}, turn]));
    assert_eq!(body["messages"][1]["tool_plan"], "I will look.");
}

#[test]
fn signatures_travel_through_clients_of_cohere_beside_calls_only() {
    let thinking = json!({"type": "thinking", "thinking": "hm", "signature": "c2ln"});
    let call = json!({"type": "tool_use", "id": "t", "name": "f", "input": {}});
    let reply = |content: Value, reason: &str| {
        let reply = json!({"id": "i", "type": "message", "role": "assistant", "model": "c", "content": content, "stop_reason": reason, "usage": {"input_tokens": 1, "output_tokens": 1}});
        encode_reply(COHERE, answered(ANTHROPIC, reply).unwrap(), &context(ANTHROPIC), &mut Report::default())
    };
    let text = reply(json!([thinking, {"type": "text", "text": "hi"}]), "end_turn");
    assert_eq!(
        text["message"]["content"],
        json!([{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "hi"}])
    );
    let called = reply(json!([thinking, call]), "tool_use");
    let content = called["message"]["content"].as_array().unwrap();
    assert_eq!(content[1]["thinking"], "pillion:AnthropicMessages:c2ln");
    let turn = called["message"].clone();
    let result = json!({"role": "tool", "tool_call_id": "t", "content": "r"});
    let body = json!({"messages": [{"role": "user", "content": "q"}, turn, result]});
    let (claude, _) = translated(COHERE, ANTHROPIC, "claude-sonnet-4-5", &body);
    assert_eq!(claude["messages"][1]["content"][0], thinking);
    // To Cohere itself it goes without.
    let rules = recorded::RULES;
    let own = encode_request(COHERE, decoded(COHERE, &body), rules, &mut Names::default(), &mut Report::default());
    assert!(!own.unwrap().body.to_string().contains("pillion:"));
}

#[test]
fn gemini_signatures_over_calls_come_back_as_thinking_of_their_own() {
    let turn = json!({
        "role": "assistant",
        "content": [{"type": "thinking", "thinking": "pillion:GeminiGenerateContent:abc"}],
        "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    });
    let request = decoded(COHERE, &json!({"messages": [turn]}));
    let parts = &request.messages[0].content.parts;
    let expected =
        PartKind::Thinking { text: String::new(), signature: Some("pillion:GeminiGenerateContent:abc".into()) };
    assert_eq!(parts[0].kind, expected);
    assert!(matches!(parts[1].kind, PartKind::ToolCall { .. }));
}

#[test]
fn what_the_model_said_in_several_messages_is_one() {
    // As Google's SDK keeps a streamed turn: a content a chunk, the last one empty but for its signature.
    let gemini = json!({"contents": [
        {"role": "user", "parts": [{"text": "q"}]},
        {"role": "model", "parts": [{"text": "let "}]},
        {"role": "model", "parts": [{"text": "me"}]},
        {"role": "model", "parts": [{"functionCall": {"id": "c1", "name": "f", "args": {"x": 1}}}]},
        {"role": "model", "parts": [{"text": "", "thoughtSignature": "c2ln"}]},
        {"role": "user", "parts": [{"functionResponse": {"id": "c1", "name": "f", "response": {"result": "r"}}}]}
    ]});
    let (body, report) = translated(Format::GeminiGenerateContent, COHERE, "m", &gemini);
    let said = &body["messages"][1];
    assert_eq!(said["content"], json!([{"type": "text", "text": "let "}, {"type": "text", "text": "me"}]));
    assert_eq!(said["tool_calls"].as_array().unwrap().len(), 1);
    assert_eq!(body["messages"][2]["role"], "tool");
    assert_eq!(body["messages"].as_array().unwrap().len(), 3);
    assert_eq!(report.dropped, ["thought_signature"]);
}

#[test]
fn nothing_stands_between_calls_and_their_results() {
    let call = |id: &str| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let image = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}});
    let result = |id: &str, content: &Value| json!({"role": "tool", "tool_call_id": id, "content": content});
    let (called, done) = (
        json!({"role": "assistant", "tool_calls": [call("c1"), call("c2")]}),
        json!({"role": "assistant", "content": "done"}),
    );
    check(
        OPENAI,
        json!([
            {"role": "user", "content": "q"},
            called,
            {"role": "developer", "content": "be quick"},
            result("c1", &json!([{"type": "text", "text": "one"}, image])),
            {"role": "user", "content": "wait"},
            {"role": "assistant", "content": ""},
            result("c2", &json!("two")),
            done,
            {"role": "user", "content": "thanks"}
        ]),
        json!([
            {"role": "user", "content": "q"},
            called,
            result("c1", &json!([{"type": "text", "text": "one"}])),
            result("c2", &json!("two")),
            {"role": "system", "content": "be quick"},
            {"role": "user", "content": [image]},
            {"role": "user", "content": "wait"},
            done,
            {"role": "user", "content": "thanks"}
        ]),
        &["messages[].content[].tool_result.content"],
    );
}

#[test]
fn of_a_result_that_is_not_understood_nothing_follows() {
    check(
        ANTHROPIC,
        json!([
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "f", "input": {}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "tool_reference", "tool_name": "g"}]},
                {"type": "container_upload", "file_id": "f"}
            ]}
        ]),
        json!([
            {"role": "user", "content": "hi"},
            {"role": "assistant", "tool_calls": [
                {"id": "t1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
            ]},
            {"role": "tool", "tool_call_id": "t1", "content": "{}"}
        ]),
        &["messages[].content[].tool_reference", "messages[].content[].container_upload"],
    );
}

#[test]
fn the_bare_url_of_an_image_is_one_and_a_message_of_which_nothing_is_left_is_refused() {
    let bare = json!({"type": "image_url", "image_url": "https://x.y/a.png"});
    check(
        OPENAI,
        json!([{"role": "user", "content": [{"type": "text", "text": "look"}, bare, {"type": "tomorrow", "x": 1}]}]),
        json!([{"role": "user", "content": [
            {"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": "https://x.y/a.png"}}
        ]}]),
        &["messages[].content[].tomorrow"],
    );
    let request = decoded(OPENAI, &json!({"messages": [{"role": "user", "content": [{"type": "tomorrow", "x": 1}]}]}));
    let (mut names, mut report) = (Names::default(), Report::default());
    let error = encode_request(COHERE, request, recorded::RULES, &mut names, &mut report).unwrap_err();
    assert_eq!(error.param.as_deref(), Some("messages[].content[].type"));
    assert_eq!(error.message, "content of type 'tomorrow' is not possible with a Cohere provider");
}

#[test]
fn a_document_that_stands_alone_stays_in_its_message() {
    let document =
        json!({"type": "document", "title": "T", "source": {"type": "text", "media_type": "text/plain", "data": "d"}});
    let (body, report) = sent(ANTHROPIC, json!([{"role": "user", "content": [document]}]));
    assert_eq!(body["messages"], json!([{"role": "user", "content": [{"type": "text", "text": "T\n\nd"}]}]));
    assert!(body.get("documents").is_none());
    assert_eq!(report.approximated, ["messages[].content[].document"]);
}

#[test]
fn roles_of_the_older_api_are_known_and_those_of_tomorrow_told() {
    let older = json!({"messages": [
        {"role": "System", "content": "s"}, {"role": "User", "content": "q"}, {"role": "Chatbot", "content": "a"},
        {"role": "USER", "content": "r"}
    ]});
    let (body, report) = translated(COHERE, OPENAI, "m", &older);
    let roles: Vec<&Value> = body["messages"].as_array().unwrap().iter().map(|message| &message["role"]).collect();
    assert_eq!(roles, ["system", "user", "assistant", "user"]);
    assert_eq!(report, Report::default());
    let mut own = older;
    own["model"] = json!("m");
    survives(own);
    check(
        OPENAI,
        json!([{"role": "oracle", "content": "x"}]),
        json!([{"role": "user", "content": "x"}]),
        &["messages[].role"],
    );
}

#[test]
fn citations_of_the_plan_are_told_as_lost() {
    let citation = |kind: &str| json!({"type": kind, "start": 0, "end": 1, "text": "I", "sources": [{"type": "document", "id": "1"}]});
    let reply = |kind: &str| {
        json!({
            "id": "i", "finish_reason": "TOOL_CALL",
            "message": {"role": "assistant", "tool_plan": "I will.", "content": [{"type": "text", "text": "I"}], "citations": [citation(kind)]}
        })
    };
    let told = |kind: &str| {
        let mut report = Report::default();
        let answer =
            crate::formats::decode_reply(COHERE, reply(kind), &crate::formats::Restore::default(), &mut report);
        (answer.unwrap().parts.iter().map(|part| part.citations.len()).collect::<Vec<_>>(), report.dropped)
    };
    assert_eq!(told("PLAN"), (vec![0, 0], vec!["message.citations".to_owned()]));
    assert_eq!(told("TEXT_CONTENT"), (vec![1, 0], vec![]));
}

#[test]
fn thinking_and_a_plan_go_back_each_to_its_place() {
    let reply = json!({
        "id": "i", "finish_reason": "TOOL_CALL",
        "message": {"role": "assistant", "content": [{"type": "thinking", "thinking": "Think one"}],
            "tool_plan": "Let me look.",
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}
    });
    let turn = reply["message"].clone();
    let claude = encode_reply(ANTHROPIC, answered(COHERE, reply).unwrap(), &context(COHERE), &mut Report::default());
    let said = json!({"role": "assistant", "content": claude["content"]});
    check(
        ANTHROPIC,
        json!([{"role": "user", "content": "q"}, said]),
        json!([{"role": "user", "content": "q"}, turn]),
        &[],
    );
    // What was thought before an answer without calls was no plan.
    let thought = json!({"type": "thinking", "thinking": "hm", "signature": "pillion:CohereChat:"});
    let said = json!({"role": "assistant", "content": [thought, {"type": "text", "text": "a"}]});
    let back = json!([{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "a"}]);
    check(ANTHROPIC, json!([said]), json!([{"role": "assistant", "content": back}]), &[]);
}

#[test]
fn a_call_without_arguments_has_an_empty_object() {
    let bare = json!({"id": "c", "type": "function", "function": {"name": "f", "arguments": "null"}});
    let empty = json!({"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let sent = json!([{"role": "assistant", "tool_calls": [empty]}]);
    let told = &["messages[].tool_calls[].function.arguments"];
    check(OPENAI, json!([{"role": "assistant", "tool_calls": [bare]}]), sent.clone(), told);
    let call = json!({"type": "tool_use", "id": "c", "name": "f"});
    check(ANTHROPIC, json!([{"role": "assistant", "content": [call]}]), sent.clone(), told);
    let call = json!({"type": "tool_use", "id": "c", "name": "f", "input": {}});
    check(ANTHROPIC, json!([{"role": "assistant", "content": [call]}]), sent, &[]);
}

#[test]
fn images_that_nobody_can_fetch_are_refused() {
    for url in ["ftp://x.y/a.png", "gs://b/a.png", "AAAA", "data:image/png,AAAA"] {
        let image = json!({"type": "image_url", "image_url": {"url": url}});
        let request = decoded(OPENAI, &json!({"messages": [{"role": "user", "content": [image]}]}));
        let (mut names, mut report) = (Names::default(), Report::default());
        let error = encode_request(COHERE, request, recorded::RULES, &mut names, &mut report).unwrap_err();
        assert_eq!(error.param.as_deref(), Some("messages[].content[].image_url.url"), "{url}");
        assert_eq!(error.message, "'image_url.url' must be an http(s) URL or a base64 data URL", "{url}");
        // A request of the API's own goes as it is.
        let own = json!({"messages": [{"role": "user", "content": [image]}]});
        assert_eq!(translated(COHERE, COHERE, "m", &own).0["messages"], own["messages"], "{url}");
    }
}
