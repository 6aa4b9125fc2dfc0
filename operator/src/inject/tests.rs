//! Golden pods, the truth table, and properties over generated pods.

use super::*;
use proptest::prelude::*;
use serde_json::json;
use std::path::Path;

fn config() -> Config {
    Config::parse("sidecar: {image: registry.example/pillion-sidecar:1}").unwrap()
}

fn labels(value: Option<&str>) -> BTreeMap<String, String> {
    value.map(|value| (INJECT.to_owned(), value.to_owned())).into_iter().collect()
}

fn run(pod: &Value) -> Injection {
    inject(pod, &InjectContext { config: &config(), ca_bundle: "CA", seal: None, namespace_labels: None })
}

fn patched(pod: &Value, injection: &Injection) -> Value {
    let patch: json_patch::Patch = serde_json::from_value(serde_json::to_value(&injection.patch).unwrap()).unwrap();
    let mut pod = pod.clone();
    json_patch::patch(&mut pod, &patch).unwrap();
    pod
}

/// Every folder of `tests/inject` is a case: `pod.yaml`, perhaps `config.yaml`, and `expected.yaml` with what comes
/// of it. With `PILLION_WRITE_GOLDENS=1` in the environment, what is expected is written anew.
#[test]
fn golden_pods_are_injected_as_recorded() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inject");
    let mut cases: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() >= 10, "{} cases", cases.len());
    for case in cases {
        let read = |file: &str| std::fs::read_to_string(case.join(file)).ok();
        let pod: Value = serde_norway::from_str(&read("pod.yaml").expect("a case has a pod.yaml")).unwrap();
        let config = read("config.yaml").map_or_else(config, |text| Config::parse(&text).unwrap());
        let context = InjectContext { config: &config, ca_bundle: "CA", seal: None, namespace_labels: None };
        let injection = inject(&pod, &context);
        let outcome = json!({
            "skipped": injection.skipped.map(SkipReason::as_str),
            "warnings": injection.warnings,
            "pod": injection.pod,
        });
        let outcome = serde_norway::to_string(&outcome).unwrap();
        if std::env::var_os("PILLION_WRITE_GOLDENS").is_some() {
            std::fs::write(case.join("expected.yaml"), &outcome).unwrap();
        }
        assert_eq!(read("expected.yaml").unwrap_or_default(), outcome, "{}", case.display());
        assert_eq!(patched(&pod, &injection).to_string(), injection.pod.to_string(), "{}", case.display());
        assert_eq!(inject(&injection.pod, &context).patch, [], "{}", case.display());
    }
}

#[test]
fn pod_and_namespace_decide_as_the_truth_table_says() {
    use SkipReason::{InvalidValue, NotAsked, OptedOut};
    let table = [
        (None, None, Some(NotAsked)),
        (None, Some("true"), None),
        (None, Some("false"), Some(OptedOut)),
        (None, Some("ture"), Some(InvalidValue)),
        (Some("enabled"), None, None),
        (Some("enabled"), Some("true"), None),
        (Some("enabled"), Some("false"), Some(OptedOut)),
        (Some("enabled"), Some("ture"), Some(InvalidValue)),
        (Some("disabled"), None, Some(NotAsked)),
        (Some("disabled"), Some("true"), None),
        (Some("disabled"), Some("false"), Some(OptedOut)),
        (Some("disabled"), Some("ture"), Some(InvalidValue)),
        (Some("true"), None, Some(InvalidValue)),
    ];
    for (namespace, pod, skipped) in table {
        for place in ["labels", "annotations"] {
            let words = pod.map_or_else(|| json!({}), |word| json!({INJECT: word}));
            let pod = json!({"metadata": {place: words}, "spec": {"containers": [{"name": "app"}]}});
            let labels = labels(namespace);
            let context =
                InjectContext { config: &config(), ca_bundle: "CA", seal: None, namespace_labels: Some(&labels) };
            let injection = inject(&pod, &context);
            assert_eq!(injection.skipped, skipped, "namespace {namespace:?}, pod {pod}");
            assert_eq!(injection.warnings.is_empty(), skipped != Some(InvalidValue), "{:?}", injection.warnings);
            assert_eq!(injection.patch.is_empty(), skipped.is_some());
            assert_eq!(injection.pod == pod, skipped.is_some());
        }
    }
}

#[test]
fn a_label_beats_an_annotation_with_a_warning() {
    let pod = json!({
        "metadata": {"labels": {INJECT: "false"}, "annotations": {INJECT: "true"}},
        "spec": {"containers": [{"name": "app"}]},
    });
    let injection = run(&pod);
    assert_eq!(injection.skipped, Some(SkipReason::OptedOut));
    assert!(injection.warnings[0].contains("the label counts"), "{:?}", injection.warnings);
}

#[test]
fn an_older_sidecar_is_replaced_wholly() {
    let pod = json!({"spec": {"containers": [{"name": "app", "env": [{"name": "A", "value": "1"}]}]}});
    let mut older = run(&pod).pod;
    older["spec"]["initContainers"][0]["image"] = "registry.example/pillion-sidecar:0".into();
    older["spec"]["initContainers"][0]["command"] = json!(["old"]);
    older["spec"]["containers"][0]["env"][0]["value"] = "http://127.0.0.1:15400/old".into();
    older["spec"]["volumes"].as_array_mut().unwrap().push(json!({"name": "pillion-former", "emptyDir": {}}));
    let status = older["metadata"]["annotations"][STATUS].as_str().unwrap();
    let status = status.replace("\"pillion-state\"", "\"pillion-state\",\"pillion-former\"");
    older["metadata"]["annotations"][STATUS] = status.into();
    assert_eq!(run(&older).pod, run(&pod).pod);
}

#[test]
fn what_others_add_to_the_sidecar_is_left_to_it() {
    let pod = json!({"spec": {"containers": [{"name": "app"}]}});
    let mut stored = run(&pod).pod;
    let sidecar = &mut stored["spec"]["initContainers"][0];
    sidecar["terminationMessagePath"] = "/dev/termination-log".into();
    sidecar["imagePullPolicy"] = "IfNotPresent".into();
    sidecar["startupProbe"]["timeoutSeconds"] = 1.into();
    sidecar["startupProbe"]["httpGet"]["scheme"] = "HTTP".into();
    sidecar["env"].as_array_mut().unwrap().push(json!({"name": "AWS_ROLE_ARN", "value": "arn"}));
    let mount = json!({"name": "kube-api-access-x", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"});
    sidecar["volumeMounts"].as_array_mut().unwrap().push(mount);
    assert_eq!(run(&stored).patch, []);
    stored["spec"]["initContainers"][0]["command"] = json!(["/bin/sh"]);
    assert!(!run(&stored).patch.is_empty());
}

#[test]
fn a_container_added_later_gets_its_variables_and_nothing_else_changes() {
    let mut pod = run(&json!({"spec": {"containers": [{"name": "app"}]}})).pod;
    pod["spec"]["containers"].as_array_mut().unwrap().push(json!({"name": "late"}));
    let mut paths: Vec<String> = run(&pod)
        .patch
        .iter()
        .map(|operation| serde_json::to_value(operation).unwrap()["path"].as_str().unwrap().to_owned())
        .collect();
    paths.sort();
    assert_eq!(paths, ["/metadata/annotations/pillion.dev~1status", "/spec/containers/1/env"]);
}

#[test]
fn the_patch_of_a_plain_pod_only_adds() {
    let pod = json!({
        "metadata": {"generateName": "a-", "labels": {"app": "a"}},
        "spec": {
            "initContainers": [{"name": "migrate", "env": [{"name": "A", "value": "1"}]}],
            "containers": [{"name": "app"}],
            "volumes": [{"name": "data"}],
        },
    });
    let patch = serde_json::to_value(run(&pod).patch).unwrap();
    for operation in patch.as_array().unwrap() {
        assert_eq!(operation["op"], "add", "{operation}");
    }
}

#[test]
fn what_is_not_a_pod_is_skipped_whatever_it_is() {
    for pod in [
        json!(null),
        json!([]),
        json!({"spec": 1}),
        json!({"spec": {"containers": []}}),
        json!({"spec": {"containers": [1]}}),
        json!({"spec": {"containers": [{"name": 1}]}}),
        json!({"metadata": 1, "spec": {"containers": [{"name": "a"}]}}),
        json!({"metadata": {"annotations": []}, "spec": {"containers": [{"name": "a"}]}}),
        json!({"spec": {"containers": [{"name": "a", "env": {}}]}}),
        json!({"spec": {"containers": [{"name": "a"}], "volumes": [[]]}}),
    ] {
        let injection = run(&pod);
        assert_eq!(injection.skipped, Some(SkipReason::Malformed), "{pod}");
        assert_eq!(injection.pod, pod);
    }
}

/// The rules of the level `restricted` that concern one container.
#[test]
fn the_sidecar_keeps_to_the_restricted_pod_security_level() {
    let injection = run(&json!({"spec": {"containers": [{"name": "app"}]}}));
    let sidecar = &injection.pod["spec"]["initContainers"][0];
    let security = &sidecar["securityContext"];
    assert_eq!(security["allowPrivilegeEscalation"], false);
    assert_eq!(security["runAsNonRoot"], true);
    assert_eq!(security["capabilities"], json!({"drop": ["ALL"]}));
    assert_eq!(security["seccompProfile"]["type"], "RuntimeDefault");
    assert!(security["runAsUser"].as_i64().unwrap() > 0);
    assert!(security.get("privileged").is_none());
    assert!(sidecar["ports"].as_array().unwrap().iter().all(|port| port.get("hostPort").is_none()));
    for volume in injection.pod["spec"]["volumes"].as_array().unwrap() {
        let kinds: Vec<&String> = volume.as_object().unwrap().keys().filter(|key| *key != "name").collect();
        assert!(["projected", "secret", "emptyDir"].contains(&kinds[0].as_str()), "{volume}");
    }
}

#[test]
fn warnings_are_short_enough_to_be_passed_on() {
    let pod = json!({
        "metadata": {"annotations": {INJECT: "é".repeat(5000)}},
        "spec": {"containers": [{"name": "app"}]},
    });
    let injection = run(&pod);
    assert_eq!(injection.warnings.len(), 1);
    assert!(injection.warnings[0].chars().count() <= MAX_WARNING_CHARS);
}

/// Takes out what the status annotation says was put in.
fn uninjected(mut pod: Value) -> Value {
    let record = Record::of(&pod);
    let without = |list: &mut Value, names: &[String]| {
        if let Some(list) = list.as_array_mut() {
            list.retain(|item| !names.iter().any(|name| item["name"] == name.as_str()));
        }
    };
    without(&mut pod["spec"]["initContainers"], std::slice::from_ref(&record.container));
    without(&mut pod["spec"]["volumes"], &record.volumes);
    for list in ["initContainers", "containers"] {
        for container in pod["spec"][list].as_array_mut().into_iter().flatten() {
            let names = record.env.get(container["name"].as_str().unwrap()).cloned().unwrap_or_default();
            without(&mut container["env"], &names);
        }
    }
    let metadata = pod["metadata"].as_object_mut().unwrap();
    metadata["labels"].as_object_mut().unwrap().remove(INJECTED);
    let ours = [
        STATUS,
        "kubectl.kubernetes.io/default-container",
        "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes",
    ];
    metadata["annotations"].as_object_mut().unwrap().retain(|key, _| !ours.contains(&key.as_str()));
    pod
}

/// Absent, null and empty lists and objects mean the same to the API server.
fn normal(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let members = map.iter().map(|(key, value)| (key.clone(), normal(value)));
            Value::Object(members.filter(|(_, value)| !is_empty(value)).collect())
        }
        Value::Array(list) => list.iter().map(normal).collect(),
        other => other.clone(),
    }
}

fn is_empty(value: &Value) -> bool {
    value.is_null()
        || value.as_array().is_some_and(Vec::is_empty)
        || value.as_object().is_some_and(|map| map.is_empty())
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[ -~]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[a-z~/]{1,5}", inner, 0..3).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

fn variable() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        Just("OPENAI_BASE_URL"),
        Just("OPENAI_API_KEY"),
        Just("ANTHROPIC_BASE_URL"),
        Just("A"),
        Just("B"),
        Just("HTTP_PROXY"),
        Just("https_proxy"),
    ];
    (name, json_value()).prop_map(|(name, unknown)| json!({"name": name, "value": "x", "futureField": unknown}))
}

fn container(names: &'static str) -> impl Strategy<Value = Value> {
    let env = prop::option::of(prop::collection::vec(variable(), 0..4));
    (names, env, json_value(), any::<bool>(), any::<bool>()).prop_map(|(name, env, unknown, env_from, sidecar)| {
        let mut container = json!({"name": name, "futureField": unknown});
        if let Some(env) = env {
            container["env"] = env.into();
        }
        if env_from {
            container["envFrom"] = json!([{"configMapRef": {"name": "c"}}]);
        }
        if sidecar {
            container["restartPolicy"] = "Always".into();
        }
        container
    })
}

prop_compose! {
    fn pod()(
        containers in prop::collection::vec(container("[a-m]{1,3}"), 1..4),
        init in prop::option::of(prop::collection::vec(container("[n-y]{1,3}"), 0..3)),
        volumes in prop::option::of(prop::collection::vec(json_value().prop_map(|unknown| json!({"name": "v", "x": unknown})), 0..3)),
        unknown in json_value(),
        labels in prop::option::of(Just(json!({"app": "a"}))),
        skip in prop::option::of("[a-d]"),
        selection in prop::option::of(prop_oneof![Just("OPENAI_BASE_URL"), Just("!OPENAI_API_KEY"), Just("nonsense")]),
    ) -> Value {
        let mut annotations = json!({"x~/y": "z"});
        if let Some(skip) = skip {
            annotations["pillion.dev/skip-containers"] = skip.into();
        }
        if let Some(selection) = selection {
            annotations["pillion.dev/env"] = selection.into();
        }
        let mut pod = json!({
            "metadata": {"generateName": "p-", "annotations": annotations, "futureField": unknown},
            "spec": {"futureField": unknown, "containers": containers},
        });
        if let Some(labels) = labels {
            pod["metadata"]["labels"] = labels;
        }
        if let Some(init) = init {
            pod["spec"]["initContainers"] = init.into();
        }
        if let Some(volumes) = volumes {
            pod["spec"]["volumes"] = volumes.into();
        }
        pod
    }
}

/// Container names are unique in a pod; duplicates that the strategy made are renamed.
fn with_unique_names(mut pod: Value) -> Value {
    for list in ["initContainers", "containers"] {
        for (index, container) in pod["spec"][list].as_array_mut().into_iter().flatten().enumerate() {
            let name = format!("{}{index}{}", container["name"].as_str().unwrap(), &list[..1]);
            container["name"] = name.into();
        }
    }
    pod
}

proptest! {
    #[test]
    fn nothing_but_the_injected_parts_changes(pod in pod()) {
        let mut pod = with_unique_names(pod);
        for list in ["initContainers", "containers"] {
            if pod["spec"][list].is_null() {
                pod["spec"].as_object_mut().unwrap().remove(list);
            }
        }
        let injection = run(&pod);
        prop_assert_eq!(injection.skipped, None);
        let after = patched(&pod, &injection);
        prop_assert_eq!(after.to_string(), injection.pod.to_string());
        prop_assert_eq!(normal(&uninjected(after)), normal(&pod));
    }

    #[test]
    fn injecting_twice_is_injecting_once(pod in pod()) {
        let mut pod = with_unique_names(pod);
        pod["spec"]["volumes"] = json!([]);
        let once = run(&pod);
        prop_assert_eq!(run(&once.pod).patch, vec![]);
    }

    #[test]
    fn any_json_is_survived(value in json_value()) {
        let pod = json!({"metadata": value, "spec": {"containers": [{"name": "a", "env": value}], "volumes": value}});
        run(&pod);
        run(&json!({"metadata": {"annotations": {STATUS: value.to_string()}}, "spec": value}));
        run(&json!({"spec": {"containers": [{"name": "a", "ports": [value], "resources": value}], "resources": value}}));
    }

    #[test]
    fn a_diff_applied_gives_the_other_value(before in json_value(), after in json_value()) {
        let wrap = |value: &Value| json!({"list": [{"name": "a", "v": value}, {"name": "b"}], "v": value});
        for (before, after) in [(before.clone(), after.clone()), (wrap(&before), wrap(&after))] {
            let operations = diff(&before, &after);
            let patch: json_patch::Patch = serde_json::from_value(serde_json::to_value(&operations).unwrap()).unwrap();
            let mut value = before.clone();
            json_patch::patch(&mut value, &patch).unwrap();
            prop_assert_eq!(value, after);
        }
    }
}
