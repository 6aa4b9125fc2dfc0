//! Paths of Google's APIs: a version in front, which the endpoint may have too, and names of resources.

use crate::providers::url::{is_version, segment};

/// Endpoint and path, taken apart.
#[derive(Debug)]
pub(in super::super) struct Versioned {
    /// The endpoint without a version.
    base: String,
    /// `/upload` before the version, where files are sent.
    upload: bool,
    version: String,
    /// What stands behind the version; begins with `/`.
    pub(in super::super) rest: String,
}

impl Versioned {
    /// The version of the endpoint counts, then that of the path, then `version`.
    pub(in super::super) fn of(endpoint: &str, path: &str, version: &str) -> Self {
        let endpoint = endpoint.trim_end_matches('/');
        let (base, fixed) = match endpoint.rsplit_once('/') {
            Some((base, last)) if is_version(last) && !base.ends_with('/') => (base, Some(last)),
            _ => (endpoint, None),
        };
        let (upload, path) = match path.strip_prefix("/upload/") {
            Some(rest) => (true, rest),
            None => (false, path.trim_start_matches('/')),
        };
        let (first, rest) = path.split_once('/').unwrap_or((path, ""));
        let (own, rest) = if is_version(first) { (Some(first), rest) } else { (None, path) };
        let version = fixed.or(own).unwrap_or(version).to_owned();
        Self { base: base.to_owned(), upload, version, rest: format!("/{rest}") }
    }

    pub(in super::super) fn url(&self) -> String {
        let upload = if self.upload { "/upload" } else { "" };
        format!("{}{upload}/{}{}", self.base, self.version, self.rest)
    }
}

/// A name of several segments, each of them safe in a path; `None` for one that would leave its place.
pub(in super::super) fn segments(name: &str) -> Option<String> {
    let safe = |part: &str| !part.is_empty() && part != "." && part != "..";
    let parts: Vec<&str> = name.split('/').collect();
    // Versions of models stand behind an `@`.
    parts
        .iter()
        .all(|part| safe(part))
        .then(|| parts.iter().map(|part| segment(part).replace("%40", "@")).collect::<Vec<_>>().join("/"))
}
