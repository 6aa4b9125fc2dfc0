//! AWS event streams, `application/vnd.amazon.eventstream`: length-prefixed messages with typed headers and two CRC-32
//! checksums. Source: <https://smithy.io/2.0/aws/amazon-eventstream.html>.

use super::{Frame, FrameError, MAX_FRAME};
use bytes::{Bytes, BytesMut};

/// Total length, length of the headers, checksum of both.
const PRELUDE: usize = 12;
/// The checksum of the whole message behind it.
const TRAILER: usize = 4;
/// The type of a header that is text.
const STRING: u8 = 7;

/// Cuts a byte stream behind each message.
#[derive(Debug, Default)]
pub struct Splitter {
    held: BytesMut,
}

impl Splitter {
    /// Takes bytes, gives each whole message: a slice of what was pushed, never a copy, unless the message came in
    /// several pushes.
    ///
    /// # Errors
    /// [`FrameError::Corrupt`] when a length is impossible or the prelude's checksum is wrong: from there on nothing
    /// can be found. [`FrameError::TooLarge`].
    pub fn push(&mut self, bytes: Bytes, mut each: impl FnMut(Bytes)) -> Result<(), FrameError> {
        let mut rest = bytes;
        while !self.held.is_empty() && !rest.is_empty() {
            // First the prelude, for it tells how much is missing.
            let wanted = message_length(&self.held)?.unwrap_or(PRELUDE);
            let missing = wanted.saturating_sub(self.held.len()).min(rest.len());
            self.held.extend_from_slice(&rest.split_to(missing));
            if message_length(&self.held)?.is_some_and(|length| length == self.held.len()) {
                each(self.held.split().freeze());
            }
        }
        while let Some(length) = message_length(&rest)? {
            if rest.len() < length {
                break;
            }
            each(rest.split_to(length));
        }
        self.held.extend_from_slice(&rest);
        Ok(())
    }

    /// What has come of a message that never ended.
    pub fn rest(&mut self) -> Bytes {
        self.held.split().freeze()
    }
}

/// The length that a message's prelude tells; `None` while the prelude is not whole.
fn message_length(bytes: &[u8]) -> Result<Option<usize>, FrameError> {
    let Some(prelude) = bytes.get(..PRELUDE) else { return Ok(None) };
    if crc32fast::hash(&prelude[..8]) != word(prelude, 8) {
        return Err(FrameError::Corrupt("the checksum of its lengths is wrong"));
    }
    let (total, headers) = (word(prelude, 0) as usize, word(prelude, 4) as usize);
    if total > MAX_FRAME {
        return Err(FrameError::TooLarge);
    }
    if total < PRELUDE + TRAILER || headers > total - PRELUDE - TRAILER {
        return Err(FrameError::Corrupt("its lengths are impossible"));
    }
    Ok(Some(total))
}

/// The big-endian word at an offset that the caller has checked.
fn word(bytes: &[u8], at: usize) -> u32 {
    let bytes = bytes.get(at..at + 4).and_then(|four| four.try_into().ok());
    u32::from_be_bytes(bytes.unwrap_or_default())
}

/// Reads a message as [`Splitter`] gives it.
///
/// # Errors
/// When its checksum, its lengths or its headers are wrong.
pub fn read(message: &Bytes) -> Result<Frame, FrameError> {
    let Some(length) = message_length(message)?.filter(|length| *length == message.len()) else {
        return Err(FrameError::Corrupt("it is cut"));
    };
    let end = length - TRAILER;
    if crc32fast::hash(&message[..end]) != word(message, end) {
        return Err(FrameError::Corrupt("its checksum is wrong"));
    }
    let headers = PRELUDE + word(message, 4) as usize;
    let (mut kind, mut event, mut exception, mut code) = (None, None, None, None);
    let mut at = PRELUDE;
    while at < headers {
        let (name, value, next) = header(&message[..headers], at)?;
        at = next;
        match name {
            b":message-type" => kind = value,
            b":event-type" => event = value,
            b":exception-type" => exception = value,
            b":error-code" => code = value,
            _ => {}
        }
    }
    let name = exception.or(code).or(event);
    Ok(Frame {
        exception: matches!(kind, Some(b"exception" | b"error")),
        name: name.map(|name| String::from_utf8_lossy(name).into_owned()),
        data: Some(message.slice(headers..end)),
    })
}

/// One header: its name, its value where that is a string, and where the next one begins.
type Header<'a> = (&'a [u8], Option<&'a [u8]>, usize);

fn header(bytes: &[u8], at: usize) -> Result<Header<'_>, FrameError> {
    const CUT: FrameError = FrameError::Corrupt("a header is cut");
    let length = usize::from(*bytes.get(at).ok_or(CUT)?);
    if length == 0 {
        return Err(FrameError::Corrupt("a header has no name"));
    }
    let name = bytes.get(at + 1..at + 1 + length).ok_or(CUT)?;
    let at = at + 1 + length;
    let kind = *bytes.get(at).ok_or(CUT)?;
    let at = at + 1;
    let (value, length) = match kind {
        0 | 1 => (at, 0),
        2 => (at, 1),
        3 => (at, 2),
        4 => (at, 4),
        5 | 8 => (at, 8),
        6 | STRING => {
            let length = bytes.get(at..at + 2).ok_or(CUT)?;
            (at + 2, usize::from(u16::from_be_bytes([length[0], length[1]])))
        }
        9 => (at, 16),
        _ => return Err(FrameError::Corrupt("a header is of an unknown type")),
    };
    let end = value + length;
    let value = bytes.get(value..end).ok_or(CUT)?;
    Ok((name, (kind == STRING).then_some(value), end))
}

/// Writes an event of JSON.
#[must_use]
pub fn write_event(name: &str, payload: &[u8]) -> Bytes {
    let headers = [(":event-type", name), (":content-type", "application/json"), (":message-type", "event")];
    write(&headers, payload)
}

/// Writes an exception of JSON, such as `throttlingException`.
#[must_use]
pub fn write_exception(name: &str, payload: &[u8]) -> Bytes {
    let headers = [(":exception-type", name), (":content-type", "application/json"), (":message-type", "exception")];
    write(&headers, payload)
}

fn write(headers: &[(&str, &str)], payload: &[u8]) -> Bytes {
    // Names and values are ours, and short: three bytes around each pair, and the type.
    let text: usize = headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
    let total = PRELUDE + text + payload.len() + TRAILER;
    let length = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    let mut out = Vec::with_capacity(total);
    out.extend_from_slice(&length(total));
    out.extend_from_slice(&length(text));
    out.extend_from_slice(&crc32fast::hash(&out).to_be_bytes());
    for (name, value) in headers {
        out.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
        out.extend_from_slice(name.as_bytes());
        out.push(STRING);
        out.extend_from_slice(&u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
        out.extend_from_slice(value.as_bytes());
    }
    out.extend_from_slice(payload);
    out.extend_from_slice(&crc32fast::hash(&out).to_be_bytes());
    Bytes::from(out)
}

#[cfg(test)]
mod tests;
