//! What is known of keys, and when it is looked at again, in paused time.

use super::*;
use serde_json::json;

fn key(secret: &str) -> SecretKey {
    SecretKey { namespace: "n".into(), secret: secret.into(), key: "k".into() }
}

fn name(secret: &str) -> Name {
    ("n".into(), secret.into())
}

fn secrets(access: SecretAccess, on_delete: OnDelete) -> Secrets {
    let secrets = Secrets::new(access, on_delete, "pillion-system");
    secrets.want("n", &[key("a")].into());
    secrets
}

fn found(version: &str, value: &str) -> Outcome {
    let secret = json!({"metadata": {"name": "a", "resourceVersion": version}, "data": {"k": base64(value)}});
    Outcome::Found(Box::new(serde_json::from_value(secret).unwrap()))
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

/// When Secret `a` is due, from now.
fn wait(secrets: &Secrets) -> u64 {
    secrets.due(Instant::now()).1.unwrap().saturating_duration_since(Instant::now()).as_secs()
}

#[tokio::test(start_paused = true)]
async fn a_key_is_read_at_once_then_each_ten_seconds_where_a_sidecar_may_use_it() {
    let secrets = secrets(SecretAccess::Cluster, OnDelete::Retain);
    assert_eq!(secrets.due(Instant::now()).0, [name("a")]);
    assert!(secrets.took(&name("a"), &found("1", "sk-1"), true, Instant::now()));
    assert!((8..=10).contains(&wait(&secrets)), "{}", wait(&secrets));
    assert!(!secrets.took(&name("a"), &found("2", "sk-1"), false, Instant::now()), "the key is the same");
    assert!((53..=60).contains(&wait(&secrets)));
    let room = secrets.room("n");
    assert!(wait(&secrets) <= 10, "somebody uses it now");
    let id = key("a").to_string();
    assert_eq!(*room.borrow()[&id], Key::Given { generation: "1".into(), value: "sk-1".into() });
    secrets.took(&name("a"), &Outcome::Unknown, true, Instant::now());
    assert!(wait(&secrets) <= 5);
    assert_eq!(room.borrow().len(), 1, "an API server that is away takes nothing");
}

#[tokio::test(start_paused = true)]
async fn a_refused_key_is_read_again_within_a_second_unless_there_is_another() {
    let secrets = secrets(SecretAccess::Cluster, OnDelete::Retain);
    secrets.took(&name("a"), &found("1", "sk-1"), true, Instant::now());
    let id = key("a").to_string();
    secrets.hurry(&id, "0");
    assert!(wait(&secrets) > 5);
    secrets.hurry("n/other/k", "1");
    secrets.hurry("garbage", "1");
    assert!(wait(&secrets) > 5);
    secrets.hurry(&id, "1");
    assert_eq!(wait(&secrets), 1);
    tokio::time::sleep(APART).await;
    assert_eq!(secrets.due(Instant::now()).0, [name("a")]);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_secret_is_retained_or_revoked_as_configured_and_named_in_the_condition() {
    for on_delete in [OnDelete::Retain, OnDelete::Revoke] {
        let secrets = secrets(SecretAccess::Cluster, on_delete);
        secrets.took(&name("a"), &found("1", "sk-1"), true, Instant::now());
        assert_eq!(secrets.fault(&key("a")), None);
        assert!(secrets.took(&name("a"), &Outcome::Absent, true, Instant::now()));
        let (reason, message) = secrets.fault(&key("a")).unwrap();
        assert_eq!(reason, "SecretNotFound");
        assert!(message.contains("there is no Secret 'a' in namespace 'n'"), "{message}");
        let word = secrets.room("n").borrow()[&key("a").to_string()].clone();
        assert_eq!(matches!(*word, Key::Withdrawn(_)), on_delete == OnDelete::Revoke, "{word:?}");
        assert!(secrets.took(&name("a"), &found("3", "sk-3"), true, Instant::now()));
        assert_eq!(secrets.fault(&key("a")), None);
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_read_says_what_to_do_and_takes_nothing_from_sidecars() {
    for (access, hint) in [
        (SecretAccess::Named, "secrets.named, 'n: [a]'"),
        (SecretAccess::Namespaces, "add 'n' to the chart's secrets.namespaces"),
        (SecretAccess::Cluster, "pillion-keys"),
    ] {
        let secrets = secrets(access, OnDelete::Revoke);
        secrets.took(&name("a"), &Outcome::Forbidden, true, Instant::now());
        let (reason, message) = secrets.fault(&key("a")).unwrap();
        assert_eq!(reason, "RefNotPermitted");
        assert!(message.contains(hint), "{message}");
        assert!(matches!(*secrets.room("n").borrow()[&key("a").to_string()].clone(), Key::Missing(_)));
    }
}

#[tokio::test(start_paused = true)]
async fn without_access_or_in_the_operators_own_namespace_nothing_is_read() {
    let none = secrets(SecretAccess::None, OnDelete::Retain);
    assert_eq!(none.due(Instant::now()), (vec![], None));
    assert!(none.fault(&key("a")).unwrap().1.contains("secrets.access"));
    let all = Secrets::new(SecretAccess::Cluster, OnDelete::Retain, "n");
    all.want("n", &[key("a")].into());
    assert_eq!(all.due(Instant::now()), (vec![], None));
    assert!(all.fault(&key("a")).unwrap().1.contains("operator's own namespace"));
}

#[tokio::test(start_paused = true)]
async fn what_no_provider_names_any_more_is_forgotten() {
    let secrets = secrets(SecretAccess::Cluster, OnDelete::Retain);
    secrets.want("n2", &[SecretKey { namespace: "n2".into(), ..key("a") }].into());
    secrets.took(&name("a"), &found("1", "sk-1"), true, Instant::now());
    let mut room = secrets.room("n");
    secrets.want("n", &BTreeSet::new());
    assert!(room.borrow_and_update().is_empty());
    assert_eq!(secrets.due(Instant::now()).0, [("n2".to_owned(), "a".to_owned())]);
}
