//! Requests: losslessly to the own format, and to and from others.

use super::corpus::cases;
use super::*;
use Format::{AnthropicMessages, OpenAIChat, OpenAIResponses};

#[track_caller]
fn comes_back(body: Value) {
    let (back, report) = request(OpenAIResponses, OpenAIResponses, body.clone());
    assert_eq!(back, body);
    assert_eq!(report, Report::default());
}

#[test]
fn recorded_requests_come_back_equal() {
    for case in cases() {
        let Some(body) = case.request else { continue };
        let (back, report) = request(OpenAIResponses, OpenAIResponses, body.clone());
        assert_eq!(back, body, "{}", case.id);
        assert_eq!(report, Report::default(), "{}", case.id);
    }
}

#[test]
fn every_form_of_a_request_comes_back_equal() {
    comes_back(json!({"model": "m", "input": "hi"}));
    comes_back(json!({"model": "m", "input": []}));
    comes_back(json!({"model": "m", "input": null, "prompt": {"id": "p"}}));
    comes_back(json!({"model": "m", "previous_response_id": "r", "conversation": null, "instructions": null}));
    comes_back(json!({"input": [
        {"role": "user", "content": "a"},
        {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "b"}], "status": "completed"},
        {"role": "assistant", "content": null, "phase": "commentary"},
        {"role": "tomorrow", "content": [{"type": "input_smell", "smell": 1}]},
        {"type": "message", "role": "user"},
        {"role": "user", "content": []},
        {"type": "item_reference", "id": "x"},
        {"id": "y"},
        {"type": "tomorrow_call", "id": "z", "x": null},
    ]}));
    comes_back(json!({"input": [{"role": "user", "content": [
        {"type": "input_text", "text": "t", "prompt_cache_breakpoint": {"mode": "explicit"}},
        {"type": "input_text", "text": "t", "prompt_cache_breakpoint": {"mode": "tomorrow"}},
        {"type": "input_text", "text": null},
        {"type": "input_image", "image_url": "https://h/i.png", "detail": "original", "file_id": null},
        {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "auto"},
        {"type": "input_image", "image_url": null, "file_id": "file-1", "detail": "low"},
        {"type": "input_image", "detail": "low"},
        {"type": "input_file", "file_url": "https://h/d.pdf"},
        {"type": "input_file", "filename": "d.pdf", "file_data": "data:application/pdf;base64,AAAA"},
        {"type": "input_file", "filename": "d.pdf", "file_data": "AAAA"},
        {"type": "input_file", "file_id": "file-2", "filename": null},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mpeg"}},
    ]}]}));
    comes_back(json!({"input": [
        {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [
            {"type": "output_text", "text": "a", "annotations": [], "logprobs": []},
            {"type": "output_text", "text": "b", "annotations": [
                {"type": "url_citation", "url": "u", "title": "t", "start_index": 0, "end_index": 1},
                {"type": "tomorrow_citation"}, 7,
            ]},
            {"type": "refusal", "refusal": "no"},
        ]},
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "s"}], "encrypted_content": null},
        {"type": "reasoning", "id": "rs_2", "summary": [], "content": [{"type": "reasoning_text", "text": "r"}],
         "encrypted_content": "gAAA", "status": "completed"},
        {"type": "reasoning", "summary": [], "encrypted_content": "gAAA"},
        {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{\"a\": 1}", "status": "completed"},
        {"type": "function_call", "call_id": "c2", "name": "f", "arguments": ""},
        {"type": "function_call", "call_id": "c3", "name": "f", "arguments": {"a": 1}},
        {"type": "function_call", "call_id": "c4", "name": "f"},
        {"type": "function_call_output", "call_id": "c1", "output": "r", "id": null},
        {"type": "function_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "r"}]},
        {"type": "function_call_output", "output": "no call"},
        {"type": "custom_tool_call", "id": "ctc_1", "call_id": "c5", "name": "x", "input": "in"},
        {"type": "custom_tool_call_output", "call_id": "c5", "output": "out"},
        {"type": "compaction", "encrypted_content": "e"},
    ]}));
    comes_back(json!({
        "model": "m", "input": "x", "instructions": "be", "stream": true, "store": false, "background": null,
        "tools": [
            {"type": "function", "name": "f", "description": null, "parameters": {"type": "object"}, "strict": true},
            {"type": "function", "name": "g", "parameters": null, "strict": null, "defer_loading": true},
            {"type": "custom", "name": "x", "description": "d", "format": {"type": "grammar", "syntax": "lark", "definition": "s"}},
            {"type": "web_search", "search_context_size": "low"}, {"type": "computer"}, {"type": "mcp", "server_label": "s"},
            {"type": "namespace", "name": "n", "description": "d", "tools": [{"type": "function", "name": "h"}]},
        ],
        "tool_choice": {"type": "function", "name": "f"}, "parallel_tool_calls": false,
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": null}, "verbosity": "low"},
        "reasoning": {"effort": "high", "summary": "auto"}, "max_output_tokens": 5, "max_tool_calls": 2,
        "temperature": 0, "top_p": 1.0, "top_logprobs": 0, "include": ["message.output_text.logprobs", "x"],
        "metadata": {"a": "b"}, "prompt_cache_key": "k", "safety_identifier": "s", "service_tier": "flex",
        "truncation": "auto", "user": "u", "stream_options": {"include_obfuscation": false},
    }));
    for choice in [
        json!("auto"),
        json!("none"),
        json!("required"),
        json!({"type": "web_search_preview"}),
        json!({"type": "custom", "name": "x"}),
        json!({"type": "mcp", "server_label": "s", "name": "n"}),
        json!({"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]}),
        Value::Null,
    ] {
        comes_back(json!({"input": "x", "tool_choice": choice}));
    }
    for text in [
        json!({"format": {"type": "text"}}),
        json!({"format": {"type": "json_object"}}),
        json!({"format": {"type": "tomorrow"}}),
        json!({"verbosity": null}),
        json!({}),
        json!({"format": null}),
    ] {
        comes_back(
            json!({"input": "x", "text": text, "reasoning": {"effort": null}, "stop": ["a"], "seed": 0, "top_k": 1}),
        );
    }
    comes_back(json!({"input": "x", "reasoning": {}, "stop": [1], "max_output_tokens": -1, "temperature": "hot"}));
}

/// A body of one format as another's, with what was dropped and approximated.
#[track_caller]
fn becomes(from: Format, to: Format, body: Value, expected: Value, dropped: &[&str], approximated: &[&str]) {
    let (told, report) = request(from, to, body);
    assert_eq!(told, expected);
    assert_eq!(report.dropped, dropped, "dropped");
    assert_eq!(report.approximated, approximated, "approximated");
}

/// A Chat body with some members beside its message, and what the members become.
#[track_caller]
fn chat_members(members: Value, expected: Value, dropped: &[&str], approximated: &[&str]) {
    let mut body = object(members);
    body.entry("model").or_insert(json!("gpt-4o"));
    body.insert("messages".to_owned(), json!([{"role": "user", "content": "q"}]));
    let (told, report) = request(OpenAIChat, OpenAIResponses, Value::Object(body));
    let mut told = object(told);
    for key in ["model", "input"] {
        told.shift_remove(key);
    }
    let mut expected = object(expected);
    expected.entry("store").or_insert(json!(false));
    assert_eq!(Value::Object(told), Value::Object(expected));
    assert_eq!(report.dropped, dropped, "dropped");
    assert_eq!(report.approximated, approximated, "approximated");
}

#[test]
fn a_chat_conversation_becomes_items() {
    becomes(
        OpenAIChat,
        OpenAIResponses,
        json!({"model": "gpt-4o", "messages": [
            {"role": "system", "content": "be"},
            {"role": "developer", "content": [{"type": "text", "text": "brief"}]},
            {"role": "user", "content": [
                {"type": "text", "text": "look"},
                {"type": "image_url", "image_url": {"url": "https://h/i.png", "detail": "low"}},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA", "filename": "d.pdf"}},
                {"type": "file", "file": {"file_id": "file-1"}},
            ]},
            {"role": "assistant", "content": "calling", "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}},
                {"id": "c2", "type": "function", "function": {"name": "g", "arguments": ""}},
            ]},
            {"role": "tool", "tool_call_id": "c1", "content": "one"},
            {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "two"}]},
            {"role": "user", "content": "go on"},
            {"role": "assistant", "content": null, "refusal": "no"},
            {"role": "user", "content": ""},
        ], "tools": [
            {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object", "properties": {}}, "strict": true}},
            {"type": "function", "function": {"name": "g"}},
        ]}),
        json!({"model": "gpt-4o", "input": [
            {"role": "system", "content": "be"},
            {"role": "developer", "content": [{"type": "input_text", "text": "brief"}]},
            {"role": "user", "content": [
                {"type": "input_text", "text": "look"},
                {"type": "input_image", "image_url": "https://h/i.png", "detail": "low"},
                {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "auto"},
                {"type": "input_file", "file_data": "data:application/pdf;base64,AAAA", "filename": "d.pdf"},
                {"type": "input_file", "file_id": "file-1"},
            ]},
            {"role": "assistant", "content": "calling"},
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{\"a\":1}"},
            {"type": "function_call", "call_id": "c2", "name": "g", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "one"},
            {"type": "function_call_output", "call_id": "c2", "output": "two"},
            {"role": "user", "content": "go on"},
            {"type": "message", "id": "msg_oJ1vn8u30", "role": "assistant", "status": "completed",
             "content": [{"type": "refusal", "refusal": "no"}]},
            {"role": "user", "content": ""},
        ], "tools": [
            {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object", "properties": {}}, "strict": true},
            {"type": "function", "name": "g", "parameters": {"type": "object", "properties": {}}, "strict": false},
        ], "store": false}),
        &[],
        &[],
    );
}

#[test]
fn results_without_a_call_become_text_and_of_two_the_last_counts() {
    becomes(
        OpenAIChat,
        OpenAIResponses,
        json!({"model": "m", "messages": [
            {"role": "tool", "tool_call_id": "gone", "content": "old"},
            {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "c1", "content": "first"},
            {"role": "tool", "tool_call_id": "c1", "content": "second"},
        ]}),
        json!({"model": "m", "input": [
            {"role": "user", "content": "Result of an earlier tool call: old"},
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "second"},
        ], "store": false}),
        &["messages[].tool_call_id"],
        &["messages[].tool_call_id"],
    );
}

#[test]
fn chat_settings_become_this_formats() {
    let tool = json!([{"type": "function", "function": {"name": "f"}}]);
    let flat =
        json!([{"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}, "strict": false}]);
    chat_members(
        json!({"max_tokens": 5, "temperature": 0, "top_p": 0.5, "user": "u", "stream": true, "service_tier": "flex"}),
        json!({"max_output_tokens": 16, "temperature": 0, "top_p": 0.5, "user": "u", "stream": true, "service_tier": "flex"}),
        &[],
        &["max_tokens"],
    );
    chat_members(json!({"max_completion_tokens": 50, "max_tokens": 5}), json!({"max_output_tokens": 50}), &[], &[]);
    chat_members(
        json!({"stop": "x", "seed": 0, "presence_penalty": 1, "frequency_penalty": 0, "logit_bias": {"1": 2}, "top_k": 3, "prediction": {"type": "content"}}),
        json!({}),
        &["top_k", "stop", "seed", "presence_penalty", "logit_bias", "prediction"],
        &[],
    );
    chat_members(
        json!({"tools": tool, "tool_choice": {"type": "function", "function": {"name": "f"}}, "parallel_tool_calls": false}),
        json!({"tools": flat, "tool_choice": {"type": "function", "name": "f"}, "parallel_tool_calls": false}),
        &[],
        &[],
    );
    chat_members(
        json!({"tools": tool, "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "f"}}]}}}),
        json!({"tools": flat, "tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}]}}),
        &[],
        &[],
    );
    chat_members(
        json!({"tools": tool, "tool_choice": "any"}),
        json!({"tools": flat, "tool_choice": "required"}),
        &[],
        &[],
    );
    chat_members(json!({"tool_choice": "auto", "parallel_tool_calls": true}), json!({}), &[], &[]);
    chat_members(json!({"tool_choice": "required"}), json!({}), &["tool_choice"], &[]);
    chat_members(
        json!({"response_format": {"type": "json_object"}}),
        json!({"text": {"format": {"type": "json_object"}}}),
        &[],
        &[],
    );
    chat_members(
        json!({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "description": "d", "schema": {"type": "object"}}}, "verbosity": "low"}),
        json!({"text": {"format": {"type": "json_schema", "name": "n", "description": "d", "schema": {"type": "object"}}, "verbosity": "low"}}),
        &[],
        &[],
    );
    chat_members(
        json!({"logprobs": true, "top_logprobs": 2}),
        json!({"include": ["message.output_text.logprobs"], "top_logprobs": 2}),
        &[],
        &[],
    );
    chat_members(
        json!({"model": "o3", "reasoning_effort": "high", "temperature": 0.5, "top_p": 1}),
        json!({"reasoning": {"effort": "high"}, "top_p": 1, "include": ["reasoning.encrypted_content"]}),
        &["temperature"],
        &[],
    );
    chat_members(json!({"reasoning_effort": "high"}), json!({}), &["reasoning_effort"], &[]);
    chat_members(json!({"reasoning_effort": "none"}), json!({}), &[], &[]);
    chat_members(
        json!({"model": "gpt-5.1", "reasoning_effort": "none"}),
        json!({"reasoning": {"effort": "none"}, "include": ["reasoning.encrypted_content"]}),
        &[],
        &[],
    );
}

#[test]
fn members_that_both_of_openais_formats_have_go_along_both_ways() {
    let shared = json!({
        "store": true, "metadata": {"k": "v"}, "prompt_cache_key": "p", "prompt_cache_retention": "24h",
        "prompt_cache_options": {"ttl": "30m"}, "safety_identifier": "s", "moderation": {"model": "m"},
        "service_tier": "priority", "user": "u", "temperature": 1, "top_p": 1, "stream": false,
    });
    chat_members(shared.clone(), shared.clone(), &[], &[]);
    let with = |base: Value| {
        let mut body = object(shared.clone());
        body.extend(object(base));
        Value::Object(body)
    };
    becomes(
        OpenAIResponses,
        OpenAIChat,
        with(
            json!({"model": "m", "input": "q", "text": {"verbosity": "low"}, "reasoning": {"effort": "minimal", "summary": "auto"}}),
        ),
        with(
            json!({"model": "m", "messages": [{"role": "user", "content": "q"}], "verbosity": "low", "reasoning_effort": "minimal"}),
        ),
        &["reasoning.summary"],
        &[],
    );
}

#[test]
fn members_of_this_format_reach_it_from_a_chat_body() {
    chat_members(
        json!({
            "extra_body": {"max_tool_calls": 3, "truncation": "auto"}, "temperature": 1,
            "include": ["web_search_call.action.sources"], "text": {"verbosity": "high"}, "verbosity": "low",
            "reasoning": {"summary": "detailed", "max_tokens": 9}, "model": "gpt-5", "reasoning_effort": "low",
            "stream_options": {"include_usage": true, "include_obfuscation": false}, "generationConfig": {"x": 1},
            "web_search_options": {"search_context_size": "low", "user_location": {"type": "approximate", "approximate": {"country": "DE"}}},
        }),
        json!({
            "max_tool_calls": 3, "truncation": "auto", "temperature": 1,
            "include": ["reasoning.encrypted_content", "web_search_call.action.sources"], "text": {"verbosity": "high"},
            "reasoning": {"effort": "low", "summary": "detailed"}, "stream_options": {"include_obfuscation": false},
            "tools": [{"type": "web_search", "user_location": {"type": "approximate", "country": "DE"}, "search_context_size": "low"}],
        }),
        &["reasoning.max_tokens", "generationConfig"],
        &[],
    );
}

#[test]
fn what_this_format_cannot_do_is_refused_by_name() {
    let chat = |members: Value| {
        let mut body = object(members);
        body.entry("messages").or_insert(json!([{"role": "user", "content": "q"}]));
        refused(OpenAIChat, OpenAIResponses, Value::Object(body))
    };
    let unsupported = |field: &str| (field.to_owned(), "unsupported_parameter".to_owned());
    assert_eq!(chat(json!({"n": 2})), unsupported("n"));
    assert_eq!(chat(json!({"audio": {"voice": "v"}})), unsupported("audio"));
    assert_eq!(chat(json!({"functions": [{}]})), unsupported("functions"));
    assert_eq!(chat(json!({"tools": [{"type": "tomorrow"}]})), unsupported("tools[0].type"));
    let image = json!({"type": "image_url", "image_url": {"url": "file:///etc/passwd"}});
    let (field, _) = chat(json!({"messages": [{"role": "user", "content": [image]}]}));
    assert_eq!(field, "messages[].content[].image_url.url");
    let sound = json!({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}});
    assert_eq!(chat(json!({"messages": [{"role": "user", "content": [sound]}]})), unsupported("messages"));
}

#[test]
fn custom_tools_of_chat_are_custom_tools() {
    becomes(
        OpenAIChat,
        OpenAIResponses,
        json!({"model": "m", "messages": [
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": null, "tool_calls": [{"id": "c1", "type": "custom", "custom": {"name": "x", "input": "in"}}]},
            {"role": "tool", "tool_call_id": "c1", "content": "out"},
        ], "tools": [
            {"type": "custom", "custom": {"name": "x", "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "s"}}}},
            {"type": "mcp", "server_label": "s"},
        ], "tool_choice": {"type": "custom", "custom": {"name": "x"}}}),
        json!({"model": "m", "input": [
            {"role": "user", "content": "q"},
            {"type": "custom_tool_call", "call_id": "c1", "name": "x", "input": "in"},
            {"type": "custom_tool_call_output", "call_id": "c1", "output": "out"},
        ], "tools": [
            {"type": "custom", "name": "x", "format": {"type": "grammar", "syntax": "lark", "definition": "s"}},
            {"type": "mcp", "server_label": "s"},
        ], "tool_choice": {"type": "custom", "name": "x"}, "store": false}),
        &[],
        &[],
    );
}

#[test]
fn an_anthropic_conversation_becomes_items() {
    becomes(
        AnthropicMessages,
        OpenAIResponses,
        json!({"model": "gpt-5.6", "max_tokens": 100, "system": [
            {"type": "text", "text": "x-anthropic-billing-header: x"},
            {"type": "text", "text": "one"}, {"type": "text", "text": "two", "cache_control": {"type": "ephemeral"}},
        ], "messages": [
            {"role": "user", "content": [
                {"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}},
                {"type": "document", "title": "T", "source": {"type": "url", "url": "https://h/d.pdf"}},
                {"type": "document", "title": "T", "source": {"type": "text", "media_type": "text/plain", "data": "words"}},
            ]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "t", "signature": "foreign"},
                {"type": "redacted_thinking", "data": "d"},
                {"type": "thinking", "thinking": "own", "signature": "pillion:OpenAIResponses:rs_1:gAAA"},
                {"type": "text", "text": "a"}, {"type": "text", "text": "b"},
                {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}},
            ]},
            {"role": "user", "content": [
                {"type": "text", "text": "and"},
                {"type": "tool_result", "tool_use_id": "t1", "is_error": true, "content": [
                    {"type": "text", "text": "bad"}, {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
                ]},
            ]},
        ], "thinking": {"type": "enabled", "budget_tokens": 1024}, "metadata": {"user_id": "u"}, "service_tier": "standard_only",
           "stop_sequences": ["x"], "tools": [{"name": "f", "input_schema": {}}, {"type": "bash_20250124", "name": "bash"}],
           "tool_choice": {"type": "any", "disable_parallel_tool_use": true}}),
        json!({"model": "gpt-5.6", "input": [
            {"role": "system", "content": [
                {"type": "input_text", "text": "one"},
                {"type": "input_text", "text": "two", "prompt_cache_breakpoint": {"mode": "explicit"}},
            ]},
            {"role": "user", "content": [
                {"type": "input_text", "text": "hi", "prompt_cache_breakpoint": {"mode": "explicit"}},
                {"type": "input_file", "file_url": "https://h/d.pdf"},
                {"type": "input_text", "text": "T\n\nwords"},
            ]},
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "own"}], "encrypted_content": "gAAA"},
            {"role": "assistant", "content": "ab"},
            {"type": "function_call", "call_id": "t1", "name": "f", "arguments": "{\"a\":1}"},
            {"type": "function_call_output", "call_id": "t1", "output": [
                {"type": "input_text", "text": "Error:"},
                {"type": "input_text", "text": "bad"}, {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "auto"},
            ]},
            {"role": "user", "content": [{"type": "input_text", "text": "and"}]},
        ], "tools": [{"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}, "strict": false}],
           "max_output_tokens": 100, "tool_choice": "required", "parallel_tool_calls": false,
           "reasoning": {"effort": "low", "summary": "auto"}, "user": "u", "service_tier": "default",
           "store": false, "include": ["reasoning.encrypted_content"]}),
        &[
            "system.x-anthropic-billing-header",
            "messages[].content[].thinking",
            "messages[].content[].redacted_thinking",
            "tools[].bash_20250124",
            "stop",
        ],
        &["messages[].content[].document", "messages[].content[].is_error", "thinking.budget_tokens"],
    );
}

#[test]
fn items_become_turns_of_other_formats() {
    let body = json!({"model": "m", "instructions": "be", "store": false, "include": ["reasoning.encrypted_content"],
        "truncation": "disabled", "stream_options": {"include_obfuscation": false}, "input": [
        {"type": "message", "role": "user", "content": [
            {"type": "input_text", "text": "q"}, {"type": "input_image", "image_url": "https://h/i.png", "detail": "original"},
        ], "status": "completed"},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": null},
        {"type": "web_search_call", "id": "ws_1", "status": "completed"},
        {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [
            {"type": "output_text", "text": "calling", "annotations": [], "logprobs": []},
        ]},
        {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{\"a\":1}", "status": "completed"},
        {"type": "function_call", "id": "fc_2", "call_id": "c2", "name": "f", "arguments": "{}", "status": "completed"},
        {"type": "function_call_output", "call_id": "c1", "output": "one"},
        {"type": "function_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "two"}]},
    ], "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": null}],
       "tool_choice": {"type": "function", "name": "f"}});
    becomes(
        OpenAIResponses,
        OpenAIChat,
        body.clone(),
        json!({"model": "m", "messages": [
            {"role": "system", "content": "be"},
            {"role": "user", "content": [
                {"type": "text", "text": "q"}, {"type": "image_url", "image_url": {"url": "https://h/i.png", "detail": "high"}},
            ]},
            {"role": "assistant", "content": "calling", "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}},
                {"id": "c2", "type": "function", "function": {"name": "f", "arguments": "{}"}},
            ]},
            {"role": "tool", "tool_call_id": "c1", "content": "one"},
            {"role": "tool", "tool_call_id": "c2", "content": "two"},
        ], "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
           "tool_choice": {"type": "function", "function": {"name": "f"}}, "store": false}),
        &["input[].web_search_call"],
        &[],
    );
    let (told, report) = request(OpenAIResponses, AnthropicMessages, body);
    assert_eq!(told["system"], "be");
    assert_eq!(
        told["messages"][1]["content"],
        json!([
            {"type": "text", "text": "calling"},
            {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}},
            {"type": "tool_use", "id": "c2", "name": "f", "input": {}},
        ])
    );
    assert_eq!(told["messages"][2]["content"].as_array().unwrap().len(), 2);
    assert_eq!(report.dropped, ["input[].web_search_call", "messages[].content[].detail"]);
}

#[test]
fn custom_tools_are_functions_of_one_text_elsewhere() {
    let (told, report) = request(
        OpenAIResponses,
        OpenAIChat,
        json!({"model": "m", "input": [
        {"role": "user", "content": "q"},
        {"type": "custom_tool_call", "id": "ctc_1", "call_id": "c1", "name": "patch", "input": "*** \"a\""},
        {"type": "custom_tool_call_output", "call_id": "c1", "output": "ok"},
    ], "tools": [{"type": "custom", "name": "patch", "description": "d", "format": {"type": "grammar", "syntax": "lark", "definition": "s: x"}}],
       "tool_choice": {"type": "custom", "name": "patch"}}),
    );
    let function = &told["tools"][0]["function"];
    assert_eq!(function["description"], "d\n\nThe input must match this lark grammar:\ns: x");
    assert_eq!(function["parameters"]["required"], json!(["input"]));
    assert_eq!(told["tool_choice"], json!({"type": "function", "function": {"name": "patch"}}));
    let call = &told["messages"][1]["tool_calls"][0]["function"];
    assert_eq!(call, &json!({"name": "patch", "arguments": "{\"input\":\"*** \\\"a\\\"\"}"}));
    assert_eq!(told["messages"][2], json!({"role": "tool", "tool_call_id": "c1", "content": "ok"}));
    assert_eq!(
        (report.dropped.as_slice(), report.approximated.as_slice()),
        (&[][..], &["tools[].custom".to_owned()][..])
    );
}

#[test]
fn what_only_the_vendors_servers_hold_is_refused_elsewhere() {
    for to in [OpenAIChat, AnthropicMessages] {
        for (body, field) in [
            (json!({"input": "q", "previous_response_id": "r"}), "previous_response_id"),
            (json!({"input": "q", "conversation": {"id": "c"}}), "conversation"),
            (json!({"input": "q", "background": true}), "background"),
            (json!({"prompt": {"id": "p"}}), "prompt"),
            (json!({"input": [{"role": "user", "content": "q"}, {"type": "item_reference", "id": "x"}]}), "input[1]"),
            (json!({"input": [{"id": "x"}]}), "input[0]"),
            (json!({"input": [{"type": "compaction", "encrypted_content": "e"}]}), "input[0]"),
            (json!({"input": [{"type": "computer_call_output", "call_id": "c", "output": {}}]}), "input[0].type"),
        ] {
            let refusal = (field.to_owned(), "unsupported_parameter".to_owned());
            assert_eq!(refused(OpenAIResponses, to, body), refusal);
        }
        let says_nothing = json!({"input": "q", "previous_response_id": null, "conversation": null, "background": false, "prompt": null});
        assert!(try_request(OpenAIResponses, to, says_nothing).is_ok());
    }
}

#[test]
fn thinking_goes_back_to_its_own_vendor_only() {
    let input = |encrypted: &str| {
        json!({"model": "claude-sonnet-4-5", "input": [
        {"role": "user", "content": "q"},
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "t"}], "encrypted_content": encrypted},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "r"},
    ], "tools": [{"type": "function", "name": "f", "parameters": {}, "strict": false}]})
    };
    let first = |encrypted: &str| {
        let (told, _) = request(OpenAIResponses, AnthropicMessages, input(encrypted));
        told["messages"][1]["content"][0].clone()
    };
    assert_eq!(
        first("pillion:AnthropicMessages:sig"),
        json!({"type": "thinking", "thinking": "t", "signature": "sig"})
    );
    assert_eq!(first("pillion:AnthropicMessages:redacted:data"), json!({"type": "redacted_thinking", "data": "data"}));
    for foreign in ["gAAA", "pillion:GeminiGenerateContent:sig", "pillion:OpenAIChat:"] {
        assert_eq!(first(foreign)["type"], "tool_use", "{foreign}");
    }
    let (told, _) = request(OpenAIResponses, OpenAIChat, input("pillion:OpenAIChat:"));
    assert_eq!(told["messages"][1]["reasoning_content"], "t");
    // What another vendor signed is taken out before it goes to this one.
    let (told, report) = request(OpenAIResponses, OpenAIResponses, input("pillion:AnthropicMessages:sig"));
    assert_eq!(told["input"].as_array().unwrap().len(), 3);
    assert_eq!(report.dropped, ["input[].reasoning"]);
}

#[test]
fn params_of_a_route_become_members_within_their_objects() {
    let params = object(json!({"max_tokens": 100, "reasoning_effort": "low", "verbosity": "low", "seed": 1,
        "response_format": {"type": "json_object"}, "metadata": {"a": "b"}, "parallel_tool_calls": false}));
    let mut report = Report::default();
    let members = encode_params(params, "gpt-5", true, &mut report).unwrap();
    assert_eq!(
        Value::Object(members),
        json!({
            "max_output_tokens": 100, "reasoning": {"effort": "low"},
            "text": {"format": {"type": "json_object"}, "verbosity": "low"}, "metadata": {"a": "b"}, "parallel_tool_calls": false,
        })
    );
    assert_eq!(report.dropped, ["seed"]);
}

#[test]
fn members_without_a_place_elsewhere_are_named_where_they_stand() {
    let body = json!({
        "model": "claude-sonnet-4-5", "input": "q", "max_output_tokens": 50, "safety_identifier": "s",
        "text": {"verbosity": "low", "format": {"type": "text"}}, "reasoning": {"summary": "auto", "context": "auto"},
        "truncation": "auto", "include": ["reasoning.encrypted_content", "file_search_call.results"],
        "prompt_cache_key": "k", "max_tool_calls": 1, "metadata": {},
    });
    becomes(
        OpenAIResponses,
        AnthropicMessages,
        body,
        json!({"model": "claude-sonnet-4-5", "max_tokens": 50, "metadata": {"user_id": "s"}, "messages": [{"role": "user", "content": "q"}]}),
        &[
            "reasoning.context",
            "text.verbosity",
            "reasoning.summary",
            "truncation",
            "include",
            "prompt_cache_key",
            "max_tool_calls",
        ],
        &[],
    );
}

#[test]
fn a_web_search_of_anthropics_is_one_of_this_formats() {
    let place = json!({"type": "approximate", "city": "Berlin"});
    let tool = json!({"type": "web_search_20250305", "name": "web_search", "max_uses": 3, "allowed_domains": ["a"], "user_location": place});
    let (told, report) = request(
        AnthropicMessages,
        OpenAIResponses,
        json!({
            "model": "m", "max_tokens": 99, "messages": [{"role": "user", "content": "q"}], "tools": [tool],
        }),
    );
    assert_eq!(
        told["tools"],
        json!([{"type": "web_search", "filters": {"allowed_domains": ["a"]}, "user_location": place}])
    );
    assert_eq!(report.dropped, ["tools[].max_uses"]);
}

#[test]
fn a_search_of_the_web_is_anthropics_tool_there() {
    let tool = json!({"type": "web_search_preview", "search_context_size": "high", "filters": {"allowed_domains": ["a"]},
        "user_location": {"type": "approximate", "city": "Berlin"}, "external_web_access": true});
    becomes(
        OpenAIResponses,
        AnthropicMessages,
        json!({"model": "m", "input": "q", "max_output_tokens": 99, "tools": [tool]}),
        json!({"model": "m", "max_tokens": 99, "messages": [{"role": "user", "content": "q"}], "tools": [{
            "type": "web_search_20250305", "name": "web_search", "max_uses": 10, "allowed_domains": ["a"],
            "user_location": {"type": "approximate", "city": "Berlin"}}]}),
        &["tools[].external_web_access"],
        &["tools[].search_context_size"],
    );
}

#[test]
fn ids_of_calls_may_come_again_in_a_later_turn() {
    let call = |text: &str| {
        json!({"role": "assistant", "tool_calls": [
            {"id": "call_0", "type": "function", "function": {"name": text, "arguments": "{}"}},
        ]})
    };
    let result = |text: &str| json!({"role": "tool", "tool_call_id": "call_0", "content": text});
    let (told, _) = request(
        OpenAIChat,
        OpenAIResponses,
        json!({"model": "m", "messages": [
            call("f"), result("one"), call("g"), result("two"),
        ]}),
    );
    let outputs: Vec<&Value> = told["input"].as_array().unwrap().iter().filter_map(|item| item.get("output")).collect();
    assert_eq!(outputs, ["one", "two"]);
}
