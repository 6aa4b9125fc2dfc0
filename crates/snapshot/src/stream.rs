//! What travels on the snapshot stream: JSON lines down, reports up.

use crate::{Credentials, Keys, RefusedKey, Snapshot, version_of};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// One line of `GET /v1/snapshot`.
///
/// ```json
/// {"kind":"snapshot","stream":"op-1/42","version":"9f2c…","snapshot":{"rules":[…],"providers":{…}}}
/// {"kind":"keys","keys":{"team-a/openai/api-key":{"state":"given","generation":"7","value":"sk-…"}}}
/// {"kind":"keepAlive"}
/// {"kind":"goodbye","reason":"maximum age"}
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// Replaces all that was there before.
    Snapshot {
        /// Names this stream in the acks that answer it.
        stream: String,
        /// Boxed: a keep-alive should not be as large as a snapshot.
        snapshot: Box<Snapshot>,
    },
    /// Keys that the snapshots of this stream name.
    Keys(Keys),
    /// Nothing changed; the operator is alive.
    KeepAlive,
    /// The operator closes this stream on purpose (maximum age, drain): connect again at once.
    Goodbye {
        /// Why, for the log.
        reason: String,
    },
    /// Of a kind that only newer operators send; skipped.
    Unknown,
}

/// The body of `POST /v1/reports`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Version of the sidecar that speaks.
    pub sidecar_version: String,
    /// What came of a snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ack: Option<Ack>,
    /// How its credentials are, where that has changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Credentials>,
    /// Keys of this stream that a provider refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused_keys: Vec<RefusedKey>,
}

/// Says that a snapshot is served, or why it is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ack {
    /// The stream that carried it.
    pub stream: String,
    /// The snapshot's version.
    pub version: String,
    /// What came of it.
    pub outcome: Outcome,
    /// `sources` of the snapshot that is served now.
    #[serde(default)]
    pub serving: BTreeMap<String, i64>,
}

/// What came of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "camelCase")]
pub enum Outcome {
    /// It is served.
    Applied,
    /// The former one is still served.
    Refused {
        /// Why, for the route's condition; never holds a secret.
        reason: String,
    },
}

/// Why a line could not be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadError {
    /// Not JSON, or not of a shape this version knows.
    Malformed(String),
    /// The content is not what its version names.
    Corrupt {
        /// The version it claims.
        version: String,
    },
}

impl std::fmt::Display for ReadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Malformed(why) => write!(f, "failed to parse a line of the snapshot stream: {why}"),
            Self::Corrupt { version } => write!(f, "snapshot {version} does not have the content its version names"),
        }
    }
}

impl std::error::Error for ReadError {}

/// A line as it stands on the wire. The snapshot stays raw, so that its hash is taken over the operator's own bytes:
/// fields that this version does not know take part in it.
#[derive(Serialize, Deserialize)]
struct WireLine<'a> {
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    snapshot: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    keys: Option<&'a RawValue>,
}

/// Parses one line (without its line feed) and checks a snapshot's content against its version.
///
/// # Errors
/// [`ReadError`], after which the reader keeps what it has.
pub fn read_line(line: &[u8]) -> Result<Line, ReadError> {
    let malformed = |error: serde_json::Error| ReadError::Malformed(error.to_string());
    let line: WireLine<'_> = serde_json::from_slice(line).map_err(malformed)?;
    match (line.kind, line.snapshot) {
        ("snapshot", Some(raw)) => {
            let version = line.version.unwrap_or_default();
            if version_of(raw.get().as_bytes()) != version {
                return Err(ReadError::Corrupt { version });
            }
            let snapshot = serde_json::from_str(raw.get()).map_err(malformed)?;
            let snapshot = Box::new(Snapshot { version, ..snapshot });
            Ok(Line::Snapshot { stream: line.stream.unwrap_or_default(), snapshot })
        }
        ("snapshot", None) => Err(ReadError::Malformed("a snapshot line without a snapshot".into())),
        ("keys", _) => {
            let keys = line.keys.map(|raw| serde_json::from_str(raw.get())).transpose();
            // The parser's own words would repeat a key.
            let keys = keys.map_err(|_| ReadError::Malformed("the keys are of no known shape".into()))?;
            Ok(Line::Keys(keys.unwrap_or_default()))
        }
        ("keepAlive", _) => Ok(Line::KeepAlive),
        ("goodbye", _) => Ok(Line::Goodbye { reason: line.reason.unwrap_or_default() }),
        _ => Ok(Line::Unknown),
    }
}

/// Serialises one line, line feed included. A snapshot must be sealed.
#[must_use]
pub fn write_line(line: &Line) -> Vec<u8> {
    let mut wire = WireLine { kind: "unknown", stream: None, version: None, reason: None, snapshot: None, keys: None };
    let raw;
    match line {
        Line::Snapshot { stream, snapshot } => {
            raw = RawValue::from_string(snapshot.to_json()).expect("serde_json writes JSON");
            wire.kind = "snapshot";
            wire.stream = Some(stream.clone());
            wire.version = Some(snapshot.version.clone());
            wire.snapshot = Some(&raw);
        }
        Line::Keys(keys) => {
            raw = serde_json::value::to_raw_value(keys).expect("keys have only string keys");
            wire.kind = "keys";
            wire.keys = Some(&raw);
        }
        Line::KeepAlive => wire.kind = "keepAlive",
        Line::Goodbye { reason } => {
            wire.kind = "goodbye";
            wire.reason = Some(reason.clone());
        }
        Line::Unknown => {}
    }
    let mut bytes = serde_json::to_vec(&wire).expect("lines have only string keys");
    bytes.push(b'\n');
    bytes
}
