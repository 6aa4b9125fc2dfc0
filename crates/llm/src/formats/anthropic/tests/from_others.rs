//! What clients of other formats ask of this one.

use super::{ANTHROPIC, GEMINI, OPENAI};
use crate::formats::encode_request;
use crate::formats::tests::recorded::{RULES, decoded, translated};
use crate::json::Object;
use crate::model::{Names, Part, PartKind, Report, Source};
use crate::{BodyError, Format};
use serde_json::{Value, json};

const RESPONSES: Format = Format::OpenAIResponses;

#[track_caller]
fn from_openai(model: &str, more: Value, anthropic: Value, reported: &[&str]) {
    let mut body = json!({"messages": [{"role": "user", "content": "hi"}]});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let (mut body, report) = translated(OPENAI, ANTHROPIC, model, &body);
    for key in ["model", "messages"] {
        body.as_object_mut().unwrap().shift_remove(key);
    }
    assert_eq!(body, anthropic);
    assert_eq!([report.dropped, report.approximated].concat(), reported);
}

#[test]
fn thinking_of_other_clients_is_what_the_model_takes() {
    let enabled = |budget: u64| json!({"type": "enabled", "budget_tokens": budget});
    let ask = |thinking: Value, bound: u64| json!({"thinking": thinking, "max_tokens": bound});
    let get = |thinking: Value, bound: u64| json!({"thinking": thinking, "max_tokens": bound});
    let opus = "claude-opus-4-8";
    from_openai("claude-sonnet-4-5", ask(enabled(2000), 4000), get(enabled(2000), 4000), &[]);
    from_openai("claude-sonnet-4-5", ask(enabled(10), 4000), get(enabled(1024), 4000), &["thinking.budget_tokens"]);
    from_openai("claude-sonnet-4-5", ask(enabled(9000), 4000), get(enabled(3999), 4000), &["thinking.budget_tokens"]);
    from_openai("claude-sonnet-4-5", ask(enabled(9000), 1000), json!({"max_tokens": 1000}), &["thinking"]);
    from_openai(
        "claude-sonnet-4-5",
        ask(json!({"type": "adaptive"}), 8000),
        get(enabled(4096), 8000),
        &["thinking.budget_tokens"],
    );
    from_openai("claude-3-haiku-20240307", ask(enabled(2000), 4000), json!({"max_tokens": 4000}), &["thinking"]);
    from_openai("claude-3-haiku-20240307", ask(json!({"type": "disabled"}), 9), json!({"max_tokens": 9}), &[]);
    from_openai(opus, ask(enabled(2000), 4000), get(json!({"type": "adaptive"}), 4000), &["thinking.budget_tokens"]);
    from_openai(opus, ask(json!({"type": "enabled"}), 9), get(json!({"type": "adaptive"}), 9), &[]);
    from_openai("some-model", json!({"thinking": enabled(10_000)}), get(enabled(10_000), 14_096), &[]);
    from_openai(
        opus,
        json!({"reasoning_effort": "high", "max_tokens": 9}),
        json!({"max_tokens": 9, "thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}),
        &[],
    );
}

#[test]
fn vendor_members_arrive_from_wherever_a_client_may_put_them() {
    let own = json!({"container": "c", "context_management": {"edits": []}, "mcp_servers": [{"name": "x"}]});
    let mut expected = own.clone();
    expected["max_tokens"] = json!(9);
    let with = |more: Value| {
        let mut body = own.clone();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    from_openai("m", with(json!({"max_tokens": 9})), expected.clone(), &[]);
    from_openai("m", json!({"max_tokens": 9, "extra_body": own}), expected, &[]);
    let own = json!({"output_config": {"effort": "max"}});
    from_openai(
        "claude-opus-4-6",
        json!({"max_tokens": 9, "reasoning_effort": "low", "output_config": {"effort": "max"}}),
        with_thinking(&own),
        &[],
    );
    from_openai(
        "m",
        json!({"max_tokens": 9, "guardrailConfig": {"a": 1}, "verbosity": "low"}),
        json!({"max_tokens": 9}),
        &["guardrailConfig", "verbosity"],
    );
    from_openai(
        "m",
        json!({"max_tokens": 9, "seed": 1, "logprobs": true, "top_logprobs": 0, "presence_penalty": 1}),
        json!({"max_tokens": 9}),
        &["seed", "presence_penalty", "logprobs"],
    );
}

fn with_thinking(own: &Value) -> Value {
    let mut body = own.clone();
    body["max_tokens"] = json!(9);
    body["thinking"] = json!({"type": "adaptive"});
    body
}

#[test]
fn a_search_of_the_web_is_the_vendors_tool() {
    let place = json!({"type": "approximate", "approximate": {"country": "FR", "city": null}});
    let options = json!({"search_context_size": "low", "user_location": place});
    let tool = json!({"type": "web_search_20250305", "name": "web_search", "max_uses": 1,
        "user_location": {"type": "approximate", "country": "FR"}});
    from_openai(
        "m",
        json!({"max_tokens": 9, "web_search_options": options}),
        json!({"max_tokens": 9, "tools": [tool]}),
        &["web_search_options.search_context_size"],
    );
    let tool = json!({"type": "web_search_20250305", "name": "web_search"});
    from_openai(
        "m",
        json!({"max_tokens": 9, "web_search_options": {}}),
        json!({"max_tokens": 9, "tools": [tool]}),
        &[],
    );
}

#[test]
fn params_of_a_route_become_members_of_a_relayed_body() {
    let params = json!({
        "seed": 1, "n": 2, "top_logprobs": 3, "container": "c", "output_config": {"task_budget": 1},
        "reasoning_effort": "low", "logit_bias": {"1": 1}, "max_completion_tokens": 9
    });
    let mut report = Report::default();
    let params: Object = params.as_object().unwrap().clone();
    let members = crate::formats::encode_params(ANTHROPIC, params, "claude-opus-4-6", false, &mut report).unwrap();
    let expected = json!({"max_tokens": 9, "container": "c", "thinking": {"type": "adaptive"},
        "output_config": {"effort": "low", "task_budget": 1}});
    assert_eq!(Value::Object(members), expected);
    assert_eq!(report.dropped, ["seed", "top_logprobs", "n", "logit_bias"]);
}

#[test]
fn documents_of_other_formats_are_blocks() {
    let mut request = decoded(OPENAI, &json!({"messages": [{"role": "user", "content": "x"}]}));
    let kind = PartKind::Document { source: Source::Text("t".into()), name: Some("n".into()) };
    let mut part = Part::new(kind);
    part.extras.insert("type".into(), json!("documents"));
    request.messages[0].content.parts.insert(0, part);
    let mut report = Report::default();
    let body = encode_request(ANTHROPIC, request, RULES, &mut Names::default(), &mut report).unwrap().body;
    let source = json!({"type": "text", "media_type": "text/plain", "data": "t"});
    assert_eq!(body["messages"][0]["content"][0], json!({"type": "document", "source": source, "title": "n"}));
    assert_eq!(report, Report::default());
}

#[test]
fn whether_thinking_is_shown_is_told_where_there_is_a_word_for_it() {
    let told = |model: &str, show| {
        let mut request =
            decoded(OPENAI, &json!({"messages": [{"role": "user", "content": "x"}], "reasoning_effort": "low"}));
        request.model = Some(model.to_owned());
        request.settings.reasoning.show = show;
        let mut report = Report::default();
        let body = encode_request(ANTHROPIC, request, RULES, &mut Names::default(), &mut report).unwrap().body;
        body["thinking"]["display"].clone()
    };
    assert_eq!(told("claude-opus-4-8", Some(true)), "summarized");
    assert_eq!(told("claude-sonnet-4-5", Some(true)), Value::Null, "shown unasked");
    assert_eq!(told("claude-sonnet-4-5", Some(false)), "omitted");
    assert_eq!(told("claude-opus-4-8", None), Value::Null);
    let body = json!({"max_tokens": 9, "messages": [], "thinking": {"type": "adaptive", "display": "summarized"}});
    assert_eq!(decoded(ANTHROPIC, &body).settings.reasoning.show, Some(true));
    let (_, report) = translated(ANTHROPIC, OPENAI, "gpt-5", &body);
    assert_eq!(report.dropped, ["thinking.display"]);
}

/// What a client's body is refused for.
#[track_caller]
fn refusal(from: Format, body: &Value) -> BodyError {
    let request = decoded(from, body);
    encode_request(ANTHROPIC, request, RULES, &mut Names::default(), &mut Report::default()).unwrap_err()
}

fn asks(content: &Value) -> Value {
    json!({"messages": [{"role": "user", "content": content}]})
}

#[test]
fn a_schema_for_the_answer_is_within_what_the_api_takes() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}, "required": ["a"]});
    let sent = json!({"type": "object", "properties": {"a": {"type": "integer", "description": "{minimum: 1}"}},
        "required": ["a"], "additionalProperties": false});
    let shape =
        |about: Value| json!({"max_tokens": 9, "response_format": {"type": "json_schema", "json_schema": about}});
    from_openai(
        "claude-sonnet-4-5",
        shape(json!({"name": "n", "schema": schema, "description": "d"})),
        json!({"max_tokens": 9, "output_config": {"format": {"type": "json_schema", "schema": sent}}}),
        &["response_format.json_schema.description", "response_format.json_schema.schema"],
    );
    // As the arguments of a tool it may be any.
    from_openai(
        "claude-3-haiku-20240307",
        shape(json!({"name": "n", "schema": schema, "description": "d"})),
        json!({"max_tokens": 9, "tools": [{"name": "json_response", "description": "d", "input_schema": schema}],
            "tool_choice": {"type": "tool", "name": "json_response"}}),
        &["response_format"],
    );
}

#[test]
fn a_shape_without_a_schema_is_any_json() {
    for about in [json!({"name": "n"}), json!({"name": "n", "schema": true})] {
        let mut body = asks(&json!("x"));
        body["response_format"] = json!({"type": "json_schema", "json_schema": about});
        let (body, report) = translated(OPENAI, ANTHROPIC, "claude-sonnet-4-5", &body);
        assert_eq!(body["system"][0]["text"], "Answer with one JSON object and nothing else.");
        assert!(body.get("output_config").is_none());
        assert_eq!(report.approximated, ["response_format"]);
    }
}

#[test]
fn the_arguments_of_strict_tools_are_within_what_the_api_takes() {
    let tool = |strict: bool| {
        let parameters = json!({"type": "object", "properties": {"a": {"type": "string", "maxLength": 3}}});
        json!({"type": "function", "function": {"name": "f", "strict": strict, "parameters": parameters}})
    };
    let narrow = json!({"type": "object", "properties": {"a": {"type": "string", "description": "{maxLength: 3}"}},
        "additionalProperties": false});
    from_openai(
        "claude-sonnet-4-5",
        json!({"max_tokens": 9, "tools": [tool(true)]}),
        json!({"max_tokens": 9, "tools": [{"name": "f", "input_schema": narrow, "strict": true}]}),
        &["tools[].function.parameters"],
    );
    let open = json!({"type": "object", "properties": {"a": {"type": "string", "maxLength": 3}}});
    from_openai(
        "claude-sonnet-4-5",
        json!({"max_tokens": 9, "tools": [tool(false)]}),
        json!({"max_tokens": 9, "tools": [{"name": "f", "input_schema": open, "strict": false}]}),
        &[],
    );
}

#[test]
fn a_list_of_openais_is_not_taken_for_the_vendors_context_management() {
    let body = json!({"input": "x", "max_output_tokens": 9, "context_management": [{"type": "compaction"}]});
    let (body, report) = translated(RESPONSES, ANTHROPIC, "m", &body);
    assert!(body.get("context_management").is_none(), "{body}");
    assert_eq!(report.dropped, ["context_management"]);
}

#[test]
fn a_result_of_nothing_has_no_content() {
    let call = json!({"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let result = json!({"role": "tool", "tool_call_id": "c", "content": null});
    let calling = json!({"role": "assistant", "tool_calls": [call]});
    let body = json!({"messages": [{"role": "user", "content": "x"}, calling, result],
        "tools": [{"type": "function", "function": {"name": "f"}}]});
    let (body, _) = translated(OPENAI, ANTHROPIC, "m", &body);
    assert_eq!(body["messages"][2]["content"], json!([{"type": "tool_result", "tool_use_id": "c"}]));
}

#[test]
fn images_are_of_types_that_the_api_takes() {
    let image = |media_type: &str| {
        let url = format!("data:{media_type};base64,AAAA");
        json!([{"type": "image_url", "image_url": {"url": url}}])
    };
    let sent = |media_type: &str| translated(OPENAI, ANTHROPIC, "m", &asks(&image(media_type))).0;
    for (told, known) in [("image/PNG", "image/png"), ("image/jpg", "image/jpeg"), ("image/webp", "image/webp")] {
        let source = json!({"type": "base64", "media_type": known, "data": "AAAA"});
        assert_eq!(sent(told)["messages"][0]["content"], json!([{"type": "image", "source": source}]));
    }
    let source = json!({"type": "base64", "media_type": "application/pdf", "data": "AAAA"});
    assert_eq!(sent("application/pdf")["messages"][0]["content"], json!([{"type": "document", "source": source}]));
    let error = refusal(OPENAI, &asks(&image("image/svg+xml")));
    assert_eq!(error.param.as_deref(), Some("messages[].content[].image_url"));
    assert!(error.message.contains("'image/svg+xml'") && error.message.contains("image/webp"), "{error}");
    let file = json!([{"type": "file", "file": {"file_data": "data:image/heic;base64,AAAA"}}]);
    assert_eq!(refusal(OPENAI, &asks(&file)).param.as_deref(), Some("messages[].content[].file"));
}

#[test]
fn an_effort_beside_a_budget_is_not_lost_in_silence() {
    let budget = json!({"type": "enabled", "budget_tokens": 2000});
    from_openai(
        "claude-sonnet-4-5",
        json!({"max_tokens": 4000, "thinking": budget, "reasoning_effort": "high"}),
        json!({"max_tokens": 4000, "thinking": budget}),
        &["reasoning_effort"],
    );
}

#[test]
fn who_only_asks_to_see_the_thinking_gets_some_where_the_model_says_how_much() {
    let gemini = json!({"contents": [{"role": "user", "parts": [{"text": "x"}]}],
        "generationConfig": {"thinkingConfig": {"includeThoughts": true}}});
    let responses = json!({"input": "x", "reasoning": {"summary": "detailed"}});
    for (from, body, name) in [
        (GEMINI, gemini, "generationConfig.thinkingConfig.includeThoughts"),
        (RESPONSES, responses, "reasoning.summary"),
    ] {
        let (sent, report) = translated(from, ANTHROPIC, "claude-opus-4-8", &body);
        assert_eq!(sent["thinking"], json!({"type": "adaptive", "display": "summarized"}));
        assert_eq!(report, Report::default());
        let (sent, report) = translated(from, ANTHROPIC, "claude-sonnet-4-5", &body);
        assert!(sent.get("thinking").is_none(), "{sent}");
        assert_eq!(report.dropped, [name]);
    }
}

#[test]
fn of_two_bounds_the_newer_counts() {
    from_openai("m", json!({"max_tokens": 5, "max_completion_tokens": 9}), json!({"max_tokens": 9}), &[]);
}

#[test]
fn no_search_is_no_search() {
    from_openai("m", json!({"max_tokens": 9, "web_search_options": false}), json!({"max_tokens": 9}), &[]);
    from_openai(
        "m",
        json!({"max_tokens": 9, "web_search_options": "yes"}),
        json!({"max_tokens": 9}),
        &["web_search_options"],
    );
}

#[test]
fn tools_of_the_vendors_own_are_whole_whoever_asks_for_them() {
    let search = json!({"type": "web_search_20250305", "max_uses": 2, "blocked_domains": ["a"]});
    let bash = json!({"type": "bash_20250124", "name": "bash"});
    let named = json!({"type": "web_search_20250305", "max_uses": 2, "blocked_domains": ["a"], "name": "web_search"});
    from_openai(
        "m",
        json!({"max_tokens": 9, "tools": [search, bash]}),
        json!({"max_tokens": 9, "tools": [named, bash]}),
        &[],
    );
    let openai = json!({"input": "x", "max_output_tokens": 9, "tools": [{"type": "web_search_2025_08_26"}]});
    let (body, _) = translated(RESPONSES, ANTHROPIC, "m", &openai);
    assert_eq!(body["tools"], json!([{"type": "web_search_20250305", "name": "web_search"}]));
}

#[test]
fn a_user_is_no_longer_than_the_api_takes() {
    let told = |user: &str| {
        let mut body = asks(&json!("x"));
        body["user"] = json!(user);
        let (body, report) = translated(OPENAI, ANTHROPIC, "m", &body);
        (body["metadata"]["user_id"].as_str().unwrap().to_owned(), report)
    };
    let most = "ü".repeat(512);
    assert_eq!(told(&most), (most.clone(), Report::default()));
    let (one, report) = told(&format!("{most}1"));
    assert_eq!(report.approximated, ["user"]);
    assert_eq!(one.chars().count(), 512);
    assert_ne!(one, told(&format!("{most}2")).0, "users stay apart");
}

#[test]
fn a_role_of_tomorrow_is_the_users_and_said_so() {
    let body = json!({"messages": [{"role": "critic", "content": "x"}]});
    let (body, report) = translated(OPENAI, ANTHROPIC, "m", &body);
    assert_eq!(body["messages"], json!([{"role": "user", "content": "x"}]));
    assert_eq!(report.approximated, ["messages[].role"]);
}

#[test]
fn only_allowed_tools_are_declared() {
    let function = |name: &str| json!({"type": "function", "function": {"name": name}});
    let declared = |name: &str| json!({"name": name, "input_schema": {"type": "object", "properties": {}}});
    let chat = |mode: &str, allowed: Value| {
        let choice = json!({"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": allowed}});
        json!({"max_tokens": 9, "tools": [function("a"), function("b")], "tool_choice": choice})
    };
    from_openai(
        "m",
        chat("required", json!([function("b")])),
        json!({"max_tokens": 9, "tools": [declared("b")], "tool_choice": {"type": "any"}}),
        &["tool_choice"],
    );
    from_openai(
        "m",
        chat("auto", json!([function("a")])),
        json!({"max_tokens": 9, "tools": [declared("a")], "tool_choice": {"type": "auto"}}),
        &["tool_choice"],
    );
    let flat =
        |name: &str| json!({"type": "function", "name": name, "parameters": {"type": "object"}, "strict": false});
    let allowed = json!([{"type": "function", "name": "b"}, {"type": "web_search"}]);
    let body = json!({"input": "x", "tools": [flat("a"), flat("b"), {"type": "web_search"}],
        "tool_choice": {"type": "allowed_tools", "mode": "required", "tools": allowed}});
    let (body, report) = translated(RESPONSES, ANTHROPIC, "m", &body);
    let names: Vec<&str> = body["tools"].as_array().unwrap().iter().filter_map(|tool| tool["name"].as_str()).collect();
    assert_eq!(names, ["b", "web_search"]);
    assert_eq!(body["tool_choice"], json!({"type": "any"}));
    assert_eq!(report.approximated, ["tool_choice"]);
}

#[test]
fn the_system_prompt_is_text_alone() {
    let call = json!({"functionCall": {"id": "c", "name": "f", "args": {}}});
    let image = json!({"inlineData": {"mimeType": "image/png", "data": "AAAA"}});
    let asks = |parts: Value| json!({"systemInstruction": {"parts": parts}, "contents": [{"role": "user", "parts": [{"text": "hi"}]}]});
    let (body, report) = translated(GEMINI, ANTHROPIC, "m", &asks(json!([{"text": "be brief"}, image, call])));
    let texts = &body["system"];
    assert_eq!(texts, &json!([{"type": "text", "text": "be brief"}]));
    assert_eq!(report.dropped, ["messages[].content[].image", "messages[].content[].tool_call"]);
    let (body, report) = translated(GEMINI, ANTHROPIC, "m", &asks(json!([image])));
    assert_eq!(body.get("system"), None);
    assert_eq!(report.dropped, ["messages[].content[].image"]);
}

#[test]
fn a_top_k_is_a_whole_number() {
    let sent = |top_k: Value, whole: Value, reported: &[&str]| {
        from_openai("m", json!({"max_tokens": 9, "top_k": top_k}), whole, reported);
    };
    let of = |whole: u64| json!({"max_tokens": 9, "top_k": whole});
    sent(json!(40.5), of(41), &["top_k"]);
    sent(json!(40.0), of(40), &[]);
    sent(json!(40), of(40), &[]);
    sent(json!(-1), json!({"max_tokens": 9}), &["top_k"]);
}
