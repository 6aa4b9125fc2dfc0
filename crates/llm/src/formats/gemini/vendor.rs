//! Google's own members in a request of another format: at the top of the body (SDKs flatten `extra_body`), in a literal
//! `extra_body`, or in the `google` object of Google's own OpenAI endpoint.

use super::spelling;
use crate::json::{Object, take_object};
use crate::model::Report;
use serde_json::Value;

/// Members of the API that mean nothing in other formats.
const OWN: &[&str] = &[
    "generationConfig",
    "safetySettings",
    "cachedContent",
    "toolConfig",
    "systemInstruction",
    "serviceTier",
    "modelArmorConfig",
    "labels",
    "outputConfig",
];
/// Of them, those that one of the two APIs does not know.
const GEMINI_ONLY: &[&str] = &["serviceTier"];
const VERTEX_ONLY: &[&str] = &["labels", "modelArmorConfig", "outputConfig"];

/// Takes them out of a request's extras.
pub(super) fn take(extras: &mut Object, cloud: bool) -> Object {
    let mut own = pick(extras, cloud);
    merge_into(&mut own, take_google(extras, cloud));
    if let Some(mut inner) = take_object(extras, "extra_body") {
        merge_into(&mut own, pick(&mut inner, cloud));
        merge_into(&mut own, take_google(&mut inner, cloud));
        if !inner.is_empty() {
            extras.insert("extra_body".to_owned(), Value::Object(inner));
        }
    }
    own
}

fn pick(members: &mut Object, cloud: bool) -> Object {
    let unknown = if cloud { GEMINI_ONLY } else { VERTEX_ONLY };
    let mut out = spelling::camel(std::mem::take(members));
    let mut own = Object::new();
    for key in OWN.iter().filter(|key| !unknown.contains(key)) {
        if let Some(value) = out.shift_remove(*key).filter(|value| !value.is_null()) {
            own.insert((*key).to_owned(), value);
        }
    }
    // Many write it beside the object that it is of.
    for key in ["thinkingConfig", "thinking_config"] {
        if let Some(thinking) = take_object(&mut out, key) {
            let config = Object::from_iter([("thinkingConfig".to_owned(), Value::Object(thinking))]);
            let config = spelling::camel(Object::from_iter([("generationConfig".to_owned(), Value::Object(config))]));
            merge_into(&mut own, config);
        }
    }
    *members = out;
    own
}

/// Adds members; objects that are there get the more of theirs.
fn merge_into(own: &mut Object, more: Object) {
    for (key, value) in more {
        match (own.get_mut(&key), value) {
            (Some(Value::Object(inside)), Value::Object(more)) => inside.extend(more),
            (_, value) => drop(own.insert(key, value)),
        }
    }
}

/// `google: {thinking_config, cached_content, safety_settings}`.
/// Source: <https://ai.google.dev/gemini-api/docs/openai#extra-body>.
fn take_google(members: &mut Object, cloud: bool) -> Object {
    let Some(mut google) = take_object(members, "google") else { return Object::new() };
    let own = pick(&mut google, cloud);
    if !google.is_empty() {
        members.insert("google".to_owned(), Value::Object(google));
    }
    own
}

/// Puts them into a body of ours: what the client says in the API's own words counts.
pub(super) fn merge(body: &mut Object, own: Object, report: &mut Report) {
    for (key, value) in own {
        match (body.get_mut(&key), value) {
            (Some(Value::Object(inside)), Value::Object(more)) => {
                if key == "generationConfig" {
                    exclude(inside, &more);
                }
                inside.extend(more);
            }
            (there, value) => {
                if there.is_some_and(|there| *there != value) {
                    report.drop(&key);
                }
                body.insert(key, value);
            }
        }
    }
}

/// Members of `generationConfig` that exclude each other: the client's stay.
fn exclude(config: &mut Object, client: &Object) {
    const SCHEMAS: [&str; 4] = ["responseSchema", "responseJsonSchema", "_responseJsonSchema", "responseFormat"];
    if SCHEMAS.iter().any(|key| client.contains_key(*key)) {
        config.retain(|key, _| !SCHEMAS.contains(&key.as_str()));
    }
}
