//! What the status of every object of one namespace should be; pure.

use super::Judged;
use super::conditions::{Claim, Sidecar, Word, judge, unparseable};
use super::credentials::{credentials_ready, not_needed, not_sent};
use crate::index::{Gathered, IndexedPod, Stored};
use kube::Resource;
use pillion_compiler::{ObjectKey, Workload, selects, whose_identity};
use pillion_crds::{AIProvider, AIRoute, Sidecars};
use pillion_snapshot::ProviderKey;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The status that an object should have.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wanted {
    pub(super) key: ObjectKey,
    /// Of the stored object.
    pub(super) generation: i64,
    pub(super) claims: Vec<Claim>,
    /// Fields of the status beside `conditions`.
    pub(super) fields: Map<String, Value>,
    /// Whether the stored object does not parse, its former status neither.
    pub(super) is_broken: bool,
}

/// Folds everything known of a namespace. `word` gives what is known of a pod's sidecar. An object that changed since
/// it was compiled is left out: its turn comes with the next compilation.
pub(super) fn fold(gathered: &Gathered, judged: &Judged, word: impl Fn(&IndexedPod) -> Word) -> Vec<Wanted> {
    // By class: an object concerns all pods of one or none.
    let mut classes: BTreeMap<Workload, Vec<Sidecar>> = BTreeMap::new();
    for pod in gathered.pods.iter().filter(|pod| pod.counts()) {
        let sidecar = Sidecar { pod: pod.name.clone(), word: word(pod) };
        classes.entry(judged.classes.of(pod)).or_default().push(sidecar);
    }
    let routes = gathered.routes.iter().filter_map(|stored| {
        wanted(stored, key("AIRoute", stored), judged, |route, _| {
            let selected = classes.iter().filter(|(class, _)| selects(route, class));
            Concerned {
                sidecars: selected.flat_map(|(_, list)| list).collect(),
                fields: route_fields(route),
                credentials: None,
            }
        })
    });
    let providers = gathered.providers.iter().filter_map(|stored| {
        wanted(stored, key("AIProvider", stored), judged, |provider, source| {
            let gets = |class: &Workload| judged.sources.get(class).is_some_and(|sources| sources.contains_key(source));
            let concerned = classes.iter().filter(|(class, _)| gets(class));
            let sidecars: Vec<&Sidecar> = concerned.flat_map(|(_, list)| list).collect();
            let credentials = Some(credentials(provider, source, judged, &sidecars));
            Concerned { sidecars, fields: provider_fields(provider, gathered), credentials }
        })
    });
    routes.chain(providers).collect()
}

/// What is said of one object beside the compiler's findings.
struct Concerned<'a> {
    sidecars: Vec<&'a Sidecar>,
    fields: Map<String, Value>,
    credentials: Option<Claim>,
}

fn credentials(provider: &AIProvider, source: &str, judged: &Judged, sidecars: &[&Sidecar]) -> Claim {
    let accepted = |key: &ObjectKey| judged.objects.get(key).is_some_and(|findings| findings.accepted.status);
    if whose_identity(provider).is_none() {
        not_needed()
    } else if accepted(&ObjectKey::of_provider(provider)) {
        let key = source.strip_prefix("AIProvider/").unwrap_or(source);
        credentials_ready(&ProviderKey(key.to_owned()), sidecars)
    } else {
        not_sent()
    }
}

fn key<T>(kind: &'static str, stored: &Stored<T>) -> ObjectKey {
    let metadata = stored.metadata();
    ObjectKey {
        kind,
        namespace: metadata.namespace.clone().unwrap_or_default(),
        name: metadata.name.clone().unwrap_or_default(),
    }
}

fn wanted<'a, T: Resource>(
    stored: &Stored<T>,
    key: ObjectKey,
    judged: &Judged,
    concerned: impl Fn(&T, &str) -> Concerned<'a>,
) -> Option<Wanted> {
    let generation = stored.metadata().generation.unwrap_or_default();
    if let Some(problem) = &stored.problem {
        let last_good = stored.object.as_ref().and_then(|object| object.meta().generation);
        let claims = unparseable(problem, last_good);
        return Some(Wanted { key, generation, claims, fields: Map::new(), is_broken: true });
    }
    let object = stored.object.as_deref()?;
    let findings = judged.objects.get(&key)?;
    let source = key.to_string();
    let Concerned { sidecars, mut fields, credentials } = concerned(object, &source);
    let (claims, sidecars) = judge(findings, &source, generation, &sidecars, credentials);
    fields.insert("sidecars".into(), counts(&sidecars));
    Some(Wanted { key, generation, claims, fields, is_broken: false })
}

fn counts(sidecars: &Sidecars) -> Value {
    serde_json::to_value(sidecars).unwrap_or_default()
}

/// The summaries that `kubectl get` shows.
fn route_fields(route: &AIRoute) -> Map<String, Value> {
    let rules = &route.spec.rules;
    let mut models: BTreeSet<&str> =
        rules.iter().flat_map(|rule| &rule.matches).flat_map(|matched| &matched.models).map(String::as_str).collect();
    let takes_all = |rule: &pillion_crds::RouteRule| {
        rule.matches.is_empty() || rule.matches.iter().any(|matched| matched.models.is_empty())
    };
    if rules.iter().any(takes_all) {
        models.insert("*");
    }
    let providers: BTreeSet<&str> =
        rules.iter().flat_map(|rule| &rule.backends).map(|backend| backend.provider.name.as_str()).collect();
    let summaries = json!({"models": summary(&models), "providers": summary(&providers)});
    summaries.as_object().cloned().unwrap_or_default()
}

fn provider_fields(provider: &AIProvider, gathered: &Gathered) -> Map<String, Value> {
    let name = provider.metadata.name.as_deref().unwrap_or_default();
    let refers = |route: &&AIRoute| {
        route.spec.rules.iter().flat_map(|rule| &rule.backends).any(|backend| backend.provider.name == name)
    };
    let routes = gathered.routes.iter().filter_map(|stored| stored.object.as_deref()).filter(refers).count();
    let mut fields = Map::from_iter([("routes".to_owned(), routes.into())]);
    let whose = whose_identity(provider).and_then(|whose| serde_json::to_value(whose).ok());
    fields.extend(whose.map(|whose| ("identity".to_owned(), whose)));
    fields
}

/// A few names, and how many more.
fn summary(names: &BTreeSet<&str>) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<&str> = names.iter().take(SHOWN).copied().collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(","),
        more => format!("{} +{more}", shown.join(",")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config_server::{Classes, PodAck};
    use crate::inject::Intact;
    use pillion_compiler::{Input, compile};
    use pillion_crds::conditions::{ACCEPTED, CREDENTIALS_READY, PROGRAMMED};
    use pillion_snapshot::{CredentialState, Trouble};
    use std::sync::Arc;

    fn pod(name: &str, app: &str, started: bool) -> Arc<IndexedPod> {
        Arc::new(IndexedPod {
            uid: name.into(),
            namespace: "n".into(),
            name: name.into(),
            labels: [("app".to_owned(), app.to_owned())].into(),
            service_account: "default".into(),
            terminating: false,
            finished: false,
            started,
            intact: Intact::untouched(),
        })
    }

    fn gathered(pods: Vec<Arc<IndexedPod>>) -> Gathered {
        let object = |kind: &str, name: &str, spec: Value| {
            json!({
                "apiVersion": "pillion.dev/v1alpha1", "kind": kind,
                "metadata": {"name": name, "namespace": "n", "generation": 2}, "spec": spec,
            })
        };
        let rule = json!({
            "name": "a", "matches": [{"models": ["gpt-4o", "claude-*"]}], "backends": [{"provider": {"name": "p"}}],
        });
        let route = object("AIRoute", "r", json!({"podSelector": {"matchLabels": {"app": "a"}}, "rules": [rule]}));
        let auth = json!({"type": "APIKey", "apiKey": {"mounted": {"key": "openai"}}});
        let p = object("AIProvider", "p", json!({"type": "OpenAI", "auth": auth}));
        let unused = json!({"type": "OpenAI"});
        Gathered {
            providers: vec![
                Stored::sound(serde_json::from_value(p).unwrap()),
                Stored::sound(serde_json::from_value(object("AIProvider", "unused", unused)).unwrap()),
            ],
            routes: vec![Stored::sound(serde_json::from_value(route).unwrap())],
            accounts: BTreeMap::new(),
            pods,
        }
    }

    fn judged(gathered: &Gathered) -> Judged {
        let classes = Classes { labels: ["app".to_owned()].into(), ..Classes::default() };
        let input = Input {
            providers: gathered.providers.iter().filter_map(|stored| stored.object.as_deref().cloned()).collect(),
            routes: gathered.routes.iter().filter_map(|stored| stored.object.as_deref().cloned()).collect(),
            workloads: gathered.pods.iter().map(|pod| classes.of(pod)).collect(),
            ..Input::default()
        };
        let compiled = compile(&input);
        let sources =
            compiled.snapshots.into_iter().map(|(class, snapshot)| (class, Arc::new(snapshot.sources))).collect();
        Judged { objects: compiled.objects, sources, classes }
    }

    fn find<'a>(wanted: &'a [Wanted], name: &str) -> &'a Wanted {
        wanted.iter().find(|wanted| wanted.key.name == name).unwrap()
    }

    #[test]
    fn only_started_pods_that_an_object_concerns_are_counted() {
        let gathered = gathered(vec![pod("1", "a", true), pod("2", "a", false), pod("3", "b", true)]);
        let serving: crate::config_server::Serving =
            Arc::new([("AIRoute/n/r".to_owned(), 2), ("AIProvider/n/p".to_owned(), 2)].into());
        let word = |_: &IndexedPod| Word::Said(PodAck { serving: Some(serving.clone()), ..PodAck::default() });
        let wanted = fold(&gathered, &judged(&gathered), word);
        assert_eq!(find(&wanted, "r").fields["sidecars"]["summary"], "1/1");
        assert_eq!(find(&wanted, "r").fields["models"], "claude-*,gpt-4o");
        assert_eq!(find(&wanted, "r").fields["providers"], "p");
        assert_eq!(find(&wanted, "p").fields["sidecars"]["summary"], "1/1");
        assert_eq!(find(&wanted, "p").fields["routes"], 1);
        assert_eq!(find(&wanted, "p").fields["identity"], "Static");
        assert_eq!(find(&wanted, "unused").fields.get("identity"), None);
        assert_eq!(find(&wanted, "unused").fields["sidecars"]["summary"], "0/0");
    }

    #[test]
    fn a_provider_says_whether_its_sidecars_have_their_credential_and_a_route_does_not() {
        let gathered = gathered(vec![pod("1", "a", true)]);
        let trouble = Trouble { reason: "key_missing".into(), message: "put it there".into() };
        let states = Arc::new([(ProviderKey("n/p".into()), CredentialState::Failed(trouble))].into());
        let word = |_: &IndexedPod| Word::Said(PodAck { credentials: Some(Arc::clone(&states)), ..PodAck::default() });
        let wanted = fold(&gathered, &judged(&gathered), word);
        let claim = |name: &str| find(&wanted, name).claims.iter().find(|claim| claim.type_ == CREDENTIALS_READY);
        assert!(claim("p").unwrap().message.contains("pod '1': key_missing: put it there"), "{:?}", claim("p"));
        assert_eq!((claim("unused").unwrap().status, claim("unused").unwrap().reason), ("True", "NotNeeded"));
        assert_eq!(claim("r"), None);
    }

    #[test]
    fn a_stored_object_that_does_not_parse_says_so_and_stops_no_other() {
        let mut gathered = gathered(vec![]);
        let metadata = gathered.routes[0].metadata().clone();
        let metadata = kube::api::ObjectMeta { name: Some("bad".into()), ..metadata };
        gathered.routes.push(Stored::broken(metadata, "missing field `rules`".into()));
        let wanted = fold(&gathered, &judged(&gathered), |_| Word::Silent { long: true });
        let bad = find(&wanted, "bad");
        assert!(bad.is_broken);
        let claim = |wanted: &Wanted, type_| wanted.claims.iter().find(|claim| claim.type_ == type_).unwrap().clone();
        assert_eq!((claim(bad, ACCEPTED).status, claim(bad, ACCEPTED).reason), ("False", "Unparseable"));
        assert_eq!(claim(find(&wanted, "r"), PROGRAMMED).status, "True");
    }

    #[test]
    fn a_summary_shows_a_few_names() {
        assert_eq!(summary(&BTreeSet::from(["a"])), "a");
        assert_eq!(summary(&BTreeSet::from(["a", "b", "c", "d", "e"])), "a,b,c +2");
    }
}
