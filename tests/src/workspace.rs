//! Where things are: the workspace, its scratch folder, the cache outside it, the corpus beside it.

use std::path::{Path, PathBuf};

/// The root of the workspace.
#[must_use]
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// The folder for what is built for the tests and may be deleted at any time: images, Go programs, logs.
#[must_use]
pub fn scratch() -> PathBuf {
    root().join("target/testbed")
}

/// The folder of programs built once per version, kept outside the workspace so that every checkout shares it.
#[must_use]
pub fn cache() -> PathBuf {
    let base = std::env::var_os("XDG_CACHE_HOME").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap_or_else(|| "/root".into())).join(".cache"),
        PathBuf::from,
    );
    base.join("pillion/tools")
}

/// The folder of third-party recorded traffic: `PILLION_CORPUS`, else `../shared/fixtures`. It may be absent.
#[must_use]
pub fn corpus() -> PathBuf {
    std::env::var_os("PILLION_CORPUS").map_or_else(|| root().join("../shared/fixtures"), PathBuf::from)
}

/// The folder of our own recorded-style samples, in the corpus's layout.
#[must_use]
pub fn samples() -> PathBuf {
    root().join("examples/recorded")
}

/// The folder of the vendors' published schemas: `PILLION_SPECS`, else `../shared/specs`. It may be absent.
#[must_use]
pub fn specs() -> PathBuf {
    std::env::var_os("PILLION_SPECS").map_or_else(|| root().join("../shared/specs"), PathBuf::from)
}
