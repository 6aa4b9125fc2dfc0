use super::*;

fn sample() -> Snapshot {
    let provider = Provider {
        name: "openai".into(),
        kind: "OpenAI".into(),
        endpoint: "https://api.openai.com".into(),
        options: serde_json::Map::new(),
        auth: Auth::ApiKey {
            source: CredentialSource::Mounted { key: "openai".into() },
            placement: ApiKeyPlacement::Header { name: "authorization".into(), prefix: "Bearer ".into() },
        },
    };
    let key = ProviderKey("team-a/openai".into());
    let rule = Rule {
        name: RuleName { route: "team-a/chat".into(), rule: "all".into() },
        matches: vec![],
        backends: vec![Backend {
            provider: key.clone(),
            model: None,
            weight: 1,
            priority: 0,
            params: Params::default(),
        }],
        timeouts: Timeouts::default(),
        retry: Retry::default(),
        translation: Translation::default(),
        metering: Metering::default(),
    };
    Snapshot { rules: vec![rule], providers: [(key, provider)].into(), ..Snapshot::default() }.seal()
}

#[test]
fn a_sealed_snapshot_is_intact_and_survives_the_wire() {
    let line = Line::Snapshot { stream: "s".into(), snapshot: Box::new(sample()) };
    let bytes = write_line(&line);
    assert_eq!(read_line(bytes.trim_ascii_end()), Ok(line));
}

#[test]
fn a_flipped_bit_is_refused() {
    let line = Line::Snapshot { stream: "s".into(), snapshot: Box::new(sample()) };
    let text = String::from_utf8(write_line(&line)).unwrap().replace("api.openai.com", "api.openai.con");
    assert!(matches!(read_line(text.trim_end().as_bytes()), Err(ReadError::Corrupt { .. })));
}

#[test]
fn fields_of_a_newer_operator_are_ignored_and_still_hashed() {
    let json = sample().to_json().replacen('{', r#"{"limits":[],"#, 1);
    let line =
        format!(r#"{{"kind":"snapshot","stream":"s","version":"{}","snapshot":{json}}}"#, version_of(json.as_bytes()));
    let Ok(Line::Snapshot { snapshot, .. }) = read_line(line.as_bytes()) else { panic!("refused: {line}") };
    assert_eq!(snapshot.rules, sample().rules);
}

#[test]
fn keys_survive_the_wire_and_are_seen_in_no_debug_output() {
    let trouble = || Trouble { reason: "SecretNotFound".into(), message: "there is no Secret 'b'".into() };
    let keys: Keys = [
        ("n/a/k".to_owned(), Key::Given { generation: "7".into(), value: "sk-canary".into() }),
        ("n/b/k".to_owned(), Key::Missing(trouble())),
        ("n/c/k".to_owned(), Key::Withdrawn(trouble())),
    ]
    .into();
    let line = Line::Keys(keys);
    assert_eq!(read_line(write_line(&line).trim_ascii_end()), Ok(line.clone()));
    assert!(!format!("{line:?}").contains("canary"), "{line:?}");
    let wrong = read_line(br#"{"kind":"keys","keys":{"n/a/k":"sk-canary"}}"#).unwrap_err();
    assert!(!wrong.to_string().contains("canary"), "{wrong}");
    let newer = br#"{"kind":"keys","keys":{"n/a/k":{"state":"leased","until":5}}}"#;
    assert_eq!(read_line(newer), Ok(Line::Keys([("n/a/k".to_owned(), Key::Unknown)].into())));
}

#[test]
fn a_line_of_a_newer_operator_is_skipped_not_an_error() {
    assert_eq!(read_line(br#"{"kind":"credential","id":"x"}"#), Ok(Line::Unknown));
}

#[test]
fn the_version_names_the_content_and_nothing_else() {
    let sealed = sample();
    assert_eq!(sealed.clone().seal().version, sealed.version);
    let other = Snapshot { rules: vec![], ..sealed.clone() }.seal();
    assert_ne!(other.version, sealed.version);
}

#[test]
fn patterns_match_exactly_or_with_stars() {
    for (pattern, model, expected) in [
        ("gpt-4o", "gpt-4o", true),
        ("gpt-4o", "gpt-4o-mini", false),
        ("gpt-*", "gpt-4o", true),
        ("gpt-*", "claude", false),
        ("*", "", true),
        ("*-mini", "gpt-4o-mini", true),
        ("us.*claude*-v1:0", "us.anthropic.claude-sonnet-v1:0", true),
        ("a*a", "a", false),
        ("*é*", "caffé!", true),
    ] {
        assert_eq!(ModelPattern(pattern.into()).matches(model), expected, "{pattern} {model}");
    }
}

#[test]
fn a_pattern_covers_what_it_means_and_narrower_patterns() {
    for (wide, narrow, expected) in
        [("*", "gpt-*", true), ("gpt-*", "gpt-4o", true), ("gpt-*", "gpt-4*", true), ("gpt-4o", "gpt-*", false)]
    {
        assert_eq!(ModelPattern(wide.into()).covers(&ModelPattern(narrow.into())), expected, "{wide} {narrow}");
    }
}

#[test]
fn a_credentials_state_of_a_newer_sidecar_is_unknown_and_not_an_error() {
    let json = r#"{"sidecarVersion":"9","credentials":{"stream":"s","providers":{
        "n/a":{"state":"ready"},"n/b":{"state":"failed","reason":"denied","message":"no"},"n/c":{"state":"dreaming"}}}}"#;
    let report: Report = serde_json::from_str(json).unwrap();
    let states: Vec<CredentialState> = report.credentials.unwrap().providers.into_values().collect();
    let trouble = Trouble { reason: "denied".into(), message: "no".into() };
    assert_eq!(states, [CredentialState::Ready, CredentialState::Failed(trouble), CredentialState::Unknown]);
}
