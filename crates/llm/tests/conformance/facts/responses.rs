//! OpenAI Responses' requests.

use serde_json::{Value, json};

use super::{Ask, Facts, Says, Who, ask, list, named, parsed, rest, string};

pub(super) fn facts(request: &Value, facts: &mut Facts) {
    facts.text("instructions", Who::System, &request["instructions"]);
    facts.text("input", Who::User, &request["input"]);
    for item in list(&request["input"]) {
        match item["type"].as_str() {
            Some("message") | None => {
                let who = match item["role"].as_str() {
                    Some("system" | "developer") => Who::System,
                    Some("assistant") => Who::Assistant,
                    _ => Who::User,
                };
                content("input[].content", who, &item["content"], facts);
            }
            Some("function_call") => {
                facts.call("input[].function_call", &item["call_id"], &item["name"], parsed(&item["arguments"]));
            }
            Some("function_call_output") => {
                facts.result("input[].function_call_output", &item["call_id"], &Value::Null);
                content("input[].function_call_output", Who::Tool, &item["output"], facts);
            }
            Some("reasoning") => {
                let texts = list(&item["summary"]).chain(list(&item["content"]));
                texts.for_each(|part| facts.thinking("input[].reasoning", &part["text"]));
            }
            Some(kind) => facts.note(&format!("input[].{kind}"), Who::Assistant, Says::Vendor(kind.to_owned())),
        }
    }
    for tool in list(&request["tools"]) {
        match tool["type"].as_str() {
            Some("function") => {
                facts.function("tools[].function", &tool["name"], &tool["description"], &tool["parameters"])
            }
            kind => {
                let kind = kind.unwrap_or("unknown");
                facts.note(&format!("tools[].{kind}"), Who::Declared, Says::Vendor(kind.to_owned()));
            }
        }
    }
}

fn content(path: &str, who: Who, content: &Value, facts: &mut Facts) {
    facts.text(path, who, content);
    for part in list(content) {
        let kind = part["type"].as_str().unwrap_or("unknown");
        let path = format!("{path}[].{kind}");
        match kind {
            "input_text" | "output_text" | "text" => facts.text(&path, who, &part["text"]),
            "refusal" => facts.text(&path, who, &part["refusal"]),
            _ => {
                for member in ["image_url", "file_data", "file_url", "file_id"] {
                    facts.media(&path, who, &part[member]);
                }
                facts.media(&path, who, &part["input_audio"]["data"]);
            }
        }
    }
}

pub(super) fn asks(request: &Value, asks: &mut Vec<Ask>) {
    let members = [
        ("max_output_tokens", "max_tokens"),
        ("temperature", "temperature"),
        ("top_p", "top_p"),
        ("parallel_tool_calls", "parallel_tool_calls"),
        ("user", "user"),
        ("service_tier", "service_tier"),
        ("top_logprobs", "top_logprobs"),
    ];
    named(request, "", &members, asks);
    let include = list(&request["include"]);
    let (logprobs, others): (Vec<_>, Vec<_>) = include.partition(|name| *name == "message.output_text.logprobs");
    ask("logprobs", "include", json!(!logprobs.is_empty()), asks);
    // Thinking that goes back and forth is asked for by name here alone.
    let others: Vec<_> = others.into_iter().filter(|name| *name != "reasoning.encrypted_content").collect();
    rest(&json!({"include": others}), "", &[], asks);
    named(&request["reasoning"], "reasoning.", &[("effort", "reasoning_effort")], asks);
    let summary = !request["reasoning"]["summary"].is_null();
    ask("show_thinking", "reasoning.summary", json!(summary), asks);
    rest(&request["reasoning"], "reasoning.", &["effort", "summary"], asks);
    let format = &request["text"]["format"];
    let kind = if format["type"] == "text" { json!("text") } else { format.clone() };
    ask("response_format", "text.format", kind, asks);
    rest(&request["text"], "text.", &["format"], asks);
    let choice = &request["tool_choice"];
    match choice["type"].as_str() {
        Some("function") => ask("tool_choice", "tool_choice", json!({"tool": string(&choice["name"])}), asks),
        _ => ask("tool_choice", "tool_choice", choice.clone(), asks),
    }
    let known = [
        "input",
        "instructions",
        "model",
        "stream",
        "stream_options",
        "tools",
        "include",
        "reasoning",
        "text",
        "tool_choice",
    ];
    let known: Vec<&str> = members.iter().map(|(key, _)| *key).chain(known).collect();
    rest(request, "", &known, asks);
}
