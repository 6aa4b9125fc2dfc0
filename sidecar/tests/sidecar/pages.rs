//! What is not a call: health, metrics, the admin page, hosts that are refused.

use crate::support::*;
use pillion_sidecar::{Settings, Sidecar};
use serde_json::json;

#[tokio::test]
async fn only_names_of_loopback_and_configured_ones_are_answered() {
    let snapshot = snapshot(&[("echo", provider("echo", "Echo", ""))]);
    let settings = Settings { allowed_hosts: vec!["gateway.test".into()], ..settings(&snapshot) };
    let running = Sidecar::start(settings).await.unwrap();
    for (host, status) in [
        ("localhost:15400", 200),
        ("127.0.0.1", 200),
        ("[::1]:15400", 200),
        ("gateway.test", 200),
        ("evil.example", 403),
        ("169.254.169.254", 403),
    ] {
        let answered = post(running.data, ANTHROPIC, anthropic_chat("m", false)).header("host", host).send().await;
        assert_eq!(answered.status, status, "{host}");
        if status == 403 {
            assert_eq!(answered.header("x-pillion-error"), Some("host_refused"));
            assert_eq!(answered.json().await["type"], "error");
            assert!(metrics(&running).await.contains("outcome=\"host_refused\"}"));
        }
        let page = get(running.admin, "/config").header("host", host).send().await;
        assert_eq!(page.status, status, "{host}");
    }
}

#[tokio::test]
async fn the_admin_page_shows_what_is_served_and_redacts_endpoints() {
    let mut snapshot = snapshot(&[("p", provider("p", "OpenAI", "http://127.0.0.1:1/base"))]);
    snapshot["rules"][0]["backends"][0]["model"] = json!("gpt-5");
    let running = start(&snapshot).await;
    let config = get(running.admin, "/config").send().await.json().await;
    assert_eq!(config["source"], "local");
    assert_eq!(config["version"].as_str().unwrap().len(), 16);
    assert_eq!(config["snapshot"]["rules"][0]["backends"][0]["model"], "gpt-5");
    assert_eq!(config["snapshot"]["providers"]["p"]["endpoint"], "http://127.0.0.1:1/base");
    assert_eq!(get(running.admin, "/other").send().await.status, 404);
}

#[tokio::test]
async fn health_and_metrics_are_served_off_the_data_port() {
    let running = start(&snapshot(&[("echo", provider("echo", "Echo", ""))])).await;
    for path in ["/healthz/started", "/healthz/ready", "/healthz/live"] {
        assert_eq!(get(running.health, path).send().await.status, 200, "{path}");
    }
    let answered = post(running.data, OPENAI, openai_chat("m", false)).send().await;
    answered.text().await;
    running.idle().await;
    let text = metrics(&running).await;
    for expected in [
        "pillion_requests_total{dialect=\"OpenAI\",operation=\"Chat\",provider=\"echo\",outcome=\"ok\"} 1",
        "pillion_requests_in_flight 0",
        "pillion_request_duration_seconds_count{operation=\"Chat\",provider=\"echo\"} 1",
        "pillion_snapshot_info{version=",
        "source=\"local\"",
        "pillion_snapshot_age_seconds",
        "pillion_memory_held_bytes 0",
        "# EOF",
    ] {
        assert!(text.contains(expected), "{expected} is not in {text}");
    }
    assert_eq!(get(running.health, "/config").send().await.status, 404);
}

#[tokio::test]
async fn every_call_is_one_log_line_without_its_content() {
    logs::collect();
    let running = start(&snapshot(&[("echo", provider("echo", "Echo", ""))])).await;
    let body = json!({"model": "logged-model", "messages": [{"role": "user", "content": "prompt-canary-91"}]});
    let answered = post(running.data, OPENAI, body.to_string()).send().await;
    assert!(answered.text().await.contains("prompt-canary-91"));
    running.idle().await;
    let lines = logs::lines_with("logged-model");
    assert_eq!(lines.len(), 1, "{lines:?}");
    let call = &lines[0]["fields"];
    assert_eq!((&call["outcome"], &call["status"], &call["attempts"]), (&json!("ok"), &json!(200), &json!(1)));
    assert_eq!((&call["route"], &call["provider"]), (&json!("team-a/chat/all"), &json!("echo")));
    assert!(call["output_tokens"].as_u64().unwrap() > 0);
    assert!(!logs::so_far().contains("prompt-canary-91"));
}
