//! Hostile bytes: cut short, flipped, put together. Nothing panics, and what is no JSON ends in a typed error.

use bytes::Bytes;
use pillion_llm::{ErrorInfo, Format, Framing, encode_error};
use serde_json::Value;

use crate::corpus::{CASES, Case};
use crate::drive::{drive, exchange, prepared_as};
use crate::errors::message;
use crate::excluded::over_pairs;
use crate::frames;
use crate::grammar::order;
use crate::parties::{FORMATS, dialects, vendor};
use crate::streams::split;

/// Spoiled bodies per case.
const ROUNDS: u64 = 40;

/// A body spoiled in one of several ways, the same one for the same seed.
fn spoiled(body: &[u8], seed: u64) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut spoiled = body.to_vec();
    match seed % 4 {
        0 => spoiled.truncate(random.usize(0..=body.len())),
        1 | 2 => {
            for _ in 0..random.usize(1..8) {
                if !spoiled.is_empty() {
                    let at = random.usize(0..spoiled.len());
                    spoiled[at] ^= 1 << random.u8(0..8);
                }
            }
        }
        _ => {
            let other = &CASES[random.usize(0..CASES.len())].response;
            let at = random.usize(0..=spoiled.len());
            spoiled.splice(at..at, other[..random.usize(0..=other.len())].iter().copied());
        }
    }
    spoiled
}

fn each_spoiled(body: &[u8], mut check: impl FnMut(Bytes) -> Result<(), String>) -> Result<(), String> {
    (0..ROUNDS).try_for_each(|seed| check(spoiled(body, seed).into()).map_err(|why| format!("seed {seed}: {why}")))
}

/// An error must be something that a client can be shown.
fn shown(error: &ErrorInfo) -> Result<(), String> {
    for dialect in dialects() {
        let body: Value = serde_json::from_slice(&encode_error(dialect, error)).map_err(|error| error.to_string())?;
        if message(dialect, &body).is_empty() || !(400..600).contains(&error.status) {
            return Err(format!("an error that says nothing: {body}"));
        }
    }
    Ok(())
}

#[test]
fn spoiled_requests_never_panic_and_what_is_no_json_is_refused() {
    let has_request = |case: &Case| case.request.is_some();
    over_pairs(
        "garbage-request",
        has_request,
        |_| FORMATS,
        |case, wire| {
            each_spoiled(case.request.as_ref().unwrap(), |body| {
                let Ok(outline) = case.outline(&body) else { return Ok(()) };
                match prepared_as(case.format(), &body, &outline, vendor(**wire), **wire, Some("m")) {
                    Err(error) => shown(&error.into()),
                    Ok(_) if **wire == case.format() => Ok(()),
                    Ok(prepared) => {
                        serde_json::from_slice::<Value>(&body)
                            .map_err(|_| "what is no JSON was translated".to_owned())?;
                        serde_json::from_slice::<Value>(&prepared.body).map(drop).map_err(|error| error.to_string())
                    }
                }
            })
        },
    );
}

#[test]
fn spoiled_replies_never_panic_and_what_is_no_json_is_a_fault() {
    over_pairs(
        "garbage-reply",
        |case| !case.streaming,
        |_| FORMATS,
        |case, client| {
            each_spoiled(&case.response, |body| {
                let is_json = serde_json::from_slice::<Value>(&body).is_ok();
                // What is relayed is not parsed whole: a wrong byte within a string is the client's to see.
                let has_the_form = serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_ok();
                let exchange = exchange(**client, case.provider(), case.wire);
                match exchange.reply(&body) {
                    Err(fault) => shown(&ErrorInfo::from(&fault))?,
                    Ok(_) if !(is_json || has_the_form && exchange.relays()) => {
                        return Err("what is no JSON is taken for a reply".into());
                    }
                    Ok(_) if exchange.relays() => {}
                    Ok(reply) => drop(serde_json::from_slice::<Value>(&reply.body).map_err(|error| error.to_string())?),
                }
                shown(&exchange.error(case.status.max(400), &case.headers, &body))
            })
        },
    );
}

#[test]
fn spoiled_streams_never_panic_and_end_well_or_with_an_error_event() {
    over_pairs(
        "garbage-stream",
        |case| case.streaming,
        |_| FORMATS,
        |case, client| {
            let exchange = exchange(**client, case.provider(), case.wire);
            each_spoiled(&case.response, |body| {
                let driven = drive(&exchange, [&body[..]]);
                let mut random = fastrand::Rng::with_seed(7);
                if drive(&exchange, split(&body, &mut random)) != driven {
                    return Err("cut elsewhere it is another stream".into());
                }
                if exchange.relays() {
                    return Ok(());
                }
                translated(**client, exchange.client_framing(), &driven.out, driven.fault.is_some())
            })?;
            cut_short(case, **client)
        },
    );
}

/// What a translated stream looks like whatever came: whole events of JSON, ended by its format or by one error.
fn translated(client: Format, framing: Framing, out: &[u8], failed: bool) -> Result<(), String> {
    if !failed {
        return order(client, &frames::complete(framing, out)?);
    }
    let events = frames::events(framing, out);
    let (last, before) = events.split_last().ok_or("a fault without an event")?;
    if !is_error(client, last)? {
        return Err(format!("the last event is no error: {}", last.data));
    }
    // OpenAI tells an error twice: as an event of its own, and in the response that failed.
    let told = matches!(before.last(), Some(event) if client == Format::OpenAIResponses && is_error(client, event)?);
    for event in &before[..before.len() - usize::from(told)] {
        if ends(client, event)? || is_error(client, event)? {
            return Err(format!("the stream ended before its error: {}", event.data));
        }
    }
    Ok(())
}

/// Whether an event tells an error as the vendor does within a stream.
fn is_error(client: Format, event: &frames::Event) -> Result<bool, String> {
    let value = event.json()?;
    Ok(match client {
        Format::OpenAIChat | Format::GeminiGenerateContent => value.get("error").is_some(),
        Format::OpenAIResponses => ["error", "response.failed"].contains(&value["type"].as_str().unwrap_or_default()),
        Format::AnthropicMessages => event.name.as_deref() == Some("error") && value["type"] == "error",
        Format::BedrockConverse => {
            event.exception && event.name.as_deref().is_some_and(|name| name.ends_with("Exception"))
        }
        // Cohere has no event of errors; the end of a message tells them.
        Format::CohereChat => value["delta"]["finish_reason"] == "ERROR" || value["delta"]["error"].is_string(),
    })
}

/// Whether an event is its format's end.
fn ends(client: Format, event: &frames::Event) -> Result<bool, String> {
    if event.data == "[DONE]" {
        return Ok(true);
    }
    let value = event.json()?;
    let kind = value["type"].as_str().unwrap_or_default();
    Ok(match client {
        Format::OpenAIChat | Format::GeminiGenerateContent => false,
        Format::OpenAIResponses => ["response.completed", "response.incomplete"].contains(&kind),
        Format::AnthropicMessages => kind == "message_stop",
        Format::BedrockConverse => event.name.as_deref() == Some("metadata"),
        Format::CohereChat => kind == "message-end",
    })
}

/// A stream that breaks off before its last delta is not taken for a complete one.
fn cut_short(case: &Case, client: Format) -> Result<(), String> {
    let find = |end: &str| memchr::memmem::find(&case.response, end.as_bytes());
    let ends = ["\"finish_reason\":\"", "\"finish_reason\": \"", "message_delta", "\"finishReason\"", "messageStop"];
    let ends = ends.iter().chain(&["response.completed", "response.incomplete", "message-end", "blockReason"]);
    let Some(at) = ends.filter_map(|end| find(end)).min().filter(|at| *at > 0) else { return Ok(()) };
    let driven = drive(&exchange(client, case.provider(), case.wire), [&case.response[..at - 1]]);
    if driven.fault.is_none() {
        return Err("a stream without its end is taken for complete".into());
    }
    Ok(())
}
