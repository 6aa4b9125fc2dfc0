//! Conversations of other formats in the order that OpenAI Chat wants.

use super::{ANTHROPIC, OPENAI};
use crate::Format;
use crate::formats::tests::recorded::translated;
use serde_json::{Value, json};

#[track_caller]
fn messages(from: Format, body: &Value) -> (Value, Vec<String>) {
    let (body, report) = translated(from, OPENAI, "gpt-4o", body);
    (body["messages"].clone(), [report.dropped, report.approximated].concat())
}

fn call(id: &str, name: &str) -> Value {
    json!({"function": {"name": name, "arguments": "{}"}, "id": id, "type": "function"})
}

#[test]
fn what_a_model_says_in_pieces_is_one_message_before_the_results_of_its_calls() {
    // As Google's SDK keeps a stream: each chunk a content, an empty one last.
    let body = json!({"contents": [
        {"role": "user", "parts": [{"text": "x"}]},
        {"role": "model", "parts": [{"text": "Let me "}]},
        {"role": "model", "parts": [{"text": "look."}]},
        {"role": "model", "parts": [{"functionCall": {"id": "1", "name": "f", "args": {}}}]},
        {"role": "model", "parts": [{"functionCall": {"id": "2", "name": "g", "args": {}}}]},
        {"role": "model", "parts": [{"text": ""}]},
        {"role": "user", "parts": [
            {"functionResponse": {"id": "1", "name": "f", "response": {"result": "F"}}},
            {"functionResponse": {"id": "2", "name": "g", "response": {"result": "G"}}},
        ]},
    ]});
    let expected = json!([
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": "Let me look.", "tool_calls": [call("1", "f"), call("2", "g")]},
        {"role": "tool", "tool_call_id": "1", "content": "F"},
        {"role": "tool", "tool_call_id": "2", "content": "G"},
    ]);
    assert_eq!(messages(Format::GeminiGenerateContent, &body), (expected, vec![]));
}

#[test]
fn what_stands_between_calls_and_results_goes_behind_all_of_them() {
    let picture = json!({"type": "input_image", "image_url": "data:image/png;base64,AAAA"});
    let body = json!({"model": "m", "input": [
        {"role": "user", "content": "q"},
        {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"},
        {"type": "function_call", "call_id": "2", "name": "g", "arguments": "{}"},
        {"role": "developer", "content": "note"},
        {"type": "function_call_output", "call_id": "1", "output": [picture]},
        {"type": "function_call_output", "call_id": "2", "output": "two"},
    ]});
    let (messages, _) = messages(Format::OpenAIResponses, &body);
    let roles: Vec<_> = messages.as_array().unwrap().iter().map(|message| message["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["user", "assistant", "tool", "tool", "developer", "user"]);
    assert_eq!(messages[5]["content"][0]["image_url"]["url"], "data:image/png;base64,AAAA");
}

#[test]
fn a_result_without_a_call_is_text_and_of_two_for_one_call_the_last_counts() {
    let result = |id: &str, text: &str| json!({"type": "tool_result", "tool_use_id": id, "content": text});
    let body = json!({"model": "m", "max_tokens": 5, "messages": [
        {"role": "user", "content": [result("gone", "old")]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "f", "input": {}}]},
        {"role": "user", "content": [result("1", "first"), result("1", "second")]},
    ]});
    let expected = json!([
        {"role": "user", "content": [{"type": "text", "text": "Result of an earlier tool call: old"}]},
        {"role": "assistant", "content": null, "tool_calls": [call("1", "f")]},
        {"role": "tool", "tool_call_id": "1", "content": "second"},
    ]);
    let told = vec!["messages[].tool_call_id".to_owned(); 2];
    assert_eq!(messages(ANTHROPIC, &body), (expected, told));
}

#[test]
fn what_stands_beside_parts_of_a_result_is_named_and_a_picture_keeps_it() {
    let result = json!([
        {"type": "text", "text": "r", "cache_control": {"type": "ephemeral"}},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "d"}, "context": "c"},
    ]);
    let body = json!({"model": "m", "max_tokens": 5, "messages": [
        {"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "f"}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": result}]},
    ]});
    let (told, reported) = messages(ANTHROPIC, &body);
    // A call that says nothing has no arguments.
    assert_eq!(told[0]["tool_calls"][0]["function"]["arguments"], "{}");
    let expected = [
        "cache_control",
        "messages[].content[].context",
        "messages[].tool_calls[].function.arguments",
        "messages[].content[].document",
    ];
    assert_eq!(reported, expected);
    let picture = json!({"type": "input_image", "image_url": "https://x.y/a.png", "detail": "low"});
    let body = json!({"model": "m", "input": [
        {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "1", "output": [picture]},
    ]});
    let (told, _) = messages(Format::OpenAIResponses, &body);
    assert_eq!(told[2]["content"][0]["image_url"], json!({"url": "https://x.y/a.png", "detail": "low"}));
}

#[test]
fn a_message_says_something_or_is_refused() {
    let (told, _) = messages(Format::BedrockConverse, &json!({"messages": [{"role": "user", "content": []}]}));
    assert_eq!(told, json!([{"role": "user", "content": ""}]));
    let body = json!({"model": "m", "max_tokens": 5, "messages": [
        {"role": "user", "content": [{"type": "container_upload", "file_id": "f"}]}]});
    let error = super::refused(ANTHROPIC, OPENAI, &body);
    assert_eq!(error.message, "content of type 'container_upload' is not possible with an OpenAI Chat provider");
}
