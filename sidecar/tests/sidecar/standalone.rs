//! Standalone mode: YAML files, again when they change.

use crate::support::*;
use pillion_sidecar::{FilesSettings, Running, Serving, Settings, Sidecar, Source, StartError};
use std::path::Path;

const ECHO: &str = "
apiVersion: pillion.dev/v1alpha1
kind: AIProvider
metadata: {name: echo}
spec: {type: Echo}
---
apiVersion: pillion.dev/v1alpha1
kind: AIRoute
metadata: {name: chat}
spec:
  rules:
  - name: all
    backends: [{provider: {name: echo}}]
";

fn keyed_yaml(endpoint: &str) -> String {
    format!(
        "
apiVersion: pillion.dev/v1alpha1
kind: AIProvider
metadata: {{name: up}}
spec:
  type: OpenAICompatible
  endpoint: {endpoint}
  allowInsecure: true
  auth: {{type: APIKey, apiKey: {{mounted: {{key: up}}}}}}
---
apiVersion: pillion.dev/v1alpha1
kind: AIRoute
metadata: {{name: chat}}
spec:
  rules:
  - name: all
    backends: [{{provider: {{name: up}}}}]
---
apiVersion: v1
kind: Secret
metadata: {{name: pillion-credentials}}
stringData: {{up: sk-from-secret}}
"
    )
}

async fn run(path: &Path) -> Result<Running, StartError> {
    let files = FilesSettings { paths: vec![path.into()], ..FilesSettings::default() };
    Sidecar::start(Settings::new(Source::Files(files))).await
}

async fn changed(running: &Running, from: &str) -> Serving {
    let mut serving = running.serving();
    let other = |serving: &Option<Serving>| serving.as_ref().is_some_and(|serving| serving.version != from);
    soon(serving.wait_for(other)).await.unwrap().clone().unwrap()
}

fn version(running: &Running) -> String {
    running.serving().borrow().as_ref().unwrap().version.clone()
}

#[tokio::test]
async fn files_are_served_and_changes_are_served_too() {
    let upstream = Upstream::start().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.yaml"), ECHO).unwrap();
    let running = run(folder.path()).await.unwrap();
    let answered = post(running.data, OPENAI, openai_chat("m", false)).send().await;
    assert_eq!(answered.header("x-pillion-route"), Some("default/chat/all"));
    assert_eq!(answered.header("x-pillion-provider"), Some("echo"));

    let before = version(&running);
    std::fs::write(folder.path().join("a.yaml"), keyed_yaml(&upstream.endpoint())).unwrap();
    changed(&running, &before).await;
    let asked = post(running.data, OPENAI, openai_chat("m", false)).spawn();
    let call = upstream.answer(200, "application/json", OPENAI_REPLY.as_bytes()).await;
    assert_eq!(call.header("authorization"), Some("Bearer sk-from-secret"));
    assert_eq!(asked.await.unwrap().status, 200);
}

#[tokio::test]
async fn a_key_of_a_secret_by_its_name_is_read_from_the_files_too_and_one_that_is_not_there_is_named() {
    let upstream = Upstream::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("all.yaml");
    let yaml = keyed_yaml(&upstream.endpoint())
        .replace("mounted: {key: up}", "secretRef: {name: openai, key: up}")
        .replace("pillion-credentials", "openai");
    std::fs::write(&path, &yaml).unwrap();
    let running = run(&path).await.unwrap();
    let asked = post(running.data, OPENAI, openai_chat("m", false)).spawn();
    let call = upstream.answer(200, "application/json", OPENAI_REPLY.as_bytes()).await;
    assert_eq!(call.header("authorization"), Some("Bearer sk-from-secret"));
    assert_eq!(asked.await.unwrap().status, 200);

    std::fs::write(&path, yaml.replace("stringData: {up:", "stringData: {down:")).unwrap();
    let running = run(&path).await.unwrap();
    let json = post(running.data, OPENAI, openai_chat("m", false)).send().await.json().await;
    let message = json["error"]["message"].as_str().unwrap();
    assert!(message.contains("no file holds the key 'default/openai/up'"), "{message}");
}

#[tokio::test]
async fn a_change_that_makes_no_sense_is_logged_and_the_former_files_stay() {
    logs::collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.yaml");
    std::fs::write(&file, ECHO).unwrap();
    let running = run(&file).await.unwrap();
    let before = version(&running);
    std::fs::write(&file, ECHO.replace("backends:", "backend:")).unwrap();
    while !metrics(&running).await.contains("pillion_snapshots_refused_total 1") {
        tokio::task::yield_now().await;
    }
    assert!(!logs::lines_with("missing field `backends`").is_empty());
    assert_eq!(version(&running), before);
    assert_eq!(post(running.data, OPENAI, openai_chat("m", false)).send().await.status, 200);
    // Replaced as kubelet and editors do, by renaming.
    let new = folder.path().join(".new");
    std::fs::write(&new, ECHO.replace("name: chat", "name: talk")).unwrap();
    std::fs::rename(&new, &file).unwrap();
    changed(&running, &before).await;
    let answered = post(running.data, OPENAI, openai_chat("m", false)).send().await;
    assert_eq!(answered.header("x-pillion-route"), Some("default/talk/all"));
}

#[tokio::test]
async fn files_that_are_wrong_at_start_say_where() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.yaml");
    for (yaml, expected) in [
        (ECHO.replace("type: Echo", "type: Quantum"), "Quantum"),
        (ECHO.replace("backends:", "backend:"), "a.yaml#2: failed to parse: missing field `backends`"),
        ("a: [".to_owned(), "failed to parse"),
        (
            "apiVersion: v1\nkind: Secret\nmetadata: {name: pillion-credentials}\ndata: {k: '%%%canary'}".into(),
            "data.k",
        ),
    ] {
        std::fs::write(&file, &yaml).unwrap();
        let error = run(&file).await.err().expect("refused").to_string();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("canary"), "{error}");
    }
    let error = run(Path::new("/nowhere.yaml")).await.err().expect("refused").to_string();
    assert!(error.contains("'/nowhere.yaml'"), "{error}");
}

#[tokio::test]
async fn every_example_of_the_repository_is_accepted() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let mut seen = 0;
    for entry in std::fs::read_dir(examples).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() || path.extension().is_some_and(|extension| extension == "yaml") {
            run(&path).await.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            seen += 1;
        }
    }
    assert!(seen > 3);
}
