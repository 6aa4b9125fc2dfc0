//! OpenAI Chat's requests.

use serde_json::{Value, json};

use super::{Ask, Facts, Says, Who, ask, list, named, parsed, rest, string};

pub(super) fn facts(request: &Value, facts: &mut Facts) {
    for message in list(&request["messages"]) {
        let who = match message["role"].as_str() {
            Some("system" | "developer") => Who::System,
            Some("assistant") => Who::Assistant,
            Some("tool" | "function") => Who::Tool,
            _ => Who::User,
        };
        if who == Who::Tool {
            facts.result("messages[].tool_call_id", &message["tool_call_id"], &Value::Null);
        }
        content(who, &message["content"], facts);
        facts.text("messages[].refusal", who, &message["refusal"]);
        // One thing under the two names that servers have for it.
        for member in ["reasoning_content", "reasoning"] {
            facts.thinking("messages[].reasoning_content", &message[member]);
        }
        for call in list(&message["tool_calls"]) {
            let function = &call["function"];
            let path = "messages[].tool_calls[].function.arguments";
            match call["type"].as_str() {
                Some("custom") => {
                    facts.note("messages[].tool_calls[].custom", who, Says::Text(string(&call["custom"]["input"])))
                }
                _ => facts.call(path, &call["id"], &function["name"], parsed(&function["arguments"])),
            }
        }
    }
    for tool in list(&request["tools"]) {
        match tool["type"].as_str() {
            Some("function") | None => {
                let function = &tool["function"];
                facts.function(
                    "tools[].function",
                    &function["name"],
                    &function["description"],
                    &function["parameters"],
                );
            }
            Some(kind) => facts.note(&format!("tools[].{kind}"), Who::Declared, Says::Vendor(kind.to_owned())),
        }
    }
}

fn content(who: Who, content: &Value, facts: &mut Facts) {
    facts.text("messages[].content", who, content);
    for part in list(content) {
        let kind = part["type"].as_str().unwrap_or("unknown");
        let path = format!("messages[].content[].{kind}");
        match kind {
            "text" | "refusal" => facts.text(&path, who, &part[kind]),
            "thinking" => list(&part["thinking"]).for_each(|part| facts.thinking(&path, &part["text"])),
            "image_url" => {
                let image = &part["image_url"];
                facts.media(&path, who, if image.is_string() { image } else { &image["url"] });
            }
            "input_audio" => facts.media(&path, who, &part["input_audio"]["data"]),
            "file" => ["file_data", "file_id"].iter().for_each(|member| facts.media(&path, who, &part["file"][member])),
            _ => facts.media(&path, who, &part[kind]["url"]),
        }
    }
}

pub(super) fn asks(request: &Value, asks: &mut Vec<Ask>) {
    let members = [
        ("max_completion_tokens", "max_tokens"),
        ("temperature", "temperature"),
        ("top_p", "top_p"),
        ("top_k", "top_k"),
        ("parallel_tool_calls", "parallel_tool_calls"),
        ("reasoning_effort", "reasoning_effort"),
        ("user", "user"),
        ("service_tier", "service_tier"),
        ("seed", "seed"),
        ("presence_penalty", "presence_penalty"),
        ("frequency_penalty", "frequency_penalty"),
        ("n", "n"),
        ("logprobs", "logprobs"),
        ("top_logprobs", "top_logprobs"),
    ];
    named(request, "", &members, asks);
    if request["max_completion_tokens"].is_null() {
        named(request, "", &[("max_tokens", "max_tokens")], asks);
    }
    match &request["stop"] {
        Value::String(stop) => ask("stop", "stop", json!([stop]), asks),
        stop => ask("stop", "stop", stop.clone(), asks),
    }
    let choice = &request["tool_choice"];
    match (choice, choice["type"].as_str()) {
        (Value::Object(_), Some("function")) => {
            ask("tool_choice", "tool_choice", json!({"tool": choice["function"]["name"]}), asks);
        }
        // Mistral's word for it.
        _ if choice == "any" => ask("tool_choice", "tool_choice", json!("required"), asks),
        _ => ask("tool_choice", "tool_choice", choice.clone(), asks),
    }
    let format = &request["response_format"];
    let kind = if format["type"] == "text" { json!("text") } else { format.clone() };
    ask("response_format", "response_format", kind, asks);
    let known = [
        "messages",
        "model",
        "stream",
        "stream_options",
        "tools",
        "max_tokens",
        "stop",
        "tool_choice",
        "response_format",
    ];
    let known: Vec<&str> = members.iter().map(|(key, _)| *key).chain(known).collect();
    rest(request, "", &known, asks);
}
