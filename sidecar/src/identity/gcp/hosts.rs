//! The hosts that get tokens of Google Cloud: those of Vertex AI and of the Gemini API.

/// See [`crate::identity::hosts`].
pub(crate) const HOSTS: &[&str] = &[
    "aiplatform.googleapis.com",
    "*-aiplatform.googleapis.com",
    "aiplatform.*.rep.googleapis.com",
    "aiplatform-*.p.googleapis.com",
    "aiplatform.mtls.googleapis.com",
    "generativelanguage.googleapis.com",
];
