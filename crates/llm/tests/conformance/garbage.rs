//! Hostile bytes: cut short, flipped, put together. Nothing panics, and what is no JSON ends in a typed error.

use bytes::Bytes;
use pillion_llm::{Dialect, ErrorInfo, Format, encode_error};
use serde_json::Value;

use crate::corpus::{CASES, Case, vendor};
use crate::drive::{drive, exchange, prepared};
use crate::excluded::over_cases;
use crate::sse;
use crate::streams::{order, split};

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
    for dialect in Dialect::ALL {
        let body: Value = serde_json::from_slice(&encode_error(*dialect, error)).map_err(|error| error.to_string())?;
        if body["error"]["message"].as_str().is_none_or(str::is_empty) || !(400..600).contains(&error.status) {
            return Err(format!("an error that says nothing: {body}"));
        }
    }
    Ok(())
}

#[test]
fn spoiled_requests_never_panic_and_what_is_no_json_is_refused() {
    over_cases(
        "garbage-request",
        |case| case.request.is_some(),
        |case| {
            each_spoiled(case.request.as_ref().unwrap(), |body| {
                for wire in Format::ALL {
                    match prepared(case.format, &body, vendor(*wire), *wire, Some("m")) {
                        Err(error) => shown(&error.into())?,
                        Ok(prepared) if *wire != case.format => {
                            serde_json::from_slice::<Value>(&body)
                                .map_err(|_| "what is no JSON was translated".to_owned())?;
                            serde_json::from_slice::<Value>(&prepared.body).map_err(|error| error.to_string())?;
                        }
                        Ok(_) => {}
                    }
                }
                Ok(())
            })
        },
    );
}

#[test]
fn spoiled_replies_never_panic_and_what_is_no_json_is_a_fault() {
    over_cases(
        "garbage-reply",
        |case| !case.streaming,
        |case| {
            each_spoiled(&case.response, |body| {
                let is_json = serde_json::from_slice::<Value>(&body).is_ok();
                // What is relayed is not parsed whole: a wrong byte within a string is the client's to see.
                let has_the_form = serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_ok();
                for client in Format::ALL {
                    let exchange = exchange(*client, case.provider(), case.format);
                    match exchange.reply(&body) {
                        Err(fault) => shown(&ErrorInfo::from(&fault))?,
                        Ok(_) if !(is_json || has_the_form && exchange.relays()) => {
                            return Err("what is no JSON is taken for a reply".into());
                        }
                        Ok(_) if exchange.relays() => {}
                        Ok(reply) => {
                            drop(serde_json::from_slice::<Value>(&reply.body).map_err(|error| error.to_string())?)
                        }
                    }
                    shown(&exchange.error(case.status.max(400), &body))?;
                }
                Ok(())
            })
        },
    );
}

#[test]
fn spoiled_streams_never_panic_and_end_well_or_with_an_error_event() {
    over_cases(
        "garbage-stream",
        |case| case.streaming,
        |case| {
            each_spoiled(&case.response, |body| {
                for client in Format::ALL {
                    let exchange = exchange(*client, case.provider(), case.format);
                    let driven = drive(&exchange, [&body[..]]);
                    let mut random = fastrand::Rng::with_seed(7);
                    if drive(&exchange, split(&body, &mut random)) != driven {
                        return Err("cut elsewhere it is another stream".into());
                    }
                    if *client != case.format {
                        translated(*client, &driven.out, driven.fault.is_some())?;
                    }
                }
                Ok(())
            })?;
            cut_short(case)
        },
    );
}

/// What a translated stream looks like whatever came: whole events of JSON, ended by its format or by one error.
fn translated(client: Format, out: &[u8], failed: bool) -> Result<(), String> {
    if !failed {
        return order(client, out);
    }
    let events = sse::events(out);
    let (last, before) = events.split_last().ok_or("a fault without an event")?;
    if last.json()?.get("error").is_none() {
        return Err(format!("the last event is no error: {}", last.data));
    }
    for event in before {
        let value = event.json()?;
        if value["type"] == "message_stop" || value.get("error").is_some() {
            return Err(format!("the stream ended before its error: {value}"));
        }
    }
    Ok(())
}

/// A stream that breaks off before its last delta is not taken for a complete one.
fn cut_short(case: &Case) -> Result<(), String> {
    let text = String::from_utf8_lossy(&case.response);
    let first_ends = ["\"finish_reason\":\"", "\"finish_reason\": \"", "message_delta"]
        .iter()
        .filter_map(|end| text.find(end))
        .min();
    let Some(at) = first_ends else { return Ok(()) };
    for client in Format::ALL {
        let driven = drive(&exchange(*client, case.provider(), case.format), [&case.response[..at - 1]]);
        if driven.fault.is_none() {
            return Err(format!("{client}: a stream without its end is taken for complete"));
        }
    }
    Ok(())
}
