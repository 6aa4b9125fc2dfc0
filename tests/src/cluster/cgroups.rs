//! The cgroups of a cluster: one folder in each hierarchy, named after the test process, so that those of dead ones can be told.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Result;

const STEM: &str = "pillion-test-";

/// The cgroup under which kubelet puts the pods of this process's cluster.
pub(super) fn root(process: u32) -> String {
    format!("/{STEM}{process}")
}

/// Makes the cgroup in every hierarchy.
pub(super) fn create(process: u32) -> Result<()> {
    for hierarchy in hierarchies() {
        let folder = hierarchy.join(root(process).trim_start_matches('/'));
        // A hierarchy that cannot be written, such as one without controllers, is none that kubelet uses.
        if std::fs::create_dir_all(&folder).is_ok() {
            // In version 1, a new cpuset is empty and takes no process until it is given its parent's.
            for file in ["cpuset.cpus", "cpuset.mems"] {
                if let Ok(value) = std::fs::read(hierarchy.join(file)) {
                    std::fs::write(folder.join(file), value)?;
                }
            }
        }
    }
    Ok(())
}

/// Removes the cgroups of a process's cluster, waiting a little for the last of its processes to be gone.
pub(super) fn remove(process: u32) {
    let deadline = Instant::now() + Duration::from_secs(5);
    let folders: Vec<_> =
        hierarchies().into_iter().map(|hierarchy| hierarchy.join(root(process).trim_start_matches('/'))).collect();
    while folders.iter().any(|folder| folder.is_dir()) && Instant::now() < deadline {
        folders.iter().for_each(|folder| remove_tree(folder));
        std::thread::yield_now();
    }
}

/// Removes what crashed runs left.
pub(super) fn clear_stale() {
    for hierarchy in hierarchies() {
        let Ok(entries) = std::fs::read_dir(hierarchy) else { continue };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let dead = |process: &str| !Path::new("/proc").join(process).exists();
            if name.strip_prefix(STEM).is_some_and(dead) {
                remove_tree(&entry.path());
            }
        }
    }
}

/// The mounted hierarchies: of version 1 each controller's, of version 2 the one.
fn hierarchies() -> Vec<PathBuf> {
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    mounts
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            let (_, place, kind) = (words.next()?, words.next()?, words.next()?);
            kind.starts_with("cgroup").then(|| PathBuf::from(place))
        })
        .collect()
}

/// A cgroup is removed folder by folder, leaves first; its files are the kernel's.
fn remove_tree(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten().filter(|entry| entry.path().is_dir()) {
        remove_tree(&entry.path());
    }
    let _ = std::fs::remove_dir(folder);
}
