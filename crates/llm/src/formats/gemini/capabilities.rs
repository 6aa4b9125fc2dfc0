//! What a Gemini or Gemma model can do, told from its name: the API refuses with 400 what an older model cannot.
//! Sources: <https://ai.google.dev/gemini-api/docs/thinking>, <https://ai.google.dev/gemini-api/docs/models>.

/// What a model can do. A name that says no version is taken for one that thinks within a budget, which all Gemini
/// models since 2.5 take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Capabilities {
    /// How it thinks.
    pub(super) thinking: Thinking,
    /// Whether it takes a system prompt of its own.
    pub(super) system: bool,
    /// Whether a call in the history must carry a signature.
    pub(super) demands_signatures: bool,
    /// Whether structured output and functions go together.
    pub(super) shapes_with_tools: bool,
    /// Whether functions go beside Google's own tools; where the name does not tell, it is left to the API.
    pub(super) mixes_tools: bool,
    /// Whether a function's result may hold images.
    pub(super) pictures_in_results: bool,
    /// Whether JSON Schema is taken beside the API's own `Schema`.
    pub(super) json_schema: bool,
}

/// How a model thinks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thinking {
    /// Not at all, or not as one wants.
    Never,
    /// Within a budget of tokens, from and to; 0 turns it off where `can_rest`.
    Budget {
        /// The least and the largest budget.
        bounds: (u64, u64),
        /// Whether it can be turned off.
        can_rest: bool,
    },
    /// By a level, one of these.
    Level(&'static [&'static str]),
}

pub(super) fn capabilities(model: &str) -> Capabilities {
    let name = model.rsplit('/').next().unwrap_or(model);
    if name.contains("gemma") {
        return Capabilities {
            thinking: Thinking::Never,
            system: false,
            demands_signatures: false,
            shapes_with_tools: false,
            mixes_tools: true,
            pictures_in_results: false,
            json_schema: false,
        };
    }
    let version = version(name);
    // An alias follows the newest model.
    let newest = version.is_none() && name.ends_with("-latest");
    let third = newest || version.is_some_and(|version| version >= (3, 0));
    Capabilities {
        thinking: thinking(name, version),
        system: version.is_none_or(|version| version > (1, 0)),
        demands_signatures: third,
        shapes_with_tools: third,
        mixes_tools: third || version.is_none(),
        pictures_in_results: third,
        json_schema: version.is_none_or(|version| version >= (2, 0)),
    }
}

fn thinking(name: &str, version: Option<(u32, u32)>) -> Thinking {
    if ["image", "tts", "audio", "live", "embedding"].iter().any(|kind| name.contains(kind)) {
        return Thinking::Never;
    }
    let pro = name.contains("pro");
    match version {
        Some(version) if version < (2, 5) => Thinking::Never,
        Some((2, _)) if pro => Thinking::Budget { bounds: (128, 32_768), can_rest: false },
        Some((2, _)) if name.contains("lite") => Thinking::Budget { bounds: (512, 24_576), can_rest: true },
        Some((2, _)) => Thinking::Budget { bounds: (1, 24_576), can_rest: true },
        Some((3, 0)) if pro => Thinking::Level(&["low", "high"]),
        Some(_) if pro => Thinking::Level(&["low", "medium", "high"]),
        Some(_) => Thinking::Level(&["minimal", "low", "medium", "high"]),
        None => Thinking::Budget { bounds: (128, 24_576), can_rest: false },
    }
}

/// `gemini-2.5-flash`, `gemini-3-pro-preview`, `gemini-1.5-pro-002`; `gemini-pro` is the first.
fn version(name: &str) -> Option<(u32, u32)> {
    let rest = &name[name.find("gemini-")? + "gemini-".len()..];
    if rest == "pro" || rest.starts_with("pro-vision") || rest.starts_with("ultra") {
        return Some((1, 0));
    }
    let number = rest.split('-').next()?;
    let (major, minor) = number.split_once('.').unwrap_or((number, "0"));
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_told_by_name() {
        use Thinking::{Budget, Level, Never};
        for (model, thinking, third) in [
            ("gemini-1.5-pro-002", Never, false),
            ("gemini-pro", Never, false),
            ("gemini-2.0-flash-001", Never, false),
            ("gemini-2.5-pro", Budget { bounds: (128, 32_768), can_rest: false }, false),
            ("models/gemini-2.5-flash", Budget { bounds: (1, 24_576), can_rest: true }, false),
            ("gemini-2.5-flash-lite-preview-09-2025", Budget { bounds: (512, 24_576), can_rest: true }, false),
            ("gemini-2.5-flash-image", Never, false),
            ("gemini-3-pro-preview", Level(&["low", "high"]), true),
            (
                "projects/p/locations/l/publishers/google/models/gemini-3.1-pro-preview",
                Level(&["low", "medium", "high"]),
                true,
            ),
            ("gemini-3-flash-preview", Level(&["minimal", "low", "medium", "high"]), true),
            ("gemini-4-argon", Level(&["minimal", "low", "medium", "high"]), true),
            ("gemini-flash-latest", Budget { bounds: (128, 24_576), can_rest: false }, true),
            ("gemma-3-27b-it", Never, false),
            ("endpoints/1234", Budget { bounds: (128, 24_576), can_rest: false }, false),
        ] {
            let can = capabilities(model);
            assert_eq!((can.thinking, can.demands_signatures), (thinking, third), "{model}");
        }
        assert!(!capabilities("gemma-3-27b-it").system);
        assert!(!capabilities("gemini-1.0-pro").system);
        assert!(capabilities("gemini-1.5-flash").system);
    }
}
