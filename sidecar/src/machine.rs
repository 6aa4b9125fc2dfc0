//! What this container may use: its cgroup's memory limit and its share of CPUs. Reads files at start, nothing later.

use std::path::Path;

/// Budget in bytes where no cgroup limit is set.
const DEFAULT_BUDGET: u64 = 256 << 20;

/// Share of the cgroup's memory that bodies may take: the rest is for code, connections, TLS and snapshots.
const BUDGET_PERCENT: u64 = 40;

/// Bytes of request and reply bodies that may be held at one time.
#[must_use]
pub fn memory_budget() -> u64 {
    memory_limit(Path::new("/sys/fs/cgroup")).map_or(DEFAULT_BUDGET, |limit| limit / 100 * BUDGET_PERCENT)
}

/// Worker threads: one. It relays thousands of calls a second, far more than a pod makes; a second one costs a third
/// more CPU for each call, since every wake-up may cross threads (`cargo xtask bench openai`).
pub const WORKERS: usize = 1;

/// The limit under this cgroup root (version 2, else version 1), if there is one below 1 TiB.
fn memory_limit(root: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(root.join("memory.max"))
        .or_else(|_| std::fs::read_to_string(root.join("memory/memory.limit_in_bytes")))
        .ok()?;
    text.trim().parse().ok().filter(|limit| (1..1 << 40).contains(limit))
}

#[cfg(test)]
mod tests {
    use super::memory_limit;

    #[test]
    fn a_limit_is_read_from_either_cgroup_version_and_max_means_none() {
        for (file, text, expected) in [
            ("memory.max", "134217728\n", Some(134_217_728)),
            ("memory.max", "max\n", None),
            ("memory/memory.limit_in_bytes", "9223372036854771712\n", None),
            ("memory/memory.limit_in_bytes", "1048576\n", Some(1_048_576)),
            ("elsewhere", "1\n", None),
        ] {
            let root = tempfile::tempdir().unwrap();
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
            assert_eq!(memory_limit(root.path()), expected, "{file} {text}");
        }
    }
}
