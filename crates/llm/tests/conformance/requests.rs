//! Requests: relayed as they came, or translated to what the vendor takes with nothing lost in silence.

use pillion_llm::{Format, outline};
use serde_json::{Map, Value, json};

use crate::corpus::{Case, vendor};
use crate::drive::prepared;
use crate::excluded::over_cases;
use crate::facts::{facts, lost, names};
use crate::replies::equal;
use crate::schema::{self, What};

fn has_request(case: &Case) -> bool {
    case.request.is_some()
}

#[test]
fn relayed_requests_are_the_clients_bytes_save_the_declared_splices() {
    over_cases("request-relay", has_request, |case| {
        let body = case.request.as_ref().unwrap();
        let request: Value = serde_json::from_slice(body).unwrap();
        let outline = outline(case.format, body).map_err(|error| error.to_string())?;
        equal("model", &outline.model.as_deref(), &request["model"].as_str())?;
        equal("stream", &outline.stream, &request["stream"].as_bool().unwrap_or_default())?;
        let plain =
            prepared(case.format, body, case.provider(), case.format, None).map_err(|error| error.to_string())?;
        equal("reports", &(plain.dropped.len() + plain.approximated.len()), &0)?;
        let mut expected = request.clone();
        if case.format == Format::OpenAIChat && outline.stream && plain.body != *body {
            expected["stream_options"]["include_usage"] = json!(true);
            one_splice(body, &plain.body, "include_usage")?;
        } else {
            equal("bytes", &plain.body, body)?;
        }
        equal("the spliced body", &serde_json::from_slice(&plain.body).unwrap(), &expected)?;
        let other = prepared(case.format, body, case.provider(), case.format, Some("another-model"))
            .map_err(|e| e.to_string())?;
        expected["model"] = json!("another-model");
        equal("the body for another model", &serde_json::from_slice(&other.body).unwrap(), &expected)?;
        let same = prepared(case.format, body, case.provider(), case.format, request["model"].as_str()).unwrap();
        equal("the body for the same model", &same.body, &plain.body)
    });
}

/// Whether `after` is `before` with one piece put in or exchanged, which has this word.
fn one_splice(before: &[u8], after: &[u8], word: &str) -> Result<(), String> {
    let prefix = before.iter().zip(after).take_while(|(left, right)| left == right).count();
    let rest = (&before[prefix..], &after[prefix..]);
    let suffix = rest.0.iter().rev().zip(rest.1.iter().rev()).take_while(|(left, right)| left == right).count();
    let put_in = String::from_utf8_lossy(&after[prefix.saturating_sub(20)..after.len() - suffix]);
    let gone = before.len() - prefix - suffix;
    if gone <= "false".len() && put_in.contains(word) {
        Ok(())
    } else {
        Err(format!("not one splice: {gone} bytes gone, put in {put_in}"))
    }
}

#[test]
fn translated_requests_are_what_the_vendor_takes_and_lose_nothing_in_silence() {
    over_cases("request-translation", has_request, |case| {
        let body = case.request.as_ref().unwrap();
        let request: Value = serde_json::from_slice(body).unwrap();
        let models = match case.other() {
            Format::AnthropicMessages => {
                ["claude-3-haiku-20240307", "claude-sonnet-4-5", "claude-opus-4-7", "some-model"]
            }
            Format::OpenAIChat => ["gpt-4o-mini", "gpt-5-mini", "o3", "some-model"],
        };
        for model in models {
            let prepared = prepared(case.format, body, vendor(case.other()), case.other(), Some(model))
                .map_err(|error| format!("refused for {model}: {:?} {error}", error.param))?;
            let translated: Value = serde_json::from_slice(&prepared.body).map_err(|error| error.to_string())?;
            let here = |why: String| format!("for {model}: {why}");
            equal("model", &translated["model"].as_str(), &Some(model))?;
            schema::check(case.other(), What::Request, &translated).map_err(here)?;
            let reported = [prepared.dropped, prepared.approximated].concat();
            let mut missing = lost(&facts(case.format, &request), &translated, &reported);
            missing.extend(lost_members(case.format, &request, &translated, &reported));
            if !missing.is_empty() {
                return Err(here(format!("lost: {} (reported {reported:?})", missing.join("; "))));
            }
        }
        Ok(())
    });
}

/// Members of OpenAI's body and of Anthropic's that carry the same.
const SAME: &[(&str, &[&str])] = &[
    ("messages", &["messages"]),
    ("max_tokens", &["max_tokens"]),
    ("max_completion_tokens", &["max_tokens"]),
    ("stream", &["stream"]),
    ("temperature", &["temperature"]),
    ("top_p", &["top_p"]),
    ("stop", &["stop_sequences"]),
    ("tools", &["tools"]),
    ("tool_choice", &["tool_choice"]),
    ("parallel_tool_calls", &["tool_choice"]),
    ("response_format", &["output_config", "tools"]),
    ("reasoning_effort", &["thinking", "output_config"]),
    ("user", &["metadata"]),
    ("service_tier", &["service_tier"]),
];

fn lost_members(client: Format, request: &Value, translated: &Value, reported: &[String]) -> Vec<String> {
    let empty = Map::new();
    let members = request.as_object().unwrap_or(&empty);
    members
        .iter()
        .filter(|(key, value)| !says_nothing(key, value))
        .filter(|(key, value)| {
            let carried = SAME.iter().any(|(openai, anthropic)| match client {
                Format::OpenAIChat => {
                    openai == key && anthropic.iter().any(|member| carries(&translated[member], value))
                }
                Format::AnthropicMessages => anthropic.contains(&key.as_str()) && carries(&translated[openai], value),
            });
            let root = |name: &String| name.split(['.', '[']).next() == Some(key.as_str());
            !(carried || reported.iter().any(root) || names(reported, key))
        })
        .map(|(key, value)| format!("member {key}: {value:.80}"))
        .collect()
}

/// Numbers and flags must be the same; what has a shape has another one.
fn carries(translated: &Value, original: &Value) -> bool {
    match original {
        Value::Number(_) | Value::Bool(_) if !translated.is_object() => translated == original,
        _ => !translated.is_null(),
    }
}

/// Members that name the default, stand elsewhere (the system prompt is a fact), or are answered by the gateway.
fn says_nothing(key: &str, value: &Value) -> bool {
    match value {
        _ if ["model", "system", "stream_options"].contains(&key) => true,
        Value::Null | Value::Bool(false) => key != "parallel_tool_calls" || value.is_null(),
        Value::Array(items) => items.is_empty(),
        Value::Object(object) if object.is_empty() => true,
        _ => {
            (key, value) == ("n", &json!(1))
                || ["temperature", "top_p"].contains(&key) && value.as_f64() == Some(1.0)
                || (key, value) == ("reasoning_effort", &json!("none"))
                || (key, value) == ("parallel_tool_calls", &json!(true))
                || (key, value) == ("modalities", &json!(["text"]))
                || (key, &value["type"]) == ("thinking", &json!("disabled"))
                || (key, &value["type"]) == ("response_format", &json!("text"))
        }
    }
}
