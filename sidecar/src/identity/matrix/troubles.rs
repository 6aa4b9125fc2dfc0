//! Every step of every flow × every trouble that needs no words. Cold: the first request is told the reason, and there
//! is a credential soon after the trouble ends. Warm: no request fails while the credential lasts, the reason is told
//! after that, and there is one again soon after the trouble ends.

use super::flows::{FLOWS, Flow};
use super::harness::{Cells, Harness, must};
use super::mock::{Answer, Fault};
use crate::identity::engine::Unavailable;
use crate::identity::error::Pace;
use crate::identity::lifecycle::COLD;
use std::time::Duration;
use tokio::time::{Instant, sleep};

struct Trouble {
    name: &'static str,
    fault: fn() -> Fault,
    /// What it is called, and how soon the next try comes; `None`: it is no trouble at all.
    means: Option<(&'static str, Pace)>,
    /// The service is left alone for so long, in seconds.
    left_alone: u64,
    /// Only steps that give a credential can do it.
    by_the_last: bool,
}

const fn status(name: &'static str, fault: fn() -> Fault, reason: &'static str, pace: Pace) -> Trouble {
    Trouble { name, fault, means: Some((reason, pace)), left_alone: 0, by_the_last: false }
}

fn plain(status: u16) -> Fault {
    Fault::Status(status, vec![], "<html>\n no words of the protocol".into())
}

#[rustfmt::skip]
const TROUBLES: [Trouble; 26] = [
    Trouble { name: "200", fault: || Fault::Lasts(3600), means: None, left_alone: 0, by_the_last: true },
    Trouble { name: "numbers as strings", fault: || Fault::Strings, means: None, left_alone: 0, by_the_last: true },
    status("302", || Fault::Status(302, vec![("location", "https://evil.example/".into())], String::new()), "redirected", Pace::Rarely),
    status("400", || plain(400), "rejected", Pace::Later),
    status("401", || plain(401), "denied", Pace::Later),
    status("403", || plain(403), "denied", Pace::Later),
    status("404", || plain(404), "not_found", Pace::Later),
    status("408", || plain(408), "server_error", Pace::Soon),
    status("410", || plain(410), "updating", Pace::Soon),
    status("429", || plain(429), "throttled", Pace::Soon),
    Trouble { left_alone: 120, ..status("429, 120 s", || Fault::Status(429, vec![("retry-after", "120".into())], String::new()), "throttled", Pace::Soon) },
    Trouble { left_alone: 300, ..status("429, a day", || Fault::Status(429, vec![("retry-after", "86400".into())], String::new()), "throttled", Pace::Soon) },
    Trouble { left_alone: 90, ..status("503, until then", || Fault::Status(503, vec![
        ("date", "Fri, 01 Jan 2027 00:00:00 GMT".into()), ("retry-after", "Fri, 01 Jan 2027 00:01:30 GMT".into())], String::new()), "server_error", Pace::Soon) },
    status("500", || plain(500), "server_error", Pace::Soon),
    status("504", || plain(504), "server_error", Pace::Soon),
    status("refused", || Fault::Refused, "unreachable", Pace::Soon),
    status("silence", || Fault::Silence, "timeout", Pace::Soon),
    status("hang", || Fault::Hang, "timeout", Pace::Soon),
    status("reset", || Fault::Reset, "reset", Pace::Soon),
    status("garbage", || Fault::Says("<html>\n login here".into()), "garbage", Pace::Soon),
    status("nothing", || Fault::Says(String::new()), "garbage", Pace::Soon),
    Trouble { by_the_last: true, ..status("half", || Fault::Half, "garbage", Pace::Soon) },
    status("huge", || Fault::Huge, "too_large", Pace::Soon),
    Trouble { by_the_last: true, ..status("ends now", || Fault::Lasts(0), "expired_on_arrival", Pace::Soon) },
    Trouble { by_the_last: true, ..status("ended an hour ago", || Fault::Lasts(-3600), "expired_on_arrival", Pace::Soon) },
    Trouble { by_the_last: true, ..status("ends in 10 s", || Fault::Lasts(10), "expired_on_arrival", Pace::Soon) },
];

/// What the troubles are called.
pub(super) fn reasons() -> impl Iterator<Item = &'static str> {
    TROUBLES.iter().filter_map(|trouble| Some(trouble.means?.0))
}

/// Where a service's own documentation gives a status another meaning.
fn means(flow: &Flow, step: usize, trouble: &Trouble) -> Option<(&'static str, Pace)> {
    match (flow.steps[step].answer, trouble.name) {
        (Answer::AzureImds, "400") => Some(("identity_not_assigned", Pace::Rarely)),
        (Answer::AzureImds | Answer::GoogleMetadata, "404") => Some(("not_found", Pace::Soon)),
        (Answer::ImdsRole, "404") => Some(("no_instance_role", Pace::Later)),
        (Answer::Impersonation, "400") => Some(("misconfigured", Pace::Rarely)),
        _ => trouble.means,
    }
}

/// After a trouble has ended there must be a credential within this.
fn recovery(pace: Pace, left_alone: u64) -> Duration {
    Duration::from_secs(left_alone.max(if pace == Pace::Soon { 60 } else { 300 }) + 12)
}

#[tokio::test(start_paused = true)]
async fn every_step_of_every_flow_survives_every_trouble() {
    let mut cells = Cells::default();
    for flow in &FLOWS {
        for step in 0..flow.steps.len() {
            for trouble in &TROUBLES {
                if trouble.by_the_last && step + 1 < flow.steps.len() {
                    continue;
                }
                let named = |kind: &str| format!("{} step {step}, {}, {kind}", flow.name, trouble.name);
                cells.note(named("cold"), cold(flow, step, trouble).await);
                cells.note(named("warm"), warm(flow, step, trouble).await);
            }
        }
    }
    cells.report("flows × steps × troubles", 800);
}

fn told(outcome: Result<impl Sized, Unavailable>, reason: &str) -> Result<(), String> {
    match outcome {
        Err(Unavailable::Failed { error, .. }) if error.reason == reason => Ok(()),
        Err(other) => Err(format!("expected {reason}, told {other:?}")),
        Ok(_) => Err(format!("expected {reason}, there is a credential")),
    }
}

async fn cold(flow: &'static Flow, step: usize, trouble: &Trouble) -> Result<(), String> {
    let harness = Harness::new(flow);
    harness.services.break_step(step, (trouble.fault)());
    let outcome = harness.ask().await;
    let Some((reason, pace)) = means(flow, step, trouble) else {
        outcome.map_err(|error| error.to_string())?;
        must((3590.0..=3600.0).contains(&harness.lasts()), || format!("lasts {}", harness.lasts()))?;
        return must(harness.requests() == flow.steps.len(), || format!("{} requests", harness.requests()));
    };
    told(outcome, reason)?;
    let waited = harness.began.elapsed().as_secs_f64();
    // What will pass is waited for, some seconds; what will not is told at once.
    let most = if pace == Pace::Soon { COLD.as_secs_f64() + 0.1 } else { 0.1 };
    must(waited <= most, || format!("the request waited {waited} s"))?;
    let before = harness.services.asked();
    harness.services.heal();
    let took = harness.ready_within(recovery(pace, trouble.left_alone)).await?;
    if trouble.left_alone > 0 {
        let again = harness.services.asked()[before.len()].at - before.last().unwrap().at;
        must(again.as_secs() >= trouble.left_alone, || format!("asked again after {again:?}"))?;
    }
    must(harness.services.astray().is_empty(), || format!("{:?} after {took:?}", harness.services.astray()))
}

async fn warm(flow: &'static Flow, step: usize, trouble: &Trouble) -> Result<(), String> {
    let harness = Harness::new(flow);
    harness.ask().await.map_err(|error| error.to_string())?;
    harness.services.break_step(step, (trouble.fault)());
    let refreshing = |after: u64| harness.began + Duration::from_secs(after);
    let ends = 3600 - 10;
    while Instant::now() < refreshing(ends) {
        let asked = Instant::now();
        harness.ask().await.map_err(|error| format!("failed after {:?}: {error}", harness.began.elapsed()))?;
        must(asked.elapsed().is_zero(), || format!("waited {:?} with a valid credential", asked.elapsed()))?;
        sleep(Duration::from_secs(59)).await;
        if flow.token_file.is_some() && harness.began.elapsed().as_secs() % 1800 < 59 {
            harness.write_files();
        }
    }
    let Some((reason, pace)) = means(flow, step, trouble) else {
        return harness.ask().await.map(drop).map_err(|error| error.to_string());
    };
    let dialled = harness.services.dialled();
    must((2..200).contains(&dialled), || format!("{dialled} connections"))?;
    if flow.grace > 0 && pace == Pace::Soon {
        let late = harness.ask().await.map(drop);
        late.map_err(|error| format!("failed within the grace: {error}"))?;
        sleep(Duration::from_secs(flow.grace)).await;
    }
    // What was in flight when the credential ended comes to its end first.
    sleep(Duration::from_secs(13)).await;
    told(harness.ask().await, reason)?;
    harness.services.heal();
    harness.write_files();
    harness.ready_within(recovery(pace, trouble.left_alone)).await.map(drop)
}

#[tokio::test(start_paused = true)]
async fn each_flow_sends_what_its_protocol_says() {
    let mut cells = Cells::default();
    for flow in &FLOWS {
        let harness = Harness::new(flow);
        harness.ask().await.unwrap();
        for (asked, step) in harness.services.asked().iter().zip(flow.steps) {
            let mut shown = asked.shown();
            if flow.token_file.is_some() {
                let token = std::fs::read_to_string(harness.token_file()).unwrap();
                shown = shown.replace(&token, "<token>");
            }
            shown = shown.replace("canary-token-1", "<token>").replace("imds-session", "<session>");
            let lines = shown.lines().map(|line| match line.split_once('=') {
                Some((name @ ("assertion" | "client_assertion"), _)) => format!("{name}=<token>"),
                _ if line.starts_with("authorization: AWS4-HMAC-SHA256 ") => "authorization: <signature>".to_owned(),
                _ => line.to_owned(),
            });
            let shown = lines.collect::<Vec<_>>().join("\n");
            let same = asked.host == step.host && shown == step.sends;
            let result = must(same, || format!("expected\n{}\nsent\n{shown}", step.sends));
            cells.note(format!("{} to {}", flow.name, step.host), result);
        }
        let forwarded = harness.services.asked().iter().any(|asked| asked.header("x-forwarded-for").is_some());
        cells.note(flow.name, must(!forwarded, || "x-forwarded-for was sent".into()));
    }
    cells.report("requests by the book", 30);
}
