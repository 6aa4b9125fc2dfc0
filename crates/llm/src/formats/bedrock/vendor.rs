//! Bedrock's own objects from a client of any format: `guardrailConfig` and its like, Anthropic's betas, and metadata.
//! The client's explicit object wins over what was made of its settings.

use super::encode_settings::is_metadata;
use super::models::family;
use super::spelling::{merge, put};
use crate::Format;
use crate::formats::vendor::report_rest;
use crate::json::{Object, take_array, take_object};
use crate::model::{Report, Request};
use serde_json::{Value, json};

/// Members of a body that only this format has.
const MEMBERS: &[&str] = &[
    "additionalModelRequestFields",
    "additionalModelResponseFieldPaths",
    "guardrailConfig",
    "inferenceConfig",
    "outputConfig",
    "performanceConfig",
    "promptVariables",
    "requestMetadata",
    "serviceTier",
];

/// Adds what the request says in this format's own words; the rest is reported.
pub(super) fn add(body: &mut Object, mut request: Request, model: &str, report: &mut Report) {
    own_members(body, &mut request.openai_params);
    own_members(body, &mut request.extras);
    if let Some(betas) = take_array(&mut request.extras, "anthropic_beta") {
        add_betas(body, &betas, model, report);
    }
    if request.origin != Format::AnthropicMessages {
        add_metadata(body, &mut request.extras, report);
    }
    report_rest(&request, report);
}

fn own_members(body: &mut Object, members: &mut Object) {
    for key in MEMBERS {
        let taken = match key {
            // A list; the others are objects.
            &"additionalModelResponseFieldPaths" => take_array(members, key).map(Value::Array),
            key => take_object(members, key).map(Value::Object),
        };
        if let Some(value) = taken {
            merge(body, Object::from_iter([((*key).to_owned(), value)]));
        }
    }
    // Gemini has a `toolConfig` of another shape.
    let own = members.get("toolConfig").is_some_and(|config| {
        config.get("tools").is_some_and(Value::is_array) || config.get("toolChoice").is_some_and(Value::is_object)
    });
    if own && let Some(mut config) = take_object(members, "toolConfig") {
        if let Some(more) = take_array(&mut config, "tools")
            && let Value::Object(known) = body.entry("toolConfig").or_insert_with(|| json!({}))
            && let Value::Array(tools) = known.entry("tools").or_insert_with(|| json!([]))
        {
            tools.extend(more);
        }
        merge(body, Object::from_iter([("toolConfig".to_owned(), Value::Object(config))]));
    }
}

/// Anthropic's betas go to its own models, those that they have here.
fn add_betas(body: &mut Object, betas: &[Value], model: &str, report: &mut Report) {
    let known = |beta: &Value| super::betas::on_converse(beta.as_str()?, model);
    let sent: Vec<&str> = match family(model).signs_as_anthropic() {
        true => betas.iter().filter_map(known).collect(),
        false => Vec::new(),
    };
    if sent.len() < betas.len() {
        report.drop("anthropic-beta");
    }
    let path = ["additionalModelRequestFields", "anthropic_beta"];
    let said = body.get(path[0]).and_then(|fields| fields.get(path[1])).is_some();
    if !sent.is_empty() && !said {
        put(body, &path, json!(sent));
    }
}

/// OpenAI's `metadata`: words for the vendor's logs, as here.
fn add_metadata(body: &mut Object, extras: &mut Object, report: &mut Report) {
    const MOST: usize = 16;
    const LONGEST: usize = 256;
    let Some(metadata) = take_object(extras, "metadata") else { return };
    let fits = |text: &str| text.len() <= LONGEST && text.chars().all(is_metadata);
    for (key, value) in metadata {
        let room = match body.get("requestMetadata") {
            Some(known) => known.as_object().is_some_and(|known| known.len() < MOST && !known.contains_key(&key)),
            None => true,
        };
        match value.as_str().filter(|text| room && fits(text) && fits(&key) && !key.is_empty()) {
            Some(text) => {
                report.approximate("metadata");
                put(body, &["requestMetadata", &key], json!(text));
            }
            None => report.drop("metadata"),
        }
    }
}
