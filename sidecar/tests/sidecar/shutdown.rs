//! A stop lets calls finish; the binary exits 0.

use crate::support::*;
use pillion_sidecar::{Settings, Sidecar};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

#[tokio::test]
async fn calls_in_flight_end_well_and_new_ones_are_served_until_they_do() {
    let (upstream, running) = with_upstream("OpenAI").await;
    let (data, health) = (running.data, running.health);
    let asked = post(data, OPENAI, openai_chat("m", true)).spawn();
    let mut call = upstream.call().await;
    call.begin().await;
    let mut answered = asked.await.unwrap();
    let events = openai_events();
    call.chunk(&events[1]).await;
    answered.until("Hi").await;

    let stopping = tokio::spawn(running.stop());
    while get(health, "/healthz/ready").send().await.status != 503 {
        tokio::task::yield_now().await;
    }
    assert_eq!(get(health, "/healthz/live").send().await.status, 200);
    let late = post(data, OPENAI, openai_chat("m", false)).spawn();
    upstream.answer(200, "application/json", OPENAI_REPLY.as_bytes()).await;
    let late = late.await.unwrap();
    assert_eq!((late.status.as_u16(), late.header("connection")), (200, Some("close")));
    assert_eq!(late.text().await, OPENAI_REPLY);

    call.chunk(events[2..].concat()).await;
    call.end().await;
    assert!(answered.text().await.contains("[DONE]"));
    assert!(stopping.await.unwrap(), "drained");
    assert!(tokio::net::TcpStream::connect(data).await.is_err());
}

#[tokio::test]
async fn calls_that_do_not_end_are_cut_at_the_drain_time() {
    let upstream = Upstream::start().await;
    let snapshot = snapshot(&[("p", provider("p", "OpenAI", &upstream.endpoint()))]);
    let settings = Settings { drain: Duration::from_millis(100), ..settings(&snapshot) };
    let running = Sidecar::start(settings).await.unwrap();
    let asked = post(running.data, OPENAI, openai_chat("m", true)).spawn();
    let mut call = upstream.call().await;
    call.begin().await;
    let answered = asked.await.unwrap();
    assert!(!running.stop().await, "not drained");
    call.closed().await;
    assert!(answered.bytes().await.is_err(), "cut, not ended");
}

/// The binary with every port chosen by the system; its log lines.
fn binary(arguments: &[&str]) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_pillion-sidecar"))
        .args(arguments)
        .args(["--data-address=127.0.0.1:0", "--health-address=127.0.0.1:0", "--admin-address=127.0.0.1:0"])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

async fn line_with(lines: &mut Lines<BufReader<ChildStdout>>, text: &str) -> serde_json::Value {
    loop {
        let line = lines.next_line().await.unwrap().unwrap_or_else(|| panic!("the log ended before {text:?}"));
        if line.contains(text) {
            return serde_json::from_str(&line).unwrap();
        }
    }
}

async fn terminate(child: &mut Child) -> std::process::ExitStatus {
    let id = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
    let waited = tokio::time::timeout(Duration::from_secs(5), child.wait()).await;
    waited.expect("the process ends soon after SIGTERM").unwrap()
}

#[tokio::test]
async fn the_binary_serves_files_and_exits_0_on_sigterm() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("echo.yaml");
    let yaml = "
apiVersion: pillion.dev/v1alpha1
kind: AIProvider
metadata: {name: echo}
spec: {type: Echo}
---
apiVersion: pillion.dev/v1alpha1
kind: AIRoute
metadata: {name: chat}
spec: {rules: [{name: all, backends: [{provider: {name: echo}}]}]}
";
    std::fs::write(&file, yaml).unwrap();
    let (mut child, mut lines) = binary(&["run", "-f", file.to_str().unwrap()]);
    let listening = line_with(&mut lines, "listening").await;
    let data = listening["data"].as_str().unwrap().parse().unwrap();
    let answered = post(data, ANTHROPIC, anthropic_chat("m", false)).send().await;
    assert_eq!(answered.status, 200);
    assert!(answered.text().await.contains("hello"));
    let call = line_with(&mut lines, "pillion::call").await;
    assert_eq!((call["outcome"].as_str(), call["dialect"].as_str()), (Some("ok"), Some("Anthropic")));
    assert_eq!(terminate(&mut child).await.code(), Some(0));
}

#[tokio::test]
async fn the_binary_exits_0_on_sigterm_before_it_has_a_snapshot() {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let ca = certified.cert.pem();
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().to_str().unwrap();
    let config = format!("--config-url={}", nobody().await.replace("http:", "https:"));
    let (ca, token) = (format!("--ca={ca}"), format!("--token-file={state}/token"));
    let state = format!("--state-dir={state}");
    let (mut child, mut lines) = binary(&["serve", &config, &ca, &token, &state]);
    line_with(&mut lines, "no snapshot stream").await;
    assert_eq!(terminate(&mut child).await.code(), Some(0));
}
