//! Echo in every format, whole and streamed.

use super::*;
use serde_json::Value;

fn ask(client: Format, body: &str) -> EchoAnswer {
    let outline = crate::outline(client, body.as_bytes()).unwrap();
    echo(client, &Bytes::copy_from_slice(body.as_bytes()), &outline).unwrap()
}

#[test]
fn echo_answers_with_the_last_text_in_every_format() {
    let body = r#"{"model":"m","messages":[{"role":"user","content":"hello wide world"}]}"#;
    let answer = ask(Format::OpenAIChat, body);
    let value: Value = serde_json::from_slice(&answer.chunks[0]).unwrap();
    assert_eq!(value["choices"][0]["message"]["content"], "hello wide world");
    assert_eq!(value["usage"]["total_tokens"], 6);
    assert_eq!((answer.content_type, answer.usage.input, answer.usage.output), ("application/json", 3, 3));
    let answer = ask(Format::AnthropicMessages, body);
    let value: Value = serde_json::from_slice(&answer.chunks[0]).unwrap();
    assert_eq!(value["content"][0]["text"], "hello wide world");
    assert_eq!(value["usage"]["input_tokens"], 3);
}

#[test]
fn echo_streams_word_by_word_with_usage() {
    let body = r#"{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"a b c"}]}"#;
    let answer = ask(Format::OpenAIChat, body);
    assert_eq!(answer.content_type, "text/event-stream; charset=utf-8");
    assert_eq!(answer.chunks.len(), 1 + 3 + 1 + 1 + 1, "role, words, finish, usage, done");
    assert_eq!(answer.chunks.last().unwrap(), "data: [DONE]\n\n");
    let answer = ask(Format::AnthropicMessages, body);
    assert!(answer.chunks.last().unwrap().starts_with(b"event: message_stop\n"));
}

#[test]
fn echo_refuses_what_another_provider_would() {
    let body = Bytes::from_static(b"{\"model\":\"m\"}");
    let outline = crate::outline(Format::OpenAIChat, &body).unwrap();
    let error = echo(Format::OpenAIChat, &body, &outline).unwrap_err();
    assert_eq!(error.param.as_deref(), Some("messages"));
}
