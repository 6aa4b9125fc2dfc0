//! Server-sent events: where each event ends, and what it says. Holds no more than one unfinished event.

use super::{Frame, FrameError, MAX_FRAME};
use bytes::{Bytes, BytesMut};

/// Cuts a byte stream behind each event's blank line. `\n`, `\r\n` and `\r` end lines, also mixed.
///
/// Guarantees: the pieces of all events, then those of [`Splitter::rest`], are the input's bytes in order. A piece is
/// a slice of what was pushed, never a copy, unless the event came in several pushes.
#[derive(Debug, Default)]
pub struct Splitter {
    held: BytesMut,
    state: Line,
}

/// Where in a line the scanner stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Line {
    /// At its begin: another line end makes the event's end.
    #[default]
    Begin,
    /// Inside of it.
    Inside,
    /// Behind a `\r` that ended a line: a `\n` here belongs to it.
    AfterReturn,
    /// Behind a `\r` that ended the event: a `\n` here still belongs to it.
    AfterLastReturn,
}

impl Splitter {
    /// Takes bytes, gives each whole event with its blank line.
    ///
    /// # Errors
    /// [`FrameError::TooLarge`], after which the splitter is of no more use.
    pub fn push(&mut self, bytes: Bytes, mut each: impl FnMut(Bytes)) -> Result<(), FrameError> {
        let mut rest = bytes;
        while let Some(end) = self.find_end(&rest) {
            let piece = rest.split_to(end);
            if self.held.is_empty() {
                each(piece);
            } else {
                self.held.extend_from_slice(&piece);
                each(self.held.split().freeze());
            }
        }
        if self.held.len() + rest.len() > MAX_FRAME {
            return Err(FrameError::TooLarge);
        }
        self.held.extend_from_slice(&rest);
        Ok(())
    }

    /// What has come of an event that never ended.
    pub fn rest(&mut self) -> Bytes {
        self.state = Line::Begin;
        self.held.split().freeze()
    }

    /// Length of the first event in `bytes`, which go on where the last ones stopped.
    ///
    /// An event that ends in `\r` at the end of `bytes` is only given with the next bytes, for a `\n` may follow:
    /// otherwise the cuts would show in the output. `\r\r` is never written in practice, so nothing waits for it.
    fn find_end(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < bytes.len() {
            let byte = bytes[at];
            self.state = match (self.state, byte) {
                (Line::AfterLastReturn, b'\n') => {
                    self.state = Line::Begin;
                    return Some(at + 1);
                }
                (Line::AfterLastReturn, _) => {
                    self.state = Line::Begin;
                    return Some(at);
                }
                (Line::AfterReturn, b'\n') => Line::Begin,
                (Line::Begin, b'\n') => {
                    return Some(at + 1);
                }
                (Line::Begin | Line::AfterReturn, b'\r') => Line::AfterLastReturn,
                (Line::Inside, b'\n') => Line::Begin,
                (Line::Inside, b'\r') => Line::AfterReturn,
                (Line::Begin | Line::AfterReturn | Line::Inside, _) => {
                    match memchr::memchr2(b'\n', b'\r', &bytes[at..]) {
                        Some(offset) => at += offset,
                        None => at = bytes.len(),
                    }
                    self.state = Line::Inside;
                    continue;
                }
            };
            at += 1;
        }
        None
    }
}

/// Reads an event as [`Splitter`] gives it. The data is a slice of the event unless it has several `data:` lines.
/// A byte order mark before the first line is skipped.
#[must_use]
pub fn read(event: &Bytes) -> Frame {
    let mut out = Frame::default();
    let mut lines: Vec<Bytes> = Vec::new();
    let mut at = if event.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    while at < event.len() {
        let end = memchr::memchr2(b'\n', b'\r', &event[at..]).map_or(event.len(), |offset| at + offset);
        let line = at..end;
        at = end + 1;
        let text = &event[line.clone()];
        let colon = memchr::memchr(b':', text).unwrap_or(text.len());
        let mut value = (line.start + colon + 1).min(line.end);
        if event.get(value) == Some(&b' ') && value < line.end {
            value += 1;
        }
        match &text[..colon] {
            b"event" => out.name = Some(String::from_utf8_lossy(&event[value..line.end]).into_owned()),
            b"data" => lines.push(event.slice(value..line.end)),
            _ => {}
        }
    }
    out.data = match lines.len() {
        0 => bare_json(event),
        1 => lines.pop(),
        _ => Some(Bytes::from(lines.join(&b"\n"[..]))),
    };
    out
}

/// JSON in the place of an event: Google's servers write an error so once a stream has begun, and no field of an event
/// begins with a bracket.
fn bare_json(event: &Bytes) -> Option<Bytes> {
    let text = event.trim_ascii();
    matches!(text.first(), Some(b'{' | b'[')).then(|| event.slice_ref(text))
}

/// Writes an event with one `data:` line; `data` must hold no line end.
#[must_use]
pub fn write(name: Option<&str>, data: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(data.len() + 32);
    if let Some(name) = name {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(name.as_bytes());
        out.push(b'\n');
    }
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(data);
    out.extend_from_slice(b"\n\n");
    Bytes::from(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(pieces: &[&[u8]]) -> (Vec<Vec<u8>>, Vec<u8>) {
        let mut splitter = Splitter::default();
        let mut events = Vec::new();
        for piece in pieces {
            splitter.push(Bytes::copy_from_slice(piece), |event| events.push(event.to_vec())).unwrap();
        }
        (events, splitter.rest().to_vec())
    }

    #[track_caller]
    fn check(input: &str, expected: &[&str], rest: &str) {
        let bytes = input.as_bytes();
        let expected: Vec<Vec<u8>> = expected.iter().map(|event| event.as_bytes().to_vec()).collect();
        let whole = (expected, rest.as_bytes().to_vec());
        assert_eq!(split(&[bytes]), whole, "whole");
        for cut in 0..=bytes.len() {
            assert_eq!(split(&[&bytes[..cut], &bytes[cut..]]), whole, "cut at {cut}");
        }
        let each: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(split(&each), whole, "byte by byte");
    }

    #[test]
    fn events_end_at_a_blank_line_whatever_the_cuts_and_line_ends() {
        check("", &[], "");
        check("data: a\n\ndata: b\n\n", &["data: a\n\n", "data: b\n\n"], "");
        check("data: a\r\n\r\ndata: b\r\n\r\n", &["data: a\r\n\r\n", "data: b\r\n\r\n"], "");
        check("data: a\r\n\ndata: b\n\r\nx", &["data: a\r\n\n", "data: b\n\r\n"], "x");
        check("data: a\r\rdata: b\n\n", &["data: a\r\r", "data: b\n\n"], "");
        check("data: a\n\n\ndata: ü", &["data: a\n\n", "\n"], "data: ü");
        check(": comment\n\n", &[": comment\n\n"], "");
    }

    #[test]
    fn one_pushed_event_is_not_copied() {
        let input = Bytes::from_static(b"data: a\n\ndata: b\n\n");
        let mut splitter = Splitter::default();
        let mut places = Vec::new();
        splitter.push(input.clone(), |event| places.push(event.as_ptr() as usize - input.as_ptr() as usize)).unwrap();
        assert_eq!(places, [0, 9]);
    }

    #[test]
    fn an_endless_event_is_refused() {
        let mut splitter = Splitter::default();
        let piece = Bytes::from(vec![b'x'; MAX_FRAME / 2 + 1]);
        assert_eq!(splitter.push(piece.clone(), |_| ()), Ok(()));
        assert_eq!(splitter.push(piece, |_| ()), Err(FrameError::TooLarge));
    }

    #[track_caller]
    fn says(event: &str, name: Option<&str>, data: Option<&str>) {
        let event = read(&Bytes::copy_from_slice(event.as_bytes()));
        assert_eq!(event.name.as_deref(), name);
        assert_eq!(event.data.as_deref(), data.map(str::as_bytes));
    }

    #[test]
    fn events_are_read_by_the_rules_of_sse() {
        says("data: x\n\n", None, Some("x"));
        says("data:x\r\n\r\n", None, Some("x"));
        says("data:  x\n\n", None, Some(" x"));
        says("event: e\ndata: {\ndata: }\n\n", Some("e"), Some("{\n}"));
        says("event:e\nid: 1\nretry: 5\ndata\n\n", Some("e"), Some(""));
        says(": OPENROUTER PROCESSING\n\n", None, None);
        says("data: \n\n", None, Some(""));
        says("\u{feff}data: x\n\n", None, Some("x"));
        says("\n", None, None);
        says("data: a:b: c\n\n", None, Some("a:b: c"));
    }

    #[test]
    fn bare_json_in_the_place_of_an_event_is_its_data() {
        says("{\n  \"error\": {\"code\": 499}\n}\n\n", None, Some("{\n  \"error\": {\"code\": 499}\n}"));
        says("[{}]\r\n", None, Some("[{}]"));
        says("data: {}\n{\n\n", None, Some("{}"));
    }
}
