//! Server-sent events read by the letter of the specification, independently of the crate's own reader.

use super::Event;

/// The events with data of a whole stream; an event without its blank line counts only if nothing of it is missing.
pub(super) fn events(bytes: &[u8]) -> Vec<Event> {
    let text = String::from_utf8_lossy(bytes).replace("\r\n", "\n").replace('\r', "\n");
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let (whole, rest) = text.rsplit_once("\n\n").unwrap_or(("", text));
    let mut events: Vec<Event> = whole.split("\n\n").filter_map(event).collect();
    events.extend(event(rest).filter(|event| event.json().is_ok()));
    events
}

fn event(text: &str) -> Option<Event> {
    let (mut name, mut data) = (None, Vec::new());
    for line in text.split('\n') {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => name = Some(value.to_owned()),
            "data" => data.push(value),
            _ => {}
        }
    }
    if data.is_empty() && text.trim_start().starts_with('{') {
        // Google's servers end a stream that failed with a bare object.
        data.push(text);
    }
    let data = data.join("\n");
    (!data.is_empty()).then_some(Event { name, data, exception: false })
}
