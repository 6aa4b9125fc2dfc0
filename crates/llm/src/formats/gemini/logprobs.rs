//! How likely tokens were: `logprobsResult` and OpenAI Chat's `logprobs.content`.

use serde_json::{Value, json};

/// OpenAI Chat's entries of a `logprobsResult`.
pub(super) fn read(result: &Value) -> Vec<Value> {
    let list = |key: &str| result.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let top = list("topCandidates");
    let chosen = list("chosenCandidates").iter().enumerate();
    chosen
        .map(|(at, candidate)| {
            let others = top.get(at).and_then(|top| top.get("candidates")?.as_array());
            let mut entry = token(candidate);
            entry["top_logprobs"] = others.into_iter().flatten().map(token).collect();
            entry
        })
        .collect()
}

fn token(candidate: &Value) -> Value {
    let token = candidate.get("token").and_then(Value::as_str).unwrap_or_default();
    // A likelihood of 0 is left out, as all zeros are.
    let logprob = candidate.get("logProbability").filter(|number| number.is_number()).cloned();
    json!({"token": token, "logprob": logprob.unwrap_or(json!(0)), "bytes": token.as_bytes()})
}

/// A `logprobsResult` of OpenAI Chat's entries, and the mean of the likelihoods.
pub(super) fn write(entries: &[Value]) -> Option<(Value, f64)> {
    if entries.is_empty() {
        return None;
    }
    let candidate = |entry: &Value| {
        let logprob = entry.get("logprob").filter(|number| number.is_number()).cloned().unwrap_or(json!(0));
        json!({"token": crate::json::text(entry, "token"), "logProbability": logprob})
    };
    let chosen: Vec<Value> = entries.iter().map(candidate).collect();
    let top: Vec<Value> = entries
        .iter()
        .map(|entry| {
            let others = entry.get("top_logprobs").and_then(Value::as_array);
            json!({"candidates": others.into_iter().flatten().map(candidate).collect::<Vec<_>>()})
        })
        .collect();
    let sum: f64 = entries.iter().filter_map(|entry| entry.get("logprob")?.as_f64()).sum();
    #[allow(clippy::cast_precision_loss)]
    let mean = sum / entries.len() as f64;
    Some((json!({"chosenCandidates": chosen, "topCandidates": top}), mean))
}
