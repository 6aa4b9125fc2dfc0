//! Clients of the Responses API go on with an answer by its id, whatever provider gave it.

use crate::support::*;
use serde_json::{Value, json};

const RESPONSES: &str = "/v1/responses";

fn asked(stream: bool, before: Option<&str>, text: &str) -> String {
    let mut body = json!({"model": "m", "stream": stream, "input": text});
    if let Some(id) = before {
        body["previous_response_id"] = json!(id);
    }
    body.to_string()
}

fn texts(body: &[u8]) -> Vec<String> {
    let body: Value = serde_json::from_slice(body).unwrap();
    let text = |message: &Value| match &message["content"] {
        Value::String(text) => text.clone(),
        content => content[0]["text"].as_str().unwrap_or_default().to_owned(),
    };
    body["messages"].as_array().unwrap().iter().map(text).collect()
}

#[tokio::test]
async fn an_answer_of_another_vendors_is_gone_on_with_by_its_id() {
    let (upstream, running) = with_upstream("OpenAICompatible").await;
    let first = post(running.data, RESPONSES, asked(false, None, "one")).spawn();
    upstream.answer(200, "application/json", OPENAI_REPLY.as_bytes()).await;
    let first = first.await.unwrap().json().await;
    let said = first["output"][0]["content"][0]["text"].as_str().unwrap().to_owned();

    let second = post(running.data, RESPONSES, asked(true, first["id"].as_str(), "two")).spawn();
    let call = upstream
        .answer(200, "text/event-stream", openai_events().concat().replace("chatcmpl-1", "chatcmpl-2").as_bytes())
        .await;
    assert_eq!(texts(&call.body), ["one", &said, "two"]);
    drop(call);
    let events = String::from_utf8(second.await.unwrap().bytes().await.unwrap()).unwrap();
    let last = events.lines().rev().find_map(|line| line.strip_prefix("data: ")).unwrap();
    let last: Value = serde_json::from_str(last).unwrap();
    let streamed = last["response"]["output"][0]["content"][0]["text"].as_str().unwrap().to_owned();

    let third = post(running.data, RESPONSES, asked(false, last["response"]["id"].as_str(), "three")).spawn();
    let call = upstream.answer(200, "application/json", OPENAI_REPLY.as_bytes()).await;
    assert_eq!(texts(&call.body), ["one", &said, "two", &streamed, "three"]);
    assert_eq!(third.await.unwrap().status, 200);
}

#[tokio::test]
async fn an_answer_that_nobody_kept_is_not_found_in_openais_words() {
    let (_upstream, running) = with_upstream("Anthropic").await;
    let answered = post(running.data, RESPONSES, asked(false, Some("resp_gone"), "two")).send().await;
    assert_eq!(answered.status, 400);
    let error = answered.json().await["error"].clone();
    assert_eq!(error["code"], "previous_response_not_found");
    assert_eq!(error["param"], "previous_response_id");
    assert!(error["message"].as_str().unwrap().contains("'resp_gone'"), "{error}");
}
