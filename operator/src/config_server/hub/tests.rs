//! Streams, classes and acks of the hub.

use super::*;
use pillion_compiler::AccountIdentity;
use pillion_snapshot::Snapshot;

fn pod(uid: &str, app: &str) -> Arc<IndexedPod> {
    Arc::new(IndexedPod {
        uid: uid.into(),
        namespace: "n".into(),
        name: uid.into(),
        labels: [("app".to_owned(), app.to_owned()), ("other".to_owned(), uid.to_owned())].into(),
        service_account: "default".into(),
        terminating: false,
        finished: false,
        started: true,
        intact: Intact::untouched(),
    })
}

fn by_app() -> Classes {
    Classes { labels: ["app".to_owned()].into(), ..Classes::default() }
}

fn published(generation: i64) -> Arc<Published> {
    let sources = [("AIRoute/n/r".to_owned(), generation)].into();
    Arc::new(Published::new(Snapshot { sources, ..Default::default() }.seal()))
}

fn publish(hub: &Hub, snapshots: &[(&str, Arc<Published>)]) {
    let classes = by_app();
    let snapshots = snapshots.iter().map(|(app, published)| (classes.of(&pod("x", app)), published.clone())).collect();
    hub.publish("n", classes, snapshots, &HashMap::new());
}

fn version(opened: &mut Opened) -> Option<String> {
    opened.newest.borrow_and_update().as_ref().map(|published| published.version.clone())
}

fn ack(opened: &Opened, outcome: Outcome) -> Ack {
    Ack { stream: opened.name().into(), version: "v".into(), outcome, serving: [("AIRoute/n/r".into(), 1)].into() }
}

#[test]
fn pods_of_one_class_share_a_snapshot_and_others_do_not_see_it() {
    let hub = Hub::new("op", Metrics::new());
    let (mut one, mut two, mut other) = (hub.open(&pod("1", "a")), hub.open(&pod("2", "a")), hub.open(&pod("3", "b")));
    assert!(one.is_waiting());
    publish(&hub, &[("a", published(1)), ("b", published(2))]);
    assert_eq!(version(&mut one), version(&mut two));
    assert_ne!(version(&mut one), version(&mut other));
    assert!(!hub.open(&pod("4", "b")).is_waiting());
}

#[test]
fn equal_content_is_not_sent_again() {
    let hub = Hub::new("op", Metrics::new());
    let mut opened = hub.open(&pod("1", "a"));
    publish(&hub, &[("a", published(1))]);
    version(&mut opened);
    publish(&hub, &[("a", published(1))]);
    assert!(!opened.newest.has_changed().unwrap());
    publish(&hub, &[("a", published(2))]);
    publish(&hub, &[("a", published(3))]);
    assert_eq!(version(&mut opened), Some(published(3).version.clone()));
}

#[test]
fn an_ack_counts_only_for_the_pods_own_stream() {
    let hub = Hub::new("op", Metrics::new());
    let opened = hub.open(&pod("1", "a"));
    assert!(!hub.ack("2", ack(&opened, Outcome::Applied)));
    assert!(!hub.ack("1", Ack { stream: "op-2/1".into(), ..ack(&opened, Outcome::Applied) }));
    let before = hub.revision();
    assert!(hub.ack("1", ack(&opened, Outcome::Applied)));
    assert_ne!(hub.revision(), before);
    let before = hub.revision();
    assert!(hub.ack("1", ack(&opened, Outcome::Applied)));
    assert_eq!(hub.revision(), before);
    assert!(hub.ack("1", ack(&opened, Outcome::Refused { reason: "no\n".into() })));
    assert_eq!(hub.acks()["1"].refused.as_deref(), Some("no"));
    drop(opened);
    assert!(hub.acks().is_empty());
    assert_eq!(hub.take_acked(), BTreeSet::from(["n".to_owned()]));
}

#[test]
fn a_pod_that_ends_ends_its_streams_and_a_third_stream_ends_the_first() {
    let hub = Hub::new("op", Metrics::new());
    let streams = [hub.open(&pod("1", "a")), hub.open(&pod("1", "a")), hub.open(&pod("1", "a"))];
    let ended: Vec<bool> = streams.iter().map(|stream| stream.ended.borrow().is_some()).collect();
    assert_eq!(ended, [true, false, false]);
    hub.end_pod("1");
    assert!(streams.iter().all(|stream| stream.ended.borrow().is_some()));
}

#[test]
fn labels_that_changed_since_the_stream_opened_count() {
    let hub = Hub::new("op", Metrics::new());
    let mut opened = hub.open(&pod("1", "a"));
    let classes = by_app();
    let moved = pod("1", "b");
    let snapshots = [("a", published(1)), ("b", published(2))]
        .map(|(app, published)| (classes.of(&pod("x", app)), published))
        .into();
    hub.publish("n", classes, snapshots, &HashMap::from([("1", &moved)]));
    assert_eq!(version(&mut opened), Some(published(2).version.clone()));
}

#[test]
fn pods_whose_service_accounts_claim_different_identities_get_different_snapshots() {
    let hub = Hub::new("op", Metrics::new());
    let of =
        |uid: &str, account: &str| Arc::new(IndexedPod { service_account: account.into(), ..(*pod(uid, "a")).clone() });
    let role = |name: &str| {
        let role = format!("arn:aws:iam::123456789012:role/{name}");
        AccountIdentity::read(&[("eks.amazonaws.com/role-arn".to_owned(), role)].into()).0
    };
    let accounts = [("one".to_owned(), role("one")), ("two".to_owned(), role("two"))].into();
    let classes = Classes { accounts, ..Classes::default() };
    let snapshots = [("one", 1), ("two", 2), ("plain", 3)]
        .map(|(account, generation)| (classes.of(&of("x", account)), published(generation)))
        .into();
    hub.publish("n", classes, snapshots, &HashMap::new());
    let get = |uid: &str, account: &str| version(&mut hub.open(&of(uid, account)));
    assert_eq!(get("1", "one"), Some(published(1).version.clone()));
    assert_eq!(get("2", "two"), Some(published(2).version.clone()));
    assert_eq!(get("3", "plain"), get("4", "default"));
}

#[test]
fn a_sidecar_speaks_of_the_credentials_that_it_was_sent_and_of_its_own_only() {
    let hub = Hub::new("op", Metrics::new());
    let opened = hub.open(&pod("1", "a"));
    let sources = [("AIProvider/n/p".to_owned(), 1)].into();
    publish(&hub, &[("a", Arc::new(Published::new(Snapshot { sources, ..Default::default() }.seal())))]);
    let trouble = Trouble { reason: "denied".into(), message: format!("no\n\u{1b}[31m{}", "!".repeat(1000)) };
    let states = [("n/p", CredentialState::Failed(trouble)), ("other/p", CredentialState::Ready)];
    let providers: BTreeMap<ProviderKey, CredentialState> =
        states.into_iter().map(|(key, state)| (ProviderKey(key.into()), state)).collect();
    let said = Credentials { stream: opened.name().into(), providers };
    assert!(!hub.credentials("2", said.clone()));
    let before = hub.revision();
    assert!(hub.credentials("1", said.clone()));
    assert_ne!(hub.revision(), before);
    let heard = hub.acks()["1"].credentials.clone().unwrap();
    let CredentialState::Failed(trouble) = &heard[&ProviderKey("n/p".into())] else { panic!("{heard:?}") };
    assert!(trouble.message.starts_with("no[31m!") && trouble.message.len() == 512, "{}", trouble.message);
    assert_eq!(heard.len(), 1);
    let before = hub.revision();
    assert!(hub.credentials("1", said));
    assert_eq!(hub.revision(), before);
}
