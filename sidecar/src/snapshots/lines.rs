//! Lines out of a byte stream, however it is cut, of bounded length.

use bytes::{Bytes, BytesMut};

/// A line that never ends would take all memory.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a line is longer than {0} bytes")]
pub(crate) struct TooLong(usize);

/// What came and was not yet a whole line.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    held: BytesMut,
    /// Up to here there is no line feed.
    searched: usize,
    longest: usize,
}

impl Lines {
    pub(crate) fn new(longest: usize) -> Self {
        Self { longest, ..Self::default() }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    /// The next whole line, without its line feed.
    pub(crate) fn next(&mut self) -> Result<Option<Bytes>, TooLong> {
        match self.held[self.searched..].iter().position(|byte| *byte == b'\n') {
            Some(at) => {
                let mut line = self.held.split_to(self.searched + at + 1);
                self.searched = 0;
                line.truncate(line.len() - 1);
                Ok(Some(line.freeze()))
            }
            None => {
                self.searched = self.held.len();
                if self.searched > self.longest { Err(TooLong(self.longest)) } else { Ok(None) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_out_the_same_wherever_the_stream_is_cut() {
        let text = b"one\n\ntwo two\nthree";
        for cut in 0..=text.len() {
            let mut lines = Lines::new(100);
            let mut found = Vec::new();
            for piece in [&text[..cut], &text[cut..]] {
                lines.push(piece);
                while let Some(line) = lines.next().unwrap() {
                    found.push(line);
                }
            }
            assert_eq!(found, ["one", "", "two two"], "{cut}");
        }
    }

    #[test]
    fn an_endless_line_is_an_error() {
        let mut lines = Lines::new(3);
        lines.push(b"1234");
        assert_eq!(lines.next(), Err(TooLong(3)));
    }
}
