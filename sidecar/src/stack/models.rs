//! `GET /v1/models`: what this workload may call, read from the snapshot. Never asks a provider.

use super::respond::Answer;
use crate::error::Cause;
use crate::snapshots::{Match, Prepared, Rule};
use http::HeaderMap;
use pillion_llm::{Call, ModelEntry, Operation, encode_model, encode_models};

/// The list, or the one model that the path names.
pub(crate) fn answer(prepared: &Prepared, call: &Call, headers: &HeaderMap) -> Result<Answer, Cause> {
    let models = models(prepared, call, headers);
    let body = match &call.model {
        None => encode_models(call.dialect, &models),
        Some(id) => {
            let listed = models.iter().find(|model| model.id == *id).cloned();
            let model = listed.or_else(|| meant(prepared, call, headers, id));
            let unknown = || Cause::ModelNotFound(id.chars().take(128).collect());
            encode_model(call.dialect, &model.ok_or_else(unknown)?)
        }
    };
    Ok(Answer::ready("application/json", vec![body], None))
}

/// Exact names that rules match on; and the names that backends send, where a rule takes any model.
fn models(prepared: &Prepared, call: &Call, headers: &HeaderMap) -> Vec<ModelEntry> {
    let mut models: Vec<ModelEntry> = Vec::new();
    let mut add = |id: &str, rule: &Rule| {
        if !models.iter().any(|model| model.id == id) {
            models.push(ModelEntry { id: id.to_owned(), owned_by: owner(rule) });
        }
    };
    for (rule, restricted) in chat_rules(prepared, call, headers) {
        for name in restricted.iter().flat_map(|part| &part.models).filter_map(|pattern| pattern.exact()) {
            add(name, rule);
        }
        if restricted.iter().all(|part| part.models.is_empty()) {
            let backends = rule.groups.iter().flatten();
            backends.filter_map(|backend| backend.model.as_deref()).for_each(|name| add(name, rule));
        }
    }
    models
}

/// A model that is not listed, because only a pattern means it.
fn meant(prepared: &Prepared, call: &Call, headers: &HeaderMap, id: &str) -> Option<ModelEntry> {
    let means = |restricted: &[&Match]| {
        restricted.is_empty()
            || restricted
                .iter()
                .any(|part| part.models.is_empty() || part.models.iter().any(|pattern| pattern.matches(id)))
    };
    let mut rules = chat_rules(prepared, call, headers);
    rules
        .find(|(_, restricted)| means(restricted))
        .map(|(rule, _)| ModelEntry { id: id.to_owned(), owned_by: owner(rule) })
}

/// The rules that take chat calls of this client, with those of their matches that let it in; none where a rule takes
/// every call.
fn chat_rules<'a>(
    prepared: &'a Prepared,
    call: &'a Call,
    headers: &'a HeaderMap,
) -> impl Iterator<Item = (&'a Rule, Vec<&'a Match>)> {
    prepared.rules.iter().filter_map(move |rule| {
        let lets_in = |part: &&Match| part.holds_save_model(call.dialect, Operation::Chat, headers);
        let matches: Vec<&Match> = rule.matches.iter().filter(lets_in).collect();
        (rule.matches.is_empty() || !matches.is_empty()).then_some((rule, matches))
    })
}

fn owner(rule: &Rule) -> String {
    let mut providers = rule.groups.iter().flatten().filter_map(|backend| backend.provider.as_ref().ok());
    providers.next().map(|provider| provider.name.clone()).unwrap_or_default()
}
