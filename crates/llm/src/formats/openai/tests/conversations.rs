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
