//! Rows of the translation table: requests.

use super::*;

const OPENAI: Format = Format::OpenAIChat;
const ANTHROPIC: Format = Format::AnthropicMessages;

/// What became of one request.
struct Got {
    body: Value,
    report: Report,
}

impl Got {
    /// A member of the body.
    #[track_caller]
    fn has(self, pointer: &str, expected: Value) -> Self {
        assert_eq!(self.body.pointer(pointer).unwrap_or(&Value::Null), &expected, "{pointer} of {}", self.body);
        self
    }

    #[track_caller]
    fn dropped(self, fields: &[&str]) -> Self {
        assert_eq!(self.report.dropped, fields);
        self
    }

    #[track_caller]
    fn approximated(self, fields: &[&str]) -> Self {
        assert_eq!(self.report.approximated, fields);
        self
    }
}

#[track_caller]
fn sent(from: Format, model: &str, body: Value, rules: ServerRules) -> Got {
    let (body, report) = translate(from, GEMINI, model, body, rules).unwrap();
    Got { body, report }
}

/// An OpenAI Chat request with these members to a model of the Gemini API.
#[track_caller]
fn openai(model: &str, members: Value) -> Got {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    body.as_object_mut().unwrap().extend(object(members));
    sent(OPENAI, model, body, RULES)
}

#[track_caller]
fn refused(from: Format, members: Value, param: &str) {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    body.as_object_mut().unwrap().extend(object(members));
    let error = translate(from, GEMINI, "gemini-2.5-flash", body, RULES).unwrap_err();
    assert_eq!(error.param.as_deref(), Some(param), "{error}");
}

/// Google's Go SDK gives the empty text that ends a stream back without its text.
#[test]
fn an_empty_part_says_nothing_to_others_and_stays_for_google() {
    let body = json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}, {"role": "model", "parts": [{"text": "a"}, {}]},
                      {"role": "user", "parts": [{"text": "and?"}]}]});
    assert_eq!(sent(GEMINI, FLASH, body.clone(), RULES).body, body);
    let (body, report) = translate(GEMINI, ANTHROPIC, "claude-sonnet-4-5", body, RULES).unwrap();
    assert_eq!(body.pointer("/messages/1/content").and_then(Value::as_array).map(Vec::len), Some(1), "{body}");
    assert!(report.dropped.is_empty(), "{:?}", report.dropped);
}

const FLASH: &str = "gemini-2.5-flash";
const THIRD: &str = "gemini-3-pro-preview";

#[test]
fn system_messages_are_the_system_instruction_in_order() {
    let messages = json!([
        {"role": "system", "content": "a"},
        {"role": "developer", "content": [{"type": "text", "text": "b"}]},
        {"role": "user", "content": "hi"},
    ]);
    openai(FLASH, json!({"messages": messages}))
        .has("/systemInstruction", json!({"parts": [{"text": "a"}, {"text": "b"}]}))
        .has("/contents", json!([{"role": "user", "parts": [{"text": "hi"}]}]))
        .has("/model", Value::Null)
        .has("/stream", Value::Null)
        .approximated(&[])
        .dropped(&[]);
    // 15: Gemma takes none.
    openai("gemma-3-27b-it", json!({"messages": messages}))
        .has("/systemInstruction", Value::Null)
        .has("/contents/0/parts", json!([{"text": "a"}, {"text": "b"}, {"text": "hi"}]))
        .approximated(&["messages[].role"]);
    // 13: in the middle it joins the others.
    let middle = json!([{"role": "user", "content": "hi"}, {"role": "system", "content": "a"}]);
    openai(FLASH, json!({"messages": middle}))
        .has("/systemInstruction/parts", json!([{"text": "a"}]))
        .approximated(&["messages[].role"]);
    // A prompt alone is asked by the user.
    openai(FLASH, json!({"messages": [{"role": "system", "content": "a"}]}))
        .has("/contents", json!([{"role": "user", "parts": [{"text": "a"}]}]))
        .has("/systemInstruction", Value::Null);
    refused(OPENAI, json!({"messages": []}), "messages");
}

fn call(id: &str, name: &str, arguments: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
}

#[test]
fn calls_and_results_stand_together_in_order_and_number() {
    // 17, 18, 33, 34, 107
    let calls = json!([call("1", "a", "{\"x\": 1}"), call("2", "b", ""), call("3", "a", "[1]")]);
    let messages = json!([
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": null, "tool_calls": calls},
        {"role": "tool", "tool_call_id": "2", "content": "plain"},
        {"role": "tool", "tool_call_id": "1", "content": "{\"deg\": 3}"},
        {"role": "tool", "tool_call_id": "3", "content": "[1, 2]"},
        {"role": "user", "content": "and?"},
    ]);
    let got =
        openai(FLASH, json!({"messages": messages})).approximated(&["messages[].tool_calls[].function.arguments"]);
    let call = |id: &str, name: &str, args: Value| json!({"functionCall": {"id": id, "name": name, "args": args}});
    let result = |id: &str, name: &str, response: Value| json!({"functionResponse": {"id": id, "name": name, "response": response}});
    got.has(
        "/contents/1",
        json!({"role": "model", "parts": [
            call("1", "a", json!({"x": 1})), call("2", "b", json!({})), call("3", "a", json!({})),
        ]}),
    )
    .has(
        "/contents/2",
        json!({"role": "user", "parts": [
            result("1", "a", json!({"deg": 3})), result("2", "b", json!({"result": "plain"})),
            result("3", "a", json!({"result": [1, 2]})), {"text": "and?"},
        ]}),
    )
    .has("/contents/3", Value::Null);
}

#[test]
fn results_without_calls_are_text_and_calls_without_results_are_answered() {
    // 4, 5
    let messages = json!([
        {"role": "user", "content": "hi"},
        {"role": "assistant", "tool_calls": [call("1", "a", "{}"), call("2", "a", "{}")]},
        {"role": "tool", "tool_call_id": "1", "content": "old"},
        {"role": "tool", "tool_call_id": "1", "content": "new"},
        {"role": "tool", "tool_call_id": "9", "content": "lost"},
    ]);
    let parts = openai(FLASH, json!({"messages": messages}))
        .approximated(&["messages[].tool_call_id", "messages[].tool_calls"])
        .dropped(&["messages[].tool_call_id"])
        .body["contents"][2]["parts"]
        .clone();
    assert_eq!(
        parts,
        json!([
            {"functionResponse": {"id": "1", "name": "a", "response": {"result": "new"}}},
            {"functionResponse": {"id": "2", "name": "a", "response": {"error": "no result was given"}}},
            {"text": "Result of an earlier tool call: lost"},
        ])
    );
}

#[test]
fn turns_alternate_and_the_user_begins() {
    // 12, 19, 8, 9, 10
    let messages = json!([
        {"role": "assistant", "content": "hello"},
        {"role": "assistant", "content": ""},
        {"role": "assistant", "content": "again"},
        {"role": "user", "content": "a"},
        {"role": "user", "content": [{"type": "text", "text": ""}, {"type": "text", "text": "b"}]},
        {"role": "assistant", "content": "begun "},
    ]);
    openai(FLASH, json!({"messages": messages}))
        .has(
            "/contents",
            json!([
                {"role": "user", "parts": [{"text": "(empty)"}]},
                {"role": "model", "parts": [{"text": "hello"}, {"text": "again"}]},
                {"role": "user", "parts": [{"text": "a"}, {"text": "b"}]},
                {"role": "model", "parts": [{"text": "begun "}]},
            ]),
        )
        .approximated(&["messages"]);
}

#[test]
fn media_are_inline_or_by_address() {
    // 21, 22, 24, 26, 27
    let image = |url: &str| json!({"type": "image_url", "image_url": {"url": url}});
    let parts = |cloud: bool, part: Value| {
        let messages = json!([{"role": "user", "content": [part]}]);
        let rules = if cloud { CLOUD } else { RULES };
        let got = sent(OPENAI, FLASH, json!({"messages": messages}), rules);
        (got.body["contents"][0]["parts"][0].clone(), got.report.approximated.len())
    };
    for (url, cloud, expected, approximated) in [
        ("data:image/jpg;base64,AAAA", false, json!({"inlineData": {"mimeType": "image/jpeg", "data": "AAAA"}}), 0),
        ("data:image/png;x=y;base64,AAAA", false, json!({"inlineData": {"mimeType": "image/png", "data": "AAAA"}}), 0),
        ("https://h/a.png?b", true, json!({"fileData": {"mimeType": "image/png", "fileUri": "https://h/a.png?b"}}), 0),
        ("gs://b/film.mp4", true, json!({"fileData": {"mimeType": "video/mp4", "fileUri": "gs://b/film.mp4"}}), 0),
        ("https://h/a", false, json!({"fileData": {"fileUri": "https://h/a"}}), 0),
        ("https://h/a", true, json!({"fileData": {"mimeType": "image/jpeg", "fileUri": "https://h/a"}}), 1),
        (
            "https://youtu.be/x",
            true,
            json!({"fileData": {"mimeType": "video/mp4", "fileUri": "https://youtu.be/x"}}),
            0,
        ),
    ] {
        assert_eq!(parts(cloud, image(url)), (expected, approximated), "{url}");
    }
    let google = "https://generativelanguage.googleapis.com/v1beta/files/abc";
    let file = json!({"type": "file", "file": {"file_id": google}});
    assert_eq!(parts(false, file).0, json!({"fileData": {"fileUri": google}}));
    let audio = json!({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}});
    assert_eq!(parts(false, audio).0, json!({"inlineData": {"mimeType": "audio/mp3", "data": "AAAA"}}));
    let content = |part: Value| json!({"messages": [{"role": "user", "content": [part]}]});
    refused(OPENAI, content(image("nothing")), "messages[].content[].image_url.url");
    refused(
        OPENAI,
        content(json!({"type": "file", "file": {"file_id": "file-1"}})),
        "messages[].content[].file.file_data",
    );
    refused(OPENAI, content(json!({"type": "hologram"})), "messages[].content[].type");
    let said = json!([{"role": "user", "content": "q"}, {"role": "assistant", "content": [image("data:image/png;base64,AAAA")]}]);
    openai(FLASH, json!({"messages": said}))
        .has("/contents/1/parts", json!([{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]));
}

#[test]
fn a_tools_result_may_hold_pictures() {
    // 25
    let result = json!([{"type": "text", "text": "seen"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}]);
    let messages = json!([
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "look", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": result, "is_error": false}]},
    ]);
    let picture = json!({"inlineData": {"mimeType": "image/png", "data": "AAAA"}});
    let response = json!({"id": "1", "name": "look", "response": {"result": "seen"}});
    sent(ANTHROPIC, FLASH, json!({"max_tokens": 9, "messages": messages}), RULES)
        .has("/contents/2/parts", json!([{"functionResponse": response}, picture]))
        .approximated(&["messages[].content[].tool_result.content"]);
    let within = json!({"id": "1", "name": "look", "response": {"result": "seen"}, "parts": [picture]});
    sent(ANTHROPIC, THIRD, json!({"max_tokens": 9, "messages": messages}), RULES)
        .has("/contents/2/parts", json!([{"functionResponse": within}]))
        .approximated(&[]);
    // 30: a failure is one.
    let failed = json!([
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "look", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": "no", "is_error": true}]},
    ]);
    sent(ANTHROPIC, FLASH, json!({"max_tokens": 9, "messages": failed}), RULES)
        .has("/contents/2/parts/0/functionResponse/response", json!({"error": "no"}));
}

#[test]
fn settings_stand_in_the_generation_config() {
    // 68, 76, 77, 78, 81, 88, 89
    openai(FLASH, json!({"max_completion_tokens": 7, "temperature": 0, "top_p": 0.5, "top_k": 4, "seed": 0, "stop": "x",
        "presence_penalty": 0.1, "frequency_penalty": -0.1, "logprobs": true, "top_logprobs": 3, "service_tier": "flex"}))
    .has("/generationConfig", json!({"maxOutputTokens": 7, "temperature": 0, "topP": 0.5, "topK": 4, "seed": 0,
        "presencePenalty": 0.1, "frequencyPenalty": -0.1, "stopSequences": ["x"], "responseLogprobs": true, "logprobs": 3}))
    .has("/serviceTier", json!("flex"))
    .dropped(&[])
    .approximated(&[]);
    openai(FLASH, json!({"stop": ["1", "", "2", "3", "4", "5", "6"], "seed": 9_999_999_999_u64, "user": "u", "logit_bias": {"1": 1}}))
        .has("/generationConfig/stopSequences", json!(["1", "2", "3", "4", "5"]))
        .approximated(&["seed", "stop"])
        .dropped(&["user", "logit_bias"]);
    let tier =
        sent(OPENAI, FLASH, json!({"messages": [{"role": "user", "content": "q"}], "service_tier": "flex"}), CLOUD);
    tier.has("/serviceTier", Value::Null).dropped(&["service_tier"]);
    refused(OPENAI, json!({"n": 2}), "n");
    refused(OPENAI, json!({"audio": {"voice": "v"}}), "audio");
    openai(FLASH, json!({"n": 1, "stream_options": {"include_usage": true}, "modalities": ["text"]})).dropped(&[]);
}

#[test]
fn a_bound_that_is_no_count_is_named() {
    for bound in [json!("50"), json!(-5)] {
        refused(OPENAI, json!({"max_tokens": bound}), "max_tokens");
    }
    openai(FLASH, json!({"max_tokens": 50, "max_completion_tokens": 60}))
        .has("/generationConfig/maxOutputTokens", json!(60))
        .dropped(&[]);
}

#[test]
fn annotations_of_earlier_answers_are_named() {
    let annotation = json!({"type": "url_citation", "url_citation": {"start_index": 0, "end_index": 1, "url": "https://a", "title": "A"}});
    let messages = json!([
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": "a", "annotations": [annotation]},
        {"role": "user", "content": "and?"},
    ]);
    openai(FLASH, json!({"messages": messages}))
        .has("/contents/1/parts", json!([{"text": "a"}]))
        .dropped(&["messages[].annotations"]);
}

#[test]
fn a_budget_beside_an_effort_is_named() {
    let thinking = json!({"type": "enabled", "budget_tokens": 2000});
    openai(FLASH, json!({"reasoning_effort": "high", "thinking": thinking}))
        .has("/generationConfig/thinkingConfig", json!({"thinkingBudget": 24_576, "includeThoughts": true}))
        .dropped(&["thinking.budget_tokens"]);
}

#[test]
fn the_shape_of_the_answer_is_a_type_and_a_schema() {
    // 86
    let schema = json!({"type": "object", "properties": {"a": {"type": ["string", "null"]}}, "required": ["a"], "additionalProperties": false});
    let format = json!({"type": "json_schema", "json_schema": {"name": "n", "strict": true, "schema": schema}});
    let written =
        json!({"type": "OBJECT", "properties": {"a": {"type": "STRING", "nullable": true}}, "required": ["a"]});
    openai(FLASH, json!({"response_format": format}))
        .has("/generationConfig", json!({"responseMimeType": "application/json", "responseSchema": written}))
        .approximated(&[]);
    openai(FLASH, json!({"response_format": {"type": "json_object"}}))
        .has("/generationConfig", json!({"responseMimeType": "application/json"}));
    openai(FLASH, json!({"response_format": {"type": "text"}})).has("/generationConfig", Value::Null);
    // Beside functions only the third takes one.
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    openai(THIRD, json!({"response_format": format, "tools": tools}))
        .has("/generationConfig/responseSchema", written)
        .approximated(&[]);
    let got = openai(FLASH, json!({"response_format": format, "tools": tools})).approximated(&["response_format"]);
    assert!(got.body["systemInstruction"]["parts"][0]["text"].as_str().unwrap().contains("\"additionalProperties\""));
    got.has("/generationConfig", Value::Null);
}

#[test]
fn tools_stand_in_one_object_of_each_kind() {
    // 59, 60, 63, 65
    let function = |name: &str| {
        json!({"type": "function", "function": {"name": name, "description": "d",
        "parameters": {"type": "object", "properties": {"x": {"type": "integer"}}}}})
    };
    let declared = |name: &str| {
        json!({"name": name, "description": "d",
        "parameters": {"type": "OBJECT", "properties": {"x": {"type": "INTEGER"}}}})
    };
    let tools = json!([{"googleSearch": {}}, function("b"), {"url_context": {}}, function("a"),
        {"functionDeclarations": [{"name": "c"}], "code_execution": {}}]);
    let got = openai("gemini-3.1-pro-preview", json!({"tools": tools}));
    got.has(
        "/tools",
        json!([
            {"functionDeclarations": [declared("b"), declared("a"), {"name": "c"}]},
            {"googleSearch": {}}, {"urlContext": {}}, {"codeExecution": {}},
        ]),
    )
    .has("/toolConfig", json!({"includeServerSideToolInvocations": true}))
    .dropped(&[]);
    openai(FLASH, json!({"tools": [{"googleSearch": {}}]})).has("/tools", json!([{"googleSearch": {}}]));
    openai(FLASH, json!({"tools": [{"type": "web_search_preview"}]}))
        .has("/tools", json!([{"googleSearch": {}}]))
        .approximated(&["tools[].web_search_preview"]);
    openai(FLASH, json!({"web_search_options": {}})).has("/tools", json!([{"googleSearch": {}}]));
    // Null and false ask for none.
    for none in [json!(null), json!(false)] {
        openai(FLASH, json!({"web_search_options": none, "tools": [function("a")]}))
            .has("/tools", json!([{"functionDeclarations": [declared("a")]}]))
            .approximated(&[])
            .dropped(&[]);
    }
    // It is Google's own tool like any other.
    openai(THIRD, json!({"web_search_options": {}, "tools": [function("a"), {"googleSearch": {}}]}))
        .has("/tools", json!([{"functionDeclarations": [declared("a")]}, {"googleSearch": {}}]));
    openai(THIRD, json!({"web_search_options": {}, "tools": [function("a")]}))
        .has("/tools", json!([{"functionDeclarations": [declared("a")]}, {"googleSearch": {}}]))
        .has("/toolConfig", json!({"includeServerSideToolInvocations": true}));
    refused(OPENAI, json!({"web_search_options": {}, "tools": [function("a")]}), "tools");
    // An older model takes one kind or the other.
    refused(OPENAI, json!({"tools": [{"googleSearch": {}}, function("a")]}), "tools");
    refused(OPENAI, json!({"tools": [{"type": "computer_use"}]}), "tools[0].type");
    refused(OPENAI, json!({"tools": [{"enterpriseWebSearch": {}}]}), "tools[0].enterpriseWebSearch");
    let bash = json!({"max_tokens": 1, "messages": [{"role": "user", "content": "q"}], "tools": [{"type": "bash_20250124", "name": "bash"}]});
    sent(ANTHROPIC, FLASH, bash, RULES).has("/tools", Value::Null).dropped(&["tools[].bash_20250124"]);
}

#[test]
fn choices_among_tools_are_modes() {
    // 7, 54, 56
    let tools =
        json!([{"type": "function", "function": {"name": "f"}}, {"type": "function", "function": {"name": "9.g"}}]);
    let chosen = |choice: Value| {
        openai(FLASH, json!({"tools": tools, "tool_choice": choice})).body["toolConfig"]["functionCallingConfig"]
            .clone()
    };
    assert_eq!(chosen(json!("auto")), json!({"mode": "AUTO"}));
    assert_eq!(chosen(json!("none")), json!({"mode": "NONE"}));
    assert_eq!(chosen(json!("required")), json!({"mode": "ANY"}));
    let f = json!({"type": "function", "function": {"name": "f"}});
    assert_eq!(chosen(f.clone()), json!({"mode": "ANY", "allowedFunctionNames": ["f"]}));
    let allowed = |mode: &str| json!({"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": [f]}});
    assert_eq!(chosen(allowed("required")), json!({"mode": "ANY", "allowedFunctionNames": ["f"]}));
    assert_eq!(chosen(allowed("auto")), json!({"mode": "VALIDATED", "allowedFunctionNames": ["f"]}));
    let got = openai(
        FLASH,
        json!({"tools": tools, "tool_choice": {"type": "function", "function": {"name": "9.g"}}, "parallel_tool_calls": false}),
    );
    let sent = got.body["tools"][0]["functionDeclarations"][1]["name"].as_str().unwrap().to_owned();
    assert!(sent.starts_with("_9g_"), "{sent}");
    got.has("/toolConfig/functionCallingConfig/allowedFunctionNames/0", json!(sent))
        .approximated(&["tools[].name"])
        .dropped(&["parallel_tool_calls"]);
    openai(FLASH, json!({"tools": [{"googleSearch": {}}], "tool_choice": "auto"}))
        .has("/toolConfig", Value::Null)
        .dropped(&[]);
    openai(FLASH, json!({"tool_choice": "required"})).has("/toolConfig", Value::Null).dropped(&["tool_choice"]);
}

#[test]
fn googles_own_members_arrive_from_wherever_they_stand() {
    let config = json!({"thinkingConfig": {"include_thoughts": true, "thinking_budget": 200}, "speechConfig": {"languageCode": "de"}});
    let own = json!({"generationConfig": config, "safety_settings": [{"category": "c", "threshold": "OFF"}], "cachedContent": "cachedContents/1"});
    let expected = json!({"temperature": 1, "speechConfig": {"languageCode": "de"},
        "thinkingConfig": {"includeThoughts": true, "thinkingBudget": 200}});
    for body in [own.clone(), json!({ "extra_body": own })] {
        let mut body = body;
        body["temperature"] = json!(1);
        // The client's own words count.
        body["reasoning_effort"] = json!("high");
        openai(FLASH, body)
            .has("/generationConfig", expected.clone())
            .has("/safetySettings/0/threshold", json!("OFF"))
            .has("/cachedContent", json!("cachedContents/1"))
            .has("/extra_body", Value::Null)
            .dropped(&[]);
    }
    let google = json!({"google": {"thinking_config": {"thinking_level": "low"}, "cached_content": "c", "odd": 1}});
    openai(THIRD, json!({ "extra_body": google }))
        .has("/generationConfig/thinkingConfig", json!({"thinkingLevel": "low"}))
        .has("/cachedContent", json!("c"))
        .dropped(&["google"]);
    let labels = json!({"messages": [{"role": "user", "content": "q"}], "labels": {"team": "a"}});
    sent(OPENAI, FLASH, labels.clone(), CLOUD).has("/labels", json!({"team": "a"})).dropped(&[]);
    sent(OPENAI, FLASH, labels, RULES).has("/labels", Value::Null).dropped(&["labels"]);
    let schema = json!({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "string"}}},
        "generation_config": {"responseJsonSchema": {"type": "number"}}});
    openai(FLASH, schema).has(
        "/generationConfig",
        json!({"responseMimeType": "application/json", "responseJsonSchema": {"type": "number"}}),
    );
}

#[test]
fn signatures_find_their_calls_again() {
    // 106, 107, 108, 109, 110, 112
    let signed = |signature: Value| {
        json!([
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "", "signature": signature},
                {"type": "tool_use", "id": "1", "name": "f", "input": {}},
                {"type": "tool_use", "id": "2", "name": "f", "input": {}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "1", "content": "a"}, {"type": "tool_result", "tool_use_id": "2", "content": "b"},
            ]},
        ])
    };
    let parts = |model: &str, messages: Value| {
        let got = sent(ANTHROPIC, model, json!({"max_tokens": 9, "messages": messages}), RULES);
        (got.body["contents"][1]["parts"].clone(), got.report.dropped)
    };
    let call = |id: &str| json!({"functionCall": {"id": id, "name": "f", "args": {}}});
    let with = |mut part: Value, signature: &str| {
        part["thoughtSignature"] = json!(signature);
        part
    };
    let own = json!("pillion:GeminiGenerateContent:AbC+/=");
    assert_eq!(parts(THIRD, signed(own)).0, json!([with(call("1"), "AbC+/="), call("2")]));
    let foreign = json!("pillion:BedrockConverse:xyz");
    let skip = "skip_thought_signature_validator";
    let lost = vec!["messages[].content[].thinking".to_owned()];
    assert_eq!(parts(THIRD, signed(foreign.clone())), (json!([with(call("1"), skip), call("2")]), lost.clone()));
    assert_eq!(parts(FLASH, signed(foreign)), (json!([call("1"), call("2")]), lost.clone()));
    assert_eq!(parts(FLASH, signed(json!("anthropic's own"))), (json!([call("1"), call("2")]), lost));
    // A signature over what was said, behind it.
    let said = json!([{"role": "user", "content": "q"}, {"role": "assistant", "content": [{"type": "text", "text": "a"},
        {"type": "thinking", "thinking": "", "signature": "pillion:GeminiGenerateContent:S"}]}]);
    assert_eq!(parts(FLASH, said).0, json!([{"text": "a"}, {"text": "", "thoughtSignature": "S"}]));
    let shown = json!([{"role": "user", "content": "q"}, {"role": "assistant", "content": [
        {"type": "thinking", "thinking": "hm", "signature": "pillion:GeminiGenerateContent:"}, {"type": "text", "text": "a"}]}]);
    assert_eq!(parts(FLASH, shown).0, json!([{"text": "hm", "thought": true}, {"text": "a"}]));
}

#[test]
fn efforts_are_told_in_the_models_words() {
    // 72
    openai(FLASH, json!({"reasoning_effort": "low"}))
        .has("/generationConfig/thinkingConfig", json!({"thinkingBudget": 1024, "includeThoughts": true}));
    openai(THIRD, json!({"reasoning_effort": "low"}))
        .has("/generationConfig/thinkingConfig", json!({"thinkingLevel": "LOW", "includeThoughts": true}));
    openai("gemini-2.0-flash", json!({"reasoning_effort": "low"}))
        .has("/generationConfig", Value::Null)
        .dropped(&["reasoning_effort"]);
}

#[test]
fn marks_and_blocks_of_other_vendors_are_named() {
    // 37, 91
    let cached = json!({"type": "ephemeral"});
    let body = json!({"max_tokens": 5, "top_k": 3, "system": [
        {"type": "text", "text": "x-anthropic-billing-header: a"}, {"type": "text", "text": "s", "cache_control": cached}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "q", "cache_control": cached},
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "words"}, "title": "T"}]}],
        "metadata": {"user_id": "u"}});
    sent(ANTHROPIC, FLASH, body, RULES)
        .has("/systemInstruction/parts", json!([{"text": "s"}]))
        .has("/contents/0/parts", json!([{"text": "q"}, {"text": "T\n\nwords"}]))
        .has("/generationConfig", json!({"maxOutputTokens": 5, "topK": 3}))
        .dropped(&["user", "system.x-anthropic-billing-header", "cache_control"])
        .approximated(&["messages[].content[].document"]);
}

#[test]
fn a_routes_params_are_members_of_the_body() {
    let params = json!({"temperature": 0.2, "max_tokens": 50, "reasoning_effort": "low", "safetySettings": [],
        "tools": [{"googleSearch": {}}], "tool_choice": "none", "labels": {"a": "b"}, "odd": 1});
    let mut report = Report::default();
    let members = super::super::encode_params(object(params), FLASH, &mut report).unwrap();
    assert_eq!(
        Value::Object(members),
        json!({
            "generationConfig": {"temperature": 0.2, "maxOutputTokens": 50, "thinkingConfig": {"thinkingBudget": 1024, "includeThoughts": true}},
            "safetySettings": [], "tools": [{"googleSearch": {}}], "labels": {"a": "b"},
            "toolConfig": {"functionCallingConfig": {"mode": "NONE"}},
        })
    );
    assert_eq!(report.dropped, ["odd"]);
}

#[test]
fn a_clients_request_reaches_other_formats() {
    let body = json!({
        "system_instruction": {"parts": {"text": "s"}},
        "contents": [
            {"role": "user", "parts": [{"text": "q"}, {"inline_data": {"mime_type": "image/png", "data": "AAAA"}}]},
            {"role": "model", "parts": [{"text": "hm", "thought": true, "thoughtSignature": "S"},
                {"functionCall": {"name": "f", "args": {"x": 1}}, "thoughtSignature": "T"}, {"functionCall": {"name": "f"}}]},
            {"role": "function", "parts": [{"functionResponse": {"name": "f", "response": {"result": "one"}}},
                {"functionResponse": {"name": "f", "response": {"a": 2}}}]},
        ],
        "tools": [{"functionDeclarations": [{"name": "f", "parameters": {"type": "OBJECT", "properties":
            {"x": {"type": "STRING", "nullable": true}}}}]}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
        "generationConfig": {"maxOutputTokens": "9", "topP": 0.5, "stopSequences": ["x"], "seed": 3, "responseModalities": ["TEXT"],
            "responseMimeType": "application/json", "responseSchema": {"type": "STRING"}, "thinkingConfig": {"thinkingBudget": 2000}},
    });
    let (openai, report) = translate(GEMINI, OPENAI, "o4-mini", body.clone(), RULES).unwrap();
    let ids: Vec<&str> = (0..2).map(|nth| openai["messages"][2]["tool_calls"][nth]["id"].as_str().unwrap()).collect();
    assert!(ids[0] != ids[1] && ids.iter().all(|id| id.len() == 9), "{ids:?}");
    let calls = json!([call(ids[0], "f", "{\"x\":1}"), call(ids[1], "f", "{}")]);
    let text = json!([{"type": "text", "text": "q"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]);
    assert_eq!(openai["messages"][0], json!({"role": "system", "content": "s"}));
    assert_eq!(openai["messages"][1], json!({"role": "user", "content": text}));
    assert_eq!(openai["messages"][2]["tool_calls"], calls);
    assert_eq!(openai["messages"][3], json!({"role": "tool", "tool_call_id": ids[0], "content": "one"}));
    assert_eq!(openai["messages"][4], json!({"role": "tool", "tool_call_id": ids[1], "content": "{\"a\":2}"}));
    assert_eq!(
        openai["tools"][0]["function"]["parameters"],
        json!({"type": "object", "properties": {"x": {"type": ["string", "null"]}}})
    );
    assert_eq!(openai["tool_choice"], json!({"type": "function", "function": {"name": "f"}}));
    assert_eq!(openai["response_format"]["json_schema"]["schema"], json!({"type": "string"}));
    let bound = openai.get("max_completion_tokens").unwrap_or(&openai["max_tokens"]);
    assert_eq!((bound, &openai["seed"], &openai["stop"]), (&json!(9), &json!(3), &json!(["x"])));
    // Thinking that Google signed goes to no one else.
    assert_eq!(report.dropped, ["contents[].parts[].thought", "thought_signature", "top_p"]);
    let (anthropic, report) = translate(GEMINI, ANTHROPIC, "claude-sonnet-4-5", body, RULES).unwrap();
    assert_eq!(anthropic["messages"][1]["content"][0]["type"], "tool_use");
    assert_eq!(anthropic["messages"][2]["content"][0]["type"], "tool_result");
    assert!(report.dropped.contains(&"contents[].parts[].thought".to_owned()));
}

/// A request of a Gemini client as OpenAI Chat, and what was lost.
#[track_caller]
fn to_openai(body: Value) -> (Value, Report) {
    let own = sent(GEMINI, FLASH, body.clone(), RULES);
    assert_eq!((own.body, own.report), (body.clone(), Report::default()));
    translate(GEMINI, OPENAI, "gpt-4.1", body, RULES).unwrap()
}

fn contents(parts: Value, answers: Value) -> Value {
    json!({"contents": [{"role": "user", "parts": [{"text": "q"}]}, {"role": "model", "parts": parts},
        {"role": "user", "parts": answers}]})
}

#[test]
fn calls_without_ids_or_arguments_get_some() {
    let call = |call: Value| json!({ "functionCall": call });
    let result = |response: Value| json!({ "functionResponse": response });
    let parts = json!([call(json!({"id": "", "name": "f"})), call(json!({"id": null, "name": "g", "args": null}))]);
    let answers = json!([
        result(json!({"id": "", "name": "g", "response": {"result": "of g"}})),
        result(json!({"id": "", "name": "f", "response": {"result": "of f"}})),
    ]);
    let (openai, report) = to_openai(contents(parts, answers));
    let calls = &openai["messages"][1]["tool_calls"];
    let [f, g] = [0, 1].map(|nth: usize| calls[nth]["id"].clone());
    assert_ne!(f, g);
    let call =
        |id: &Value, name: &str| json!({"id": id, "type": "function", "function": {"name": name, "arguments": "{}"}});
    assert_eq!(calls, &json!([call(&f, "f"), call(&g, "g")]));
    assert_eq!(openai["messages"][2], json!({"role": "tool", "tool_call_id": g, "content": "of g"}));
    assert_eq!(openai["messages"][3], json!({"role": "tool", "tool_call_id": f, "content": "of f"}));
    assert_eq!(report, Report::default());
}

#[test]
fn a_result_without_an_id_is_not_that_of_a_call_which_another_names() {
    let parts =
        json!([{"functionCall": {"id": "a", "name": "f", "args": {}}}, {"functionCall": {"name": "f", "args": {}}}]);
    let answers = json!([
        {"functionResponse": {"name": "f", "response": {"result": "second"}}},
        {"functionResponse": {"id": "a", "name": "f", "response": {"result": "first"}}},
    ]);
    let (openai, _) = to_openai(contents(parts, answers));
    let minted = openai["messages"][1]["tool_calls"][1]["id"].clone();
    assert_ne!(minted, "a");
    assert_eq!(openai["messages"][2], json!({"role": "tool", "tool_call_id": minted, "content": "second"}));
    assert_eq!(openai["messages"][3], json!({"role": "tool", "tool_call_id": "a", "content": "first"}));
}

#[test]
fn members_that_only_google_has_are_named_where_they_stand() {
    let parts = json!([{"functionCall": {"id": "a", "name": "f", "args": {}}}]);
    let answers = json!([{"functionResponse": {"id": "a", "name": "f", "response": {"result": "r"}, "scheduling": "SILENT",
        "willContinue": true}}]);
    let mut body = contents(parts, answers);
    body["systemInstruction"] = json!({"role": "system", "parts": [{"text": "s"}], "odd": 1});
    body["generationConfig"] = json!({"thinkingConfig": {"includeThoughts": false, "odd": 1}, "responseMimeType": "text/x.enum",
        "responseSchema": {"type": "STRING", "enum": ["a"]}});
    let (openai, report) = to_openai(body);
    assert_eq!(openai["messages"][3], json!({"role": "tool", "tool_call_id": "a", "content": "r"}));
    for name in [
        "systemInstruction.odd",
        "generationConfig.thinkingConfig.odd",
        "generationConfig.responseSchema",
        "response_format",
        "messages[].content[].functionResponse.scheduling",
        "messages[].content[].functionResponse.willContinue",
    ] {
        assert!(report.dropped.iter().any(|dropped| dropped == name), "{name} in {:?}", report.dropped);
    }
}

#[test]
fn roles_are_the_models_the_users_or_named() {
    let body = json!({"contents": [{"role": "user", "parts": [{"text": "q"}]}, {"role": "assistant", "parts": [{"text": "a"}]},
        {"parts": [{"text": "b"}]}]});
    let (openai, report) = to_openai(body.clone());
    let message = |role: &str, text: &str| json!({"role": role, "content": text});
    assert_eq!(openai["messages"], json!([message("user", "q"), message("assistant", "a"), message("user", "b")]));
    assert_eq!(report, Report::default());
    let mut odd = body;
    odd["contents"][2]["role"] = json!("critic");
    let (openai, report) = to_openai(odd);
    assert_eq!(openai["messages"][2], message("user", "b"));
    assert_eq!(report.dropped, ["messages[].role"]);
}

#[test]
fn files_that_lie_with_google_go_to_no_one_else() {
    for uri in ["gs://bucket/a.png", "https://generativelanguage.googleapis.com/v1beta/files/abc"] {
        let body =
            json!({"contents": [{"role": "user", "parts": [{"fileData": {"mimeType": "image/png", "fileUri": uri}}]}]});
        assert_eq!(sent(GEMINI, FLASH, body.clone(), RULES).body, body);
        for wire in [OPENAI, ANTHROPIC, Format::CohereChat, Format::OpenAIResponses, Format::BedrockConverse] {
            let error = translate(GEMINI, wire, "m", body.clone(), RULES).unwrap_err();
            assert_eq!(error.code.as_deref(), Some("unsupported_parameter"), "{wire:?} {error}");
        }
    }
}

#[test]
fn nulls_say_nothing() {
    let mut body = json!({"contents": [{"role": "user", "parts": [{"text": "q"}]}]});
    body["generationConfig"] = json!({"responseSchema": null, "temperature": null, "maxOutputTokens": null, "speechConfig": null,
        "thinkingConfig": null});
    let (openai, report) = to_openai(body);
    assert_eq!(openai, json!({"model": "gpt-4.1", "messages": [{"role": "user", "content": "q"}]}));
    assert_eq!(report, Report::default());
}

#[test]
fn thinking_of_another_vendor_is_one_again_and_leaves_when_google_is_asked() {
    let wrapped = super::super::signature::write(ANTHROPIC, Some("sig")).unwrap();
    let contents = json!([
        {"role": "user", "parts": [{"text": "q"}]},
        {"role": "model", "parts": [{"text": "a", "thought": true}, {"text": "b", "thought": true},
            {"text": "", "thought": true, "thoughtSignature": wrapped}, {"text": "answer"}]},
        {"role": "user", "parts": [{"text": "more"}]},
    ]);
    let (anthropic, _) =
        translate(GEMINI, ANTHROPIC, "claude-sonnet-4-5", json!({"contents": contents}), RULES).unwrap();
    assert_eq!(
        anthropic["messages"][1]["content"][0],
        json!({"type": "thinking", "thinking": "ab", "signature": "sig"})
    );
    let (own, report) = translate(GEMINI, GEMINI, FLASH, json!({"contents": contents}), RULES).unwrap();
    assert_eq!(own["contents"][1]["parts"], json!([{"text": "answer"}]));
    assert_eq!(report.dropped, ["contents[].parts[].thought"]);
}

#[test]
fn odd_bodies_come_out_as_they_were() {
    for body in [
        json!({"contents": {"parts": {"text": "one"}}}),
        json!({"contents": [{"role": "user", "parts": [{"text": "q"}], "odd": 1}], "odd": {"a": null}, "model": "models/m"}),
        json!({"contents": [], "systemInstruction": null, "tools": null, "generationConfig": {}, "toolConfig": {}}),
        json!({"contents": [{"role": "model"}, {"role": "odd", "parts": null}, {"parts": []}, {"parts": [{}]}]}),
        json!({"contents": [], "systemInstruction": "text", "generationConfig": {"thinkingConfig": {}, "topK": "odd", "maxOutputTokens": 7.0}}),
        json!({"contents": [], "tools": [{}, {"googleSearch": {}, "functionDeclarations": [{"name": "a", "behavior": "BLOCKING"}]},
            {"functionDeclarations": []}, {"functionDeclarations": [{"name": "b", "parameters": {"type": "object"}},
            {"name": "c", "parametersJsonSchema": {"type": "object"}}]}]}),
        json!({"contents": [{"role": "model", "parts": [{"functionCall": {"name": "f", "args": null}}, {"functionCall": {"args": {}}},
            {"functionCall": {"id": "", "name": "f", "args": {"a": 1}, "willContinue": true}}, {"thoughtSignature": "s"},
            {"text": "t", "thought": false, "thoughtSignature": "s"}, {"text": 1}, {"fileData": {"fileUri": "u"}, "videoMetadata": {"fps": 1}}]}]}),
        json!({"contents": [{"role": "user", "parts": [{"functionResponse": {"name": "f", "response": [1], "parts": [{}], "scheduling": "SILENT"}},
            {"inlineData": {"data": "AAAA", "displayName": "n"}}, {"inlineData": {"mimeType": "application/pdf", "data": "", "displayName": "n"}}]}]}),
        json!({"contents": [], "toolConfig": {"functionCallingConfig": {"mode": "any"}, "retrievalConfig": {"languageCode": "de"}}}),
        json!({"contents": [], "generationConfig": {"responseMimeType": "text/x.enum", "responseSchema": {"type": "STRING", "enum": ["a"]},
            "responseFormat": {"text": {"mimeType": "APPLICATION_JSON", "schema": {}}}, "candidateCount": 2, "responseModalities": ["IMAGE"]}}),
    ] {
        let request = super::super::decode_request(object(body.clone())).unwrap();
        let encoded =
            super::super::encode_request(request, RULES, &mut Names::default(), &mut Report::default()).unwrap();
        assert_eq!(encoded, body);
    }
}

#[test]
fn bodies_that_are_none_are_refused_by_field() {
    for (body, param) in [
        (json!({}), "contents"),
        (json!({"contents": "text"}), "contents"),
        (json!({"contents": [1]}), "contents[0]"),
        (json!({"contents": [{"parts": 1}]}), "contents[0].parts"),
        (json!({"contents": [{"parts": ["x"]}]}), "contents[0].parts[0]"),
        (json!({"contents": [], "systemInstruction": 1}), "systemInstruction"),
        (json!({"contents": [], "tools": {}}), "tools"),
        (json!({"contents": [], "tools": [1]}), "tools[0]"),
        (json!({"contents": [], "tools": [{"functionDeclarations": [{}]}]}), "tools[0].functionDeclarations[0].name"),
    ] {
        let error = super::super::decode_request(object(body.clone())).unwrap_err();
        assert_eq!(error.param.as_deref(), Some(param), "{body}");
    }
}

#[test]
fn base64_for_urls_is_sent_to_others_as_all_read_it() {
    let body = json!({"contents": [{"role": "user", "parts": [
        {"inlineData": {"mimeType": "image/png", "data": "-_-_QQ"}}, {"text": "what is it?"},
    ]}]});
    let outline = crate::outline(GEMINI, &crate::json::bytes(&body)).unwrap();
    let provider = crate::provider("Anthropic").unwrap();
    let target = crate::Target {
        provider,
        wire: Format::AnthropicMessages.into(),
        model: Some("claude-sonnet-4-5"),
        defaults: &Object::new(),
        overrides: &Object::new(),
        ask_usage: false,
    };
    let prepared = crate::prepare(GEMINI, &crate::json::bytes(&body), &outline, &target).unwrap();
    let sent: Value = serde_json::from_slice(&prepared.body).unwrap();
    assert_eq!(sent["messages"][0]["content"][0]["source"]["data"], "+/+/QQ==");
}

#[test]
fn thinking_that_comes_back_in_several_contents_is_one_again() {
    let signed = super::super::signature::write(ANTHROPIC, Some("sig")).unwrap();
    let model = |part: Value| json!({"role": "model", "parts": [part]});
    let body = json!({"contents": [
        {"role": "user", "parts": [{"text": "hi"}]},
        model(json!({"text": "Think", "thought": true})),
        model(json!({"text": " o", "thought": true})),
        model(json!({"text": "ne", "thought": true, "thoughtSignature": signed})),
        model(json!({"text": "said"})),
        {"role": "user", "parts": [{"text": "and?"}]},
    ]});
    let (anthropic, _) = translate(GEMINI, ANTHROPIC, "claude-sonnet-4-5", body.clone(), RULES).unwrap();
    assert_eq!(
        anthropic["messages"][1],
        json!({"role": "assistant", "content": [{"type": "thinking", "thinking": "Think one", "signature": "sig"},
            {"type": "text", "text": "said"}]}),
        "{anthropic}"
    );
    // Its own vendor gets nothing of it, and no content without parts.
    let user = |text: &str| json!({"role": "user", "parts": [{"text": text}]});
    sent(GEMINI, FLASH, body, RULES)
        .has("/contents", json!([user("hi"), model(json!({"text": "said"})), user("and?")]))
        .dropped(&["contents[].parts[].thought"]);
    // The vendor's own thinking stays as it was.
    let own = json!({"contents": [user("hi"), model(json!({"text": "Think", "thought": true})),
        model(json!({"text": "ing", "thought": true, "thoughtSignature": "AbC+/w=="}))]});
    sent(GEMINI, FLASH, own.clone(), RULES).has("", own);
}

#[test]
fn a_list_of_no_declarations_is_no_tool_elsewhere() {
    let contents = json!([{"role": "user", "parts": [{"text": "hi"}]}]);
    let body = json!({"contents": contents, "tools": [{"functionDeclarations": []}]});
    let (openai, report) = translate(GEMINI, OPENAI, "m", body.clone(), RULES).unwrap();
    assert_eq!(openai.get("tools"), None, "{openai}");
    assert_eq!(report, Report::default());
    sent(GEMINI, FLASH, body.clone(), RULES).has("", body);
    let both = json!({"contents": contents, "tools": [{"functionDeclarations": []}, {"functionDeclarations": [{"name": "f"}]}]});
    let (openai, _) = translate(GEMINI, OPENAI, "m", both, RULES).unwrap();
    assert_eq!(openai["tools"].as_array().map(Vec::len), Some(1), "{openai}");
}

#[test]
fn what_stands_beside_the_parts_of_a_result_is_told_as_lost() {
    let call = json!({"type": "tool_use", "id": "c1", "name": "f", "input": {}});
    let found = json!([{"type": "text", "text": "r", "more": 1},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}, "other": true}]);
    let body = json!({"max_tokens": 9, "messages": [
        {"role": "user", "content": "go"}, {"role": "assistant", "content": [call]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": found}]},
    ]});
    sent(ANTHROPIC, THIRD, body, RULES).dropped(&["messages[].content[].more", "messages[].content[].other"]);
}

#[test]
fn a_shape_without_a_schema_is_json_of_any_shape() {
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    let format = json!({"type": "json_schema", "json_schema": {"name": "n", "description": "d"}});
    openai(FLASH, json!({"response_format": format, "tools": tools}))
        .has("/systemInstruction/parts/0/text", json!("When you answer, answer with one JSON object and nothing else."))
        .approximated(&["response_format"]);
    openai(FLASH, json!({"response_format": format}))
        .has("/generationConfig", json!({"responseMimeType": "application/json"}))
        .dropped(&["response_format.json_schema.description"]);
}

#[test]
fn what_is_wrong_with_a_file_is_said_without_another_formats_paths() {
    let told = |part: Value| {
        let body = json!({"messages": [{"role": "user", "content": [part]}]});
        translate(OPENAI, GEMINI, FLASH, body, RULES).unwrap_err()
    };
    let error = told(json!({"type": "file", "file": {"file_id": "file-1"}}));
    assert_eq!(error.message, "a file that another vendor holds cannot be sent to a Gemini provider");
    let error = told(json!({"type": "image_url", "image_url": {"url": "nonsense"}}));
    assert_eq!(error.message, "the image must be a URL (http, https, gs) or a base64 data URL");
    assert_eq!(error.param.as_deref(), Some("messages[].content[].image_url.url"));
}
