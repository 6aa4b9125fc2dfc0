//! OpenAI's Java SDK through a standalone sidecar to every provider. Of the long suite: it takes Maven, and a virtual machine.

use anyhow::Result;
use pillion_tests::sdk::{Matrix, Program};

const MATRIX: Matrix =
    Matrix { program: Program::Java, sdks: &[("openai", "openai"), ("openai-responses", "openai")], except: &[] };

#[tokio::test]
async fn java_sdks_work_as_their_program_uses_them() -> Result<()> {
    MATRIX.holds_directly().await
}

#[tokio::test]
async fn java_sdks_reach_every_provider() -> Result<()> {
    MATRIX.holds_through_a_sidecar().await
}
