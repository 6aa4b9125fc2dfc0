use super::*;
use crate::identity::credential::{Credential, Habit};
use crate::identity::secret::Secret;
use futures::future::{join_all, pending};
use pillion_snapshot::{AzureCloud, AzureIdentity, AzureSource, ManagedIdentityId};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::SystemTime;

/// What the script's service does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    Gives,
    /// Gives, after so many seconds.
    GivesAfter(u64),
    Same,
    Fails(Pace),
    Hangs,
    Panics,
}

struct Script {
    asked: Mutex<Vec<Instant>>,
    does: Mutex<Does>,
    lasts: u64,
    files: AtomicU64,
}

impl Exchange for Script {
    fn exchange<'a>(&'a self, _: &'a Source) -> BoxFuture<'a, Result<Issued, ExchangeError>> {
        Box::pin(async {
            let number = {
                let mut asked = self.asked.lock().unwrap();
                asked.push(Instant::now());
                asked.len()
            };
            let does = *self.does.lock().unwrap();
            match does {
                Does::Fails(pace) => return Err(ExchangeError::new("test", pace, "it failed")),
                Does::Hangs => pending().await,
                Does::Panics => panic!("a bug"),
                Does::GivesAfter(seconds) => sleep(Duration::from_secs(seconds)).await,
                Does::Gives | Does::Same => {}
            }
            let value = if does == Does::Same { "same".into() } else { format!("token-{number}") };
            Ok(Issued {
                credential: Credential::Bearer(Secret::parse(value.as_bytes()).unwrap()),
                deadline: Instant::now() + Duration::from_secs(self.lasts),
                refresh_in: None,
                habit: Habit::default(),
            })
        })
    }

    fn fingerprint(&self, _: &Source) -> u64 {
        self.files.load(Ordering::Relaxed)
    }

    fn forget_clocks(&self) {}
}

struct Case {
    script: Arc<Script>,
    engine: Arc<Engine>,
    wall: Arc<AtomicI64>,
    began: Instant,
}

impl Case {
    fn new(does: Does) -> Self {
        let asked = Mutex::default();
        let script = Arc::new(Script { asked, does: Mutex::new(does), lasts: 3600, files: AtomicU64::new(0) });
        let wall = Arc::new(AtomicI64::new(0));
        let (began, offset) = (Instant::now(), wall.clone());
        let clock = Clock::of(move || {
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000) + began.elapsed();
            clock::shifted(now, offset.load(Ordering::Relaxed))
        });
        Self { engine: Engine::new(script.clone(), clock), script, wall, began }
    }

    fn does(&self, does: Does) {
        *self.script.does.lock().unwrap() = does;
    }

    fn asked(&self) -> Vec<f64> {
        self.script.asked.lock().unwrap().iter().map(|at| (*at - self.began).as_secs_f64()).collect()
    }

    async fn credential(&self) -> Result<Held, Unavailable> {
        self.engine.credential(&source("a"), Instant::now() + Duration::from_secs(60)).await
    }
}

fn source(name: &str) -> Arc<Source> {
    let id = Some(ManagedIdentityId::ClientId(name.into()));
    Arc::new(Source::Azure(AzureIdentity { cloud: AzureCloud::Public, source: AzureSource::ManagedIdentity { id } }))
}

async fn pass(seconds: u64) {
    sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn a_thousand_requests_at_once_are_one_exchange() {
    let case = Case::new(Does::GivesAfter(3));
    let held = join_all((0..1000).map(|_| case.credential())).await;
    assert!(held.iter().all(|held| held.as_ref().is_ok_and(|held| held.generation == 1)));
    assert_eq!(case.asked().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_snapshots_credentials_are_fetched_before_anyone_asks_and_dropped_with_it() {
    let case = Case::new(Does::Gives);
    case.engine.follow([(source("a"), vec!["p".into()]), (source("b"), vec!["q".into(), "r".into()])].into());
    pass(3).await;
    let asked = case.asked();
    assert!(asked.len() == 2 && asked.iter().all(|at| *at <= 2.0), "{asked:?}");
    let states: Vec<_> = case.engine.states().into_iter().map(|state| state.providers).collect();
    assert_eq!(states, [vec!["p"], vec!["q", "r"]]);
    // The same identity in the next snapshot keeps its credential; the other is asked for no more.
    case.engine.follow([(source("a"), vec!["p".into()])].into());
    assert_eq!(case.credential().await.unwrap().generation, 1);
    pass(3300).await;
    assert_eq!(case.asked().len(), 3, "{:?}", case.asked());
    assert_eq!(case.engine.states().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_request_does_not_wait_for_the_jitter_of_a_start() {
    for _ in 0..50 {
        let case = Case::new(Does::Gives);
        case.engine.follow([(source("a"), vec![])].into());
        case.credential().await.unwrap();
        assert!(case.began.elapsed() < Duration::from_millis(10), "{:?}", case.began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn five_hundred_refusals_a_second_are_one_exchange_in_ten_seconds() {
    let case = Case::new(Does::GivesAfter(1));
    let first = case.credential().await.unwrap();
    let mut retried = 0;
    for _ in 0..30 {
        let by = Instant::now() + Duration::from_secs(5);
        // Every request is refused, whatever it carries.
        let refusals = (0..500).map(|_| async {
            let held = case.credential().await.unwrap();
            case.engine.refused(&source("a"), held.generation, by).await
        });
        retried += join_all(refusals).await.into_iter().filter(|again| *again).count();
        pass(1).await;
    }
    let exchanges = case.asked();
    assert!((3..=5).contains(&exchanges.len()), "{exchanges:?}");
    assert!(exchanges[1..].windows(2).all(|pair| pair[1] - pair[0] >= 10.0), "{exchanges:?}");
    assert!(retried >= 1000, "all who share an exchange are told of it: {retried}");
    assert!(case.credential().await.unwrap().generation > first.generation);
}

#[tokio::test(start_paused = true)]
async fn a_refused_credential_that_comes_again_the_same_is_not_worth_another_try() {
    let case = Case::new(Does::Same);
    let held = case.credential().await.unwrap();
    assert!(!case.engine.refused(&source("a"), held.generation, Instant::now() + Duration::from_secs(5)).await);
    assert_eq!(case.asked().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_newer_credential_waits_no_longer_than_it_may() {
    let case = Case::new(Does::Gives);
    let held = case.credential().await.unwrap();
    case.does(Does::Hangs);
    let asked = Instant::now();
    assert!(!case.engine.refused(&source("a"), held.generation, asked + Duration::from_secs(2)).await);
    assert_eq!(asked.elapsed().as_secs(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_token_service_that_hangs_for_fifty_minutes_fails_no_request() {
    let case = Case::new(Does::Gives);
    case.credential().await.unwrap();
    pass(595).await;
    case.does(Does::Hangs);
    for _ in 0..50 {
        pass(59).await;
        case.credential().await.unwrap();
    }
    case.does(Does::Gives);
    // The exchange that hangs comes to its end, and the next follows after its pause.
    pass(121).await;
    assert!(case.credential().await.unwrap().generation > 1, "{:?}", case.asked());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_terminal() {
    for does in
        [Does::Panics, Does::Fails(Pace::Later), Does::Fails(Pace::Rarely), Does::Fails(Pace::Soon), Does::Hangs]
    {
        let case = Case::new(does);
        let before = case.credential().await;
        assert!(before.is_err(), "{does:?}");
        pass(if does == Does::Panics { 300 } else { 86_400 }).await;
        assert!(case.credential().await.is_err(), "{does:?}");
        case.does(Does::Gives);
        pass(361).await;
        case.credential().await.unwrap_or_else(|error| panic!("{does:?}: {error}"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_changed_file_or_configuration_brings_a_failed_exchange_forward() {
    let case = Case::new(Does::Fails(Pace::Rarely));
    case.engine.follow([(source("a"), vec![])].into());
    assert!(case.credential().await.is_err());
    pass(60).await;
    assert_eq!(case.asked().len(), 1);
    case.does(Does::Gives);
    case.script.files.store(1, Ordering::Relaxed);
    pass(6).await;
    assert!(case.credential().await.is_ok());
    let case = Case::new(Does::Fails(Pace::Rarely));
    case.engine.follow([(source("a"), vec![])].into());
    assert!(case.credential().await.is_err());
    case.does(Does::Gives);
    case.engine.follow([(source("a"), vec![])].into());
    pass(1).await;
    assert!(case.credential().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_jump_of_the_time_of_day_renews_everything_and_keeps_what_is_there() {
    let case = Case::new(Does::Gives);
    case.engine.follow([(source("a"), vec![]), (source("b"), vec![])].into());
    pass(5).await;
    for (jump, expected) in [(20, 2), (3600, 4), (-7200, 6)] {
        case.wall.fetch_add(jump, Ordering::Relaxed);
        assert!(case.credential().await.is_ok());
        pass(125).await;
        assert_eq!(case.asked().len(), expected, "{jump}: {:?}", case.asked());
    }
}

#[tokio::test(start_paused = true)]
async fn states_are_shown_without_any_value() {
    let case = Case::new(Does::Gives);
    case.engine.follow([(source("a"), vec!["p".into()])].into());
    let show = || case.engine.states()[0].json();
    assert_eq!(show()["state"], "Pending");
    case.credential().await.unwrap();
    let shown = show();
    assert_eq!((&shown["state"], &shown["kind"]), (&"Ready".into(), &"azure_managed_identity".into()));
    assert_eq!((&shown["generation"], &shown["expiresInSeconds"]), (&1.into(), &3600.into()));
    assert!(!shown.to_string().contains("token-1"), "{shown}");
    case.does(Does::Fails(Pace::Later));
    pass(3000).await;
    let shown = show();
    assert_eq!((&shown["state"], &shown["reason"]), (&"ReadyButNotRenewed".into(), &"test".into()));
    pass(600).await;
    assert_eq!(show()["state"], "Failed");
}
