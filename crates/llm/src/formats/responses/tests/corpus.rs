//! Recorded cases of this format, where the corpus is at hand.

use super::*;
use std::path::{Path, PathBuf};

/// One recorded exchange.
pub(super) struct Case {
    pub(super) id: String,
    pub(super) status: u64,
    pub(super) request: Option<Value>,
    /// A whole reply's body.
    pub(super) reply: Option<Value>,
    /// A stream's bytes.
    pub(super) stream: Option<Vec<u8>>,
}

const GROUPS: &[&str] =
    &["openai/responses", "azure_openai/responses", "xai/responses", "deepseek/responses", "bedrock/mantle-responses"];

/// Replies of another format under this format's path.
const OTHER_FORMATS: &[&str] = &["azure_openai/responses/azure-deepseek-reasoning-1-vrcl"];

/// Every case of this format; none, said aloud, where the corpus is absent.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = load(GROUPS);
    cases.retain(|case| !OTHER_FORMATS.contains(&case.id.as_str()));
    cases
}

/// Cases of the formats that most clients and providers speak.
pub(super) fn others() -> Vec<(Format, Case)> {
    let of = |format: Format, group| load(&[group]).into_iter().map(move |case| (format, case));
    let chat =
        ["openai/chat-completions", "groq/chat-completions", "mistral/chat-completions", "openrouter/chat-completions"];
    let chat = chat.into_iter().flat_map(|group| of(Format::OpenAIChat, group));
    chat.chain(of(Format::AnthropicMessages, "anthropic/messages")).collect()
}

fn load(groups: &[&str]) -> Vec<Case> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let folder = std::env::var_os("PILLION_CORPUS").map_or_else(|| workspace.join("../shared/fixtures"), PathBuf::from);
    if !folder.is_dir() {
        assert!(
            std::env::var_os("CI").is_none_or(|value| value != "true"),
            "the corpus of recorded traffic is absent: expected at {} (PILLION_CORPUS)",
            folder.display()
        );
        say(&format!("the corpus is absent, nothing was checked: expected at {}", folder.display()));
        return Vec::new();
    }
    let mut cases = Vec::new();
    for group in groups {
        let mut folders: Vec<PathBuf> =
            std::fs::read_dir(folder.join(group)).unwrap().map(|entry| entry.unwrap().path()).collect();
        folders.sort();
        cases.extend(folders.iter().map(|folder| read(folder, group)));
    }
    assert!(!cases.is_empty(), "the cases are gone");
    cases
}

fn say(what: &str) {
    use std::io::Write as _;
    writeln!(std::io::stderr(), "{what}").unwrap();
}

fn read(folder: &Path, group: &str) -> Case {
    let json = |name: &str| -> Option<Value> {
        let bytes = std::fs::read(folder.join(name)).ok()?;
        Some(serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{}: {error}", folder.display())))
    };
    Case {
        id: format!("{group}/{}", folder.file_name().unwrap().to_string_lossy()),
        status: json("meta.json").unwrap()["status"].as_u64().unwrap_or(200),
        request: json("request.json"),
        reply: json("response.json"),
        stream: std::fs::read(folder.join("response.sse")).ok(),
    }
}
