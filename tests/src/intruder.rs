//! The program `tests/go/intruder`, which looks around in a pod as an attacker would; it is asked through the API server's proxy of pods.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::cluster::Cluster;
use crate::wait;

/// Its port in a pod where it runs once; each further one takes the next.
const FIRST_PORT: u16 = 8080;
/// How long it may take to answer for the first time.
const LISTENS_WITHIN: Duration = Duration::from_secs(60);
/// Where the operator gives configuration and keys to sidecars.
const SNAPSHOT: &str = "https://pillion-operator.pillion-system.svc:9444/v1/snapshot";

/// One running intruder.
#[derive(Clone, Copy)]
pub struct Intruder<'a> {
    cluster: &'a Cluster,
    namespace: &'a str,
    pod: &'a str,
    port: u16,
}

/// A file that it could read.
#[derive(Debug, Clone, Deserialize)]
pub struct File {
    /// Where it is, as the intruder sees it.
    pub path: String,
    /// What it says.
    pub text: String,
}

/// A process that it sees.
#[derive(Debug, Clone, Deserialize)]
pub struct Process {
    /// Its id.
    pub id: String,
    /// Program and arguments, one a line.
    pub command: String,
    /// Its variables, one a line; empty where they cannot be read.
    pub environment: String,
    /// Files of its own root that could be read, of those that a sidecar has.
    pub files: Vec<File>,
}

/// A reply to one of its requests, as far as it came.
#[derive(Debug, Clone, Deserialize)]
pub struct Answer {
    /// The status; 0 where there was no reply.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The lines of the body.
    pub lines: Vec<String>,
    /// Why there was no reply.
    pub error: String,
}

/// With which token the config server is asked.
#[derive(Debug, Clone, Copy)]
pub enum Bearer<'a> {
    /// None at all.
    Nobody,
    /// One that is in a file, where the intruder sees it.
    File(&'a str),
    /// One that the intruder was handed.
    Token(&'a str),
}

impl<'a> Intruder<'a> {
    /// The first in a pod.
    #[must_use]
    pub fn of(cluster: &'a Cluster, namespace: &'a str, pod: &'a str) -> Self {
        Self { cluster, namespace, pod, port: FIRST_PORT }
    }

    /// The next that was started in the same pod.
    #[must_use]
    pub fn next(self) -> Self {
        Self { port: self.port + 1, ..self }
    }

    /// All small files under a path.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn files(&self, under: &str) -> Result<Vec<File>> {
        self.ask("files", &[("path", under)]).await
    }

    /// All processes that it sees.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn processes(&self) -> Result<Vec<Process>> {
        self.ask("processes", &[]).await
    }

    /// Has it GET a page.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn get(&self, url: &str) -> Result<Answer> {
        self.ask("fetch", &[("url", url)]).await
    }

    /// Has it POST JSON.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn post(&self, url: &str, body: &Value) -> Result<Answer> {
        self.ask("fetch", &[("url", url), ("body", &body.to_string()), ("seconds", "20")]).await
    }

    /// Has it open the stream of configuration and keys as if it were a sidecar. What comes within 5 s is the answer, or what comes
    /// until there was a snapshot and a word on keys.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn opens_stream(&self, bearer: Bearer<'_>) -> Result<Answer> {
        let bearer = match bearer {
            Bearer::Nobody => ("bearer", ""),
            Bearer::File(path) => ("token-file", path),
            Bearer::Token(token) => ("bearer", token),
        };
        let until = |kind| ("until", kind);
        let parameters = [("url", SNAPSHOT), bearer, until(r#""kind":"snapshot""#), until(r#""kind":"keys""#)];
        self.ask("fetch", &parameters).await
    }

    /// What it answers is always 200, whatever it found: anything else is the way to it, and is tried again.
    async fn ask<T: DeserializeOwned>(&self, what: &str, parameters: &[(&str, &str)]) -> Result<T> {
        let Self { cluster, namespace, pod, port } = self;
        let query: Vec<_> = parameters.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let path = format!("/api/v1/namespaces/{namespace}/pods/{pod}:{port}/proxy/{what}?{}", query.join("&"));
        let said = wait::until(&format!("the intruder in {pod}"), LISTENS_WITHIN, || async {
            cluster.kubectl(["get", "--raw", &path])
        })
        .await
        .map_err(|error| error.context(cluster.pods_of(namespace)))?;
        serde_json::from_str(&said).with_context(|| format!("{what}: {said}"))
    }
}

impl Answer {
    /// The whole body.
    #[must_use]
    pub fn text(&self) -> String {
        self.lines.join("\n")
    }

    /// A header's value, or nothing.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// Of a stream: what it said last of a key.
    #[must_use]
    pub fn key(&self, id: &str) -> Value {
        self.of_kind("keys").map(|line| line["keys"][id].clone()).rfind(|key| !key.is_null()).unwrap_or_default()
    }

    /// Of a stream: its last snapshot, or null.
    #[must_use]
    pub fn snapshot(&self) -> Value {
        self.of_kind("snapshot").next_back().unwrap_or_default()
    }

    fn of_kind(&self, kind: &'static str) -> impl DoubleEndedIterator<Item = Value> {
        let lines = self.lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter(move |line| line["kind"] == kind)
    }
}

/// A value as it stands in a query.
fn encoded(value: &str) -> String {
    value.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_stream_said_last_counts() {
        let lines = [
            r#"{"kind":"keys","keys":{"n/s/k":{"state":"given","generation":"1","value":"sk"}}}"#,
            r#"{"kind":"snapshot","version":"1"}"#,
            r#"{"kind":"keepAlive"}"#,
            r#"{"kind":"keys","keys":{"n/s/k":{"state":"withdrawn"}}}"#,
            "cut o",
        ];
        let lines = lines.map(String::from).to_vec();
        let answer = Answer { status: 200, headers: BTreeMap::new(), lines, error: String::new() };
        assert_eq!(answer.key("n/s/k")["state"], "withdrawn");
        assert_eq!(answer.key("other"), Value::Null);
        assert_eq!(answer.snapshot()["version"], "1");
    }

    #[test]
    fn a_query_carries_any_text() {
        assert_eq!(encoded("a-1 &=é%"), "a-1%20%26%3D%C3%A9%25");
    }
}
