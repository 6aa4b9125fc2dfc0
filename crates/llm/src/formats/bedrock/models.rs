//! What a model on Bedrock can do, told from its id: region prefixes, inference profiles and ARNs around the vendor's
//! own name. Sources: the model pages and `inference-reasoning`, `structured-output`, `prompt-caching` and
//! `conversation-inference` of the service's user guide.

use crate::formats::anthropic::capabilities::{Capabilities, Thinking, capabilities, version};

/// Whose model it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// Anthropic's, from Claude 3 on.
    Claude,
    /// Amazon's; the second generation reasons.
    Nova {
        second: bool,
    },
    /// DeepSeek's R1, which always reasons, and those from V3 on, which may.
    DeepSeek {
        always: bool,
    },
    /// OpenAI's open weights.
    GptOss,
    Qwen,
    Mistral,
    Cohere,
    /// Models that answer text with text: Llama, Titan, Jurassic, Jamba, Palmyra, Gemma.
    Plain,
    /// An ARN that tells nothing: an application's inference profile, a deployment, a router.
    Opaque,
    /// Any other vendor's: MiniMax, Moonshot, NVIDIA, Z.ai, and those of tomorrow.
    Other,
}

/// How a model is told how much to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reasons {
    /// By `reasoningConfig.maxReasoningEffort`.
    Nova,
    /// By a word under this name in `additionalModelRequestFields`.
    Word(&'static str),
    /// Not at all.
    Never,
}

const PLAIN: &[&str] = &["meta.llama", "amazon.titan", "ai21.", "writer.", "google.gemma"];

pub(super) fn family(model: &str) -> Family {
    let has = |word: &str| model.contains(word);
    if has("claude") {
        Family::Claude
    } else if has("amazon.nova") {
        Family::Nova { second: has("nova-2") }
    } else if has("deepseek.") {
        Family::DeepSeek { always: has("deepseek.r1") }
    } else if has("openai.gpt-oss") {
        Family::GptOss
    } else if has("qwen.") {
        Family::Qwen
    } else if has("mistral.") {
        Family::Mistral
    } else if has("cohere.") {
        Family::Cohere
    } else if PLAIN.iter().any(|word| has(word)) {
        Family::Plain
    } else if model.starts_with("arn:") {
        Family::Opaque
    } else {
        Family::Other
    }
}

/// What Claude can do here. An opaque ARN is taken for Claude's where the request speaks Anthropic's own words.
pub(super) fn claude(model: &str) -> Capabilities {
    let can = capabilities(model);
    // Opus 4.1 takes `output_config.format` on Anthropic's API, not here; of an opaque ARN nobody knows.
    let structured = version(model).is_some_and(|(_, version)| version >= (4, 5));
    // An effort could be told in two ways, of which it takes one.
    let thinking = if family(model) == Family::Opaque { Thinking::Never } else { can.thinking };
    Capabilities { output_format: can.output_format && structured, thinking, ..can }
}

impl Family {
    /// How it is told how much to think, save Claude.
    pub(super) fn reasons(self) -> Reasons {
        match self {
            Self::Nova { second: true } => Reasons::Nova,
            Self::DeepSeek { always: false } | Self::Qwen => Reasons::Word("reasoning_config"),
            Self::GptOss => Reasons::Word("reasoning_effort"),
            _ => Reasons::Never,
        }
    }

    /// Whether it takes its own reasoning back without a signature.
    pub(super) fn takes_unsigned(self) -> bool {
        matches!(self, Self::Nova { second: true } | Self::DeepSeek { .. } | Self::GptOss | Self::Qwen | Self::Other)
    }

    /// Whether signatures of Anthropic's are its own.
    pub(super) fn signs_as_anthropic(self) -> bool {
        matches!(self, Self::Claude | Self::Opaque)
    }

    /// Where it wants `top_k`, as a place in [`super::spelling::TOP_K`].
    pub(super) fn top_k(self) -> Option<usize> {
        match self {
            Self::Claude | Self::Mistral | Self::Opaque => Some(0),
            Self::Nova { .. } => Some(1),
            Self::Cohere => Some(2),
            _ => None,
        }
    }

    /// Whether `outputConfig.textFormat` and strict tools are taken, save by Claude.
    pub(super) fn structures(self, model: &str) -> bool {
        match self {
            Self::Qwen | Self::GptOss | Self::DeepSeek { always: false } => true,
            Self::Mistral => ["ministral", "magistral", "mistral-large-3", "voxtral"].iter().any(|m| model.contains(m)),
            Self::Plain => model.contains("google.gemma"),
            Self::Other => ["minimax.", "moonshot", "nvidia.", "zai."].iter().any(|vendor| model.contains(vendor)),
            _ => false,
        }
    }

    /// Whether `toolChoice` may ask for a call.
    pub(super) fn obeys_choice(self) -> bool {
        !matches!(self, Self::Plain | Self::Cohere | Self::DeepSeek { always: true })
    }

    /// Whether marks of the prompt cache are taken in messages and system prompt.
    pub(super) fn caches(self, model: &str) -> bool {
        match self {
            Self::Claude => version(model).is_none_or(|(_, version)| version >= (3, 5)),
            Self::Nova { .. } | Self::Opaque => true,
            _ => false,
        }
    }

    /// Whether they are taken among the tools too.
    pub(super) fn caches_tools(self, model: &str) -> bool {
        !matches!(self, Self::Nova { .. }) && self.caches(model)
    }

    /// Whether a mark may say how long it lasts.
    pub(super) fn caches_for(self, model: &str) -> bool {
        match self {
            Self::Claude => version(model).is_none_or(|(_, version)| version >= (4, 5)),
            Self::Opaque => true,
            _ => false,
        }
    }

    /// Whether `disable_parallel_tool_use` is taken.
    pub(super) fn calls_one(self, model: &str) -> bool {
        self == Self::Claude && version(model).is_none_or(|(_, version)| version >= (4, 5))
    }
}

/// Whether the model has no place for a system prompt.
pub(super) fn lacks_system(model: &str) -> bool {
    [
        "amazon.titan-text",
        "cohere.command-text",
        "cohere.command-light-text",
        "mistral.mistral-7b",
        "mistral.mixtral-8x7b",
    ]
    .iter()
    .any(|name| model.contains(name))
}

/// Whether thinking of this model is Anthropic's own, so that its signatures are good on Anthropic's API too.
pub(crate) fn thinks_as_anthropic(model: &str) -> bool {
    family(model) == Family::Claude && claude(model).thinking != Thinking::Never
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(model: &str, expected: Family) {
        assert_eq!(family(model), expected, "{model}");
    }

    #[test]
    fn families_are_told_whatever_stands_around_the_name() {
        check("anthropic.claude-3-haiku-20240307-v1:0", Family::Claude);
        check("global.anthropic.claude-sonnet-4-5-20250929-v1:0", Family::Claude);
        check("arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-opus-4-6-v1", Family::Claude);
        check("arn:aws:bedrock:us-east-1:1:application-inference-profile/a1b2", Family::Opaque);
        check("us.amazon.nova-2-lite-v1:0", Family::Nova { second: true });
        check("amazon.nova-pro-v1:0", Family::Nova { second: false });
        check("us.deepseek.r1-v1:0", Family::DeepSeek { always: true });
        check("deepseek.v3-v1:0", Family::DeepSeek { always: false });
        check("us.meta.llama4-scout-17b-instruct-v1:0", Family::Plain);
        check("minimax.minimax-m2", Family::Other);
    }

    #[test]
    fn claude_here_differs_from_anthropics_where_the_cloud_lags() {
        assert!(!claude("anthropic.claude-opus-4-1-20250805-v1:0").output_format);
        assert!(claude("us.anthropic.claude-haiku-4-5-20251001-v1:0").output_format);
        assert!(!claude("arn:aws:bedrock:us-east-1:1:application-inference-profile/a1b2").output_format);
        let caches = |model: &str| family(model).caches(model);
        assert!(!caches("anthropic.claude-3-haiku-20240307-v1:0"));
        assert!(caches("anthropic.claude-3-5-haiku-20241022-v1:0"));
        assert!(!caches("meta.llama3-1-8b-instruct-v1:0"));
    }
}
