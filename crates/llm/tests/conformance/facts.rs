//! What a request holds that must not be lost: texts, ids, names, arguments, images, members.

use pillion_llm::Format;
use serde_json::Value;

/// One thing that a request says.
#[derive(Debug)]
pub(crate) struct Fact {
    /// Where it stands, in words that a report would use.
    pub(crate) path: String,
    pub(crate) says: Says,
}

#[derive(Debug)]
pub(crate) enum Says {
    /// Text: stands somewhere within some string.
    Text(String),
    /// An id or a name: is some string.
    Name(String),
    /// Arguments of a call: are some value, or some string's JSON.
    Arguments(Value),
}

/// The facts of a request's messages and tools.
pub(crate) fn facts(format: Format, request: &Value) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut note = |path: String, says: Says| facts.push(Fact { path, says });
    content("system", &request["system"], &mut note);
    for message in request["messages"].as_array().into_iter().flatten() {
        content("messages[].content", &message["content"], &mut note);
        // One thing under the two names that servers have for it.
        for (member, path) in
            [("reasoning_content", "reasoning_content"), ("reasoning", "reasoning_content"), ("refusal", "refusal")]
        {
            text(&format!("messages[].{path}"), &message[member], &mut note);
        }
        if let Some(id) = message["tool_call_id"].as_str() {
            note("messages[].tool_call_id".into(), Says::Name(id.to_owned()));
        }
        for call in message["tool_calls"].as_array().into_iter().flatten() {
            let path = || "messages[].tool_calls[].function.arguments".to_owned();
            name(&path(), &call["id"], &mut note);
            name(&path(), &call["function"]["name"], &mut note);
            if let Some(arguments) = parsed(call["function"]["arguments"].as_str().unwrap_or_default()) {
                note(path(), Says::Arguments(arguments));
            }
        }
    }
    for tool in request["tools"].as_array().into_iter().flatten() {
        let kind = tool["type"].as_str().unwrap_or("custom");
        let path = format!("tools[].{kind}");
        let tool = if format == Format::OpenAIChat { &tool["function"] } else { tool };
        name(&path, &tool["name"], &mut note);
        text(&path, &tool["description"], &mut note);
        strings(&tool["parameters"], &mut |string| note(path.clone(), Says::Text(string.to_owned())));
        strings(&tool["input_schema"], &mut |string| note(path.clone(), Says::Text(string.to_owned())));
    }
    // Vocabulary URLs of schemas are of no use to a model.
    facts.retain(|fact| !matches!(&fact.says, Says::Text(text) if text.contains("json-schema.org")));
    facts
}

fn content(path: &str, content: &Value, note: &mut impl FnMut(String, Says)) {
    text(path, content, note);
    for part in content.as_array().into_iter().flatten() {
        let kind = part["type"].as_str().unwrap_or("unknown");
        let path = format!("messages[].content[].{kind}");
        match kind {
            "tool_use" => {
                name(&path, &part["id"], note);
                name(&path, &part["name"], note);
                note(path, Says::Arguments(part["input"].clone()));
            }
            "tool_result" => {
                name(&path, &part["tool_use_id"], note);
                self::content(&path, &part["content"], note);
            }
            _ => {
                for member in ["text", "thinking", "data"] {
                    text(&path, &part[member], note);
                }
                // Images, files and sounds, whole: the long strings are the data itself.
                for inner in ["source", "image_url", "file", "input_audio", "document_url"] {
                    for member in ["data", "url", "file_data", "file_id"] {
                        media(&path, &part[inner][member], note);
                    }
                    media(&path, &part[inner], note);
                }
            }
        }
    }
}

fn text(path: &str, value: &Value, note: &mut impl FnMut(String, Says)) {
    if let Some(text) = value.as_str().map(str::trim).filter(|text| !text.is_empty()) {
        note(path.to_owned(), Says::Text(text.to_owned()));
    }
}

fn name(path: &str, value: &Value, note: &mut impl FnMut(String, Says)) {
    if let Some(text) = value.as_str().filter(|text| !text.is_empty()) {
        note(path.to_owned(), Says::Name(text.to_owned()));
    }
}

/// A URL, or the base64 within a data URL.
fn media(path: &str, value: &Value, note: &mut impl FnMut(String, Says)) {
    if let Some(url) = value.as_str() {
        let data = url.split_once(";base64,").map_or(url, |(_, data)| data);
        note(path.to_owned(), Says::Text(data.to_owned()));
    }
}

fn parsed(arguments: &str) -> Option<Value> {
    serde_json::from_str(arguments).ok().filter(Value::is_object)
}

/// The facts that `translated` does not hold and neither list names.
pub(crate) fn lost(facts: &[Fact], translated: &Value, reported: &[String]) -> Vec<String> {
    let mut leaves = Vec::new();
    strings(translated, &mut |string| leaves.push(string.to_owned()));
    let mut arguments: Vec<Value> = leaves.iter().filter_map(|leaf| parsed(leaf)).collect();
    objects(translated, &mut arguments);
    facts
        .iter()
        .filter(|fact| {
            let held = match &fact.says {
                Says::Text(text) => leaves.iter().any(|leaf| leaf.contains(text.as_str())),
                Says::Name(name) => leaves.contains(name),
                Says::Arguments(value) => arguments.contains(value),
            };
            !held && !names(reported, &fact.path)
        })
        .map(|fact| format!("{}: {:.160}", fact.path, format!("{:?}", fact.says)))
        .collect()
}

/// Whether a report names the thing at `path`: its last word, or the path itself up to there.
pub(crate) fn names(reported: &[String], path: &str) -> bool {
    let last = path.rsplit(['.', ']']).next().unwrap_or(path);
    reported.iter().any(|name| name == path || name.rsplit(['.', ']']).next() == Some(last))
}

fn strings(value: &Value, take: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => take(text),
        Value::Array(items) => items.iter().for_each(|item| strings(item, take)),
        Value::Object(object) => object.values().for_each(|item| strings(item, take)),
        _ => {}
    }
}

fn objects(value: &Value, found: &mut Vec<Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| objects(item, found)),
        Value::Object(object) => {
            found.push(value.clone());
            object.values().for_each(|item| objects(item, found));
        }
        _ => {}
    }
}
