//! Whether the judges would notice a translator that is wrong: what the translators wrote is spoilt as a bug would spoil it
//! (a member dropped or renamed, a list out of order, a count, text or list off by one), at one place for all recorded cases
//! of a pair, and some judge must refuse some case. Nineteen mutants of twenty must be killed.

mod answers;
mod events;
mod json;
mod kept;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use pillion_llm::Format;
use serde_json::Value;

use crate::corpus::{CASES, Case};
use crate::excluded::say;
use crate::frames::Event;
use crate::matrix::model;
use crate::parties::{FORMATS, others, targets};
use crate::{replies, requests, streams, view};
use json::Kind;
use kept::Kept;

/// One mutant of this many is tried; which ones is chosen by their names, so always the same.
const SHARE: u64 = 6;
/// Of a hundred mutants this many must be killed.
const ENOUGH: usize = 95;

/// What is spoilt, and how.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Mutant {
    client: Format,
    wire: Format,
    /// Of a stream: the kind of its events.
    label: String,
    path: String,
    kind: Kind,
}

impl Mutant {
    /// FNV-1a over its name.
    fn is_seeded(&self) -> bool {
        let name = format!("{self:?}");
        let hash = name
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        (hash >> 7) % SHARE == 0
    }
}

/// What became of mutants: whether a judge noticed.
#[derive(Default)]
struct Tally(BTreeMap<Mutant, bool>);

impl Tally {
    /// Tries what can be spoilt of one translation, save mutants that were noticed before.
    fn run(&mut self, mutants: impl IntoIterator<Item = Mutant>, noticed: impl Fn(&Mutant) -> bool) {
        for mutant in mutants {
            if self.0.get(&mutant) != Some(&true) && mutant.is_seeded() {
                let noticed = noticed(&mutant);
                self.0.insert(mutant, noticed);
            }
        }
    }

    #[track_caller]
    fn judged(self, what: &str) {
        let killed = self.0.values().filter(|noticed| **noticed).count();
        let mut survivors = String::new();
        for (mutant, _) in self.0.iter().filter(|(_, noticed)| !**noticed) {
            let Mutant { client, wire, label, path, kind } = mutant;
            let _ = writeln!(survivors, "{client} of {wire}: {kind:?} {label} {path}");
        }
        say(&format!("mutants of {what}: {killed} of {} killed", self.0.len()));
        if std::env::var_os("SURVIVORS").is_some() {
            say(&survivors);
        }
        assert!(
            killed * 100 >= self.0.len() * ENOUGH,
            "of {} mutants of {what} only {killed} are killed:\n{survivors}",
            self.0.len()
        );
    }
}

fn cases(fits: impl Fn(&Case) -> bool) -> impl Iterator<Item = &'static Case> {
    CASES.iter().filter(move |case| FORMATS.contains(&case.format()) && fits(case))
}

fn of_json(client: Format, wire: Format, body: &Value) -> impl Iterator<Item = Mutant> {
    let mutant = move |(path, kind)| Mutant { client, wire, label: String::new(), path, kind };
    json::places(body).into_iter().map(mutant)
}

fn spoilt(body: &Value, mutant: &Mutant) -> Value {
    let mut body = body.clone();
    json::spoil(&mut body, &mutant.path, mutant.kind);
    body
}

/// What upstream and client both say in the neutral model, in its order: what was exact must stay so.
fn common(said: &[String], translated: &[String]) -> Vec<String> {
    let mut rest = translated.iter();
    said.iter()
        .filter(|line| rest.clone().any(|other| other == *line) && rest.by_ref().any(|other| other == *line))
        .cloned()
        .collect()
}

fn holds(translated: &[String], kept: &[String]) -> bool {
    let mut rest = translated.iter();
    kept.iter().all(|line| rest.any(|other| other == line))
}

#[test]
fn spoilt_requests_are_noticed() {
    let (mut tally, mut ledger) = (Tally::default(), Kept::default());
    for case in cases(|case| case.request.is_some() && case.status != 400) {
        for target in targets().filter(|target| target.wire.format != case.format()) {
            for model in target.models {
                let Ok(Some(sent)) = requests::sent(case, target, model) else { continue };
                if requests::judged(case, target, model, &sent, &sent.body).is_ok() {
                    let wire = target.wire.format;
                    let asked: Value = serde_json::from_slice(case.request.as_ref().unwrap()).unwrap();
                    let said = |body: &Value| model::lines(wire, body).unwrap_or_default();
                    let kept = common(&model::lines(case.format(), &asked).unwrap_or_default(), &said(&sent.body));
                    ledger.add(&case.id, &kept);
                    tally.run(of_json(case.format(), wire, &sent.body), |mutant| {
                        let body = spoilt(&sent.body, mutant);
                        requests::judged(case, target, model, &sent, &body).is_err() || !holds(&said(&body), &kept)
                    });
                }
            }
        }
    }
    tally.judged("requests");
    ledger.judged("requests");
}

#[test]
fn spoilt_replies_are_noticed() {
    let (mut tally, mut ledger) = (Tally::default(), Kept::default());
    for case in cases(|case| case.ok() && !case.streaming) {
        for client in others(case.format()) {
            let Ok(Some((reply, body))) = replies::answered(case, client) else { continue };
            if replies::judged(case, client, &reply, &body).is_ok() {
                let upstream: Value = serde_json::from_slice(&case.response).unwrap();
                let kept = common(&answers::lines(case.format(), &upstream), &answers::lines(client, &body));
                ledger.add(&case.id, &kept);
                tally.run(of_json(client, case.format(), &body), |mutant| {
                    let body = spoilt(&body, mutant);
                    replies::judged(case, client, &reply, &body).is_err()
                        || !holds(&answers::lines(client, &body), &kept)
                });
            }
        }
    }
    tally.judged("replies");
    ledger.judged("replies");
}

#[test]
fn spoilt_streams_are_noticed() {
    let (mut tally, mut ledger) = (Tally::default(), Kept::default());
    for case in cases(|case| case.ok() && case.streaming) {
        for listener in streams::listeners(case) {
            let Ok((driven, events)) = streams::heard(case, &listener) else { continue };
            if streams::judged(case, &listener, &driven, &events).is_ok() {
                let upstream = view::aggregate(case.format(), &case.events()).unwrap();
                let client = listener.client;
                let said = |events: &[Event]| {
                    view::aggregate(client, events).map(|whole| answers::lines(client, &whole)).unwrap_or_default()
                };
                let kept = common(&answers::lines(case.format(), &upstream), &said(&events));
                ledger.add(&case.id, &kept);
                tally.run(events::places(client, case.format(), &events), |mutant| {
                    let events = events::spoilt(&events, mutant);
                    streams::judged(case, &listener, &driven, &events).is_err() || !holds(&said(&events), &kept)
                });
            }
        }
    }
    tally.judged("streams");
    ledger.judged("streams");
}
