//! Snapshots made ready, and those that are refused whole.

use super::*;
use serde_json::{Value, json};

fn snapshot(edit: impl FnOnce(&mut Value)) -> Snapshot {
    let mut value = json!({
        "rules": [{
            "name": {"route": "team-a/chat", "rule": "all"},
            "matches": [{"models": ["gpt-*"], "operations": ["Chat"], "formats": ["OpenAI"],
                         "headers": [{"name": "x-tier", "value": "gold"}]}],
            "backends": [
                {"provider": "b", "weight": 1, "priority": 1},
                {"provider": "a", "weight": 1, "priority": 0},
                {"provider": "gone", "weight": 1, "priority": 0},
            ],
            "timeouts": {"connect": 1, "firstByte": 2, "streamIdle": 3, "request": 4},
            "retry": {"attempts": 3, "on": ["Connect"]},
        }],
        "providers": {
            "a": {"name": "a", "kind": "OpenAI", "endpoint": "https://api.example", "auth": {"type": "None"}},
            "b": {"name": "b", "kind": "Anthropic", "endpoint": "http://10.0.0.1:80", "auth": {"type": "ApiKey",
                  "source": {"from": "mounted", "key": "k"},
                  "placement": {"in": "header", "name": "x-api-key", "prefix": ""}}},
        },
    });
    edit(&mut value);
    serde_json::from_value(value).unwrap()
}

#[test]
fn backends_are_grouped_by_priority_and_a_dangling_one_stays_visible() {
    let prepared = Prepared::new(snapshot(|_| {})).unwrap();
    let rule = &prepared.rules[0];
    let shown = |backend: &Arc<Backend>| match &backend.provider {
        Ok(provider) => provider.name.clone(),
        Err(key) => format!("!{}", key.0),
    };
    let groups: Vec<Vec<String>> = rule.groups.iter().map(|group| group.iter().map(shown).collect()).collect();
    assert_eq!(groups, [vec!["a", "!gone"], vec!["b"]]);
    assert_eq!(rule.name, "team-a/chat/all");
}

#[test]
fn what_this_sidecar_does_not_know_refuses_the_whole_snapshot_with_a_reason() {
    #[track_caller]
    fn check(pointer: &str, value: Value, expected: &str) {
        let refused = Prepared::new(snapshot(|json| *json.pointer_mut(pointer).unwrap() = value)).unwrap_err();
        assert!(refused.to_string().contains(expected), "{refused}");
    }
    check("/providers/a/kind", json!("Quantum"), "provider 'a' is of type 'Quantum'");
    check("/providers/a/endpoint", json!("ftp://x"), "endpoint 'ftp://x'");
    check("/providers/a/endpoint", json!("https://user:canary@x"), "endpoint 'https://x'");
    check("/providers/a/endpoint", json!("https://x?key=canary"), "endpoint 'https://x'");
    check("/providers/b/auth/placement/name", json!("host"), "into 'host'");
    check("/rules/0/matches/0/operations/0", json!("Telepathy"), "operation 'Telepathy'");
    check("/rules/0/matches/0/formats/0", json!("Morse"), "format 'Morse'");
    check("/rules/0/backends", json!([]), "no backend");
    check("/rules/0/retry/attempts", json!(0), "no attempt");
}

#[test]
fn a_match_holds_only_when_all_its_parts_do() {
    let prepared = Prepared::new(snapshot(|_| {})).unwrap();
    let part = &prepared.rules[0].matches[0];
    let mut gold = HeaderMap::new();
    gold.insert("x-tier", HeaderValue::from_static("gold"));
    let none = HeaderMap::new();
    for (dialect, operation, model, headers, expected) in [
        (Dialect::OpenAI, Operation::Chat, Some("gpt-4o"), &gold, true),
        (Dialect::Anthropic, Operation::Chat, Some("gpt-4o"), &gold, false),
        (Dialect::OpenAI, Operation::Native, Some("gpt-4o"), &gold, false),
        (Dialect::OpenAI, Operation::Chat, Some("claude"), &gold, false),
        (Dialect::OpenAI, Operation::Chat, None, &gold, false),
        (Dialect::OpenAI, Operation::Chat, Some("gpt-4o"), &none, false),
    ] {
        assert_eq!(part.holds(dialect, operation, model, headers), expected, "{dialect:?} {operation:?} {model:?}");
    }
}
