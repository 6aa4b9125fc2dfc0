use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "c"]).prop_map(str::to_owned)
}

/// Endpoints, keys and patterns that are sometimes right, sometimes hostile.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("https://api.example.com/v1/".to_owned()),
        Just("http://vllm.models.svc:8000".to_owned()),
        Just("gpt-*".to_owned()),
        Just("10s".to_owned()),
        "\\PC{0,12}",
    ]
}

fn provider() -> impl Strategy<Value = AIProvider> {
    let kind = prop::sample::select(vec!["OpenAI", "Anthropic", "OpenAICompatible", "Echo", "Nonsense"]);
    let auth = prop::sample::select(vec!["None", "APIKey", "Passthrough"]);
    (name(), name(), kind, prop::option::of(text()), auth, prop::option::of(text())).prop_map(
        |(namespace, name, kind, endpoint, auth, key)| {
            let key = key.map(|key| json!({"mounted": {"key": key}, "header": key}));
            parse(json!({
                "apiVersion": "pillion.dev/v1alpha1", "kind": "AIProvider",
                "metadata": {"name": name, "namespace": namespace, "generation": 1},
                "spec": {"type": kind, "endpoint": endpoint, "auth": {"type": auth, "apiKey": key}},
            }))
        },
    )
}

fn route() -> impl Strategy<Value = AIRoute> {
    let operator = prop::sample::select(vec!["In", "NotIn", "Exists", "DoesNotExist", "Nonsense"]);
    let rule = (name(), text(), name(), -1..3i32, text()).prop_map(|(rule, model, provider, weight, timeout)| {
        json!({
            "name": rule,
            "matches": [{"models": [model], "headers": [{"name": model, "value": ""}]}],
            "backends": [{"provider": {"name": provider}, "weight": weight, "params": {"defaults": {model: weight}}}],
            "timeouts": {"connect": timeout},
        })
    });
    (name(), name(), operator, -1..2i32, 1..4i64, prop::collection::vec(rule, 0..3)).prop_map(
        |(namespace, name, operator, priority, age, rules)| {
            parse(json!({
                "apiVersion": "pillion.dev/v1alpha1", "kind": "AIRoute",
                "metadata": {
                    "name": name, "namespace": namespace, "generation": age,
                    "creationTimestamp": format!("2026-01-0{age}T00:00:00Z"),
                },
                "spec": {
                    "priority": priority, "rules": rules,
                    "podSelector": {"matchExpressions": [{"key": "app", "operator": operator, "values": ["a"]}]},
                },
            }))
        },
    )
}

fn parse<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// Object names are unique in a cluster, so they are here.
fn input() -> impl Strategy<Value = Input> {
    (prop::collection::vec(provider(), 0..6), prop::collection::vec(route(), 0..6)).prop_map(|(providers, routes)| {
        let mut input = Input { providers, routes, ..Input::default() };
        let mut seen = BTreeSet::new();
        input.providers.retain(|object| seen.insert(ObjectKey::of_provider(object)));
        input.routes.retain(|object| seen.insert(ObjectKey::of_route(object)));
        for namespace in ["a", "b", "c"] {
            for app in [None, Some("a"), Some("b")] {
                let labels = app.map(|app| ("app".to_owned(), app.to_owned())).into_iter().collect();
                input.workloads.insert(Workload {
                    namespace: namespace.to_owned(),
                    labels,
                    account: AccountIdentity::default(),
                });
            }
        }
        input
    })
}

proptest! {
    #[test]
    fn compile_gives_equal_bytes_whatever_the_order_of_its_input(
        input in input(), providers in any::<prop::sample::Index>(), routes in any::<prop::sample::Index>(),
    ) {
        let mut shuffled = input.clone();
        if !input.providers.is_empty() {
            shuffled.providers.rotate_left(providers.index(input.providers.len()));
        }
        if !input.routes.is_empty() {
            shuffled.routes.rotate_left(routes.index(input.routes.len()));
            shuffled.routes.reverse();
        }
        let bytes = |input: &Input| {
            compile(input).snapshots.values().map(|snapshot| serde_json::to_vec(snapshot).unwrap()).collect::<Vec<_>>()
        };
        prop_assert_eq!(bytes(&input), bytes(&shuffled));
        prop_assert_eq!(compile(&input), compile(&shuffled));
    }

    #[test]
    fn compile_answers_for_every_object_and_every_workload(input in input()) {
        let compiled = compile(&input);
        prop_assert_eq!(compiled.snapshots.len(), input.workloads.len());
        prop_assert_eq!(compiled.objects.len(), input.providers.len() + input.routes.len());
    }

    #[test]
    fn a_workload_gets_only_rules_and_providers_of_its_namespace(input in input()) {
        for (workload, snapshot) in compile(&input).snapshots {
            let own = format!("{}/", workload.namespace);
            prop_assert!(snapshot.rules.iter().all(|rule| rule.name.route.starts_with(&own)));
            prop_assert!(snapshot.providers.keys().all(|key| key.0.starts_with(&own)));
        }
    }

    #[test]
    fn what_is_not_accepted_is_in_no_snapshot(input in input()) {
        let compiled = compile(&input);
        for (key, findings) in &compiled.objects {
            if !findings.accepted.status {
                let source = key.to_string();
                prop_assert!(compiled.snapshots.values().all(|snapshot| !snapshot.sources.contains_key(&source)));
            }
        }
    }

    #[test]
    fn reading_any_text_as_a_manifest_never_panics(text in "\\PC{0,200}") {
        manifest::Manifest::default().read("f.yaml", &text);
    }
}

#[test]
fn a_manifest_names_the_field_that_nobody_knows_and_the_document_that_does_not_parse() {
    let mut manifest = manifest::Manifest::default();
    manifest.read(
        "f.yaml",
        "apiVersion: pillion.dev/v1alpha1\nkind: AIProvider\nmetadata: {name: a}\nspec: {type: Echo, endpiont: x}\n\
         ---\napiVersion: pillion.dev/v1alpha1\nkind: AIRoute\nmetadata: {name: b}\nspec: {rules: 3}\n\
         ---\napiVersion: pillion.dev/v1alpha1\nkind: AIRuote\n\
         ---\napiVersion: v1\nkind: Secret\n\
         ---\napiVersion: v1\nkind: List\nitems: [{apiVersion: pillion.dev/v1alpha1, kind: AIProvider, metadata: {name: c}, spec: {type: Echo}}]\n",
    );
    let findings: Vec<String> = manifest.findings.iter().map(ToString::to_string).collect();
    assert_eq!(findings.len(), 3, "{findings:#?}");
    assert_eq!(findings[0], "f.yaml#1: spec.endpiont: unknown field");
    assert!(findings[1].starts_with("f.yaml#2: failed to parse: "), "{}", findings[1]);
    assert!(findings[2].contains("no kind 'AIRuote'"), "{}", findings[2]);
    assert_eq!((manifest.providers.len(), manifest.others.len()), (1, 1));
}
