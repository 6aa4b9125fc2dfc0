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
