//! Recorded cases as they lie on disk: samples of our own, and the third-party corpus where it is at hand.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use pillion_llm::{Call, Descriptor, Envelope, Format, Framing, Outline, Wire, classify, outline, provider};
use serde_json::Value;

use crate::excluded::say;
use crate::frames::{self, Event};
use crate::parties;

/// One recorded exchange of a chat.
pub(crate) struct Case {
    /// `<provider>/<endpoint>/<case>`.
    pub(crate) id: String,
    /// `<provider>/<endpoint>`.
    pub(crate) group: String,
    /// The format, and what the cloud has around it.
    pub(crate) wire: Wire,
    pub(crate) status: u16,
    pub(crate) streaming: bool,
    /// How the reply is framed, if it is a stream.
    pub(crate) framing: Framing,
    /// The model that was asked for.
    pub(crate) model: Option<String>,
    /// What the recorded path asks for, where the path was kept.
    pub(crate) call: Option<Call>,
    /// The reply's headers, as far as they were kept.
    pub(crate) headers: HeaderMap,
    /// The request's body, where it was kept.
    pub(crate) request: Option<Bytes>,
    pub(crate) response: Bytes,
    /// Whether it lies in the project itself.
    pub(crate) ours: bool,
}

const fn wire(format: Format, envelope: Envelope) -> Wire {
    Wire { format, envelope }
}

const O: Wire = wire(Format::OpenAIChat, Envelope::None);
const R: Wire = wire(Format::OpenAIResponses, Envelope::None);
const A: Wire = wire(Format::AnthropicMessages, Envelope::None);
const G: Wire = wire(Format::GeminiGenerateContent, Envelope::None);
const B: Wire = wire(Format::BedrockConverse, Envelope::None);
const C: Wire = wire(Format::CohereChat, Envelope::None);

/// Folders of the corpus that speak a format, and the provider type that a user would write for them.
const GROUPS: &[(&str, Wire, &str)] = &[
    ("openai/chat-completions", O, "OpenAI"),
    ("openai/responses", R, "OpenAI"),
    ("anthropic/messages", A, "Anthropic"),
    ("gemini/generate-content", G, "Gemini"),
    ("gemini/stream-generate-content", G, "Gemini"),
    ("gemini/openai-compat-chat", O, "OpenAICompatible"),
    ("vertex/generate-content", G, "VertexAI"),
    ("vertex/stream-generate-content", G, "VertexAI"),
    ("vertex/raw-predict", wire(Format::AnthropicMessages, Envelope::VertexRawPredict), "VertexAI"),
    ("bedrock/converse", B, "Bedrock"),
    ("bedrock/converse-stream", B, "Bedrock"),
    ("bedrock/invoke", wire(Format::AnthropicMessages, Envelope::BedrockInvoke), "Bedrock"),
    ("bedrock/invoke-with-response-stream", wire(Format::AnthropicMessages, Envelope::BedrockInvoke), "Bedrock"),
    ("bedrock/openai-compat-chat", O, "OpenAICompatible"),
    ("bedrock/mantle-chat-completions", O, "OpenAICompatible"),
    ("bedrock/mantle-responses", R, "OpenAICompatible"),
    ("cohere/v2-chat", C, "Cohere"),
    ("azure_openai/chat-completions", O, "AzureOpenAI"),
    ("azure_openai/responses", R, "AzureOpenAI"),
    ("groq/chat-completions", O, "OpenAICompatible"),
    ("mistral/chat-completions", O, "OpenAICompatible"),
    ("deepseek/chat-completions", O, "OpenAICompatible"),
    ("deepseek/responses", R, "OpenAICompatible"),
    ("xai/chat-completions", O, "OpenAICompatible"),
    ("xai/responses", R, "OpenAICompatible"),
    ("openrouter/chat-completions", O, "OpenAICompatible"),
    ("vllm/chat-completions", O, "OpenAICompatible"),
    ("cerebras/chat-completions", O, "OpenAICompatible"),
    ("dashscope/chat-completions", O, "OpenAICompatible"),
    ("databricks/chat-completions", O, "OpenAICompatible"),
    ("huggingface/chat-completions", O, "OpenAICompatible"),
    ("huggingface/tgi-chat-completions", O, "OpenAICompatible"),
    ("ollama/openai-chat-completions", O, "OpenAICompatible"),
];

impl Case {
    pub(crate) fn format(&self) -> Format {
        self.wire.format
    }

    /// The provider that serves it.
    pub(crate) fn provider(&self) -> &'static Descriptor {
        let (.., id) = GROUPS.iter().find(|(group, ..)| *group == self.group).unwrap();
        provider(id).unwrap()
    }

    pub(crate) fn ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// What the gateway knows of the request before it parses the body: a native client's path is told by model, stream
    /// and framing.
    pub(crate) fn outline(&self, body: &[u8]) -> Result<Outline, String> {
        let call = parties::call(self.format(), self.model.as_deref(), self.streaming, self.framing);
        let outline = outline(self.format(), body).map_err(|error| error.to_string())?;
        Ok(match self.wire.envelope {
            Envelope::None => outline.told_by(&call),
            // These bodies have neither, as the path says both.
            _ => outline.told_by(&Call { model: self.model.clone(), stream: Some(self.streaming), ..call }),
        })
    }

    /// The events of a stream, without a cloud's envelope.
    pub(crate) fn events(&self) -> Vec<Event> {
        let events = frames::events(self.framing, &self.response);
        if self.wire.envelope != Envelope::BedrockInvoke {
            return events;
        }
        let inner = |event: Event| {
            let value = event.json().ok()?;
            let data = String::from_utf8(STANDARD.decode(value["bytes"].as_str()?).ok()?).ok()?;
            let name = serde_json::from_str::<Value>(&data).ok()?["type"].as_str().map(str::to_owned);
            Some(Event { name, data, exception: false })
        };
        events.into_iter().filter_map(inner).collect()
    }
}

/// Every case, the samples first.
pub(crate) static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let mut cases = load(&workspace().join("examples/recorded"), true);
    assert!(!cases.is_empty(), "the samples are missing");
    if let Some(folder) = present("the corpus of recorded traffic", "PILLION_CORPUS", "../shared/fixtures") {
        cases.extend(load(&folder, false));
    }
    cases
});

/// Whether the corpus was found.
pub(crate) fn has_corpus() -> bool {
    CASES.iter().any(|case| !case.ours)
}

/// The folder of something that lies beside the workspace; `None`, said aloud, where it does not.
pub(crate) fn present(what: &str, variable: &str, usual: &str) -> Option<PathBuf> {
    let folder = std::env::var_os(variable).map_or_else(|| workspace().join(usual), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(
        std::env::var_os("CI").is_none_or(|value| value != "true"),
        "{what} is absent: expected at {} ({variable})",
        folder.display()
    );
    let expected = folder.display();
    say(&format!("{what} is absent, what needs it was not checked: expected at {expected} ({variable})"));
    None
}

pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_path_buf()
}

fn load(root: &Path, ours: bool) -> Vec<Case> {
    let mut cases = Vec::new();
    for (group, wire, _) in GROUPS {
        let Ok(entries) = std::fs::read_dir(root.join(group)) else { continue };
        let mut folders: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
        folders.sort();
        let read = folders.iter().map(|folder| read(folder, group, *wire, ours));
        cases.extend(read.filter(speaks_its_format));
    }
    cases
}

/// Bedrock's InvokeModel carries every vendor's format; those of Anthropic's messages are known.
fn speaks_its_format(case: &Case) -> bool {
    if case.wire.envelope != Envelope::BedrockInvoke {
        return true;
    }
    let member = |body: &Option<Bytes>, member: &str| {
        let body = body.as_ref().and_then(|body| serde_json::from_slice::<Value>(body).ok());
        body.is_some_and(|body| body.get(member).is_some())
    };
    match (&case.request, case.streaming) {
        (Some(_), _) => member(&case.request, "anthropic_version"),
        (None, true) => case.events().first().is_some_and(|event| event.name.as_deref() == Some("message_start")),
        (None, false) => member(&Some(case.response.clone()), "stop_reason"),
    }
}

fn read(folder: &Path, group: &str, wire: Wire, ours: bool) -> Case {
    let meta: Value = serde_json::from_slice(&std::fs::read(folder.join("meta.json")).unwrap()).unwrap();
    let (framing, response) = reply(folder).unwrap_or_else(|| panic!("{} has no reply", folder.display()));
    let request = std::fs::read(folder.join("request.json")).ok().map(Bytes::from);
    let call = call(&meta["request"]);
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let in_path = call.as_ref().and_then(|call| call.model.clone());
    let body: Option<Value> = request.as_ref().and_then(|body| serde_json::from_slice(body).ok());
    let in_body = body.and_then(|body| text(&body["model"]));
    Case {
        id: format!("{group}/{}", folder.file_name().unwrap().to_string_lossy()),
        group: group.to_owned(),
        wire,
        status: meta["status"].as_u64().and_then(|status| status.try_into().ok()).unwrap_or(200),
        streaming: meta["streaming"].as_bool().unwrap_or_default(),
        framing,
        model: in_path.or(in_body).or_else(|| text(&meta["model"])),
        call,
        headers: headers(&meta["response_headers"]),
        request,
        response,
        ours,
    }
}

/// The recorded reply; a stream in a `.json` file is an array.
fn reply(folder: &Path) -> Option<(Framing, Bytes)> {
    let files = [
        ("response.json", Framing::JsonArray),
        ("response.sse", Framing::Sse),
        ("response.eventstream.b64", Framing::EventStream),
        ("response.txt", Framing::Sse),
    ];
    let found =
        files.into_iter().find_map(|(file, framing)| Some((file, framing, std::fs::read(folder.join(file)).ok()?)));
    found.map(|(file, framing, bytes)| {
        if !file.ends_with(".b64") {
            return (framing, Bytes::from(bytes));
        }
        let text: Vec<u8> = bytes.into_iter().filter(|byte| !byte.is_ascii_whitespace()).collect();
        (framing, STANDARD.decode(text).unwrap().into())
    })
}

fn headers(recorded: &Value) -> HeaderMap {
    let recorded = recorded.as_object().into_iter().flatten();
    let header = |(name, value): (&String, &Value)| {
        Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value.as_str()?).ok()?))
    };
    recorded.filter_map(header).collect()
}

fn call(request: &Value) -> Option<Call> {
    let path = request["path"].as_str()?;
    let query = request["query"].as_object().into_iter().flatten();
    let query: Vec<String> =
        query.map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default())).collect();
    let query = (!query.is_empty()).then(|| query.join("&"));
    let method = request["method"].as_str().and_then(|method| method.parse().ok()).unwrap_or(Method::POST);
    Some(classify(&method, path, query.as_deref(), &HeaderMap::new()))
}

#[test]
fn recorded_paths_tell_format_model_stream_and_framing() {
    let mut told = 0;
    for case in CASES.iter().filter(|case| case.wire.envelope == Envelope::None) {
        let Some(call) = case.call.as_ref().filter(|call| call.format.is_some()) else { continue };
        told += 1;
        assert_eq!(call.format, Some(case.format()), "{}: {}", case.id, call.path);
        if call.format.is_some_and(Format::asks_in_path) {
            assert_eq!(call.stream, Some(case.group.contains("stream")), "{}: {}", case.id, call.path);
            if case.streaming && case.ok() {
                assert_eq!(call.framing, Some(case.framing), "{}: {}", case.id, call.path);
            }
        }
    }
    assert!(told > 0 || !has_corpus());
}
