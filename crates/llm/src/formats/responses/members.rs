//! Members of a foreign request that are this format's own: those that OpenAI Chat has under the same name, and those
//! that a client put beside its own because it knows its provider.

use super::annotations::object;
use crate::Format;
use crate::json::{Object, take_object};
use crate::model::Report;
use serde_json::{Value, json};

/// Members that OpenAI Chat and this format share, beside those that are modelled.
pub(super) const SHARED: &[&str] = &[
    "metadata",
    "moderation",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "safety_identifier",
    "store",
];

/// Members that no other format has under these names.
const OWN: &[&str] = &["include", "max_output_tokens", "max_tool_calls", "previous_response_id", "text", "truncation"];

/// Members that other vendors have too, with another meaning; an OpenAI client means OpenAI's.
const OPENAIS: &[&str] = &["context_management", "conversation", "instructions", "prompt", "reasoning"];

/// What of this format's `reasoning` there is; OpenRouter's has more.
const REASONING: &[&str] = &["context", "effort", "generate_summary", "mode", "summary"];

/// Takes this format's members out of what is not modelled of a request of `origin`'s format, and reports the rest.
pub(super) fn take(mut extras: Object, origin: Format, report: &mut Report) -> Object {
    if let Some(beside) = take_object(&mut extras, "extra_body") {
        // What stands in the body itself counts.
        for (key, value) in beside {
            extras.entry(key).or_insert(value);
        }
    }
    let chat = origin == Format::OpenAIChat;
    let mut out = Object::new();
    let shared = SHARED.iter().filter(|key| chat || **key != "metadata");
    for key in shared.chain(OWN).chain(OPENAIS.iter().filter(|_| chat)) {
        if let Some(value) = extras.shift_remove(*key).filter(|value| !value.is_null()) {
            out.insert((*key).to_owned(), value);
        }
    }
    if chat {
        from_chat(&mut extras, &mut out, report);
    }
    report.drop_extras("", &extras);
    out
}

/// Members that OpenAI Chat has elsewhere, or that say nothing here.
fn from_chat(extras: &mut Object, out: &mut Object, report: &mut Report) {
    if let Some(Value::Object(reasoning)) = out.get_mut("reasoning") {
        let unknown: Object = reasoning
            .iter()
            .filter(|(key, _)| !REASONING.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        reasoning.retain(|key, _| REASONING.contains(&key.as_str()));
        report.drop_extras("reasoning.", &unknown);
    }
    if let Some(verbosity) = extras.shift_remove("verbosity").filter(Value::is_string)
        && let Value::Object(text) = out.entry("text").or_insert_with(|| json!({}))
    {
        text.entry("verbosity").or_insert(verbosity);
    }
    // Usage always comes.
    let options = extras.shift_remove("stream_options");
    if let Some(flag) =
        options.as_ref().and_then(|options| options.get("include_obfuscation")).filter(|f| f.is_boolean())
    {
        out.insert("stream_options".to_owned(), json!({"include_obfuscation": flag}));
    }
    // Beside the newer name the older one does not count.
    extras.shift_remove("max_tokens");
    if extras.get("modalities") == Some(&json!(["text"])) {
        extras.shift_remove("modalities");
    }
}

/// OpenAI Chat's `web_search_options` as a tool.
pub(super) fn web_search(extras: &mut Object) -> Option<Value> {
    let mut options = take_object(extras, "web_search_options")?;
    let mut tool = object([("type", json!("web_search"))]);
    if let Some(mut location) = take_object(&mut options, "user_location") {
        let place = take_object(&mut location, "approximate").unwrap_or_default();
        let mut flat = object([("type", json!("approximate"))]);
        flat.extend(place);
        tool.insert("user_location".to_owned(), Value::Object(flat));
    }
    tool.extend(options);
    Some(Value::Object(tool))
}
