//! Cohere's requests.

use serde_json::{Value, json};

use super::{Ask, Facts, Says, Who, ask, list, named, parsed, rest};

pub(super) fn facts(request: &Value, facts: &mut Facts) {
    for message in list(&request["messages"]) {
        let who = match message["role"].as_str() {
            Some("system") => Who::System,
            Some("assistant") => Who::Assistant,
            Some("tool") => Who::Tool,
            _ => Who::User,
        };
        if who == Who::Tool {
            facts.result("messages[].tool_call_id", &message["tool_call_id"], &Value::Null);
        }
        content(who, &message["content"], facts);
        facts.thinking("messages[].tool_plan", &message["tool_plan"]);
        for call in list(&message["tool_calls"]) {
            let function = &call["function"];
            facts.call("messages[].tool_calls", &call["id"], &function["name"], parsed(&function["arguments"]));
        }
    }
    for tool in list(&request["tools"]) {
        let function = &tool["function"];
        facts.function("tools[].function", &function["name"], &function["description"], &function["parameters"]);
    }
    for document in list(&request["documents"]) {
        facts.note("documents", Who::User, Says::Media(words_of(document)));
    }
}

fn content(who: Who, content: &Value, facts: &mut Facts) {
    facts.text("messages[].content", who, content);
    for part in list(content) {
        let kind = part["type"].as_str().unwrap_or("unknown");
        let path = format!("messages[].content[].{kind}");
        match kind {
            "text" => facts.text(&path, who, &part["text"]),
            "thinking" => facts.thinking(&path, &part["thinking"]),
            "image_url" => facts.media(&path, who, &part["image_url"]["url"]),
            "document" => facts.text(&path, who, &json!(words_of(&part["document"]))),
            kind => facts.note(&path, who, Says::Vendor(kind.to_owned())),
        }
    }
}

/// What a document says: its data's text, its data, or itself.
fn words_of(document: &Value) -> String {
    let data = document.get("data").unwrap_or(document);
    let text = data.get("text").or_else(|| data.get("snippet")).unwrap_or(data);
    text.as_str().map_or_else(|| text.to_string(), str::to_owned)
}

pub(super) fn asks(request: &Value, asks: &mut Vec<Ask>) {
    let members = [
        ("max_tokens", "max_tokens"),
        ("temperature", "temperature"),
        ("p", "top_p"),
        ("k", "top_k"),
        ("stop_sequences", "stop"),
        ("seed", "seed"),
        ("presence_penalty", "presence_penalty"),
        ("frequency_penalty", "frequency_penalty"),
        ("logprobs", "logprobs"),
    ];
    named(request, "", &members, asks);
    let choice = request["tool_choice"].as_str().map(str::to_ascii_lowercase);
    ask("tool_choice", "tool_choice", json!(choice), asks);
    let thinking = &request["thinking"];
    let thinking = if thinking["type"] == "disabled" { json!("none") } else { thinking.clone() };
    ask("reasoning_effort", "thinking", thinking, asks);
    let format = &request["response_format"];
    let kind = if format["type"] == "text" { json!("text") } else { format.clone() };
    ask("response_format", "response_format", kind, asks);
    let known = ["messages", "model", "stream", "tools", "documents", "tool_choice", "thinking", "response_format"];
    let known: Vec<&str> = members.iter().map(|(key, _)| *key).chain(known).collect();
    rest(request, "", &known, asks);
}
