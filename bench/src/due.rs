//! Finds the times that deltas carry (`@<µs>@`) in a stream's bytes, however these are cut.

/// A decoder of one stream.
#[derive(Debug, Default)]
pub(crate) struct Due {
    /// The digits so far of a time that has begun.
    time: Option<u64>,
}

impl Due {
    /// The times that `bytes` complete, in µs since the upstream's epoch.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<u64> {
        let mut found = vec![];
        for byte in bytes {
            self.time = match (byte, self.time) {
                (b'@', Some(time)) => {
                    found.push(time);
                    None
                }
                (b'@', None) => Some(0),
                (b'0'..=b'9', Some(time)) => Some(time.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'))),
                // An address in a header of the stream, say: no time after all.
                _ => None,
            };
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_wherever_the_bytes_are_cut() {
        let text = b"data: {\"id\":\"a@b.c\",\"content\":\" @120@\"}\n\ndata: {\"content\":\" @4500001@\"}\n\n";
        for cut in 0..=text.len() {
            let mut due = Due::default();
            let mut found = due.push(&text[..cut]);
            found.extend(due.push(&text[cut..]));
            assert_eq!(found, [120, 4_500_001], "cut at {cut}");
        }
    }
}
