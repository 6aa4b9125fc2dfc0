//! A snapshot as it goes out: serialised once for its class, shared by all streams; only the stream's name differs.

use bytes::Bytes;
use pillion_snapshot::{Line, Snapshot, write_line};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One class's snapshot, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Published {
    /// Name of the content.
    pub(crate) version: String,
    /// The objects that it is made of.
    pub(crate) sources: Arc<BTreeMap<String, i64>>,
    /// Ids of the keys that go with it.
    pub(crate) keys: BTreeSet<String>,
    /// The line after the stream's name, line feed included.
    tail: Bytes,
}

/// What a line of a nameless stream begins with.
const NAMELESS: &str = r#"{"kind":"snapshot","stream":"","#;

impl Published {
    /// Serialises a sealed snapshot.
    pub(crate) fn new(snapshot: Snapshot) -> Self {
        let version = snapshot.version.clone();
        let sources = Arc::new(snapshot.sources.clone());
        let keys = snapshot.streamed_keys().into_iter().map(String::from).collect();
        let line = write_line(&Line::Snapshot { stream: String::new(), snapshot: Box::new(snapshot) });
        let line = Bytes::from(line);
        let tail = line.slice(line.len().min(NAMELESS.len())..);
        Self { version, sources, keys, tail }
    }

    /// The line for one stream, in two parts of which the larger is shared. `stream` needs no escaping in JSON.
    pub(crate) fn line(&self, stream: &str) -> [Bytes; 2] {
        [Bytes::from(format!(r#"{{"kind":"snapshot","stream":"{stream}","#)), self.tail.clone()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pillion_snapshot::read_line;

    #[test]
    fn a_shared_line_reads_as_the_line_of_its_stream() {
        let snapshot = Snapshot { sources: [("AIRoute/a/b".to_owned(), 3)].into(), ..Default::default() }.seal();
        let line = Published::new(snapshot.clone()).line("op-1/42").concat();
        assert_eq!(
            line,
            write_line(&Line::Snapshot { stream: "op-1/42".into(), snapshot: Box::new(snapshot.clone()) })
        );
        let read = read_line(line.strip_suffix(b"\n").unwrap()).unwrap();
        assert_eq!(read, Line::Snapshot { stream: "op-1/42".into(), snapshot: Box::new(snapshot) });
    }
}
