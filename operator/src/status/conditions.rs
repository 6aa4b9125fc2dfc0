//! Conditions: what they say of one object, from the compiler's verdicts and the sidecars' words; pure.

use crate::config_server::PodAck;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use pillion_compiler::{Findings, Verdict};
use pillion_crds::Sidecars;
use pillion_crds::conditions::{ACCEPTED, OVERRIDDEN, PROGRAMMED, READY, RESOLVED_REFS, reason};

/// A condition without its times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) type_: &'static str,
    pub(super) status: &'static str,
    pub(super) reason: &'static str,
    pub(super) message: String,
}

/// A pod whose sidecar has started, and its word.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sidecar {
    /// The pod's name.
    pub(super) pod: String,
    pub(super) word: Word,
}

/// The word of a pod whose sidecar has started.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Word {
    /// It is connected.
    Said(PodAck),
    /// It is not, for a moment or for long.
    Silent {
        /// For 30 s or more.
        long: bool,
    },
}

pub(super) fn claim(
    type_: &'static str,
    status: &'static str,
    reason: &'static str,
    message: impl Into<String>,
) -> Claim {
    // The API server refuses longer messages.
    Claim { type_, status, reason, message: message.into().chars().take(8_000).collect() }
}

fn verdict(type_: &'static str, verdict: &Verdict) -> Claim {
    claim(type_, if verdict.status { "True" } else { "False" }, verdict.reason, verdict.message.clone())
}

/// Conditions and counts of one object that parses. `source` names it in acks; `sidecars` are those that it concerns;
/// `credentials` is what is to be said of its credential, if it may have one.
pub(super) fn judge(
    findings: &Findings,
    source: &str,
    generation: i64,
    sidecars: &[&Sidecar],
    credentials: Option<Claim>,
) -> (Vec<Claim>, Sidecars) {
    let pods: Vec<&Word> = sidecars.iter().map(|sidecar| &sidecar.word).collect();
    let accepted = verdict(ACCEPTED, &findings.accepted);
    let resolved = verdict(RESOLVED_REFS, &findings.resolved_refs);
    let serves = |word: &&&Word| match word {
        Word::Said(ack) => ack.serving.as_ref().is_some_and(|serving| serving.get(source) == Some(&generation)),
        Word::Silent { .. } => false,
    };
    let serving = pods.iter().filter(serves).count();
    let programmed = if findings.accepted.status {
        programmed(generation, &pods, serving)
    } else {
        claim(PROGRAMMED, "False", reason::PENDING, "what is not accepted is sent to no sidecar")
    };
    let mut claims = vec![accepted, resolved];
    claims.extend(credentials);
    claims.push(programmed);
    claims.push(ready(&claims));
    claims.extend(findings.overridden.as_ref().map(|overridden| verdict(OVERRIDDEN, overridden)));
    (claims, counts(pods.len(), serving))
}

/// Conditions of an object that is stored and does not parse.
pub(super) fn unparseable(problem: &str, last_good: Option<i64>) -> Vec<Claim> {
    let message = format!("the stored object does not parse, edit it or delete it: {problem}");
    let pending = last_good.map_or_else(
        || "what does not parse is sent to no sidecar".to_owned(),
        |generation| format!("generation {generation} is still served"),
    );
    let accepted = claim(ACCEPTED, "False", reason::UNPARSEABLE, message);
    let resolved = claim(RESOLVED_REFS, "Unknown", reason::UNPARSEABLE, "the stored object does not parse");
    let programmed = claim(PROGRAMMED, "False", reason::PENDING, pending);
    let mut claims = vec![accepted, resolved, programmed];
    claims.push(ready(&claims));
    claims
}

fn programmed(generation: i64, pods: &[&Word], serving: usize) -> Claim {
    let all = pods.len();
    if all == 0 {
        return claim(PROGRAMMED, "True", reason::NO_SIDECARS, "no running sidecar is concerned");
    }
    if serving == all {
        return claim(
            PROGRAMMED,
            "True",
            reason::PROGRAMMED,
            format!("all sidecars concerned serve generation {generation}"),
        );
    }
    let count = format!("{serving} of {all} sidecars serve generation {generation}");
    let refusal = pods.iter().find_map(|word| match word {
        Word::Said(PodAck { refused: Some(why), .. }) => Some(why),
        _ => None,
    });
    if let Some(why) = refusal {
        return claim(PROGRAMMED, "False", reason::REFUSED, format!("{count}; one refused: {why}"));
    }
    let lost = pods.iter().filter(|word| matches!(word, Word::Silent { long: true })).count();
    if lost > 0 {
        let message =
            format!("{count}; {lost} not heard of for 30 s: see the log of the container pillion in their pods");
        return claim(PROGRAMMED, "Unknown", reason::SIDECARS_UNREACHABLE, message);
    }
    claim(PROGRAMMED, "False", reason::PENDING, count)
}

/// False where any is False, else Unknown where any is, else True; with the first one's reason.
fn ready(conditions: &[Claim]) -> Claim {
    let first = |status: &str| conditions.iter().find(|claim| claim.status == status);
    match first("False").or_else(|| first("Unknown")) {
        Some(culprit) => {
            let message = format!("{} is {}: {}", culprit.type_, culprit.status, culprit.message);
            claim(READY, if culprit.status == "False" { "False" } else { "Unknown" }, culprit.reason, message)
        }
        None => claim(READY, "True", reason::READY, "all other conditions are true"),
    }
}

fn counts(selected: usize, programmed: usize) -> Sidecars {
    let number = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    Sidecars {
        selected: number(selected),
        programmed: number(programmed),
        summary: Some(format!("{programmed}/{selected}")),
    }
}

/// The conditions to write: times change only where a status flips.
pub(super) fn with_times(claims: &[Claim], former: &[Condition], generation: i64, now: &Time) -> Vec<Condition> {
    claims
        .iter()
        .map(|claim| {
            let same = former.iter().find(|old| old.type_ == claim.type_ && old.status == claim.status);
            Condition {
                type_: claim.type_.into(),
                status: claim.status.into(),
                reason: claim.reason.into(),
                message: claim.message.clone(),
                observed_generation: Some(generation),
                last_transition_time: same.map_or_else(|| now.clone(), |old| old.last_transition_time.clone()),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::jiff::Timestamp;
    use std::sync::Arc;

    const SOURCE: &str = "AIRoute/n/r";

    fn good() -> Findings {
        let verdict = |reason| Verdict { status: true, reason, message: "fine".into() };
        Findings {
            accepted: verdict(reason::ACCEPTED),
            resolved_refs: verdict(reason::RESOLVED_REFS),
            overridden: None,
        }
    }

    fn serving(generation: i64) -> Word {
        Word::Said(PodAck { serving: Some(Arc::new([(SOURCE.to_owned(), generation)].into())), ..PodAck::default() })
    }

    fn refusing(generation: i64) -> Word {
        let serving = Some(Arc::new([(SOURCE.to_owned(), generation)].into()));
        Word::Said(PodAck { serving, refused: Some("unknown wire".into()), ..PodAck::default() })
    }

    fn judge_words(findings: &Findings, words: &[Word]) -> (Vec<Claim>, Sidecars) {
        let sidecars: Vec<Sidecar> =
            words.iter().map(|word| Sidecar { pod: String::new(), word: word.clone() }).collect();
        judge(findings, SOURCE, 3, &sidecars.iter().collect::<Vec<_>>(), None)
    }

    #[track_caller]
    fn check(findings: &Findings, pods: &[Word], programmed: (&str, &str), ready: &str, summary: &str) {
        let (claims, sidecars) = judge_words(findings, pods);
        let find = |type_: &str| claims.iter().find(|claim| claim.type_ == type_).unwrap();
        assert_eq!((find(PROGRAMMED).status, find(PROGRAMMED).reason), programmed, "{}", find(PROGRAMMED).message);
        assert_eq!(find(READY).status, ready);
        assert_eq!(sidecars.summary.as_deref(), Some(summary));
    }

    #[test]
    fn programmed_means_that_every_started_sidecar_serves_this_generation() {
        let silent = |long| Word::Silent { long };
        check(&good(), &[], ("True", "NoSidecars"), "True", "0/0");
        check(&good(), &[serving(3), serving(3)], ("True", "Programmed"), "True", "2/2");
        check(&good(), &[serving(3), serving(2)], ("False", "Pending"), "False", "1/2");
        check(&good(), &[Word::Said(PodAck::default())], ("False", "Pending"), "False", "0/1");
        check(&good(), &[serving(3), silent(false)], ("False", "Pending"), "False", "1/2");
        check(&good(), &[serving(3), silent(true)], ("Unknown", "SidecarsUnreachable"), "Unknown", "1/2");
        check(&good(), &[refusing(2), silent(true)], ("False", "Refused"), "False", "0/2");
        check(&good(), &[refusing(3)], ("True", "Programmed"), "True", "1/1");
    }

    #[test]
    fn a_dangling_reference_does_not_undo_acceptance_and_ready_names_it() {
        let mut findings = good();
        findings.resolved_refs =
            Verdict { status: false, reason: reason::BACKEND_NOT_FOUND, message: "no such provider".into() };
        let (claims, _) = judge_words(&findings, &[serving(3)]);
        let statuses: Vec<&str> = claims.iter().map(|claim| claim.status).collect();
        assert_eq!(statuses, ["True", "False", "True", "False"]);
        assert_eq!(claims[3].reason, reason::BACKEND_NOT_FOUND);
    }

    #[test]
    fn a_provider_without_its_credential_is_not_ready() {
        let missing = claim("CredentialsReady", "False", reason::CREDENTIAL_UNAVAILABLE, "pod 'a': denied");
        let (claims, _) = judge(&good(), SOURCE, 3, &[], Some(missing));
        let shown: Vec<(&str, &str)> = claims.iter().map(|claim| (claim.type_, claim.status)).collect();
        let [accepted, resolved] = [(ACCEPTED, "True"), (RESOLVED_REFS, "True")];
        assert_eq!(shown, [accepted, resolved, ("CredentialsReady", "False"), (PROGRAMMED, "True"), (READY, "False")]);
        assert_eq!(claims[4].reason, reason::CREDENTIAL_UNAVAILABLE);
    }

    #[test]
    fn what_is_not_accepted_is_programmed_nowhere() {
        let mut findings = good();
        findings.accepted = Verdict { status: false, reason: reason::INVALID, message: "wrong".into() };
        check(&findings, &[], ("False", "Pending"), "False", "0/0");
    }

    #[test]
    fn a_time_changes_only_when_a_status_flips() {
        let early = Time(Timestamp::from_second(1_000).unwrap());
        let late = Time(Timestamp::from_second(2_000).unwrap());
        let (claims, _) = judge_words(&good(), &[serving(2)]);
        let first = with_times(&claims, &[], 3, &early);
        assert_eq!(with_times(&claims, &first, 3, &late), first);
        let (claims, _) = judge_words(&good(), &[serving(3)]);
        let second = with_times(&claims, &first, 3, &late);
        let times: Vec<bool> = second.iter().map(|condition| condition.last_transition_time == late).collect();
        assert_eq!(times, [false, false, true, true]);
    }
}
