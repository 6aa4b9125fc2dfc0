//! What is wrong with an object, in words that a condition, an event and an admission message share.

use pillion_crds::conditions::reason;
use pillion_crds::{AIProvider, AIRoute};
use pillion_snapshot::ProviderKey;
use std::fmt;

/// One thing that is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Path of the field, `spec.rules[0].backends[1].provider.name`.
    pub field: String,
    /// What is wrong and what to do; lower case, no full stop.
    pub message: String,
}

impl Finding {
    pub(crate) fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

/// Names an object, `AIRoute/team-a/chat`. Objects without a namespace (files) are in `default`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// `AIRoute` or `AIProvider`.
    pub kind: &'static str,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl ObjectKey {
    /// The key of a provider.
    #[must_use]
    pub fn of_provider(object: &AIProvider) -> Self {
        Self::new("AIProvider", object.metadata.namespace.as_deref(), object.metadata.name.as_deref())
    }

    /// The key of a route.
    #[must_use]
    pub fn of_route(object: &AIRoute) -> Self {
        Self::new("AIRoute", object.metadata.namespace.as_deref(), object.metadata.name.as_deref())
    }

    fn new(kind: &'static str, namespace: Option<&str>, name: Option<&str>) -> Self {
        let namespace = namespace.unwrap_or(crate::select::DEFAULT_NAMESPACE).to_owned();
        Self { kind, namespace, name: name.unwrap_or_default().to_owned() }
    }

    pub(crate) fn name_in_snapshot(&self) -> ProviderKey {
        ProviderKey(format!("{}/{}", self.namespace, self.name))
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.kind, self.namespace, self.name)
    }
}

/// A condition's status, reason and message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// True or False.
    pub status: bool,
    /// One of `pillion_crds::conditions::reason`.
    pub reason: &'static str,
    /// For people.
    pub message: String,
}

impl Verdict {
    pub(crate) fn good(reason: &'static str, message: &str) -> Self {
        Self { status: true, reason, message: message.to_owned() }
    }

    pub(crate) fn bad(reason: &'static str, findings: &[Finding]) -> Self {
        let shown: Vec<String> = findings.iter().take(8).map(ToString::to_string).collect();
        let more = findings.len().saturating_sub(shown.len());
        let tail = if more == 0 { String::new() } else { format!("; and {more} more") };
        Self { status: false, reason, message: shown.join("; ") + &tail }
    }
}

/// All that the compiler has to say of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Findings {
    /// Whether the spec makes sense by itself.
    pub accepted: Verdict,
    /// Whether all it refers to is there.
    pub resolved_refs: Verdict,
    /// Set when a rule can never be reached.
    pub overridden: Option<Verdict>,
}

impl Findings {
    pub(crate) fn new(wrong: &[Finding], unresolved: &[Finding]) -> Self {
        let accepted = match wrong {
            [] => Verdict::good(reason::ACCEPTED, "the spec is valid"),
            _ => Verdict::bad(reason::INVALID, wrong),
        };
        let resolved_refs = match unresolved {
            [] => Verdict::good(reason::RESOLVED_REFS, "all references are resolved"),
            _ => Verdict::bad(reason::BACKEND_NOT_FOUND, unresolved),
        };
        Self { accepted, resolved_refs, overridden: None }
    }
}
