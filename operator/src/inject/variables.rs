//! The variables by which SDKs find the sidecar: one table, and how it meets what a container sets itself.

use super::record::Record;
use super::shape::{annotation, items, list_mut, name};
use super::warnings::Warnings;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// One row: a variable, its exact value, and the variable that must be ours for it to make sense.
struct Variable {
    name: &'static str,
    value: &'static str,
    with: Option<&'static str>,
}

/// SDKs refuse to start without a key; the sidecar drops this one.
const PLACEHOLDER: &str = "injected-by-pillion";
/// What every value begins with that leads an SDK to the sidecar.
const SIDECAR_URL: &str = "http://127.0.0.1:15400/";

const TABLE: [Variable; 4] = [
    Variable { name: "OPENAI_BASE_URL", value: "http://127.0.0.1:15400/-/openai/v1", with: None },
    Variable { name: "OPENAI_API_KEY", value: PLACEHOLDER, with: Some("OPENAI_BASE_URL") },
    Variable { name: "ANTHROPIC_BASE_URL", value: "http://127.0.0.1:15400/-/anthropic", with: None },
    Variable { name: "ANTHROPIC_API_KEY", value: PLACEHOLDER, with: Some("ANTHROPIC_BASE_URL") },
];

const ENV: &str = "pillion.dev/env";
const SKIP_CONTAINERS: &str = "pillion.dev/skip-containers";
/// Must not be reached through a proxy.
const LOOPBACK: [&str; 2] = ["127.0.0.1", "localhost"];

/// Sets the variables in every application container and init container that is not itself a sidecar, each before
/// the container's own, so that `$(OPENAI_BASE_URL)` resolves in them. A variable that the container sets is never
/// changed, save that `NO_PROXY` learns of the loopback address. Gives the names added, by container.
pub(super) fn apply(pod: &mut Value, former: &Record, warnings: &mut Warnings) -> BTreeMap<String, Vec<String>> {
    let selected = selection(annotation(pod, ENV), warnings);
    let skipped: Vec<String> = annotation(pod, SKIP_CONTAINERS)
        .map(|list| list.split([',', ';']).map(|item| item.trim().to_owned()).collect())
        .unwrap_or_default();
    let mut added = BTreeMap::new();
    for key in ["initContainers", "containers"] {
        let containers = pod["spec"].get_mut(key).and_then(Value::as_array_mut).into_iter().flatten();
        for container in containers.filter(|container| !is_sidecar(container, key, former)) {
            let nothing = Vec::new();
            let wanted = if skipped.iter().any(|skip| skip == name(container)) { &nothing } else { &selected };
            let names = set(container, wanted, former, warnings);
            if !names.is_empty() {
                added.insert(name(container).to_owned(), names);
            }
        }
    }
    added
}

fn is_sidecar(container: &Value, list: &str, former: &Record) -> bool {
    former.has_container(name(container))
        || list == "initContainers" && container.get("restartPolicy").is_some_and(|policy| policy == "Always")
}

/// The rows that `pillion.dev/env` leaves: those named, or all but those named with `!`.
fn selection(annotation: Option<&str>, warnings: &mut Warnings) -> Vec<&'static Variable> {
    let words: Vec<&str> =
        annotation.unwrap_or_default().split([',', ';']).map(str::trim).filter(|word| !word.is_empty()).collect();
    let known = |word: &str| TABLE.iter().any(|row| row.name == word.trim_start_matches('!'));
    for word in words.iter().filter(|word| !known(word)) {
        warnings.push(format!("{ENV}: '{word}' is not a variable that pillion sets"));
    }
    let names_some = words.iter().any(|word| !word.starts_with('!'));
    let refused = |row: &Variable| words.iter().any(|word| word.strip_prefix('!') == Some(row.name));
    TABLE.iter().filter(|row| (!names_some || words.contains(&row.name)) && !refused(row)).collect()
}

/// Sets the wanted variables of one container and takes back those of a former injection that are not.
fn set(container: &mut Value, wanted: &[&Variable], former: &Record, warnings: &mut Warnings) -> Vec<String> {
    let own = name(container).to_owned();
    let has_env_from = items(container, "envFrom").next().is_some();
    let mut env: Vec<Value> = items(container, "env").cloned().collect();
    let mut ours = Vec::new();
    let mut added = Vec::new();
    for row in &TABLE {
        let at = env.iter().position(|entry| name(entry) == row.name);
        let was_ours = at.is_some_and(|at| former.has_variable(&own, row.name) && is_of_ours(&env[at]));
        let makes_sense = row.with.is_none_or(|other| ours.iter().any(|name| name == other) && !has_env_from);
        let asked = wanted.iter().any(|other| other.name == row.name);
        match at {
            Some(at) if was_ours && asked && makes_sense => env[at] = entry(row.name, row.value),
            Some(at) if was_ours => {
                env.remove(at);
                continue;
            }
            None if asked && makes_sense => added.push(entry(row.name, row.value)),
            _ => continue,
        }
        ours.push(row.name.to_owned());
    }
    if has_env_from && !ours.is_empty() {
        warnings.push(format!(
            "container '{own}': {} set by pillion hide the same names from envFrom; choose with {ENV}",
            ours.join(", ")
        ));
    }
    if !ours.is_empty() {
        ours.extend(pass_by_proxy(&own, &mut env, &mut added, former, warnings));
    }
    added.append(&mut env);
    let before = items(container, "env").cloned();
    if !before.eq(added.iter().cloned())
        && let Some(env) = list_mut(container, "env")
    {
        *env = added;
    }
    ours
}

fn is_of_ours(entry: &Value) -> bool {
    let value = entry.get("value").and_then(Value::as_str).unwrap_or_default();
    value.starts_with(SIDECAR_URL) || value == PLACEHOLDER
}

fn entry(name: &str, value: &str) -> Value {
    json!({"name": name, "value": value})
}

/// A container that uses a proxy must not use it for its own loopback. Gives the names that were made.
fn pass_by_proxy(
    container: &str,
    env: &mut [Value],
    added: &mut Vec<Value>,
    former: &Record,
    warnings: &mut Warnings,
) -> Vec<String> {
    let names = ["NO_PROXY", "no_proxy"];
    let mut ours: Vec<String> = Vec::new();
    let mut found = false;
    for entry in env.iter_mut().filter(|entry| names.contains(&name(entry))) {
        found = true;
        let name = name(entry).to_owned();
        match entry.get("value").and_then(Value::as_str).map(with_loopback) {
            Some(value) => entry["value"] = value.into(),
            None if entry.get("valueFrom").is_some() => {
                warnings.push(format!("container '{container}': add {} to {name}, pillion cannot", LOOPBACK.join(",")));
            }
            None => entry["value"] = LOOPBACK.join(",").into(),
        }
        if former.has_variable(container, &name) {
            ours.push(name);
        }
    }
    if found {
        return ours;
    }
    for (name_of_list, proxies) in names.iter().zip([["HTTP_PROXY", "HTTPS_PROXY"], ["http_proxy", "https_proxy"]]) {
        if env.iter().any(|variable| proxies.contains(&name(variable))) {
            added.push(entry(name_of_list, &LOOPBACK.join(",")));
            ours.push((*name_of_list).to_owned());
        }
    }
    ours
}

fn with_loopback(list: &str) -> String {
    let has = |host: &str| list.split(',').any(|item| item.trim() == host || item.trim() == "*");
    let missing = LOOPBACK.iter().filter(|host| !has(host)).copied();
    let users = Some(list).filter(|list| !list.trim().is_empty());
    users.into_iter().chain(missing).collect::<Vec<_>>().join(",")
}
