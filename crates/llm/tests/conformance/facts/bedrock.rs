//! Bedrock Converse's requests.

use serde_json::{Value, json};

use super::{Ask, Facts, Says, Who, ask, list, named, rest};

pub(super) fn facts(request: &Value, facts: &mut Facts) {
    blocks("system[]", Who::System, &request["system"], facts);
    for message in list(&request["messages"]) {
        let who = if message["role"] == "assistant" { Who::Assistant } else { Who::User };
        blocks("messages[].content[]", who, &message["content"], facts);
    }
    for tool in list(&request["toolConfig"]["tools"]) {
        for (kind, value) in tool.as_object().into_iter().flatten() {
            let path = format!("toolConfig.tools[].{kind}");
            match kind.as_str() {
                "toolSpec" => {
                    facts.function(&path, &value["name"], &value["description"], &value["inputSchema"]["json"])
                }
                "cachePoint" => {}
                kind => facts.note(&path, Who::Declared, Says::Vendor(kind.to_owned())),
            }
        }
    }
}

fn blocks(path: &str, who: Who, content: &Value, facts: &mut Facts) {
    for block in list(content) {
        for (kind, value) in block.as_object().into_iter().flatten() {
            let path = format!("{path}.{kind}");
            match kind.as_str() {
                "text" => facts.text(&path, who, value),
                "json" => facts.text(&path, who, &json!(value.to_string())),
                "reasoningContent" => facts.thinking(&path, &value["reasoningText"]["text"]),
                // A tool that ran at the vendor's.
                "toolUse" if value["type"] == "server_tool_use" => {
                    facts.note(&path, who, Says::Vendor(kind.clone()));
                }
                "toolResult"
                    if value["type"].as_str().is_some_and(|of| of != "tool_result" && of.ends_with("_result")) =>
                {
                    facts.note(&path, who, Says::Vendor(kind.clone()));
                }
                "toolUse" => facts.call(&path, &value["toolUseId"], &value["name"], value["input"].clone()),
                "toolResult" => {
                    facts.result(&path, &value["toolUseId"], &Value::Null);
                    if value["status"] == "error" {
                        facts.failed(&format!("{path}.status"), &value["toolUseId"]);
                    }
                    blocks(&path, Who::Tool, &value["content"], facts);
                }
                "image" | "document" | "video" | "audio" => {
                    let source = &value["source"];
                    ["bytes", "text"].iter().for_each(|member| facts.media(&path, who, &source[member]));
                    facts.media(&path, who, &source["s3Location"]["uri"]);
                    blocks(&path, who, &source["content"], facts);
                }
                "citationsContent" => blocks(&path, who, &value["content"], facts),
                "searchResult" => blocks(&path, who, &value["content"], facts),
                "guardContent" => facts.text(&path, who, &value["text"]["text"]),
                "cachePoint" => {}
                kind => facts.note(&path, who, Says::Vendor(kind.to_owned())),
            }
        }
    }
}

pub(super) fn asks(request: &Value, asks: &mut Vec<Ask>) {
    let config = &request["inferenceConfig"];
    let members =
        [("maxTokens", "max_tokens"), ("temperature", "temperature"), ("topP", "top_p"), ("stopSequences", "stop")];
    named(config, "inferenceConfig.", &members, asks);
    rest(config, "inferenceConfig.", &members.map(|(key, _)| key), asks);
    let choice = match request["toolConfig"]["toolChoice"].as_object().and_then(|choice| choice.iter().next()) {
        Some((kind, _)) if kind == "any" => json!("required"),
        Some((kind, value)) if kind == "tool" => json!({"tool": value["name"]}),
        Some((kind, _)) => json!(kind),
        None => Value::Null,
    };
    ask("tool_choice", "toolConfig.toolChoice", choice, asks);
    more(&request["additionalModelRequestFields"], asks);
    named(&request["outputConfig"], "outputConfig.", &[("textFormat", "response_format")], asks);
    rest(&request["outputConfig"], "outputConfig.", &["textFormat"], asks);
    named(&request["serviceTier"], "serviceTier.", &[("type", "service_tier")], asks);
    let known = [
        "messages",
        "system",
        "inferenceConfig",
        "toolConfig",
        "additionalModelRequestFields",
        "outputConfig",
        "serviceTier",
        "modelId",
    ];
    rest(request, "", &known, asks);
}

/// Members of the model's own format: Anthropic's, Nova's, Cohere's, OpenAI's.
fn more(fields: &Value, asks: &mut Vec<Ask>) {
    let prefix = "additionalModelRequestFields.";
    let members = [
        ("top_k", "top_k"),
        ("k", "top_k"),
        ("seed", "seed"),
        ("reasoning_effort", "reasoning_effort"),
        ("presence_penalty", "presence_penalty"),
        ("frequency_penalty", "frequency_penalty"),
    ];
    named(fields, prefix, &members, asks);
    for member in ["thinking", "reasoning_config", "reasoningConfig"] {
        let value = if fields[member]["type"] == "disabled" { json!("none") } else { fields[member].clone() };
        ask("reasoning_effort", &format!("{prefix}{member}"), value, asks);
    }
    if let Some(effort) = fields["output_config"].get("effort") {
        ask("reasoning_effort", &format!("{prefix}output_config.effort"), effort.clone(), asks);
    }
    if let Some(top_k) = fields["inferenceConfig"].get("topK") {
        ask("top_k", &format!("{prefix}inferenceConfig.topK"), top_k.clone(), asks);
    }
    if fields["tool_choice"]["disable_parallel_tool_use"] == true {
        ask("parallel_tool_calls", &format!("{prefix}tool_choice"), json!(false), asks);
    }
    let known = ["thinking", "reasoning_config", "reasoningConfig", "output_config", "inferenceConfig", "tool_choice"];
    let known: Vec<&str> = members.iter().map(|(key, _)| *key).chain(known).collect();
    rest(fields, prefix, &known, asks);
}
