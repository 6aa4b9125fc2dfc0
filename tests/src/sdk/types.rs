//! Everything that the translators emit, read by the SDKs: the Python package `sdktypes`, with their types and clients.

use std::path::Path;

use anyhow::{Context, Result};

use super::program::python;
use crate::{build, process, workspace};

/// Has the translators' own tests write all that they emit over the recorded cases to this folder, has the SDKs read it, and tells
/// how many lines were read of each kind and pair of formats.
///
/// # Errors
/// What an SDK finds wrong and `tests/sdk/python/sdktypes/known.tsv` does not have.
pub fn read_emitted(folder: &Path) -> Result<String> {
    build::run_tests("pillion-llm", "conformance", "emitted::", ("PILLION_EMIT", folder))?;
    let mut program = python("sdktypes")?;
    if workspace::corpus().is_dir() {
        program.arg("--whole");
    }
    process::run(program.arg(folder)).context("what the translators emit is not what the SDKs read")
}
