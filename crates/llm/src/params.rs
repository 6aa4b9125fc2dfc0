//! What a route's params come to at a provider, told before any call is made.

use crate::json::Object;
use crate::{BodyError, Descriptor, Format, Operation, Target, outline, prepare};
use bytes::Bytes;

/// Names of params that a provider can never be told, whatever the client asks.
///
/// # Errors
/// A [`BodyError`] that names the param with which every call would be refused.
pub fn lost_params(
    provider: &'static Descriptor,
    model: Option<&str>,
    defaults: &Object,
    overrides: &Object,
) -> Result<Vec<String>, BodyError> {
    const CLIENT: Format = Format::OpenAIChat;
    let body = Bytes::from_static(br#"{"model":"m","messages":[{"role":"user","content":"hello"}]}"#);
    let outline = outline(CLIENT, &body)?;
    let Some(wire) = provider.wire(model.unwrap_or("m"), Operation::Chat, CLIENT) else { return Ok(Vec::new()) };
    let target = Target { provider, wire, model, defaults, overrides, ask_usage: false };
    let prepared = prepare(CLIENT, &body, &outline, &target)?;
    Ok(prepared.dropped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn lost(provider: &str, overrides: Value) -> Result<Vec<String>, Option<String>> {
        let Value::Object(overrides) = overrides else { panic!("an object") };
        let provider = crate::provider(provider).unwrap();
        lost_params(provider, None, &Object::new(), &overrides).map_err(|error| error.param)
    }

    #[test]
    fn params_that_a_provider_has_no_word_for_are_named_and_impossible_ones_refused() {
        assert_eq!(lost("OpenAI", json!({"seed": 7, "n": 2})), Ok(vec![]));
        assert_eq!(lost("Anthropic", json!({"temperature": 0.5})), Ok(vec![]));
        assert_eq!(lost("Anthropic", json!({"seed": 7})), Ok(vec!["seed".to_owned()]));
        assert_eq!(lost("Anthropic", json!({"n": 2})), Err(Some("n".to_owned())));
    }
}
