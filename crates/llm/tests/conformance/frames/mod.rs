//! Streams cut into events by the letter of their framings, independently of the crate's own readers.

mod event_stream;
mod sse;

use pillion_llm::Framing;
use serde_json::Value;

/// One event: its name, if it has one, and its data.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) name: Option<String>,
    pub(crate) data: String,
    /// Whether the transport marks it as an error.
    pub(crate) exception: bool,
}

impl Event {
    pub(crate) fn json(&self) -> Result<Value, String> {
        serde_json::from_str(&self.data).map_err(|error| format!("data is not JSON ({error}): {}", self.data))
    }
}

/// The events of a stream as far as it goes.
pub(crate) fn events(framing: Framing, bytes: &[u8]) -> Vec<Event> {
    match framing {
        Framing::Sse => sse::events(bytes),
        Framing::JsonArray => elements(bytes).0,
        Framing::EventStream => event_stream::events(bytes).0,
    }
}

/// The events of a whole stream.
///
/// # Errors
/// When it ends within an event, or an event is not framed as it must be.
pub(crate) fn complete(framing: Framing, bytes: &[u8]) -> Result<Vec<Event>, String> {
    match framing {
        Framing::Sse if !bytes.ends_with(b"\n\n") => Err("the last event is not complete".into()),
        Framing::Sse => Ok(sse::events(bytes)),
        Framing::JsonArray => {
            let (events, fault) = elements(bytes);
            fault.map_or(Ok(events), Err)
        }
        Framing::EventStream => {
            let (events, fault) = event_stream::events(bytes);
            fault.map_or(Ok(events), Err)
        }
    }
}

/// A message of an AWS event stream.
pub(crate) fn message(name: &str, exception: bool, payload: &Value) -> Vec<u8> {
    event_stream::write(name, exception, &payload.to_string())
}

/// The beginning of such a message of this many bytes.
pub(crate) fn prelude(total: u32) -> Vec<u8> {
    event_stream::prelude(total)
}

/// The elements of an array, and what is wrong with it.
fn elements(bytes: &[u8]) -> (Vec<Event>, Option<String>) {
    let event = |value: Value| Event { name: None, data: value.to_string(), exception: false };
    if let Ok(Value::Array(elements)) = serde_json::from_slice(bytes) {
        return (elements.into_iter().map(event).collect(), None);
    }
    let text = String::from_utf8_lossy(bytes);
    let Some(inside) = text.trim_start().strip_prefix('[') else {
        return (Vec::new(), Some("it does not begin with '['".to_owned()));
    };
    let mut events = Vec::new();
    let mut rest = inside;
    loop {
        rest = rest.trim_start_matches(|letter: char| letter == ',' || letter.is_whitespace());
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        let Some(Ok(value)) = values.next() else { break };
        rest = &rest[values.byte_offset()..];
        events.push(event(value));
    }
    (events, Some("it is no whole array".to_owned()))
}

#[test]
fn arrays_are_read_as_far_as_they_go() {
    let data = |bytes: &str| {
        events(Framing::JsonArray, bytes.as_bytes()).into_iter().map(|event| event.data).collect::<Vec<_>>()
    };
    assert_eq!(data(r#"[{"a":1}, {"b":[2]}]"#), [r#"{"a":1}"#, r#"{"b":[2]}"#]);
    assert_eq!(data(r#"[{"a":1} , {"b":[2"#), [r#"{"a":1}"#]);
    assert!(complete(Framing::JsonArray, br#"[{"a":1}"#).is_err());
    assert_eq!(complete(Framing::JsonArray, b"[]"), Ok(Vec::new()));
}
