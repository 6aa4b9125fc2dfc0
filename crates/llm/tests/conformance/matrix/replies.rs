//! What becomes of a reply's feature: as the report says, and what it does not name is there. Where a value only changed its word
//! (why it ended), a row says how, or it fails.

use pillion_llm::Format;
use serde_json::{Value, json};

use super::Fate;
use super::features::{Feature, merge};
use crate::drive::{bytes, drive, exchange};
use crate::frames;
use crate::parties::vendor;
use crate::replies::{required, same};
use crate::rows::written;
use crate::schema::{self, Book, What};
use crate::view;

pub(super) fn fate(feature: &Feature, client: Format, wire: Format, told: bool) -> Result<Fate, String> {
    if feature.stream {
        return broken(feature, client, wire);
    }
    let upstream = upstream(feature, wire);
    schema::judge(Book::of(wire), What::Reply, schema::Author::Vendor, &upstream)
        .map_err(|why| format!("no vendor sends it: {why}"))?;
    let reply = exchange(client, vendor(wire), wire).reply(&bytes(&upstream)).map_err(|fault| fault.to_string())?;
    let body: Value = serde_json::from_slice(&reply.body).unwrap();
    required(client, &body)?;
    schema::check(Book::of(client), What::Reply, &body).map_err(|why| format!("{why} in {body}"))?;
    let (there, here) = (view::of_reply(wire, &upstream), view::of_reply(client, &body));
    same(wire, &there, client, &here, &reply.lost.dropped)?;
    let gone: Vec<&Value> = feature.marks.iter().filter(|mark| !holds(&body, mark)).collect();
    let changed = there.finish != here.finish || there.usage != here.usage || there.text != here.text;
    let fate = Fate::of_reports(reply.lost.dropped, reply.lost.approximated);
    match (&fate, gone.is_empty() && !changed, told) {
        (Fate::Dropped(..) | Fate::Approximated(_), ..) | (_, true, _) => Ok(fate),
        (_, false, true) => Ok(Fate::Approximated(Vec::new())),
        (_, false, false) => Err(format!("lost in silence: {gone:?}, {there:?} became {here:?} in {body}")),
    }
}

/// A stream that breaks ends in an error of the client's dialect, in upstream's words.
fn broken(feature: &Feature, client: Format, wire: Format) -> Result<Fate, String> {
    let events = feature.members(wire).as_array().unwrap();
    let stream: Vec<u8> = events.iter().flat_map(|event| written(wire, event)).collect();
    let exchange = exchange(client, vendor(wire), wire);
    let driven = drive(&exchange, [&stream[..]]);
    if driven.fault.is_none() {
        return Err("the stream ends well".to_owned());
    }
    let events = frames::complete(exchange.client_framing(), &driven.out)?;
    let last = events.iter().rev().find(|event| event.data != "[DONE]").ok_or("the client sees nothing")?;
    let last = last.json()?;
    match feature.marks.iter().find(|mark| !holds(&last, mark)) {
        None => Ok(Fate::Exact),
        Some(mark) => Err(format!("{mark} is not in the last event: {last}")),
    }
}

/// The reply of a vendor that has the feature.
pub(super) fn upstream(feature: &Feature, wire: Format) -> Value {
    let mut reply = plain(wire);
    merge(&mut reply, feature.members(wire));
    reply
}

/// Whether a text or number stands anywhere, within a text too.
pub(super) fn holds(body: &Value, mark: &Value) -> bool {
    match (body, mark) {
        (Value::Array(items), _) => items.iter().any(|item| holds(item, mark)),
        (Value::Object(members), _) => members.values().any(|value| holds(value, mark)),
        (Value::String(text), Value::String(mark)) => text.contains(mark.as_str()),
        (value, mark) => value == mark,
    }
}

/// The plainest reply.
fn plain(wire: Format) -> Value {
    let text = "It is blue.";
    match wire {
        Format::OpenAIChat => json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "logprobs": null, "finish_reason": "stop",
                "message": {"role": "assistant", "content": text, "refusal": null}}],
            "usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}}),
        Format::OpenAIResponses => json!({"id": "resp_1", "object": "response", "created_at": 1, "model": "m",
            "status": "completed", "error": null, "incomplete_details": null, "instructions": null, "metadata": {},
            "parallel_tool_calls": true, "temperature": 1, "tool_choice": "auto", "tools": [], "top_p": 1,
            "output": [{"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
                "content": [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}]}],
            "usage": {"input_tokens": 5, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 7,
                "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 12}}),
        Format::AnthropicMessages => json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m",
            "content": [{"type": "text", "text": text}], "stop_reason": "end_turn", "stop_sequence": null,
            "usage": {"input_tokens": 5, "output_tokens": 7}}),
        Format::GeminiGenerateContent => json!({"modelVersion": "m", "responseId": "r",
            "candidates": [{"index": 0, "finishReason": "STOP", "content": {"role": "model", "parts": [{"text": text}]}}],
            "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 7, "totalTokenCount": 12}}),
        Format::BedrockConverse => json!({"stopReason": "end_turn", "metrics": {"latencyMs": 1},
            "output": {"message": {"role": "assistant", "content": [{"text": text}]}},
            "usage": {"inputTokens": 5, "outputTokens": 7, "totalTokens": 12}}),
        Format::CohereChat => json!({"id": "r", "finish_reason": "COMPLETE",
            "message": {"role": "assistant", "content": [{"type": "text", "text": text}]},
            "usage": {"tokens": {"input_tokens": 5, "output_tokens": 7}}}),
    }
}
