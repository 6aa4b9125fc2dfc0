//! The vendors' Python SDKs, and LangChain over them, through a standalone sidecar to every provider.

use anyhow::Result;
use pillion_tests::sdk::{Matrix, Program};

const MATRIX: Matrix = Matrix {
    program: Program::Python,
    sdks: &[
        ("openai", "openai"),
        ("openai-responses", "openai"),
        ("anthropic", "anthropic"),
        ("google-genai", "gemini"),
        ("boto3", "bedrock"),
        ("langchain-openai", "openai"),
        ("langchain-openai-responses", "openai"),
        ("langchain-anthropic", "anthropic"),
    ],
    except: &[
        ("langchain-openai", "*", "structured-stream", "LangChain gives a structured answer in one piece"),
        ("langchain-openai-responses", "*", "structured-stream", "as above"),
        ("langchain-anthropic", "*", "structured-stream", "as above"),
    ],
};

#[tokio::test]
async fn python_sdks_work_as_their_program_uses_them() -> Result<()> {
    MATRIX.holds_directly().await
}

#[tokio::test]
async fn python_sdks_reach_every_provider() -> Result<()> {
    MATRIX.holds_through_a_sidecar().await
}
