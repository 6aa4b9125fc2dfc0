//! Standalone mode: the same YAML through the same compiler, from files, again when they change. Keeps what it serves
//! when a change makes no sense.

use super::{Live, Origin};
use crate::identity::Keys;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use pillion_compiler::manifest::Manifest;
use pillion_compiler::{AccountIdentity, Input, SecretKey, Workload, compile};
use pillion_snapshot::{Key, Snapshot, Trouble};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Editors and kubelet write in several steps: a change is taken once nothing more happened for this long.
const QUIET: Duration = Duration::from_millis(100);

/// Where a Secret without a namespace is, as other objects of files are.
const DEFAULT_NAMESPACE: &str = "default";

/// Keys by their ids.
type Streamable = BTreeMap<String, Vec<u8>>;

/// The Secret whose keys the files may hold, as the mounted one is called in a cluster.
const CREDENTIALS: &str = "pillion-credentials";

/// What is read, and for whom.
#[derive(Clone, Debug, Default)]
pub struct FilesSettings {
    /// Files, and folders whose `*.yaml`, `*.yml` and `*.json` are read in the order of their names.
    pub paths: Vec<PathBuf>,
    /// Whose routes are served; by default, those of the namespace of the first one.
    pub namespace: Option<String>,
    /// What the routes' podSelectors look at.
    pub labels: BTreeMap<String, String>,
}

/// Why files are not served.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// A file is not there, or may not be read.
    #[error("failed to read '{path}': {source}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Something in them is wrong.
    #[error("{}", .0.join("\n"))]
    Wrong(Vec<String>),
}

/// What files say.
pub(crate) struct Loaded {
    pub(crate) snapshot: Snapshot,
    pub(crate) keys: BTreeMap<String, Vec<u8>>,
    /// Of Secrets that AIProviders refer to by name.
    pub(crate) streamed: pillion_snapshot::Keys,
    /// Not wrong, but not as meant either.
    pub(crate) warnings: Vec<String>,
}

/// Reads and compiles them all.
pub(crate) fn load(settings: &FilesSettings) -> Result<Loaded, FilesError> {
    let mut manifest = Manifest::default();
    for path in expand(&settings.paths)? {
        let text = std::fs::read_to_string(&path).map_err(|source| FilesError::Read { path: path.clone(), source })?;
        manifest.read(&path.to_string_lossy(), &text);
    }
    let mut wrong: Vec<String> = manifest.findings.iter().map(ToString::to_string).collect();
    let (keys, streamable) = secrets(&manifest.others, &mut wrong);

    let first = manifest.routes.first().and_then(|route| route.metadata.namespace.clone());
    let namespace = settings.namespace.clone().or(first).unwrap_or_else(|| "default".into());
    let workload = Workload { namespace, labels: settings.labels.clone(), account: AccountIdentity::default() };
    let workloads = BTreeSet::from([workload.clone()]);
    let Manifest { providers, routes, .. } = manifest;
    let mut compiled = compile(&Input { providers, routes, workloads, ..Input::default() });

    let mut warnings = Vec::new();
    for (object, findings) in &compiled.objects {
        if !findings.accepted.status {
            wrong.push(format!("{object}: {}", findings.accepted.message));
        }
        if !findings.resolved_refs.status {
            warnings.push(format!("{object}: {}", findings.resolved_refs.message));
        }
        warnings.extend(findings.overridden.iter().map(|verdict| format!("{object}: {}", verdict.message)));
    }
    if !wrong.is_empty() {
        return Err(FilesError::Wrong(wrong));
    }
    let snapshot = compiled.snapshots.remove(&workload).unwrap_or_else(|| Snapshot::default().seal());
    if snapshot.rules.is_empty() {
        warnings.push(format!("no route selects a workload in namespace '{}' with these labels", workload.namespace));
    }
    let streamed = streamed(&snapshot, &streamable);
    warnings.extend(streamed.values().filter_map(|key| match key {
        Key::Withdrawn(trouble) => Some(trouble.message.clone()),
        _ => None,
    }));
    Ok(Loaded { snapshot, keys, streamed, warnings })
}

/// Folders become their files.
fn expand(paths: &[PathBuf]) -> Result<Vec<PathBuf>, FilesError> {
    let mut files = Vec::new();
    for path in paths {
        let unreadable = |source| FilesError::Read { path: path.clone(), source };
        if !std::fs::metadata(path).map_err(unreadable)?.is_dir() {
            files.push(path.clone());
            continue;
        }
        let mut found = Vec::new();
        for entry in std::fs::read_dir(path).map_err(unreadable)? {
            let file = entry.map_err(unreadable)?.path();
            let known = file.extension().and_then(|extension| extension.to_str());
            if matches!(known, Some("yaml" | "yml" | "json")) && file.is_file() {
                found.push(file);
            }
        }
        found.sort();
        files.extend(found);
    }
    Ok(files)
}

/// What Secrets hold: the keys of the one that is called as the mounted one is, and all keys by their ids. Their values
/// appear in no message.
fn secrets(documents: &[Value], wrong: &mut Vec<String>) -> (BTreeMap<String, Vec<u8>>, Streamable) {
    let (mut mounted, mut streamable) = (BTreeMap::new(), BTreeMap::new());
    for secret in documents.iter().filter(|document| document["kind"] == "Secret") {
        let name = secret["metadata"]["name"].as_str().unwrap_or_default();
        let namespace = secret["metadata"]["namespace"].as_str().unwrap_or(DEFAULT_NAMESPACE);
        let mut found = |key: &str, bytes: Vec<u8>| {
            let id = SecretKey { namespace: namespace.into(), secret: name.into(), key: key.into() };
            if name == CREDENTIALS {
                mounted.insert(key.to_owned(), bytes.clone());
            }
            streamable.insert(id.to_string(), bytes);
        };
        for (key, value) in secret["data"].as_object().into_iter().flatten() {
            match value.as_str().map(|text| STANDARD.decode(text.trim())) {
                Some(Ok(bytes)) => found(key, bytes),
                _ => wrong.push(format!("Secret/{name}: data.{key}: not base64")),
            }
        }
        for (key, value) in secret["stringData"].as_object().into_iter().flatten() {
            match value.as_str() {
                Some(text) => found(key, text.as_bytes().to_vec()),
                None => wrong.push(format!("Secret/{name}: stringData.{key}: not a string")),
            }
        }
    }
    (mounted, streamable)
}

/// What an operator would stream for a snapshot, had it these.
fn streamed(snapshot: &Snapshot, streamable: &Streamable) -> pillion_snapshot::Keys {
    let key = |id: &str| match streamable.get(id).map(|bytes| String::from_utf8(bytes.clone())) {
        Some(Ok(value)) => Key::Given { generation: String::new(), value },
        Some(Err(_)) => withdrawn("InvalidSecretValue", format!("the key '{id}' (namespace/Secret/key) is not text")),
        None => withdrawn("SecretNotFound", format!("no file holds the key '{id}' (namespace/Secret/key)")),
    };
    snapshot.streamed_keys().into_iter().map(|id| (id.to_owned(), key(id))).collect()
}

fn withdrawn(reason: &str, message: String) -> Key {
    Key::Withdrawn(Trouble { reason: reason.into(), message })
}

/// Serves what the files say now.
pub(crate) fn apply(loaded: Loaded, live: &Live, keys: &Keys) -> Result<(), FilesError> {
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    // First, as from an operator: a snapshot finds its keys there.
    keys.give(loaded.keys);
    keys.streamed.take(loaded.streamed);
    let unchanged = live.load().is_some_and(|prepared| prepared.snapshot.version == loaded.snapshot.version);
    if !unchanged {
        live.apply(loaded.snapshot, Origin::Local).map_err(|error| FilesError::Wrong(vec![error.to_string()]))?;
    }
    Ok(())
}

/// Loads and serves the files, then again after every change until dropped.
///
/// # Errors
/// [`FilesError`] for what the files say now; later errors are logged.
pub(crate) fn watch(
    settings: FilesSettings,
    live: Arc<Live>,
    keys: Arc<Keys>,
) -> Result<impl Future<Output = ()> + Send, FilesError> {
    let (changed, changes) = mpsc::channel(1);
    // Watching begins before reading, so that no change falls between.
    let watcher = watcher(&settings.paths, changed);
    apply(load(&settings)?, &live, &keys)?;
    Ok(follow(settings, live, keys, watcher, changes))
}

async fn follow(
    settings: FilesSettings,
    live: Arc<Live>,
    keys: Arc<Keys>,
    watcher: Option<RecommendedWatcher>,
    mut changes: mpsc::Receiver<()>,
) {
    while changes.recv().await.is_some() {
        while let Ok(Some(())) = tokio::time::timeout(QUIET, changes.recv()).await {}
        if let Err(error) = load(&settings).and_then(|loaded| apply(loaded, &live, &keys)) {
            live.refuse();
            tracing::warn!(%error, "files refused, the former ones are served");
        }
    }
    drop(watcher);
}

/// Watches the folders, not the files: editors and kubelet replace files.
fn watcher(paths: &[PathBuf], changed: mpsc::Sender<()>) -> Option<RecommendedWatcher> {
    let on_event = move |event: notify::Result<Event>| {
        let ours = |kind: &EventKind| match kind {
            // Our own reading.
            EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
            EventKind::Access(_) => false,
            _ => true,
        };
        if event.map_or(true, |event| ours(&event.kind)) {
            // A full channel already says that something changed.
            let _ = changed.try_send(());
        }
    };
    let watching = notify::recommended_watcher(on_event).and_then(|mut watcher| {
        for path in paths {
            let folder = if path.is_dir() { path.as_path() } else { folder_of(path) };
            watcher.watch(folder, RecursiveMode::NonRecursive)?;
        }
        Ok(watcher)
    });
    watching.map_err(|error| tracing::warn!(%error, "changes of the files will not be seen")).ok()
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
