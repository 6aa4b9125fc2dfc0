//! What is around an exchange: files that are missing, empty, replaced or stale, clocks that are wrong, and services that
//! give the same token again.

use super::flows::{FLOWS, Flow};
use super::harness::{Cells, Harness, must, projected};
use super::mock::{Answer, Fault, form};
use crate::identity::engine::Unavailable;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::sleep;

/// A file that is mended is seen within this.
const SEEN: Duration = Duration::from_secs(6);

fn reason(outcome: Result<impl Sized, Unavailable>) -> &'static str {
    match outcome {
        Ok(_) => "ok",
        Err(Unavailable::Pending) => "pending",
        Err(Unavailable::Failed { error, .. }) => error.reason,
    }
}

#[tokio::test(start_paused = true)]
async fn the_pods_token_may_be_missing_empty_stale_or_replaced() {
    let mut cells = Cells::default();
    for flow in FLOWS.iter().filter(|flow| flow.token_file.is_some()) {
        let name = flow.token_file.unwrap();
        for (state, expected) in [
            ("missing", "token_file_missing"),
            ("empty", "token_file_empty"),
            ("white space", "token_file_empty"),
            ("two tokens", "token_file_unreadable"),
            ("huge", "token_file_unreadable"),
            ("expired", "token_file_expired"),
        ] {
            let harness = Harness::new(flow);
            let expired = projected(name, harness.services.time(), -1);
            match state {
                "missing" => std::fs::remove_file(harness.token_file()).unwrap(),
                "empty" => std::fs::write(harness.token_file(), "").unwrap(),
                "white space" => std::fs::write(harness.token_file(), " \n\n").unwrap(),
                "two tokens" => std::fs::write(harness.token_file(), "one\ntwo").unwrap(),
                "huge" => std::fs::write(harness.token_file(), "x".repeat(70_000)).unwrap(),
                _ => std::fs::write(harness.token_file(), expired).unwrap(),
            }
            cells.note(format!("{} {state}", flow.name), mended(&harness, expected).await);
        }
        cells.note(format!("{} newline", flow.name), newline(flow).await);
        cells.note(format!("{} rotated", flow.name), rotated(flow).await);
        cells.note(format!("{} rotated while exchanging", flow.name), rotated_meanwhile(flow).await);
    }
    cells.report("the pod's token", 60);
}

#[tokio::test(start_paused = true)]
async fn a_mounted_key_may_be_missing_empty_or_replaced() {
    let mut cells = Cells::default();
    for flow in FLOWS.iter().filter(|flow| flow.key.is_some()) {
        let unusable = if flow.name.starts_with("aws") { "keys_unusable" } else { "key_unusable" };
        for (state, content, expected) in
            [("missing", None, "key_missing"), ("empty", Some(""), unusable), ("garbage", Some("two\nlines"), unusable)]
        {
            let harness = Harness::new(flow);
            std::fs::remove_file(harness.key_file()).unwrap();
            if let Some(content) = content {
                std::fs::write(harness.key_file(), content).unwrap();
            }
            cells.note(format!("{} {state}", flow.name), mended(&harness, expected).await);
        }
    }
    cells.report("mounted keys", 12);
}

/// Nothing is asked with a bad file, the reason is told at once, and a mended file is taken without a restart.
async fn mended(harness: &Harness, expected: &str) -> Result<(), String> {
    let told = reason(harness.ask().await);
    must(told == expected, || format!("told {told}"))?;
    must(harness.began.elapsed().as_millis() < 100, || format!("after {:?}", harness.began.elapsed()))?;
    sleep(Duration::from_secs(100)).await;
    must(harness.requests() == 0, || format!("{} requests", harness.requests()))?;
    harness.write_files();
    let took = harness.ready_within(Duration::from_secs(300)).await?;
    must(took <= SEEN, || format!("taken only after {took:?}"))
}

async fn newline(flow: &'static Flow) -> Result<(), String> {
    let harness = Harness::new(flow);
    let token = std::fs::read_to_string(harness.token_file()).unwrap();
    std::fs::write(harness.token_file(), format!("\n{token}\r\n")).unwrap();
    harness.ask().await.map_err(|error| error.to_string())?;
    let first = &harness.services.asked()[0];
    let sent = match first.header("authorization") {
        Some(header) => header == token,
        None => form(&first.body).iter().any(|(_, value)| *value == token),
    };
    must(sent, || format!("sent {}", first.shown()))
}

/// Whoever reads a token reads the one that is there now.
async fn rotated(flow: &'static Flow) -> Result<(), String> {
    let harness = Harness::new(flow);
    harness.ask().await.map_err(|error| error.to_string())?;
    let renewed = projected("renewed", harness.services.time(), 7200);
    std::fs::write(harness.token_file(), &renewed).unwrap();
    sleep(Duration::from_secs(3590)).await;
    harness.ask().await.map_err(|error| error.to_string())?;
    let asked = harness.services.asked();
    let of_token: Vec<_> = asked.iter().filter(|asked| asked.step == 0).collect();
    must(of_token.len() == 2, || format!("{} exchanges", of_token.len()))?;
    must(of_token[1].shown().contains(&renewed), || format!("sent {}", of_token[1].shown()))
}

/// The token is refused because kubelet replaces it in this moment: the new one is exchanged at once.
async fn rotated_meanwhile(flow: &'static Flow) -> Result<(), String> {
    let words = match flow.steps[0].answer {
        Answer::Entra => r#"{"error":"invalid_client","error_codes":[700024]}"#,
        Answer::Sts(_) => "<ErrorResponse><Error><Code>InvalidIdentityToken</Code></Error></ErrorResponse>",
        Answer::OAuth => r#"{"error":"invalid_grant"}"#,
        // The agent refuses in words, and is asked again by the engine.
        _ => return Ok(()),
    };
    let harness = Harness::new(flow);
    harness.services.break_step(0, Fault::Status(400, vec![], words.into()));
    let renewed = projected("renewed", harness.services.time(), 7200);
    let (file, token, services) = (harness.token_file(), renewed.clone(), harness.services.clone());
    let first = AtomicBool::new(true);
    harness.services.on_ask(move || {
        if first.swap(false, Ordering::Relaxed) {
            std::fs::write(&file, &token).unwrap();
            let services = services.clone();
            // After this answer, since the lock is held now.
            tokio::spawn(async move { services.heal() });
        }
    });
    harness.ask().await.map_err(|error| error.to_string())?;
    must(harness.began.elapsed().as_millis() < 100, || format!("after {:?}", harness.began.elapsed()))?;
    let second = &harness.services.asked()[1];
    must(second.shown().contains(&renewed), || format!("sent {}", second.shown()))
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_ten_minutes_off_costs_one_more_request_at_most() {
    let mut cells = Cells::default();
    for flow in &FLOWS {
        for offset in [600, -600] {
            cells.note(format!("{} clock {offset:+} s", flow.name), wrong_clock(flow, offset).await);
        }
        cells.note(format!("{} clock that jumps", flow.name), jump(flow).await);
    }
    cells.report("clocks", 45);
}

async fn wrong_clock(flow: &'static Flow, offset: i64) -> Result<(), String> {
    let harness = Harness::new(flow);
    harness.offset.store(offset, Ordering::Relaxed);
    harness.ask().await.map_err(|error| error.to_string())?;
    must(harness.began.elapsed().as_millis() < 100, || format!("after {:?}", harness.began.elapsed()))?;
    must((3590.0..=3600.0).contains(&harness.lasts()), || format!("lasts {} s", harness.lasts()))?;
    // Those that are dated by us, and by a clock that is behind or before what the service takes.
    let dated = flow.steps.iter().any(|step| match step.answer {
        Answer::Sts("AssumeRole") => true,
        Answer::GoogleKey | Answer::EntraCertificate => offset > 0,
        _ => false,
    });
    let expected = flow.steps.len() + usize::from(dated);
    must(harness.requests() == expected, || format!("{} requests, not {expected}", harness.requests()))?;
    sleep(Duration::from_secs(3595)).await;
    if let Some(name) = flow.token_file {
        std::fs::write(harness.token_file(), projected(name, harness.services.time(), 7200)).unwrap();
    }
    harness.ask().await.map_err(|error| format!("the next one: {error}"))?;
    // What was learnt of the other clock is not forgotten.
    must(harness.requests() <= expected + flow.steps.len() + 2, || format!("{} requests", harness.requests()))
}

/// The time of day jumps by an hour: everything is renewed within a minute or so, and nothing waits for it.
async fn jump(flow: &'static Flow) -> Result<(), String> {
    let harness = Harness::new(flow);
    harness.ask().await.map_err(|error| error.to_string())?;
    sleep(Duration::from_secs(61)).await;
    let before = harness.requests();
    must(before == flow.steps.len(), || format!("{before} requests before"))?;
    harness.offset.store(3600, Ordering::Relaxed);
    if let Some(name) = flow.token_file {
        std::fs::write(harness.token_file(), projected(name, harness.services.time(), 7200)).unwrap();
    }
    harness.ask().await.map_err(|error| error.to_string())?;
    sleep(Duration::from_secs(65)).await;
    let renewed = harness.requests() >= before + flow.steps.len();
    must(renewed, || format!("{} requests after", harness.requests()))?;
    harness.ask().await.map(drop).map_err(|error| error.to_string())
}

#[tokio::test(start_paused = true)]
async fn the_same_token_again_is_no_reason_to_spin_nor_to_fail() {
    let mut cells = Cells::default();
    for flow in &FLOWS {
        for keeps_until in [200, 60] {
            let harness = Harness::new(flow);
            harness.services.keep_tokens_until(Duration::from_secs(keeps_until));
            let result = async {
                for _ in 0..1000 {
                    harness.ask().await.map_err(|error| format!("{:?}: {error}", harness.began.elapsed()))?;
                    if let Some(name) = flow.token_file {
                        let token = projected(name, harness.services.time(), 3600);
                        std::fs::write(harness.token_file(), token).unwrap();
                    }
                    sleep(Duration::from_secs(10)).await;
                }
                // Just under three lifetimes of 3600 s.
                let exchanges = harness.requests() / flow.steps.len();
                must((3..=45).contains(&exchanges), || format!("{exchanges} exchanges"))
            };
            cells.note(format!("{} keeps until {keeps_until} s", flow.name), result.await);
        }
    }
    cells.report("the same token again", 30);
}
