//! Recorded cases as they lie on disk: samples of our own, and the third-party corpus where it is at hand.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use bytes::Bytes;
use pillion_llm::{Descriptor, Format, provider};
use serde_json::Value;

use crate::excluded::say;

/// One recorded exchange of a chat.
pub(crate) struct Case {
    /// `<provider>/<endpoint>/<case>`.
    pub(crate) id: String,
    /// `<provider>/<endpoint>`.
    pub(crate) group: String,
    pub(crate) format: Format,
    pub(crate) status: u16,
    pub(crate) streaming: bool,
    /// The request's body, where it was kept.
    pub(crate) request: Option<Bytes>,
    pub(crate) response: Bytes,
    /// Whether it lies in the project itself.
    pub(crate) ours: bool,
}

/// Folders of the corpus that speak a format, and the provider type that a user would write for them.
const GROUPS: &[(&str, Format, &str)] = &[
    ("openai/chat-completions", Format::OpenAIChat, "OpenAI"),
    ("anthropic/messages", Format::AnthropicMessages, "Anthropic"),
    ("azure_openai/chat-completions", Format::OpenAIChat, "OpenAICompatible"),
    ("groq/chat-completions", Format::OpenAIChat, "OpenAICompatible"),
    ("mistral/chat-completions", Format::OpenAIChat, "OpenAICompatible"),
    ("deepseek/chat-completions", Format::OpenAIChat, "OpenAICompatible"),
    ("xai/chat-completions", Format::OpenAIChat, "OpenAICompatible"),
    ("openrouter/chat-completions", Format::OpenAIChat, "OpenAICompatible"),
    ("vllm/chat-completions", Format::OpenAIChat, "OpenAICompatible"),
    ("cerebras/chat-completions", Format::OpenAIChat, "OpenAICompatible"),
    ("huggingface/chat-completions", Format::OpenAIChat, "OpenAICompatible"),
    ("huggingface/tgi-chat-completions", Format::OpenAIChat, "OpenAICompatible"),
    ("ollama/openai-chat-completions", Format::OpenAIChat, "OpenAICompatible"),
];

impl Case {
    /// The provider that serves it.
    pub(crate) fn provider(&self) -> &'static Descriptor {
        let (.., id) = GROUPS.iter().find(|(group, ..)| *group == self.group).unwrap();
        provider(id).unwrap()
    }

    /// The format that it is not.
    pub(crate) fn other(&self) -> Format {
        other(self.format)
    }

    pub(crate) fn ok(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// The other of the two formats.
pub(crate) fn other(format: Format) -> Format {
    match format {
        Format::OpenAIChat => Format::AnthropicMessages,
        Format::AnthropicMessages => Format::OpenAIChat,
    }
}

/// The provider of a format's own vendor.
pub(crate) fn vendor(format: Format) -> &'static Descriptor {
    match format {
        Format::OpenAIChat => provider("OpenAI").unwrap(),
        Format::AnthropicMessages => provider("Anthropic").unwrap(),
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
    for (group, format, _) in GROUPS {
        let Ok(entries) = std::fs::read_dir(root.join(group)) else { continue };
        let mut folders: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
        folders.sort();
        cases.extend(folders.iter().map(|folder| read(folder, group, *format, ours)));
    }
    cases
}

fn read(folder: &Path, group: &str, format: Format, ours: bool) -> Case {
    let meta: Value = serde_json::from_slice(&std::fs::read(folder.join("meta.json")).unwrap()).unwrap();
    let response = ["response.json", "response.sse", "response.txt"]
        .iter()
        .find_map(|file| std::fs::read(folder.join(file)).ok())
        .unwrap_or_else(|| panic!("{} has no reply", folder.display()));
    Case {
        id: format!("{group}/{}", folder.file_name().unwrap().to_string_lossy()),
        group: (*group).to_owned(),
        format,
        status: meta["status"].as_u64().and_then(|status| status.try_into().ok()).unwrap_or(200),
        streaming: meta["streaming"].as_bool().unwrap_or_default(),
        request: std::fs::read(folder.join("request.json")).ok().map(Bytes::from),
        response: response.into(),
        ours,
    }
}
