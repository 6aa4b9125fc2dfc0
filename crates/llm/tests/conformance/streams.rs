//! Streams: relayed byte for byte; the same output however they are cut; translated ones follow the format's grammar and
//! add up to the whole reply.

use pillion_llm::Format;
use serde_json::{Value, json};

use crate::corpus::Case;
use crate::drive::{Driven, bytes, drive, exchange, exchange_without_usage};
use crate::excluded::over_cases;
use crate::replies::{counted, equal, same};
use crate::schema::{self, What};
use crate::sse::{self, Event};
use crate::view;

/// Streams up to this length are cut at every position.
const SMALL: usize = 8 * 1024;
const SEED: u64 = 0x0070_696c_6c69_6f6e;

fn stream(case: &Case) -> bool {
    case.ok() && case.streaming
}

#[test]
fn relayed_streams_are_the_same_bytes() {
    over_cases("stream-relay", stream, |case| {
        let driven = drive(&exchange(case.format, case.provider(), case.format), [&case.response[..]]);
        sound(&driven)?;
        equal("bytes", &String::from_utf8_lossy(&driven.out), &String::from_utf8_lossy(&case.response))?;
        let whole = view::aggregate(case.format, &sse::events(&case.response))?;
        equal("usage", &counted(driven.usage), &view::of_reply(case.format, &whole).usage)?;
        if case.format == Format::AnthropicMessages {
            return Ok(());
        }
        // A client that did not ask for usage does not get the chunk that only we asked for, and all else as it came.
        let driven = drive(&exchange_without_usage(case.format, case.provider(), case.format), [&case.response[..]]);
        sound(&driven)?;
        let expected = without_usage_chunk(&case.response);
        equal("bytes without usage", &String::from_utf8_lossy(&driven.out).into_owned(), &expected)
    });
}

fn without_usage_chunk(stream: &[u8]) -> String {
    let text = std::str::from_utf8(stream).unwrap();
    let hidden = |event: &&str| {
        let data: Option<Value> = event.trim().strip_prefix("data:").and_then(|data| serde_json::from_str(data).ok());
        data.is_none_or(|chunk| chunk["choices"] != json!([]) || !chunk["usage"].is_object())
    };
    text.split_inclusive("\n\n").filter(hidden).collect()
}

fn sound(driven: &Driven) -> Result<(), String> {
    match &driven.fault {
        None => Ok(()),
        Some(fault) => Err(format!("the stream broke: {fault}")),
    }
}

#[test]
fn streams_give_the_same_bytes_however_they_are_cut() {
    over_cases("stream-cuts", stream, |case| {
        for client in [case.format, case.other()] {
            let exchange = exchange_without_usage(client, case.provider(), case.format);
            let body = &case.response[..];
            let expected = drive(&exchange, [body]);
            let cut = |pieces: Vec<&[u8]>, how: &dyn Fn() -> String| {
                let driven = drive(&exchange, pieces);
                if driven == expected {
                    return Ok(());
                }
                equal(
                    &format!("{client} cut {}", how()),
                    &String::from_utf8_lossy(&driven.out),
                    &String::from_utf8_lossy(&expected.out),
                )?;
                equal(&format!("{client} cut {}", how()), &driven, &expected)
            };
            cut(body.chunks(1).collect(), &|| "into single bytes".into())?;
            if body.len() < SMALL {
                for at in 1..body.len() {
                    cut(vec![&body[..at], &body[at..]], &|| format!("at {at}"))?;
                }
            } else {
                let mut random = fastrand::Rng::with_seed(SEED);
                for _ in 0..64 {
                    let pieces = split(body, &mut random);
                    cut(pieces, &|| format!("at random, seed {SEED:#x}"))?;
                }
            }
        }
        Ok(())
    });
}

/// Pieces of random lengths, empty ones among them.
pub(crate) fn split<'a>(mut body: &'a [u8], random: &mut fastrand::Rng) -> Vec<&'a [u8]> {
    let longest = 1 << random.usize(1..12);
    let mut pieces = Vec::new();
    while !body.is_empty() {
        let (piece, rest) = body.split_at(random.usize(0..=longest.min(body.len())));
        pieces.push(piece);
        body = rest;
    }
    pieces
}

#[test]
fn translated_streams_follow_the_grammar_of_their_format() {
    over_cases("stream-grammar", stream, |case| {
        let exchange = exchange(case.other(), case.provider(), case.format);
        let driven = drive(&exchange, [&case.response[..]]);
        sound(&driven)?;
        grammar(case.other(), &driven.out)?;
        if case.format == Format::AnthropicMessages {
            let driven =
                drive(&exchange_without_usage(case.other(), case.provider(), case.format), [&case.response[..]]);
            let events = sse::events(&driven.out);
            if events.iter().any(|event| event.json().is_ok_and(|chunk| chunk["usage"].is_object())) {
                return Err("a usage chunk for a client that did not ask".into());
            }
            grammar(case.other(), &driven.out)?;
        }
        Ok(())
    });
}

/// Whether a complete stream obeys its format, and each event the vendor's schema.
pub(crate) fn grammar(format: Format, stream: &[u8]) -> Result<(), String> {
    order(format, stream)?;
    sse::events(stream)
        .iter()
        .filter(|event| event.data != "[DONE]" && event.name.as_deref() != Some("ping"))
        .try_for_each(|event| schema::check(format, What::Event, &event.json()?))
}

/// Whether the events of a complete stream come in the order of its format.
pub(crate) fn order(format: Format, stream: &[u8]) -> Result<(), String> {
    if !stream.ends_with(b"\n\n") {
        return Err("the last event is not complete".into());
    }
    let events = sse::events(stream);
    match format {
        Format::OpenAIChat => openai_order(&events),
        Format::AnthropicMessages => anthropic_order(&events),
    }
}

fn openai_order(events: &[Event]) -> Result<(), String> {
    let Some((last, chunks)) = events.split_last() else { return Err("no event".into()) };
    equal("the last event", &last.data.as_str(), &"[DONE]")?;
    let (mut roles, mut finishes, mut usages, mut head) = (0, 0, 0, None);
    let mut calls: Vec<u64> = Vec::new();
    for event in chunks {
        equal("an event's name", &event.name, &None)?;
        let chunk = event.json()?;
        equal("object", &chunk["object"], &json!("chat.completion.chunk"))?;
        let this = (chunk["id"].clone(), chunk["created"].clone(), chunk["model"].clone());
        equal("id, created and model", &this, head.get_or_insert_with(|| this.clone()))?;
        let choices = chunk["choices"].as_array().ok_or("'choices' is no list")?;
        if usages > 0 {
            return Err(format!("a chunk behind the usage: {chunk}"));
        }
        if choices.is_empty() {
            usages += usize::from(chunk["usage"].is_object());
            continue;
        }
        for choice in choices {
            let delta = &choice["delta"];
            roles += usize::from(!delta["role"].is_null());
            if finishes > 0 {
                return Err(format!("a choice behind the finish: {chunk}"));
            }
            finishes += usize::from(!choice["finish_reason"].is_null());
            for call in delta["tool_calls"].as_array().into_iter().flatten() {
                let index = call["index"].as_u64().ok_or("a call without an index")?;
                let begins = !call["id"].is_null();
                equal("a call begins once", &begins, &!calls.contains(&index))?;
                equal("a name comes with the id", &!call["function"]["name"].is_null(), &begins)?;
                if begins {
                    equal("index of a call", &index, &(calls.len() as u64))?;
                    calls.push(index);
                }
            }
        }
    }
    equal("roles", &roles, &1)?;
    equal("finishes", &finishes, &1)
}

fn anthropic_order(events: &[Event]) -> Result<(), String> {
    let mut expected_index = 0;
    let mut open = false;
    let mut state = "begin";
    for event in events {
        let value = event.json()?;
        let kind = value["type"].as_str().ok_or("an event without a type")?.to_owned();
        equal("the event's name", &event.name, &Some(kind.clone()))?;
        if kind == "ping" {
            continue;
        }
        if kind.starts_with("content_block") {
            equal("index", &value["index"], &json!(expected_index))?;
        }
        state = match (state, kind.as_str(), open) {
            ("begin", "message_start", _) => "blocks",
            ("blocks", "content_block_start", false) => {
                open = true;
                "blocks"
            }
            ("blocks", "content_block_delta", true) => "blocks",
            ("blocks", "content_block_stop", true) => {
                open = false;
                expected_index += 1;
                "blocks"
            }
            ("blocks", "message_delta", false) => "ended",
            ("ended", "message_stop", _) => "stopped",
            (state, kind, open) => return Err(format!("'{kind}' in state '{state}' (a block is open: {open})")),
        };
    }
    equal("the state at the end", &state, &"stopped")
}

#[test]
fn a_translated_stream_adds_up_to_the_translated_whole_reply() {
    over_cases("stream-equals-whole", stream, |case| {
        let exchange = exchange(case.other(), case.provider(), case.format);
        let driven = drive(&exchange, [&case.response[..]]);
        sound(&driven)?;
        let streamed = view::of_stream(case.other(), &sse::events(&driven.out))?;
        let upstream = view::aggregate(case.format, &sse::events(&case.response))?;
        let reply = exchange.reply(&bytes(&upstream)).map_err(|fault| format!("the whole reply: {fault}"))?;
        let whole = view::of_reply(case.other(), &serde_json::from_slice(&reply.body).unwrap());
        equal("the stream", &streamed, &whole)?;
        equal("usage told", &driven.usage.map(|usage| usage.total()), &reply.usage.map(|usage| usage.total()))?;
        equal("finish told", &driven.finish, &reply.finish)?;
        same(case.format, &view::of_reply(case.format, &upstream), &streamed, &reply.dropped)
    });
}
