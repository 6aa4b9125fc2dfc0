//! What becomes of a reply that the client sends back in its next turn, to the provider that wrote it.

use pillion_llm::Format;
use serde_json::{Value, json};

use super::Fate;
use super::features::{Feature, merge, named};
use super::replies::upstream;
use crate::drive::{bytes, exchange, prepared};
use crate::parties::{plain_request, thinking, vendor};
use crate::schema::{self, Book, What};

pub(super) fn fate(feature: &Feature, client: Format, wire: Format) -> Result<Fate, String> {
    let reply = exchange(client, vendor(wire), wire).reply(&bytes(&upstream(feature, wire)));
    let reply = reply.map_err(|fault| fault.to_string())?;
    let seen: Value = serde_json::from_slice(&reply.body).unwrap();
    let before = thoughtful(client);
    let mut next = before.clone();
    merge(&mut next, &answered(client, &seen));
    let send = |body: &Value| prepared(client, &bytes(body), vendor(wire), wire, Some(thinking(wire)));
    let sent = send(&next).map_err(|error| format!("the next turn: {:?} {error}", error.param))?;
    let body: Value = serde_json::from_slice(&sent.body).unwrap();
    schema::check(Book::of(wire), What::Request, &body).map_err(|why| format!("{why} in {body}"))?;
    let before = send(&before).map_err(|error| error.to_string())?;
    let new = |names: Vec<String>, old: &[String]| -> Vec<String> {
        names.into_iter().filter(|name| !old.contains(name)).collect()
    };
    let dropped = [reply.lost.dropped, new(sent.dropped, &before.dropped)].concat();
    let approximated = [reply.lost.approximated, new(sent.approximated, &before.approximated)].concat();
    let fate = Fate::of_reports(dropped, approximated);
    match feature.marks.iter().find(|mark| !whole(&body, mark)) {
        Some(mark) => Err(format!("{mark} is lost ({fate:?}): {seen} became {body}")),
        _ => Ok(fate),
    }
}

/// Whether a mark stands in a body alone, as its vendor wrote it.
fn whole(body: &Value, mark: &Value) -> bool {
    match body {
        Value::Array(items) => items.iter().any(|item| whole(item, mark)),
        Value::Object(members) => members.values().any(|value| whole(value, mark)),
        value => value == mark,
    }
}

/// A request with a tool, by a client that wants thoughts.
fn thoughtful(client: Format) -> Value {
    let mut body = plain_request(client, false);
    merge(&mut body, named("Functions").members(client));
    let asked = ["Budget", "Effort"].map(named).into_iter().find(|asked| asked.is_of(client));
    merge(&mut body, asked.expect("every format has one").members(client));
    body
}

/// The conversation with the answer in it and the result of its call.
fn answered(client: Format, reply: &Value) -> Value {
    let user = json!({"role": "user", "content": "hello"});
    match client {
        Format::OpenAIChat | Format::CohereChat => {
            let message =
                if client == Format::CohereChat { &reply["message"] } else { &reply["choices"][0]["message"] };
            json!({"messages": [user, message, {"role": "tool", "tool_call_id": "c1", "content": "blue"}]})
        }
        Format::OpenAIResponses => {
            let result = json!({"type": "function_call_output", "call_id": "c1", "output": "blue"});
            let output = reply["output"].as_array().unwrap().iter().cloned();
            let input: Vec<Value> = [user].into_iter().chain(output).chain([result]).collect();
            json!({"input": input})
        }
        Format::AnthropicMessages => {
            let result = json!({"type": "tool_result", "tool_use_id": "c1", "content": "blue"});
            json!({"messages": [user, {"role": "assistant", "content": reply["content"]}, {"role": "user", "content": [result]}]})
        }
        Format::GeminiGenerateContent => {
            let result = json!({"functionResponse": {"id": "c1", "name": "look", "response": {"result": "blue"}}});
            json!({"contents": [{"role": "user", "parts": [{"text": "hello"}]}, reply["candidates"][0]["content"],
                {"role": "user", "parts": [result]}]})
        }
        Format::BedrockConverse => {
            let result = json!({"toolResult": {"toolUseId": "c1", "content": [{"text": "blue"}]}});
            json!({"messages": [{"role": "user", "content": [{"text": "hello"}]}, reply["output"]["message"],
                {"role": "user", "content": [result]}]})
        }
    }
}
