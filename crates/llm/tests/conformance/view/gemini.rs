//! Gemini generateContent: <https://ai.google.dev/api/generate-content>,
//! <https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference>.

use serde_json::{Value, json};

use super::{Counts, View, count, list, object, owned, string};
use crate::frames::Event;

pub(super) fn of_reply(reply: &Value) -> View {
    let candidate = &reply["candidates"][0];
    let mut view = View { usage: counts(&reply["usageMetadata"]), ..View::default() };
    for part in list(&candidate["content"]["parts"]) {
        let call = &part["functionCall"];
        match part["text"].as_str() {
            Some(text) if part["thought"] == true => view.thinking.push_str(text),
            Some(text) => view.text.push_str(text),
            None if call.is_object() => {
                view.calls.push((string(&call["id"]), string(&call["name"]), object(&call["args"])));
            }
            None => {
                let about = ["thought", "thoughtSignature", "partMetadata"];
                let kinds = part.as_object().into_iter().flatten().map(|(kind, _)| kind);
                view.others.extend(kinds.filter(|kind| !about.contains(&kind.as_str())).cloned());
            }
        }
    }
    view.citations = list(&candidate["groundingMetadata"]["groundingSupports"]).count()
        + list(&candidate["citationMetadata"]["citations"]).count()
        // Vertex AI has the same under this name.
        + list(&candidate["citationMetadata"]["citationSources"]).count();
    if view.citations == 0 {
        view.citations = list(&candidate["groundingMetadata"]["groundingChunks"]).count();
    }
    view.logprobs = list(&candidate["logprobsResult"]["chosenCandidates"]).count();
    let blocked = reply["promptFeedback"].is_object() && reply["candidates"].get(0).is_none();
    if blocked {
        // A prompt that was blocked, and why, is told as a refusal.
        view.text = string(&reply["promptFeedback"]["blockReasonMessage"]);
    }
    // Some recorders write enums as numbers.
    let number = candidate["finishReason"].as_u64().and_then(|number| NUMBERED.get(usize::try_from(number).ok()?));
    view.finish = match candidate["finishReason"].as_str().or(number.copied()) {
        Some("STOP") if !view.calls.is_empty() => Some("tool_calls"),
        Some("STOP") => Some("stop"),
        Some("MAX_TOKENS") => Some("length"),
        Some(
            "SAFETY"
            | "RECITATION"
            | "LANGUAGE"
            | "BLOCKLIST"
            | "PROHIBITED_CONTENT"
            | "SPII"
            | "IMAGE_SAFETY"
            | "IMAGE_PROHIBITED_CONTENT"
            | "IMAGE_RECITATION"
            | "MODEL_ARMOR",
        ) => Some("content_filter"),
        Some(_) => Some("other"),
        None if blocked => Some("content_filter"),
        None => None,
    }
    .map(str::to_owned);
    view
}

/// Why it ended and which model it was, in Google's own words.
pub(super) fn native(reply: &Value) -> (Option<String>, Option<String>) {
    let finish = &reply["candidates"][0]["finishReason"];
    let feedback = &reply["promptFeedback"];
    let reason = match (finish, &feedback["blockReason"]) {
        (Value::Number(number), _) => {
            let at = number.as_u64().and_then(|number| usize::try_from(number).ok());
            at.and_then(|at| NUMBERED.get(at)).map(|word| (*word).to_owned())
        }
        // What is left out has the enum's first value.
        (Value::Null, Value::Null) if feedback.is_object() => Some("BLOCK_REASON_UNSPECIFIED".to_owned()),
        (Value::Null, blocked) => owned(blocked),
        (finish, _) => owned(finish),
    };
    (reason, owned(&reply["modelVersion"]))
}

const NUMBERED: &[&str] = &["FINISH_REASON_UNSPECIFIED", "STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "OTHER"];

/// Thoughts are counted beside the candidates, what tools put into the prompt beside the prompt.
fn counts(usage: &Value) -> Option<Counts> {
    usage.as_object()?;
    Some(Counts {
        input: count(&usage["promptTokenCount"]) + count(&usage["toolUsePromptTokenCount"]),
        output: count(&usage["candidatesTokenCount"]) + count(&usage["thoughtsTokenCount"]),
        cached: count(&usage["cachedContentTokenCount"]),
    })
}

/// Parts are appended, everything else is the last that was said. A call that is said in pieces is put together.
pub(super) fn aggregate(events: &[Event]) -> Result<Value, String> {
    let mut reply = json!({});
    let (mut parts, mut candidate, mut open) = (Vec::new(), json!({}), None::<Value>);
    for event in events {
        let chunk = event.json()?;
        for (key, value) in chunk.as_object().ok_or("a chunk is no object")? {
            match (key.as_str(), reply.get_mut(key)) {
                ("candidates", _) => {}
                // The last counts are the whole answer's; an object without them says nothing new.
                ("usageMetadata", Some(_)) if value["totalTokenCount"].is_null() => {}
                _ => reply[key] = value.clone(),
            }
        }
        let now = &chunk["candidates"][0];
        for (key, value) in now.as_object().into_iter().flatten() {
            match key.as_str() {
                "content" => {}
                "groundingMetadata" | "logprobsResult" | "citationMetadata" if candidate[key].is_object() => {
                    merge(&mut candidate[key], value);
                }
                _ => candidate[key] = value.clone(),
            }
        }
        for part in list(&now["content"]["parts"]) {
            let call = &part["functionCall"];
            if !call.is_object() {
                parts.push(part.clone());
                continue;
            }
            let pieces = open.is_some() || call["willContinue"] == true;
            if !pieces {
                parts.push(part.clone());
                continue;
            }
            let whole = open.get_or_insert_with(|| part.clone());
            assemble(&mut whole["functionCall"], call);
            if call["willContinue"] != true {
                let mut whole = open.take().unwrap();
                whole["functionCall"]
                    .as_object_mut()
                    .unwrap()
                    .retain(|key, _| !["willContinue", "partialArgs"].contains(&key.as_str()));
                parts.push(whole);
            }
        }
    }
    parts.extend(open);
    candidate["content"] = json!({"role": "model", "parts": parts});
    if candidate.as_object().unwrap().len() > 1 || !parts_of(&candidate).is_empty() {
        reply["candidates"] = json!([candidate]);
    }
    Ok(reply)
}

fn parts_of(candidate: &Value) -> &[Value] {
    candidate["content"]["parts"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Appends the lists of an object that grows; other members are the last that was said.
fn merge(known: &mut Value, more: &Value) {
    for (key, value) in more.as_object().into_iter().flatten() {
        match (known.get_mut(key), value) {
            (Some(Value::Array(known)), Value::Array(more)) => {
                let new: Vec<Value> = more.iter().filter(|item| !known.contains(item)).cloned().collect();
                known.extend(new);
            }
            _ => known[key] = value.clone(),
        }
    }
}

/// Puts `partialArgs` into the arguments at their paths: strings grow, other values are set.
fn assemble(whole: &mut Value, piece: &Value) {
    for partial in list(&piece["partialArgs"]) {
        let path = partial["jsonPath"].as_str().unwrap_or_default();
        let mut at = &mut whole["args"];
        for step in path.trim_start_matches('$').split(['.', '[', ']']).filter(|step| !step.is_empty()) {
            at = match step.trim_matches(['\'', '"']).parse::<usize>() {
                Ok(index) => {
                    if !at.is_array() {
                        *at = json!([]);
                    }
                    let items = at.as_array_mut().unwrap();
                    while items.len() <= index {
                        items.push(Value::Null);
                    }
                    &mut items[index]
                }
                Err(_) => &mut at[step.trim_matches(['\'', '"'])],
            };
        }
        if let Some(text) = partial["stringValue"].as_str() {
            *at = json!(string(at) + text);
        } else if let Some(value) = ["numberValue", "boolValue"].iter().find_map(|kind| partial.get(*kind)) {
            *at = value.clone();
        }
    }
}
