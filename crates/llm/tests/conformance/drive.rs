//! Drives the crate as the sidecar does: prepare, then read a reply or a stream.

use bytes::Bytes;
use pillion_llm::{
    BodyError, Descriptor, ErrorInfo, Exchange, Format, Framing, Outline, Prepared, Target, Usage, Wire, outline,
    prepare,
};
use serde_json::{Map, Value, json};

use crate::parties::{call, plain_request};

/// When everything is asked, in seconds since 1970.
pub(crate) const NOW: u64 = 1_700_000_000;

/// Prepares `body` of a `client` for a provider.
pub(crate) fn prepared(
    client: Format,
    body: &Bytes,
    provider: &'static Descriptor,
    wire: impl Into<Wire>,
    model: Option<&str>,
) -> Result<Prepared, BodyError> {
    let outline = outline(client, body)?.told_by(&call(client, model, false, client.framing()));
    prepared_as(client, body, &outline, provider, wire, model)
}

/// The same for a client whose path is known.
pub(crate) fn prepared_as(
    client: Format,
    body: &Bytes,
    outline: &Outline,
    provider: &'static Descriptor,
    wire: impl Into<Wire>,
    model: Option<&str>,
) -> Result<Prepared, BodyError> {
    let none = Map::new();
    let target = Target { provider, wire: wire.into(), model, defaults: &none, overrides: &none, ask_usage: true };
    prepare(client, body, outline, &target)
}

/// What reads a reply for the plainest of requests, one that asks a stream for its usage.
pub(crate) fn exchange(client: Format, provider: &'static Descriptor, wire: impl Into<Wire>) -> Exchange {
    exchange_of(client, provider, wire, client.framing(), true)
}

/// The same for a client that does not ask for usage.
pub(crate) fn exchange_without_usage(client: Format, provider: &'static Descriptor, wire: impl Into<Wire>) -> Exchange {
    exchange_of(client, provider, wire, client.framing(), false)
}

/// The same for a client that chooses how its stream is framed.
pub(crate) fn exchange_framed(
    client: Format,
    provider: &'static Descriptor,
    wire: impl Into<Wire>,
    framing: Framing,
) -> Exchange {
    exchange_of(client, provider, wire, framing, true)
}

fn exchange_of(
    client: Format,
    provider: &'static Descriptor,
    wire: impl Into<Wire>,
    framing: Framing,
    usage: bool,
) -> Exchange {
    let mut request = plain_request(client, true);
    if client == Format::OpenAIChat && usage {
        request["stream_options"] = json!({"include_usage": true});
    }
    let body = bytes(&request);
    let outline = outline(client, &body).unwrap().told_by(&call(client, Some("m"), true, framing));
    prepared_as(client, &body, &outline, provider, wire, None).unwrap().exchange.at(NOW)
}

pub(crate) fn bytes(value: &Value) -> Bytes {
    serde_json::to_vec(value).unwrap().into()
}

/// What came of a stream.
#[derive(Debug, PartialEq)]
pub(crate) struct Driven {
    pub(crate) out: Vec<u8>,
    /// The fault that ended it.
    pub(crate) fault: Option<String>,
    pub(crate) usage: Option<Usage>,
    pub(crate) finish: Option<String>,
    pub(crate) has_delta: bool,
}

/// Pushes the pieces, ends the stream, and lets a fault become the error event it would become.
pub(crate) fn drive<'a>(exchange: &Exchange, pieces: impl IntoIterator<Item = &'a [u8]>) -> Driven {
    let mut stream = exchange.stream();
    let mut out = Vec::new();
    let pushed = pieces.into_iter().try_for_each(|piece| stream.push(Bytes::copy_from_slice(piece), &mut out));
    let ended = pushed.and_then(|()| stream.finish(&mut out));
    if let Err(fault) = &ended {
        stream.fail(&ErrorInfo::from(fault), &mut out);
        let before = out.len();
        stream.push(Bytes::from_static(b"data: {}\n\n"), &mut out).unwrap();
        stream.finish(&mut out).unwrap();
        assert_eq!(out.len(), before, "nothing follows an error event");
    }
    Driven {
        out: out.concat(),
        fault: ended.err().map(|fault| format!("{fault:?}")),
        usage: stream.usage(),
        finish: stream.finish_reason().map(str::to_owned),
        has_delta: stream.has_delta(),
    }
}
