//! One JSON array that grows: where each element ends. Holds no more than one unfinished element. Objects one after the
//! other without brackets (JSON lines) are cut alike.

use super::{Frame, FrameError, MAX_FRAME};
use bytes::{Bytes, BytesMut};

/// Cuts a byte stream behind each element's last byte; a piece begins with the bracket or comma before its element.
#[derive(Debug, Default)]
pub struct Splitter {
    held: BytesMut,
    /// Depth at which elements stand: 1 inside of an array, 0 without one. `None` until the first byte says.
    base: Option<usize>,
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Splitter {
    /// Takes bytes, gives each whole element with what stands before it; the closing bracket is a piece of its own.
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

    /// What has come of an element that never ended, or white space behind the array.
    pub fn rest(&mut self) -> Bytes {
        self.held.split().freeze()
    }

    /// Length of the first element in `bytes`, which go on where the last ones stopped.
    fn find_end(&mut self, bytes: &[u8]) -> Option<usize> {
        for (at, byte) in bytes.iter().enumerate() {
            if self.in_string {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'[' if self.base.is_none() => {
                    self.base = Some(1);
                    self.depth = 1;
                }
                b'{' | b'[' => {
                    self.base.get_or_insert(0);
                    self.depth += 1;
                }
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth <= self.base.unwrap_or(0) {
                        return Some(at + 1);
                    }
                }
                _ => {}
            }
        }
        None
    }
}

/// Reads a piece as [`Splitter`] gives it.
#[must_use]
pub fn read(piece: &Bytes) -> Frame {
    let separator = |byte: &u8| matches!(byte, b'[' | b',') || byte.is_ascii_whitespace();
    let begin = piece.iter().position(|byte| !separator(byte)).unwrap_or(piece.len());
    let data = piece.slice(begin..);
    let nothing = data.is_empty() || data.starts_with(b"]");
    Frame { data: (!nothing).then_some(data), ..Frame::default() }
}

/// A piece as the last one of an array, so that the array ends whatever stood before: `begun` where any element did.
#[must_use]
pub fn last(piece: &Bytes, begun: bool) -> Bytes {
    let Some(data) = read(piece).data else { return piece.clone() };
    let element = data.strip_suffix(b"]").filter(|rest| rest.trim_ascii_end().ends_with(b"}")).unwrap_or(&data);
    let before: &[u8] = if begun { b",\r\n" } else { b"[" };
    Bytes::from([before, element, b"]"].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(pieces: &[&[u8]]) -> (Vec<String>, String) {
        let mut splitter = Splitter::default();
        let mut out = Vec::new();
        for piece in pieces {
            let each = |piece: Bytes| out.push(String::from_utf8(piece.to_vec()).unwrap());
            splitter.push(Bytes::copy_from_slice(piece), each).unwrap();
        }
        (out, String::from_utf8(splitter.rest().to_vec()).unwrap())
    }

    #[track_caller]
    fn check(input: &str, pieces: &[&str], rest: &str) {
        let whole = (pieces.iter().map(|piece| (*piece).to_owned()).collect::<Vec<_>>(), rest.to_owned());
        let bytes = input.as_bytes();
        assert_eq!(split(&[bytes]), whole, "whole");
        for cut in 0..=bytes.len() {
            assert_eq!(split(&[&bytes[..cut], &bytes[cut..]]), whole, "cut at {cut}");
        }
        assert_eq!(split(&bytes.chunks(1).collect::<Vec<_>>()), whole, "byte by byte");
    }

    #[test]
    fn elements_end_at_their_brace_whatever_the_cuts() {
        check("[{\"a\": 1}\n,\r\n{\"b\": [{}]}]\n", &["[{\"a\": 1}", "\n,\r\n{\"b\": [{}]}", "]"], "\n");
        check("[{\"a\": \"}\\\"]{ü\"}", &["[{\"a\": \"}\\\"]{ü\"}"], "");
        check("[]", &["[]"], "");
        check("{\"a\": 1}\n{\"b\": 2}\n", &["{\"a\": 1}", "\n{\"b\": 2}"], "\n");
        check("[{\"a\": 1", &[], "[{\"a\": 1");
        check("", &[], "");
    }

    #[test]
    fn an_element_is_read_without_what_stands_around_it() {
        let data = |piece: &'static str| read(&Bytes::from_static(piece.as_bytes())).data;
        assert_eq!(data("[{\"a\": 1}").as_deref(), Some(&b"{\"a\": 1}"[..]));
        assert_eq!(data("\n,\r\n{}").as_deref(), Some(&b"{}"[..]));
        assert_eq!(data("]"), None);
        assert_eq!(data("[]"), None);
        assert_eq!(data("\n"), None);
    }

    #[test]
    fn a_last_element_ends_the_array_whatever_stood_before() {
        for piece in ["[{\"e\": []}", ",\r\n{\"e\": []}]", "{\"e\": []}", ",{\"e\": []}"] {
            let piece = Bytes::from_static(piece.as_bytes());
            assert_eq!(last(&piece, false), "[{\"e\": []}]");
            assert_eq!(last(&piece, true), ",\r\n{\"e\": []}]");
        }
    }

    #[test]
    fn an_endless_element_is_refused() {
        let mut splitter = Splitter::default();
        let piece = Bytes::from(vec![b'['; MAX_FRAME / 2 + 1]);
        assert_eq!(splitter.push(piece.clone(), |_| ()), Ok(()));
        assert_eq!(splitter.push(piece, |_| ()), Err(FrameError::TooLarge));
    }
}
