//! The vendors' Go SDKs through a standalone sidecar to every provider; and what an application sees of faults.

use anyhow::Result;
use pillion_tests::provider::{Behaviour, KEY, Options, RecordedProvider};
use pillion_tests::sdk::{Bases, Exchange, Matrix, Program};
use pillion_tests::standalone::Standalone;
use pillion_tests::workspace;

fn objects(provider: &str) -> String {
    format!(
        r"apiVersion: v1
kind: Secret
metadata: {{name: pillion-credentials}}
stringData: {{openai: {KEY}, anthropic: {KEY}}}
---
apiVersion: pillion.dev/v1alpha1
kind: AIProvider
metadata: {{name: openai}}
spec:
  type: OpenAI
  endpoint: {provider}
  allowInsecure: true
  auth: {{type: APIKey, apiKey: {{mounted: {{key: openai}}}}}}
---
apiVersion: pillion.dev/v1alpha1
kind: AIProvider
metadata: {{name: anthropic}}
spec:
  type: Anthropic
  endpoint: {provider}
  allowInsecure: true
  auth: {{type: APIKey, apiKey: {{mounted: {{key: anthropic}}}}}}
---
apiVersion: pillion.dev/v1alpha1
kind: AIProvider
metadata: {{name: echo}}
spec: {{type: Echo}}
---
apiVersion: pillion.dev/v1alpha1
kind: AIRoute
metadata: {{name: all}}
spec:
  rules:
  - {{name: gpt, matches: [{{models: ['gpt-*']}}], backends: [{{provider: {{name: openai}}}}]}}
  - {{name: claude, matches: [{{models: ['claude-*']}}], backends: [{{provider: {{name: anthropic}}}}]}}
  - {{name: echo, matches: [{{models: [echo]}}], backends: [{{provider: {{name: echo}}}}]}}
"
    )
}

/// Our own samples only: what this rung needs is in the repository.
async fn provider() -> Result<RecordedProvider> {
    RecordedProvider::start(Options { folders: vec![workspace::samples()], ..Options::default() }).await
}

async fn chat(sidecar: &Standalone, modes: &str, models: &[&str]) -> Result<Vec<Exchange>> {
    Program::Go.chat(&Bases::of_sidecar(sidecar), modes, models).await
}

const MATRIX: Matrix = Matrix {
    program: Program::Go,
    sdks: &[("openai", "openai"), ("openai-responses", "openai"), ("anthropic", "anthropic"), ("genai", "gemini")],
    except: &[],
};

#[tokio::test]
async fn go_sdks_work_as_their_program_uses_them() -> Result<()> {
    MATRIX.holds_directly().await
}

#[tokio::test]
async fn go_sdks_reach_every_provider() -> Result<()> {
    MATRIX.holds_through_a_sidecar().await
}

#[tokio::test]
async fn echo_answers_both_sdks() -> Result<()> {
    let sidecar = Standalone::start(&objects("http://127.0.0.1:9")).await?;
    for exchange in chat(&sidecar, "chat,stream", &["openai:echo", "anthropic:echo"]).await? {
        exchange.is_complete()?;
    }
    Ok(())
}

const EVERYONE: &[&str] =
    &["openai:gpt-4o-mini", "openai:claude-sonnet-4-5", "anthropic:gpt-4o-mini", "anthropic:claude-sonnet-4-5"];

/// What every SDK sees when the provider misbehaves so, and how often the provider was asked.
async fn check_fault(behaviour: Behaviour, mode: &str, fits: impl Fn(&Exchange) -> bool) -> Result<()> {
    let provider = provider().await?;
    let sidecar = Standalone::start(&objects(&provider.url())).await?;
    provider.behave(behaviour);
    for exchange in chat(&sidecar, mode, EVERYONE).await? {
        assert!(!exchange.ok, "the SDK took a broken answer for a whole one: {exchange:#?}");
        assert!(fits(&exchange), "{exchange:#?}\n{}", sidecar.log());
    }
    Ok(())
}

fn status(exchange: &Exchange) -> u16 {
    exchange.error.as_ref().map_or(0, |error| error.status)
}

#[tokio::test]
async fn a_stream_cut_in_the_middle_is_an_error_for_every_sdk() -> Result<()> {
    let cut = Behaviour { cut_after: Some(700), ..Behaviour::default() };
    check_fault(cut, "stream", |exchange| exchange.deltas < 50).await
}

#[tokio::test]
async fn garbage_from_the_provider_is_a_bad_gateway_for_every_sdk() -> Result<()> {
    check_fault(Behaviour { garbage: true, ..Behaviour::default() }, "chat", |exchange| status(exchange) == 502).await
}

#[tokio::test]
async fn a_refused_key_is_told_as_the_vendor_tells_it() -> Result<()> {
    let body = r#"{"type": "error", "error": {"type": "authentication_error", "message": "no such key"}}"#;
    let refused = Behaviour { status: Some(401), body: Some(body.into()), ..Behaviour::default() };
    check_fault(refused, "chat", |exchange| status(exchange) == 401).await
}

#[tokio::test]
async fn a_provider_that_is_down_is_told_with_its_name() -> Result<()> {
    // Port 9, discard: nobody listens.
    let sidecar = Standalone::start(&objects("http://127.0.0.1:9")).await?;
    for exchange in chat(&sidecar, "chat,stream", EVERYONE).await? {
        assert!([502, 503].contains(&status(&exchange)), "{exchange:#?}");
        let message = exchange.error.map(|error| error.message).unwrap_or_default();
        assert!(
            message.contains("openai") || message.contains("anthropic"),
            "the message names the provider: {message}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_changed_file_is_served_without_a_restart() -> Result<()> {
    let provider = provider().await?;
    let sidecar = Standalone::start(&objects("http://127.0.0.1:9")).await?;
    assert!(!chat(&sidecar, "chat", &["openai:gpt-4o-mini"]).await?[0].ok);
    sidecar.rewrite(&objects(&provider.url()))?;
    pillion_tests::wait::until("the changed endpoint", std::time::Duration::from_secs(10), || async {
        chat(&sidecar, "chat", &["openai:gpt-4o-mini"]).await?[0].is_complete()
    })
    .await
}

#[tokio::test]
async fn no_key_is_logged() -> Result<()> {
    let provider = provider().await?;
    let sidecar = Standalone::start(&objects(&provider.url())).await?;
    chat(&sidecar, "chat,stream,tools,tools-stream", EVERYONE).await?;
    let log = sidecar.log();
    assert!(!log.contains(KEY), "{log}");
    assert!(!log.contains("injected-by-pillion"), "{log}");
    assert!(!log.contains("weather in Paris"), "prompts are not logged: {log}");
    Ok(())
}
