//! Gemini's requests. Members may be written with underscores too, as protocol buffers allow.

use serde_json::{Map, Value, json};

use super::{Ask, Facts, Says, Who, ask, list, named, rest};

/// The same with the names in the document's spelling, save what is not the format's own: schemas and arguments.
pub(crate) fn spelled(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(spelled).collect(),
        Value::Object(object) => {
            let spell = |(key, value): (&String, &Value)| {
                let name = camel(key);
                let free = [
                    "args",
                    "response",
                    "parameters",
                    "parametersJsonSchema",
                    "responseSchema",
                    "responseJsonSchema",
                    "labels",
                ];
                let inner = if free.contains(&name.as_str()) { value.clone() } else { spelled(value) };
                (name, inner)
            };
            Value::Object(object.iter().map(spell).collect::<Map<String, Value>>())
        }
        value => value.clone(),
    }
}

fn camel(name: &str) -> String {
    let mut out = String::new();
    let mut upper = false;
    for letter in name.chars() {
        match letter {
            '_' if !out.is_empty() => upper = true,
            letter if upper => {
                out.extend(letter.to_uppercase());
                upper = false;
            }
            letter => out.push(letter),
        }
    }
    out
}

pub(super) fn facts(request: &Value, facts: &mut Facts) {
    let request = spelled(request);
    let system = &request["systemInstruction"];
    facts.text("systemInstruction", Who::System, system);
    parts("systemInstruction.parts[]", Who::System, system, facts);
    let contents = &request["contents"];
    let one = [contents.clone()];
    let contents = contents.as_array().map_or(&one[..], Vec::as_slice);
    for content in contents {
        let who = if content["role"] == "model" { Who::Assistant } else { Who::User };
        facts.text("contents", who, content);
        parts("contents[].parts[]", who, content, facts);
    }
    for tool in list(&request["tools"]) {
        for (kind, value) in tool.as_object().into_iter().flatten() {
            if kind != "functionDeclarations" {
                facts.note(&format!("tools[].{kind}"), Who::Declared, Says::Vendor(kind.clone()));
                continue;
            }
            for function in list(value) {
                let schema = function.get("parametersJsonSchema").unwrap_or(&function["parameters"]);
                facts.function("tools[].functionDeclarations", &function["name"], &function["description"], schema);
            }
        }
    }
}

fn parts(path: &str, who: Who, content: &Value, facts: &mut Facts) {
    // A single part may stand without its list.
    let one = [content["parts"].clone()];
    let parts = content["parts"].as_array().map_or(&one[..], Vec::as_slice);
    for part in parts {
        for (kind, value) in part.as_object().into_iter().flatten() {
            let path = format!("{path}.{kind}");
            match kind.as_str() {
                "text" if part["thought"] == true => facts.thinking(&path, value),
                "text" => facts.text(&path, who, value),
                "inlineData" => facts.media(&path, who, &value["data"]),
                "fileData" => facts.media(&path, who, &value["fileUri"]),
                "functionCall" => facts.call(&path, &value["id"], &value["name"], value["args"].clone()),
                "functionResponse" => {
                    facts.result(&path, &value["id"], &value["name"]);
                    if value["response"].get("error").is_some() {
                        facts.failed(&path, &value["id"]);
                    }
                    response(&path, &value["response"], facts);
                    list(&value["parts"]).for_each(|part| facts.media(&path, Who::Tool, &part["inlineData"]["data"]));
                }
                "thought" | "thoughtSignature" | "partMetadata" | "mediaResolution" | "videoMetadata" => {}
                kind => facts.note(&path, who, Says::Vendor(kind.to_owned())),
            }
        }
    }
}

/// An object that wraps one text says that text.
fn response(path: &str, response: &Value, facts: &mut Facts) {
    let members = response.as_object().map(|object| object.values().collect::<Vec<_>>()).unwrap_or_default();
    match members[..] {
        [Value::String(_)] => facts.text(path, Who::Tool, members[0]),
        [] => {}
        _ => facts.text(path, Who::Tool, &json!(response.to_string())),
    }
}

pub(super) fn asks(request: &Value, asks: &mut Vec<Ask>) {
    let request = spelled(request);
    let config = &request["generationConfig"];
    let members = [
        ("maxOutputTokens", "max_tokens"),
        ("temperature", "temperature"),
        ("topP", "top_p"),
        ("topK", "top_k"),
        ("stopSequences", "stop"),
        ("candidateCount", "n"),
        ("seed", "seed"),
        ("presencePenalty", "presence_penalty"),
        ("frequencyPenalty", "frequency_penalty"),
        ("responseLogprobs", "logprobs"),
        ("logprobs", "top_logprobs"),
    ];
    named(config, "generationConfig.", &members, asks);
    let thinking = &config["thinkingConfig"];
    for member in ["thinkingLevel", "thinkingBudget"] {
        let value = match &thinking[member] {
            Value::Number(number) if number.as_i64() == Some(0) => json!("none"),
            Value::Number(number) => json!({"budget": number}),
            value => value.clone(),
        };
        ask("reasoning_effort", &format!("generationConfig.thinkingConfig.{member}"), value, asks);
    }
    named(thinking, "generationConfig.thinkingConfig.", &[("includeThoughts", "show_thinking")], asks);
    rest(thinking, "generationConfig.thinkingConfig.", &["thinkingLevel", "thinkingBudget", "includeThoughts"], asks);
    let schema = ["responseSchema", "responseJsonSchema"].iter().find_map(|member| config.get(*member));
    let format = match (schema, config["responseMimeType"].as_str()) {
        (Some(schema), _) => json!({"schema": schema}),
        (None, Some("text/plain") | None) => json!("text"),
        (None, Some(kind)) => json!({"type": kind}),
    };
    ask("response_format", "generationConfig.responseMimeType", format, asks);
    let known = ["thinkingConfig", "responseSchema", "responseJsonSchema", "responseMimeType"];
    let known: Vec<&str> = members.iter().map(|(key, _)| *key).chain(known).collect();
    rest(config, "generationConfig.", &known, asks);
    let calling = &request["toolConfig"]["functionCallingConfig"];
    let allowed: Vec<&Value> = list(&calling["allowedFunctionNames"]).collect();
    let choice = match (calling["mode"].as_str().map(str::to_ascii_uppercase).as_deref(), &allowed[..]) {
        (Some("ANY" | "VALIDATED"), [name]) => json!({"tool": name}),
        (Some("ANY"), _) => json!("required"),
        (Some("NONE"), _) => json!("none"),
        (Some("AUTO"), _) => json!("auto"),
        _ => Value::Null,
    };
    ask("tool_choice", "toolConfig.functionCallingConfig", choice, asks);
    rest(&request["toolConfig"], "toolConfig.", &["functionCallingConfig"], asks);
    named(&request, "", &[("serviceTier", "service_tier")], asks);
    let known = ["contents", "systemInstruction", "tools", "generationConfig", "toolConfig", "model", "serviceTier"];
    rest(&request, "", &known, asks);
}
