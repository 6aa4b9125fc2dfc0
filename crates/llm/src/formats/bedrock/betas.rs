//! Anthropic's beta features (`anthropic-beta`) that Bedrock has: it refuses a request that names any other one.
//! Source: the service's user guide (`model-parameters-anthropic-claude-messages-request-response`), and what it took
//! and refused as other gateways recorded it.

use crate::formats::anthropic::capabilities::version;

type Version = (u32, u32);

/// A beta, and the first and last version of Claude that has it.
type Beta = (&'static str, Version, Version);

const OLDEST: Version = (3, 0);
const NEWEST: Version = (u32::MAX, 0);

/// Betas of Converse, in `additionalModelRequestFields.anthropic_beta`.
const CONVERSE: &[Beta] = &[
    ("computer-use-2024-10-22", OLDEST, NEWEST),
    ("computer-use-2025-01-24", OLDEST, NEWEST),
    ("computer-use-2025-11-24", OLDEST, NEWEST),
    ("context-1m-2025-08-07", OLDEST, NEWEST),
    ("effort-2025-11-24", OLDEST, NEWEST),
    ("fine-grained-tool-streaming-2025-05-14", OLDEST, NEWEST),
    ("structured-outputs-2025-11-13", OLDEST, NEWEST),
    ("thinking-binding-controls-2026-08-01", OLDEST, NEWEST),
    ("thinking-display-updates-2026-08-18", OLDEST, NEWEST),
];

/// Betas of InvokeModel, in the body's `anthropic_beta`.
const INVOKE: &[Beta] = &[
    ("compact-2026-01-12", OLDEST, NEWEST),
    ("computer-use-2024-10-22", OLDEST, NEWEST),
    ("computer-use-2025-01-24", OLDEST, NEWEST),
    ("computer-use-2025-11-24", OLDEST, NEWEST),
    ("context-1m-2025-08-07", OLDEST, NEWEST),
    ("context-management-2025-06-27", OLDEST, NEWEST),
    ("dangerous-tool-use-2026-09-03", OLDEST, NEWEST),
    ("dev-full-thinking-2025-05-14", (4, 0), (4, 5)),
    ("effort-2025-11-24", OLDEST, NEWEST),
    ("fine-grained-tool-streaming-2025-05-14", OLDEST, NEWEST),
    ("interleaved-thinking-2025-05-14", (4, 0), (4, 5)),
    ("mid-conversation-output-config-2026-07-01", OLDEST, NEWEST),
    ("mid-conversation-tool-changes-2026-07-01", OLDEST, NEWEST),
    ("output-128k-2025-02-19", (3, 7), (3, 7)),
    ("thinking-binding-controls-2026-08-01", OLDEST, NEWEST),
    ("thinking-display-updates-2026-08-18", OLDEST, NEWEST),
    ("token-efficient-tools-2025-02-19", (3, 7), (3, 7)),
    ("tool-examples-2025-10-29", (4, 5), NEWEST),
    ("tool-search-tool-2025-10-19", OLDEST, NEWEST),
];

/// What a beta is called on Converse, where the model has it there.
pub(super) fn on_converse(beta: &str, model: &str) -> Option<&'static str> {
    find(CONVERSE, beta, model)
}

/// What a beta is called on InvokeModel, where the model has it there.
pub(super) fn on_invoke(beta: &str, model: &str) -> Option<&'static str> {
    // The cloud has one of the features of this one, under its own name.
    let beta = if beta == "advanced-tool-use-2025-11-20" { "tool-search-tool-2025-10-19" } else { beta };
    find(INVOKE, beta, model)
}

fn find(betas: &[Beta], beta: &str, model: &str) -> Option<&'static str> {
    let (name, from, to) = betas.iter().find(|(name, ..)| *name == beta)?;
    let for_all = (*from, *to) == (OLDEST, NEWEST);
    let has = |(_, version): (bool, Version)| (*from..=*to).contains(&version);
    (for_all || version(model).is_some_and(has)).then_some(*name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beta_is_told_where_the_model_has_it() {
        const SONNET_4: &str = "us.anthropic.claude-sonnet-4-20250514-v1:0";
        const SONNET_3_7: &str = "us.anthropic.claude-3-7-sonnet-20250219-v1:0";
        assert_eq!(on_invoke("interleaved-thinking-2025-05-14", SONNET_4), Some("interleaved-thinking-2025-05-14"));
        assert_eq!(on_invoke("interleaved-thinking-2025-05-14", SONNET_3_7), None);
        assert_eq!(on_invoke("output-128k-2025-02-19", SONNET_3_7), Some("output-128k-2025-02-19"));
        assert_eq!(on_invoke("advanced-tool-use-2025-11-20", SONNET_4), Some("tool-search-tool-2025-10-19"));
        assert_eq!(on_invoke("prompt-caching-scope-2026-01-05", SONNET_4), None);
        assert_eq!(on_converse("context-management-2025-06-27", SONNET_4), None);
        assert_eq!(on_converse("context-1m-2025-08-07", SONNET_4), Some("context-1m-2025-08-07"));
    }
}
