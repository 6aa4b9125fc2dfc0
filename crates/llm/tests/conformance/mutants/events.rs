//! Where a stream can be spoilt: its events by their kinds, as wholes and within.

use std::collections::BTreeSet;

use pillion_llm::Format;
use serde_json::Value;

use super::Mutant;
use super::json::{self, Kind};
use crate::frames::Event;

/// Whole events are dropped and reordered by this path.
const WHOLE: &str = "";

/// Every place of a stream.
pub(super) fn places(client: Format, wire: Format, events: &[Event]) -> BTreeSet<Mutant> {
    let mut places = BTreeSet::new();
    for (at, event) in events.iter().enumerate() {
        let label = label(event);
        let mutant = |path: &str, kind| Mutant { client, wire, label: label.clone(), path: path.to_owned(), kind };
        if !label.is_empty() {
            places.insert(mutant(WHOLE, Kind::Drop));
        }
        if events.get(at + 1).is_some_and(|next| next != event) && !label.is_empty() {
            places.insert(mutant(WHOLE, Kind::Reorder));
        }
        if let Ok(data) = event.json() {
            places.extend(json::places(&data).iter().map(|(path, kind)| mutant(path, *kind)));
        }
    }
    places
}

/// A stream of which the first event of a kind is dropped or comes too late, or all are wrong in one place.
pub(super) fn spoilt(events: &[Event], mutant: &Mutant) -> Vec<Event> {
    let mut events = events.to_vec();
    if mutant.path == WHOLE {
        let last = events.len() - 1;
        let is_one = |at: usize| label(&events[at]) == mutant.label;
        let differs = |at: usize| at < last && events[at] != events[at + 1];
        match mutant.kind {
            Kind::Reorder => {
                if let Some(at) = (0..last).find(|at| is_one(*at) && differs(*at)) {
                    events.swap(at, at + 1);
                }
            }
            _ => {
                if let Some(at) = (0..=last).find(|at| is_one(*at)) {
                    events.remove(at);
                }
            }
        }
        return events;
    }
    for event in events.iter_mut().filter(|event| label(event) == mutant.label) {
        let Ok(mut data) = event.json() else { continue };
        json::spoil(&mut data, &mutant.path, mutant.kind);
        event.data = data.to_string();
    }
    events
}

/// What kind of event it is: its name, its type, or what there is in its delta.
fn label(event: &Event) -> String {
    let Ok(data) = event.json() else { return event.data.clone() };
    let named = event.name.clone().or_else(|| data["type"].as_str().map(str::to_owned));
    let delta = data.pointer("/choices/0/delta").or_else(|| data.pointer("/candidates/0/content/parts/0"));
    let members = |value: &Value| -> Vec<String> {
        let members = value.as_object().into_iter().flatten();
        members.filter(|(_, value)| !value.is_null() && **value != "").map(|(key, _)| key.clone()).collect()
    };
    let finish = data.pointer("/choices/0/finish_reason").is_some_and(|reason| !reason.is_null());
    named.unwrap_or_else(|| {
        let delta = delta.map(members).unwrap_or_default().join("+");
        if finish {
            format!("{delta} finish")
        } else if delta.is_empty() {
            members(&data).join("+")
        } else {
            delta
        }
    })
}
