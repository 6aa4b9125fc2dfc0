//! Streams as pieces: split into the events that were recorded, framed anew where the client asked for another framing, and broken
//! off where a behaviour says so.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde_json::json;

use super::behaviour::Behaviour;
use super::call::{Call, Format, Framing, Vendor};
use super::fault;

/// The pieces of a stream as they go out, and whether it then falls silent.
pub(super) fn pieces(body: &Bytes, call: Option<&Call>, behaviour: &Behaviour) -> (Vec<Bytes>, bool) {
    let (vendor, format, framing) = call
        .map_or((Vendor::OpenAI, Format::Other, Framing::Recorded), |call| (call.vendor, call.format, call.framing));
    let binary = !body.is_empty() && body[0] == 0;
    let mut events = if binary { messages(body) } else { events(body) };
    let limit = behaviour.error_after_events.or(behaviour.stall_after_events);
    let limited = limit.is_some();
    events.truncate(limit.unwrap_or(events.len()));
    let error =
        behaviour.error_after_events.map(|_| fault::event(vendor, format, framing == Framing::Chunks || binary));
    let mut pieces = match framing {
        Framing::Recorded => events,
        Framing::JsonArray => elements(&events),
        Framing::Chunks => events.iter().filter_map(|event| Some(chunk(&data(event)?))).collect(),
    };
    match (error, framing) {
        (Some(_), Framing::JsonArray) => {
            let before = if pieces.is_empty() { "[" } else { ",\r\n" };
            pieces.push([before, &fault::google_error(), "]"].concat().into());
        }
        (Some(error), _) => pieces.push(error),
        (None, Framing::JsonArray) if !limited => pieces.push(Bytes::from_static(b"]")),
        (None, _) => {}
    }
    (pieces, behaviour.stall_after_events.is_some() && behaviour.error_after_events.is_none())
}

/// Splits after each empty line; what follows the last one is a piece too.
fn events(body: &Bytes) -> Vec<Bytes> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for at in 1..body.len() {
        let ends = body[..=at].ends_with(b"\n\n") || body[..=at].ends_with(b"\r\n\r\n");
        if ends && at + 1 > start + 2 {
            pieces.push(body.slice(start..=at));
            start = at + 1;
        }
    }
    if start < body.len() {
        pieces.push(body.slice(start..));
    }
    pieces
}

/// Splits an AWS event stream by the lengths that its messages begin with; what is no message is one piece.
fn messages(body: &Bytes) -> Vec<Bytes> {
    let mut pieces = Vec::new();
    let mut rest = body.clone();
    while let [a, b, c, d, ..] = rest[..] {
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        if length < 16 || length > rest.len() {
            break;
        }
        pieces.push(rest.split_to(length));
    }
    if !rest.is_empty() {
        pieces.push(rest);
    }
    pieces
}

/// The data of a server-sent event that has some.
fn data(event: &Bytes) -> Option<String> {
    let text = String::from_utf8_lossy(event);
    let lines: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim_start).collect();
    (!lines.is_empty() && lines != ["[DONE]"]).then(|| lines.join("\n"))
}

/// The events as elements of an array that is not yet closed.
fn elements(events: &[Bytes]) -> Vec<Bytes> {
    let data = events.iter().filter_map(data).enumerate();
    data.map(|(number, text)| [if number == 0 { "[" } else { ",\r\n" }, &text].concat().into()).collect()
}

/// One event of another vendor as Bedrock's InvokeModelWithResponseStream sends it.
fn chunk(data: &str) -> Bytes {
    let payload = json!({"bytes": BASE64_STANDARD.encode(data)});
    message(
        &[(":event-type", "chunk"), (":content-type", "application/json"), (":message-type", "event")],
        &payload.to_string(),
    )
}

/// A message of an AWS event stream; all headers are strings.
pub(super) fn message(headers: &[(&str, &str)], payload: &str) -> Bytes {
    let mut head = Vec::new();
    for (name, value) in headers {
        head.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
        head.extend(name.as_bytes());
        head.push(7);
        head.extend(u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
        head.extend(value.as_bytes());
    }
    let number = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    let mut bytes = Vec::new();
    bytes.extend(number(16 + head.len() + payload.len()));
    bytes.extend(number(head.len()));
    bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
    bytes.extend(head);
    bytes.extend(payload.as_bytes());
    bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
    bytes.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &'static str, expected: &[&str]) {
        assert_eq!(events(&Bytes::from_static(body.as_bytes())), expected);
    }

    #[test]
    fn a_stream_is_split_after_its_events() {
        check("data: a\n\ndata: b\n\n", &["data: a\n\n", "data: b\n\n"]);
        check("data: a\r\n\r\ndata: b", &["data: a\r\n\r\n", "data: b"]);
        check("", &[]);
    }

    fn array() -> Option<Call> {
        Call::of(&http::Method::POST, "/v1beta/models/g:streamGenerateContent", None)
    }

    #[track_caller]
    fn check_array(behaviour: &Behaviour, expected: &str, silent: bool) {
        let body = Bytes::from_static(b"data: {\"a\": 1}\r\n\r\ndata: {\"a\": 2}\r\n\r\n");
        let (pieces, falls_silent) = pieces(&body, array().as_ref(), behaviour);
        assert_eq!((String::from_utf8(pieces.concat()).unwrap().as_str(), falls_silent), (expected, silent));
    }

    #[test]
    fn events_become_elements_of_an_array() {
        check_array(&Behaviour::default(), "[{\"a\": 1},\r\n{\"a\": 2}]", false);
        check_array(&Behaviour { stall_after_events: Some(1), ..Behaviour::default() }, "[{\"a\": 1}", true);
        let broken = Behaviour { error_after_events: Some(1), ..Behaviour::default() };
        let body = Bytes::from_static(b"data: {\"a\": 1}\n\ndata: {\"a\": 2}\n\n");
        let (pieces, _) = pieces(&body, array().as_ref(), &broken);
        let array: serde_json::Value = serde_json::from_slice(&pieces.concat()).unwrap();
        assert_eq!(array[1]["error"]["status"], "UNAVAILABLE");
    }

    #[test]
    fn messages_carry_their_checksums_and_are_found_again() {
        let first = message(&[(":event-type", "chunk")], "{}");
        assert_eq!(crc32fast::hash(&first[..8]).to_be_bytes(), first[8..12]);
        let end = first.len() - 4;
        assert_eq!(crc32fast::hash(&first[..end]).to_be_bytes(), first[end..]);
        let both = Bytes::from([&first[..], &first[..], &[0, 0, 0]].concat());
        assert_eq!(messages(&both), [first.clone(), first, Bytes::from_static(&[0, 0, 0])]);
    }
}
