//! Responses that a client refers to by id: what is kept of one, and how a later request gets it back. Pure: who
//! keeps it, how much and how long, is another's business.
//!
//! A provider of another format keeps nothing, and OpenAI's own only what it made itself. So a gateway that keeps
//! [`stored`] items can [`resolve`] requests before they go anywhere else.

use super::for_other::is_reference;
use crate::BodyError;
use crate::json::Object;
use serde_json::{Value, json};

/// What a request refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reference<'a> {
    /// A response, by its id: its whole conversation, as [`stored`] gave it.
    Response(&'a str),
    /// One item, by its id.
    Item(&'a str),
}

/// What to keep of an exchange under the response's id: the conversation so far, as input items. `None` where the
/// client does not want it kept (`store: false`), or the response is none that can be gone on with.
///
/// `request` is the client's body with its references resolved, `reply` the response object (of a stream, that of its
/// last event, see [`last_response`]).
#[must_use]
pub fn stored(reply: &Value, request: &Object) -> Option<Vec<Value>> {
    if request.get("store") == Some(&Value::Bool(false)) {
        return None;
    }
    if !matches!(reply.get("status").and_then(Value::as_str), Some("completed" | "incomplete") | None) {
        return None;
    }
    let output = reply.get("output")?.as_array()?;
    let mut items = input_items(request.get("input"));
    items.extend(output.iter().cloned());
    Some(items)
}

/// The response in the last event of a client's stream, `None` in any other event.
#[must_use]
pub fn last_response(event: &bytes::Bytes) -> Option<Value> {
    let ends = ["\"response.completed\"", "\"response.incomplete\""];
    if !ends.iter().any(|end| memchr::memmem::find(event, end.as_bytes()).is_some()) {
        return None;
    }
    let data = crate::framing::sse::read(event).data?;
    let mut event: Value = serde_json::from_slice(&data).ok()?;
    match event.get("type").and_then(Value::as_str) {
        Some("response.completed" | "response.incomplete") => event.get_mut("response").map(Value::take),
        _ => None,
    }
}

/// Whether a body refers to anything that [`resolve`] puts in place.
#[must_use]
pub fn refers(body: &Object) -> bool {
    body.get("previous_response_id").is_some_and(Value::is_string)
        || body.get("input").and_then(Value::as_array).is_some_and(|items| items.iter().any(is_reference))
}

/// Puts what a body refers to in its place. As the API has it, the earlier conversation goes along and earlier
/// `instructions` do not.
///
/// # Errors
/// A [`BodyError`] of code `previous_response_not_found` or `item_not_found` when `lookup` does not have it.
pub fn resolve(
    mut body: Object,
    mut lookup: impl FnMut(Reference<'_>) -> Option<Vec<Value>>,
) -> Result<Object, BodyError> {
    let mut items = match body.get("previous_response_id") {
        Some(Value::String(id)) => Some(lookup(Reference::Response(id)).ok_or_else(|| {
            let message = format!("Previous response with id '{id}' not found.");
            not_found("previous_response_id", "previous_response_not_found", message)
        })?),
        _ => None,
    };
    if items.is_some() {
        body.shift_remove("previous_response_id");
    }
    let refers = body.get("input").and_then(Value::as_array).is_some_and(|items| items.iter().any(is_reference));
    if items.is_none() && !refers {
        return Ok(body);
    }
    let all = items.get_or_insert_default();
    for (at, item) in input_items(body.get("input")).into_iter().enumerate() {
        if !is_reference(&item) {
            all.push(item);
            continue;
        }
        let id = crate::json::text(&item, "id");
        all.extend(lookup(Reference::Item(id)).ok_or_else(|| {
            let message = format!("Item with id '{id}' not found. Items are not kept when `store` is false.");
            not_found(&format!("input[{at}]"), "item_not_found", message)
        })?);
    }
    body.insert("input".to_owned(), Value::Array(items.unwrap_or_default()));
    Ok(body)
}

fn not_found(field: &str, code: &str, message: String) -> BodyError {
    BodyError { code: Some(code.to_owned()), ..BodyError::field(field, message) }
}

/// `input` as a list.
fn input_items(input: Option<&Value>) -> Vec<Value> {
    match input {
        Some(Value::Array(items)) => items.clone(),
        Some(Value::String(text)) => vec![json!({"role": "user", "content": text})],
        _ => Vec::new(),
    }
}
