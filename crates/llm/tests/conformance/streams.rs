//! Streams: relayed byte for byte; the same output however they are cut; translated ones follow the format's grammar and
//! add up to the whole reply.

use std::fmt;

use pillion_llm::framing::Splitter;
use pillion_llm::{Envelope, Format, Framing};
use serde_json::{Value, json};

use crate::consistent;
use crate::corpus::Case;
use crate::drive::{Driven, bytes, drive, exchange, exchange_framed, exchange_without_usage};
use crate::excluded::{over_cases, over_pairs};
use crate::frames::{self, Event};
use crate::grammar::{grammar, order, shapes};
use crate::parties::{FORMATS, framings, others};
use crate::replies::{equal, same};
use crate::schema::{Author, Book};
use crate::view::{self, counted};

/// Streams up to this length are cut at every position.
const SMALL: usize = 2_000;
const SEED: u64 = 0x0070_696c_6c69_6f6e;

fn stream(case: &Case) -> bool {
    case.ok() && case.streaming
}

#[test]
fn relayed_streams_are_the_same_bytes() {
    over_cases("stream-relay", stream, |case| {
        let format = case.format();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let whole = view::of_reply(format, &view::aggregate(format, &case.events())?);
        let framing = if case.wire.envelope == Envelope::None { case.framing } else { format.framing() };
        let driven = drive(&exchange_framed(format, case.provider(), case.wire, framing), [&case.response[..]]);
        sound(&driven)?;
        if case.wire.envelope == Envelope::BedrockInvoke {
            // The cloud's frames become the vendor's own events.
            equal("events", &frames::complete(framing, &driven.out)?, &case.events())?;
        } else {
            equal("bytes", &text(&driven.out), &text(&case.response))?;
        }
        equal("usage", &counted(driven.usage), &whole.usage)?;
        if format != Format::OpenAIChat {
            return Ok(());
        }
        // A client that did not ask for usage does not get the chunk that only we asked for, and all else as it came.
        let driven = drive(&exchange_without_usage(format, case.provider(), case.wire), [&case.response[..]]);
        sound(&driven)?;
        equal("bytes without usage", &text(&driven.out), &without_usage_chunk(&case.response))
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

/// A client, and how its stream is framed.
pub(crate) struct Listener {
    pub(crate) client: Format,
    framing: Framing,
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.framing {
            Framing::JsonArray => write!(f, "{} array", self.client),
            _ => write!(f, "{}", self.client),
        }
    }
}

/// Clients of other formats than the case's, in each of their framings.
pub(crate) fn listeners(case: &Case) -> Vec<Listener> {
    let each = |client: Format| framings(client).iter().map(move |framing| Listener { client, framing: *framing });
    others(case.format()).flat_map(each).collect()
}

#[test]
fn streams_give_the_same_bytes_however_they_are_cut() {
    over_pairs(
        "stream-cuts",
        stream,
        |_| FORMATS,
        |case, client| {
            let exchange = if **client == case.format() && case.wire.envelope == Envelope::None {
                exchange_framed(**client, case.provider(), case.wire, case.framing)
            } else {
                exchange_without_usage(**client, case.provider(), case.wire)
            };
            let body = &case.response[..];
            let expected = drive(&exchange, [body]);
            let cut = |pieces: Vec<&[u8]>, how: &dyn Fn() -> String| {
                let driven = drive(&exchange, pieces);
                if driven == expected {
                    return Ok(());
                }
                let text = |driven: &Driven| String::from_utf8_lossy(&driven.out).into_owned();
                equal(&format!("the output cut {}", how()), &text(&driven), &text(&expected))?;
                equal(&format!("the outcome cut {}", how()), &driven, &expected)
            };
            cut(body.chunks(1).collect(), &|| "into single bytes".into())?;
            if body.len() < SMALL {
                return (1..body.len()).try_for_each(|at| cut(vec![&body[..at], &body[at..]], &|| format!("at {at}")));
            }
            let mut random = fastrand::Rng::with_seed(SEED);
            (0..24).try_for_each(|_| cut(split(body, &mut random), &|| format!("at random, seed {SEED:#x}")))
        },
    );
}

/// Longer streams: every two events that follow one another, as a stream of their own that breaks off, cut at each position.
/// What is held over a cut is never more than one of them.
#[test]
fn events_of_long_streams_give_the_same_bytes_wherever_they_are_cut() {
    let long = |case: &Case| stream(case) && case.response.len() >= SMALL && case.wire.envelope == Envelope::None;
    over_cases("event-cuts", long, |case| {
        let exchange = exchange_framed(case.format(), case.provider(), case.wire, case.framing);
        let mut events = Vec::new();
        Splitter::new(case.framing).push(case.response.clone(), |event| events.push(event)).unwrap();
        // Events of a stream are alike: the first ones, the last ones, and some between.
        let (all, step) = (events.len(), events.len().div_ceil(8).max(1));
        let chosen = |at: &usize| at.is_multiple_of(step) || *at < 3 || at + 4 > all;
        for at in (1..all).filter(chosen) {
            let body = match case.framing {
                Framing::JsonArray => [b"[", &events[at - 1][..], b",", &events[at]].concat(),
                _ => [&events[at - 1][..], &events[at]].concat(),
            };
            if body.len() >= SMALL {
                continue;
            }
            let expected = drive(&exchange, [&body[..]]);
            for at in 1..body.len() {
                equal(&format!("cut at {at}"), &drive(&exchange, [&body[..at], &body[at..]]), &expected)?;
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
    over_pairs("stream-grammar", stream, listeners, |case, Listener { client, framing }| {
        let driven = drive(&exchange_framed(*client, case.provider(), case.wire, *framing), [&case.response[..]]);
        sound(&driven)?;
        grammar(*client, *framing, &driven.out)?;
        if *client == Format::OpenAIChat {
            let driven = drive(&exchange_without_usage(*client, case.provider(), case.wire), [&case.response[..]]);
            let events = frames::events(*framing, &driven.out);
            if events.iter().any(|event| event.json().is_ok_and(|chunk| chunk["usage"].is_object())) {
                return Err("a usage chunk for a client that did not ask".into());
            }
            grammar(*client, *framing, &driven.out)?;
        }
        Ok(())
    });
}

#[test]
fn a_translated_stream_adds_up_to_the_translated_whole_reply() {
    over_pairs("stream-equals-whole", stream, listeners, |case, listener| {
        let (driven, events) = heard(case, listener)?;
        adds_up(case, listener.client, &driven, &events)
    });
}

/// What a client hears of a case's stream.
pub(crate) fn heard(case: &Case, Listener { client, framing }: &Listener) -> Result<(Driven, Vec<Event>), String> {
    let driven = drive(&exchange_framed(*client, case.provider(), case.wire, *framing), [&case.response[..]]);
    sound(&driven)?;
    let events = frames::complete(*framing, &driven.out)?;
    Ok((driven, events))
}

/// Whether a client's events follow the grammar and say what upstream's did.
pub(crate) fn judged(case: &Case, listener: &Listener, driven: &Driven, events: &[Event]) -> Result<(), String> {
    let client = listener.client;
    order(client, events)?;
    shapes(Book::of(client), Author::Gateway, events)?;
    adds_up(case, client, driven, events)
}

fn adds_up(case: &Case, client: Format, driven: &Driven, events: &[Event]) -> Result<(), String> {
    let format = case.format();
    consistent::events(client, events)?;
    let aggregate = view::aggregate(client, events)?;
    consistent::whole(client, &aggregate)?;
    let streamed = view::of_reply(client, &aggregate);
    let upstream = view::aggregate(format, &case.events())?;
    let reply = exchange(client, case.provider(), case.wire).reply(&bytes(&upstream));
    let reply = reply.map_err(|fault| format!("the whole reply: {fault}"))?;
    let body: Value = serde_json::from_slice(&reply.body).unwrap();
    equal("what stands beside it", &view::beside(client, &aggregate), &view::beside(client, &body))?;
    let whole = view::of_reply(client, &body);
    equal("the stream", &streamed, &whole)?;
    equal("usage told", &driven.usage.map(|usage| usage.total()), &reply.usage.map(|usage| usage.total()))?;
    equal("finish told", &driven.finish, &reply.finish)?;
    same(format, &view::of_reply(format, &upstream), client, &streamed, &reply.lost.dropped)
}
