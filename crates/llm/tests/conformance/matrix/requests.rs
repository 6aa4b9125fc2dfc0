//! What becomes of a request's feature: as the reports say, and what they do not name is there, in the model and in JSON.

use pillion_llm::{Format, Prepared};
use serde_json::Value;

use super::features::Feature;
use super::{Fate, model};
use crate::drive::{bytes, prepared};
use crate::facts::lost;
use crate::parties::{capable, thinking, vendor};
use crate::schema::{self, Book, What};

pub(super) fn fate(feature: &Feature, client: Format, wire: Format) -> Result<Fate, String> {
    let (body, without) = feature.request(client);
    let to = if feature.thinks { thinking(wire) } else { capable(wire) };
    let send = |body: &Value| prepared(client, &bytes(body), vendor(wire), wire, Some(to));
    let sent = match send(&body) {
        Ok(sent) => sent,
        Err(error) => return Fate::of_refusal(error),
    };
    let translated = json_of(&sent);
    let told = [&sent.dropped[..], &sent.approximated[..]].concat();
    schema::check(Book::of(wire), What::Request, &translated).map_err(|why| format!("{why} in {translated}"))?;
    none(lost(client, &body, wire, &translated, &told), &told)?;
    if told.is_empty() {
        model::same(client, &body, wire, &translated)?;
        back(client, &body, wire, &translated)?;
    }
    let before = send(&without).map_err(|error| format!("without the feature: {error}"))?;
    let new = |names: Vec<String>, old: &[String]| names.into_iter().filter(|name| !old.contains(name)).collect();
    let fate = Fate::of_reports(new(sent.dropped, &before.dropped), new(sent.approximated, &before.approximated));
    if fate == Fate::Exact && !told.is_empty() {
        return Err(format!("what is told is not of the feature: {told:?}"));
    }
    Ok(fate)
}

/// What was exact says the same when it is translated back.
fn back(client: Format, body: &Value, wire: Format, translated: &Value) -> Result<(), String> {
    let sent = prepared(wire, &bytes(translated), vendor(client), client, Some(thinking(client)));
    let sent = sent.map_err(|error| format!("not translated back: {:?} {error}", error.param))?;
    let told = [&sent.dropped[..], &sent.approximated[..]].concat();
    let back = json_of(&sent);
    none(lost(client, body, client, &back, &told), &told).map_err(|why| format!("on the way back: {why} in {back}"))
}

fn none(lost: Vec<String>, told: &[String]) -> Result<(), String> {
    if lost.is_empty() { Ok(()) } else { Err(format!("lost in silence: {} (told: {told:?})", lost.join("; "))) }
}

fn json_of(sent: &Prepared) -> Value {
    serde_json::from_slice(&sent.body).unwrap()
}
