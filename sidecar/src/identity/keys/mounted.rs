//! Keys that kubelet, or whoever runs this process, puts into a folder: one file a key, read again when it changes.

use super::KeyError;
use crate::identity::secret::{Document, Secret};
use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A key that was looked at this recently is taken without looking again. A rotation is seen this much later at most.
const FRESH: Duration = Duration::from_millis(500);

/// A key larger than this is no key.
const LARGEST: u64 = 64 << 10;

/// Keys by name: those in the folder, then those given in memory (standalone mode's `kind: Secret`).
/// Has no `Debug`: the latter are bytes.
#[derive(Default)]
pub(crate) struct Mounted {
    folder: Option<PathBuf>,
    known: Mutex<HashMap<String, Known>>,
    given: arc_swap::ArcSwap<BTreeMap<String, Vec<u8>>>,
}

#[derive(Clone, Debug)]
struct Known {
    looked: Instant,
    file: FileId,
    content: Document,
}

/// Tells one content of a file from another: kubelet swaps a symbolic link, an editor writes in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct FileId {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl Mounted {
    pub(crate) fn new(folder: Option<PathBuf>) -> Self {
        Self { folder, ..Self::default() }
    }

    /// Replaces the keys given in memory.
    pub(crate) fn give(&self, keys: BTreeMap<String, Vec<u8>>) {
        self.given.store(std::sync::Arc::new(keys));
    }

    /// The key as it is now, to be sent in a header or a query.
    pub(crate) fn get(&self, key: &str, now: Instant) -> Result<Secret, KeyError> {
        let content = self.document(key, now)?;
        Secret::parse(content.as_bytes()).map_err(|why| {
            // It is mended sooner than a good one is replaced: the next request looks again.
            self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
            KeyError::Unusable { key: key.into(), why }
        })
    }

    /// What the key holds now, whatever it is. Reads a small file of a memory file system at most, so it does not wait.
    pub(crate) fn document(&self, key: &str, now: Instant) -> Result<Document, KeyError> {
        self.looked_at(key, now, FRESH)
    }

    /// What the key holds now, looked at again however lately that was done: for what is used rarely.
    pub(crate) fn latest(&self, key: &str) -> Result<Document, KeyError> {
        self.looked_at(key, Instant::now(), Duration::ZERO)
    }

    fn looked_at(&self, key: &str, now: Instant, fresh: Duration) -> Result<Document, KeyError> {
        if key.is_empty() || key.contains(['/', '\0']) || key.starts_with("..") {
            return Err(KeyError::Name(key.into()));
        }
        match &self.folder {
            Some(folder) => match self.in_folder(folder, key, now, fresh) {
                Err(KeyError::Missing(_)) => self.in_memory(key),
                found => found,
            },
            None => self.in_memory(key),
        }
    }

    /// Changes when what the key holds does.
    pub(crate) fn fingerprint(&self, key: &str) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.folder.as_ref().and_then(|folder| identify(&folder.join(key), key).ok()).hash(&mut hasher);
        self.given.load().get(key).hash(&mut hasher);
        hasher.finish()
    }

    fn in_memory(&self, key: &str) -> Result<Document, KeyError> {
        let given = self.given.load();
        given.get(key).map(|bytes| Document::new(bytes.clone())).ok_or_else(|| KeyError::Missing(key.into()))
    }

    fn in_folder(&self, folder: &Path, key: &str, now: Instant, fresh: Duration) -> Result<Document, KeyError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = known.get(key)
            && now.saturating_duration_since(entry.looked) < fresh
        {
            return Ok(entry.content.clone());
        }
        let path = folder.join(key);
        let file = identify(&path, key)?;
        if let Some(entry) = known.get_mut(key)
            && entry.file == file
        {
            entry.looked = now;
            return Ok(entry.content.clone());
        }
        // A key that turned bad is not served from memory: what the file says is what holds.
        known.remove(key);
        let content = std::fs::read(&path).map(Document::new).map_err(|error| unreadable(key, &error))?;
        known.insert(key.into(), Known { looked: now, file, content: content.clone() });
        Ok(content)
    }
}

/// Changes when the file at `path` does.
pub(crate) fn fingerprint_of(path: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    identify(path, "").ok().hash(&mut hasher);
    hasher.finish()
}

fn identify(path: &Path, key: &str) -> Result<FileId, KeyError> {
    let metadata = std::fs::metadata(path).map_err(|error| unreadable(key, &error))?;
    if !metadata.is_file() || metadata.len() > LARGEST {
        return Err(KeyError::Read { key: key.into(), why: "not a small regular file".into() });
    }
    Ok(FileId {
        device: metadata.dev(),
        inode: metadata.ino(),
        size: metadata.len(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
    })
}

fn unreadable(key: &str, error: &std::io::Error) -> KeyError {
    match error.kind() {
        std::io::ErrorKind::NotFound => KeyError::Missing(key.into()),
        kind => KeyError::Read { key: key.into(), why: kind.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::secret::SecretError;

    fn read(keys: &Mounted, key: &str, now: Instant) -> String {
        keys.get(key, now).unwrap().header("").unwrap().to_str().unwrap().to_owned()
    }

    #[test]
    fn a_key_is_read_again_when_kubelet_swaps_the_link_under_it() {
        let folder = tempfile::tempdir().unwrap();
        let link = |target: &str| {
            let new = folder.path().join("new");
            std::os::unix::fs::symlink(target, &new).unwrap();
            std::fs::rename(new, folder.path().join("..data")).unwrap();
        };
        for (version, value) in [("1", "one"), ("2", "two\n")] {
            std::fs::create_dir(folder.path().join(version)).unwrap();
            std::fs::write(folder.path().join(version).join("openai"), value).unwrap();
        }
        link("1");
        std::os::unix::fs::symlink("..data/openai", folder.path().join("openai")).unwrap();
        let keys = Mounted::new(Some(folder.path().into()));
        let start = Instant::now();
        assert_eq!(read(&keys, "openai", start), "one");
        link("2");
        assert_eq!(read(&keys, "openai", start), "one", "fresh enough not to look");
        assert_eq!(read(&keys, "openai", start + FRESH), "two");
        std::fs::write(folder.path().join("2/openai"), "").unwrap();
        let emptied = keys.get("openai", start + FRESH * 2).unwrap_err();
        assert_eq!(emptied, KeyError::Unusable { key: "openai".into(), why: SecretError::Empty });
        std::fs::remove_file(folder.path().join("openai")).unwrap();
        assert_eq!(keys.get("openai", start + FRESH * 3).unwrap_err(), KeyError::Missing("openai".into()));
    }

    #[test]
    fn a_name_that_leaves_the_folder_is_refused() {
        let keys = Mounted::new(Some("/".into()));
        for key in ["", "..", "../etc/passwd", "etc/passwd", "..data"] {
            assert_eq!(keys.get(key, Instant::now()).unwrap_err(), KeyError::Name(key.into()));
        }
    }

    #[test]
    fn keys_given_in_memory_fill_what_the_folder_lacks() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("both"), "folder").unwrap();
        let keys = Mounted::new(Some(folder.path().into()));
        keys.give([("both".into(), b"memory".to_vec()), ("one".into(), b"memory".to_vec())].into());
        assert_eq!(read(&keys, "both", Instant::now()), "folder");
        assert_eq!(read(&keys, "one", Instant::now()), "memory");
    }
}
