//! Recorded cases as they lie on disk: `<provider>/<endpoint>/<case>/{request.json, response.*, meta.json}`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::Value;

/// One recorded exchange.
#[derive(Debug, Clone)]
pub struct Case {
    /// The provider's folder, such as `openai`.
    pub provider: String,
    /// The endpoint's folder, such as `chat-completions`.
    pub endpoint: String,
    /// The case's folder.
    pub name: String,
    /// The status of the reply.
    pub status: u16,
    /// Whether the reply is a stream.
    pub streaming: bool,
    /// What is special about it, by the corpus's tags.
    pub features: BTreeSet<String>,
    /// Whether it is a real HTTP recording.
    pub recorded: bool,
    /// The path of the recorded request, where it was kept.
    pub path: Option<String>,
    /// The headers of the reply; at least its content type.
    pub headers: HeaderMap,
    folder: PathBuf,
    response: String,
}

#[derive(Deserialize)]
struct Meta {
    #[serde(default = "ok")]
    status: u16,
    #[serde(default)]
    streaming: bool,
    #[serde(default)]
    features: BTreeSet<String>,
    #[serde(default)]
    provenance: String,
    #[serde(default)]
    request: Value,
    #[serde(default)]
    response_headers: Option<std::collections::BTreeMap<String, Value>>,
}

fn ok() -> u16 {
    200
}

/// The files that can hold a reply, and the content type where none was recorded.
const REPLIES: &[(&str, &str)] = &[
    ("response.json", "application/json"),
    ("response.sse", "text/event-stream; charset=utf-8"),
    ("response.ndjson", "application/x-ndjson"),
    ("response.eventstream.b64", "application/vnd.amazon.eventstream"),
    ("response.bin.b64", "application/octet-stream"),
    ("response.txt", "text/plain; charset=utf-8"),
];

/// What belongs to the recorded connection, not to the reply.
const OF_THE_CONNECTION: &[&str] = &[
    "connection",
    "content-encoding",
    "content-length",
    "date",
    "keep-alive",
    "set-cookie",
    "transfer-encoding",
    "alt-svc",
];

impl Case {
    /// The reply's body.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn body(&self) -> Result<Bytes> {
        let file = self.folder.join(&self.response);
        let bytes = std::fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
        if !self.response.ends_with(".b64") {
            return Ok(bytes.into());
        }
        let text: Vec<u8> = bytes.into_iter().filter(|byte| !byte.is_ascii_whitespace()).collect();
        Ok(BASE64_STANDARD.decode(text).with_context(|| format!("decoding {}", file.display()))?.into())
    }

    /// Whether the reply was recorded as server-sent events.
    #[must_use]
    pub fn is_sse(&self) -> bool {
        self.response.ends_with(".sse")
    }

    /// Whether the reply was recorded as JSON.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.response.ends_with(".json")
    }

    /// The recorded request's body, where it was kept.
    #[must_use]
    pub fn request(&self) -> Option<Bytes> {
        std::fs::read(self.folder.join("request.json")).ok().map(Bytes::from)
    }

    /// The case as `<provider>/<endpoint>/<case>`.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}/{}/{}", self.provider, self.endpoint, self.name)
    }

    fn load(folder: &Path) -> Result<Option<Self>> {
        let meta = folder.join("meta.json");
        let Ok(text) = std::fs::read(&meta) else { return Ok(None) };
        let meta: Meta = serde_json::from_slice(&text).with_context(|| format!("reading {}", meta.display()))?;
        let Some((response, content_type)) = REPLIES.iter().find(|(file, _)| folder.join(file).is_file()) else {
            bail!("{} has no reply", folder.display());
        };
        let part = |back: usize| {
            folder.iter().rev().nth(back).map(|part| part.to_string_lossy().into_owned()).unwrap_or_default()
        };
        Ok(Some(Self {
            provider: part(2),
            endpoint: part(1),
            name: part(0),
            status: meta.status,
            streaming: meta.streaming,
            features: meta.features,
            recorded: meta.provenance == "recorded",
            path: meta.request.get("path").and_then(Value::as_str).map(str::to_owned),
            headers: headers(meta.response_headers.unwrap_or_default(), content_type),
            folder: folder.to_path_buf(),
            response: (*response).to_owned(),
        }))
    }
}

fn headers(recorded: std::collections::BTreeMap<String, Value>, content_type: &'static str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    for (name, value) in recorded {
        let name = name.to_ascii_lowercase();
        if OF_THE_CONNECTION.contains(&name.as_str()) {
            continue;
        }
        let text = value.as_str().map(str::to_owned).or_else(|| value.get(0)?.as_str().map(str::to_owned));
        if let (Ok(name), Some(Ok(value))) = (HeaderName::try_from(name), text.map(HeaderValue::try_from)) {
            headers.insert(name, value);
        }
    }
    headers
}

/// All cases of some folders, the first folder's first, each folder's in the order of their names.
#[derive(Debug, Clone, Default)]
pub struct Corpus {
    cases: Vec<Case>,
}

impl Corpus {
    /// Reads the cases' descriptions; folders that do not exist are passed over.
    ///
    /// # Errors
    /// When a case is broken, or there is none at all.
    pub fn load(folders: &[PathBuf]) -> Result<Self> {
        let mut cases = Vec::new();
        for folder in folders.iter().filter(|folder| folder.is_dir()) {
            for provider in folders_in(folder)? {
                for endpoint in folders_in(&provider)? {
                    for case in folders_in(&endpoint)? {
                        cases.extend(Case::load(&case)?);
                    }
                }
            }
        }
        if cases.is_empty() {
            let looked: Vec<_> = folders.iter().map(|folder| folder.display().to_string()).collect();
            bail!("no recorded case in {}", looked.join(", "));
        }
        Ok(Self { cases })
    }

    /// Every case.
    #[must_use]
    pub fn cases(&self) -> &[Case] {
        &self.cases
    }
}

fn folders_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut folders: Vec<_> =
        std::fs::read_dir(folder)?.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    Ok(folders)
}
