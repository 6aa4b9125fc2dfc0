//! Requests: what goes in, what comes out.

use super::*;
use serde_json::json;

/// A message of OpenAI's as the messages of a Converse body.
#[track_caller]
fn messages(model: &str, sent: Value, expected: Value) -> Report {
    let body = json!({"messages": sent});
    let (encoded, report, _) = to_bedrock(OPENAI, model, body).unwrap();
    assert_eq!(encoded.body["messages"], expected);
    report
}

/// Members beside one message, of OpenAI's, as members of a Converse body.
#[track_caller]
fn settings(from: Format, model: &str, sent: Value, expected: Value) -> Report {
    let mut body = object(sent);
    body.insert("messages".to_owned(), json!([{"role": "user", "content": "hi"}]));
    if from == ANTHROPIC {
        body.entry("max_tokens").or_insert(json!(5000));
    }
    let (encoded, report, _) = to_bedrock(from, model, Value::Object(body)).unwrap();
    let mut found = object(encoded.body);
    assert_eq!(found.shift_remove("messages"), Some(json!([{"role": "user", "content": [{"text": "hi"}]}])));
    assert_eq!(Value::Object(found), expected);
    report
}

#[track_caller]
fn refused(from: Format, body: Value, words: &str) {
    let error = to_bedrock(from, CLAUDE, body).unwrap_err();
    assert!(error.message.contains(words), "{}", error.message);
}

fn call(id: &str, name: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": name, "arguments": "{\"a\":1}"}})
}

fn told(report: &Report) -> (Vec<&str>, Vec<&str>) {
    let all = [&report.approximated, &report.dropped].map(|list| list.iter().map(String::as_str).collect());
    all.into()
}

#[test]
fn results_of_parallel_calls_share_a_turn_in_the_order_of_the_calls() {
    let report = messages(
        CLAUDE,
        json!([
            {"role": "user", "content": "go"},
            {"role": "assistant", "content": null, "tool_calls": [call("c1", "f"), call("c2", "g")]},
            {"role": "tool", "tool_call_id": "c2", "content": "two"},
            {"role": "tool", "tool_call_id": "c1", "content": "early"},
            {"role": "tool", "tool_call_id": "c1", "content": ""},
            {"role": "user", "content": "and now?"},
        ]),
        json!([
            {"role": "user", "content": [{"text": "go"}]},
            {"role": "assistant", "content": [
                {"toolUse": {"toolUseId": "c1", "name": "f", "input": {"a": 1}}},
                {"toolUse": {"toolUseId": "c2", "name": "g", "input": {"a": 1}}},
            ]},
            {"role": "user", "content": [
                {"toolResult": {"toolUseId": "c1", "content": [{"text": "(empty)"}]}},
                {"toolResult": {"toolUseId": "c2", "content": [{"text": "two"}]}},
                {"text": "and now?"},
            ]},
        ]),
    );
    // Of two results of one call the last counts, and the other is told of.
    assert_eq!(told(&report), (vec!["tools"], vec!["messages[].tool_call_id"]));
}

#[test]
fn a_result_without_its_call_is_text() {
    let report = messages(
        CLAUDE,
        json!([{"role": "tool", "tool_call_id": "gone", "content": "42"}, {"role": "user", "content": "so?"}]),
        json!([{"role": "user", "content": [{"text": "Result of an earlier tool call: 42"}, {"text": "so?"}]}]),
    );
    assert_eq!(told(&report), (vec!["messages[].tool_call_id"], vec![]));
}

#[test]
fn turns_alternate_begin_with_the_user_and_hold_no_empty_text() {
    messages(
        CLAUDE,
        json!([
            {"role": "assistant", "content": "Hello."},
            {"role": "user", "content": "a"},
            {"role": "user", "content": [{"type": "text", "text": " "}, {"type": "text", "text": "b"}]},
            {"role": "assistant", "content": ""},
            {"role": "assistant", "content": null},
            {"role": "user", "content": "c"},
            {"role": "assistant", "content": "Sure: "},
        ]),
        json!([
            {"role": "user", "content": [{"text": "(empty)"}]},
            {"role": "assistant", "content": [{"text": "Hello."}]},
            {"role": "user", "content": [{"text": "a"}, {"text": "b"}, {"text": "c"}]},
            {"role": "assistant", "content": [{"text": "Sure:"}]},
        ]),
    );
    messages(
        CLAUDE,
        json!([{"role": "user", "content": ""}]),
        json!([{"role": "user", "content": [{"text": "(empty)"}]}]),
    );
    messages(
        CLAUDE,
        json!([{"role": "system", "content": "only this"}]),
        json!([{"role": "user", "content": [{"text": "only this"}]}]),
    );
}

#[test]
fn system_prompts_are_collected_in_order_with_their_marks() {
    let mark = json!({"type": "ephemeral"});
    let body = json!({"messages": [
        {"role": "system", "content": [{"type": "text", "text": "one", "cache_control": mark}]},
        {"role": "developer", "content": "two", "cache_control": mark},
        {"role": "user", "content": "hi"},
        {"role": "system", "content": "three"},
    ]});
    let (encoded, report, _) = to_bedrock(OPENAI, CLAUDE, body.clone()).unwrap();
    let point = json!({"cachePoint": {"type": "default"}});
    assert_eq!(encoded.body["system"], json!([{"text": "one"}, point, {"text": "two"}, point, {"text": "three"}]));
    assert_eq!(told(&report), (vec!["messages[].role"], vec![]));
    let (encoded, report, _) = to_bedrock(OPENAI, "meta.llama3-3-70b-instruct-v1:0", body.clone()).unwrap();
    assert_eq!(encoded.body["system"], json!([{"text": "one"}, {"text": "two"}, {"text": "three"}]));
    assert_eq!(report.dropped, ["cache_control"]);
    let (encoded, ..) = to_bedrock(OPENAI, "amazon.titan-text-express-v1", body).unwrap();
    assert_eq!(encoded.body.get("system"), None);
    let content = json!([{"text": "one"}, {"text": "two"}, {"text": "three"}, {"text": "hi"}]);
    assert_eq!(encoded.body["messages"], json!([{"role": "user", "content": content}]));
}

#[test]
fn marks_of_the_prompt_cache_stand_behind_what_they_mark() {
    let mark = |ttl: &str| json!({"type": "ephemeral", "ttl": ttl, "scope": "global"});
    let body = json!({
        "max_tokens": 9,
        "tools": [{"name": "f", "input_schema": {"type": "object"}, "cache_control": mark("1h")}],
        "system": [{"type": "text", "text": "s", "cache_control": mark("5m")}],
        "messages": [
            {"role": "user", "content": "a plain text"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "f", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": [
                {"type": "text", "text": "r", "cache_control": mark("1h")},
            ]}, {"type": "text", "text": "go", "cache_control": mark("5m")}]},
        ],
    });
    let (encoded, report, _) = to_bedrock(ANTHROPIC, CLAUDE, body.clone()).unwrap();
    let (short, long) =
        (json!({"cachePoint": {"type": "default"}}), json!({"cachePoint": {"type": "default", "ttl": "1h"}}));
    assert_eq!(encoded.body["toolConfig"]["tools"][1], long);
    assert_eq!(encoded.body["system"], json!([{"text": "s"}, short]));
    let result = json!({"toolResult": {"toolUseId": "c", "content": [{"text": "r"}]}});
    assert_eq!(encoded.body["messages"][2]["content"], json!([result, long, {"text": "go"}, short]));
    assert_eq!(told(&report), (vec![], vec!["cache_control.scope"]));
    // An older model knows no time, Nova no mark among the tools.
    let (encoded, report, _) =
        to_bedrock(ANTHROPIC, "anthropic.claude-3-7-sonnet-20250219-v1:0", body.clone()).unwrap();
    assert_eq!(encoded.body["toolConfig"]["tools"][1], short);
    assert_eq!(report.approximated, ["cache_control.ttl"]);
    let (encoded, report, _) = to_bedrock(ANTHROPIC, "amazon.nova-pro-v1:0", body).unwrap();
    assert_eq!(encoded.body["toolConfig"]["tools"].as_array().unwrap().len(), 1);
    assert!(report.dropped.contains(&"cache_control".to_owned()));
}

#[test]
fn files_are_told_by_the_apis_own_words() {
    let data = |kind: &str| format!("data:{kind};base64,QUJD");
    let image = |url: String| json!({"type": "image_url", "image_url": {"url": url}});
    let file = |name: &str, kind: &str| json!({"type": "file", "file": {"filename": name, "file_data": data(kind)}});
    messages(
        CLAUDE,
        json!([{"role": "user", "content": [
            image(data("image/jpg")),
            image("s3://bucket/a.PNG".to_owned()),
            file("Plan_v1.pdf", "application/pdf"),
            file("Plan_v1.pdf", "application/pdf"),
            file("notes.md", "application/octet-stream"),
            file("main.rs", "text/x-rust"),
            file("p.webp", "image/webp"),
            {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "mp3"}},
        ]}]),
        json!([{"role": "user", "content": [
            {"image": {"format": "jpeg", "source": {"bytes": "QUJD"}}},
            {"image": {"format": "png", "source": {"s3Location": {"uri": "s3://bucket/a.PNG"}}}},
            {"document": {"format": "pdf", "name": "Plan-v1-pdf", "source": {"bytes": "QUJD"}}},
            {"document": {"format": "pdf", "name": "Plan-v1-pdf-2", "source": {"bytes": "QUJD"}}},
            {"document": {"format": "md", "name": "notes-md", "source": {"bytes": "QUJD"}}},
            {"document": {"format": "txt", "name": "main-rs", "source": {"bytes": "QUJD"}}},
            {"image": {"format": "webp", "source": {"bytes": "QUJD"}}},
            {"audio": {"format": "mp3", "source": {"bytes": "QUJD"}}},
            {"text": "(empty)"},
        ]}]),
    );
    let body = |part: Value| json!({"messages": [{"role": "user", "content": [part]}]});
    refused(OPENAI, body(image("https://h/a.png".to_owned())), "http(s) URL");
    refused(OPENAI, body(image("nonsense".to_owned())), "must be a base64 data URL");
    refused(OPENAI, body(image(data("image/tiff"))), "'image/tiff'");
    refused(OPENAI, body(file("a.bin", "application/x-bin")), "'application/x-bin'");
    refused(OPENAI, body(json!({"type": "file", "file": {"file_id": "f1"}})), "another vendor");
    refused(OPENAI, body(json!({"type": "hologram", "hologram": {}})), "'hologram'");
}

#[test]
fn anthropics_documents_and_search_results_keep_what_both_formats_have() {
    let source = json!({"type": "text", "media_type": "text/plain", "data": "abc"});
    let body = json!({"max_tokens": 9, "messages": [{"role": "user", "content": [
        {"type": "document", "source": source, "title": "T", "context": "c", "citations": {"enabled": true}},
        {"type": "search_result", "source": "https://s", "title": "S", "content": [{"type": "text", "text": "found"}],
         "citations": {"enabled": true}},
        {"type": "text", "text": "?"},
    ]}]});
    let (encoded, report, _) = to_bedrock(ANTHROPIC, CLAUDE, body).unwrap();
    assert_eq!(
        encoded.body["messages"][0]["content"],
        json!([
            {"document": {"format": "txt", "name": "T", "source": {"bytes": "YWJj"}, "context": "c",
                          "citations": {"enabled": true}}},
            {"searchResult": {"source": "https://s", "title": "S", "content": [{"text": "found"}],
                              "citations": {"enabled": true}}},
            {"text": "?"},
        ])
    );
    assert_eq!(told(&report), (vec![], vec![]));
}

#[test]
fn tools_choices_and_odd_names() {
    let long = "n".repeat(65);
    let tool = |name: &str, more: Value| {
        let mut function = object(json!({"name": name}));
        function.extend(object(more));
        json!({"type": "function", "function": function})
    };
    let body = json!({
        "messages": [
            {"role": "user", "content": "x"},
            {"role": "assistant", "tool_calls": [
                {"id": "call:1/2", "type": "function", "function": {"name": "a.b", "arguments": ""}},
            ]},
            {"role": "tool", "tool_call_id": "call:1/2", "content": "ok"},
        ],
        "tools": [
            tool("a.b", json!({"description": "", "parameters": {}})),
            tool(&long, json!({"description": "d", "strict": true, "parameters":
                {"$schema": "s", "$id": "i", "properties": {}, "$defs": {"x": {}}}})),
        ],
        "tool_choice": {"type": "function", "function": {"name": "a.b"}},
    });
    let (encoded, report, names) = to_bedrock(OPENAI, CLAUDE, body).unwrap();
    let tools = &encoded.body["toolConfig"]["tools"];
    let dotted = tools[0]["toolSpec"]["name"].as_str().unwrap();
    assert!(dotted.starts_with("ab_"), "{dotted}");
    assert_eq!(names.receive(dotted.to_owned()), "a.b");
    assert_eq!(
        tools[0],
        json!({"toolSpec":
        {"name": dotted, "inputSchema": {"json": {"type": "object", "properties": {}}}}})
    );
    let renamed = tools[1]["toolSpec"]["name"].as_str().unwrap();
    assert!(renamed.len() <= 64, "{renamed}");
    assert_eq!(
        tools[1],
        json!({"toolSpec": {"name": renamed, "description": "d", "strict": true, "inputSchema":
        {"json": {"properties": {}, "$defs": {"x": {}}, "type": "object"}}}})
    );
    assert_eq!(encoded.body["toolConfig"]["toolChoice"], json!({"tool": {"name": dotted}}));
    let call = &encoded.body["messages"][1]["content"][0]["toolUse"];
    let result = &encoded.body["messages"][2]["content"][0]["toolResult"];
    assert_eq!((&call["name"], &call["input"]), (&json!(dotted), &json!({})));
    assert_eq!(call["toolUseId"], result["toolUseId"]);
    assert_eq!(call["toolUseId"].as_str().unwrap().len(), 9);
    assert_eq!(told(&report), (vec!["tools[].name"], vec![]));
}

#[test]
fn choices_that_the_api_has_no_word_for() {
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    let history = json!([
        {"role": "user", "content": "x"},
        {"role": "assistant", "tool_calls": [call("c", "f")]},
        {"role": "tool", "tool_call_id": "c", "content": "ok"},
    ]);
    let fresh = json!([{"role": "user", "content": "x"}]);
    let ask = |messages: &Value, model: &str, more: Value| {
        let mut body = object(json!({"messages": messages, "tools": tools}));
        body.extend(object(more));
        let (encoded, report, _) = to_bedrock(OPENAI, model, Value::Object(body)).unwrap();
        let config = encoded.body.get("toolConfig").map(|config| config.get("toolChoice").cloned());
        let own = encoded.body.pointer("/additionalModelRequestFields/tool_choice").cloned();
        (config, own, report.dropped)
    };
    const OLD: &str = "anthropic.claude-3-5-sonnet-20241022-v2:0";
    const NOVA: &str = "amazon.nova-pro-v1:0";
    let none = || json!({"tool_choice": "none"});
    assert_eq!(ask(&fresh, CLAUDE, none()), (None, None, vec!["tools".to_owned()]), "no tools are none to call");
    assert_eq!(ask(&history, CLAUDE, none()), (Some(None), Some(json!({"type": "none"})), vec![]));
    assert_eq!(ask(&history, OLD, none()), (Some(None), None, vec!["tool_choice".to_owned()]));
    assert_eq!(ask(&history, NOVA, none()), (Some(None), None, vec!["tool_choice".to_owned()]));
    let one = |choice: Value| json!({"parallel_tool_calls": false, "tool_choice": choice});
    let own = |kind: &str| json!({"type": kind, "disable_parallel_tool_use": true});
    assert_eq!(ask(&fresh, CLAUDE, json!({"parallel_tool_calls": false})), (Some(None), Some(own("auto")), vec![]));
    assert_eq!(ask(&fresh, CLAUDE, one(json!("required"))), (Some(None), Some(own("any")), vec![]));
    let any = Some(Some(json!({"any": {}})));
    assert_eq!(ask(&fresh, OLD, one(json!("required"))), (any.clone(), None, vec!["parallel_tool_calls".to_owned()]));
    assert_eq!(ask(&fresh, NOVA, one(json!("required"))), (any, None, vec!["parallel_tool_calls".to_owned()]));
    assert_eq!(
        ask(&fresh, CLAUDE, json!({"parallel_tool_calls": true, "tool_choice": "auto"})),
        (Some(None), None, vec![])
    );
    // Without tools none of it is sent.
    let report = settings(OPENAI, CLAUDE, json!({"tool_choice": "required", "parallel_tool_calls": false}), json!({}));
    assert_eq!(report.dropped, ["tool_choice"]);
}

#[test]
fn vendors_tools_are_refused_or_left_out() {
    let body = json!({"messages": [{"role": "user", "content": "x"}], "tools": [{"type": "web_search"}]});
    refused(OPENAI, body, "'web_search'");
    let tools = json!([{"type": "web_search_20250305", "name": "web_search"}, {"name": "f", "input_schema": {}}]);
    let body = json!({"max_tokens": 1, "messages": [{"role": "user", "content": "x"}], "tools": tools});
    let (encoded, report, _) = to_bedrock(ANTHROPIC, "amazon.nova-pro-v1:0", body).unwrap();
    assert_eq!(encoded.body["toolConfig"]["tools"].as_array().unwrap().len(), 1);
    assert_eq!(report.dropped, ["tools[].web_search_20250305"]);
}

#[test]
fn settings_go_where_each_family_has_them() {
    let sampled = json!({"max_tokens": 7, "temperature": 0, "top_p": 0.5, "top_k": 3, "stop": ["a", ""], "seed": 0});
    let report = settings(
        OPENAI,
        "us.amazon.nova-lite-v1:0",
        sampled.clone(),
        json!({
            "inferenceConfig": {"maxTokens": 7, "temperature": 0, "topP": 0.5, "stopSequences": ["a"]},
            "additionalModelRequestFields": {"inferenceConfig": {"topK": 3}},
        }),
    );
    assert_eq!(told(&report), (vec![], vec!["stop", "seed"]));
    let report = settings(
        OPENAI,
        "anthropic.claude-3-5-haiku-20241022-v1:0",
        sampled.clone(),
        json!({
            "inferenceConfig": {"maxTokens": 7, "temperature": 0, "topP": 0.5, "stopSequences": ["a"]},
            "additionalModelRequestFields": {"top_k": 3},
        }),
    );
    assert_eq!(told(&report), (vec![], vec!["stop", "seed"]));
    let report = settings(
        OPENAI,
        "meta.llama3-3-70b-instruct-v1:0",
        sampled,
        json!({"inferenceConfig": {"maxTokens": 7, "temperature": 0, "topP": 0.5, "stopSequences": ["a"]}}),
    );
    assert_eq!(told(&report), (vec![], vec!["top_k", "stop", "seed"]));
    let report = settings(
        OPENAI,
        "mistral.mistral-large-2407-v1:0",
        json!({"temperature": 1.7, "max_tokens": null}),
        json!({"inferenceConfig": {"temperature": 1}}),
    );
    assert_eq!(told(&report), (vec!["temperature"], vec![]));
}

#[test]
fn thinking_is_asked_for_as_each_family_wants_it() {
    let effort = |word: &str| json!({"reasoning_effort": word});
    let fields = |value: Value| json!({"additionalModelRequestFields": value});
    let mut budget = fields(json!({"thinking": {"type": "enabled", "budget_tokens": 8192}}));
    budget["inferenceConfig"] = json!({"maxTokens": 64_000});
    settings(OPENAI, CLAUDE, effort("high"), budget);
    let adaptive = json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}});
    settings(OPENAI, "us.anthropic.claude-opus-4-6-v1", effort("high"), fields(adaptive));
    let nova = |word: &str| fields(json!({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": word}}));
    settings(OPENAI, "us.amazon.nova-2-lite-v1:0", effort("medium"), nova("medium"));
    let report = settings(
        OPENAI,
        "us.amazon.nova-2-lite-v1:0",
        json!({"reasoning_effort": "xhigh", "max_tokens": 9}),
        nova("high"),
    );
    assert_eq!(told(&report), (vec!["reasoning_effort"], vec!["max_tokens"]));
    settings(OPENAI, "openai.gpt-oss-120b-1:0", effort("low"), fields(json!({"reasoning_effort": "low"})));
    settings(OPENAI, "deepseek.v3-v1:0", effort("high"), fields(json!({"reasoning_config": "high"})));
    settings(OPENAI, "qwen.qwen3-32b-v1:0", effort("medium"), fields(json!({"reasoning_config": "high"})));
    for model in ["amazon.nova-pro-v1:0", "us.deepseek.r1-v1:0", "meta.llama3-3-70b-instruct-v1:0"] {
        let report = settings(OPENAI, model, effort("high"), json!({}));
        assert_eq!(report.dropped, ["reasoning_effort"], "{model}");
    }
    for word in ["none", "minimal"] {
        let report = settings(OPENAI, "amazon.nova-pro-v1:0", effort(word), json!({}));
        assert_eq!(report.dropped.is_empty(), word == "none");
    }
    // Anthropic's own object.
    let thinking = json!({"thinking": {"type": "enabled", "budget_tokens": 2000}, "max_tokens": 4000});
    let mut own = fields(json!({"thinking": {"type": "enabled", "budget_tokens": 2000}}));
    own["inferenceConfig"] = json!({"maxTokens": 4000});
    settings(ANTHROPIC, CLAUDE, thinking.clone(), own.clone());
    settings(ANTHROPIC, "arn:aws:bedrock:us-east-1:1:application-inference-profile/x", thinking.clone(), own);
    let mut low = nova("low");
    low["inferenceConfig"] = json!({"maxTokens": 4000});
    settings(ANTHROPIC, "us.amazon.nova-2-lite-v1:0", thinking, low);
    let disabled = json!({"thinking": {"type": "disabled"}, "max_tokens": 5});
    settings(ANTHROPIC, "us.amazon.nova-2-lite-v1:0", disabled, json!({"inferenceConfig": {"maxTokens": 5}}));
}

#[test]
fn structured_output_is_native_or_a_tool_or_words() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "integer"}}});
    let asked = json!({"response_format": {"type": "json_schema", "json_schema":
        {"name": "N", "description": "D", "strict": true, "schema": schema}}});
    let mut closed = schema.clone();
    closed["additionalProperties"] = json!(false);
    let native = |schema: &Value| {
        json!({"outputConfig": {"textFormat": {"type": "json_schema", "structure":
        {"jsonSchema": {"schema": schema.to_string(), "name": "N", "description": "D"}}}}})
    };
    settings(OPENAI, CLAUDE, asked.clone(), native(&closed));
    settings(OPENAI, "qwen.qwen3-32b-v1:0", asked.clone(), native(&closed));
    let tool = json!({"toolConfig": {
        "tools": [{"toolSpec": {"name": "json_response", "description": "D", "inputSchema": {"json": schema}}}],
        "toolChoice": {"tool": {"name": "json_response"}},
    }});
    settings(OPENAI, "amazon.nova-pro-v1:0", asked.clone(), tool.clone());
    settings(OPENAI, "anthropic.claude-3-5-haiku-20241022-v1:0", asked.clone(), tool);
    let body = json!({"messages": [{"role": "user", "content": "x"}], "response_format": asked["response_format"]});
    let (encoded, ..) = to_bedrock(OPENAI, "meta.llama3-3-70b-instruct-v1:0", body).unwrap();
    assert!(!encoded.json_tool);
    assert!(encoded.body["system"][0]["text"].as_str().unwrap().ends_with(&schema.to_string()));
    let body = json!({
        "messages": [{"role": "user", "content": "x"}],
        "response_format": asked["response_format"],
        "tools": [{"type": "function", "function": {"name": "f"}}],
    });
    let (encoded, ..) = to_bedrock(OPENAI, "amazon.nova-pro-v1:0", body).unwrap();
    assert!(encoded.json_tool);
    assert_eq!(encoded.body["toolConfig"]["toolChoice"], json!({"any": {}}));
    assert_eq!(encoded.body["toolConfig"]["tools"].as_array().unwrap().len(), 2);
}

#[test]
fn bedrocks_own_objects_arrive_from_other_formats() {
    let guard = json!({"guardrailIdentifier": "g", "guardrailVersion": "1", "trace": "enabled"});
    let sent = json!({
        "guardrailConfig": guard,
        "extra_body": {"performanceConfig": {"latency": "optimized"}, "unknown": 1},
        "additionalModelRequestFields": {"top_k": 9, "anthropic_beta": ["context-1m-2025-08-07"]},
        "top_k": 3,
        "toolConfig": {"tools": [{"systemTool": {"name": "nova_grounding"}}]},
        "service_tier": "flex",
        "metadata": {"team": "a", "odd": "ü"},
        "user": "u-1",
        "store": true,
    });
    let report = settings(
        OPENAI,
        CLAUDE,
        sent,
        json!({
            "additionalModelRequestFields": {"top_k": 9, "anthropic_beta": ["context-1m-2025-08-07"]},
            "serviceTier": {"type": "flex"},
            "requestMetadata": {"user_id": "u-1", "team": "a"},
            "guardrailConfig": guard,
            "performanceConfig": {"latency": "optimized"},
            "toolConfig": {"tools": [{"systemTool": {"name": "nova_grounding"}}]},
        }),
    );
    assert_eq!(report.dropped, ["metadata", "store", "unknown"]);
    let user = json!({"user": "{\"device\":\"d\"}"});
    let (encoded, report, _) = {
        let mut body = object(user);
        body.insert("messages".to_owned(), json!([{"role": "user", "content": "x"}]));
        to_bedrock(OPENAI, CLAUDE, Value::Object(body)).unwrap()
    };
    let sent = encoded.body["requestMetadata"]["user_id"].as_str().unwrap();
    assert!(sent.starts_with("device:d_"), "{sent}");
    assert_eq!(report.approximated, ["user"]);
}

#[test]
fn betas_go_to_anthropics_models_alone() {
    let sent = json!({"anthropic_beta": ["context-1m-2025-08-07", "prompt-caching-scope-2026-01-05"]});
    let fields = json!({"additionalModelRequestFields": {"anthropic_beta": ["context-1m-2025-08-07"]}});
    let report = settings(OPENAI, CLAUDE, sent.clone(), fields);
    assert_eq!(report.dropped, ["anthropic-beta"]);
    let report = settings(OPENAI, "amazon.nova-pro-v1:0", sent, json!({}));
    assert_eq!(report.dropped, ["anthropic-beta"]);
}

#[test]
fn thinking_goes_back_only_to_who_thought_it() {
    let history = |block: Value| {
        json!({"max_tokens": 9, "messages": [
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": [block, {"type": "text", "text": "b"}]},
            {"role": "user", "content": "c"},
        ]})
    };
    let ask = |model: &str, block: Value| {
        let (encoded, report, _) = to_bedrock(ANTHROPIC, model, history(block)).unwrap();
        (encoded.body["messages"][1]["content"][0].clone(), report.dropped)
    };
    let thought = |signature: &str| json!({"type": "thinking", "thinking": "t", "signature": signature});
    let kept = |said: Value| (json!({"reasoningContent": {"reasoningText": said}}), Vec::<String>::new());
    let dropped = |name: &str| (json!({"text": "b"}), vec![name.to_owned()]);
    const NOVA: &str = "us.amazon.nova-2-lite-v1:0";
    assert_eq!(ask(CLAUDE, thought("sig")), kept(json!({"text": "t", "signature": "sig"})));
    assert_eq!(ask(CLAUDE, thought("pillion:BedrockConverse:sig")), kept(json!({"text": "t", "signature": "sig"})));
    assert_eq!(ask(CLAUDE, thought("pillion:AnthropicMessages:sig")), kept(json!({"text": "t", "signature": "sig"})));
    assert_eq!(ask(CLAUDE, thought("pillion:GeminiGenerateContent:x")), dropped("messages[].content[].thinking"));
    assert_eq!(ask(CLAUDE, thought("pillion:BedrockConverse:")), dropped("messages[].reasoning_content"));
    assert_eq!(ask(NOVA, thought("pillion:BedrockConverse:")), kept(json!({"text": "t"})));
    assert_eq!(ask(NOVA, thought("sig")), dropped("messages[].content[].thinking"));
    assert_eq!(
        ask("amazon.nova-pro-v1:0", thought("pillion:BedrockConverse:")),
        dropped("messages[].reasoning_content")
    );
    let redacted = || json!({"type": "redacted_thinking", "data": "EuQB"});
    let blob = json!({"reasoningContent": {"redactedContent": "RXVRQg=="}});
    assert_eq!(ask(CLAUDE, redacted()), (blob, vec![]));
    assert_eq!(ask(NOVA, redacted()), dropped("messages[].content[].redacted_thinking"));
    let omitted = json!({"type": "thinking", "thinking": "", "signature": "sig"});
    assert_eq!(ask(CLAUDE, omitted), kept(json!({"text": "", "signature": "sig"})));
}

#[test]
fn what_ran_at_another_vendor_leaves_the_history_and_what_is_asked_does_not() {
    let ran = json!([
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
        {"type": "web_search_tool_result", "tool_use_id": "s", "content": []},
        {"type": "text", "text": "found"},
    ]);
    let body = |asked: Value| {
        json!({"max_tokens": 9, "messages": [
            {"role": "user", "content": "a"}, {"role": "assistant", "content": ran}, {"role": "user", "content": asked},
        ]})
    };
    let (encoded, report, _) = to_bedrock(ANTHROPIC, CLAUDE, body(json!("b"))).unwrap();
    assert_eq!(encoded.body["messages"][1]["content"], json!([{"text": "found"}]));
    let left_out = ["messages[].content[].server_tool_use", "messages[].content[].web_search_tool_result"];
    assert_eq!(report.dropped, left_out);
    refused(ANTHROPIC, body(json!([{"type": "container_upload", "file_id": "f"}])), "'container_upload'");
}

#[test]
fn a_failed_call_is_told_where_the_model_takes_a_status() {
    let body = json!({"max_tokens": 9, "messages": [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "f", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "is_error": true, "content": "boom"}]},
    ]});
    let ask =
        |model: &str| to_bedrock(ANTHROPIC, model, body.clone()).unwrap().0.body["messages"][2]["content"][0].clone();
    let failed = json!({"toolResult": {"toolUseId": "c", "content": [{"text": "boom"}], "status": "error"}});
    assert_eq!(ask(CLAUDE), failed);
    let told = json!({"toolResult": {"toolUseId": "c", "content": [{"text": "Error:"}, {"text": "boom"}]}});
    assert_eq!(ask("mistral.mistral-large-2407-v1:0"), told);
}

#[test]
fn what_cannot_be_asked_is_refused_by_name() {
    let message = || json!([{"role": "user", "content": "x"}]);
    refused(OPENAI, json!({"messages": message(), "n": 2}), "'n' above 1");
    refused(OPENAI, json!({"messages": message(), "audio": {"voice": "v"}}), "an answer in sound");
    refused(OPENAI, json!({"messages": []}), "nothing to answer");
}

#[test]
fn params_of_a_route_become_nested_members() {
    let params =
        json!({"max_tokens": 5, "temperature": 0.5, "top_k": 2, "guardrailConfig": {"guardrailIdentifier": "g"}});
    let mut report = Report::default();
    let found = crate::formats::bedrock::encode_params(object(params), "amazon.nova-pro-v1:0", &mut report).unwrap();
    assert_eq!(
        Value::Object(found),
        json!({
            "inferenceConfig": {"maxTokens": 5, "temperature": 0.5},
            "additionalModelRequestFields": {"inferenceConfig": {"topK": 2}},
            "guardrailConfig": {"guardrailIdentifier": "g"},
        })
    );
    let found = crate::formats::bedrock::encode_params(
        object(json!({"top_p": 0.1, "tool_choice": "required"})),
        CLAUDE,
        &mut report,
    );
    assert_eq!(Value::Object(found.unwrap()), json!({"inferenceConfig": {"topP": 0.1}}));
    assert_eq!(report.dropped, ["tool_choice"]);
}

#[test]
fn claude_codes_own_block_goes_to_claude_alone() {
    let header = "x-anthropic-billing-header: cc_version=1";
    let body = json!({
        "max_tokens": 9, "system": [{"type": "text", "text": header}, {"type": "text", "text": "be brief"}],
        "messages": [{"role": "user", "content": "hi"}],
    });
    let (encoded, report, _) = to_bedrock(ANTHROPIC, "us.amazon.nova-pro-v1:0", body.clone()).unwrap();
    assert_eq!(encoded.body["system"], json!([{"text": "be brief"}]));
    assert_eq!(report.dropped, ["system.x-anthropic-billing-header"]);
    let (encoded, report, _) = to_bedrock(ANTHROPIC, CLAUDE, body).unwrap();
    assert_eq!(encoded.body["system"], json!([{"text": header}, {"text": "be brief"}]));
    assert_eq!(report.dropped, [""; 0]);
}

#[test]
fn a_role_of_tomorrow_is_the_users_and_told() {
    let report = messages(
        CLAUDE,
        json!([{"role": "oracle", "content": "a"}]),
        json!([{"role": "user", "content": [{"text": "a"}]}]),
    );
    assert_eq!(told(&report), (vec!["messages[].role"], vec![]));
}

#[test]
fn a_wish_to_see_thinking_that_nothing_asks_for_is_told_as_lost() {
    for model in ["us.amazon.nova-2-lite-v1:0", "meta.llama3-3-70b-instruct-v1:0"] {
        let body = json!({
            "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
            "generationConfig": {"thinkingConfig": {"includeThoughts": true}},
        });
        let (encoded, report, _) = to_bedrock(Format::GeminiGenerateContent, model, body).unwrap();
        assert_eq!(encoded.body, json!({"messages": [{"role": "user", "content": [{"text": "hi"}]}]}));
        assert_eq!(told(&report), (vec![], vec!["generationConfig.thinkingConfig.includeThoughts"]));
    }
}

#[test]
fn an_effort_beside_disabled_thinking_is_told_as_lost() {
    for model in ["us.amazon.nova-2-lite-v1:0", "openai.gpt-oss-120b-1:0"] {
        let report = settings(
            ANTHROPIC,
            model,
            json!({"thinking": {"type": "disabled"}, "output_config": {"effort": "low"}}),
            json!({"inferenceConfig": {"maxTokens": 5000}}),
        );
        assert_eq!(told(&report), (vec![], vec!["reasoning_effort"]));
    }
}

#[test]
fn a_shape_without_a_schema_is_json_of_any_shape() {
    let format = json!({"type": "json_schema", "json_schema": {"name": "n", "description": "d"}});
    let told_in_words = json!({"system": [{"text": "Answer with one JSON object and nothing else."}]});
    for model in ["openai.gpt-oss-120b-1:0", "us.amazon.nova-pro-v1:0", CLAUDE] {
        let report = settings(OPENAI, model, json!({"response_format": format}), told_in_words.clone());
        let lost = vec!["response_format.json_schema.description"];
        assert_eq!(told(&report), (vec!["response_format"], lost));
    }
}

#[test]
fn what_has_no_place_beside_a_schema_is_told_as_lost() {
    let schema = json!({"type": "object", "additionalProperties": false, "properties": {}});
    let format =
        json!({"type": "json_schema", "json_schema": {"name": "n", "strict": true, "more": 1, "schema": schema}});
    let structure = json!({"jsonSchema": {"schema": schema.to_string(), "name": "n"}});
    let report = settings(
        OPENAI,
        "openai.gpt-oss-120b-1:0",
        json!({"response_format": format}),
        json!({"outputConfig": {"textFormat": {"type": "json_schema", "structure": structure}}}),
    );
    assert_eq!(told(&report), (vec![], vec!["response_format.json_schema.more"]));
}

#[test]
fn a_signature_of_another_vendors_on_a_call_is_told_as_lost() {
    let mut signed = call("c1", "f");
    signed["extra_content"] = json!({"google": {"thought_signature": "AbC+/w=="}});
    let body = json!({"messages": [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": null, "tool_calls": [signed]},
        {"role": "tool", "tool_call_id": "c1", "content": "r"},
    ]});
    let (encoded, report, _) = to_bedrock(OPENAI, CLAUDE, body).unwrap();
    let block = json!({"toolUse": {"toolUseId": "c1", "name": "f", "input": {"a": 1}}});
    assert_eq!(encoded.body["messages"][1]["content"], json!([block]));
    assert!(report.dropped.iter().any(|name| name == "thought_signature"), "{report:?}");
}

#[test]
fn whether_a_document_is_cited_goes_along_where_it_is_said() {
    let document = |citations: Value| {
        let source = json!({"type": "text", "media_type": "text/plain", "data": "a"});
        let block = json!({"type": "document", "source": source, "citations": citations});
        let body =
            json!({"max_tokens": 9, "messages": [{"role": "user", "content": [block, {"type": "text", "text": "q"}]}]});
        let (encoded, report, _) = to_bedrock(ANTHROPIC, CLAUDE, body).unwrap();
        (encoded.body["messages"][0]["content"][0]["document"].get("citations").cloned(), report.dropped)
    };
    assert_eq!(document(json!({})), (None, vec![]));
    assert_eq!(document(json!({"enabled": false})), (Some(json!({"enabled": false})), vec![]));
    let unknown = vec!["messages[].content[].citations".to_owned()];
    assert_eq!(document(json!({"enabled": "yes"})), (None, unknown));
}

#[test]
fn top_k_is_a_whole_number() {
    const NOVA: &str = "us.amazon.nova-pro-v1:0";
    // A model that takes several samplers.
    const SONNET: &str = "us.anthropic.claude-3-7-sonnet-20250219-v1:0";
    let top_k = |model: &str, number: Value| {
        let body = json!({"messages": [{"role": "user", "content": "hi"}], "top_k": number});
        let (encoded, report, _) = to_bedrock(OPENAI, model, body).unwrap();
        (encoded.body["additionalModelRequestFields"].clone(), report.approximated)
    };
    let changed = vec!["top_k".to_owned()];
    assert_eq!(top_k(SONNET, json!(40.5)), (json!({"top_k": 41}), changed.clone()));
    assert_eq!(top_k(SONNET, json!(40.0)), (json!({"top_k": 40}), vec![]));
    assert_eq!(top_k(NOVA, json!(40.5)), (json!({"inferenceConfig": {"topK": 41}}), changed));
    assert_eq!(top_k(NOVA, json!(40)), (json!({"inferenceConfig": {"topK": 40}}), vec![]));
}
