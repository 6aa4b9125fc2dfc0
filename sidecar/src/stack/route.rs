//! Step three: the first rule that takes the call.

use crate::error::Cause;
use crate::snapshots::{Prepared, Rule};
use http::HeaderMap;
use pillion_llm::{Call, Operation};

/// The first rule, in the snapshot's order, one of whose matches holds.
pub(crate) fn first<'a>(
    prepared: &'a Prepared,
    call: &Call,
    model: Option<&str>,
    headers: &HeaderMap,
) -> Result<&'a Rule, Cause> {
    let takes = |rule: &&Rule| {
        rule.matches.is_empty()
            || rule.matches.iter().any(|part| part.holds(call.dialect, call.operation, model, headers))
    };
    prepared.rules.iter().find(takes).ok_or_else(|| nobody(call, model))
}

/// Says what no rule took. Names the model, which the client wrote; never a header.
pub(crate) fn nobody(call: &Call, model: Option<&str>) -> Cause {
    let dialect = call.dialect.as_str();
    Cause::NoRoute(match (call.operation, model) {
        (Operation::Native, _) => {
            let path: String = call.path.chars().take(128).collect();
            format!("{dialect} path '{path}'")
        }
        (operation, Some(model)) => {
            let model: String = model.chars().take(128).collect();
            format!("{dialect} {} calls for model '{model}'", operation.as_str())
        }
        (operation, None) => format!("{dialect} {} calls without a model", operation.as_str()),
    })
}
