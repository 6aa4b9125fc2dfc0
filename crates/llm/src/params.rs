//! What a route's params come to at a provider, told before any call is made: by the translators themselves, asked with
//! each client's plainest request.

use crate::exchange::prepare_unnamed;
use crate::json::Object;
use crate::model::Report;
use crate::{BodyError, Descriptor, Format, Operation, Target, outline};
use bytes::Bytes;

/// Params that a provider can never be told, or only nearly, whichever of these clients asks.
///
/// # Errors
/// A [`BodyError`] that names the param with which every call would be refused: of OpenAI Chat's clients, whose language
/// params speak, where they are among these, else of all.
pub fn lost_params(
    provider: &'static Descriptor,
    model: Option<&str>,
    defaults: &Object,
    overrides: &Object,
    clients: &[Format],
) -> Result<Report, BodyError> {
    let mut always: Option<Report> = None;
    let mut refused = None;
    for client in clients {
        match lost_from(*client, provider, model, defaults, overrides) {
            Err(error) if *client == Format::OpenAIChat => return Err(error),
            Err(error) => refused = Some(error),
            Ok(None) => {}
            Ok(Some(report)) => {
                always = Some(match always {
                    None => report,
                    Some(mut always) => {
                        always.dropped.retain(|field| report.dropped.contains(field));
                        always.approximated.retain(|field| report.approximated.contains(field));
                        always
                    }
                });
            }
        }
    }
    match (always, refused) {
        (None, Some(error)) => Err(error),
        (always, _) => Ok(always.unwrap_or_default()),
    }
}

/// `None` where the provider does not serve this client at all.
fn lost_from(
    client: Format,
    provider: &'static Descriptor,
    model: Option<&str>,
    defaults: &Object,
    overrides: &Object,
) -> Result<Option<Report>, BodyError> {
    let body = Bytes::from_static(plainest(client).as_bytes());
    let outline = outline(client, &body)?;
    let Some(wire) = provider.wire(model.unwrap_or("m"), Operation::Chat, client) else { return Ok(None) };
    let target = Target { provider, wire, model, defaults, overrides, ask_usage: false };
    let prepared = prepare_unnamed(client, &body, &outline, &target)?;
    Ok(Some(Report { dropped: prepared.dropped, approximated: prepared.approximated }))
}

/// A request that loses nothing anywhere.
fn plainest(client: Format) -> &'static str {
    match client {
        Format::OpenAIChat | Format::CohereChat => r#"{"model":"m","messages":[{"role":"user","content":"hello"}]}"#,
        Format::OpenAIResponses => r#"{"model":"m","input":"hello","store":false}"#,
        Format::AnthropicMessages => r#"{"model":"m","max_tokens":64,"messages":[{"role":"user","content":"hello"}]}"#,
        Format::GeminiGenerateContent => r#"{"contents":[{"role":"user","parts":[{"text":"hello"}]}]}"#,
        Format::BedrockConverse => r#"{"messages":[{"role":"user","content":[{"text":"hello"}]}]}"#,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn lost(provider: &str, overrides: Value, clients: &[Format]) -> Result<Report, Option<String>> {
        let Value::Object(overrides) = overrides else { panic!("an object") };
        let provider = crate::provider(provider).unwrap();
        lost_params(provider, None, &Object::new(), &overrides, clients).map_err(|error| error.param)
    }

    #[track_caller]
    fn check(provider: &str, overrides: Value, dropped: &[&str], approximated: &[&str]) {
        let report = lost(provider, overrides, &[Format::OpenAIChat]).unwrap();
        assert_eq!((report.dropped, report.approximated), (owned(dropped), owned(approximated)));
    }

    fn owned(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn params_that_a_provider_has_no_word_for_are_named_and_impossible_ones_refused() {
        check("OpenAI", json!({"seed": 7, "n": 2}), &[], &[]);
        check("Anthropic", json!({"temperature": 0.5}), &[], &[]);
        check("Anthropic", json!({"temperature": 1.5}), &[], &["temperature"]);
        check("Anthropic", json!({"seed": 7}), &["seed"], &[]);
        let refused = lost("Anthropic", json!({"n": 2}), &[Format::OpenAIChat]);
        assert_eq!(refused.unwrap_err(), Some("n".to_owned()));
    }

    #[test]
    fn the_plainest_request_of_each_format_loses_nothing_at_any_provider() {
        for provider in crate::providers().iter().filter(|provider| !provider.local) {
            for client in Format::ALL.iter().copied() {
                let report = lost(provider.id, json!({}), &[client]).unwrap();
                assert_eq!(report, Report::default(), "{client:?} {}", provider.id);
            }
        }
    }

    #[test]
    fn only_what_is_lost_whoever_asks_is_lost_for_certain() {
        for param in [json!({"seed": 7}), json!({"temperature": 1.5})] {
            for client in Format::ALL.iter().copied() {
                let alone = lost("Anthropic", param.clone(), &[client]).unwrap();
                let together = lost("Anthropic", param.clone(), Format::ALL).unwrap();
                assert!(together.dropped.iter().all(|name| alone.dropped.contains(name)), "{client:?} {together:?}");
            }
        }
    }
}
