//! Names of models: plain, with their publisher, or as full resource names.

use crate::providers::gemini::segments;
use crate::providers::url::segment;

/// A model, by who speaks what.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Model {
    /// Google's, and what is tuned of it: generateContent.
    Google(Resource),
    /// Anthropic's: its own format behind rawPredict.
    Claude(Resource),
    /// Another publisher's, named `publisher/model`: OpenAI's format, the model in the body.
    Partner,
}

/// Where a model stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Resource {
    /// Within the provider's project and location.
    Within(String),
    /// In the project that its name says.
    Full(String),
}

impl Model {
    pub(super) fn of(name: &str) -> Self {
        let name = name.trim_matches('/');
        // A name that would leave its place is a name without meaning: the API will say so.
        let Some(safe) = segments(name) else { return Self::google(&segment(name)) };
        let parts: Vec<&str> = safe.split('/').collect();
        match parts.as_slice() {
            ["projects", _, "locations", _, rest @ ..] => {
                let claude = matches!(rest, ["publishers", "anthropic", ..]);
                let resource = Resource::Full(format!("/{safe}"));
                if claude { Self::Claude(resource) } else { Self::Google(resource) }
            }
            ["publishers", "anthropic", "models", model] | ["anthropic", model] => Self::claude(model),
            ["publishers", "google", "models", model] | ["google" | "models", model] => Self::google(model),
            ["publishers", _, "models", _] | ["endpoints", _] => Self::Google(Resource::Within(format!("/{safe}"))),
            // The number of an endpoint of one's own.
            [number] if number.bytes().all(|byte| byte.is_ascii_digit()) => {
                Self::Google(Resource::Within(format!("/endpoints/{number}")))
            }
            [model] if model.starts_with("claude") => Self::claude(model),
            [model] => Self::google(model),
            [_, _] => Self::Partner,
            _ => Self::Google(Resource::Within(format!("/{safe}"))),
        }
    }

    fn google(model: &str) -> Self {
        Self::Google(Resource::Within(format!("/publishers/google/models/{model}")))
    }

    fn claude(model: &str) -> Self {
        Self::Claude(Resource::Within(format!("/publishers/anthropic/models/{model}")))
    }
}

impl Resource {
    /// The path, within the provider's `place` where the name says none.
    pub(super) fn within(self, place: &str) -> String {
        match self {
            Self::Within(path) => format!("{place}{path}"),
            Self::Full(path) => path,
        }
    }
}
