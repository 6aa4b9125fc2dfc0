//! Settings and tools from and to other formats, row by row.

use super::*;
use crate::formats::tests::recorded::{decoded, translated};
use crate::formats::{ServerRules, encode_request};
use crate::model::{Names, Report};
use serde_json::{Value, json};

fn with(mut body: Value, more: &Value) -> Value {
    body["model"] = json!("m");
    body["messages"] = json!([{"role": "user", "content": "hi"}]);
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}

/// Members of an OpenAI Chat body, those of Cohere's, and what is said to be nearly so or lost.
#[track_caller]
fn check(model: &str, openai: Value, cohere: Value, reported: &[&str]) {
    let (mut body, report) = translated(OPENAI, COHERE, model, &with(json!({}), &openai));
    for key in ["model", "messages"] {
        body.as_object_mut().unwrap().shift_remove(key);
    }
    assert_eq!(body, cohere, "{openai}");
    assert_eq!([report.dropped, report.approximated].concat(), reported, "{openai}");
}

fn tool(name: &str, required: &[&str]) -> Value {
    let schema = json!({"type": "object", "properties": {"x": {"type": "string"}}, "required": required});
    json!({"type": "function", "function": {"name": name, "parameters": schema}})
}

#[test]
fn sampling_and_limits_keep_within_what_the_api_takes() {
    let m = "command-a-03-2025";
    check(
        m,
        json!({"temperature": 0, "seed": 0, "stream": false}),
        json!({"temperature": 0, "seed": 0, "stream": false}),
        &[],
    );
    check(m, json!({"temperature": 1.5}), json!({"temperature": 1}), &["temperature"]);
    check(m, json!({"top_p": 0.5, "top_k": 7}), json!({"p": 0.5, "k": 7}), &[]);
    check(m, json!({"top_p": 1}), json!({"p": 0.99}), &["top_p"]);
    check(m, json!({"top_p": 0}), json!({"p": 0.01}), &["top_p"]);
    check(m, json!({"top_k": 1000, "seed": 3.0}), json!({"k": 500, "seed": 3}), &["top_k"]);
    check(m, json!({"top_k": 500}), json!({"k": 500}), &[]);
    check(m, json!({"seed": -1, "top_k": 1.5}), json!({}), &["top_k", "seed"]);
    check(
        m,
        json!({"frequency_penalty": -1, "presence_penalty": 0.5}),
        json!({"frequency_penalty": 0, "presence_penalty": 0.5}),
        &["frequency_penalty"],
    );
    check(m, json!({"max_tokens": 5}), json!({"max_tokens": 5}), &[]);
    check(m, json!({"max_tokens": 5, "max_completion_tokens": 6}), json!({"max_tokens": 6}), &[]);
    check(m, json!({"stop": "x"}), json!({"stop_sequences": ["x"]}), &[]);
    check(
        m,
        json!({"stop": ["a", "b", "c", "d", "e", "f"]}),
        json!({"stop_sequences": ["a", "b", "c", "d", "e"]}),
        &["stop"],
    );
    check(m, json!({"logprobs": true, "top_logprobs": 2}), json!({"logprobs": true}), &["top_logprobs"]);
    check(
        m,
        json!({"user": "u", "service_tier": "flex", "parallel_tool_calls": false, "n": 1}),
        json!({}),
        &["parallel_tool_calls", "user", "service_tier"],
    );
    check(m, json!({"logit_bias": {"1": 2}, "stream_options": {"include_usage": true}}), json!({}), &["logit_bias"]);
}

#[test]
fn vendor_members_arrive_from_wherever_a_client_may_put_them() {
    let m = "command-a-03-2025";
    let own = json!({"safety_mode": "STRICT", "citation_options": {"mode": "FAST"}, "documents": ["d"], "priority": 1});
    check(m, own.clone(), own.clone(), &[]);
    check(m, json!({"extra_body": own}), own.clone(), &[]);
    check(
        m,
        json!({"safety_mode": "OFF", "extra_body": {"safety_mode": "STRICT"}}),
        json!({"safety_mode": "OFF"}),
        &[],
    );
    check(m, json!({"extra_body": {"top_k": 3, "guardrailConfig": {"a": 1}}}), json!({"k": 3}), &["guardrailConfig"]);
}

#[test]
fn effort_and_budget_become_thinking_of_models_that_can() {
    let m = "command-a-reasoning-08-2025";
    check(
        m,
        json!({"reasoning_effort": "low"}),
        json!({"thinking": {"type": "enabled", "token_budget": 1024}}),
        &["reasoning_effort"],
    );
    check(m, json!({"reasoning_effort": "high"}), json!({"thinking": {"type": "enabled"}}), &["reasoning_effort"]);
    check(
        m,
        json!({"reasoning_effort": "medium", "max_tokens": 1000}),
        json!({"max_tokens": 1000, "thinking": {"type": "enabled", "token_budget": 500}}),
        &["reasoning_effort"],
    );
    check(m, json!({"reasoning_effort": "none"}), json!({"thinking": {"type": "disabled"}}), &[]);
    check(
        m,
        json!({"thinking": {"type": "enabled", "budget_tokens": 77}}),
        json!({"thinking": {"type": "enabled", "token_budget": 77}}),
        &[],
    );
    check(
        m,
        json!({"thinking": {"type": "enabled", "token_budget": 78}}),
        json!({"thinking": {"type": "enabled", "token_budget": 78}}),
        &[],
    );
    check("command-r-plus", json!({"reasoning_effort": "low"}), json!({}), &["reasoning_effort"]);
    check("command-r-plus", json!({"reasoning_effort": "none"}), json!({}), &[]);
    check(
        m,
        json!({"reasoning_effort": "low", "thinking": {"type": "disabled"}}),
        json!({"thinking": {"type": "disabled"}}),
        &["reasoning_effort"],
    );
    let shown = json!({"contents": [{"parts": [{"text": "hi"}]}], "generationConfig": {"thinkingConfig": {"includeThoughts": true}}});
    let (body, report) = translated(Format::GeminiGenerateContent, COHERE, m, &shown);
    assert!(body.get("thinking").is_none());
    assert_eq!(report.dropped, ["generationConfig.thinkingConfig.includeThoughts"]);
}

#[test]
fn a_shape_of_the_answer_is_told_in_words_beside_tools() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let format = json!({"type": "json_schema", "json_schema": {"name": "n", "strict": true, "schema": schema}});
    let told = json!({"response_format": {"type": "json_object", "json_schema": schema}});
    check("m", json!({"response_format": format}), told, &[]);
    let mut described = format.clone();
    described["json_schema"]["description"] = json!("d");
    let told = json!({"response_format": {"type": "json_object", "json_schema": schema}});
    check("m", json!({"response_format": described}), told, &["response_format.json_schema.description"]);
    check(
        "m",
        json!({"response_format": {"type": "json_object"}}),
        json!({"response_format": {"type": "json_object"}}),
        &[],
    );
    check("m", json!({"response_format": {"type": "text"}}), json!({}), &[]);
    let body = with(json!({}), &json!({"response_format": format, "tools": [tool("t", &[])]}));
    let (body, report) = translated(OPENAI, COHERE, "m", &body);
    assert!(body.get("response_format").is_none());
    assert_eq!(body["messages"][0]["role"], "system");
    assert!(body["messages"][0]["content"].as_str().unwrap().ends_with(&schema.to_string()));
    assert_eq!(report.approximated, ["response_format"]);
}

#[test]
fn tools_are_forced_one_by_one_and_strict_together() {
    let (strict, loose) = (tool("a", &["x"]), tool("b", &[]));
    let both = json!([strict, loose]);
    check("m", json!({"tools": both, "tool_choice": "auto"}), json!({"tools": both}), &[]);
    check(
        "m",
        json!({"tools": both, "tool_choice": "required"}),
        json!({"tools": both, "tool_choice": "REQUIRED"}),
        &[],
    );
    check("m", json!({"tools": both, "tool_choice": "none"}), json!({"tools": both, "tool_choice": "NONE"}), &[]);
    check(
        "m",
        json!({"tools": both, "tool_choice": {"type": "function", "function": {"name": "b"}}}),
        json!({"tools": [loose], "tool_choice": "REQUIRED"}),
        &["tools[].function", "tool_choice"],
    );
    check("m", json!({"tool_choice": "required"}), json!({}), &["tool_choice"]);
    let asked = |tool: &Value| {
        let mut tool = tool.clone();
        tool["function"]["strict"] = json!(true);
        tool
    };
    check("m", json!({"tools": [asked(&strict)]}), json!({"tools": [strict], "strict_tools": true}), &[]);
    check("m", json!({"tools": [asked(&strict), asked(&loose)]}), json!({"tools": both}), &["tools[].strict"]);
    let bare = json!([{"type": "function", "function": {"name": "t"}}]);
    let schema = json!({"type": "object", "properties": {}});
    check(
        "m",
        json!({"tools": bare}),
        json!({"tools": [{"type": "function", "function": {"name": "t", "parameters": schema}}]}),
        &[],
    );
}

#[test]
fn strict_tools_reach_other_formats_and_come_out_again() {
    let own = with(json!({}), &json!({"tools": [tool("a", &["x"]), tool("b", &["x"])], "strict_tools": true}));
    let (body, _) = translated(COHERE, OPENAI, "m", &own);
    assert_eq!(body["tools"][1]["function"]["strict"], true);
    for strict_tools in [json!(true), json!(false), json!(null)] {
        let mut own = own.clone();
        own["strict_tools"] = strict_tools;
        own["tools"][0]["function"]["strict"] = json!(true);
        let mut report = Report::default();
        let rules = ServerRules { max_tokens: "max_tokens", stream_usage: true, cloud: false };
        let again = encode_request(COHERE, decoded(COHERE, &own), rules, &mut Names::default(), &mut report).unwrap();
        assert_eq!(again.body, own);
    }
}

#[test]
fn what_cannot_be_asked_of_cohere_is_refused_by_name() {
    let refused = |from, more: Value, param: &str| {
        let mut report = Report::default();
        let request = decoded(from, &with(json!({"max_tokens": 1}), &more));
        let rules = ServerRules { max_tokens: "max_tokens", stream_usage: true, cloud: false };
        let error = encode_request(COHERE, request, rules, &mut Names::default(), &mut report).unwrap_err();
        assert_eq!(error.param.as_deref(), Some(param), "{error}");
        assert_eq!(error.code.as_deref(), Some("unsupported_parameter"));
    };
    refused(OPENAI, json!({"n": 2}), "n");
    refused(OPENAI, json!({"modalities": ["text", "audio"], "audio": {"voice": "v"}}), "audio");
    refused(OPENAI, json!({"functions": [{"name": "f"}]}), "functions");
    refused(OPENAI, json!({"tools": [{"type": "custom", "custom": {"name": "c"}}]}), "tools[0].type");
    let said = |part: Value| json!({"messages": [{"role": "user", "content": [part]}]});
    refused(
        OPENAI,
        said(json!({"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}})),
        "messages[].content[].type",
    );
    let pdf = json!({"type": "file", "file": {"file_data": "data:application/pdf;base64,AA==", "filename": "a.pdf"}});
    refused(OPENAI, said(pdf), "messages");
    let (_, report) = translated(
        ANTHROPIC,
        COHERE,
        "m",
        &with(json!({"max_tokens": 1}), &json!({"tools": [{"type": "web_search_20250305", "name": "web_search"}]})),
    );
    assert_eq!(report.dropped, ["tools[].web_search_20250305"], "what Claude's clients always send is no reason");
}

#[test]
fn params_of_a_route_become_members_of_a_relayed_body() {
    let params = json!({
        "max_completion_tokens": 9, "top_p": 0.3, "stop": "x", "reasoning_effort": "none", "safety_mode": "STRICT",
        "tool_choice": "required", "seed": 1, "user": "u", "response_format": {"type": "json_object"}
    });
    let mut report = Report::default();
    let members = crate::formats::encode_params(
        COHERE,
        params.as_object().unwrap().clone(),
        "command-a-plus",
        false,
        &mut report,
    )
    .unwrap();
    let expected = json!({
        "max_tokens": 9, "p": 0.3, "stop_sequences": ["x"], "thinking": {"type": "disabled"}, "safety_mode": "STRICT",
        "tool_choice": "REQUIRED", "seed": 1, "response_format": {"type": "json_object"}
    });
    assert_eq!(Value::Object(members), expected);
    assert_eq!(report.dropped, ["user"]);
}
