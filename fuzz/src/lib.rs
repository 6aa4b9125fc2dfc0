//! What must hold of any bytes, whoever sent them: no panic, no answer that depends on how a stream was cut, no output
//! out of proportion to its input. Each function takes one input: two bytes choose formats, the rest is the data.
//!
//! `cargo xtask test fuzz` feeds them by libFuzzer; `tests/replay.rs` replays seeds and what was ever found, on stable.

use bytes::Bytes;
use http::HeaderMap;
use pillion_llm::framing::{self, Framing, Splitter};
use pillion_llm::{Exchange, Format, Operation, Target, encode_error, outline, prepare, providers};
use serde_json::{Map, Value};

/// An output may be this many times its input, and [`SLACK`] more: a name is repeated in an envelope, never a body.
const GROWTH: usize = 64;
const SLACK: usize = 256 * 1024;

/// The two formats that the first bytes choose, and the data behind them.
fn choose(input: &[u8]) -> Option<(Format, Format, &[u8])> {
    let format = |byte: u8| Format::ALL[usize::from(byte) % Format::ALL.len()];
    match input {
        [client, wire, data @ ..] => Some((format(*client), format(*wire), data)),
        _ => None,
    }
}

/// The input of a case in which `client` speaks to `wire`.
#[must_use]
pub fn input(client: Format, wire: Format, data: &[u8]) -> Vec<u8> {
    let number = |format: Format| Format::ALL.iter().position(|one| *one == format).unwrap_or(0);
    let mut input = vec![number(client) as u8, number(wire) as u8];
    input.extend_from_slice(data);
    input
}

/// Framings: the pieces are the input, and however it is cut they are the same.
///
/// # Panics
/// When that does not hold.
pub fn frames(input: &[u8]) {
    let [choice, at, data @ ..] = input else { return };
    let framing = [Framing::Sse, Framing::JsonArray, Framing::EventStream][usize::from(*choice) % 3];
    let whole = split(framing, &[data]);
    let cut = usize::from(*at).min(data.len());
    assert_eq!(split(framing, &[&data[..cut], &data[cut..]]), whole, "cut at {cut}");
    let Some((pieces, rest)) = whole else { return };
    assert!(pieces.iter().flatten().chain(&rest).eq(data), "the pieces are not the input");
    for piece in pieces {
        let _ = framing::read(framing, &Bytes::from(piece));
    }
}

fn split(framing: Framing, parts: &[&[u8]]) -> Option<(Vec<Vec<u8>>, Vec<u8>)> {
    let mut splitter = Splitter::new(framing);
    let mut pieces = Vec::new();
    for part in parts {
        splitter.push(Bytes::copy_from_slice(part), |piece| pieces.push(piece.to_vec())).ok()?;
    }
    Some((pieces, splitter.rest().to_vec()))
}

/// Requests: refused with an error that any dialect can say, or made a JSON body of a bounded size.
///
/// # Panics
/// When that does not hold.
pub fn requests(input: &[u8]) {
    let Some((client, wire, data)) = choose(input) else { return };
    let body = Bytes::copy_from_slice(data);
    match prepared(client, wire, &body) {
        Ok((sent, _)) if client == wire => assert!(sent.len() <= data.len() + 1024, "a relayed body grew"),
        Ok((sent, _)) => {
            serde_json::from_slice::<Value>(&sent).expect("a translated body is JSON");
            assert!(sent.len() <= GROWTH * data.len() + SLACK, "{} bytes became {}", data.len(), sent.len());
        }
        Err(error) => {
            let _ = encode_error(client.dialect(), &error.into());
        }
    }
}

fn prepared(client: Format, wire: Format, body: &Bytes) -> Result<(Bytes, Exchange), pillion_llm::BodyError> {
    let outline = outline(client, body)?;
    let speaks = |provider: &&pillion_llm::Descriptor| {
        !provider.local && provider.wire("m", Operation::Chat, wire) == Some(wire.into())
    };
    let provider = providers().iter().find(speaks).expect("every format has a provider");
    let none = Map::new();
    let target =
        Target { provider, wire: wire.into(), model: Some("m"), defaults: &none, overrides: &none, ask_usage: true };
    prepare(client, body, &outline, &target).map(|prepared| (prepared.body, prepared.exchange))
}

/// What reads a reply to the plainest of requests.
fn exchange(client: Format, wire: Format) -> Exchange {
    let plain = match client {
        Format::OpenAIResponses => r#"{"model":"m","input":"hello","stream":true}"#,
        Format::GeminiGenerateContent => r#"{"contents":[{"role":"user","parts":[{"text":"hello"}]}]}"#,
        Format::BedrockConverse => r#"{"messages":[{"role":"user","content":[{"text":"hello"}]}]}"#,
        _ => r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hello"}],"stream":true}"#,
    };
    let (_, exchange) = prepared(client, wire, &Bytes::from_static(plain.as_bytes())).expect("a plain request");
    exchange
}

/// Whole replies, and errors: understood or refused.
///
/// # Panics
/// When a reply that was understood is no JSON.
pub fn replies(input: &[u8]) {
    let Some((client, wire, data)) = choose(input) else { return };
    let exchange = exchange(client, wire);
    if let Ok(reply) = exchange.reply(&Bytes::copy_from_slice(data)) {
        serde_json::from_slice::<Value>(&reply.body).expect("a reply is JSON");
        assert!(reply.body.len() <= GROWTH * data.len() + SLACK, "a reply grew");
    }
    let status = 400 + u16::from(data.first().copied().unwrap_or_default());
    let error = exchange.error(status, &HeaderMap::new(), data);
    assert!((400..600).contains(&error.status), "{}", error.status);
    let _ = encode_error(client.dialect(), &error);
}

/// Streams: the same output wherever they are cut.
///
/// # Panics
/// When that does not hold.
pub fn streams(input: &[u8]) {
    let Some((client, wire, data)) = choose(input) else { return };
    let exchange = exchange(client, wire);
    let whole = drive(&exchange, &[data]);
    assert!(whole.0.len() <= GROWTH * GROWTH * data.len() + SLACK, "a stream grew");
    let cut = data.iter().fold(7_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)));
    let cut = cut % (data.len() + 1);
    assert_eq!(drive(&exchange, &[&data[..cut], &data[cut..]]), whole, "cut at {cut}");
}

fn drive(exchange: &Exchange, parts: &[&[u8]]) -> (Vec<u8>, Option<String>) {
    let mut stream = exchange.stream();
    let mut out = Vec::new();
    let pushed = parts.iter().try_for_each(|part| stream.push(Bytes::copy_from_slice(part), &mut out));
    let ended = pushed.and_then(|()| stream.finish(&mut out));
    if let Err(fault) = &ended {
        stream.fail(&fault.into(), &mut out);
    }
    (out.concat(), ended.err().map(|fault| format!("{fault:?}")))
}
