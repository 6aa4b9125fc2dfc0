//! AWS event streams, message by message: a prelude of two lengths and their checksum, headers, payload, checksum.

use super::Event;

/// The events as far as they go, and what is wrong with the bytes after them.
pub(super) fn events(mut bytes: &[u8]) -> (Vec<Event>, Option<String>) {
    let mut events = Vec::new();
    while !bytes.is_empty() {
        match message(bytes) {
            Ok((event, rest)) => {
                events.push(event);
                bytes = rest;
            }
            Err(why) => return (events, Some(why)),
        }
    }
    (events, None)
}

fn message(bytes: &[u8]) -> Result<(Event, &[u8]), String> {
    let number = |at: usize| {
        let four = bytes.get(at..at + 4).ok_or("it ends within a prelude")?;
        Ok::<_, String>(u32::from_be_bytes(four.try_into().unwrap()) as usize)
    };
    let (total, headers) = (number(0)?, number(4)?);
    if total < headers + 16 || total > bytes.len() {
        return Err(format!("a message of {total} bytes, of which {} are there", bytes.len()));
    }
    for (until, what) in [(8, "the prelude"), (total - 4, "the message")] {
        if number(until)? != checksum(&bytes[..until]) as usize {
            return Err(format!("the checksum of {what} is wrong"));
        }
    }
    let mut event = Event { name: None, data: String::new(), exception: false };
    let mut rest = &bytes[12..12 + headers];
    while let [length, after @ ..] = rest {
        let (name, after) = after.split_at_checked(usize::from(*length)).ok_or("a header is cut")?;
        // Only strings are sent; they are of type 7, with a length of two bytes.
        let [7, high, low, after @ ..] = after else { return Err("a header is no string".into()) };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let (value, after) = after.split_at_checked(length).ok_or("a header is cut")?;
        let value = String::from_utf8_lossy(value).into_owned();
        match name {
            b":event-type" | b":exception-type" | b":error-code" => event.name = Some(value),
            b":message-type" => event.exception = value != "event",
            _ => {}
        }
        rest = after;
    }
    event.data = String::from_utf8_lossy(&bytes[12 + headers..total - 4]).into_owned();
    Ok((event, &bytes[total..]))
}

/// A message of JSON.
pub(super) fn write(name: &str, exception: bool, payload: &str) -> Vec<u8> {
    let kind = if exception { (":exception-type", "exception") } else { (":event-type", "event") };
    let headers = [(kind.0, name), (":content-type", "application/json"), (":message-type", kind.1)];
    let mut text = Vec::new();
    for (name, value) in headers {
        text.push(u8::try_from(name.len()).unwrap());
        text.extend_from_slice(name.as_bytes());
        text.push(7);
        text.extend_from_slice(&u16::try_from(value.len()).unwrap().to_be_bytes());
        text.extend_from_slice(value.as_bytes());
    }
    let word = |number: usize| u32::try_from(number).unwrap().to_be_bytes();
    let mut out = [word(text.len() + payload.len() + 16), word(text.len())].concat();
    out.extend_from_slice(&checksum(&out).to_be_bytes());
    out.extend_from_slice(&text);
    out.extend_from_slice(payload.as_bytes());
    out.extend_from_slice(&checksum(&out).to_be_bytes());
    out
}

/// The beginning of a message that says it has this many bytes.
pub(super) fn prelude(total: u32) -> Vec<u8> {
    let lengths = [total.to_be_bytes(), [0; 4]].concat();
    let sum = checksum(&lengths).to_be_bytes();
    [lengths, sum.to_vec()].concat()
}

/// CRC-32 as zlib has it, bit by bit.
fn checksum(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 })
    })
}

#[test]
fn checksums_are_those_of_the_standard() {
    assert_eq!(checksum(b"123456789"), 0xcbf4_3926);
}

#[test]
fn what_is_written_is_read() {
    let bytes = [write("a", false, "{}"), write("bException", true, "{\"message\":\"m\"}")].concat();
    let (events, fault) = events(&bytes);
    let told: Vec<_> =
        events.iter().map(|event| (event.name.as_deref(), event.data.as_str(), event.exception)).collect();
    assert_eq!(told, [(Some("a"), "{}", false), (Some("bException"), "{\"message\":\"m\"}", true)]);
    assert_eq!(fault, None);
}
