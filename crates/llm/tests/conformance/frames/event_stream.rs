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
