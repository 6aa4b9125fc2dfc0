//! Rules that can never be reached, since an earlier one takes all their calls for every pod they concern.

use crate::finding::{ObjectKey, Verdict};
use crate::select;
use pillion_crds::AIRoute;
use pillion_crds::conditions::reason;
use pillion_snapshot::{Match, Rule};
use std::collections::BTreeMap;

/// For each route with such rules, the verdict of its condition `Overridden`. Errs on the side of silence: a rule that
/// only several earlier ones together hide is not found.
pub(crate) fn find(routes: &[(&AIRoute, Vec<Rule>)]) -> Vec<(ObjectKey, Verdict)> {
    let mut earlier: Vec<(&AIRoute, &Rule)> = vec![];
    let mut found: BTreeMap<ObjectKey, Vec<String>> = BTreeMap::new();
    for (route, rules) in routes {
        for rule in rules {
            let hides = |(other, by): &&(&AIRoute, &Rule)| concerns_all_of(other, route) && takes_all_of(by, rule);
            if let Some((_, by)) = earlier.iter().find(hides) {
                let text = format!(
                    "rule '{}' is never reached: rule '{}' of AIRoute '{}' takes all its calls",
                    rule.name.rule, by.name.rule, by.name.route
                );
                found.entry(ObjectKey::of_route(route)).or_default().push(text);
            }
            earlier.push((route, rule));
        }
    }
    let verdict = |texts: Vec<String>| Verdict { status: true, reason: reason::OVERRIDDEN, message: texts.join("; ") };
    found.into_iter().map(|(key, texts)| (key, verdict(texts))).collect()
}

/// Whether `wide` selects every pod that `narrow` selects.
fn concerns_all_of(wide: &AIRoute, narrow: &AIRoute) -> bool {
    wide.metadata.namespace == narrow.metadata.namespace
        && (select::is_empty(wide.spec.pod_selector.as_ref()) || wide.spec.pod_selector == narrow.spec.pod_selector)
}

fn takes_all_of(wide: &Rule, narrow: &Rule) -> bool {
    if wide.matches.is_empty() {
        return true;
    }
    !narrow.matches.is_empty() && narrow.matches.iter().all(|part| wide.matches.iter().any(|other| covers(other, part)))
}

fn covers(wide: &Match, narrow: &Match) -> bool {
    let models = wide.models.is_empty()
        || !narrow.models.is_empty()
            && narrow.models.iter().all(|model| wide.models.iter().any(|other| other.covers(model)));
    models
        && contains_all(&wide.operations, &narrow.operations)
        && contains_all(&wide.formats, &narrow.formats)
        && wide.headers.iter().all(|header| narrow.headers.contains(header))
}

fn contains_all(wide: &[String], narrow: &[String]) -> bool {
    wide.is_empty() || !narrow.is_empty() && narrow.iter().all(|name| wide.contains(name))
}
