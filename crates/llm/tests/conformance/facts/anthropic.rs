//! Anthropic Messages' requests.

use serde_json::{Value, json};

use super::{Ask, Facts, Says, Who, ask, list, named, rest};

pub(super) fn facts(request: &Value, facts: &mut Facts) {
    content("system", Who::System, &request["system"], facts);
    for message in list(&request["messages"]) {
        let who = match message["role"].as_str() {
            Some("assistant") => Who::Assistant,
            Some("system") => Who::System,
            _ => Who::User,
        };
        content("messages[].content", who, &message["content"], facts);
    }
    for tool in list(&request["tools"]) {
        match tool["type"].as_str() {
            Some("custom") | None => {
                facts.function("tools[].custom", &tool["name"], &tool["description"], &tool["input_schema"]);
            }
            Some(kind) => facts.note(&format!("tools[].{kind}"), Who::Declared, Says::Vendor(kind.to_owned())),
        }
    }
}

fn content(path: &str, who: Who, content: &Value, facts: &mut Facts) {
    facts.text(path, who, content);
    for block in list(content) {
        let kind = block["type"].as_str().unwrap_or("unknown");
        let path = format!("{}[].{kind}", path.trim_end_matches("[]"));
        match kind {
            "text" => facts.text(&path, who, &block["text"]),
            "thinking" => facts.thinking(&path, &block["thinking"]),
            "tool_use" => facts.call(&path, &block["id"], &block["name"], block["input"].clone()),
            "tool_result" => {
                facts.result(&path, &block["tool_use_id"], &Value::Null);
                if block["is_error"] == true {
                    facts.failed("messages[].content[].is_error", &block["tool_use_id"]);
                }
                self::content(&path, Who::Tool, &block["content"], facts);
            }
            "image" | "document" => {
                let source = &block["source"];
                ["url", "file_id"].iter().for_each(|member| facts.media(&path, who, &source[member]));
                match source["type"].as_str() {
                    Some("text") => {
                        facts.note(&path, who, Says::Media(source["data"].as_str().unwrap_or_default().to_owned()))
                    }
                    Some("content") => self::content(&path, who, &source["content"], facts),
                    _ => facts.media(&path, who, &source["data"]),
                }
            }
            "search_result" => self::content(&path, who, &block["content"], facts),
            kind => facts.note(&path, who, Says::Vendor(kind.to_owned())),
        }
    }
}

pub(super) fn asks(request: &Value, asks: &mut Vec<Ask>) {
    let members = [
        ("max_tokens", "max_tokens"),
        ("temperature", "temperature"),
        ("top_p", "top_p"),
        ("top_k", "top_k"),
        ("stop_sequences", "stop"),
        ("service_tier", "service_tier"),
    ];
    named(request, "", &members, asks);
    let choice = &request["tool_choice"];
    let chosen = match choice["type"].as_str() {
        Some("any") => json!("required"),
        Some("tool") => json!({"tool": choice["name"]}),
        _ => choice["type"].clone(),
    };
    ask("tool_choice", "tool_choice", chosen, asks);
    if choice["disable_parallel_tool_use"] == true {
        ask("parallel_tool_calls", "tool_choice.disable_parallel_tool_use", json!(false), asks);
    }
    let thinking = &request["thinking"];
    if let Some(display) = thinking["display"].as_str() {
        ask("show_thinking", "thinking.display", json!(display != "omitted"), asks);
    }
    let thinking = if thinking["type"] == "disabled" { json!("none") } else { thinking.clone() };
    ask("reasoning_effort", "thinking", thinking, asks);
    let output = &request["output_config"];
    named(output, "output_config.", &[("effort", "reasoning_effort"), ("format", "response_format")], asks);
    rest(output, "output_config.", &["effort", "format"], asks);
    named(request, "", &[("output_format", "response_format")], asks);
    named(&request["metadata"], "metadata.", &[("user_id", "user")], asks);
    rest(&request["metadata"], "metadata.", &["user_id"], asks);
    let known = [
        "messages",
        "model",
        "stream",
        "system",
        "tools",
        "tool_choice",
        "thinking",
        "output_config",
        "output_format",
        "metadata",
    ];
    let known: Vec<&str> = members.iter().map(|(key, _)| *key).chain(known).collect();
    rest(request, "", &known, asks);
}
