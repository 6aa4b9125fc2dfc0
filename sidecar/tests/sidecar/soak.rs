//! Credentials of thirty seconds under load, of whose exchanges three of ten fail: no request fails while there is a
//! credential that is good, and none waits for the next one.

use crate::identities::{
    AZURE, BEDROCK, ENTRA, IMDS, NAMES, STS, VERTEX, azure_provider, bedrock_provider, start_in, vertex_provider,
};
use crate::support::cloud::{Cloud, Said, Seen};
use crate::support::*;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const LASTS: Duration = Duration::from_secs(30);
/// In its last tenth a credential is not used, and some clouds tell its end in whole seconds.
const GRACE: Duration = Duration::from_secs(4);
/// What is given is on its way for a moment.
const ON_ITS_WAY: Duration = Duration::from_millis(500);

/// The credentials given so far, by the name that providers see.
#[derive(Default)]
struct Given(Mutex<Vec<(String, Instant)>>);

impl Given {
    fn note(&self, name: String) {
        self.0.lock().unwrap().push((name, Instant::now() + LASTS));
    }

    fn is_good(&self, name: &str) -> bool {
        self.0.lock().unwrap().iter().any(|(given, until)| given == name && Instant::now() < *until)
    }

    /// Whether the sidecar had one at that time that it could use.
    fn had_one(&self, at: Instant) -> bool {
        self.0.lock().unwrap().iter().any(|(_, until)| *until > at + GRACE && *until + ON_ITS_WAY < at + LASTS)
    }
}

/// Three of ten, in four manners.
fn fails(number: usize) -> Option<Said> {
    let mixed = (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    (mixed % 10 < 3).then(|| match mixed / 10 % 4 {
        0 => Said::json(500, json!({"error": "server_error"})),
        1 => Said { headers: vec![("retry-after", "1".to_owned())], ..Said::json(429, json!({"error": "slow_down"})) },
        2 => Said::json(200, "<html>a proxy's page</html>"),
        _ => Said::json(503, ""),
    })
}

/// In whole seconds, as clouds write it.
fn rfc3339(at: SystemTime) -> String {
    let seconds = at.duration_since(UNIX_EPOCH).unwrap().as_secs();
    Timestamp::from_second(seconds.cast_signed()).unwrap().to_string()
}

/// A token service that gives credentials of thirty seconds, and a provider that refuses what is not good.
fn world(given: Arc<Given>) -> impl Fn(&Seen) -> Said + Send + Sync {
    move |seen| {
        let service =
            [IMDS, ENTRA, STS, "sts.googleapis.com", "iamcredentials.googleapis.com"].contains(&seen.host.as_str());
        if service && let Some(failure) = fails(seen.number) {
            return failure;
        }
        let name = format!("{}-{}", seen.host, seen.number);
        let seconds = LASTS.as_secs();
        let until = || rfc3339(SystemTime::now() + LASTS);
        match seen.host.as_str() {
            IMDS => {
                given.note(name.clone());
                Said::json(200, json!({"access_token": name, "expires_in": seconds.to_string()}))
            }
            "sts.googleapis.com" => {
                Said::json(200, json!({"access_token": name, "expires_in": 3600, "token_type": "Bearer"}))
            }
            "iamcredentials.googleapis.com" => {
                given.note(name.clone());
                Said::json(200, json!({"accessToken": name, "expireTime": until()}))
            }
            STS => {
                given.note(name.clone());
                Said::json(
                    200,
                    format!(
                        "<R><Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
                     <SessionToken>{name}</SessionToken><Expiration>{}</Expiration></Credentials></R>",
                        until()
                    ),
                )
            }
            _ => {
                let shown = seen
                    .header("x-amz-security-token")
                    .or_else(|| seen.header("authorization")?.strip_prefix("Bearer "));
                match given.is_good(shown.unwrap_or_default()) {
                    true => Said::json(200, OPENAI_REPLY),
                    false => Said::json(401, json!({"error": {"message": "expired", "code": "401"}})),
                }
            }
        }
    }
}

/// What became of the requests of one sidecar.
struct Soaked {
    asked: usize,
    failed: usize,
    /// What was told while a credential was good.
    failed_in_vain: Vec<String>,
    slowest: Duration,
    exchanges: usize,
}

async fn soak(provider: Value, services: &[&str], lasts: Duration) -> Soaked {
    let given = Arc::new(Given::default());
    let cloud = Cloud::start(&NAMES, world(given.clone())).await;
    let (running, _tokens) = start_in(&cloud, &[("p", provider)]).await;
    let mut out = Soaked { asked: 0, failed: 0, failed_in_vain: Vec::new(), slowest: Duration::ZERO, exchanges: 0 };
    let began = Instant::now();
    while began.elapsed() < lasts {
        let at = Instant::now();
        let had_one = given.had_one(at);
        let answered = post(running.data, OPENAI, openai_chat("m", false)).send().await;
        out.asked += 1;
        if had_one {
            out.slowest = out.slowest.max(at.elapsed());
        }
        if answered.status != 200 {
            out.failed += 1;
            if had_one {
                let (status, error) = (answered.status, answered.header("x-pillion-error").map(str::to_owned));
                let told = format!("{:.1?}: {status} {error:?} {}", began.elapsed(), answered.text().await);
                out.failed_in_vain.push(told);
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    out.exchanges = services.iter().map(|service| cloud.seen(service).len()).sum();
    out
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "ten minutes: cargo xtask test soak"]
async fn no_request_fails_while_there_is_a_good_credential() {
    let seconds = std::env::var("SOAK_SECONDS").ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(600);
    let lasts = Duration::from_secs(seconds);
    let [azure, gcp, aws] = <[Soaked; 3]>::try_from(
        futures::future::join_all([
            soak(azure_provider(), &[IMDS], lasts),
            soak(vertex_provider(), &["sts.googleapis.com", "iamcredentials.googleapis.com"], lasts),
            soak(bedrock_provider(), &[STS], lasts),
        ])
        .await,
    )
    .unwrap_or_else(|_| unreachable!("three went in"));
    for (name, soaked) in [(AZURE, azure), (VERTEX, gcp), (BEDROCK, aws)] {
        let Soaked { asked, failed, failed_in_vain, slowest, exchanges } = soaked;
        println!(
            "{name}: {asked} asked, {failed} failed, {} of them while a credential was good, {exchanges} exchanges, slowest with one {slowest:?}",
            failed_in_vain.len()
        );
        assert_eq!(failed_in_vain, Vec::<String>::new(), "{name}");
        assert!(
            asked as u64 > seconds * 20 && exchanges as u64 > seconds / 30,
            "{name}: {asked} asked, {exchanges} exchanges"
        );
    }
}
