//! What a Claude model can do, told from its name: the API refuses with 400 what an older or newer model cannot.
//! Source: Anthropic's model overview and the descriptions in its OpenAPI document.

/// What a model can do. A name that is no Claude's is taken for the newest, with a small bound on length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Capabilities {
    /// The longest answer, in tokens: `max_tokens` is required, and clients of other formats may leave it out.
    pub(crate) max_tokens: u64,
    /// Whether `output_config.format` is taken, and strict tools with it.
    pub(crate) output_format: bool,
    /// How it thinks.
    pub(crate) thinking: Thinking,
    /// Whether `temperature`, `top_p` and `top_k` are refused.
    pub(crate) samples_alone: bool,
    /// Whether `temperature` and `top_p` together are refused.
    pub(crate) one_sampler: bool,
}

/// How a model thinks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thinking {
    /// Not at all.
    Never,
    /// Within a budget of tokens.
    Budget,
    /// As much as it finds right, by `output_config.effort`.
    Adaptive,
}

pub(crate) fn capabilities(model: &str) -> Capabilities {
    let Some((opus, version)) = version(model) else {
        return Capabilities {
            max_tokens: 4096,
            output_format: true,
            thinking: Thinking::Adaptive,
            samples_alone: false,
            one_sampler: false,
        };
    };
    Capabilities {
        max_tokens: match version {
            version if version < (3, 5) => 4096,
            version if version < (3, 7) => 8192,
            version if opus && version < (4, 5) => 32_000,
            version if opus && version >= (4, 6) => 128_000,
            _ => 64_000,
        },
        output_format: version >= (4, 5) || (opus && version >= (4, 1)),
        thinking: match version {
            version if version < (3, 7) => Thinking::Never,
            version if version < (4, 6) => Thinking::Budget,
            _ => Thinking::Adaptive,
        },
        samples_alone: version > (4, 6),
        one_sampler: version >= (4, 1),
    }
}

/// Whether it is an Opus, and its version: `claude-3-5-sonnet-20241022`, `claude-opus-4-1`, `claude-sonnet-5`. Dates
/// have more than two digits.
pub(crate) fn version(model: &str) -> Option<(bool, (u32, u32))> {
    let name = &model[model.find("claude-")? + "claude-".len()..];
    let mut parts = name.split(['-', '.', '@', ':']).map(|part| match part.len() {
        1 | 2 => part.parse::<u32>().ok(),
        _ => None,
    });
    let major = parts.find_map(|part| part)?;
    let minor = parts.next().flatten().unwrap_or(0);
    Some((name.contains("opus"), (major, minor)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(model: &str, max_tokens: u64, thinking: Thinking, output_format: bool, samples_alone: bool) {
        let can = capabilities(model);
        let found = (can.max_tokens, can.thinking, can.output_format, can.samples_alone);
        assert_eq!(found, (max_tokens, thinking, output_format, samples_alone), "{model}");
    }

    #[test]
    fn models_are_told_by_name() {
        use Thinking::{Adaptive, Budget, Never};
        check("claude-3-haiku-20240307", 4096, Never, false, false);
        check("claude-3-5-sonnet-20241022", 8192, Never, false, false);
        check("claude-3-7-sonnet-latest", 64_000, Budget, false, false);
        check("claude-sonnet-4-20250514", 64_000, Budget, false, false);
        check("claude-opus-4-1-20250805", 32_000, Budget, true, false);
        check("claude-haiku-4-5", 64_000, Budget, true, false);
        check("us.anthropic.claude-sonnet-4-5-20250929-v1:0", 64_000, Budget, true, false);
        check("claude-opus-4-6", 128_000, Adaptive, true, false);
        check("claude-opus-4-7", 128_000, Adaptive, true, true);
        check("claude-sonnet-5", 64_000, Adaptive, true, true);
        check("some-model", 4096, Adaptive, true, false);
    }
}
