//! Conversations that go to another format and back.

use super::*;
use serde_json::json;

/// A Converse conversation with what most formats have.
fn conversation() -> Value {
    json!({
        "system": [{"text": "be brief"}, {"cachePoint": {"type": "default"}}],
        "messages": [
            {"role": "user", "content": [
                {"text": "what is this?"},
                {"image": {"format": "png", "source": {"bytes": "QUJD"}}},
                {"document": {"format": "pdf", "name": "plan", "source": {"bytes": "QUJD"}}},
            ]},
            {"role": "assistant", "content": [
                {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "sig"}}},
                {"text": "let me see"},
                {"toolUse": {"toolUseId": "t1", "name": "look", "input": {"x": 1}}},
                {"toolUse": {"toolUseId": "t2", "name": "look", "input": {}}},
            ]},
            {"role": "user", "content": [
                {"toolResult": {"toolUseId": "t1", "content": [{"text": "a cat"}]}},
                {"toolResult": {"toolUseId": "t2", "content": [{"text": "boom"}], "status": "error"}},
                {"text": "go on"},
            ]},
        ],
        "toolConfig": {
            "tools": [
                {"toolSpec": {"name": "look", "description": "looks", "inputSchema": {"json":
                    {"type": "object", "properties": {"x": {"type": "integer"}}}}}},
                {"cachePoint": {"type": "default"}},
            ],
            "toolChoice": {"any": {}},
        },
        "inferenceConfig": {"maxTokens": 100, "temperature": 0.5, "topP": 0.25, "stopSequences": ["END"]},
        "additionalModelRequestFields": {"top_k": 7},
    })
}

#[test]
fn a_conversation_survives_anthropic_and_back() {
    // A model that takes both samplers.
    const MODEL: &str = "us.anthropic.claude-3-7-sonnet-20250219-v1:0";
    let (anthropic, report) = from_bedrock(ANTHROPIC, MODEL, conversation()).unwrap();
    assert_eq!((report.approximated, report.dropped), (vec![], vec![]), "{anthropic:#}");
    let (encoded, report, _) = to_bedrock(ANTHROPIC, MODEL, anthropic).unwrap();
    assert_eq!((report.approximated, report.dropped), (vec![], vec![]));
    assert_eq!(encoded.body, conversation());
}

#[test]
fn a_conversation_survives_openai_and_back_as_far_as_it_has_words() {
    let (openai, report) = from_bedrock(OPENAI, "gpt-4o", conversation()).unwrap();
    assert_eq!(report.dropped, ["cache_control", "messages[].content[].reasoningContent", "top_k"]);
    let (encoded, report, _) = to_bedrock(OPENAI, "us.anthropic.claude-3-7-sonnet-20250219-v1:0", openai).unwrap();
    assert_eq!((report.approximated, report.dropped), (vec![], vec![]));
    let mut expected = conversation();
    expected["system"] = json!([{"text": "be brief"}]);
    expected["toolConfig"]["tools"].as_array_mut().unwrap().pop();
    expected["messages"][1]["content"].as_array_mut().unwrap().remove(0);
    // Its tool messages have no place for a failure.
    expected["messages"][2]["content"][1] =
        json!({"toolResult": {"toolUseId": "t2", "content": [{"text": "Error: boom"}]}});
    expected.as_object_mut().unwrap().shift_remove("additionalModelRequestFields");
    assert_eq!(encoded.body, expected);
}

#[test]
fn a_conversation_of_openais_survives_converse_and_back() {
    let sent = json!({
        "model": "m",
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": [
                {"type": "text", "text": "what is this?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}},
            ]},
            {"role": "assistant", "content": "hm", "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{\"x\":1}"}},
            ]},
            {"role": "tool", "tool_call_id": "c1", "content": "a cat"},
            {"role": "user", "content": "go on"},
        ],
        "tools": [{"type": "function", "function": {"name": "look", "description": "looks",
                   "parameters": {"type": "object", "properties": {}}}}],
        "tool_choice": {"type": "function", "function": {"name": "look"}},
        "max_tokens": 100, "temperature": 0.5, "stop": ["END"],
    });
    let (encoded, report, _) = to_bedrock(OPENAI, "us.amazon.nova-pro-v1:0", sent.clone()).unwrap();
    assert_eq!((report.approximated, report.dropped), (vec![], vec![]));
    let (back, report) = from_bedrock(OPENAI, "m", encoded.body).unwrap();
    assert_eq!((report.approximated, report.dropped), (vec![], vec![]));
    let mut expected = sent;
    // Content of one text is a list in Converse, and stays one.
    for at in [0, 4] {
        let text = expected["messages"][at]["content"].take();
        expected["messages"][at]["content"] = json!([{"type": "text", "text": text}]);
    }
    assert_eq!(back, expected);
}

#[test]
fn odd_requests_come_out_as_they_went_in() {
    for body in odd() {
        let request = formats::decode_request(BEDROCK, object(body.clone())).unwrap();
        let mut report = Report::default();
        let encoded = formats::encode_request(BEDROCK, request, RULES, &mut Names::default(), &mut report).unwrap();
        assert_eq!(encoded.body, body);
        assert!(report.dropped.is_empty(), "{report:?}");
    }
}

#[test]
fn thinking_of_other_vendors_leaves_an_own_request() {
    let thought =
        |signature: &str| json!({"reasoningContent": {"reasoningText": {"text": "t", "signature": signature}}});
    let body = json!({"messages": [{"role": "assistant", "content": [
        thought("pillion:GeminiGenerateContent:x"), thought("pillion:AnthropicMessages:sig"), thought("bare"), {"text": "a"},
    ]}]});
    let request = formats::decode_request(BEDROCK, object(body)).unwrap();
    let mut report = Report::default();
    let encoded = formats::encode_request(BEDROCK, request, RULES, &mut Names::default(), &mut report).unwrap();
    assert_eq!(encoded.body["messages"][0]["content"], json!([thought("sig"), thought("bare"), {"text": "a"}]));
    assert_eq!(report.dropped, ["messages[].content[].reasoningContent"]);
}

#[test]
fn what_is_not_of_the_format_is_refused_by_name() {
    for (body, param) in [
        (json!({}), "messages"),
        (json!({"messages": {}}), "messages"),
        (json!({"messages": [1]}), "messages[0]"),
        (json!({"messages": [{"content": []}]}), "messages[0].role"),
        (json!({"messages": [{"role": "user", "content": "bare"}]}), "messages[0].content"),
        (json!({"messages": [{"role": "user", "content": [1]}]}), "messages[0].content[0]"),
        (json!({"messages": [], "system": "bare"}), "system"),
        (json!({"messages": [], "toolConfig": {"tools": {}}}), "toolConfig.tools"),
        (json!({"messages": [], "toolConfig": {"tools": [{"toolSpec": {}}]}}), "toolConfig.tools[0].toolSpec.name"),
    ] {
        let error = formats::decode_request(BEDROCK, object(body)).unwrap_err();
        assert_eq!(error.param.as_deref(), Some(param));
    }
}

/// Requests that few clients send.
fn odd() -> Vec<Value> {
    vec![
        json!({"messages": []}),
        json!({"messages": [{"role": "user", "content": []}], "system": [], "inferenceConfig": {}, "toolConfig": {}}),
        json!({"messages": [{"role": "tomorrow", "content": null, "x": 1}, {"role": "system", "content": [{"text": ""}]}]}),
        json!({"messages": [{"role": "user", "content": [
            {"cachePoint": {"type": "default"}},
            {"text": "a"}, {"cachePoint": {"type": "default", "ttl": "1h"}}, {"cachePoint": {"type": "default"}},
            {"text": "b"}, {"cachePoint": {"type": "other"}}, {"text": "c", "more": 1}, {"text": 5}, {}, {"tomorrow": {}},
        ]}]}),
        json!({"messages": [{"role": "user", "content": [
            {"image": {"format": "tiff", "source": {"bytes": "QQ=="}, "error": {"message": "m"}}},
            {"image": {"format": "jpg", "source": {"bytes": "QQ=="}}},
            {"image": {"format": "png", "source": {"s3Location": {"uri": "s3://b/k", "bucketOwner": "1"}}}},
            {"image": {"source": {"bytes": "QQ=="}}}, {"image": {"format": "png"}}, {"image": {"format": "png", "source": 1}},
            {"video": {"format": "three_gp", "source": {"bytes": "QQ=="}}},
            {"audio": {"format": "x-aac", "source": {"bytes": "QQ=="}}},
            {"document": {"name": "n", "source": {"text": "t"}}},
            {"document": {"format": "txt", "name": "n", "source": {"text": "t"}, "context": "c", "citations": {"enabled": true}}},
            {"document": {"format": "md", "name": "n", "source": {"text": "t"}}},
            {"document": {"format": "txt", "name": "n", "source": {"content": [{"text": "a"}, {"text": "b"}]}}},
            {"document": {"name": "n", "source": {"content": [{"text": "a"}]}}},
            {"document": {"format": "docx", "name": "n", "source": {"bytes": "QQ==", "text": "t"}}},
            {"searchResult": {"source": "s", "title": "t", "content": [{"text": "a"}], "citations": {"enabled": true}}},
            {"searchResult": {"source": "s", "title": "t", "content": []}},
            {"guardContent": {"text": {"text": "g", "qualifiers": ["query"]}}},
            {"guardContent": {"image": {"format": "png", "source": {"bytes": "QQ=="}}}},
        ]}]}),
        json!({"messages": [{"role": "assistant", "content": [
            {"reasoningContent": {"reasoningText": {"text": "t"}}},
            {"reasoningContent": {"reasoningText": {"text": "t", "signature": "s", "more": 1}}},
            {"reasoningContent": {"reasoningText": {}}}, {"reasoningContent": {}},
            {"reasoningContent": {"redactedContent": "////"}}, {"reasoningContent": {"redactedContent": "no base64"}},
            {"reasoningContent": {"redactedContent": "RXVRQg=="}},
            {"citationsContent": {"content": [{"text": "a"}], "citations": [{"title": "t"}]}},
            {"citationsContent": {"content": [{"text": "a"}, {"text": "b"}], "citations": [{"title": "t"}]}},
            {"citationsContent": {"content": [{"text": "a"}], "citations": []}},
            {"citationsContent": {"content": [{"text": "a"}]}}, {"citationsContent": {"citations": []}},
            {"toolUse": {"toolUseId": "t", "name": "n", "input": [1]}}, {"toolUse": {"toolUseId": "t", "name": "n"}},
            {"toolUse": {"toolUseId": "t", "name": "n", "input": {}, "type": "server_tool_use"}},
            {"toolUse": {"toolUseId": "t", "name": "n", "input": {}, "type": "tool_use"}},
        ]}, {"role": "user", "content": [
            {"toolResult": {"toolUseId": "t", "content": [{"json": {"a": 1.50, "": [0.1]}}, {"json": "x"}, {"text": "y"}], "status": "success"}},
            {"toolResult": {"toolUseId": "t", "content": [], "status": "tomorrow"}},
            {"toolResult": {"toolUseId": "t", "content": [5]}}, {"toolResult": {"toolUseId": "t"}},
            {"toolResult": {"toolUseId": "t", "content": [], "type": "x"}},
        ]}]}),
        json!({"messages": [], "toolConfig": {"tools": [
            {"cachePoint": {"type": "default"}}, {"systemTool": {"name": "s"}},
            {"toolSpec": {"name": "a", "inputSchema": {"json": true}, "more": 1}},
            {"toolSpec": {"name": "b", "description": "", "strict": false, "inputSchema": {"json": {}}}},
            {"cachePoint": {"type": "default", "ttl": "5m"}},
        ], "toolChoice": {"auto": {"x": 1}}, "more": 1}}),
        json!({"messages": [], "toolConfig": {"tools": [], "toolChoice": {"auto": {}}}}),
        json!({"messages": [], "inferenceConfig": {"maxTokens": -1, "temperature": "x", "topK": 1, "stopSequences": [1]}}),
        json!({"messages": [], "additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 1}, "reasoning_config": "high", "top_k": 1, "k": 2}}),
        json!({"messages": [], "additionalModelRequestFields": {"reasoning_config": {"type": "enabled", "budget_tokens": 1}}}),
        json!({"messages": [], "additionalModelRequestFields": {"reasoning_config": "low", "inferenceConfig": {"topK": 3}}}),
        json!({"messages": [], "additionalModelRequestFields": {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}, "k": 3}}),
        json!({"messages": [], "additionalModelRequestFields": {"reasoningConfig": {"type": "disabled"}, "output_config": {"effort": "max", "x": 1}}}),
        json!({"messages": [], "additionalModelRequestFields": {"tool_choice": {"type": "auto", "disable_parallel_tool_use": true}}, "outputConfig": {"effort": "low"}}),
        json!({"messages": [], "additionalModelRequestFields": {}, "outputConfig": {}, "serviceTier": {"type": "flex"}}),
        json!({"messages": [], "serviceTier": {"type": "flex", "x": 1}, "requestMetadata": {"a": "b"}, "guardrailConfig": {}}),
        json!({"messages": [], "outputConfig": {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": "{\"a\": [1, {\"b\": \"é\"}]}", "name": "n"}}}}}),
        json!({"messages": [], "outputConfig": {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": "{\"a\":[1,{}]}"}}}}}),
        json!({"messages": [], "outputConfig": {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": "{ \"a\" :1}", "name": "n"}}}}}),
        json!({"messages": [], "outputConfig": {"textFormat": {"type": "other"}}}),
    ]
}

/// A value with each of its members, one after the other, made something else.
fn mutilated(value: &Value) -> Vec<Value> {
    let mut out = vec![Value::Null, json!(-1.5), json!("x"), json!([0]), json!({"x": 0})];
    match value {
        Value::Object(object) => {
            for (key, inside) in object {
                for other in mutilated(inside) {
                    let mut object = object.clone();
                    object.insert(key.clone(), other);
                    out.push(Value::Object(object));
                }
                let mut object = object.clone();
                object.shift_remove(key);
                out.push(Value::Object(object));
            }
        }
        Value::Array(items) => {
            for (at, inside) in items.iter().enumerate() {
                for other in mutilated(inside) {
                    let mut items = items.clone();
                    items[at] = other;
                    out.push(Value::Array(items));
                }
            }
        }
        _ => {}
    }
    out
}

#[test]
fn no_mutilated_request_panics_and_each_comes_out_as_it_went_in() {
    let mut kept = 0;
    for body in odd().iter().chain([&conversation()]).flat_map(mutilated) {
        let Ok(request) = formats::decode_request(BEDROCK, object(body.clone())) else { continue };
        for wire in [OPENAI, ANTHROPIC, BEDROCK] {
            let mut report = Report::default();
            let encoded = formats::encode_request(wire, request.clone(), RULES, &mut Names::default(), &mut report);
            if wire == BEDROCK {
                assert_eq!(encoded.unwrap().body, body);
                kept += 1;
            }
        }
    }
    assert!(kept > 1000, "{kept}");
}

#[test]
fn no_mutilated_conversation_of_another_format_panics() {
    let sent = json!({
        "model": "m", "max_tokens": 5, "system": [{"type": "text", "text": "s"}],
        "messages": [
            {"role": "user", "content": [
                {"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QQ=="}},
                {"type": "document", "title": "t", "source": {"type": "text", "media_type": "text/plain", "data": "x"}},
            ]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "t", "signature": "s"},
                {"type": "redacted_thinking", "data": "d"},
                {"type": "tool_use", "id": "c", "name": "f", "input": {"a": 1}},
            ]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": [{"type": "text", "text": "r"}]}]},
        ],
        "tools": [{"name": "f", "description": "d", "input_schema": {"type": "object"}}],
        "tool_choice": {"type": "tool", "name": "f"},
        "thinking": {"type": "enabled", "budget_tokens": 2000},
    });
    let mut told = 0;
    for body in mutilated(&sent) {
        for model in [CLAUDE, "us.amazon.nova-2-lite-v1:0", "meta.llama3-3-70b-instruct-v1:0"] {
            told += usize::from(to_bedrock(ANTHROPIC, model, body.clone()).is_ok());
        }
    }
    assert!(told > 450, "{told}");
}

#[test]
fn what_a_search_result_says_beside_its_text_is_told_as_lost() {
    let body = |result: &Value| json!({"messages": [{"role": "user", "content": [result]}]});
    let found = json!({"searchResult": {
        "source": "s", "title": "t", "content": [{"text": "a"}], "citations": {"enabled": true}, "more": 1
    }});
    let (sent, report) = from_bedrock(OPENAI, "m", body(&found)).unwrap();
    assert_eq!(sent["messages"][0]["content"], json!([{"type": "text", "text": "t\n\na"}]));
    for name in ["messages[].content[].searchResult.citations", "messages[].content[].searchResult.more"] {
        assert!(report.dropped.iter().any(|dropped| dropped == name), "{report:?}");
    }
    let (own, report) = from_bedrock(BEDROCK, "m", body(&found)).unwrap();
    assert_eq!(own, body(&found));
    assert_eq!(report, Report::default());
}

/// A conversation in which a tool returned this result.
fn returned(result: Value) -> Value {
    json!({"messages": [
        {"role": "user", "content": [{"text": "go"}]},
        {"role": "assistant", "content": [{"toolUse": {"toolUseId": "c1", "name": "f", "input": {}}}]},
        {"role": "user", "content": [{"toolResult": result}]},
    ]})
}

#[test]
fn a_search_result_within_a_tools_result_is_told_with_its_title_and_where_it_is() {
    let found =
        json!({"searchResult": {"source": "https://s", "title": "t", "content": [{"text": "a"}, {"text": "b"}]}});
    let body = returned(json!({"toolUseId": "c1", "content": [found]}));
    let (openai, report) = from_bedrock(OPENAI, "m", body.clone()).unwrap();
    assert_eq!(openai["messages"][2]["content"], "t\nhttps://s\na\nb", "{openai}");
    assert_eq!(report.dropped, Vec::<String>::new());
    assert_eq!(from_bedrock(BEDROCK, "m", body.clone()).unwrap(), (body, Report::default()));
}

#[test]
fn a_result_of_a_type_that_is_no_tool_of_the_vendors_is_a_result() {
    let result = |kind: &str| returned(json!({"toolUseId": "c1", "type": kind, "content": [{"text": "r"}]}));
    let (openai, report) = from_bedrock(OPENAI, "m", result("x")).unwrap();
    assert_eq!(openai["messages"][2], json!({"role": "tool", "tool_call_id": "c1", "content": "r"}), "{openai}");
    assert_eq!(report.dropped, ["messages[].content[].toolResult.type"]);
    let (openai, report) = from_bedrock(OPENAI, "m", result("tool_result")).unwrap();
    assert_eq!(openai["messages"][2]["content"], "r", "{openai}");
    assert_eq!(report.dropped, Vec::<String>::new());
    for kind in ["x", "tool_result", "nova_grounding_result"] {
        let body = result(kind);
        assert_eq!(from_bedrock(BEDROCK, "m", body.clone()).unwrap(), (body, Report::default()));
    }
}
