//! The last good snapshot on disk: only the snapshot's own line, which holds no credential. A failure to write costs a
//! warning, never the serving.

use pillion_snapshot::{Line, Snapshot, read_line};
use std::io;
use std::path::{Path, PathBuf};

/// A snapshot larger than this was not written by us.
const LARGEST: u64 = 64 << 20;

/// The file's place.
#[derive(Clone, Debug)]
pub(crate) struct StateFile {
    folder: PathBuf,
}

impl StateFile {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.join("snapshot.jsonl")
    }

    /// Replaces the file in one step: a crash leaves the old one or the new one.
    pub(crate) fn save(&self, line: &[u8]) -> io::Result<()> {
        let new = self.folder.join("snapshot.jsonl.new");
        std::fs::write(&new, line)?;
        std::fs::rename(&new, self.path())
    }

    /// The snapshot there, if there is one and it is whole.
    pub(crate) fn load(&self) -> Option<Snapshot> {
        match load(&self.path()) {
            Ok(snapshot) => snapshot,
            Err(why) => {
                tracing::warn!(why, "the last good snapshot cannot be used");
                None
            }
        }
    }
}

fn load(path: &Path) -> Result<Option<Snapshot>, String> {
    let length = match std::fs::metadata(path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    if length > LARGEST {
        return Err(format!("it has {length} bytes"));
    }
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    match read_line(bytes.trim_ascii_end()).map_err(|error| error.to_string())? {
        Line::Snapshot { snapshot, .. } => Ok(Some(*snapshot)),
        _ => Err("it is not a snapshot".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pillion_snapshot::write_line;

    #[test]
    fn what_was_saved_is_loaded_and_what_was_damaged_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFile::new(folder.path().into());
        assert_eq!(state.load(), None);
        let snapshot = Snapshot { sources: [("AIRoute/a/b".into(), 7)].into(), ..Snapshot::default() }.seal();
        let line = write_line(&Line::Snapshot { stream: "s".into(), snapshot: Box::new(snapshot.clone()) });
        state.save(&line).unwrap();
        assert_eq!(state.load(), Some(snapshot));
        let damaged = String::from_utf8(line).unwrap().replace(":7", ":8");
        state.save(damaged.as_bytes()).unwrap();
        assert_eq!(state.load(), None);
        state.save(b"garbage").unwrap();
        assert_eq!(state.load(), None);
    }
}
