//! Gemini: chunks of one answer, of which the last one with a candidate tells the finish, and the last of all the usage.

use serde_json::Value;

use crate::frames::Event;
use crate::replies::equal;

pub(super) fn order(events: &[Event]) -> Result<(), String> {
    let (mut finishes, mut head) = (0, None);
    let last = events.last().ok_or("no event")?.json()?;
    for event in events {
        equal("an event's name", &event.name, &None)?;
        let chunk = event.json()?;
        let this = (chunk["responseId"].clone(), chunk["modelVersion"].clone());
        equal("responseId and modelVersion", &this, head.get_or_insert_with(|| this.clone()))?;
        let candidates = chunk["candidates"].as_array().map(Vec::as_slice).unwrap_or_default();
        for candidate in candidates {
            if finishes > 0 {
                return Err(format!("a candidate behind the finish: {chunk}"));
            }
            finishes += usize::from(!candidate["finishReason"].is_null());
            let content = &candidate["content"];
            if !content.is_null() {
                equal("the role", &content["role"].as_str(), &Some("model"))?;
            }
        }
    }
    let blocked =
        events.iter().any(|event| event.json().is_ok_and(|chunk| chunk["promptFeedback"]["blockReason"].is_string()));
    equal("finishes", &finishes, &usize::from(!blocked))?;
    match &last["usageMetadata"] {
        Value::Object(usage) if usage.contains_key("totalTokenCount") || !told(events) => Ok(()),
        Value::Null if !told(events) => Ok(()),
        usage => Err(format!("the last chunk's usage is {usage}")),
    }
}

/// Whether usage is told at all.
fn told(events: &[Event]) -> bool {
    events.iter().any(|event| event.json().is_ok_and(|chunk| chunk["usageMetadata"]["totalTokenCount"].is_number()))
}
