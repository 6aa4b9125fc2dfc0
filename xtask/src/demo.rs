//! Shows Pillion working.

use anyhow::Result;

/// The show.
pub(crate) fn run(_cluster: bool, _once: bool) -> Result<()> {
    Ok(())
}
