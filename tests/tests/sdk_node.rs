//! The vendors' Node SDKs, and the AI SDK over its providers, through a standalone sidecar to every provider.

use anyhow::Result;
use pillion_tests::sdk::{Matrix, Program};

const MATRIX: Matrix = Matrix {
    program: Program::Node,
    sdks: &[
        ("openai", "openai"),
        ("openai-responses", "openai"),
        ("anthropic", "anthropic"),
        ("ai-openai", "openai"),
        ("ai-openai-responses", "openai"),
        ("ai-anthropic", "anthropic"),
        ("ai-google", "gemini"),
        ("ai-bedrock", "bedrock"),
    ],
    except: &[
        ("ai-bedrock", "*", "structured-stream", "it asks for a shape by a tool, whose call it gives in one piece"),
        ("ai-google", "*", "broken", "it passes over the bare JSON with which Google's servers break a stream"),
    ],
};

#[tokio::test]
async fn node_sdks_work_as_their_program_uses_them() -> Result<()> {
    MATRIX.holds_directly().await
}

#[tokio::test]
async fn node_sdks_reach_every_provider() -> Result<()> {
    MATRIX.holds_through_a_sidecar().await
}
