//! Everything that the translators emit over the recorded cases, as lines of JSON for readers that are not ours: the
//! vendors' SDKs, by `tests/tests/sdk_types.rs`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pillion_llm::{Format, Framing, encode_error, error_headers};
use serde_json::{Map, Value, json};

use crate::corpus::{CASES, Case, has_corpus};
use crate::drive::{drive, exchange};
use crate::parties::{FORMATS, others, targets};
use crate::replies::answered;
use crate::requests::sent;

type Emitted = fn(&Case) -> Vec<Value>;

/// Each file, and its lines of a case.
const FILES: &[(&str, Emitted)] =
    &[("requests", requests), ("replies", replies), ("streams", streams), ("errors", errors)];

#[test]
fn every_pair_of_formats_emits_something_for_the_sdks_to_read() {
    let folder = std::env::var_os("PILLION_EMIT").map(PathBuf::from);
    for (file, emitted) in FILES {
        let lines: Vec<Value> = CASES.iter().flat_map(emitted).collect();
        let pairs: BTreeSet<_> = lines.iter().map(|line| (line["from"].as_str(), line["to"].as_str())).collect();
        let complete = pairs.len() == FORMATS.len() * (FORMATS.len() - 1);
        assert!(complete || !has_corpus(), "{file} of these pairs only: {pairs:?}");
        if let Some(folder) = &folder {
            let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
            std::fs::write(folder.join(format!("{file}.jsonl")), lines.join("\n")).unwrap();
        }
    }
}

/// A line: of which case it comes, from which format to which, and what was emitted.
fn line(case: &Case, to: Format, mut emitted: Value) -> Value {
    emitted["case"] = json!(case.id);
    emitted["from"] = json!(case.format().as_str());
    emitted["to"] = json!(to.as_str());
    emitted
}

/// What goes upstream, for each model of each provider.
fn requests(case: &Case) -> Vec<Value> {
    // What the vendor refused may be wrong in any format.
    if case.request.is_none() || case.status == 400 {
        return Vec::new();
    }
    let others = targets().filter(|target| target.wire.format != case.format());
    let models = others.flat_map(|target| target.models.iter().map(move |model| (target, *model)));
    let lines = models.filter_map(|(target, model)| {
        let sent = sent(case, target, model).unwrap()?;
        let emitted = json!({"provider": target.provider, "model": model, "body": sent.body});
        Some(line(case, target.wire.format, emitted))
    });
    lines.collect()
}

fn replies(case: &Case) -> Vec<Value> {
    if !case.ok() || case.streaming {
        return Vec::new();
    }
    let lines = others(case.format()).filter_map(|client| {
        let (_, body) = answered(case, client).unwrap()?;
        Some(line(case, client, json!({"body": body})))
    });
    lines.collect()
}

/// The bytes as they go to the client: the SDKs read these too.
fn streams(case: &Case) -> Vec<Value> {
    if !case.ok() || !case.streaming {
        return Vec::new();
    }
    let lines = others(case.format()).map(|client| {
        let driven = drive(&exchange(client, case.provider(), case.wire), [&case.response[..]]);
        let broken = driven.fault.is_some();
        let emitted = match client.framing() {
            Framing::EventStream => json!({"broken": broken, "base64": STANDARD.encode(&driven.out)}),
            _ => json!({"broken": broken, "text": String::from_utf8(driven.out).unwrap()}),
        };
        line(case, client, emitted)
    });
    lines.collect()
}

fn errors(case: &Case) -> Vec<Value> {
    if case.ok() {
        return Vec::new();
    }
    let lines = others(case.format()).map(|client| {
        let dialect = client.dialect();
        let error = exchange(client, case.provider(), case.wire).error(case.status, &case.headers, &case.response);
        let headers = error_headers(dialect, &error);
        let headers = headers.iter().map(|(name, value)| (name.to_string(), json!(value.to_str().unwrap())));
        let headers: Map<String, Value> = headers.collect();
        let body: Value = serde_json::from_slice(&encode_error(dialect, &error)).unwrap();
        line(case, client, json!({"status": error.status, "headers": headers, "body": body}))
    });
    lines.collect()
}
