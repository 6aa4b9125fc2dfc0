//! What the server keeps of each request.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One request as it arrived.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Received {
    /// `HTTP/1.1` or `HTTP/2.0`.
    pub version: String,
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Headers in the order of arrival, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, byte for byte when it is UTF-8.
    pub body: String,
    /// The case that answered: `<provider>/<endpoint>/<case>`.
    pub case: Option<String>,
    /// What the vendor would have refused, and what should not have left the pod.
    pub problems: Vec<String>,
    /// The reply was sent to its end.
    pub finished: bool,
    /// The client went away before the end of the reply.
    pub aborted: bool,
}

impl Received {
    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON, or null.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}
