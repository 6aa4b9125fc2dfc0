//! Chooses the recorded case that answers a request: the one it names, else the plainest that fits.

use serde_json::Value;

use super::corpus::{Case, Corpus};
use super::member;

/// What of a request decides the case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wish {
    /// Named by header `x-recorded-case`, or by a model `case:<name>`.
    pub(crate) case: Option<String>,
    pub(crate) stream: bool,
    /// The client expects a call of one of its tools.
    pub(crate) tool: bool,
    /// The client asked an OpenAI stream for its usage.
    pub(crate) usage: bool,
}

/// Paths and the corpus folder that answers them.
const ENDPOINTS: &[(&str, &str, &str)] = &[
    ("/v1/chat/completions", "openai", "chat-completions"),
    ("/chat/completions", "openai", "chat-completions"),
    ("/v1/models", "openai", "models"),
    ("/v1/messages", "anthropic", "messages"),
    ("/messages", "anthropic", "messages"),
    ("/v1/messages/count_tokens", "anthropic", "count-tokens"),
];

/// What breaks a client that expects a plain answer.
const BROKEN: &[&str] = &[
    "malformed_stream",
    "malformed_body",
    "truncated_tool_call",
    "empty_frames",
    "double_finish",
    "safety_block",
    "usage_null",
    "fallback",
];

/// What an ordinary chat may have.
const ORDINARY: &[&str] = &[
    "streaming",
    "stream_usage",
    "tool_call",
    "tools",
    "system",
    "multi_turn",
    "tool_result",
    "sampling_params",
    "usage_only_chunk",
];

/// The corpus folder of a path: provider and endpoint.
pub(crate) fn endpoint(path: &str) -> Option<(&'static str, &'static str)> {
    ENDPOINTS.iter().find(|(known, _, _)| *known == path).map(|&(_, provider, endpoint)| (provider, endpoint))
}

impl Wish {
    /// Reads the wish of a request.
    pub(crate) fn of(header: Option<&str>, body: &Value) -> Self {
        let named = header.or_else(|| member(body, "model").as_str()?.strip_prefix("case:"));
        let messages = member(body, "messages").as_array();
        let answered = messages.and_then(|messages| messages.last()).is_some_and(is_tool_result);
        let declined = matches!(member(body, "tool_choice"), Value::String(choice) if choice == "none")
            || member(member(body, "tool_choice"), "type") == "none";
        let tools = member(body, "tools").as_array().is_some_and(|tools| !tools.is_empty());
        Self {
            case: named.map(str::to_owned),
            stream: member(body, "stream").as_bool().unwrap_or_default(),
            tool: tools && !answered && !declined,
            usage: member(member(body, "stream_options"), "include_usage").as_bool().unwrap_or_default(),
        }
    }
}

fn is_tool_result(message: &Value) -> bool {
    member(message, "role") == "tool"
        || member(message, "content")
            .as_array()
            .is_some_and(|parts| parts.iter().any(|part| member(part, "type") == "tool_result"))
}

/// The case that answers `path` best. A named case is taken whatever it is, but only from the endpoint that was called.
pub(crate) fn choose<'a>(corpus: &'a Corpus, path: &str, wish: &Wish) -> Option<&'a Case> {
    let known = endpoint(path);
    let mut fitting = corpus.cases().iter().filter(|case| match known {
        Some((provider, endpoint)) => case.provider == provider && case.endpoint == endpoint,
        None => case.path.as_deref() == Some(path),
    });
    if let Some(name) = &wish.case {
        return fitting.find(|case| case.name == *name);
    }
    // `max_by_key` takes the last of equals, and the first folder is preferred: hence the reversal.
    let fitting: Vec<_> = fitting.filter(|case| case.status == 200 && case.streaming == wish.stream).collect();
    fitting.into_iter().rev().filter(|case| !has_any(case, BROKEN)).max_by_key(|case| score(case, wish))
}

fn score(case: &Case, wish: &Wish) -> i32 {
    let tool = has_any(case, &["tool_call"]);
    let odd = case.features.iter().filter(|feature| !ORDINARY.contains(&feature.as_str())).count();
    let odd = i32::try_from(odd).unwrap_or(i32::MAX / 4);
    let usage = has_any(case, &["stream_usage", "usage_only_chunk"]);
    100 * i32::from(tool == wish.tool) + 10 * i32::from(usage == wish.usage) + i32::from(case.recorded) - 3 * odd
}

fn has_any(case: &Case, features: &[&str]) -> bool {
    features.iter().any(|&feature| case.features.contains(feature))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(body: &Value, expected: &Wish) {
        assert_eq!(&Wish::of(None, body), expected);
    }

    #[test]
    fn the_body_tells_what_is_wished() {
        let tools = json!([{"name": "f"}]);
        check(&json!({}), &Wish::default());
        check(
            &json!({"model": "case:x", "stream": true}),
            &Wish { case: Some("x".into()), stream: true, ..Wish::default() },
        );
        check(
            &json!({"tools": tools, "messages": [{"role": "user", "content": "q"}]}),
            &Wish { tool: true, ..Wish::default() },
        );
        check(&json!({"tools": tools, "messages": [{"role": "tool", "content": "a"}]}), &Wish::default());
        let result = json!({"role": "user", "content": [{"type": "tool_result"}]});
        check(&json!({"tools": tools, "messages": [result]}), &Wish::default());
        check(&json!({"tools": tools, "tool_choice": {"type": "none"}}), &Wish::default());
        check(&json!({"stream_options": {"include_usage": true}}), &Wish { usage: true, ..Wish::default() });
    }

    #[test]
    fn a_header_beats_the_model_in_naming_the_case() {
        assert_eq!(Wish::of(Some("h"), &json!({"model": "case:m"})).case.as_deref(), Some("h"));
    }
}
